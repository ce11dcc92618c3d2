# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0911, PLR0912 (a parser returns at the first oddity)
"""Read what posts are sliced by: hosts of links, mentions, languages and labels.

What is malformed is left out by itself, as ``sql/store/commit/batch/decode_lines.sql`` says.
"""

import numpy as np

from blueattr.decode.parser import fields
from blueattr.decode.parser.identifiers import read_did
from blueattr.decode.parser.json_text import letters_of
from blueattr.decode.parser.refusals import Refusal
from blueattr.kernels import compiled

__all__ = ["MOST_LABELS", "MOST_LANGS", "MOST_LINKS", "MOST_MENTIONS", "append_lower", "read_items"]


MOST_LINKS = MOST_MENTIONS = 32
"""So many links of a post are read, and so many mentions; of more, the first ones."""

MOST_LANGS = MOST_LABELS = 8
"""So many languages, and so many labels."""


_HTTP, _SLASHES, _WWW = letters_of("http"), letters_of("://"), letters_of("www.")
_BACKSLASH, _DOT, _COLON, _HYPHEN, _UNDERSCORE = (ord(char) for char in "\\.:-_")
_LONGEST_HOST = 253
_LONGEST_LABEL = 64


@compiled.jit(makes_arrays=False)
def _lower(char):
    """Return an ASCII letter in lower case, and any other byte as it is."""
    return char | 0x20 if ord("A") <= char <= ord("Z") else char


@compiled.jit(makes_arrays=False)
def _is_letter(char):
    return ord("a") <= _lower(char) <= ord("z")


@compiled.jit(makes_arrays=False)
def _is_digit(char):
    return ord("0") <= char <= ord("9")


@compiled.jit(makes_arrays=False)
def append_lower(buffer, start, stop, out, end):
    """Append ASCII letters in lower case to ``out[:end]``. Return the new end."""
    for i in range(start, stop):
        out[end] = _lower(buffer[i])
        end += 1
    return end


@compiled.jit(makes_arrays=False)
def _begins(buffer, i, stop, text):
    """Return where ``buffer[i:stop]`` ceases to be `text`, in whichever case; its end if it is."""
    for k in range(text.size):
        if i + k >= stop or _lower(buffer[i + k]) != text[k]:
            return i + k
    return i + text.size


@compiled.jit(makes_arrays=False)
def _no_host(buffer, i, stop):
    """Return bounds of nothing; -1 if the letter at `i`, where no host goes on, is an escape."""
    if i < stop and buffer[i] == _BACKSLASH:
        return np.int64(-1), np.int64(-1)
    return np.int64(0), np.int64(0)


@compiled.jit(makes_arrays=False)
def _host(buffer, i, stop):
    """Return the bounds of the host of a link, without ``www.``; as `_no_host` if there is none."""
    colon = _begins(buffer, i, stop, _HTTP)
    if colon < i + _HTTP.size:
        return _no_host(buffer, colon, stop)
    if colon < stop and _lower(buffer[colon]) == ord("s"):
        colon += 1
    start = _begins(buffer, colon, stop, _SLASHES)
    if start < colon + _SLASHES.size:
        return _no_host(buffer, start, stop)
    i = label = start
    dots = 0
    while i < stop:
        char = buffer[i]
        if char == _DOT:
            if i == label:
                return _no_host(buffer, i, stop)
            dots += 1
            label = i + 1
        elif not (_is_letter(char) or _is_digit(char) or char in (_HYPHEN, _UNDERSCORE)):
            break
        i += 1
    end = i
    if i < stop and buffer[i] == _COLON:
        i += 1
        while i < stop and _is_digit(buffer[i]):
            i += 1
    if i < stop and buffer[i] not in (ord("/"), ord("?"), ord("#")):
        return _no_host(buffer, i, stop)
    if dots == 0 or label == end or not _is_letter(buffer[label]):
        return np.int64(0), np.int64(0)
    if dots > 1 and _begins(buffer, start, end, _WWW) == start + _WWW.size:
        start += _WWW.size
    if end - start > _LONGEST_HOST:
        return np.int64(0), np.int64(0)
    return start, end


@compiled.jit(makes_arrays=False)
def _is_language(buffer, i, stop):
    """Whether a string is a language tag: 2 or 3 letters, then up to three parts of up to 8."""
    start, parts = i, 0
    while i < stop and _is_letter(buffer[i]):
        i += 1
    if i - start < 2 or i - start > 3:
        return False
    while i < stop:
        start = i + 1
        if buffer[i] != _HYPHEN or parts == 3:
            return False
        i = start
        while i < stop and (_is_letter(buffer[i]) or _is_digit(buffer[i])):
            i += 1
        if i == start or i - start > 8:
            return False
        parts += 1
    return True


