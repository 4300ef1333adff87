"""The client of one registry: what its tags are now, and the content behind them."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import aiohttp

from deadlight.registry.blobs import iter_blob, read_blob
from deadlight.registry.documents import Descriptor, ImageConfig, InvalidDocumentError, Manifest, parse_config
from deadlight.registry.endpoint import Endpoint, SignIn, TlsTrust
from deadlight.registry.errors import MalformedAnswerError, RegistryError
from deadlight.registry.limits import MAX_CONFIG_BYTES, Limits, Timing
from deadlight.registry.manifests import ManifestHead, NotModified, fetch_manifest, look_up_manifest
from deadlight.registry.reading import read_images
from deadlight.registry.records import SourceRecord
from deadlight.registry.referrers import fetch_referrers
from deadlight.registry.source import Source
from deadlight.registry.transport import Traffic

logger = logging.getLogger(__name__)

MIRROR_PAUSE_SECONDS = 30.0
"""How long a mirror that failed is passed over."""

DEFAULT_LIMITS = Limits()
DEFAULT_TIMING = Timing()

T = TypeVar("T")


class RegistryClient:
    """Asks the registry of one endpoint, its mirrors first.

    Share one client per endpoint: it remembers tokens, keeps the pace and knows when the registry wants quiet. The
    session stays its owner's, who also decides with it which addresses may be reached at all.

    Every method may raise, besides what it names,
    UnavailableError: the registry could not be asked (see `deadlight.registry.errors`), and
    InvalidReferenceError: a repository, tag or digest that cannot exist.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        session: aiohttp.ClientSession,
        *,
        sign_in: SignIn | None = None,
        limits: Limits = DEFAULT_LIMITS,
        timing: Timing = DEFAULT_TIMING,
    ) -> None:
        """Prepare to ask; raises InvalidEndpointError where the endpoint's `ca_file` cannot be used.

        With `sign_in` the endpoint's own user name and password are never sent: what that gives is.
        """
        self.endpoint = endpoint
        self._sign_in = sign_in
        self.name = endpoint.host
        self.traffic = Traffic()
        trust = TlsTrust.of(endpoint)
        self._origin = Source(
            endpoint.base_url,
            session,
            trust=trust,
            limits=limits,
            timing=timing,
            traffic=self.traffic,
            basic=self._authorization if sign_in else endpoint.basic_authorization,
        )
        self._mirrors = tuple(
            Source(
                url,
                session,
                trust=trust,
                limits=replace(limits, attempts=1),
                timing=timing,
                traffic=self.traffic,
                pause_seconds=MIRROR_PAUSE_SECONDS,
            )
            for url in endpoint.mirror_urls
        )

    async def signed_in_endpoint(self) -> Endpoint:
        """The endpoint with a user name and password that the registry takes as they are, for a while at least."""
        return await self._sign_in() if self._sign_in else self.endpoint

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead:
        """What a tag or digest points at: by HEAD, or by GET where the registry does not tell otherwise.

        Raises:
            NotFoundError: the registry says that it does not exist.
        """
        answer = await self._look_up(repository, reference)
        if isinstance(answer, Manifest):
            return ManifestHead(answer.digest, answer.media_type, answer.etag, len(answer.content))
        assert isinstance(answer, ManifestHead), "nothing to be unmodified since"
        return answer

    async def fetch_manifest(self, repository: str, reference: str, *, etag: str = "") -> Manifest | NotModified:
        """The manifest or index of a tag or digest, verified; NotModified if it is still the one of `etag`.

        Raises:
            NotFoundError: the registry says that it does not exist.
            DigestMismatchError: asked by digest, the registry sends other content.
        """
        return await self._ask(lambda source: fetch_manifest(source, repository, reference, etag=etag))

    async def fetch_config(self, repository: str, digest: str) -> ImageConfig:
        """The image configuration of that digest.

        Raises:
            NotFoundError: the registry says that it does not exist.
            DigestMismatchError: the registry sends other content.
        """
        content = await self._ask(lambda source: read_blob(source, repository, digest, size_limit=MAX_CONFIG_BYTES))
        try:
            return parse_config(content, digest=digest)
        except InvalidDocumentError as error:
            raise MalformedAnswerError(self.name, f"the image's configuration is {error}") from error

    async def fetch_referrers(self, repository: str, digest: str) -> tuple[Descriptor, ...]:
        """What refers to a manifest: signatures, attestations, SBOMs. Mirrors are not asked, few know of them."""
        return await fetch_referrers(self._origin, repository, digest)

    async def fetch_blob(self, repository: str, digest: str, *, size_limit: int) -> bytes:
        """A whole small blob.

        Raises:
            NotFoundError: the registry says that it does not exist.
            DigestMismatchError: the registry sends other content.
        """
        return await self._ask(lambda source: read_blob(source, repository, digest, size_limit=size_limit))

    def iter_blob(self, repository: str, digest: str, *, size_limit: int) -> AsyncGenerator[bytes, None]:
        """Yield a blob of at most `size_limit` bytes, in pieces of the network's choosing, as stored.

        A dropped connection is resumed where it broke. Nothing of it may be believed before the end is reached;
        close the iterator (`contextlib.aclosing`) if you stop early.

        Raises:
            DigestMismatchError: at the end, if the bytes do not hash to `digest`.
            NotFoundError: the registry says that it does not exist.
        """
        return iter_blob(self._mirrors, self._origin, repository, digest, size_limit=size_limit)

    async def fetch_source_record(
        self, repository: str, tag: str, *, previous: SourceRecord | None = None
    ) -> SourceRecord:
        """What a tag is now; `previous`, the very object, if that is what it already was.

        The usual answer costs one HEAD. A change costs the index, up to `MAX_MANIFESTS_READ` of its manifests and,
        for images that the index does not describe, their configurations.

        Raises:
            NotFoundError: the registry says that the tag does not exist.
        """
        answer = await self._look_up(repository, tag, etag=previous.etag if previous else "")
        if previous is not None and (isinstance(answer, NotModified) or answer.digest == previous.digest):
            return previous
        manifest = answer if isinstance(answer, Manifest) else await self.fetch_manifest(repository, tag)
        assert isinstance(manifest, Manifest), "nothing to be unmodified since"
        return SourceRecord(
            repository=repository,
            reference=tag,
            digest=manifest.digest,
            is_index=manifest.is_index,
            etag=manifest.etag,
            manifests=await read_images(self, repository, manifest),
            annotations=manifest.annotations,
        )

    async def fetch_pinned_record(
        self, repository: str, digest: str, *, previous: SourceRecord | None = None
    ) -> SourceRecord:
        """What is behind a digest: existence is the question, so that with `previous` one HEAD answers it.

        Raises:
            NotFoundError: the registry says that it does not exist.
            DigestMismatchError: the registry sends other content.
        """
        return await self.fetch_source_record(repository, digest, previous=previous)

    async def _authorization(self) -> str:
        return (await self.signed_in_endpoint()).basic_authorization

    async def _ask(self, question: Callable[[Source], Awaitable[T]]) -> T:
        """The first answer of a mirror, or else whatever the origin says."""
        for mirror in self._mirrors:
            try:
                return await question(mirror)
            except RegistryError as error:
                logger.debug("registry mirror passed over", extra={"mirror": mirror.name, "reason": str(error)})
        return await question(self._origin)

    async def _look_up(
        self, repository: str, reference: str, *, etag: str = ""
    ) -> ManifestHead | Manifest | NotModified:
        return await self._ask(lambda source: look_up_manifest(source, repository, reference, etag=etag))
