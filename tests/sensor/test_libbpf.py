"""The binding says what is wrong instead of crashing the process."""

import pytest

from deadlight.sensor.libbpf import LibbpfError, Library, LibraryMissingError, Object, ObjectMismatchError


@pytest.mark.parametrize("path", ["/nonexistent/libbpf.so", "libc.so.6"])
def test_a_library_that_is_missing_or_another_is_named_with_the_package_to_install(path):
    with pytest.raises(LibraryMissingError, match=rf"{path}.*apt-get install libbpf1"):
        Library({"LIBBPF": path})


def test_the_version_is_told(library):
    assert library.version.startswith("v1.")


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"not an object" * 100])
def test_a_file_that_is_no_object_is_refused(library, content):
    with pytest.raises(LibbpfError, match="not a BPF object"):
        Object(library, content)


def test_constants_of_another_size_are_refused(library, built_object):
    with (
        Object(library, built_object) as found,
        pytest.raises(ObjectMismatchError, match="1036 bytes of constants, not 3"),
    ):
        found.configure(bytes(3))


def test_an_object_without_the_wanted_program_is_refused(library, built_object):
    with Object(library, built_object) as found, pytest.raises(ObjectMismatchError, match="the object has no on_moon"):
        found.load(["on_exec", "on_moon"])


@pytest.mark.needs_bpf
def test_a_program_without_a_hook_in_this_kernel_is_refused_with_the_reason(library, built_object):
    renamed = built_object.replace(b"tp_btf/cgroup_mkdir", b"tp_btf/cgroup_mkxyz")

    with Object(library, renamed) as found, pytest.raises(LibbpfError, match="refuses to load"):
        found.load(["on_cgroup_mkdir"])
