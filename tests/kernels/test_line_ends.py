"""Whether a text is lines of one object each: the kernel and its naive twin."""

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from blueattr.kernels import compiled
from blueattr.kernels.line_ends import are_objects
from support.effort import law

# Bytes that differ from those that count by one bit, by the highest one, or by one.
NEAR = st.lists(st.sampled_from(b'}{\n|z\x0b\xfd\xfb\x8a\x7c"'), max_size=24).map(bytes)
WITHIN = st.lists(st.sampled_from(b'a"|z:}{\x80\xfd'), max_size=12).map(bytes)
OBJECTS = st.lists(WITHIN.map(lambda inner: b"{" + inner + b"}"), max_size=6).map(b"\n".join)


def twin(text: bytes) -> bool:
    between = all(
        text[k - 1 : k] == b"}" and text[k + 1 : k + 2] == b"{"
        for k, byte in enumerate(text)
        if byte == ord("\n")
    )
    return between and not text.startswith(b"\n") and b"}{" not in text


@law(400)
@given(NEAR | OBJECTS | st.tuples(OBJECTS, NEAR, OBJECTS).map(b"".join))
def test_no_end_of_a_line_is_missed_or_seen_where_none_is(text: bytes) -> None:
    with patch.object(compiled, "few", return_value=False):
        assert are_objects(text) == twin(text)
