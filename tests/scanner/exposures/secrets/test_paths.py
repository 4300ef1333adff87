"""Which files are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scanner.exposures.secrets.planting import SECRETS

from deadlight.scanner.exposures.secrets import is_named_for_secrets
from deadlight.scanner.exposures.secrets.paths import is_made_up

READ = """
    app/settings.py app/.env srv/config.json usr/src/app/index.js usr/share/nginx/html/main.js root/.npmrc root/.netrc
    home/ann/.ssh/id_ed25519 root/.aws/credentials root/.docker/config.json root/.kube/config etc/nginx/nginx.conf
    etc/ssl/private/server.key opt/shop/application.yaml app/.git/config app/Dockerfile app/server.jks
    etc/ssh/ssh_host_rsa_key app/vendor/acme/config.php var/www/html/wp-config.php app/lib/settings.rb tmp/build.log
    var/lib/jenkins/secrets/master.key app/python/conf.py
"""
MADE_UP = "app/tests/a.py app/test_a.py docs/x.txt app/README.md .env.example a/fixtures/b.json c/conf.j2 x_test.go"
EARNEST = "app/contest/a.py app/latest.py app/documents.py app/attest.go app/protest/x"
LEFT = """
    usr/lib/python3.12/ssl.py usr/local/lib/python3.12/test/keycert.pem app/node_modules/a/index.js
    opt/venv/lib/python3.11/site-packages/a.py usr/share/doc/a/README usr/local/go/src/crypto/tls/testdata/k.pem
    root/go/pkg/mod/a/b.go app/logo.png app/a.pyc usr/lib/x86_64-linux-gnu/libc.so.6 lib/libz.so.1 app/.git/objects/a
    usr/local/bundle/gems/rack-3.0.1/lib/a.rb root/.m2/repository/a/a.pom app/package.lock go.sum proc/1/environ
    var/lib/dpkg/status etc/ssl/certs/ca.pem root/.cache/pip/a usr/include/stdio.h app/style.css
"""


@pytest.mark.parametrize("path", READ.split())
def test_what_its_builder_added_is_read(path):
    assert SECRETS.wants(path)


@pytest.mark.parametrize("path", LEFT.split())
def test_what_others_shipped_or_is_no_text_is_not_read(path):
    assert not SECRETS.wants(path)


@pytest.mark.parametrize(
    "path",
    [
        "app/tests/a.py",
        "app/test_a.py",
        "docs/x.txt",
        "app/README.md",
        ".env.example",
        "a/fixtures/b.json",
        "c/conf.j2",
        "x_test.go",
    ],
)
def test_tests_documentation_and_templates_are_known(path):
    assert is_made_up(path)


@pytest.mark.parametrize("path", EARNEST.split())
def test_words_that_only_hold_test_are_not_taken_for_it(path):
    assert not is_made_up(path)


def test_a_file_left_out_for_its_size_can_be_told_by_its_name():
    named = "app/.env root/.netrc etc/tls/server.key root/.ssh/id_rsa a/b.p12 root/.kube/config app/prod.tfstate"
    assert all(is_named_for_secrets(path) for path in named.split())
    assert not any(is_named_for_secrets(path) for path in ["app/dump.sql", "usr/lib/python3.12/key.pem", "app/main.js"])


@given(st.text(max_size=80))
def test_any_path_is_wanted_or_not(path):
    assert SECRETS.wants(path) in {True, False}
    assert is_named_for_secrets(path) in {True, False}
