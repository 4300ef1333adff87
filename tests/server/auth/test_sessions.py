"""People sign in, stay signed in for a while, and nobody else can act in their name."""

import asyncio
import threading

import pytest
from pwdlib import PasswordHash
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.server.auth.browser import browsing
from tests.support.database import PASSWORD
from tests.support.patience import PATIENCE_SECONDS
from tests.support.service import RunningService, running_service, service_settings

from deadlight.server.auth import passwords
from deadlight.server.auth.accounts import create_user, ensure_admin
from deadlight.server.auth.principals import Role
from deadlight.server.auth.sessions import FAILURES_ALLOWED, FAILURES_WINDOW, SESSION_PREFIX, change_password, sign_in
from deadlight.server.db.engine import create_engine
from deadlight.server.errors import ConflictError
from deadlight.server.settings import with_driver

FUNNEL = "/api/v1/funnel"
TOKENS = "/api/v1/tokens"
NEW_TOKEN = {"name": "from a browser", "role": "viewer"}


async def execute(service: RunningService, statement: str) -> None:
    async with service.services.engine.begin() as connection:
        await connection.execute(text(statement))


async def add_newcomer(service: RunningService, password: str = "good for one sign-in") -> None:
    async with service.services.engine.begin() as connection:
        await create_user(connection, "newcomer", password, Role.ADMIN, must_change_password=True)


# --- signing in ------------------------------------------------------------------------------------------


@pytest.mark.req("F3")
async def test_a_person_signs_in_works_and_signs_out(service: RunningService) -> None:
    async with browsing(service.url) as browser:
        assert await browser.status("GET", FUNNEL) == 401
        status, session = await browser.sign_in("viewer")
        assert (status, session["name"], session["role"], session["must_change_password"]) == (
            200,
            "viewer",
            "viewer",
            False,
        )
        assert (await browser.request("GET", "/api/v1/session"))[1] == session
        assert await browser.status("GET", FUNNEL) == 200
        assert await browser.status("DELETE", "/api/v1/session") == 204
        assert await browser.status("GET", FUNNEL) == 401


async def test_the_cookie_is_kept_from_scripts_and_other_sites(service: RunningService, database_url: str) -> None:
    async def cookie(url: str) -> str:
        async with browsing(url) as browser:
            body = {"name": "viewer", "password": PASSWORD}
            async with browser.http.post(f"{url}/api/v1/session", json=body) as response:
                return response.headers["set-cookie"].lower()

    attributes = {part.strip() for part in (await cookie(service.url)).split(";")}
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= attributes
    assert "secure" not in attributes
    settings = service_settings(database_url, public_url="https://deadlight.example")
    async with running_service(settings, background=False) as behind_tls:
        assert "secure" in {part.strip() for part in (await cookie(behind_tls.url)).split(";")}


async def test_a_wrong_password_and_an_unknown_name_are_refused_alike(service: RunningService) -> None:
    async with browsing(service.url) as browser:
        wrong = await browser.sign_in("viewer", "not the password")
        unknown = await browser.sign_in("nobody", PASSWORD)
        too_long = await browser.sign_in("viewer", PASSWORD + "x" * 300)
    assert wrong == unknown == too_long == (401, {"code": "unauthorized", "message": "name or password is wrong"})


async def test_a_name_is_locked_after_too_many_failures_and_opened_by_time(service: RunningService) -> None:
    async with browsing(service.url) as browser:
        for _ in range(FAILURES_ALLOWED):
            assert (await browser.sign_in("viewer", "a guess"))[0] == 401
        status, answer = await browser.sign_in("viewer")
        assert (status, answer["code"]) == (429, "too_many_requests")
        assert (await browser.sign_in("operator"))[0] == 200
        minutes = FAILURES_WINDOW.total_seconds() / 60 + 1
        await execute(service, f"UPDATE sign_in_failure SET failed_at = now() - interval '{minutes} minutes'")
        assert (await browser.sign_in("viewer"))[0] == 200


async def test_signing_in_forgets_the_failures_before(service: RunningService) -> None:
    async with browsing(service.url) as browser:
        for _ in range(FAILURES_ALLOWED - 1):
            await browser.sign_in("viewer", "a typing mistake")
        await browser.sign_in("viewer")
        assert await service.rows("SELECT * FROM sign_in_failure") == []


async def test_a_disabled_account_can_neither_sign_in_nor_stay(service: RunningService) -> None:
    async with browsing(service.url) as browser:
        await browser.sign_in("viewer")
        await execute(service, "UPDATE user_account SET disabled_at = now() WHERE name = 'viewer'")
        assert await browser.status("GET", FUNNEL) == 401
        assert (await browser.sign_in("viewer"))[0] == 401


async def test_a_session_ends_by_itself(service: RunningService) -> None:
    async with browsing(service.url) as browser:
        await browser.sign_in("viewer")
        await execute(service, "UPDATE session SET expires_at = now()")
        assert await browser.status("GET", FUNNEL) == 401


async def test_the_database_holds_nothing_that_could_be_used_to_sign_in(service: RunningService) -> None:
    async with browsing(service.url) as browser:
        await browser.sign_in("viewer")
        cookie = next(iter(browser.http.cookie_jar)).value
    (session,) = await service.rows("SELECT * FROM session")
    (account,) = await service.rows("SELECT * FROM user_account WHERE name = 'viewer'")
    assert cookie.startswith(SESSION_PREFIX)
    assert cookie.encode() not in session.token_hash
    assert account.password_hash.startswith("$argon2id$")


