import json

import pytest
from tests.ecosystems.catalogued import catalogue, golden, purls

from deadlight.ecosystems.composer_installed import COMPOSER

DATABASE = "app/vendor/composer/installed.json"


def test_installed_packages_own_their_folders():
    found = catalogue(COMPOSER, {DATABASE: golden("installed.json")})
    assert [(p.package.name, p.package.version, p.files) for p in found.packages] == [
        ("monolog/monolog", "2.3.0", ("/app/vendor/monolog/monolog/",)),
        ("drupal/core", "v10.1.0", ("/app/web/core/",)),
        ("psr/log-implementation", "1.0.0", ()),
        ("acme/main", "dev-main", ("/app/vendor/acme/main/",)),
    ]
    assert purls(found)[0] == "pkg:composer/monolog/monolog@2.3.0"
    assert found.packages[0].package.ecosystem == "Packagist"
    assert found.problems == ()


def test_the_list_that_composer_1_wrote():
    packages = json.loads(golden("installed.json"))["packages"]
    for package in packages:
        del package["install-path"]
    found = catalogue(COMPOSER, {DATABASE: json.dumps(packages).encode()})
    assert found.packages[0].files == ("/app/vendor/monolog/monolog/",)
    assert len(found.packages) == 4


def test_names_are_in_lower_case():
    text = b'{"packages": [{"name": "Acme/Log", "version": "1.0"}]}'
    assert purls(catalogue(COMPOSER, {DATABASE: text})) == ["pkg:composer/acme/log@1.0"]


@pytest.mark.parametrize("path", ["..", "../..", "../../..", "../../../etc", "/", "../../../../../..", "/etc", "."])
def test_neither_the_project_nor_what_is_outside_can_be_claimed(path):
    text = json.dumps({"packages": [{"name": "a/b", "version": "1", "install-path": path}]}).encode()
    (package,) = catalogue(COMPOSER, {DATABASE: text}).packages
    assert package.files in {(), ("/app/vendor/composer/",)}


@pytest.mark.parametrize("text", [b"", b"{", b"3", b'{"packages": {}}', b'[{"name": 1}]'])
def test_what_is_not_of_this_shape_is_a_problem(text):
    found = catalogue(COMPOSER, {DATABASE: text})
    assert (found.packages, len(found.problems)) == ((), 1)


def test_a_garbled_entry_does_not_hide_the_others():
    text = json.dumps([{"name": "a/b", "version": "1"}, {"name": "a"}, {"name": "c/d", "version": "2"}]).encode()
    found = catalogue(COMPOSER, {DATABASE: text})
    assert purls(found) == ["pkg:composer/a/b@1", "pkg:composer/c/d@2"]
    assert found.problems == (f"{DATABASE} in layer sha256:1: no valid name and version of 'a'",)
