"""Services across files: what includes what, and what is left alone."""

import pytest
from tests.scanner.exposures.sampled import found, judged, rules_of

from deadlight.model.image import ImageSettings
from deadlight.scanner.exposures.exposure_scanner import MAX_EXPOSURES, KeptFile
from deadlight.scanner.exposures.services.assembly import MAX_INCLUDE_DEPTH, MAX_INCLUDES
from deadlight.scanner.exposures.services.scanner import SERVICES_SCANNER

OLD = "EXP-SERVICE-nginx-old-tls"


def test_a_setting_counts_for_what_the_file_includes() -> None:
    files = {
        "etc/nginx/nginx.conf": b"http {\n  ssl_protocols TLSv1;\n  include conf.d/*.conf;\n}\n",
        "etc/nginx/conf.d/site.conf": b"server { listen 443 ssl; }",
    }
    exposure = found(judged(SERVICES_SCANNER, files), OLD)
    assert (exposure.path, exposure.location) == ("/etc/nginx/nginx.conf", "line 2")
    assert exposure.evidence == "ssl_protocols TLSv1"


def test_a_file_that_nothing_includes_is_left_alone() -> None:
    files = {
        "etc/nginx/nginx.conf": b"http { include conf.d/*.conf; }",
        "etc/nginx/old/site.conf": b"server { autoindex on; }",
    }
    assert judged(SERVICES_SCANNER, files).exposures == ()


def test_without_the_file_that_includes_every_file_counts() -> None:
    assert rules_of(judged(SERVICES_SCANNER, {"etc/nginx/old/site.conf": b"server { autoindex on; }"}))


def test_enabled_sites_are_links_to_available_ones() -> None:
    files = {
        "etc/nginx/nginx.conf": b"http { include /etc/nginx/sites-enabled/*; }",
        "etc/nginx/sites-available/default": b"server { autoindex on; }",
    }
    assert rules_of(judged(SERVICES_SCANNER, files)) == {"EXP-SERVICE-nginx-autoindex"}


def test_folders_are_included_with_all_their_files() -> None:
    files = {
        "etc/mysql/my.cnf": b"!includedir /etc/mysql/conf.d/\n",
        "etc/mysql/conf.d/a.cnf": b"[mysqld]\nskip-grant-tables\n",
    }
    assert rules_of(judged(SERVICES_SCANNER, files)) == {"EXP-SERVICE-mysql-no-grants"}


def test_files_that_include_each_other_end_somewhere_and_are_told() -> None:
    files = {
        "etc/nginx/nginx.conf": b"include a.conf; autoindex on;",
        "etc/nginx/a.conf": b"include nginx.conf; include a.conf;",
    }
    judgement = judged(SERVICES_SCANNER, files)
    assert rules_of(judgement) == {"EXP-SERVICE-nginx-autoindex"}
    assert any("in a circle" in problem for problem in judgement.problems)


def test_a_tree_of_includes_is_bounded() -> None:
    levels = MAX_INCLUDE_DEPTH + 2
    files = {f"etc/nginx/{level}.conf": f"include {level + 1}.conf;".encode() * 20 for level in range(levels)}
    judgement = judged(SERVICES_SCANNER, files | {"etc/nginx/nginx.conf": b"include 0.conf;"})
    assert any(f"more than {MAX_INCLUDES} includes" in problem for problem in judgement.problems)


def test_a_removed_file_has_no_effect() -> None:
    taken = SERVICES_SCANNER.take("etc/nginx/nginx.conf", b"autoindex on;")
    assert taken
    gone = KeptFile("/etc/nginx/nginx.conf", taken, "sha256:1", is_deleted=True)
    assert SERVICES_SCANNER.judge([gone], ImageSettings(user="app")).exposures == ()


def test_no_more_is_told_than_anybody_reads() -> None:
    files = {"etc/nginx/nginx.conf": b"autoindex on;\n" * (MAX_EXPOSURES + 5)}
    judgement = judged(SERVICES_SCANNER, files)
    assert len(judgement.exposures) == MAX_EXPOSURES
    assert judgement.problems == ("1005 exposures were found, of which the 1000 gravest are told",)


def test_what_stands_behind_a_yaml_alias_is_told_as_unread() -> None:
    files = {"etc/envoy/envoy.yaml": b"a: &a {b: c}\nadmin:\n  address: *a\n"}
    assert judged(SERVICES_SCANNER, files).problems == (
        "/etc/envoy/envoy.yaml: YAML aliases are not followed (line 3)",
    )


@pytest.mark.parametrize(
    "path",
    [
        "usr/share/doc/nginx/examples/nginx.conf",
        "usr/share/postgresql/15/pg_hba.conf.sample",
        "etc/ssh/ssh_config",
        "etc/redis/redis.conf.dpkg-old",
        "app/package.json",
    ],
)
def test_examples_and_other_files_are_not_wanted(path: str) -> None:
    assert not SERVICES_SCANNER.wants(path)


@pytest.mark.parametrize(
    ("entrypoint", "command", "expected"),
    [
        (("docker-entrypoint.sh",), ("redis-server", "--protected-mode", "no"), {"EXP-SERVICE-redis-unprotected"}),
        (("redis-server",), ("--protected-mode=no", "--bind", "127.0.0.1", "::1"), set()),
        (("/bin/sh", "-c"), ("exec mongod --bind_ip_all --noauth",), {"EXP-SERVICE-mongodb-open"}),
        (("mongod",), ("--bind_ip_all", "--auth"), set()),
        (("sh", "-c", "mongod --bind_ip_all --note='open"), (), {"EXP-SERVICE-mongodb-open"}),
        (("dockerd",), ("-H", "tcp://0.0.0.0:2375"), {"EXP-SERVICE-docker-open-socket"}),
        (("etcd",), ("--listen-client-urls", "http://0.0.0.0:2379"), {"EXP-SERVICE-etcd-plain-clients"}),
    ],
)
def test_the_image_s_command_is_read_as_settings(
    entrypoint: tuple[str, ...], command: tuple[str, ...], expected: set[str]
) -> None:
    settings = ImageSettings(user="app", entrypoint=entrypoint, command=command)
    judgement = judged(SERVICES_SCANNER, {}, settings)
    assert rules_of(judgement) == expected
    assert {(exposure.path, exposure.location) for exposure in judgement.exposures} <= {("", "command")}
