"""Trying a registry's settings, as a person would: what answers there, and does it have an image?"""

from dataclasses import replace

from deadlight.model.image import ImageReference, InvalidReferenceError
from deadlight.registry import RegistryError
from deadlight.registry.statements import WithScanner
from deadlight.registry.types.registry_type import Product, RegistryApi
from deadlight.server.db.engine import autocommit
from deadlight.server.errors import BadRequestError
from deadlight.server.registries.scanning import ScanWith
from deadlight.server.registries.schemas import ConnectionTest
from deadlight.server.registries.service import Registry, connection_for, get_registry
from deadlight.server.secrets import UndecipherableError
from deadlight.server.services import Services


async def check_connection(services: Services, registry_id: int, image: str) -> ConnectionTest:
    """Ask a registry what it is and, where one is named, for an image.

    Raises:
        NotFoundError: there is no such registry.
        BadRequestError: `image` is no image of that registry.
    """
    async with autocommit(services.engine) as connection:
        asked = await get_registry(connection, registry_id)
    reference = _parse(image, asked) if image.strip() else None
    try:
        reached = connection_for(services, asked)
    except (RegistryError, UndecipherableError) as error:
        return _result(Product(""), str(error), ok=False)
    product = await _describe(reached.api)
    if asked.scan_with != ScanWith.DEADLIGHT:
        product = await _with_scanner(reached.api, product)
    if reference is None:
        failure = "" if product.name else " ".join(product.problems)
        return _result(product, failure or f"{asked.host} answers", ok=not failure)
    try:
        head = await reached.client.head_manifest(reference.repository, reference.digest or reference.tag)
    except RegistryError as error:
        return _result(product, str(error), ok=False)
    return _result(product, f"the registry answered for {reference}", digest=head.digest)


async def _describe(api: RegistryApi) -> Product:
    """What it is; nameless, with the reason as its problem, where it does not say."""
    try:
        return await api.describe_product()
    except RegistryError as error:
        return Product("", problems=(str(error),))


async def _with_scanner(api: RegistryApi, product: Product) -> Product:
    """The product with what keeps its scanner from scanning in Deadlight's place."""
    if not isinstance(api, WithScanner):
        return product
    try:
        problems = await api.scanner.list_problems()
    except RegistryError as error:
        problems = (f"{api.scanner.name}: {error}",)
    return replace(product, problems=tuple(dict.fromkeys((*product.problems, *problems))))


def _parse(image: str, asked: Registry) -> ImageReference:
    try:
        reference = ImageReference.parse(image.strip())
    except InvalidReferenceError as error:
        raise BadRequestError(str(error)) from None
    if reference.registry != asked.host:
        raise BadRequestError(f"{reference} is an image of {reference.registry}, not of {asked.host}")
    return reference


def _result(product: Product, message: str, *, ok: bool = True, digest: str = "") -> ConnectionTest:
    return ConnectionTest(
        ok=ok,
        message=message,
        digest=digest,
        product=product.name,
        version=product.version,
        problems=list(product.problems),
    )
