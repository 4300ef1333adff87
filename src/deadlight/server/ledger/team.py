"""Which team a window belongs to. The one place that decides it.

It is the team responsible for the image on the workload when the window opens, and stays: figures by team do not change
with who owns what today.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.owners.lookup import find_place_owners

_SET = text("UPDATE exposure_window SET team = :team WHERE id = :id")


async def assign_teams(connection: AsyncConnection, windows: Sequence[Mapping[str, Any]]) -> None:
    """Write the teams of windows (`id`, `workload_id`, `image_tag_id`) that have just been opened."""
    places = {window["id"]: (window["workload_id"], (window["image_tag_id"],)) for window in windows}
    owners = await find_place_owners(connection, set(places.values()))
    found = [{"id": id_, "team": owners[place].team} for id_, place in places.items() if owners[place].team]
    if found:
        await connection.execute(_SET, found)
