"""Named sets of filters: a person's own, and those that others share."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.auth.principals import Principal, Role
from deadlight.server.db.zero_bytes import PlainText
from deadlight.server.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError
from deadlight.server.tables.assessment import saved_view
from deadlight.server.tables.auth import user

MOST_VIEWS = 200
"""Of one person."""


class ViewPage(StrEnum):
    """The list a view is of."""

    IMAGES = "images"
    WORKLOADS = "workloads"
    PROCESSES = "processes"


class SavedViewIn(BaseModel):
    """A view to save."""

    page: ViewPage
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00]*$")]
    query: PlainText = Field(max_length=8000, description="the page's address after its question mark")
    shared: bool = False


class SavedViewOut(BaseModel):
    """A view of one's own or a shared one."""

    id: int
    page: ViewPage
    name: str
    query: str
    shared: bool
    owner: str
    is_mine: bool
    updated_at: datetime


_COLUMNS = (*saved_view.c, user.c.name.label("owner"))
_VIEWS = select(*_COLUMNS).join(user, user.c.id == saved_view.c.user_id)


async def list_views(connection: AsyncConnection, principal: Principal, page: ViewPage) -> list[SavedViewOut]:
    """A person's views of a page and those that others share, by name."""
    visible = or_(saved_view.c.user_id == principal.user_id, saved_view.c.shared)
    query = _VIEWS.where(saved_view.c.page == page.value, visible).order_by(saved_view.c.name, saved_view.c.id)
    return [_view(row, principal) for row in await connection.execute(query)]


async def add_view(connection: AsyncConnection, principal: Principal, body: SavedViewIn) -> SavedViewOut:
    """Save a view.

    Raises:
        BadRequestError: the person has very many already.
        ConflictError: the person has one of that name.
    """
    counted = select(func.count()).select_from(saved_view).where(saved_view.c.user_id == principal.user_id)
    if (await connection.execute(counted)).scalar_one() >= MOST_VIEWS:
        raise BadRequestError(f"a person keeps at most {MOST_VIEWS} views: delete some first")
    statement = insert(saved_view).values(user_id=principal.user_id, **body.model_dump()).returning(saved_view.c.id)
    view_id: int = await _write(connection, statement, body.name)
    return await _get_view(connection, principal, view_id)


async def change_view(
    connection: AsyncConnection, principal: Principal, view_id: int, body: SavedViewIn
) -> SavedViewOut:
    """Rename, share or replace a view; raises as `add_view`, and as `remove_view`."""
    await _require_own(connection, principal, view_id)
    values = body.model_dump(exclude={"page"})
    statement = update(saved_view).where(saved_view.c.id == view_id).values(**values, updated_at=func.now())
    await _write(connection, statement.returning(saved_view.c.id), body.name)
    return await _get_view(connection, principal, view_id)


async def remove_view(connection: AsyncConnection, principal: Principal, view_id: int) -> None:
    """Delete a view.

    Raises:
        NotFoundError: there is none, or it is somebody else's and not shared.
        ForbiddenError: somebody else shares it; administrators may all the same.
    """
    await _require_own(connection, principal, view_id)
    await connection.execute(delete(saved_view).where(saved_view.c.id == view_id))


async def _write(connection: AsyncConnection, statement: Any, name: str) -> int:
    try:
        return int((await connection.execute(statement)).scalar_one())
    except IntegrityError:
        raise ConflictError(f"you already have a view {name!r} of this page: choose another name") from None


async def _require_own(connection: AsyncConnection, principal: Principal, view_id: int) -> None:
    view = await _get_view(connection, principal, view_id)
    if not view.is_mine and not principal.role.includes(Role.ADMIN):
        raise ForbiddenError(f"this view belongs to {view.owner}: save one of your own")


async def _get_view(connection: AsyncConnection, principal: Principal, view_id: int) -> SavedViewOut:
    row = (await connection.execute(_VIEWS.where(saved_view.c.id == view_id))).first()
    if row is None or (row.user_id != principal.user_id and not row.shared):
        raise NotFoundError("no such view")
    return _view(row, principal)


def _view(row: Row[Any], principal: Principal) -> SavedViewOut:
    names: Sequence[str] = ("id", "page", "name", "query", "shared", "owner", "updated_at")
    values = {name: getattr(row, name) for name in names}
    return SavedViewOut(**values, is_mine=row.user_id == principal.user_id)
