"""What refers to an image: the referrers of OCI distribution 1.1, and its fallback for registries without that API."""

from http import HTTPStatus

from deadlight.registry.documents import OCI_INDEX, Descriptor, InvalidDocumentError, Manifest, parse_manifest
from deadlight.registry.errors import MalformedAnswerError, NotFoundError
from deadlight.registry.limits import MAX_MANIFEST_BYTES
from deadlight.registry.manifests import fetch_manifest
from deadlight.registry.names import referrers_path, scope_of
from deadlight.registry.source import Request, Source


async def fetch_referrers(source: Source, repository: str, digest: str) -> tuple[Descriptor, ...]:
    """What refers to a manifest; the first page, which for most registries is all of it.

    A registry without the API answers 404 or another client error; then the tag that clients keep in its stead is read
    (OCI distribution specification, "Referrers Tag Schema").

    Raises:
        UnavailableError: the registry could not be asked.
    """
    path, scope = referrers_path(repository, digest), scope_of(repository)
    request = Request(path, scope, headers={"Accept": OCI_INDEX}, size_limit=MAX_MANIFEST_BYTES)
    answer = await source.fetch(request)
    if answer.status == HTTPStatus.OK and answer.content_type == OCI_INDEX:
        try:
            return parse_manifest(answer.body, OCI_INDEX, digest=digest).manifests
        except InvalidDocumentError as error:
            raise MalformedAnswerError(answer.registry, f"its list of referrers is {error}") from error
    return await _fetch_tagged(source, repository, digest)


async def _fetch_tagged(source: Source, repository: str, digest: str) -> tuple[Descriptor, ...]:
    try:
        index = await fetch_manifest(source, repository, digest.replace(":", "-"))
    except NotFoundError:
        return ()
    assert isinstance(index, Manifest), "nothing to be unmodified since"
    return index.manifests
