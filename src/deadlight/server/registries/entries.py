"""What people enter about a registry, checked and made fit to be stored."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Row

from deadlight.model.image import ImageReference, InvalidReferenceError
from deadlight.registry import Endpoint, InvalidEndpointError
from deadlight.registry.types.generic import GENERIC
from deadlight.registry.types.registry_type import RegistryType
from deadlight.registry.types.table import TYPES, suggest_type
from deadlight.server.errors import BadRequestError
from deadlight.server.registries.origins import InvalidOriginError, Origin
from deadlight.server.registries.scanning import ScanWith
from deadlight.server.registries.schemas import RegistryIn
from deadlight.server.secrets import Cipher, UndecipherableError


def column_values(body: RegistryIn, cipher: Cipher, before: Row[Any] | None = None) -> dict[str, Any]:
    """The columns of a registry as entered; `before` is its row where it is being changed.

    A password or secret setting that is left out stays, unless it would go to another address than it was meant for.

    Raises:
        BadRequestError: what was entered cannot work.
    """
    host, kind = _host(body.host), _type(body)
    if body.scan_with is not ScanWith.DEADLIGHT and not kind.scanner:
        raise BadRequestError(f"{kind.label} brings no scanner of its own: have Deadlight scan it")
    stored = _stored_options(cipher, before)
    options = _options(kind, body.options, stored)
    password = _password(body, cipher, before)
    try:
        Endpoint(host, body.url, tuple(body.mirrors), body.username, "set" if password else "")
        origins = [Origin(rule.prefix.strip("/"), rule.origin.strip("/")) for rule in body.origins]
    except (InvalidEndpointError, InvalidOriginError) as error:
        raise BadRequestError(str(error)) from None
    if before is not None:
        _refuse_other_address(body, before, host, (stored, options), keeps_password=bool(password))
    return body.model_dump(exclude={"password", "options"}) | {
        "host": host,
        "type": kind.key,
        "name": body.name or host,
        "origins": [{"prefix": rule.prefix, "origin": rule.origin} for rule in origins],
        "password_encrypted": password,
        "options_encrypted": cipher.encrypt(msgspec.json.encode(options).decode()) if options else None,
    }


def _password(body: RegistryIn, cipher: Cipher, before: Row[Any] | None) -> bytes | None:
    """The password as entered; one that was left out stays as long as there is a user name to go with it."""
    if body.password is not None:
        return cipher.encrypt(body.password) if body.password else None
    stored: bytes | None = before.password_encrypted if before is not None and body.username else None
    return stored


def _refuse_other_address(
    body: RegistryIn,
    before: Row[Any],
    host: str,
    options: tuple[Mapping[str, str], Mapping[str, str]],
    *,
    keeps_password: bool,
) -> None:
    """Stored secrets go where they were meant to go, also when somebody else changes the address later."""
    stored, entered = options
    urls = [{name: value for name, value in each.items() if "://" in value} for each in options]
    moved = (host, body.url, urls[1]) != (before.host, before.url, urls[0])
    kept = {name for name, value in entered.items() if stored.get(name) == value and not body.options.get(name)}
    if moved and ((keeps_password and body.password is None) or kept):
        raise BadRequestError("the address is another one: enter the password again, it was meant for the old one")


def _type(body: RegistryIn) -> RegistryType:
    if not body.type:
        return suggest_type(body.host)
    if body.type not in TYPES:
        raise BadRequestError(f"{body.type!r} is no type of registry: choose one of {', '.join(TYPES)}")
    return TYPES[body.type]


def _options(kind: RegistryType, entered: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """The settings of a type: those entered, and secret ones that were left out as they were."""
    known = {option.name: option for option in kind.options}
    for name in entered.keys() - known.keys():
        raise BadRequestError(f"{kind.label} has no setting {name!r}")
    values = {}
    for name, option in known.items():
        value = entered.get(name, "").strip() or (stored.get(name, "") if option.secret else "")
        if option.required and not value:
            raise BadRequestError(f"{kind.label} needs {option.label}: {option.help}")
        if value:
            values[name] = value
    return values


def read_options(cipher: Cipher, encrypted: bytes | None) -> dict[str, str]:
    """The settings of a registry's type; raises UndecipherableError."""
    return msgspec.json.decode(cipher.decrypt(encrypted), type=dict[str, str]) if encrypted else {}


def shown_options(cipher: Cipher, kind: str, encrypted: bytes | None) -> dict[str, str]:
    """Those of them that may be shown."""
    try:
        options = read_options(cipher, encrypted)
    except UndecipherableError:
        return {}
    secret = {option.name for option in TYPES.get(kind, GENERIC).options if option.secret}
    return {name: value for name, value in options.items() if name not in secret}


def _stored_options(cipher: Cipher, before: Row[Any] | None) -> dict[str, str]:
    try:
        return read_options(cipher, before.options_encrypted) if before is not None else {}
    except UndecipherableError:
        return {}  # to be entered again


def _host(text_: str) -> str:
    """The host as references are read, so that it is found again; raises BadRequestError for what names none."""
    refusal = BadRequestError(f"{text_!r} is no registry's host as image references name it (docker.io, host:5000)")
    try:
        probe = ImageReference.parse(f"{text_}/probe/probe")
    except InvalidReferenceError:
        raise refusal from None
    if probe.repository != "probe/probe":
        raise refusal
    return probe.registry
