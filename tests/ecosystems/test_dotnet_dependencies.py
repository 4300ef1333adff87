import json

import pytest
from tests.ecosystems.catalogued import catalogue, golden, purls

from deadlight.ecosystems.dotnet_dependencies import DOTNET


def test_an_applications_packages_and_their_published_files():
    found = catalogue(DOTNET, {"app/shop.deps.json": b"\xef\xbb\xbf" + golden("shop.deps.json")})
    assert {p.package.name: p.files for p in found.packages} == {
        "newtonsoft.json": ("/app/Newtonsoft.Json.dll",),
        "humanizer.core.de": ("/app/de/Humanizer.resources.dll",),
        "microsoft.data.sqlclient": (
            "/app/Microsoft.Data.SqlClient.dll",
            "/app/runtimes/unix/lib/net6.0/Microsoft.Data.SqlClient.dll",
        ),
        "microsoft.netcore.app.runtime.linux-x64": ("/app/System.Private.Xml.dll", "/app/libclrjit.so"),
    }
    assert purls(found)[0] == "pkg:nuget/Newtonsoft.Json@12.0.1"
    assert {p.package.ecosystem for p in found.packages} == {"NuGet"}
    assert found.problems == ()


def test_a_path_that_climbs_out_ends_at_the_root():
    paths: dict[str, object] = {"../../../etc/x": {}, "/usr/y": {}}
    targets = {"t": {"A/1": {"runtimeTargets": paths}}}
    text = {"runtimeTarget": {"name": "t"}, "targets": targets, "libraries": {"A/1": {"type": "package"}}}
    (package,) = catalogue(DOTNET, {"app/a.deps.json": json.dumps(text).encode()}).packages
    assert package.files == ("/etc/x", "/usr/y")


@pytest.mark.parametrize(
    "text", [b"", b"[]", b'{"libraries": []}', b'{"targets": {"a": {"b": {"runtime": 1}}}}', b"\xff"]
)
def test_what_is_not_of_this_shape_is_a_problem(text):
    found = catalogue(DOTNET, {"app/a.deps.json": text})
    assert (found.packages, len(found.problems)) == ((), 1)


def test_a_garbled_library_does_not_hide_the_others():
    text = {"libraries": {key: {"type": "package"} for key in ("A/1", "noversion", "b b/1", "C/2")}}
    found = catalogue(DOTNET, {"a.deps.json": json.dumps(text).encode()})
    assert purls(found) == ["pkg:nuget/A@1", "pkg:nuget/C@2"]
    assert found.problems[0] == "a.deps.json in layer sha256:1: no valid name and version in 'noversion'"
    assert len(found.problems) == 2
