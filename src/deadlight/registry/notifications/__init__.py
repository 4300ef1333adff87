"""Registry webhooks: whose they are, and what they say. Pure: headers and bytes in, notifications out."""

from deadlight.registry.notifications.notification import (
    MAX_BODY_BYTES,
    InvalidNotificationError,
    Notification,
    NotificationAction,
    NotificationFormat,
    Setup,
)
from deadlight.registry.notifications.table import NOTIFICATIONS

__all__ = [
    "MAX_BODY_BYTES",
    "NOTIFICATIONS",
    "InvalidNotificationError",
    "Notification",
    "NotificationAction",
    "NotificationFormat",
    "Setup",
]
