import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.package import InstalledPackage, Package
from deadlight.scanner import FileIndex, ImageContents, InvalidFactsError
from deadlight.scanner.packed import pack


def package(name: str, *files: str, owner: str = "") -> InstalledPackage:
    purl = f"pkg:pypi/{name}@1"
    return InstalledPackage(Package("PyPI", name, "1", purl, name, "1"), f"x/{name}", "sha256:1", files, owner)


def image(*packages: InstalledPackage) -> ImageContents:
    return ImageContents("", packages)


def test_a_file_is_found_under_its_package():
    index = FileIndex.of(image(package("a", "/x/a.py", "/x/b.so"), package("b", "/y")))
    assert [index.find(path) for path in ("/x/b.so", "/y", "/z", "", "x/a.py")] == [
        ("pkg:pypi/a@1",),
        ("pkg:pypi/b@1",),
        (),
        (),
        (),
    ]


@pytest.mark.parametrize("path", ["/x/__pycache__/a.cpython-311.pyc", "/x/a.pyc"])
def test_byte_code_is_found_under_the_package_of_its_source(path):
    assert FileIndex.of(image(package("a", "/x/a.py"))).find(path) == ("pkg:pypi/a@1",)


def test_a_file_of_an_owned_package_belongs_to_the_owner():
    index = FileIndex.of(image(package("deb", "/x/a.py"), package("py", "/x/a.py", "/x/b.py", owner="pkg:pypi/deb@1")))
    assert (index.find("/x/a.py"), index.find("/x/b.py")) == (("pkg:pypi/deb@1",), ())


def test_the_first_package_that_lists_a_file_has_it():
    assert FileIndex.of(image(package("a", "/x"), package("b", "/x"))).find("/x") == ("pkg:pypi/a@1",)


def packed_into(path: str, *names: str) -> list[InstalledPackage]:
    """Packages that are parts of one file."""
    return [replace(package(name, path), location=path[1:]) for name in names]


def test_a_file_with_packages_inside_belongs_to_its_owner_and_to_them():
    index = FileIndex.of(image(package("wheel", "/x/a.so", "/x/b.so"), *packed_into("/x/a.so", "crate", "other")))
    assert index.find("/x/a.so") == ("pkg:pypi/wheel@1", "pkg:pypi/crate@1", "pkg:pypi/other@1")
    assert index.find("/x/b.so") == ("pkg:pypi/wheel@1",)
    assert FileIndex.from_bytes(index.to_bytes()) == index


def test_an_index_stored_before_files_had_several_packages_is_still_read():
    stored = pack(b"DLX1", [["pkg:pypi/a@1", "pkg:pypi/b@1"], "/x\0/y", [1, 0]], level=1)
    index = FileIndex.from_bytes(stored)
    assert (index.find("/x"), index.find("/y")) == (("pkg:pypi/b@1",), ("pkg:pypi/a@1",))


@given(
    st.dictionaries(
        st.sampled_from("abcd"), st.lists(st.text(alphabet="/xy\u00e9\n", min_size=1), max_size=5), max_size=4
    )
)
def test_an_index_comes_back_as_it_was_stored(files):
    index = FileIndex.of(image(*(package(name, *paths) for name, paths in files.items())))
    assert FileIndex.from_bytes(index.to_bytes()) == index


@given(st.data())
def test_a_damaged_index_raises_nothing_but_its_own_error(data):
    stored = bytearray(FileIndex.of(image(package("a", "/x", "/y"), package("b", "/z"))).to_bytes())
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(InvalidFactsError):
        index = FileIndex.from_bytes(bytes(stored))
        assert all(index.find(path) for path in index.owners)


def test_45_000_files_fit_in_300_kb():
    """Paths as long and as alike as in a real image; a measured one took 4.7 bytes a file."""
    packages = [
        package(
            f"package-{n}",
            *(f"/usr/lib/python3/dist-packages/package_{n}/sub{f % 7}/module_{f}_{n * f % 97}.py" for f in range(90)),
        )
        for n in range(500)
    ]
    index = FileIndex.of(image(*packages))
    assert len(index.owners) == 45_000
    assert len(index.to_bytes()) < 300_000
