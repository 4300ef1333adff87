"""The policy in force outlives the sensor."""

import pytest

from deadlight.model.vulnerability import Severity
from deadlight.model.wire import InvalidMessageError, SensorPolicy, encode
from deadlight.sensor.policy import FILE, MAX_POLICY_BYTES, NO_POLICY, Policies

POLICY = SensorPolicy(version="v7", disabled_rules=("shell",), severities={"miner": Severity.LOW})


def test_a_sensor_that_is_started_again_has_the_policy_before_the_service_answers(tmp_path):
    Policies(tmp_path).take(encode(POLICY))

    assert Policies(tmp_path).current == POLICY
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / FILE]


def test_without_one_nothing_but_what_is_built_in_is_in_force(tmp_path):
    assert Policies(tmp_path).current is NO_POLICY
    assert Policies(tmp_path).problem == ""
    assert Policies(None).current is NO_POLICY


def test_without_a_directory_it_lasts_as_long_as_the_process():
    policies = Policies(None)
    policies.take(encode(POLICY))

    assert policies.current == POLICY
    assert policies.problem == ""


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 7}', b"[" * 100_000, b" " * (MAX_POLICY_BYTES + 1)])
def test_a_file_that_is_no_policy_is_told(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    policies = Policies(tmp_path)

    assert policies.current is NO_POLICY
    assert "cannot read the policy" in policies.problem
    policies.take(encode(POLICY))
    assert policies.problem == ""


def test_an_answer_that_is_no_policy_changes_nothing(tmp_path):
    policies = Policies(tmp_path)
    policies.take(encode(POLICY))

    with pytest.raises(InvalidMessageError):
        policies.take(b'{"version": 7}')
    assert policies.current == Policies(tmp_path).current == POLICY


def test_a_policy_that_cannot_be_kept_is_in_force_and_that_is_told(tmp_path):
    (tmp_path / "file").touch()
    policies = Policies(tmp_path / "file")
    policies.take(encode(POLICY))

    assert policies.current == POLICY
    assert "cannot keep the policy" in policies.problem
