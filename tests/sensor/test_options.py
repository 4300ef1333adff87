"""The command line."""

from pathlib import Path

import pytest

from deadlight.sensor.options import parse_options

REPORTING = ["--server=https://s", "--cluster-uid=u", "--cluster-name=c"]


def test_a_sensor_that_reports_needs_to_know_where_and_who():
    options = parse_options([*REPORTING, "--cgroup-prefix=/a", "--cgroup-prefix=/b"])

    assert (options.server, options.cluster_uid, options.cluster_name) == ("https://s", "u", "c")
    assert options.state == Path("/var/lib/deadlight")
    assert options.node_name
    assert options.cgroup_prefixes == ("/a", "/b")


@pytest.mark.parametrize("given", REPORTING)
def test_what_is_missing_is_named(given, capsys):
    with pytest.raises(SystemExit):
        parse_options([option for option in REPORTING if option != given])

    assert given.partition("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize("mode", [["--print"], ["doctor"], ["doctor", "-o", "json"]])
def test_a_sensor_that_does_not_report_needs_nothing(mode):
    assert parse_options(mode).server == ""


@pytest.mark.parametrize(
    "mode", [["--print", "doctor"], ["--print", "-o", "json"], ["doctor", "-o", "xml"], ["--unknown"]]
)
def test_contradictions_are_refused(mode):
    with pytest.raises(SystemExit):
        parse_options(mode)


def test_help_shows_examples_and_the_environment(capsys):
    with pytest.raises(SystemExit):
        parse_options(["--help"])

    shown = capsys.readouterr().out
    assert "python -m deadlight.sensor doctor" in shown
    assert "DEADLIGHT_REGISTRATION_TOKEN" in shown
