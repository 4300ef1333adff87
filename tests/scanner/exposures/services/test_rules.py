"""Every rule of services on what it must find and what it must leave alone."""

from pathlib import Path

import pytest
from tests.scanner.exposures.sampled import Sample, judged, rules_of, samples

from deadlight.scanner.exposures.services.scanner import SERVICES_SCANNER
from deadlight.scanner.exposures.services.table import SERVICES

SAMPLES = samples(Path(__file__).parent / "samples.toml")
RULES = {rule.text.id: rule for service in SERVICES for rule in service.rules}
each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.rule_id)


def test_every_rule_has_samples() -> None:
    assert sorted(RULES) == sorted(sample.rule_id for sample in SAMPLES)


@each_sample
def test_it_finds_what_it_is_for_and_leaves_the_rest_alone(sample: Sample) -> None:
    bad, good = sample.judge(SERVICES_SCANNER, "bad"), sample.judge(SERVICES_SCANNER, "good")
    assert sample.rule_id in rules_of(bad)
    assert sample.rule_id not in rules_of(good)
    assert not (*bad.problems, *good.problems)


@each_sample
def test_what_a_package_ships_is_told_only_where_it_opens_something(sample: Sample) -> None:
    shipped = sample.judge(SERVICES_SCANNER, "bad", owner_purl="pkg:deb/debian/nginx@1")
    spared = RULES[sample.rule_id].spares_shipped and "path" in sample.fields
    in_use_only = sample.rule_id in {"EXP-SERVICE-apache-old-tls", "EXP-SERVICE-apache-weak-ciphers"}
    assert (sample.rule_id in rules_of(shipped)) is not (spared or in_use_only)


@each_sample
def test_nobody_reads_a_password_in_what_is_kept_or_found(sample: Sample) -> None:
    for side in ("bad", "good"):
        content = sample.fields.get(side, "").encode()
        kept = SERVICES_SCANNER.take(sample.fields["path"], content) if "path" in sample.fields else None
        assert b"planted" not in (kept or b"")
        assert "planted" not in str(sample.judge(SERVICES_SCANNER, side))


def test_two_services_that_configure_nothing_wrong_are_left_alone() -> None:
    files = {"etc/nginx/nginx.conf": b"http { server_tokens off; }", "etc/redis/redis.conf": b"bind 127.0.0.1\n"}
    assert judged(SERVICES_SCANNER, files).exposures == ()


def test_a_word_of_haproxy_without_any_other_is_no_fault():
    found = judged(SERVICES_SCANNER, {"usr/local/etc/haproxy/haproxy.cfg": b"listen web\n  stats\n  bind\n  server\n"})
    assert "EXP-SERVICE-haproxy-remote-socket" not in {item.rule_id for item in found.exposures}
