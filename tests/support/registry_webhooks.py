"""What registries send to a webhook: bodies after the vendors' public documentation, and how each proves itself."""

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deadlight.registry.notifications import Notification, NotificationAction

PUSHED, DELETED = NotificationAction.PUSHED, NotificationAction.DELETED
DIGEST = f"sha256:{'3f' * 32}"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ISO = "2026-03-04T05:06:07Z"
SECRET = "tide-and-current-41"


@dataclass(frozen=True)
class Sent:
    """A request as a product makes it."""

    headers: dict[str, str]
    body: bytes
    url_token: str = ""


@dataclass(frozen=True)
class Sample:
    """What a product says, and what is understood."""

    name: str
    format: str
    document: Any
    understood: tuple[Notification, ...]
    headers: dict[str, str] = field(default_factory=dict)

    def sent(self, secret: str = SECRET) -> Sent:
        """The request, proven with `secret`."""
        body = json.dumps(self.document).encode()
        proven = PROOFS[self.format](body, secret)
        return Sent({"content-type": "application/json"} | self.headers | proven.headers, body, proven.url_token)


def _bearer(body: bytes, secret: str) -> Sent:
    return Sent({"authorization": f"Bearer {secret}"}, body)


def _token(body: bytes, secret: str) -> Sent:
    return Sent({}, body, secret)


def _jfrog(body: bytes, secret: str) -> Sent:
    return Sent({"x-jfrog-event-auth": hmac.digest(secret.encode(), body, "sha256").hex()}, body)


