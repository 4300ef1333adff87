"""Every rule of applications on what it must find and what it must leave alone."""

from pathlib import Path

import pytest
from tests.scanner.exposures.sampled import Sample, judged, rules_of, samples

from deadlight.model.image import ImageSettings
from deadlight.scanner.exposures.applications.scanner import APPLICATION_RULES, APPLICATIONS_SCANNER

SAMPLES = samples(Path(__file__).parent / "samples.toml")
each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.rule_id)


def test_every_rule_has_samples() -> None:
    assert sorted(APPLICATION_RULES) == sorted(sample.rule_id for sample in SAMPLES)


@each_sample
def test_it_finds_what_it_is_for_and_leaves_the_rest_alone(sample: Sample) -> None:
    bad, good = sample.judge(APPLICATIONS_SCANNER, "bad"), sample.judge(APPLICATIONS_SCANNER, "good")
    assert sample.rule_id in rules_of(bad)
    assert sample.rule_id not in rules_of(good)
    assert not (*bad.problems, *good.problems)


@each_sample
def test_nothing_of_the_source_is_kept_that_could_be_a_password(sample: Sample) -> None:
    for side in ("bad", "good"):
        if "path" in sample.fields:
            kept = APPLICATIONS_SCANNER.take(sample.fields["path"], sample.fields[side].encode())
            assert b"planted" not in (kept or b"")
        assert "planted" not in str(sample.judge(APPLICATIONS_SCANNER, side))


@each_sample
def test_what_packages_ship_is_not_looked_at(sample: Sample) -> None:
    if "path" in sample.fields:
        assert sample.judge(APPLICATIONS_SCANNER, "bad", owner_purl="pkg:pypi/thing@1").exposures == ()


@pytest.mark.parametrize(
    "path",
    [
        "usr/lib/python3.11/ssl.py",
        "usr/lib/python3/dist-packages/yaml/__init__.py",
        "app/node_modules/express/lib/application.js",
        "app/tests/test_web.py",
        "app/server.test.js",
        "app/public/jquery.min.js",
        "app/types.d.ts",
        "app/README.md",
    ],
)
def test_what_is_not_ones_own_or_does_not_run_is_not_wanted(path: str) -> None:
    assert not APPLICATIONS_SCANNER.wants(path)


def test_headers_set_in_one_file_protect_the_application_of_another() -> None:
    files = {
        "app/server.js": b"const express = require('express'); module.exports = express();",
        "app/main.js": b"const helmet = require('helmet'); require('./server').use(helmet());",
    }
    assert judged(APPLICATIONS_SCANNER, files).exposures == ()


@pytest.mark.parametrize(
    ("variable", "rule"),
    [
        ("NODE_TLS_REJECT_UNAUTHORIZED=0", "EXP-APP-node-tls-unverified"),
        ("PYTHONHTTPSVERIFY=0", "EXP-APP-tls-unverified"),
        ("FLASK_DEBUG=1", "EXP-APP-flask-debug"),
        ("NODE_OPTIONS=--max-old-space-size=9 --inspect=0.0.0.0:9229", "EXP-APP-node-inspector"),
    ],
)
def test_variables_of_the_image_that_make_it_unsafe_are_found(variable: str, rule: str) -> None:
    judgement = judged(APPLICATIONS_SCANNER, {}, ImageSettings(env=("PATH=/bin", variable)))
    (exposure,) = judgement.exposures
    assert (exposure.rule_id, exposure.path, exposure.location) == (rule, "", f"ENV {variable.partition('=')[0]}")
