"""A private Sigstore for tests: certificate authority, certificate log and signature log, each with its key.

A double of what nobody can run here (Fulcio, the CT log, Rekor), built from their public specifications (RFC 6962 for
certificate timestamps and the tree, the C2SP signed note, Sigstore's bundle 0.3). What it issues is verified by
Sigstore's own library.
"""

import base64
import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_SHA256 = ec.ECDSA(hashes.SHA256())
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key as Sigstore and cosign make them."""
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Its public half, as `cosign public-key` prints it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def pre_authentication_encoding(payload: bytes, payload_type: str = "application/vnd.in-toto+json") -> bytes:
    """What DSSE signs."""
    return b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type.encode(), len(payload), payload)


def envelope(key: ec.EllipticCurvePrivateKey, payload: bytes) -> dict[str, Any]:
    """A DSSE envelope around an in-toto statement."""
    signature = key.sign(pre_authentication_encoding(payload), _SHA256)
    kind = "application/vnd.in-toto+json"
    return {"payload": _b64(payload), "payloadType": kind, "signatures": [{"sig": _b64(signature)}]}


@dataclass
class SigstoreInstance:
    """Signs for any identity."""

    authority_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    certificate_log_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sigstore of the test")])
        blank = x509.CertificateBuilder(serial_number=x509.random_serial_number())
        builder = _dated(blank, self.now, timedelta(days=365)).subject_name(name).issuer_name(name)
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        self.authority = (
            builder.public_key(self.authority_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.authority_key.public_key()), critical=False)
            .sign(self.authority_key, hashes.SHA256())
        )

    def write_trusted_root(self, file: Path) -> Path:
        """The roots to verify with, as Sigstore publishes its own."""
        log = {"baseUrl": "https://rekor.test", "hashAlgorithm": "SHA2_256"}
        chain = {"certificates": [{"rawBytes": _b64(self.authority.public_bytes(Encoding.DER))}]}
        valid = {"start": (self.now - timedelta(days=1)).isoformat()}
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [{**log, **_log_key(self.log_key, valid)}],
            "ctlogs": [{**log, **_log_key(self.certificate_log_key, valid)}],
            "certificateAuthorities": [
                {"subject": {"organization": "test", "commonName": "test"}, "certChain": chain, "validFor": valid}
            ],
            "timestampAuthorities": [],
        }
        file.write_text(json.dumps(root))
        return file

    def sign(self, statement: bytes, identity: str, issuer: str) -> bytes:
        """A bundle: the statement signed by a fresh key that the authority certified for an identity."""
        key = new_key()
        signed = envelope(key, statement)
        certificate = self._certify(key, identity, issuer)
        return json.dumps(
            {
                "mediaType": BUNDLE_TYPE,
                "verificationMaterial": {
                    "certificate": {"rawBytes": _b64(certificate.public_bytes(Encoding.DER))},
                    "tlogEntries": [self._log(signed, statement, certificate)],
                },
                "dsseEnvelope": signed,
            }
        ).encode()

    def _certify(self, key: ec.EllipticCurvePrivateKey, identity: str, issuer: str) -> x509.Certificate:
        """Twice: first without the log's word, which is about everything else in it."""
        serial = x509.random_serial_number()
        draft = self._certificate(key, identity, issuer, serial, b"\x04\x02\x00\x00")
        timestamp = self._certificate_timestamp(draft)
        return self._certificate(key, identity, issuer, serial, timestamp)

    def _certificate(
        self, key: ec.EllipticCurvePrivateKey, identity: str, issuer: str, serial: int, timestamps: bytes
    ) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        name = x509.RFC822Name(identity) if "@" in identity else x509.UniformResourceIdentifier(identity)
        der_issuer = bytes([0x0C, len(issuer)]) + issuer.encode()
        aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority_key.public_key())
        return (
            _dated(x509.CertificateBuilder(serial_number=serial), self.now, timedelta(minutes=10))
            .subject_name(x509.Name([]))
            .issuer_name(self.authority.subject)
            .public_key(key.public_key())
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(aki, critical=False)
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER, der_issuer), critical=False)
            .add_extension(x509.UnrecognizedExtension(_SCT_LIST, timestamps), critical=False)
            .sign(self.authority_key, hashes.SHA256())
        )

    def _certificate_timestamp(self, certificate: x509.Certificate) -> bytes:
        """RFC 6962, section 3: the list of one timestamp, as the octet string of an extension."""
        milliseconds = int(self.now.timestamp() * 1000)
        precertificate = certificate.tbs_precertificate_bytes
        entry = _key_id(self.authority_key) + len(precertificate).to_bytes(3, "big") + precertificate
        signed = struct.pack("!BBQH", 0, 0, milliseconds, 1) + entry + b"\x00\x00"
        signature = self.certificate_log_key.sign(signed, _SHA256)
        head = b"\x00" + _key_id(self.certificate_log_key) + struct.pack("!QH", milliseconds, 0)
        timestamp = head + b"\x04\x03" + len(signature).to_bytes(2, "big") + signature
        listed = struct.pack("!HH", len(timestamp) + 2, len(timestamp)) + timestamp
        return b"\x04" + (bytes([len(listed)]) if len(listed) < 128 else bytes([0x81, len(listed)])) + listed

    def _log(self, signed: dict[str, Any], statement: bytes, certificate: x509.Certificate) -> dict[str, Any]:
        """An entry of a log that has no other, so that its hash is the tree's root."""
        body = _canonical(
            {
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": {"algorithm": "sha256", "value": sha256(_canonical(signed)).hexdigest()},
                    "payloadHash": {"algorithm": "sha256", "value": sha256(statement).hexdigest()},
                    "signatures": [
                        {
                            "signature": signed["signatures"][0]["sig"],
                            "verifier": _b64(certificate.public_bytes(Encoding.PEM)),
                        }
                    ],
                },
            }
        )
        root = sha256(b"\x00" + body).digest()
        note = f"rekor.test - 1\n1\n{_b64(root)}\n"
        mark = _key_id(self.log_key)[:4] + self.log_key.sign(note.encode(), _SHA256)
        seconds = int(self.now.timestamp())
        promise = {"body": _b64(body), "integratedTime": seconds, "logID": _key_id(self.log_key).hex(), "logIndex": 0}
        return {
            "logIndex": "0",
            "logId": {"keyId": _b64(_key_id(self.log_key))},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(seconds),
            "inclusionPromise": {"signedEntryTimestamp": _b64(self.log_key.sign(_canonical(promise), _SHA256))},
            "inclusionProof": {
                "logIndex": "0",
                "treeSize": "1",
                "rootHash": _b64(root),
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 rekor.test {_b64(mark)}\n"},
            },
            "canonicalizedBody": _b64(body),
        }


def _dated(builder: x509.CertificateBuilder, now: datetime, life: timedelta) -> x509.CertificateBuilder:
    return builder.not_valid_before(now - timedelta(seconds=5)).not_valid_after(now + life)


def _key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return sha256(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def _log_key(key: ec.EllipticCurvePrivateKey, valid: dict[str, str]) -> dict[str, Any]:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    details = {"rawBytes": _b64(der), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid}
    return {"publicKey": details, "logId": {"keyId": _b64(_key_id(key))}}


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
