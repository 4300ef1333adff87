"""From a text to what is kept of its secrets."""

from collections.abc import Iterator

import msgspec

from deadlight.scanner.exposures.secrets.engine import Engine, Span
from deadlight.scanner.exposures.secrets.evidence import fingerprint, show
from deadlight.scanner.exposures.secrets.kept import MAX_SECRETS, KeptSecret, KeptSecrets
from deadlight.scanner.exposures.secrets.paths import is_key_store
from deadlight.scanner.exposures.secrets.text import as_text

KEY_STORE = "key-store"
"""The rule of files that are known by name and first bytes."""

_STORES = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce", b"0\x82", b"0\x80", b"\x03\xd9\xa2\x9a")
"""First bytes of Java's key stores, of DER (PKCS #12, PKCS #8) and of KeePass."""


def read_secrets(engine: Engine, salt: bytes, path: str, content: bytes) -> KeptSecrets:
    """What is kept of one file; empty for one without secrets."""
    if is_key_store(path) and content.startswith(_STORES):
        return KeptSecrets((KeptSecret(KEY_STORE, 0, 0, "", fingerprint(salt, content)),))
    named = tuple(KeptSecret(rule.id, 0, 0, "", fingerprint(salt, content)) for rule in engine.name_files(path))
    text = as_text(content)
    kept = read_text(engine, salt, path, text) if text else KeptSecrets(())
    return KeptSecrets((*named, *kept.secrets), kept.is_cut)


def read_text(engine: Engine, salt: bytes, path: str, text: bytes) -> KeptSecrets:
    """What is kept of one text: each secret once, where it stands first."""
    found = engine.find(text, path)
    kept: dict[tuple[str, str], KeptSecret] = {}
    for span, line, column in _locate(text, found.secrets):
        mark = fingerprint(salt, text[span.secret_start : span.secret_end])
        key = (span.rule.id, mark)
        if key in kept:
            kept[key] = msgspec.structs.replace(kept[key], places=kept[key].places + 1)
        elif len(kept) < MAX_SECRETS:
            evidence = show(text, span, found.matched, is_cut=found.is_cut)
            kept[key] = KeptSecret(span.rule.id, line, column, evidence, mark)
        else:
            return KeptSecrets(tuple(kept.values()), is_cut=True)
    return KeptSecrets(tuple(kept.values()), found.is_cut)


def _locate(text: bytes, spans: tuple[Span, ...]) -> Iterator[tuple[Span, int, int]]:
    """Each span with line and column of its match, for spans by position of their secrets."""
    line, line_start, counted = 1, 0, 0
    for span in spans:
        place = max(span.start, counted)
        line += text.count(b"\n", counted, place)
        line_start = max(line_start, text.rfind(b"\n", counted, place) + 1)
        counted = place
        yield span, line, place - line_start + 1
