"""Whether what looks like a secret is one: random enough, no placeholder, no reference, not said to be harmless."""

import math
import re
from collections import Counter

_ALLOWED = ("deadlight:allow", "gitleaks:allow", "pragma: allowlist secret")

_SAMPLE = re.compile(
    r"""EXAMPLE|example(?:key|token|secret)|x{6}|X{6}|\*{3}|\.{3}|1234567890|0123456789|
        (?i:abcdefghij|replace_?me|change_?me|your[-_]|placeholder|redacted|deadbeefdeadbeef)""",
    re.VERBOSE,
)
"""In no secret by chance: providers' documented samples (`AKIAIOSFODNN7EXAMPLE`), fillings and sequences."""

_PLACEHOLDER = re.compile(
    r"""example|sample|placeholder|change[_ ]?(?:me|it|this)|xxxx|redacted|replace|insert|foobar|secret|passw|
        passphrase|default|undefined|invalid|missing|unknown|random|generate|hidden|masked|removed|qwerty|letmein|12345|hunter2|
        s3cr3t|optional|required|string|base64|credential|correct.?horse|swordfish|
        (?:^|[^A-Za-z])(?:your|dummy|token|todo|fixme|test|demo|fake|mock|lorem|null|none|true|false|empty|abcd|admin|
        value)(?:[^A-Za-z]|$)""",
    re.VERBOSE | re.IGNORECASE,
)
"""Words that people write where a secret would stand."""

_REFERENCE = re.compile(
    r"""[$%@!#&*~]?[\[{(<] | !(?:vault|secret|Ref|Sub|GetAtt|reference)\b |
        \$ | %[A-Za-z_]+% | [<{\[(] | ENC\[ | vault: | (?:arn|aws|op|ref|file|env|secret|ssm|gcp):|
        (?:os\.environ|process\.env|getenv|env\(|config\b|settings\b|self\b|this\b|var\b|None\b|args?\b|options?\b|request\b)""",
    re.VERBOSE,
)
"""How a value begins that only says where the secret is."""

_LETTERS = re.compile(r"[A-Za-z]+(?:[._\-/:\\ ][A-Za-z]+)*[(\[:]?")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_WORD_LENGTH = 3
"""Letters of an average word; random ones of both cases change theirs after two."""

_LINK = re.compile(r"[a-z][a-z0-9+.\-]*://|\.{1,2}/|~/|[A-Za-z]:\\|(?:sha(?:1|256|384|512)|md5)[:\-]")
_CODE = re.compile(r".*(?:\{.*\}|\(\)|\);?$|;$|\\n)|\d[\d.\-:T+Z]*$")
_CALL = re.compile(r"([A-Za-z_][\w.\->]*)[(\[]")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_DIGITS = re.compile(r"\d|[._]+(?=\d*$|[._])")
_MAX_CHARACTERS = 4096
"""Looked at of one secret."""


def entropy(text: str) -> float:
    """Shannon's entropy in bits for each character; 0 for the empty text."""
    length = len(text)
    return -sum(n / length * math.log2(n / length) for n in Counter(text).values()) if length else 0.0


def is_allowed_by_comment(line: str) -> bool:
    """Whether whoever wrote the line says that it holds no secret."""
    lowered = line.lower()
    return any(comment in lowered for comment in _ALLOWED)


def is_sample(secret: str) -> bool:
    """Whether a secret of a known format is one made for documentation, or no secret at all."""
    return _SAMPLE.search(secret[:_MAX_CHARACTERS]) is not None or _repeats(secret)


def is_no_value(secret: str) -> bool:
    """Whether a text that is assigned to something called a secret is a placeholder, a reference, a path or code."""
    text = secret[:_MAX_CHARACTERS]
    return (
        _PLACEHOLDER.search(text) is not None
        or _REFERENCE.match(text) is not None
        or is_words(text)
        or (_DOTTED.fullmatch(text) is not None and is_words(_DIGITS.sub("", text)))
        or _LINK.match(text) is not None
        or (text.startswith("/") and _has_words(text))
        or _CODE.match(text) is not None
        or ((call := _CALL.match(text)) is not None and _has_words(call[1]))
        or _repeats(text)
    )


def is_words(text: str) -> bool:
    """Whether a text is a word or several, as identifiers, paths and messages are; nothing with a digit is."""
    return _LETTERS.fullmatch(text[:_MAX_CHARACTERS]) is not None and _has_words(text)


def _has_words(text: str) -> bool:
    """Whether the letters of a text are in words rather than in any order of cases."""
    words = _WORD.findall(text[:_MAX_CHARACTERS])
    return sum(map(len, words)) >= _WORD_LENGTH * len(words)


def _repeats(text: str) -> bool:
    """Whether a text is little but one or two characters again and again."""
    return len(set(text[:_MAX_CHARACTERS])) <= max(2, min(len(text), 40) // 10)
