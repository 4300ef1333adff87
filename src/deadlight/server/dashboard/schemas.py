"""Bodies of the dashboard's endpoints. The statuses' spellings are documented contracts."""

from enum import StrEnum

from pydantic import BaseModel


class ScanStatus(StrEnum):
    """Whether running images have been scanned."""

    NOT_SCANNED = "not_scanned"
    PARTIAL = "partial"
    SCANNED = "scanned"


class InstallationStatus(StrEnum):
    """How much is installed."""

    NO_RUNTIME_INSTALLED = "no_runtime_installed"
    CONTROLLER_ONLY = "controller_only"
    FULL = "full"


class FunnelStage(BaseModel):
    """One stage; it is part of the one before."""

    key: str
    label: str
    description: str
    count: int


class FunnelOut(BaseModel):
    """The prioritisation funnel and what it rests on."""

    stages: list[FunnelStage]
    running_images: int
    scanned_images: int
    scan_status: ScanStatus
    scan_advice: str
    installation_status: InstallationStatus
    installation_advice: str
