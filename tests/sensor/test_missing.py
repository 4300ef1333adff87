"""What a machine lacks is skipped with its name, and fails where DEADLIGHT_REQUIRE says that it must be there."""

import pytest

REASON = "runc was not found (apt-get install runc)"


@pytest.mark.parametrize("required", ["", "bpf", "bpf,browser"])
def test_what_is_missing_skips_with_the_reason(demand, monkeypatch, required):
    monkeypatch.setenv("DEADLIGHT_REQUIRE", required)

    with pytest.raises(pytest.skip.Exception) as skipped:
        demand("runc", REASON)
    assert skipped.value.msg == REASON


@pytest.mark.parametrize("required", ["runc", "bpf,runc,browser"])
def test_what_is_missing_fails_with_the_reason_where_it_is_required(demand, monkeypatch, required):
    monkeypatch.setenv("DEADLIGHT_REQUIRE", required)

    with pytest.raises(pytest.fail.Exception, match="runc was not found"):
        demand("runc", REASON)


def test_what_is_there_goes_on(demand, monkeypatch):
    monkeypatch.setenv("DEADLIGHT_REQUIRE", "runc")

    demand("runc", "")
