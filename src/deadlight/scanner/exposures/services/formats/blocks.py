"""nginx's form: `name value ...;` and `name value ... { ... }`."""

import re
from collections.abc import Iterator

from deadlight.ecosystems import UnreadableFileError
from deadlight.scanner.exposures.services.setting import MAX_DEPTH, MAX_VALUES, Setting

_TOKEN = re.compile(
    r"""[^\S\n]+|(?P<newline>\n)|\#[^\n]*|(?P<sign>[{};])
    |(?P<word>"(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?|(?:[^\s{};"'\\$]|\\.?|\$(?:\{[^}\s]{0,100}\})?)++)""",
    re.VERBOSE | re.DOTALL,
)


def read_blocks(text: str) -> Iterator[Setting]:
    """Every directive before what stands inside of it. What is left open at the end counts as closed there.

    Raises:
        UnreadableFileError: nested too deeply.
    """
    line, index = 1, 0
    parents = [-1]
    words: list[str] = []
    start = 1
    for token in _TOKEN.finditer(text):
        word, sign = token["word"], token["sign"]
        if word is not None:
            start = start if words else line
            if len(words) <= MAX_VALUES:
                words.append(_unquoted(word))
        elif sign and sign != "}" and words:
            yield Setting(words[0], tuple(words[1:]), start, parents[-1])
            words = []
            index += 1
        if sign == "{":
            parents.append(index - 1)
            if len(parents) > MAX_DEPTH:
                raise UnreadableFileError(f"has blocks more than {MAX_DEPTH} deep")
        elif sign == "}":
            words = []
            parents = parents[:-1] or [-1]
        line += token[0].count("\n")


def _unquoted(word: str) -> str:
    quote = word[0]
    return word[1:].removesuffix(quote) if quote in "\"'" else word