def _github(body: bytes, secret: str) -> Sent:
    return Sent({"x-hub-signature-256": "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()}, body)


PROOFS: dict[str, Callable[[bytes, str], Sent]] = {
    "distribution": _bearer,
    "zot": _bearer,
    "harbor": _bearer,
    "artifactory": _jfrog,
    "github": _github,
    "ecr": _bearer,
    "acr": _bearer,
    "gar": _token,
    "docker-hub": _token,
    "quay": _token,
}


def distribution_event(action: str = "push", *, actor: str = "ci-shop", **target: Any) -> dict[str, Any]:
    """One event of CNCF Distribution about `shop/web`."""
    described = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "size": 708,
        "digest": DIGEST,
        "repository": "shop/web",
        "url": f"https://registry.example.com/v2/shop/web/manifests/{DIGEST}",
    }
    return {
        "id": "0f6dd1c5",
        "timestamp": "2026-03-04T05:06:07.000000123Z",
        "action": action,
        "target": described | target,
        "request": {"id": "7", "addr": "192.0.2.7", "host": "registry.example.com", "method": "PUT"},
        "actor": {"name": actor} if actor else {},
        "source": {"addr": "registry-0:5000", "instanceID": "ab12"},
    }


def _harbor(kind: str, *resources: dict[str, str]) -> dict[str, Any]:
    return {
        "type": kind,
        "occur_at": int(AT.timestamp()),
        "operator": "robot$shop+ci",
        "event_data": {
            "resources": [{"resource_url": "harbor.example.com/shop/web"} | resource for resource in resources],
            "repository": {"name": "web", "namespace": "shop", "repo_full_name": "shop/web", "repo_type": "private"},
        },
    }


def _harbor_cloud_event() -> dict[str, Any]:
    default = _harbor("PUSH_ARTIFACT", {"digest": DIGEST, "tag": "1.4.2"})
    return {
        "specversion": "1.0",
        "id": "1d1c",
        "source": "/projects/3/webhook/policies/9",
        "type": "harbor.artifact.pushed",
        "datacontenttype": "application/json",
        "time": ISO,
        "operator": default["operator"],
        "data": default["event_data"],
    }


def _artifactory(event: str, domain: str = "docker", **data: Any) -> dict[str, Any]:
    described = {
        "repo_key": "docker-local",
        "path": "shop/web/1.4.2/manifest.json",
        "name": "manifest.json",
        "sha256": DIGEST.removeprefix("sha256:"),
        "size": 708,
        "image_name": "shop/web",
        "tag": "1.4.2",
    }
    return {"domain": domain, "event_type": event, "data": described | data, "subscription_key": "deadlight"}


def _github_package(action: str = "published", kind: str = "CONTAINER", key: str = "package") -> dict[str, Any]:
    version = {
        "version": DIGEST,
        "created_at": ISO,
        "updated_at": ISO,
        "container_metadata": {"tag": {"name": "1.4.2", "digest": DIGEST}, "labels": {}, "manifest": {}},
    }
    package = {"name": "web", "package_type": kind, "owner": {"login": "Shop"}, "package_version": version}
    return {"action": action, key: package, "sender": {"login": "ada"}}


def _ecr(action: str = "PUSH", kind: str = "ECR Image Action", result: str = "SUCCESS") -> dict[str, Any]:
    detail = {
        "result": result,
        "repository-name": "shop/web",
        "image-digest": DIGEST,
        "action-type": action,
        "image-tag": "1.4.2",
    }
    return {"detail-type": kind, "source": "aws.ecr", "account": "123456789012", "time": ISO, "detail": detail}


def _gar(**change: str) -> dict[str, Any]:
    data = base64.b64encode(json.dumps(change).encode()).decode()
    return {
        "message": {"data": data, "messageId": "7", "publishTime": ISO},
        "subscription": "projects/p/subscriptions/d",
    }


def _image(action: NotificationAction = PUSHED, repository: str = "shop/web", **more: Any) -> tuple[Notification, ...]:
    facts: dict[str, Any] = {"tag": "1.4.2", "digest": DIGEST, "at": AT} | more
    return (Notification(repository, action, **facts),)


_GAR = "europe-docker.pkg.dev/acme/images/shop/web"
_JFROG: dict[str, Any] = {"repository": "docker-local/shop/web", "image": "shop/web", "at": None}
_QUAY = {"name": "web", "namespace": "shop", "repository": "shop/web", "docker_url": "quay.io/shop/web"}
_ZOT = {
    "name": "shop/web",
    "reference": "1.4.2",
    "digest": DIGEST,
    "mediaType": "application/vnd.oci.image.index.v1+json",
}

SAMPLES: tuple[Sample, ...] = (
    Sample(
        "a push",
        "distribution",
        {"events": [distribution_event(tag="1.4.2")]},
        _image(actor="ci-shop"),
        {"content-type": "application/vnd.docker.distribution.events.v1+json"},
    ),
    Sample("a push by digest", "distribution", {"events": [distribution_event()]}, _image(actor="ci-shop", tag="")),
    Sample(
        "a deletion and a pull",
        "distribution",
        {"events": [distribution_event("delete", mediaType="", actor=""), distribution_event("pull", tag="1.4.2")]},
        _image(DELETED, tag=""),
    ),
    Sample(
        "a layer",
        "distribution",
        {"events": [distribution_event(mediaType="application/vnd.oci.image.layer.v1.tar+gzip")]},
        (),
    ),
    Sample("binary mode", "zot", _ZOT, _image(), {"ce-type": "zotregistry.image.updated", "ce-time": ISO}),
    Sample(
        "structured mode, own prefix",
        "zot",
        {"specversion": "1.0", "type": "com.example.image.deleted", "time": ISO, "data": _ZOT},
        _image(DELETED),
    ),
    Sample("a new repository", "zot", {"name": "shop/web"}, (), {"ce-type": "zotregistry.repository.created"}),
    Sample(
        "a push",
        "harbor",
        _harbor("PUSH_ARTIFACT", {"digest": DIGEST, "tag": "1.4.2"}),
        _image(actor="robot$shop+ci"),
    ),
    Sample(
        "a deletion of two",
        "harbor",
        _harbor("DELETE_ARTIFACT", {"digest": DIGEST, "tag": "1.4.2"}, {"digest": DIGEST, "tag": DIGEST}),
        _image(DELETED, actor="robot$shop+ci") + _image(DELETED, actor="robot$shop+ci", tag=""),
    ),
    Sample("a CloudEvent", "harbor", _harbor_cloud_event(), _image(actor="robot$shop+ci")),
    Sample("a pull", "harbor", _harbor("PULL_ARTIFACT", {"digest": DIGEST}), ()),
    Sample("a push", "artifactory", _artifactory("pushed"), _image(**_JFROG)),
    Sample("a promotion", "artifactory", _artifactory("promoted"), _image(**_JFROG)),
    Sample("a deletion", "artifactory", _artifactory("deleted"), _image(DELETED, **_JFROG)),
    Sample(
        "an image of an index",
        "artifactory",
        _artifactory("pushed", tag=DIGEST.replace(":", "__")),
        _image(**_JFROG, tag=""),
    ),
    Sample("another domain", "artifactory", _artifactory("deployed", "artifact"), ()),
    Sample("a package", "github", _github_package(), _image(actor="ada"), {"x-github-event": "package"}),
    Sample(
        "a registry package",
        "github",
        _github_package("updated", key="registry_package"),
        _image(actor="ada"),
        {"x-github-event": "registry_package"},
    ),
    Sample("another ecosystem", "github", _github_package(kind="npm"), (), {"x-github-event": "package"}),
    Sample("a ping", "github", {"zen": "Keep it simple.", "hook_id": 1}, (), {"x-github-event": "ping"}),
    Sample("a push", "ecr", _ecr(), _image()),
    Sample("a deletion", "ecr", _ecr("DELETE"), _image(DELETED)),
    Sample("a failure", "ecr", _ecr(result="FAILURE"), ()),
    Sample("a scan", "ecr", _ecr(kind="ECR Image Scan"), ()),
    Sample("a push", "acr", distribution_event(tag="1.4.2", actor=""), _image()),
    Sample("a deletion", "acr", distribution_event("delete", actor=""), _image(DELETED, tag="")),
    Sample("a ping", "acr", {"id": "1", "timestamp": ISO, "action": "ping"}, ()),
    Sample(
        "a tag",
        "gar",
        _gar(action="INSERT", digest=f"{_GAR}@{DIGEST}", tag=f"{_GAR}:1.4.2"),
        _image(repository="acme/images/shop/web"),
    ),
    Sample(
        "a deletion",
        "gar",
        _gar(action="DELETE", digest=f"{_GAR}@{DIGEST}"),
        _image(DELETED, repository="acme/images/shop/web", tag=""),
    ),
    Sample(
        "a push",
        "docker-hub",
        {
            "callback_url": "https://registry.hub.docker.com/u/shop/web/hook/1/",
            "push_data": {"pushed_at": AT.timestamp(), "pusher": "ada", "tag": "1.4.2"},
            "repository": {"name": "web", "namespace": "shop", "repo_name": "shop/web", "status": "Active"},
        },
        _image(digest="", actor="ada"),
    ),
    Sample(
        "a push of two tags",
        "quay",
        _QUAY | {"updated_tags": ["1.4.2", "1.4"]},
        _image(digest="", at=None) + _image(digest="", at=None, tag="1.4"),
    ),
    Sample("an older push", "quay", _QUAY | {"updated_tags": {"1.4.2": "b750"}}, _image(digest="", at=None)),
    Sample("a build", "quay", _QUAY | {"build_id": "1", "docker_tags": ["1.4.2"]}, ()),
)
"""At least one push of every format."""
