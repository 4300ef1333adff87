"""Which team a window belongs to. The one place that decides it.

It is the team responsible for the image on the workload when the window opens, and stays: figures by team do not change
with who owns what today.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.owners.lookup import find_team

_SET = text("UPDATE exposure_window SET team = :team WHERE id = :id")


async def assign_teams(connection: AsyncConnection, windows: Sequence[Mapping[str, Any]]) -> None:
    """Write the teams of windows (`id`, `workload_id`, `image_tag_id`) that have just been opened."""
    teams: dict[tuple[int, int], str] = {}
    found = []
    for window in windows:
        place = (window["workload_id"], window["image_tag_id"])
        if place not in teams:
            teams[place] = await find_team(connection, *place)
        if teams[place]:
            found.append({"id": window["id"], "team": teams[place]})
    if found:
        await connection.execute(_SET, found)
