import shutil
import subprocess
from pathlib import Path

import pytest
from tests.ecosystems.catalogued import catalogue, golden, purls

from deadlight.ecosystems.gem_specifications import GEMS

DEFAULT = "specifications/default/rexml-3.2.5.gemspec"
ROOT = "usr/local/bundle"
PLATFORM = "nokogiri-1.15.4-x86_64-linux"


def test_an_installed_gem_owns_its_folder_and_its_compiled_part():
    compiled = f"{ROOT}/extensions/x86_64-linux/3.3.0/{PLATFORM}"
    found = catalogue(
        GEMS,
        {
            f"{ROOT}/specifications/{PLATFORM}.gemspec": golden(f"{PLATFORM}.gemspec"),
            f"{compiled}/gem.build_complete": b"",
            f"{ROOT}/extensions/x86_64-linux/3.3.0/other-1/gem.build_complete": b"",
        },
    )
    (gem,) = found.packages
    assert (gem.package.ecosystem, gem.package.name, gem.package.version) == ("RubyGems", "nokogiri", "1.15.4")
    assert gem.package.purl == "pkg:gem/nokogiri@1.15.4"
    assert gem.files == (f"/{ROOT}/gems/{PLATFORM}/", f"/{compiled}/")
    assert found.problems == ()


def test_a_gem_that_comes_with_ruby_owns_its_part_of_the_library():
    lib = "usr/local/lib/ruby"
    found = catalogue(GEMS, {f"{lib}/gems/3.1.0/{DEFAULT}": golden("rexml-3.2.5.gemspec")})
    assert purls(found) == ["pkg:gem/rexml@3.2.5"]
    assert found.packages[0].files == (f"/{lib}/3.1.0/rexml/document.rb", f"/{lib}/3.1.0/rexml/rexml.rb")


@pytest.mark.parametrize(
    "text",
    [
        b"Gem::Specification.new do |s|\n  s.name = 'rack'\n  s.version = '2.2.3'\nend\n",
        b'Gem::Specification.new do |s|\r\n  s.name = "rack".freeze\r\n  s.version = Gem::Version.new("2.2.3")\r\nend',
    ],
)
def test_a_specification_without_stub_line_is_read_by_its_assignments(text):
    assert purls(catalogue(GEMS, {f"{ROOT}/specifications/rack-2.2.3.gemspec": text})) == ["pkg:gem/rack@2.2.3"]


@pytest.mark.parametrize(
    "text", [b"", b"s.name = NAME\ns.version = VERSION\n", b"# stub: ../a 1 ruby lib\n", b's.name = "a"\n']
)
def test_a_specification_without_name_and_version_is_named_not_guessed(text):
    found = catalogue(GEMS, {"specifications/a-1.gemspec": text})
    assert found.packages == ()
    assert found.problems == (
        "specifications/a-1.gemspec in layer sha256:1: no valid name and version, not catalogued",
    )


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "text", [b"\n", b"x.name\n", b"s.files = [\n", b"# stub: ", b"  ", b"s", b's.version = Gem::Version.new("']
)
def test_a_hostile_specification_takes_no_longer_than_its_size(text):
    place = "lib/ruby/gems/3.3.0/specifications/default/a-1.gemspec"
    found = catalogue(GEMS, {place: b"# stub: a 1 r\n" + text * 100_000})
    assert purls(found) == ["pkg:gem/a@1"]
    assert len(catalogue(GEMS, {place: text * 100_000}).problems) == 1


@pytest.mark.parametrize(
    "path", ["usr/local/bundle/gems/rack-2.2.3/rack.gemspec", "app/shop.gemspec", "a/specifications/b/c.gemspec"]
)
def test_the_source_of_a_specification_is_not_an_installed_one(path):
    assert not GEMS.wants(path)


@pytest.mark.skipif(shutil.which("gem") is None, reason="RubyGems is not installed: it cannot be asked what it sees")
def test_this_machines_gems_are_those_rubygems_lists():
    script = 'Gem::Specification.each { |s| puts "#{s.name} #{s.version} #{s.loaded_from}" }'
    answer = subprocess.run(["ruby", "-e", script], capture_output=True, text=True, check=True).stdout
    known = [line.split(" ") for line in answer.splitlines()]
    found = catalogue(GEMS, {path.removeprefix("/"): Path(path).read_bytes() for _, _, path in known})
    assert sorted((p.package.name, p.package.version) for p in found.packages) == sorted(
        (name, version) for name, version, _ in known
    )
    assert len(known) > 20
