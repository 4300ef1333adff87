"""Which files are infrastructure as code, and what is kept of them: the text, secrets masked."""

import re
from collections.abc import Iterator

from deadlight.ecosystems import UnreadableFileError
from deadlight.scanner.applicability.first_party import may_be_own
from deadlight.scanner.exposures.rule import MASK, mask_urls

MAX_BYTES = 256 * 1024
"""Of one file; manifests generated for whole clusters have less."""

MAX_LINE = 20_000
"""Characters; secrets are looked for at a cost for each."""

_NOT_OWN = re.compile(r"(?:^|/)(?:usr/share/doc|\.terraform|examples?|testdata|tests?|vendor)/")
_DOCKERFILE = re.compile(r"(?:.*/)?(?:[\w-]{1,100}\.)?(?:Dockerfile|Containerfile)(?:\.[\w-]{1,100})?")
_TERRAFORM = (".tf", ".tf.json")
_DOCUMENTS = (".yaml", ".yml", ".json", ".template")
_KUBERNETES = re.compile(r"^\"?apiVersion\"?[ \t]*:|^\s*\"apiVersion\"[ \t]*:", re.MULTILINE)
_KIND = re.compile(r"^\s*\"?kind\"?[ \t]*:[ \t]*\"?(\w{1,100})", re.MULTILINE)
_CLOUDFORMATION = re.compile(r"AWSTemplateFormatVersion|[\"']?Type[\"']?[ \t]*:[ \t]*[\"']?AWS::")

_WORD = r"(?:passw|passphrase|pwd|secret|token|credential|private_?key|api_?key|access_?key|auth)"
_ASSIGNED = re.compile(
    rf"(?i)(?P<name>[\"']?[\w.-]{{0,40}}{_WORD}[\w.-]{{0,40}}[\"']?[ \t]*[:=][ \t]*)"
    r"(?P<value>\"[^\"\n]*\"?|'[^'\n]*'?|[^\s,}\]]+)"
)
_BUILD_VARIABLE = re.compile(rf"(?i)(?P<name>^[ \t]*(?:ENV|ARG)[ \t]+\w{{0,40}}{_WORD}\w{{0,40}}[ \t]+)(?P<value>\S.*)")
_NAMED = re.compile(rf"(?i)[\"']?name[\"']?[ \t]*:[ \t]*[\"']?[\w.-]{{0,40}}{_WORD}")
_VARIABLE = re.compile(rf"(?i)^[ \t]*variable[ \t]+\"[\w-]{{0,40}}{_WORD}")
_VARIABLE_LINES = 8
"""In which a variable of Terraform may have its default."""
_VALUE = re.compile(
    r"(?P<name>[\"']?(?:value|default)[\"']?[ \t]*[:=][ \t]*)(?P<value>\"[^\"\n]*\"?|'[^'\n]*'?|[^\s,}\]]+)"
)
_REFERENCE = re.compile(r"[\"']?(?:\$|!|var\.|local\.|data\.|module\.|[{\[|>&*]|null|true|false|[\"']?$)")
_OPAQUE = re.compile(r"(?<![\w+/=-])(?=[\w+/=-]{0,200}[A-Z])(?=[\w+/=-]{0,200}[0-9])[A-Za-z0-9_+/=-]{20,}")
_PEM_BEGIN, _PEM_END = "-----BEGIN", "-----END"


def wants(path: str) -> bool:
    """Whether a file by its path may be infrastructure as code of the image's builder."""
    name = path.rpartition("/")[2]
    named = path.endswith((*_TERRAFORM, *_DOCUMENTS)) or _DOCKERFILE.fullmatch(name) is not None
    return named and may_be_own(path) and _NOT_OWN.search(path) is None


def take(path: str, content: bytes) -> bytes | None:
    """The text of a file that is infrastructure as code, without its secrets; None for any other.

    Raises:
        UnreadableFileError: not text, or larger than such files are.
    """
    text = content.decode("utf-8", errors="replace").replace("\r\n", "\n")
    if path.endswith(_DOCUMENTS) and not path.endswith(_TERRAFORM) and not _is_manifest(text):
        return None
    if "\0" in text or len(content) > MAX_BYTES:
        raise UnreadableFileError(f"is not text, or of more than {MAX_BYTES} bytes")
    lines = text.split("\n")
    if max(map(len, lines)) > MAX_LINE:
        raise UnreadableFileError(f"has a line of more than {MAX_LINE} characters")
    return "\n".join(_masked_lines(lines)).encode()


def _is_manifest(text: str) -> bool:
    """Whether it is a manifest of Kubernetes or a template of CloudFormation; templates of Helm are neither."""
    if _CLOUDFORMATION.search(text):
        return True
    kinds = set(_KIND.findall(text))
    is_secret_json = "Secret" in kinds and text.lstrip().startswith(("{", "["))
    return _KUBERNETES.search(text) is not None and bool(kinds - {"Config"}) and "{{" not in text and not is_secret_json


def _masked_lines(lines: list[str]) -> Iterator[str]:
    """The lines with what may be a secret replaced, so that every other thing keeps its place."""
    in_pem, in_data = False, False
    named = 0
    for line in lines:
        if line[:1].strip() and not line.startswith("#"):
            # Of Secrets, and of ConfigMaps, of which nothing is judged that stands there.
            in_data = line.rstrip() in {"data:", "stringData:"}
        if in_pem or _PEM_BEGIN in line:
            in_pem = _PEM_END not in line
            yield _unindented(line)
        elif in_data and line[:1] == " ":
            yield _data_line(line)
        else:
            yield _masked_line(line, named=named > 0)
        named = _VARIABLE_LINES if _VARIABLE.search(line) else 1 if _NAMED.search(line) else named - 1


def _unindented(line: str) -> str:
    return line[: len(line) - len(line.lstrip())] + MASK


def _data_line(line: str) -> str:
    name, colon, _ = line.partition(":")
    return f"{name}: {MASK}" if colon else _unindented(line)


def _masked_line(line: str, *, named: bool) -> str:
    masked = _ASSIGNED.sub(_hidden, line)
    masked = _BUILD_VARIABLE.sub(_hidden, masked)
    if named or _NAMED.search(line):
        masked = _VALUE.sub(_hidden, masked)
    return mask_urls(_OPAQUE.sub(MASK, masked))


def _hidden(match: re.Match[str]) -> str:
    value = match["value"]
    if _REFERENCE.match(value):
        return match[0]
    quote = value[0] if value[0] in "\"'" else '"'
    return f"{match['name']}{quote}{MASK}{quote}"
