"""The types of registries and the formats of webhooks as people choose from them."""

from collections.abc import Mapping

from deadlight.registry.notifications import NOTIFICATIONS
from deadlight.registry.types.registry_type import RegistryType
from deadlight.registry.types.table import TYPES
from deadlight.server.registries.schemas import OptionOut, RegistryTypeOut, RegistryTypes, WebhookFormatOut

_FORMATS: Mapping[str, str] = {
    "artifactory": "artifactory",
    "harbor": "harbor",
    "ecr": "ecr",
    "gar": "gar",
    "acr": "acr",
    "ghcr": "github",
    "docker-hub": "docker-hub",
}
"""The webhook format by the key of a type; a generic registry may be any of the rest."""


def _describe(kind: RegistryType) -> RegistryTypeOut:
    options = [
        OptionOut(name=each.name, label=each.label, help=each.help, secret=each.secret, required=each.required)
        for each in kind.options
    ]
    return RegistryTypeOut(
        key=kind.key,
        label=kind.label,
        summary=kind.summary,
        features=sorted(kind.features),
        hosts=list(kind.hosts),
        options=options,
        scanner=kind.scanner,
        webhook_format=_FORMATS.get(kind.key, ""),
    )


REGISTRY_TYPES = RegistryTypes(
    types=[_describe(kind) for kind in TYPES.values()],
    webhook_formats=[WebhookFormatOut(name=name, title=each.title) for name, each in NOTIFICATIONS.items()],
)
