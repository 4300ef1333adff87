from deadlight.ecosystems.database_entries import MAX_ENTRIES, split_entries


def test_entries_are_closed_by_blank_lines():
    text = split_entries(b"P:a\nV:1\n\nP:b\nV:2\n\n")
    assert (text.entries, text.problem) == (("P:a\nV:1", "P:b\nV:2"), "")


def test_a_cut_database_loses_its_last_unfinished_line_and_says_so():
    text = split_entries(b"P:a\nV:1\n\nP:b\nV:2.1")
    assert text.entries == ("P:a\nV:1", "P:b\n")
    assert "cut short" in text.problem


def test_an_empty_database_is_whole():
    assert split_entries(b"").problem == ""
    assert split_entries(b"\n").problem == ""


def test_no_more_entries_are_read_than_any_system_has():
    text = split_entries(b"P:a\n\n" * (MAX_ENTRIES + 1))
    assert (len(text.entries), text.problem) == (MAX_ENTRIES, "holds more than 100000 entries")
    assert split_entries(b"P:a\n\n" * MAX_ENTRIES).problem == ""
