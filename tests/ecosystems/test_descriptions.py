"""What describes a package, and what is the package."""

import pytest

from deadlight.ecosystems import describes_package

SITE = "/usr/lib/python3/dist-packages"


@pytest.mark.parametrize(
    "path",
    [
        f"{SITE}/six-1.16.0.dist-info/entry_points.txt",
        f"{SITE}/six-1.16.0.dist-info/licenses/LICENSE",
        f"{SITE}/wheel-0.38.4.egg-info/entry_points.txt",
        f"{SITE}/old-1.0.egg-info",
        f"{SITE}/old.egg/EGG-INFO/PKG-INFO",
        "/app/node_modules/@babel/core/package.json",
        "/usr/local/bundle/specifications/rack-2.2.3.gemspec",
        "/usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec",
    ],
)
def test_metadata_describes_a_package(path: str) -> None:
    assert describes_package(path)


@pytest.mark.parametrize(
    "path",
    [
        f"{SITE}/six.py",
        f"{SITE}/importlib_metadata/__init__.py",
        "/app/node_modules/mime-db/db.json",
        "/app/node_modules/bcrypt/lib/package.json.js",
        "/usr/local/bundle/gems/rack-2.2.3/rack.gemspec",
        "/app/lib/guava.jar",
        "",
    ],
)
def test_code_and_data_are_the_package(path: str) -> None:
    assert not describes_package(path)
