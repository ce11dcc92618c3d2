# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
"""JSON that is not one value a line, made lines: arrays, and objects indented or not set apart.

What stands between objects, such as the brackets and commas of arrays, becomes an end of line, and
ends of lines within an object become blanks. So most bytes stay where they are; only an object that
follows on another without a byte between them gets a line of its own by one more.
"""

import numpy as np

from blueattr.kernels import compiled

__all__ = ["Separator"]


# Deeper than this it is not known whether a bracket is an object's or an array's.
_KNOWN_DEPTH = 1024
# The state: how deep within a value; within which text; what stood before within the value; whether
# a line was begun; whether a value has ended in it; whether, in a text, an object may begin here.
_DEPTH, _TEXT, _BEFORE, _DIRTY, _ENDED, _MAY_BEGIN = range(6)
# Where a text lacks a quotation mark, an object seems to begin within a text. Its bracket, and then
# a quotation mark, are held back until the next byte tells. In what is broken off are no texts.
_NO_TEXT, _IN_TEXT, _ESCAPED, _BRACKET_HELD, _QUOTE_HELD, _BROKEN = range(6)
# RFC 7464: what text sequences set values apart with.
_RECORD_SEPARATOR = 0x1E


@compiled.jit(makes_arrays=False)
def _breaks(byte, state, opened):
    """Return whether no sound object goes on so: the one that was begun is broken off."""
    before, depth = state[_BEFORE], state[_DEPTH]
    within = opened[depth - 1] if depth <= opened.shape[0] else np.uint8(0)
    if byte in (ord("{"), ord("[")):
        if before == ord(","):
            return within == ord("{")
        return before not in (ord(":"), ord("["))
    if byte == ord("}"):
        return within == ord("[")
    if byte == ord("]"):
        return within == ord("{")
    return False


@compiled.jit(makes_arrays=False)
def _is_amiss(byte, before):
    """Return whether no value goes on so after a text or another value within it."""
    if before not in (ord('"'), ord("}"), ord("]")):
        return False
    if byte in (ord(":"), ord(","), ord("{"), ord("}"), ord("["), ord("]")):
        return False
    return byte not in (ord(" "), ord("\t"), ord("\n"), ord("\r"), _RECORD_SEPARATOR)


@compiled.jit(makes_arrays=False)
def _begin_object(state, opened, out, end):
    """Begin an object on a line of its own. Return the new end of `out`."""
    state[:] = 0
    state[_DEPTH] = state[_DIRTY] = 1
    state[_BEFORE] = opened[0] = ord("{")
    out[end] = ord("\n")
    out[end + 1] = ord("{")
    return end + 2


@compiled.jit(makes_arrays=False)
def _is_plain(byte):
    """Return whether a byte of a text means nothing to what follows."""
    return byte not in (ord('"'), ord("\\"), ord("}"), ord("\n"), ord("\r"))


@compiled.jit(makes_arrays=False)
def _in_text(byte, state, out, end):
    """Go on within a text. Return the new end of `out`."""
    if state[_TEXT] == _BRACKET_HELD:
        if byte == ord('"'):
            state[_TEXT] = _QUOTE_HELD
            return end
        state[_TEXT] = _IN_TEXT
        out[end] = ord("{")
        end += 1
    if byte in (ord("\n"), ord("\r")):
        # No text goes over an end of line: what was begun is broken off.
        state[_TEXT] = _BROKEN
        state[_MAY_BEGIN] = 1
        out[end] = ord("\n")
        return end + 1
    if byte == ord("{") and state[_MAY_BEGIN]:
        state[_TEXT] = _BRACKET_HELD
        state[_MAY_BEGIN] = 0
        return end
    if byte == ord("}"):
        state[_MAY_BEGIN] = 1
    elif byte not in (ord(","), ord(" ")):
        state[_MAY_BEGIN] = 0
    if state[_TEXT] == _ESCAPED:
        state[_TEXT] = _IN_TEXT
    elif byte == ord("\\"):
        state[_TEXT] = _ESCAPED
    elif byte == ord('"'):
        state[_TEXT] = _NO_TEXT
        state[_BEFORE] = byte
    out[end] = byte
    return end + 1


@compiled.jit(makes_arrays=False)
def _release(byte, state, opened, out, end):
    """Judge by the next byte what was held back, and let it go. Return the new end of `out`."""
    if _is_amiss(byte, ord('"')):
        end = _begin_object(state, opened, out, end)
        state[_TEXT] = _IN_TEXT
    else:
        state[_TEXT] = _NO_TEXT
        state[_BEFORE] = ord('"')
        out[end] = ord("{")
        end += 1
    out[end] = ord('"')
    return end + 1


