"""Azure Container Registry's webhooks (its documentation, "Webhook reference"): one event of Distribution's form."""

from deadlight.registry.notifications.distribution import Event, read_event
from deadlight.registry.notifications.notification import Delivery, Notification, Setup
from deadlight.registry.notifications.reading import decode

SETUP = Setup(
    steps=(
        "In the Azure portal open the registry, then **Services > Webhooks > Add**, or run the command below.",
        "Actions: **push** and **delete**. Scope: empty, for all repositories.",
        "Custom headers: `Authorization: Bearer {secret}`. Azure does not say who pushed.",
    ),
    configuration="""\
az acr webhook create --registry REGISTRY --name deadlight --actions push delete \\
  --uri '{url}' --headers 'Authorization=Bearer {secret}'
""",
)


def read(delivery: Delivery) -> tuple[Notification, ...]:
    """The push or deletion; charts and pings are passed over."""
    return read_event(decode(delivery.body, Event))
