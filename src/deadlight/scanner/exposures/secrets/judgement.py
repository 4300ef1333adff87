"""From what was kept of an image's files, and its settings, to exposures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.model.image import ImageSettings
from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.exposure_scanner import Judgement, KeptFile
from deadlight.scanner.exposures.secrets.engine import Engine
from deadlight.scanner.exposures.secrets.kept import KeptSecret, decode
from deadlight.scanner.exposures.secrets.paths import is_of_a_package
from deadlight.scanner.exposures.secrets.reading import KEY_STORE, read_text
from deadlight.scanner.exposures.secrets.rules import SecretRule
from deadlight.scanner.exposures.secrets.settings import SETTINGS_PATH, iter_settings

MAX_EXPOSURES_OF_A_LAYER = 500
_MAX_PROBLEMS = 100

RULE_ID = "EXP-SECRET-{}"

_STORE_RULE = SecretRule(
    id=KEY_STORE,
    title="Key store",
    severity=Severity.MEDIUM,
    description="Holds keys and certificates, behind a password at best; a weak one is soon guessed by who has it.",
    revoke="If it holds a private key, issue that key and its certificates anew.",
    path="-",
    cwe="CWE-321",
)
_IN_FILE = (
    "Take it out of the image: mount it where the container runs (a Kubernetes Secret, a secrets manager), and hand it"
    " to the build with `RUN --mount=type=secret`. Build the image anew."
)
_DELETED = (
    "A later layer deleted or replaced the file, but the layer that holds it is still part of the image: whoever can"
    " pull the image can read it. Build the image anew without that step, or rewrite it into other layers; deleting"
    " the file again does not help."
)
_IN_SETTINGS = (
    "Take it out of the Dockerfile: whoever can pull the image can read its settings and history. Set it where the"
    " container runs, and hand it to the build with `RUN --mount=type=secret` instead of ARG or ENV. Build the image"
    " anew."
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A secret where it was found."""

    secret: KeptSecret
    path: str
    location: str
    layer_digest: str = ""
    is_deleted: bool = False
    elsewhere: int = 0
    """Lower layers, or other settings, that hold it too."""


class Judge:
    """Makes exposures of what was kept."""

    def __init__(self, engine: Engine, salt: bytes, rules: Iterable[SecretRule]) -> None:
        """The same engine, salt and rules that files were read with; settings are read here."""
        self._engine = engine
        self._salt = salt
        self._rules: Mapping[str, SecretRule] = {_STORE_RULE.id: _STORE_RULE, **{rule.id: rule for rule in rules}}

    def judge(self, files: Sequence[KeptFile], settings: ImageSettings) -> Judgement:
        """Exposures, the gravest first."""
        problems: list[str] = []
        places = [*self._in_files(files, problems), *self._in_settings(settings, problems)]
        exposures = sorted(
            (self._exposure(place) for place in places),
            key=lambda exposure: (-exposure.severity.rank, exposure.path, exposure.location, exposure.rule_id),
        )
        return Judgement.of(exposures, _bounded(problems))

    def _in_files(self, files: Sequence[KeptFile], problems: list[str]) -> Iterator[_Place]:
        """Of each secret at a path the one that can be seen, or else the one of the topmost layer."""
        found: dict[tuple[str, str, str], _Place] = {}
        of_layer: dict[str, int] = {}
        for file in files:
            if file.owner_purl or is_of_a_package(file.path.lstrip("/")):
                continue
            for secret in self._kept(file, problems):
                of_layer[file.layer_digest] = of_layer.get(file.layer_digest, 0) + 1
                if of_layer[file.layer_digest] > MAX_EXPOSURES_OF_A_LAYER:
                    continue
                location = f"line {secret.line}" if secret.line else ""
                place = _Place(secret, file.path, location, file.layer_digest, file.is_deleted)
                key = (file.path, secret.rule, secret.fingerprint)
                found[key] = _topmost(found.get(key), place)
        problems.extend(
            f"layer {digest}: {count} secrets were found, of which {MAX_EXPOSURES_OF_A_LAYER} are shown"
            for digest, count in of_layer.items()
            if count > MAX_EXPOSURES_OF_A_LAYER
        )
        yield from found.values()

    def _kept(self, file: KeptFile, problems: list[str]) -> tuple[KeptSecret, ...]:
        try:
            kept = decode(file.content)
        except (msgspec.DecodeError, RecursionError):
            problems.append(f"{file.path}: what was kept of it is damaged or of another version")
            return ()
        if kept.is_cut:
            problems.append(f"{file.path}: holds more that looks like secrets than is read of one file")
        known = tuple(secret for secret in kept.secrets if secret.rule in self._rules)
        if len(known) < len(kept.secrets):
            problems.append(f"{file.path}: was read with other rules, of which some are not known any more")
        return known

    def _in_settings(self, settings: ImageSettings, problems: list[str]) -> Iterator[_Place]:
        """Each secret once: what is set by ENV is also in the history."""
        found: dict[str, _Place] = {}
        for location, text in iter_settings(settings):
            kept = read_text(self._engine, self._salt, SETTINGS_PATH, text.encode("utf-8", "replace"))
            if kept.is_cut:
                problems.append(f"{location}: holds more that looks like secrets than is read of one setting")
            for secret in kept.secrets:
                first = found.setdefault(secret.fingerprint, _Place(secret, "", location))
                if first.location != location:
                    found[secret.fingerprint] = replace(first, elsewhere=first.elsewhere + 1)
        yield from found.values()

    def _exposure(self, place: _Place) -> Exposure:
        rule = self._rules[place.secret.rule]
        return Exposure(
            category=ExposureCategory.SECRETS,
            rule_id=RULE_ID.format(rule.id),
            severity=rule.severity,
            title=rule.title,
            description=" ".join((rule.description, *_remarks(place))),
            recommendation=f"{rule.revoke} {_how_to_remove(place)}",
            path=place.path,
            location=place.location,
            evidence=place.secret.evidence,
            cwe=rule.cwe,
            fingerprint=place.secret.fingerprint,
            layer_digest=place.layer_digest,
            is_deleted=place.is_deleted,
        )


def _topmost(below: _Place | None, place: _Place) -> _Place:
    """The place to tell of two layers' places of one secret, lowest first."""
    if below is None:
        return place
    seen = below if place.is_deleted and not below.is_deleted else place
    return replace(seen, elsewhere=below.elsewhere + 1)


def _remarks(place: _Place) -> Iterator[str]:
    if place.secret.places > 1:
        yield f"It stands at {place.secret.places} places of this file."
    if place.elsewhere and place.path:
        yield f"The file holds it in {place.elsewhere} more of the image's layers."
    elif place.elsewhere:
        yield f"It also stands in {place.elsewhere} more of the image's settings, such as its history."


def _how_to_remove(place: _Place) -> str:
    if not place.path:
        return _IN_SETTINGS
    return _DELETED if place.is_deleted else _IN_FILE


def _bounded(problems: Sequence[str]) -> tuple[str, ...]:
    if len(problems) <= _MAX_PROBLEMS:
        return tuple(problems)
    return (*problems[:_MAX_PROBLEMS], f"and {len(problems) - _MAX_PROBLEMS} more")
