"""Channels: a file and a row of the table for each. tests/contracts/test_notifiers.py holds them to one suite."""

from deadlight.server.workers.notifiers.email import EMAIL
from deadlight.server.workers.notifiers.notifier import Notifier
from deadlight.server.workers.notifiers.slack import SLACK
from deadlight.server.workers.notifiers.webhook import WEBHOOK

NOTIFIERS: dict[str, Notifier] = {notifier.name: notifier for notifier in (WEBHOOK, SLACK, EMAIL)}
"""THE table of channels, by the type stored with a destination."""

__all__ = ["NOTIFIERS", "Notifier"]
