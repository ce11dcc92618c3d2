# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0911, PLR0912, PLR1714 (a parser returns at the first oddity; numba compares one by one fastest)
"""Walk through the JSON of a line: from key to value to the brackets that close after it."""

import numpy as np

from blueattr.decode.parser import fields
from blueattr.decode.parser.json_text import (
    ESCAPED,
    WIDE,
    equals,
    is_utf8,
    letters_of,
    number_end,
    skip_spaces,
    string_end,
)
from blueattr.decode.parser.layout import TIMES_FROM
from blueattr.decode.parser.refusals import Refusal
from blueattr.kernels import compiled

__all__ = ["walk"]


U = np.uint64


_QUOTE, _COLON, _COMMA = (ord(char) for char in '":,')
_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_LIST, _CLOSE_LIST = (ord(char) for char in "{}[]")
_TRUE, _FALSE, _NULL = letters_of("true"), letters_of("false"), letters_of("null")
_MESSAGE = letters_of("message")
_SYNTHETIC, _TIME_FROM = letters_of("synthetic"), letters_of("time_from")
_SERVER, _IMPORTED, _KEY, _CLAIMED, _COLLECTED = (letters_of(f'"{kind}"') for kind in TIMES_FROM)
_FRAME, _PAYLOAD, _RECORD = map(fields.set_of, (fields.FRAME, fields.PAYLOAD, fields.RECORD))
_FEATURE = fields.set_of(fields.FEATURE_TAG, fields.LINK, fields.MENTION)


@compiled.jit(makes_arrays=False)
def walk(buffer, begin, line):
    """Walk through the JSON of the line that begins at `begin`.

    The bounds of its fields are left in `line`, a `blueattr.decode.parser.line.Line`. Returns the
    position of its end of line, or a `Refusal`.
    """
    if buffer[begin] != _OPEN_OBJECT:
        return np.int64(Refusal.NOT_JSON)
    state = line.state
    state.seen = 0
    state.place = line.places[0] = fields.TOP
    state.depth = 0
    state.collection = fields.NO_COLLECTION
    state.string_flags = 0
    state.item_count = 0
    state.mention_count = 0
    state.synthetic = 0
    state.time_from = 0
    state.says_time_from = 0
    i = begin + 1
    just_opened = True
    while state.depth >= 0:
        i = skip_spaces(buffer, i)
        if not (just_opened and buffer[i] == _closing(state.place)):
            field = _element_of(state.place)
            if not _is_list(state.place):
                i, field = _read_key(buffer, i, line)
                if i < 0:
                    return i
            char = buffer[i]
            just_opened = char in (_OPEN_OBJECT, _OPEN_LIST)
            if just_opened:
                i = _open(buffer, i, field, line)
            elif char == _QUOTE:
                i = _read_string(buffer, i, field, line)
            else:
                i = _read_literal(buffer, i, field, line)
            if i < 0:
                return i
            if just_opened:
                continue
        i = _close(buffer, i, line)
        if i < 0:
            return i
        just_opened = False
    if buffer[i] == ord("\r"):
        i += 1
    if buffer[i] != ord("\n"):
        return np.int64(Refusal.NOT_JSON)
    if state.string_flags & WIDE and not is_utf8(buffer, begin, i):
        return np.int64(Refusal.NOT_UTF8)
    return i


@compiled.jit(makes_arrays=False)
def _is_list(place):
    return place >= fields.FACETS


@compiled.jit(makes_arrays=False)
def _closing(place):
    return _CLOSE_LIST if _is_list(place) else _CLOSE_OBJECT


@compiled.jit(makes_arrays=False)
def _element_of(place):
    """Return the place or field that each element of a list is; OTHER in an object."""
    if place == fields.FACETS:
        return fields.FACET
    if place == fields.FEATURES:
        return fields.FEATURE
    if place == fields.TAGS:
        return fields.TAG
    if place == fields.LANGS:
        return fields.LANG
    if place == fields.LABEL_VALUES:
        return fields.LABEL
    return fields.OTHER


