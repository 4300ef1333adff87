"""Finds secrets in bytes: one pass for keywords, then expressions where a keyword is near.

Expressions are RE2's, so that no text takes more than linear time. Importing this module loads RE2; `scanner.py` does
so when the first file is read.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import re2

from deadlight.scanner.exposures.secrets.checks import CHECKS
from deadlight.scanner.exposures.secrets.keywords import Keywords
from deadlight.scanner.exposures.secrets.paths import is_made_up
from deadlight.scanner.exposures.secrets.plausibility import entropy, is_allowed_by_comment, is_no_value, is_sample
from deadlight.scanner.exposures.secrets.rules import Allowlist, SecretRule

MAX_KEYWORDS = 20_000
"""Places in one file where a keyword stands; those after them are not looked at."""
MAX_SEARCHED_BYTES = 64 << 20
"""Given to the expressions of all rules together, for one file."""
MAX_SPANS = 1_000
"""Matches looked at in one file, plausible or not."""
MAX_LINE = 2_048
"""Characters of a line on either side of a secret that comments and allowlists are looked for in."""
MAX_SECRET = 64 * 1024
"""Bytes of one secret that are judged."""
_MAX_MEMORY = 1 << 20
"""RE2's, for one expression. Ours need a tenth of it."""
_MAX_MEMORY_OF_OTHERS = 8 << 20


@dataclass(frozen=True, slots=True)
class Span:
    """What an expression matched, as offsets into the text."""

    rule: SecretRule
    start: int
    """Of the whole match."""
    secret_start: int
    secret_end: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in one text."""

    secrets: tuple[Span, ...]
    """By position; of those that overlap only the one of the first rule."""
    matched: tuple[Span, ...]
    """Everything an expression matched, also what is no secret; to be masked when a line is shown."""
    is_cut: bool
    """Whether a bound was met, so that there may be more."""


def compile_expression(pattern: str, *, max_memory: int = _MAX_MEMORY_OF_OTHERS) -> Any:
    """An RE2 expression over bytes.

    Raises:
        re2.error: RE2 cannot compile it; the text says why.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = max_memory
    options.encoding = re2.Options.Encoding.LATIN1 if pattern.isascii() else re2.Options.Encoding.UTF8
    return re2.compile(pattern.encode(), options)


def find_broken_rules(rules: Sequence[SecretRule]) -> list[str]:
    """For each rule with an expression that RE2 cannot compile, its id and why."""
    why: dict[str, str] = {}
    broken: list[str] = []
    for rule in rules:
        allowed = (pattern for allowlist in rule.allowlists for pattern in (*allowlist.paths, *allowlist.regexes))
        for pattern in (rule.expression, rule.path, *allowed):
            if pattern not in why:
                why[pattern] = _why_broken(pattern)
            if why[pattern]:
                broken.append(f"{rule.id}: RE2 cannot compile {pattern[:60]!r}: {why[pattern]}")
        if rule.secret_group and not why[rule.expression]:
            groups = compile_expression(rule.expression).groups
            if rule.secret_group > groups:
                broken.append(f"{rule.id}: the secret is group {rule.secret_group} of {groups}")
    return broken


def _why_broken(pattern: str) -> str:
    try:
        compile_expression(pattern)
    except re2.error as error:
        reason = error.args[0] if error.args else "it is too large"
        return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return ""


class _CompiledAllowlist:
    """An allowlist whose expressions can be tried."""

    def __init__(self, allowlist: Allowlist) -> None:
        self._allowlist = allowlist
        self._paths = [compile_expression(pattern) for pattern in allowlist.paths]
        self._regexes = [compile_expression(pattern) for pattern in allowlist.regexes]

    def passes_over(self, path: str, *, secret: bytes, match: bytes, line: bytes) -> bool:
        allowlist = self._allowlist
        target = {"match": match, "line": line}.get(allowlist.regex_target, secret)
        holding: list[bool] = []
        if self._paths:
            holding.append(any(expression.search(path.encode()) for expression in self._paths))
        if self._regexes:
            holding.append(any(expression.search(target) for expression in self._regexes))
        if allowlist.stopwords:
            lowered = secret.lower().decode("utf-8", "replace")
            holding.append(any(word in lowered for word in allowlist.stopwords))
        return bool(holding) and (all(holding) if allowlist.needs_all else any(holding))


class _CompiledRule:
    """A rule whose expressions are compiled when they are first needed."""

    def __init__(self, rule: SecretRule, order: int, allowlists: dict[Allowlist, "_CompiledAllowlist"]) -> None:
        self.rule = rule
        self.order = order
        self._shared = allowlists

    @cached_property
    def expression(self) -> Any:
        is_ours = not self.rule.allowlists and self.rule.reach <= _MAX_MEMORY
        return compile_expression(self.rule.expression, max_memory=_MAX_MEMORY if is_ours else _MAX_MEMORY_OF_OTHERS)

    @cached_property
    def _path(self) -> Any:
        return compile_expression(self.rule.path)

    @cached_property
    def _allowlists(self) -> list[_CompiledAllowlist]:
        for allowlist in self.rule.allowlists:
            if allowlist not in self._shared:
                self._shared[allowlist] = _CompiledAllowlist(allowlist)
        return [self._shared[allowlist] for allowlist in self.rule.allowlists]

    def wants(self, path: str) -> bool:
        return not self.rule.path or self._path.search(path.encode()) is not None

    def iter_spans(self, content: bytes, windows: Sequence[tuple[int, int]]) -> Iterator[Span]:
        for start, end in windows:
            for match in self.expression.finditer(content, start, end):
                secret_start, secret_end = match.span(self._group(match))
                if 0 <= secret_start < secret_end:
                    yield Span(self.rule, match.start(), secret_start, secret_end)

    def _group(self, match: Any) -> int:
        if self.rule.secret_group:
            return self.rule.secret_group
        groups = range(1, self.expression.groups + 1)
        return next((group for group in groups if match.start(group) < match.end(group)), 0)

    def believes(self, span: Span, content: bytes, path: str) -> bool:
        """Whether what was matched is a secret."""
        rule = self.rule
        raw = content[span.secret_start : min(span.secret_end, span.secret_start + MAX_SECRET)]
        secret = raw.decode("utf-8", "replace")
        if rule.check and not CHECKS[rule.check](secret):
            return False
        if rule.entropy and entropy(secret) < rule.entropy:
            return False
        if is_no_value(secret) if rule.loose else is_sample(secret):
            return False
        line = surrounding_line(content, span.start, span.secret_end)
        if is_allowed_by_comment(line.decode("utf-8", "replace")):
            return False
        match = content[span.start : min(span.secret_end, span.start + MAX_SECRET)]
        return not self.passes_over(path, raw, match, line)

    def passes_over(self, path: str, secret: bytes, match: bytes, line: bytes) -> bool:
        """Whether one of the rule's allowlists has it."""
        return any(allowlist.passes_over(path, secret=secret, match=match, line=line) for allowlist in self._allowlists)


