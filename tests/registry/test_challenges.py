import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.registry.challenges import MAX_CHALLENGES, Challenge, parse_challenges


def test_docker_hub_s_challenge_is_read():
    header = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull"'
    assert parse_challenges([header]) == (
        Challenge(
            "bearer",
            {
                "realm": "https://auth.docker.io/token",
                "service": "registry.docker.io",
                "scope": "repository:a/b:pull",
            },
        ),
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (['Basic realm="x"'], [("basic", {"realm": "x"})]),
        (["Basic"], [("basic", {})]),
        (['BEARER Realm = "x" , SERVICE=y'], [("bearer", {"realm": "x", "service": "y"})]),
        (['Basic realm="a, Bearer realm=b"'], [("basic", {"realm": "a, Bearer realm=b"})]),
        ([r'Basic realm="say \"hi\" \\"'], [("basic", {"realm": r'say "hi" \ '.rstrip()})]),
        (['Bearer realm="a", Basic realm="b"'], [("bearer", {"realm": "a"}), ("basic", {"realm": "b"})]),
        (['Bearer realm="a"', 'Basic realm="b"'], [("bearer", {"realm": "a"}), ("basic", {"realm": "b"})]),
        (["Negotiate, Bearer realm=https://a/b"], [("negotiate", {}), ("bearer", {"realm": "https://a/b"})]),
        (['Bearer realm="first",realm="second"'], [("bearer", {"realm": "first"})]),
        (['Bearer realm="never closed'], [("bearer", {"realm": ""}), ("closed", {})]),
        (['realm="of nothing"'], []),
        ([], []),
    ],
)
def test_challenges_are_read_as_servers_write_them(headers: list[str], expected: list[tuple[str, dict[str, str]]]):
    assert [(challenge.scheme, challenge.parameters) for challenge in parse_challenges(headers)] == expected


def test_more_challenges_than_a_server_needs_are_not_read():
    assert len(parse_challenges(["Basic, " * 1000])) == MAX_CHALLENGES


@given(st.lists(st.text(), max_size=4))
def test_no_header_breaks_the_parser(headers: list[str]):
    for challenge in parse_challenges(headers):
        assert challenge.scheme == challenge.scheme.lower() != ""


@pytest.mark.parametrize("attack", ['a="', "a=", '"\\', 'a="\\', ", ,", "a = "])
def test_repetition_does_not_slow_the_parser_down(attack: str):
    parse_challenges([attack * 100_000])  # would run into the test's time limit if matching backtracked


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(st.characters(codec="latin-1")), max_size=5)
)
def test_quoted_parameters_survive_a_round_trip(parameters: dict[str, str]):
    quoted = (
        f'{name}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        for name, value in parameters.items()
    )
    (challenge,) = parse_challenges([f"Bearer {', '.join(quoted)}"])
    assert challenge.parameters == parameters
