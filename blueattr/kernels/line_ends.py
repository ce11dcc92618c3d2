# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
"""Whether a text is lines of one object each, by the bytes around their ends, eight at a time.

Each byte of a word that equals another gets its highest bit, as in "Determine if a word has a byte
equal to n" of Anderson's Bit Twiddling Hacks, in the form that marks no other byte.
"""

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled

__all__ = ["are_objects"]


# What numpy takes for a byte where this kernel is not to be loaded, in 10 ns.
_STEPS = 0.1
_LOW, _HIGH = np.uint64(0x7F7F_7F7F_7F7F_7F7F), np.uint64(0x8080_8080_8080_8080)
_BYTE, _ALL_BUT_ONE = np.uint64(8), np.uint64(56)
_NONE = np.uint64(0)
_CLOSE, _OPEN, _LINE_FEED = (
    np.uint64(int.from_bytes(byte * 8, "little")) for byte in (b"}", b"{", b"\n")
)


@compiled.jit(makes_arrays=False)
def _marks(word, eight):
    """Return the highest bit of each byte of a word that equals that of `eight`."""
    other = word ^ eight
    return ~(((other & _LOW) + _LOW) | other | _LOW)


@compiled.jit(makes_arrays=False)
def _are_objects(words, rest):
    close_before, end_before, odd = _NONE, _NONE, _NONE
    for word in words:
        close, begin = _marks(word, _CLOSE), _marks(word, _OPEN)
        end = _marks(word, _LINE_FEED)
        after_close, after_end = (close << _BYTE) | close_before, (end << _BYTE) | end_before
        odd |= (begin & after_close) | (end & ~after_close) | (after_end & ~begin)
        close_before, end_before = close >> _ALL_BUT_ONE, end >> _ALL_BUT_ONE
    closed, ended, is_odd = close_before != _NONE, end_before != _NONE, odd & _HIGH != _NONE
    for byte in rest:
        is_odd |= closed if byte == ord("{") else ended or (byte == ord("\n") and not closed)
        closed, ended = byte == ord("}"), byte == ord("\n")
    return not (is_odd or ended)


def are_objects(text: bytes) -> bool:
    r"""Return whether each end of a line is between ``}`` and ``{``, and no ``}`` is before ``{``.

    Parameters
    ----------
    text
        Any bytes. What is before the first and after the last is not known, so that an end of a
        line there makes it false.

    Returns
    -------
    bool
        False may also be said of a text so short that it is not worth to load machine code.

    Examples
    --------
    >>> are_objects(b'{"a": 1}\r\n{"b": 2}')
    False
    """
    if compiled.few(len(text), _STEPS):
        return False
    words: npt.NDArray[np.uint64] = np.frombuffer(text, np.uint64, len(text) // 8)
    rest = np.frombuffer(text, np.uint8, offset=len(words) * 8)
    return bool(_are_objects(words, rest))
