"""Which names a program goes by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.threats.programs import program_names

LOADER = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"


@pytest.mark.parametrize(
    ("name", "path", "arguments", "expected"),
    [
        ("bash", "/usr/bin/bash", ["bash"], {"bash"}),
        ("bash", "/usr/bin/bash", ["-bash"], {"bash"}),
        ("sh", "/usr/bin/dash", ["sh", "-c", "nc"], {"dash", "sh"}),
        ("x", "/tmp/x", ["nc", "-e"], {"x", "nc"}),
        ("busybox", "/bin/busybox", ["busybox", "nc", "-e"], {"busybox", "nc"}),
        ("busybox", "/bin/busybox", ["busybox", "busybox", "wget"], {"busybox", "wget"}),
        ("x", "/tmp/x", ["busybox", "sh"], {"x", "busybox", "sh"}),
        ("ld-linux", LOADER, ["/lib64/ld-linux-x86-64.so.2", "--preload", "/tmp/xmrig"], {"xmrig"}),
        ("ld-musl-x86_64.", "/lib/ld-musl-x86_64.so.1", ["ld-musl-x86_64.so.1", "--", "/tmp/xmrig"], {"xmrig"}),
        ("python3", "/usr/bin/python3.11", ["python3"], {"python3.11", "python3", "python"}),
        ("pip", "/usr/bin/python3.11", ["/usr/bin/python3", "/usr/bin/pip"], {"pip", "python"}),
        ("php-fpm8.2", "/usr/sbin/php-fpm8.2", ["php-fpm: pool www"], {"php-fpm"}),
        ("", "", [], set()),
    ],
)
def test_a_program_has_the_names_of_all_that_it_is(
    name: str, path: str, arguments: list[str], expected: set[str]
) -> None:
    assert expected <= set(program_names(name, path, arguments))


def test_what_a_program_is_told_about_is_no_name_of_it() -> None:
    assert program_names("grep", "/usr/bin/grep", ["grep", "bash"]) == ("grep",)


@given(st.text(), st.text(), st.lists(st.text(), max_size=64))
def test_any_process_has_few_names_none_of_them_empty(name: str, path: str, arguments: list[str]) -> None:
    names = program_names(name, path, arguments)
    assert "" not in names
    assert len(names) == len(set(names)) <= 10
