"""From a container as the kubelet reports it to the image tag it runs. Pure."""

from dataclasses import dataclass

from deadlight.model.image import ImageReference, InvalidReferenceError, running_digest


@dataclass(frozen=True, slots=True, order=True)
class ImageTagKey:
    """What makes an image tag one thing: the name people use and the bytes that run."""

    registry: str
    repository: str
    tag: str
    digest: str
    platform: str
    pinned_digest: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """No image tag can be told yet, or ever; `problem` is shown, and empty while there is nothing to say."""

    problem: str


NODE_UNKNOWN = "the node is not known yet"


def resolve_image_tag(image: str, image_id: str, platform: str | None) -> ImageTagKey | Unresolved:
    """The image tag of a container.

    `image` is the reference in the pod's specification, `image_id` the kubelet's imageID and `platform` the node's,
    None while the node is not known. Nothing runs before there is an `image_id`.
    """
    if not image_id:
        return Unresolved("")
    digest = running_digest(image_id)
    if not digest:
        return Unresolved(f"the kubelet reports an imageID without a digest: {image_id[:200]!r}")
    try:
        reference = ImageReference.parse(image)
    except InvalidReferenceError as error:
        return Unresolved(str(error))
    if platform is None:
        return Unresolved(NODE_UNKNOWN)
    return ImageTagKey(reference.registry, reference.repository, reference.tag, digest, platform, reference.digest)
