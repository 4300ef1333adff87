"""How much of what is there is found: packages against Syft's, vulnerabilities against Anchore's labels.

Packages: the images of `scan_fleet`, read by us and by Syft, compared in distinct names and versions by ecosystem.
Where only one finds something and the reason can be told from what it says (a version that Syft does not know, the
main module of a Go program, a jar without a name), it is listed with that cause and not counted.

Vulnerabilities: `benchmarks/label_agreement.py` says how. It needs the folder of real data beside the project and is
left out, saying so, where that is absent.

    make bench NAME=scan_accuracy
    python -m benchmarks.scan_accuracy --images 6
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.image_fleet import PushedImage, build_images, fleet_images, push_images
from benchmarks.label_agreement import (
    ADVISORIES,
    Advisories,
    Disagreement,
    Score,
    has_data,
    iter_advisories,
    read_labels,
    score_labels,
)
from benchmarks.machinery import free_port
from benchmarks.package_agreement import Agreement, Named, compare, read_image
from benchmarks.registries import tagged_registry
from benchmarks.result import Bar, describe_machine, finish
from benchmarks.syft import Artifact, find_artifacts, run_syft

SHOWN = 10
"""Disagreements of one kind that are printed."""

ENOUGH = 20
"""Labels of what is there, below which one ecosystem's recall says little."""


async def read_fleet(count: int) -> list[tuple[PushedImage, tuple[Artifact, ...]]]:
    """The images, and what Syft finds in each; asked again only of images it has not seen."""
    built = await asyncio.to_thread(build_images, fleet_images()[:count])
    with tempfile.TemporaryDirectory() as folder:
        async with tagged_registry(Path(folder), free_port(), 0) as registry:
            images = await push_images(registry.http, registry.url, built)
            found = []
            for image in images:
                artifacts = find_artifacts(image.digest)
                if artifacts is None:
                    reference = f"{registry.host}/{image.name}:1.0"
                    artifacts = (await asyncio.to_thread(run_syft, reference, image.digest)).artifacts
                found.append((image, artifacts))
            return found


def show_packages(agreements: Mapping[str, Agreement]) -> None:
    """Print what differs."""
    for ecosystem, agreement in agreements.items():
        for who, items in (("only Syft", agreement.only_syft), ("only we", agreement.only_ours)):
            for cause, count in Counter(items.values()).most_common():
                named = [item for item, said in sorted(items.items()) if said == cause]
                print(f"{ecosystem}, {who}: {count} ({cause or 'no cause told'}): {_short(named)}")


def _short(named: Sequence[Named]) -> str:
    shown = ", ".join(f"{name} {version}" for name, version in named[:SHOWN])
    return f"{shown}, and {len(named) - SHOWN} more" if len(named) > SHOWN else shown


def show_labels(scores: Mapping[str, Score]) -> None:
    """Print every label that matching does not bear out."""
    for ecosystem, score in scores.items():
        for what, items in (("missed", score.missed), ("false positive", score.raised)):
            for item in items:
                print(f"{ecosystem}, {what}: {_told(item)}")


def _told(item: Disagreement) -> str:
    label = item.label
    aside = "; set aside" if item.is_set_aside else ""
    return f"{label.name} {label.version} {'/'.join(sorted(label.identifiers))} by {item.advisory}: {item.cause}{aside}"


def package_figures(agreements: Mapping[str, Agreement]) -> dict[str, object]:
    """For the last line."""
    return {
        ecosystem: {
            "both": len(agreement.both),
            "only Syft": _by_cause(agreement.only_syft),
            "only we": _by_cause(agreement.only_ours),
            "recall": round(agreement.recall, 4),
            "precision": round(agreement.precision, 4),
        }
        for ecosystem, agreement in agreements.items()
    }


def _by_cause(items: Mapping[Named, str]) -> dict[str, int]:
    return dict(Counter(cause or "no cause told" for cause in items.values()))


def label_figures(scores: Mapping[str, Score]) -> dict[str, object]:
    """For the last line."""
    return {
        ecosystem: {
            "found": score.found,
            "missed": len(score.missed),
            "false positives": sum(not item.is_set_aside for item in score.raised),
            "set aside": sum(item.is_set_aside for item in score.raised),
            "precision": round(score.precision, 3),
            "recall": round(score.recall, 3),
            "F1": round(score.f1, 3),
        }
        for ecosystem, score in scores.items()
    }


def package_bars(agreements: Mapping[str, Agreement]) -> list[Bar]:
    """Of every ecosystem."""
    return [
        bar
        for ecosystem, agreement in agreements.items()
        for bar in (
            Bar(f"{ecosystem}: at least 99 % of Syft's packages", agreement.recall >= 0.99),
            Bar(f"{ecosystem}: at least 99 % of ours are Syft's", agreement.precision >= 0.99),
        )
    ]


def label_bars(scores: Mapping[str, Score]) -> list[Bar]:
    """Of all together, and of every ecosystem with labels enough."""
    total = Score()
    for score in scores.values():
        total.found += score.found
        total.missed += score.missed
        total.raised += score.raised
    large = {name: score for name, score in scores.items() if score.found + len(score.missed) >= ENOUGH}
    return [
        bar
        for name, score in {"all labels": total, **large}.items()
        for bar in (
            Bar(f"{name}: precision at least 0.97", score.precision >= 0.97),
            Bar(f"{name}: recall at least 0.95", score.recall >= 0.95),
        )
    ]


def measure(count: int) -> None:
    """Compare everything and end the process with the result."""
    print(describe_machine())
    fleet = asyncio.run(read_fleet(count))
    agreements = compare((read_image(image.layers), artifacts) for image, artifacts in fleet)
    show_packages(agreements)
    scores: Mapping[str, Score] = {}
    if has_data():
        scores = score_labels(read_labels(), Advisories(iter_advisories()))
        show_labels(scores)
    else:
        print(f"{ADVISORIES} is not there: vulnerabilities are not compared with labels")
    finish(
        "scan_accuracy",
        {"images": len(fleet), "packages": package_figures(agreements), "labels": label_figures(scores)},
        [*package_bars(agreements), *(label_bars(scores) if scores else ())],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=len(fleet_images()))
    measure(parser.parse_args().images)