@compiled.jit(makes_arrays=False)
def _is_label(buffer, start, stop):
    """Whether a string is a label: lower-case letters, digits, hyphens and exclamation marks."""
    if start == stop or stop - start > _LONGEST_LABEL:
        return False
    for i in range(start, stop):
        char = buffer[i]
        is_lower = ord("a") <= char <= ord("z")
        if not (is_lower or _is_digit(char) or char in (_HYPHEN, ord("!"))):
            return False
    return True


@compiled.jit(makes_arrays=False)
def _compare(buffer, i, stop, other, other_stop):
    """Return -1, 0 or 1 as a string comes before, is, or comes after another, without case."""
    while i < stop and other < other_stop:
        mine, its = _lower(buffer[i]), _lower(buffer[other])
        if mine != its:
            return -1 if mine < its else 1
        i += 1
        other += 1
    if i == stop and other == other_stop:
        return 0
    return -1 if i == stop else 1


@compiled.jit(makes_arrays=False)
def _is_in_order(buffer, line, n):
    """Whether an item is no repetition, and a label comes after those before it."""
    field = line.items[2, n]
    for m in range(n):
        if line.items[2, m] != field or line.items[0, m] == line.items[1, m]:
            continue
        order = _compare(
            buffer, line.items[0, n], line.items[1, n], line.items[0, m], line.items[1, m]
        )
        if order == 0 or (field == fields.LABEL_VALUE and order < 0):
            return False
    return True


@compiled.jit(makes_arrays=False)
def _sort_hosts(buffer, line):
    """Sort the hosts of a line; one that comes again gets bounds of nothing."""
    starts, stops, which = line.items[0], line.items[1], line.items[2]
    for n in range(line.state.item_count):
        if not fields.LINK <= which[n] <= fields.MEDIA_LINK:
            continue
        for m in range(n):
            if not fields.LINK <= which[m] <= fields.MEDIA_LINK or starts[m] == stops[m]:
                continue
            order = _compare(buffer, starts[n], stops[n], starts[m], stops[m])
            if order == 0:
                stops[n] = starts[n]
            if order < 0 and starts[n] < stops[n]:
                starts[n], starts[m] = starts[m], starts[n]
                stops[n], stops[m] = stops[m], stops[n]


@compiled.jit(makes_arrays=False)
def _sorted_mentions(mentions, count):
    """Sort the DIDs ``mentions[:, :count]``, each once. Return how many are left."""
    left = 0
    for n in range(count):
        high, low = mentions[0, n], mentions[1, n]
        place = left
        while place and (
            mentions[0, place - 1] > high
            or (mentions[0, place - 1] == high and mentions[1, place - 1] > low)
        ):
            place -= 1
        if place and mentions[0, place - 1] == high and mentions[1, place - 1] == low:
            continue
        for m in range(left, place, -1):
            mentions[0, m], mentions[1, m] = mentions[0, m - 1], mentions[1, m - 1]
        mentions[0, place], mentions[1, place] = high, low
        left += 1
    return left


@compiled.jit(makes_arrays=False)
def read_items(buffer, line):
    """Read the items of a post; what is malformed gets bounds of nothing. Return 0 or a `Refusal`.

    The bounds of a link become those of its host, and hosts are sorted, each once. So are DIDs,
    which are left in ``line.mentions``.
    """
    links = mentions = langs = labels = 0
    for n in range(line.state.item_count):
        start, stop, field = line.items[0, n], line.items[1, n], line.items[2, n]
        if field <= fields.TAG:
            continue
        if field <= fields.MEDIA_LINK:
            links += 1
            if links > MOST_LINKS:
                return np.int64(Refusal.TOO_MANY_ITEMS)
            start, stop = _host(buffer, start, stop)
            if start < 0:
                return np.int64(Refusal.ODD_ITEM)
        elif field == fields.MENTION:
            if mentions == MOST_MENTIONS:
                return np.int64(Refusal.TOO_MANY_ITEMS)
            if not read_did(buffer, start, stop, line.mentions, 0, mentions):
                return np.int64(Refusal.ODD_DID)
            mentions += 1
            continue
        elif field == fields.LANG:
            langs += 1
            if langs > MOST_LANGS:
                return np.int64(Refusal.TOO_MANY_ITEMS)
            stop = stop if _is_language(buffer, start, stop) else start
        else:
            labels += 1
            if labels > MOST_LABELS:
                return np.int64(Refusal.TOO_MANY_ITEMS)
            stop = stop if _is_label(buffer, start, stop) else start
        line.items[0, n], line.items[1, n] = start, stop
        if start < stop and field >= fields.LANG and not _is_in_order(buffer, line, n):
            return np.int64(Refusal.ODD_ITEM)
    if links > 1:
        _sort_hosts(buffer, line)
    line.state.mention_count = _sorted_mentions(line.mentions, mentions)
    return np.int64(0)
