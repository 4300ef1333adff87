"""Records to events, whatever a hostile container put into its names."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.sensor.decode import CUT, MAX_ARGUMENTS, MAX_PATH_LENGTH, DecodeError, decode
from deadlight.sensor.layout import EVENT, CgroupKey, EventFlags, EventKind


@pytest.mark.req("R30")
def test_an_execution_keeps_all_that_the_kernel_said(make_record):
    record = make_record(
        EventKind.EXECUTED, b"curl\0bin\0usr\0", b"curl\0-s\0http://x\0", cgroup=(77, 8), at=5, pid=9, comm=b"curl\0\0"
    )

    event = decode(record)

    assert event.kind is EventKind.EXECUTED
    assert (event.at, event.pid, event.process) == (5, 9, "curl")
    assert event.cgroup == CgroupKey(77, 8)
    assert event.path == "/usr/bin/curl"
    assert event.arguments == ("curl", "-s", "http://x")
    assert not event.changed


def test_an_event_says_whose_process_and_which_file(make_record):
    record = make_record(
        EventKind.EXECUTED, b"su\0", parent_pid=7, user=1000, file=(8 << 20 | 1, 2**40, 10**18, 0o104755), detail=(1, 2)
    )

    event = decode(record)

    assert (event.parent_pid, event.user, event.detail) == (7, 1000, (1, 2))
    assert (event.device, event.inode, event.changed_at, event.mode) == (8 << 20 | 1, 2**40, 10**18, 0o104755)


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        (bytes([169, 254, 169, 254]), "169.254.169.254"),
        (bytes(15) + b"\1", "::1"),
        (bytes(10) + b"\xff\xff\x0a\0\0\1", "10.0.0.1"),
    ],
)
def test_an_address_is_written_as_people_write_it(make_record, raw, address):
    event = decode(make_record(EventKind.CONNECTED, raw, detail=(2 << 16 | 80, 6)))

    assert (event.path, event.detail) == (address, (2 << 16 | 80, 6))


def test_an_address_of_another_size_is_refused(make_record):
    with pytest.raises(DecodeError, match="3 bytes"):
        decode(make_record(EventKind.LISTENING, b"abc"))


def test_a_mount_has_a_target_a_source_and_a_type(make_record):
    event = decode(make_record(EventKind.MOUNTED, b"host\0mnt\0", b"/dev/vda1\0ext4\0"))

    assert (event.path, event.arguments) == ("/mnt/host", ("/dev/vda1", "ext4"))


@pytest.mark.parametrize("kind", [EventKind.EXITED, EventKind.PTRACED, EventKind.NAMESPACE_ENTERED])
def test_what_is_about_no_file_has_no_path(make_record, kind):
    assert decode(make_record(kind)).path == ""


def test_the_root_itself_has_no_names(make_record):
    assert decode(make_record(EventKind.OPENED)).path == "/"


def test_a_file_that_lies_too_deep_is_marked_instead_of_looking_like_a_short_path(make_record):
    record = make_record(EventKind.OPENED, b"leaf\0deep\0", flags=EventFlags.PATH_CUT)

    assert decode(record).path == f"{CUT}/deep/leaf"


def test_a_memfd_has_a_label_and_no_place(make_record):
    event = decode(make_record(EventKind.EXECUTED, b"memfd:payload\0", flags=EventFlags.MEMFD))

    assert event.path == "memfd:payload"
    assert event.changed


def test_the_path_of_a_control_group_is_not_turned_round(make_record):
    assert decode(make_record(EventKind.CGROUP_MADE, b"/kubepods/pod1\0")).path == "/kubepods/pod1"


@pytest.mark.req("R20")
@pytest.mark.parametrize(
    ("kind", "flags", "changed"),
    [
        (EventKind.EXECUTED, 0, False),
        (EventKind.EXECUTED, EventFlags.UPPER, True),
        (EventKind.OPENED, EventFlags.UPPER, True),
        (EventKind.EXECUTED, EventFlags.UNLINKED, True),
        (EventKind.EXECUTED, EventFlags.TMPFS, True),
        (EventKind.MAPPED, EventFlags.TMPFS, True),
        (EventKind.OPENED, EventFlags.TMPFS, False),
        (EventKind.WRITTEN, EventFlags.TMPFS, False),
    ],
)
def test_a_file_is_changed_when_it_cannot_come_from_the_image(make_record, kind, flags, changed):
    assert decode(make_record(kind, b"x\0", flags=flags)).changed is changed


def test_bytes_that_are_no_text_become_replacement_characters(make_record):
    event = decode(make_record(EventKind.EXECUTED, b"\xff\xfe\0bin\0", b"a\xff\0", comm=b"\xf0\x9f"))

    assert event.path == "/bin/\ufffd\ufffd"
    assert event.arguments == ("a\ufffd",)
    assert event.process == "\ufffd"


def test_an_empty_argument_is_an_argument(make_record):
    assert decode(make_record(EventKind.EXECUTED, b"sh\0", b"sh\0\0x\0")).arguments == ("sh", "", "x")


def test_arguments_beyond_the_limit_are_left_out(make_record):
    assert len(decode(make_record(EventKind.EXECUTED, b"sh\0", b"a\0" * 120)).arguments) == MAX_ARGUMENTS


@pytest.mark.parametrize("length", [0, 1, EVENT.size - 1])
def test_a_short_record_is_refused(length):
    with pytest.raises(DecodeError, match="not an event"):
        decode(bytes(length))


def test_an_unknown_kind_is_refused(make_record):
    with pytest.raises(DecodeError, match="99"):
        decode(make_record(99))


@pytest.mark.parametrize("change", [lambda record: record[:-1], lambda record: record + b"x"])
def test_a_record_that_is_not_as_long_as_it_says_is_refused(make_record, change):
    with pytest.raises(DecodeError, match="says that it has"):
        decode(change(make_record(EventKind.OPENED, b"name\0", b"argument\0")))


@given(st.binary(max_size=5_000))
def test_no_bytes_raise_anything_but_the_rooms_own_error(record):
    with contextlib.suppress(DecodeError):
        decode(record)


@given(
    kind=st.sampled_from(EventKind),
    flags=st.integers(0, 2**32 - 1),
    names=st.binary(max_size=4_096),
    argv=st.binary(max_size=255),
    comm=st.binary(max_size=16),
)
def test_whatever_the_names_are_the_texts_fit_the_wire(make_record, kind, flags, names, argv, comm):
    try:
        event = decode(make_record(kind, names, argv, flags=flags, comm=comm))
    except DecodeError:
        assert kind in {EventKind.CONNECTED, EventKind.LISTENING}
        return

    assert len(event.path) <= MAX_PATH_LENGTH
    assert len(event.arguments) <= MAX_ARGUMENTS
    for text in (event.path, event.process, *event.arguments):
        assert "\0" not in text
        text.encode()
