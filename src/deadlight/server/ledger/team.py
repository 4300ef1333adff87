"""Which team a window belongs to. The one place that decides it.

It is the team responsible for the image on the workload when the window opens, and stays: figures by team do not change
with who owns what today.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.owners.lookup import find_owners

_SET = text("UPDATE exposure_window SET team = :team WHERE id = :id")


async def assign_teams(connection: AsyncConnection, windows: Sequence[Mapping[str, Any]]) -> None:
    """Write the teams of windows (`id`, `workload_id`, `image_tag_id`) that have just been opened."""
    by_image: dict[int, list[Mapping[str, Any]]] = {}
    for window in windows:
        by_image.setdefault(window["image_tag_id"], []).append(window)
    found = []
    for image_tag_id, opened in by_image.items():
        owners = await find_owners(connection, [window["workload_id"] for window in opened], [image_tag_id])
        teams = {window["id"]: owners[window["workload_id"]].team for window in opened}
        found += [{"id": id_, "team": team} for id_, team in teams.items() if team]
    if found:
        await connection.execute(_SET, found)
