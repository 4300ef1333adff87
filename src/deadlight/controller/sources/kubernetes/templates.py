"""What a workload's pods are made from, as a hash that says whether two are the same. Pure."""

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

NO_TEMPLATE = msgspec.Raw(b"")


def template_hash(template: bytes | msgspec.Raw) -> str:
    """The same for the same JSON value, however it is written; empty for none."""
    if not bytes(template):
        return ""
    return _hash(msgspec.json.decode(template))


def images_hash(images: Iterable[tuple[str, str]]) -> str:
    """For a pod that nothing makes: containers and their images, which are all of it that can be changed later."""
    return _hash(sorted(images))


def _hash(value: object) -> str:
    return blake2b(msgspec.json.encode(value, order="sorted"), digest_size=8).hexdigest()
