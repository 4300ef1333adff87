"""What PostgreSQL cannot store is left out, and nothing else."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from deadlight.server.db.zero_bytes import json_without_zero_bytes, without_zero_bytes

TEXTS = st.text(alphabet=st.sampled_from('\0\\u0"a\n\x01ä😀'), max_size=12)
DOCUMENTS = st.recursive(
    TEXTS | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)
)


@given(DOCUMENTS)
@example("\\u0000")
@example("\\\0")
@example("\\\\\0\\u0000\0\0")
def test_zero_bytes_leave_json_text_as_they_leave_the_decoded_document(document: object) -> None:
    text = json.dumps(document).encode()
    assert json.loads(json_without_zero_bytes(text)) == without_zero_bytes(document)


@given(DOCUMENTS)
def test_no_text_of_a_document_keeps_a_zero_byte(document: object) -> None:
    assert "\\u0000" not in json.dumps(without_zero_bytes(document)).replace("\\\\", "")


def test_a_long_run_of_backslashes_takes_no_longer_than_it_is_long() -> None:
    document = json.dumps(["\\" * 1_000_000, "\0"]).encode()
    assert json_without_zero_bytes(document).endswith(b', ""]')
