"""The scanner of services: every file that configures one of the table, and how the image starts it."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from deadlight.ecosystems import UnreadableFileError
from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.model.image import ImageSettings
from deadlight.scanner.exposures.exposure_scanner import ExposureScanner, Judgement, KeptFile
from deadlight.scanner.exposures.rule import expose
from deadlight.scanner.exposures.services.assembly import SettingsFile, assemble
from deadlight.scanner.exposures.services.configuration import Configuration
from deadlight.scanner.exposures.services.keeping import keep_settings
from deadlight.scanner.exposures.services.service import Service
from deadlight.scanner.exposures.services.setting import ALIAS, KeptSettings, bounded
from deadlight.scanner.exposures.services.table import SERVICES

MAX_BYTES = 1 << 20
"""Of one configuration; generated ones of thousands of virtual hosts stay below."""

_BY_NAME = {service.name: service for service in SERVICES}
_READ = [service for service in SERVICES if service.paths is not None]
_ANY_PATH = re.compile(
    "|".join(f"(?P<{service.name}>(?x:{service.paths.pattern}))" for service in _READ if service.paths is not None)
)
_EXAMPLE = re.compile(
    r"(?:^|/)(?:usr/share/doc|usr/share/man|node_modules|examples?|testdata)/|\.(?:sample|example|dpkg-\w+|orig|bak|md)$"
)


_ENDINGS = (".conf", ".cfg", ".cnf", ".env", ".htaccess", ".ini", ".json", ".load", ".properties", ".toml", ".xml")
_MORE_ENDINGS = (".yaml", ".yml", "sshd_config", "default/etcd")
_FOLDERS = ("etc/nginx/sites-", "sshd_config.d/")


def _may_be_known(path: str) -> bool:
    """A quick look, for it is asked of every file; whatever a pattern of the table matches passes it."""
    return path.endswith((*_ENDINGS, *_MORE_ENDINGS)) or any(folder in path for folder in _FOLDERS)


def _service_of(path: str) -> Service | None:
    match = _ANY_PATH.fullmatch(path) if _may_be_known(path) else None
    return _BY_NAME[match.lastgroup] if match and match.lastgroup else None


def wants(path: str) -> bool:
    """Whether a file by its path configures a service of the table; examples and documentation do not."""
    return _service_of(path) is not None and _EXAMPLE.search(path) is None


def take(path: str, content: bytes) -> bytes | None:
    """The settings that rules look at, passwords masked.

    Raises:
        UnreadableFileError: not text, or not in the form the service reads.
    """
    service = _service_of(path)
    if service is None or service.read is None:
        return None
    if b"\0" in content or len(content) > MAX_BYTES:
        raise UnreadableFileError("is not the text of a configuration")
    text = content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    kept = keep_settings(service, bounded(service.read(path, text)))
    return msgspec.msgpack.encode(KeptSettings(service.name, kept)) if kept else None


def judge(files: Sequence[KeptFile], image: ImageSettings) -> Judgement:
    """Hold every service of an image to its rules. What a later layer removed or replaced has no effect any more."""
    by_service: defaultdict[str, list[SettingsFile]] = defaultdict(list)
    problems: list[str] = []
    for file in files:
        if not file.is_deleted:
            try:
                kept = file.decode(KeptSettings)
            except UnreadableFileError as error:
                problems.append(str(error))
                continue
            by_service[kept.service].append(SettingsFile(file, kept.settings))
            problems += _unfollowed(file.path, kept)
    exposures: list[Exposure] = []
    for service in SERVICES:
        assembled = assemble(service, by_service[service.name], image)
        problems += assembled.problems
        for configuration in assembled.configurations:
            exposures += _iter_exposures(service, configuration)
    return Judgement.of(exposures, problems)


def _iter_exposures(service: Service, configuration: Configuration) -> Iterator[Exposure]:
    for rule in service.rules:
        for node in rule.find(configuration):
            if not (rule.spares_shipped and node.is_shipped):
                yield expose(ExposureCategory.SERVICES, rule.text, node.place, node.evidence)


def _unfollowed(path: str, kept: KeptSettings) -> Iterator[str]:
    lines = sorted({setting.line for setting in kept.settings if setting.name == ALIAS})
    if lines:
        yield f"{path}: YAML aliases are not followed (line {', '.join(map(str, lines[:5]))})"


SERVICES_SCANNER = ExposureScanner(
    name="services",
    version=1,
    category=ExposureCategory.SERVICES,
    wants=wants,
    take=take,
    judge=judge,
    max_bytes=MAX_BYTES,
)
