"""Every field has a name in plain words."""

from deadlight.threats.fields import FIELDS, label_of


def test_no_two_fields_are_called_the_same() -> None:
    assert len({field.label for field in FIELDS.values()}) == len(FIELDS)


def test_what_has_no_plain_name_is_called_as_it_is() -> None:
    assert label_of("process.programs") == "Program names"
    assert label_of("file.sha256") == "SHA-256 of the file"
    assert label_of("of.a.later.version") == "of.a.later.version"