class _Together(PasswordHash):
    """Hashes when three do at once."""

    three = threading.Barrier(3, timeout=PATIENCE_SECONDS)

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002 - the library's name for it
        self.three.wait()
        return super().verify(password, hash)


async def test_a_sign_in_holds_no_connection_while_it_hashes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(with_driver(database_url), application="small", pool_size=1)  # and one of overflow
    monkeypatch.setattr(passwords, "hasher", _Together(passwords.hasher.hashers))
    guesses = (sign_in(engine, f"nobody {number}", "a guess", FAILURES_WINDOW) for number in range(3))
    assert await asyncio.gather(*guesses) == [None, None, None]
    await engine.dispose()


# --- other sites -----------------------------------------------------------------------------------------


async def test_a_change_needs_the_csrf_token_of_this_very_session(service: RunningService) -> None:
    async with browsing(service.url) as browser, browsing(service.url) as other:
        await browser.sign_in("operator")
        await other.sign_in("operator")
        own, browser.csrf_token = browser.csrf_token, ""
        for header in ({}, {"x-csrf-token": "guessed"}, {"x-csrf-token": other.csrf_token}, {"x-csrf-token": "ä"}):
            status, answer = await browser.request("POST", TOKENS, NEW_TOKEN, **header)
            assert (status, answer["code"]) == (403, "forbidden")
        assert await browser.status("DELETE", "/api/v1/session") == 403
        assert await browser.status("GET", FUNNEL) == 200  # reading is no change
        assert await browser.status("POST", TOKENS, NEW_TOKEN, **{"x-csrf-token": own}) == 201


async def test_a_cookie_that_was_made_up_is_nobodys(service: RunningService) -> None:
    async with browsing(service.url) as browser:
        for cookie in ("deadlight_session=dls_madeup", "deadlight_session=", "deadlight_session=\xff"):
            assert await browser.status("GET", FUNNEL, cookie=cookie) == 401


# --- passwords -------------------------------------------------------------------------------------------


async def test_a_one_time_password_opens_nothing_until_it_is_replaced(service: RunningService) -> None:
    await add_newcomer(service)
    async with browsing(service.url) as browser:
        status, session = await browser.sign_in("newcomer", "good for one sign-in")
        assert (status, session["must_change_password"]) == (200, True)
        for method, path, body in (("GET", FUNNEL, None), ("POST", TOKENS, NEW_TOKEN), ("GET", TOKENS, None)):
            status, answer = await browser.request(method, path, body)
            assert (status, answer["code"]) == (403, "password_change_required")
        assert await browser.status("GET", "/api/v1/session") == 200
        change = {"old_password": "good for one sign-in", "new_password": "a password of my own"}
        assert await browser.status("PUT", "/api/v1/password", change) == 204
        assert await browser.status("GET", TOKENS) == 200
        assert (await browser.request("GET", "/api/v1/session"))[1]["must_change_password"] is False


async def test_a_new_password_ends_the_other_sessions_and_the_old_password(service: RunningService) -> None:
    async with browsing(service.url) as browser, browsing(service.url) as elsewhere:
        await browser.sign_in("viewer")
        await elsewhere.sign_in("viewer")
        change = {"old_password": PASSWORD, "new_password": "a password of my own"}
        assert await browser.status("PUT", "/api/v1/password", change) == 204
        assert await elsewhere.status("GET", FUNNEL) == 401
        assert await browser.status("GET", FUNNEL) == 200
        assert (await elsewhere.sign_in("viewer"))[0] == 401
        assert (await elsewhere.sign_in("viewer", "a password of my own"))[0] == 200


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("not the password", "a password of my own", 403),
        (PASSWORD, PASSWORD, 403),
        (PASSWORD, "too short", 400),
        (PASSWORD, "x" * 257, 400),
    ],
)
async def test_a_password_is_not_changed(service: RunningService, old: str, new: str, status: int) -> None:
    async with browsing(service.url) as browser:
        await browser.sign_in("viewer")
        assert await browser.status("PUT", "/api/v1/password", {"old_password": old, "new_password": new}) == status
        assert (await browser.sign_in("viewer"))[0] == 200


# --- accounts --------------------------------------------------------------------------------------------


async def test_an_empty_database_gets_an_administrator_with_a_one_time_password(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM user_account"))
        first = await ensure_admin(connection)
        second = await ensure_admin(connection)
    assert len(first) >= 20
    assert await sign_in(engine, "admin", first, FAILURES_WINDOW) is None
    session = await sign_in(engine, "admin", second, FAILURES_WINDOW)
    assert session is not None
    assert session.must_change_password
    async with engine.begin() as connection:
        await change_password(connection, session, second, "a password of my own")
        assert await ensure_admin(connection) == ""
    assert await sign_in(engine, "admin", "a password of my own", FAILURES_WINDOW) is not None


async def test_an_administrator_among_others_is_left_alone(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        assert await ensure_admin(connection) == ""
    assert await sign_in(engine, "admin", PASSWORD, FAILURES_WINDOW) is not None


async def test_a_name_belongs_to_one_account(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        with pytest.raises(ConflictError, match="viewer"):
            await create_user(connection, "viewer", PASSWORD, Role.VIEWER, must_change_password=False)