@compiled.jit(makes_arrays=False)
def _read_key(buffer, i, line):
    """Read the key at `i`. Return where its value begins, or a `Refusal`, and what it names."""
    state = line.state
    if buffer[i] != _QUOTE:
        return np.int64(Refusal.NOT_JSON), fields.OTHER
    start = i + 1
    end, flags = string_end(buffer, start)
    if end < 0:
        return end, fields.OTHER
    if flags & ESCAPED:
        return np.int64(Refusal.ESCAPED_KEY), fields.OTHER
    state.string_flags |= flags
    i = skip_spaces(buffer, end + 1)
    if buffer[i] != _COLON:
        return np.int64(Refusal.NOT_JSON), fields.OTHER
    i = skip_spaces(buffer, i + 1)
    if state.place == fields.OTHER:
        return i, fields.OTHER
    field = fields.field_of(state.place, buffer, start, end, state.collection)
    if field == fields.LABELS:
        return np.int64(Refusal.LABELLED), fields.OTHER
    if field != fields.OTHER:
        bit = U(1) << U(field)
        if state.seen & bit:
            return np.int64(Refusal.REPEATED_KEY), fields.OTHER
        if state.place == fields.TOP and state.seen & _PAYLOAD:
            return np.int64(Refusal.BESIDE_PAYLOAD), fields.OTHER
        state.seen |= bit
    elif state.depth == 0 and equals(buffer, start, end, _SYNTHETIC):
        state.synthetic = equals(buffer, i, i + 4, _TRUE)
    elif state.depth == 0 and equals(buffer, start, end, _TIME_FROM):
        if state.says_time_from:
            return np.int64(Refusal.REPEATED_KEY), fields.OTHER
        state.says_time_from = 1
        state.time_from = _time_from(buffer, i)
        if state.time_from < 0:
            return np.int64(Refusal.ODD_TIME), fields.OTHER
    return i, field


@compiled.jit(makes_arrays=False)
def _time_from(buffer, i):
    """Return the number in `layout.TIMES_FROM` of the string at `i`; -1 if it is another value."""
    if equals(buffer, i, i + _SERVER.size, _SERVER):
        return 0
    if equals(buffer, i, i + _IMPORTED.size, _IMPORTED):
        return 1
    if equals(buffer, i, i + _KEY.size, _KEY):
        return 2
    if equals(buffer, i, i + _CLAIMED.size, _CLAIMED):
        return 3
    return 4 if equals(buffer, i, i + _COLLECTED.size, _COLLECTED) else -1


@compiled.jit(makes_arrays=False)
def _read_string(buffer, i, field, line):
    """Read the string value of `field` at `i`. Return the position after it, or a `Refusal`."""
    state = line.state
    start = i + 1
    end, flags = string_end(buffer, start)
    if end < 0:
        return end
    state.string_flags |= flags
    if field == fields.OTHER:
        return end + 1
    if field < fields.PLACES or field == fields.TIME_US or field == fields.ACTIVE:
        return np.int64(Refusal.ODD_TYPE)
    if field >= fields.ITEMS:
        if state.item_count == line.items.shape[1]:
            return np.int64(Refusal.TOO_MANY_ITEMS)
        if flags & ESCAPED and field >= fields.MENTION:
            return np.int64(Refusal.ESCAPED_VALUE)
        line.items[0, state.item_count], line.items[1, state.item_count] = start, end
        line.items[2, state.item_count] = field
        state.item_count += 1
        return end + 1
    if field == fields.HANDLE_OR_STATUS and flags & WIDE:
        return np.int64(Refusal.NOT_ASCII)
    free_text = field == fields.TEXT or field == fields.TITLE or field == fields.MEDIA_TITLE
    if flags & ESCAPED and not free_text:
        return np.int64(Refusal.ESCAPED_VALUE)
    line.start[field], line.stop[field] = start, end
    if field == fields.COLLECTION:
        state.collection = fields.collection_of(buffer, start, end)
        if state.collection == fields.NO_COLLECTION:
            return np.int64(Refusal.NO_COLLECTION)
        if state.seen & _RECORD:
            return np.int64(Refusal.RECORD_FIRST)
    elif field == fields.FRAME and not equals(buffer, start, end, _MESSAGE):
        # An event of v2 without a frame: its type comes first, and the other keys are those of a
        # payload.
        if state.seen != _FRAME:
            return np.int64(Refusal.ODD_EVENT)
        state.seen = U(1) << U(fields.TYPE) | _PAYLOAD
        line.start[fields.TYPE], line.stop[fields.TYPE] = start, end
        state.place = line.places[0] = fields.PAYLOAD
    return end + 1


