"""Whether vulnerabilities of a package apply to an image, judged by what its own code calls."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from deadlight.model.package import Package
from deadlight.model.vulnerability import Applicability
from deadlight.scanner.applicability.first_party_code import FirstPartyCode
from deadlight.scanner.applicability.python_source import Use
from deadlight.scanner.applicability.rules import Rule, RuleSet

MAX_EVIDENCE = 50
"""Places shown for one vulnerability."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place in the image's own code, or a program, that reaches a vulnerability."""

    path: str
    line: int
    """0 for a program."""
    call: str
    rule_id: str
    """Of a program: the record that names what was linked into it."""


@dataclass(frozen=True, slots=True)
class ApplicabilityResult:
    """A judgement and what it rests on."""

    status: Applicability
    reason: str
    """One sentence for people."""
    evidence: tuple[Evidence, ...] = ()


def judge_applicability(
    rules: RuleSet, code: FirstPartyCode, vulnerability_ids: Collection[str], package: Package
) -> ApplicabilityResult:
    """Judge one vulnerability, given by all its ids, of one package in an image with this code (`ImageContents.calls`).

    `applicable` when an own source file calls what a rule lists. `not_applicable` only when nothing was left out: there
    is own source, all of it was read, none of it looks names up at run time or passes the listed functions on, no other
    installed package declares that it uses this one, and the rules list every way in. `undetermined` otherwise;
    `not_covered` when no rule names the vulnerability.
    """
    matching = rules.list_matching(vulnerability_ids, package)
    if not matching:
        return ApplicabilityResult(Applicability.NOT_COVERED, f"No rule names {', '.join(sorted(vulnerability_ids))}.")
    evidence = tuple(place for _, place in zip(range(MAX_EVIDENCE), _iter_evidence(matching, code), strict=False))
    if evidence:
        first = evidence[0]
        return ApplicabilityResult(
            Applicability.APPLICABLE, f"{first.path} line {first.line} calls {first.call}.", evidence
        )
    doubt = next(_iter_doubts(matching, code, package), None)
    if doubt is not None:
        return ApplicabilityResult(Applicability.UNDETERMINED, f"No call was found, but {doubt}.")
    calls = ", ".join(dict.fromkeys(call for rule in matching for call in rule.calls))
    return ApplicabilityResult(
        Applicability.NOT_APPLICABLE, f"None of the {len(code.sources)} own source files calls {calls}."
    )


def _iter_evidence(rules: Sequence[Rule], code: FirstPartyCode) -> Iterator[Evidence]:
    for rule in rules:
        for path, facts in code.sources.items():
            for use in facts.uses:
                if use.called and _reaches(use.name, rule) and not _is_safe(use, rule):
                    yield Evidence(path, use.line, use.name, rule.id)


def _reaches(name: str, rule: Rule) -> bool:
    """Whether a name is one that the rule lists, or an attribute of it."""
    return any(name == call or name.startswith(f"{call}.") for call in rule.calls)


def _is_safe(use: Use, rule: Rule) -> bool:
    """Whether an argument, whichever of its meanings it takes, makes the call harmless."""
    return any(all(meaning in rule.safe_arguments for meaning in argument) for argument in use.arguments)


def _iter_doubts(rules: Sequence[Rule], code: FirstPartyCode, package: Package) -> Iterator[str]:
    """Reasons why the absence of a call proves nothing, the plainest first."""
    if not code.sources:
        yield "the image holds no source file of its own"
    if code.unread:
        yield f"{len(code.unread)} of its own files could not be read, such as {code.unread[0]}"
    for path, facts in code.sources.items():
        if facts.dynamic_line:
            yield f"{path} line {facts.dynamic_line} finds names at run time"
    for path, facts in code.sources.items():
        for use in facts.uses:
            if any(_may_lead_to(use, rule) for rule in rules):
                yield f"{path} line {use.line} refers to {use.name}"
    if others := code.dependents.get(package.name):
        yield f"{', '.join(others[:3])} may call it: installed packages that need {package.name}"
    if not all(rule.exhaustive for rule in rules):
        yield "there are ways to reach it that no rule can see"


def _may_lead_to(use: Use, rule: Rule) -> bool:
    """Whether a listed name or its module is passed on without a call, or comes by way of another module."""
    return any(
        (not use.called and (_reaches(use.name, rule) or call.startswith(f"{use.name}.")))
        or use.name.endswith(f".{call}")
        for call in rule.calls
    )