@dataclass(slots=True)
class _Windows:
    """Where one rule is to look: around its keywords, joined where they overlap."""

    reach: int
    merged: list[tuple[int, int]] = field(default_factory=list)

    def add(self, place: int, length: int) -> None:
        start, end = max(0, place - self.reach), min(length, place + self.reach)
        if self.merged and start <= self.merged[-1][1]:
            start = self.merged.pop()[0]
        self.merged.append((start, end))

    @property
    def size(self) -> int:
        return sum(end - start for start, end in self.merged)


class Engine:
    """Some rules, made ready."""

    def __init__(self, rules: Sequence[SecretRule]) -> None:
        """Build the automaton; expressions are compiled when a file first asks for them."""
        shared: dict[Allowlist, _CompiledAllowlist] = {}
        self._rules = [_CompiledRule(rule, order, shared) for order, rule in enumerate(rules)]
        self._by_path = [rule for rule in self._rules if not rule.rule.expression]
        self._always = tuple(order for order, rule in enumerate(rules) if rule.expression and not rule.keywords)
        self._keywords = Keywords(_meanings(rules))

    def name_files(self, path: str) -> tuple[SecretRule, ...]:
        """The rules that look for nothing but a path, and have found one."""
        named = (rule for rule in self._by_path if rule.wants(path))
        return tuple(rule.rule for rule in named if not rule.passes_over(path, b"", b"", b""))

    def find(self, content: bytes, path: str) -> Findings:
        """The secrets in a text of a file with this path (no leading slash)."""
        windows, is_cut = self._windows(content)
        matched: list[tuple[_CompiledRule, Span]] = []
        budget = MAX_SEARCHED_BYTES
        is_quiet = bool(windows) and is_made_up(path)
        for order, where in sorted(windows.items(), key=lambda item: (item[1].size, item[0])):
            rule = self._rules[order]
            if (is_quiet and (rule.rule.loose or rule.rule.quiet_in_tests)) or not rule.wants(path):
                continue
            budget -= where.size
            if budget < 0 or len(matched) >= MAX_SPANS:
                is_cut = True
                break
            spans = islice(rule.iter_spans(content, where.merged), MAX_SPANS - len(matched))
            matched.extend((rule, span) for span in spans)
        is_cut = is_cut or len(matched) >= MAX_SPANS
        believed = [(rule.order, span) for rule, span in matched if rule.believes(span, content, path)]
        return Findings(_without_overlaps(believed), tuple(span for _, span in matched), is_cut)

    def _windows(self, content: bytes) -> tuple[dict[int, _Windows], bool]:
        """By rule's place, where it is to look; and whether there are more keywords than are looked at."""
        length = len(content)
        rules = self._rules
        windows = {order: _Windows(length, [(0, length)]) for order in self._always}
        count = 0
        for end, orders in islice(self._keywords.iter_found(content), MAX_KEYWORDS):
            count += 1
            for order in orders:
                where = windows.get(order)
                if where is None:
                    where = windows[order] = _Windows(rules[order].rule.reach)
                where.add(end, length)
        return windows, count == MAX_KEYWORDS


def _meanings(rules: Sequence[SecretRule]) -> dict[str, list[int]]:
    """By keyword, the places of the rules that have it."""
    meanings: dict[str, list[int]] = {}
    for order, rule in enumerate(rules):
        for keyword in rule.keywords if rule.expression else ():
            meanings.setdefault(keyword, []).append(order)
    return meanings


def _without_overlaps(found: Sequence[tuple[int, Span]]) -> tuple[Span, ...]:
    """By position, the spans that share no byte of a secret with a span of an earlier rule."""
    kept: list[Span] = []
    for _, span in sorted(found, key=lambda item: (item[0], item[1].secret_start)):
        place = bisect_left(kept, span.secret_start, key=lambda other: other.secret_start)
        is_free = place == 0 or kept[place - 1].secret_end <= span.secret_start
        if is_free and (place == len(kept) or span.secret_end <= kept[place].secret_start):
            kept.insert(place, span)
    return tuple(kept)


def surrounding_line(content: bytes, start: int, end: int) -> bytes:
    """The line or lines from `start` to `end`, not further than `MAX_LINE` on either side."""
    first = content.rfind(b"\n", max(0, start - MAX_LINE), start) + 1 or max(0, start - MAX_LINE)
    last = content.find(b"\n", end, end + MAX_LINE)
    return content[first : last if last >= 0 else end + MAX_LINE]