@compiled.jit(makes_arrays=False)
def _in_broken(byte, state, opened, out, end):
    """Go on after a value was broken off, up to the next object. Return the new end of `out`."""
    if byte == ord("{") and state[_MAY_BEGIN]:
        return _begin_object(state, opened, out, end)
    is_end = byte in (ord("\n"), ord("\r"), _RECORD_SEPARATOR)
    if is_end or byte == ord("}"):
        state[_MAY_BEGIN] = 1
    elif byte not in (ord(","), ord("["), ord(" "), ord("\t")):
        state[_MAY_BEGIN] = 0
    out[end] = ord(" ") if is_end else byte
    return end + 1


@compiled.jit(makes_arrays=False)
def _in_value(byte, state, opened, out, end):
    """Go on within a value, but in no text. Return the new end of `out`."""
    if byte in (ord("\n"), ord("\r")):
        out[end] = ord(" ")
        return end + 1
    out[end] = byte
    if byte == ord('"'):
        state[_TEXT] = _IN_TEXT
    elif byte in (ord("{"), ord("[")):
        if state[_DEPTH] < opened.shape[0]:
            opened[state[_DEPTH]] = byte
        state[_DEPTH] += 1
    elif byte in (ord("}"), ord("]")):
        state[_DEPTH] -= 1
        state[_ENDED] = state[_DEPTH] == 0
    if byte not in (ord(" "), ord("\t")):
        state[_BEFORE] = byte
    return end + 1


@compiled.jit(makes_arrays=False)
def _between(byte, state, opened, out, end):
    """Go on between values. Return the new end of `out`."""
    if byte in (ord("\n"), ord("\r"), ord(","), ord("["), ord("]"), _RECORD_SEPARATOR):
        state[_DIRTY] = state[_ENDED] = 0
        out[end] = ord("\n")
        return end + 1
    if byte in (ord(" "), ord("\t"), 0xEF, 0xBB, 0xBF):
        # Blanks, and byte order marks.
        out[end] = ord("\n") if state[_ENDED] else ord(" ")
        if state[_ENDED]:
            state[_DIRTY] = state[_ENDED] = 0
        return end + 1
    if state[_DIRTY] and (state[_ENDED] or byte == ord("{")):
        out[end] = ord("\n")
        end += 1
        state[_ENDED] = 0
    state[_DIRTY] = 1
    out[end] = state[_BEFORE] = byte
    if byte == ord('"'):
        state[_TEXT] = _IN_TEXT
    elif byte == ord("{"):
        opened[0] = byte
        state[_DEPTH] = 1
    return end + 1


@compiled.jit(makes_arrays=False)
def _separate(data, out, state, opened):
    """Write `data` to `out` with a line for each value. Return how many bytes there are."""
    end = np.int64(0)
    for byte in data:
        if state[_TEXT] == _IN_TEXT and not state[_MAY_BEGIN] and _is_plain(byte):
            out[end] = byte
            end += 1
            continue
        if state[_TEXT] == _QUOTE_HELD:
            end = _release(byte, state, opened, out, end)
        elif state[_TEXT] == _NO_TEXT and state[_DEPTH] and _is_amiss(byte, state[_BEFORE]):
            state[_TEXT] = _BROKEN
        if state[_TEXT] == _BROKEN:
            end = _in_broken(byte, state, opened, out, end)
            continue
        if state[_TEXT] != _NO_TEXT:
            end = _in_text(byte, state, out, end)
            continue
        if state[_DEPTH] and _breaks(byte, state, opened):
            state[_DEPTH] = 0
            state[_ENDED] = 1
        if state[_DEPTH]:
            end = _in_value(byte, state, opened, out, end)
        else:
            end = _between(byte, state, opened, out, end)
    return end


class Separator:
    r"""Makes lines of JSON values, given piece by piece.

    An object that is broken off, as in a file that was cut, or that lacks a quotation mark, ends
    where no sound object could go on, so that the next ones are read: at the next one, as a rule,
    and later if it breaks off where a value could stand.

    Examples
    --------
    >>> separator = Separator()
    >>> separator.separate(b'[{"a": [1,\n2]},{"b"') + separator.separate(b': 3}]{}{}')
    b'\n{"a": [1, 2]}\n{"b": 3}\n{}\n{}'
    """

    def __init__(self) -> None:
        self._state = np.zeros(6, np.int64)
        self._opened = np.zeros(_KNOWN_DEPTH, np.uint8)

    def separate(self, data: bytes) -> bytes:
        """Return the next piece of JSON as lines, the last of which may go on in the next piece."""
        # Each byte that makes a line end has another before it, and two may have been held back.
        out = np.empty(2 * len(data) + 3, np.uint8)
        end = _separate(np.frombuffer(data, np.uint8), out, self._state, self._opened)
        return out[:end].tobytes()

    def finish(self) -> bytes:
        """Return what was held back when no more pieces come."""
        held = {_BRACKET_HELD: b"{", _QUOTE_HELD: b'{"'}.get(int(self._state[_TEXT]), b"")
        self._state[:] = 0
        return held
