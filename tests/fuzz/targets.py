"""The table of fuzz targets: every parser of bytes that others wrote."""

from tests.fuzz.advisory_targets import advisory_targets
from tests.fuzz.agent_targets import agent_targets
from tests.fuzz.exposure_targets import exposure_targets
from tests.fuzz.registry_targets import registry_targets
from tests.fuzz.scanner_targets import scanner_targets
from tests.fuzz.target import Target

_TABLES = (scanner_targets, exposure_targets, advisory_targets, registry_targets, agent_targets)

TARGETS: dict[str, Target] = {target.name: target for table in _TABLES for target in table()}
"""By name."""
