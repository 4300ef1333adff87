import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.ecosystems.rpm.budget import UnreadableDatabaseError
from deadlight.ecosystems.rpm.header import Identity
from deadlight.ecosystems.rpm.manifest import iter_manifest

LINES = (
    "openssl-libs\t1.1.1k-21.cm2\t1669055417\t1665164826\tMicrosoft\t(none)\t2365\tx86_64\t0\topenssl-1.1.1k-21.cm2.src.rpm\n"
    "shadow-utils\t4.9-12.cm2\t1669055417\t1665164826\tMicrosoft\t2\t2365\tx86_64\t2\tshadow-utils-4.9-12.cm2.src.rpm\n"
)


def test_each_line_is_a_package():
    openssl, shadow = iter_manifest(LINES.encode())
    assert openssl == Identity(
        "openssl-libs", 0, "1.1.1k", "21.cm2", "x86_64", "openssl-1.1.1k-21.cm2.src.rpm", modularity_label=""
    )
    assert (shadow.epoch, shadow.version) == (2, "4.9")


def test_packages_before_a_line_of_something_else_are_read():
    reader = iter_manifest(f"{LINES}bash-5.1.8\n".encode())
    assert [next(reader).name, next(reader).name] == ["openssl-libs", "shadow-utils"]
    with pytest.raises(UnreadableDatabaseError, match="from line 3 on"):
        next(reader)


@given(st.binary(max_size=80) | st.text(alphabet="a1-\t\n", max_size=80).map(str.encode))
def test_any_bytes_are_a_manifest_or_refused(content):
    try:
        assert all(isinstance(entry, Identity) for entry in iter_manifest(content))
    except UnreadableDatabaseError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