@compiled.jit(makes_arrays=False)
def _read_literal(buffer, i, field, line):
    """Read the number, true, false or null at `i`. Return the position after it, or a `Refusal`."""
    char = buffer[i]
    if field == fields.TIME_US:
        end = number_end(buffer, i)
        line.start[field], line.stop[field] = i, end
        return end
    may_be_null = field == fields.HANDLE_OR_STATUS and char == ord("n")
    may_be_bool = field == fields.ACTIVE and (char == ord("t") or char == ord("f"))
    if field != fields.OTHER and not may_be_null and not may_be_bool:
        return np.int64(Refusal.ODD_TYPE)
    if field != fields.OTHER:
        line.start[field], line.stop[field] = i, i
    if char == ord("t") and equals(buffer, i, i + 4, _TRUE):
        return i + 4
    if char == ord("n") and equals(buffer, i, i + 4, _NULL):
        return i + 4
    if char == ord("f") and equals(buffer, i, i + 5, _FALSE):
        return i + 5
    if char == ord("-") or ord("0") <= char <= ord("9"):
        return number_end(buffer, i)
    return np.int64(Refusal.NOT_JSON)


@compiled.jit(makes_arrays=False)
def _open(buffer, i, field, line):
    """Enter the object or list at `i`. Return the position after its bracket, or a `Refusal`."""
    state = line.state
    is_list = buffer[i] == _OPEN_LIST
    place = field
    if field == fields.OTHER:
        place = fields.LIST if is_list else fields.OTHER
    elif field > fields.PLACES or is_list != _is_list(field):
        return np.int64(Refusal.ODD_TYPE)
    elif field == fields.RECORD:
        if state.collection == fields.NO_COLLECTION:
            return np.int64(Refusal.RECORD_FIRST)
        if state.collection == fields.OTHER_COLLECTION:
            place = fields.OTHER
    elif field == fields.FACET:
        state.seen &= ~(U(1) << U(fields.FEATURES))
    elif field == fields.FEATURE:
        state.seen &= ~_FEATURE
    elif field == fields.LABEL:
        state.seen &= ~(U(1) << U(fields.LABEL_VALUE))
    elif field == fields.PAYLOAD and state.seen != _FRAME | _PAYLOAD:
        return np.int64(Refusal.BESIDE_PAYLOAD)
    state.depth += 1
    if state.depth == line.places.size:
        return np.int64(Refusal.TOO_DEEP)
    state.place = line.places[state.depth] = place
    return i + 1


@compiled.jit(makes_arrays=False)
def _close(buffer, i, line):
    """Leave the objects and lists that end at `i`, up to a comma or the end of the outermost.

    Returns the position after the comma or the last bracket, or a `Refusal`. The depth is -1 once
    the outermost object has ended.
    """
    state = line.state
    while state.depth >= 0:
        i = skip_spaces(buffer, i)
        if buffer[i] == _COMMA:
            return i + 1
        if buffer[i] != _closing(state.place):
            return np.int64(Refusal.NOT_JSON)
        i += 1
        state.depth -= 1
        if state.depth >= 0:
            state.place = line.places[state.depth]
    return i
