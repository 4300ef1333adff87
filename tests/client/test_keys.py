import json
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from deadlight.client.errors import CredentialsError, ExitCode
from deadlight.client.keys import load_state, public_key, save_state, sign_assertion


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_key_is_made_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "state" / "sensor.json"
    state = load_state(path, cluster_uid="uid", node="n1")
    assert not path.exists(), "nothing is written before the caller says so"

    save_state(path, state)

    assert load_state(path, cluster_uid="uid", node="n1") == state
    assert len(decoded(public_key(state))) == 32
    assert public_key(state) != public_key(load_state(tmp_path / "other", cluster_uid="uid", node="n1"))


@pytest.mark.req("R21")
def test_an_assertion_is_a_jwt_that_the_public_key_proves(tmp_path: Path) -> None:
    state = load_state(tmp_path / "state", cluster_uid="uid", node="")

    first, second = (sign_assertion(state, issued_at=1000) for _ in range(2))

    signed, _, signature = first.rpartition(".")
    Ed25519PublicKey.from_public_bytes(decoded(public_key(state))).verify(decoded(signature), signed.encode())
    head, claims = (json.loads(decoded(part)) for part in signed.split("."))
    assert head == {"alg": "Ed25519"}
    assert (claims["aud"], claims["iat"], claims["exp"]) == ("deadlight", 1000, 1060)
    assert first != second, "an assertion is good for once"


@pytest.mark.parametrize(("cluster_uid", "node"), [("other", "n1"), ("uid", "other")])
def test_the_identity_of_one_agent_is_not_used_for_another(cluster_uid: str, node: str, tmp_path: Path) -> None:
    path = tmp_path / "sensor.json"
    save_state(path, load_state(path, cluster_uid="uid", node="n1"))

    with pytest.raises(CredentialsError, match="identity of another agent"):
        load_state(path, cluster_uid=cluster_uid, node=node)


@given(content=st.binary(max_size=300))
def test_any_state_file_is_read_or_refused_as_unusable(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "state.json"
    path.write_bytes(content)

    with pytest.raises(CredentialsError) as unusable:
        load_state(path, cluster_uid="uid", node="")

    assert unusable.value.code is ExitCode.UNUSABLE
