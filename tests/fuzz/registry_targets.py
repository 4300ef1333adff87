"""Parsers of what registries, their webhooks and those who push say."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Never

import msgspec
from tests.fuzz.target import Target
from tests.support.attestations import statement
from tests.support.registry_webhooks import SAMPLES
from tests.support.sigstore_instance import SigstoreInstance, envelope, new_key, public_pem

from deadlight.demo.images import ImageSpec, build_image, build_index
from deadlight.model.image import ImageReference, InvalidReferenceError, Platform
from deadlight.registry import Endpoint, RegistryError, foreign
from deadlight.registry.answers import error_codes
from deadlight.registry.attestations.attached import Attached, Found, Kind
from deadlight.registry.attestations.evidence import assess
from deadlight.registry.attestations.keyless import InvalidBundleError, SigstoreVerifier
from deadlight.registry.attestations.trust import InvalidKeyError, TrustedSigners, load_public_key
from deadlight.registry.authorization import _read_token
from deadlight.registry.challenges import parse_challenges
from deadlight.registry.documents import OCI_INDEX, OCI_MANIFEST, InvalidDocumentError, parse_config, parse_manifest
from deadlight.registry.endpoint import parse_base_url
from deadlight.registry.notifications import NOTIFICATIONS, InvalidNotificationError
from deadlight.registry.records import InvalidRecordError, SourceRecord
from deadlight.registry.times import parse_time
from deadlight.registry.tokens import stated_life
from deadlight.registry.types.amazon.documents import read_login
from deadlight.registry.types.amazon.identity import _read_keys
from deadlight.registry.types.google.identity import parse_key
from deadlight.server.registries.stored_facts import read_facts

_DIGEST = f"sha256:{'a' * 64}"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def registry_targets() -> Iterator[Target]:
    """Everything that comes from where images are kept."""
    yield from _documents()
    yield from _attached()
    yield from map(_webhook, sorted(NOTIFICATIONS))
    yield from _answers()
    yield from _stored()


def _documents() -> Iterator[Target]:
    image = build_image(ImageSpec([{"a": b"x"}], env={"A": "1"}, labels={"b": "2"}, entrypoint=["/a"]))
    index = build_index([image])
    invalid = (InvalidDocumentError,)
    for name, kind, seed in (("manifest", OCI_MANIFEST, image.manifest), ("index", OCI_INDEX, index.index)):
        yield Target(name, partial(_manifest, kind), (seed.content,), invalid)
    history = json.loads(image.config.content) | {"history": [{"created_by": "RUN x"}, {"empty_layer": True}]}
    seeds = (image.config.content, json.dumps(history).encode())
    yield Target("image-config", lambda data: parse_config(data, digest=_DIGEST), seeds, invalid)


def _manifest(kind: str, data: bytes) -> None:
    parse_manifest(data, kind, digest=_DIGEST)


def _attached() -> Iterator[Target]:
    key, claim = new_key(), statement(_DIGEST, {"buildDefinition": {"externalParameters": {"GITHUB_ACTOR": "a"}}})
    enveloped = json.dumps(envelope(key, claim)).encode()
    payload = {"critical": {"image": {"docker-manifest-digest": _DIGEST}, "identity": {"docker-reference": "a/b"}}}
    seeds = {
        Kind.SIMPLE_SIGNATURE: (json.dumps(payload).encode(),),
        Kind.ENVELOPE: (enveloped,),
        Kind.STATEMENT: (claim, statement(_DIGEST, {"builder": {"id": "b"}}, "https://slsa.dev/provenance/v0.2")),
        Kind.BUNDLE: (b'{"dsseEnvelope":' + enveloped + b"}",),
    }
    for kind in Kind:
        name = f"attached-{kind.name.lower().replace('_', '-')}"
        yield Target(name, partial(_assess, kind), seeds[kind])
    bundle = SigstoreInstance().sign(claim, "a@b.test", "https://issuer.test")
    # The first loads some 300 modules.
    yield Target("sigstore-bundle", SigstoreVerifier(), (bundle,), (InvalidBundleError,), seconds=30)
    yield Target(
        "public-key", lambda data: load_public_key(text(data)), (public_pem(key).encode(),), (InvalidKeyError,)
    )


def _assess(kind: Kind, data: bytes) -> None:
    annotations = {"dev.cosignproject.cosign/signature": text(data)}
    found = Found((Attached(kind, data, annotations),))
    assess(found, {_DIGEST}, TrustedSigners(), _refuse).to_dict()


def _refuse(_content: bytes) -> Never:
    raise InvalidBundleError("not here")


def _webhook(name: str) -> Target:
    bodies = tuple(sorted({sample.sent().body for sample in SAMPLES if sample.format == name}))
    return Target(f"webhook-{name}", partial(_take_webhook, name), bodies or (b"{}",), (InvalidNotificationError,))


def _take_webhook(name: str, data: bytes) -> None:
    format_ = NOTIFICATIONS[name]
    format_.verify({"authorization": text(data[:200])}, data, "a secret", url_token=text(data[:20]))
    format_.parse({"x-github-event": "package"}, data)


def _answers() -> Iterator[Target]:
    refused = (RegistryError,)
    yield Target("challenge", lambda data: parse_challenges([text(data)]), (b'Bearer realm="https://a/t",service="s"',))
    yield Target("error-document", error_codes, (b'{"errors":[{"code":"NAME_UNKNOWN"}]}',))
    yield Target("token-answer", partial(_read_token, "r.test"), (b'{"token":"abc","expires_in":300}',), refused)
    yield Target("token-life", lambda data: stated_life(text(data), _NOW), (b"e30.eyJleHAiOjE4MDAwMDAwMDB9.c2ln",))
    yield Target("time", lambda data: _subtracted(text(data)), (b"2026-03-04T05:06:07.123456789Z", b"2026-03-04 05:06"))
    aws = b"<AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey><SessionToken>C</SessionToken><Expiration>"
    yield Target(
        "aws-keys", lambda data: _read_keys("a", data, _NOW), (aws + b"2026-01-02T00:00:00Z</Expiration>",), refused
    )
    yield Target("ecr-login", lambda data: read_login("a", text(data)), (b"QVdTOnBhc3N3b3Jk",), refused)
    yield Target("google-key", _google_key, (b'{"private_key":"x","client_email":"a@b"}',), refused)
    yield Target(
        "base-url", lambda data: parse_base_url(text(data)), (b"https://r.test:5000/v2",), (RegistryError, ValueError)
    )
    yield Target("foreign-text", _foreign, (b"https://u:p@r.test/a?b#c", b"git@git.example.com:shop/web.git"))
    yield Target("reference", _reference, (b"r.test:5000/shop/web:1.4.2@" + _DIGEST.encode(), b"linux/arm64/v8"))


def _subtracted(written: str) -> None:
    found = parse_time(written)
    assert found is None or abs((found - _NOW).days) >= 0  # naive times cannot be subtracted


def _google_key(data: bytes) -> None:
    parse_key(Endpoint("r.test", "https://r.test", username="_json_key", password=text(data)))


def _foreign(data: bytes) -> None:
    for shown in (foreign.name, foreign.prose, foreign.web_link, foreign.vcs_address):
        assert shown(text(data)).isprintable()


def _reference(data: bytes) -> None:
    for parse, error in ((ImageReference.parse, InvalidReferenceError), (Platform.parse, ValueError)):
        try:
            str(parse(text(data)))
        except error:
            continue


def _stored() -> Iterator[Target]:
    record = SourceRecord("a", "1", _DIGEST, is_index=False, etag="", manifests=())
    yield Target("stored-record", _record, (msgspec.json.encode(record),), (InvalidRecordError,))
    yield Target("stored-registry-facts", _facts, (b'{"pushed_by":"a","properties":{"a":"b"}}',))


def _record(data: bytes) -> None:
    SourceRecord.from_dict(json_value(data))


def _facts(data: bytes) -> None:
    read_facts(json_value(data))


def json_value(data: bytes) -> dict[str, object]:
    """What a column of JSON can hold."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text(data: bytes) -> str:
    """As texts arrive: decoded before."""
    return data.decode("utf-8", "replace")
