# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0911 (a parser returns at the first oddity)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Decide what a line is from the fields that the walk found, and read their numbers."""

import numpy as np

from blueattr.decode.parser import fields, layout
from blueattr.decode.parser.fields import set_of
from blueattr.decode.parser.identifiers import (
    END_US,
    FIRST_US,
    leads_elsewhere,
    read_did,
    read_link,
    read_micros,
    read_repost_link,
    read_time,
    tid_number,
)
from blueattr.decode.parser.json_text import equals, letters_of
from blueattr.decode.parser.refusals import Refusal
from blueattr.kernels import compiled

__all__ = ["classify", "read_numbers"]


# --- what it is ----------------------------------------------------------------------------------

_V1_FIELDS = set_of(fields.KIND, fields.DID, fields.TIME_US)
_V2_FIELDS = set_of(fields.TYPE, fields.DID, fields.TIME)
_COMMIT_FIELDS = set_of(fields.RKEY, fields.REV, fields.OPERATION)
_REPLY_LINKS = set_of(fields.PARENT_URI, fields.ROOT_URI)
_TWO_KINDS = set_of(fields.IDENTITY, fields.ACCOUNT)

_HAS_FRAME, _HAS_PAYLOAD, _HAS_RECORD = map(set_of, (fields.FRAME, fields.PAYLOAD, fields.RECORD))
_HAS_TEXT, _HAS_REPLY = map(set_of, (fields.TEXT, fields.REPLY))
_HAS_TITLE, _HAS_MEDIA_TITLE = map(set_of, (fields.TITLE, fields.MEDIA_TITLE))
_HAS_TARGET_URI, _HAS_FOLLOWED_DID = map(set_of, (fields.TARGET_URI, fields.FOLLOWED_DID))
_HAS_QUOTED = set_of(fields.QUOTED_URI, fields.INNER_URI)
_HAS_INNER, _HAS_VIA = map(set_of, (fields.INNER_URI, fields.VIA_URI))
_HAS_IDENTITY, _HAS_ACTIVE = map(set_of, (fields.IDENTITY, fields.ACTIVE))
_HAS_HANDLE_OR_STATUS = set_of(fields.HANDLE_OR_STATUS)

_COMMIT, _IDENTITY, _ACCOUNT = map(letters_of, ("commit", "identity", "account"))
_SELF = letters_of("self")
_EVENTS = letters_of("network.bsky.jetstream.subscribeEvents#")
_CREATE, _UPDATE, _DELETE = letters_of("create"), letters_of("update"), letters_of("delete")


@compiled.jit(makes_arrays=False)
def _is(buffer, line, field, text):
    """Whether a field is this text."""
    return equals(buffer, line.start[field], line.stop[field], text)


@compiled.jit(makes_arrays=False)
def classify(buffer, line):
    """Return the bits of a line (`layout`) by the fields that it has, or a `Refusal`."""
    seen = line.state.seen
    bits = 0
    if seen & _HAS_PAYLOAD:
        bits = layout.IS_V2
        start, stop = line.start[fields.TYPE], line.stop[fields.TYPE]
        if seen & _V2_FIELDS != _V2_FIELDS:
            return np.int64(Refusal.MISSING_FIELD)
        prefix = start + _EVENTS.size
        if prefix > stop or not equals(buffer, start, prefix, _EVENTS):
            return np.int64(Refusal.ODD_EVENT)
        start = prefix
    else:
        start, stop = line.start[fields.KIND], line.stop[fields.KIND]
        if seen & _V1_FIELDS != _V1_FIELDS:
            return np.int64(Refusal.MISSING_FIELD)
        if seen & _HAS_FRAME:
            return np.int64(Refusal.ODD_EVENT)
    if equals(buffer, start, stop, _COMMIT):
        return _classify_commit(buffer, bits, line)
    if equals(buffer, start, stop, _IDENTITY):
        return _classify_account(buffer, bits | layout.IDENTITY, _HAS_IDENTITY, line)
    if equals(buffer, start, stop, _ACCOUNT):
        return _classify_account(buffer, bits | layout.ACCOUNT, _HAS_ACTIVE, line)
    return np.int64(Refusal.ODD_EVENT)


@compiled.jit(makes_arrays=False)
def _classify_commit(buffer, bits, line):
    """Return the bits of a commit by the fields that it has, or a `Refusal`."""
    seen, collection = line.state.seen, line.state.collection
    if collection == fields.NO_COLLECTION:
        return np.int64(Refusal.NO_COLLECTION)
    if collection == fields.OTHER_COLLECTION:
        return np.int64(bits | layout.IS_SKIPPED)
    if seen & _COMMIT_FIELDS != _COMMIT_FIELDS:
        return np.int64(Refusal.MISSING_FIELD)
    bits |= layout.IS_ACCOUNT_EVENT | layout.PROFILE if collection == fields.PROFILE else collection
    if _is(buffer, line, fields.OPERATION, _DELETE):
        return np.int64(Refusal.ODD_OPERATION if seen & _HAS_RECORD else bits | layout.IS_DELETE)
    is_update = _is(buffer, line, fields.OPERATION, _UPDATE)
    if not is_update and not _is(buffer, line, fields.OPERATION, _CREATE):
        return np.int64(Refusal.ODD_OPERATION)
    if not seen & _HAS_RECORD:
        return np.int64(Refusal.MISSING_FIELD)
    if collection == fields.PROFILE:
        return np.int64(bits | layout.IS_UPDATE if is_update else bits)
    if collection != fields.POST:
        needed = _HAS_TARGET_URI if collection == fields.REPOST else _HAS_FOLLOWED_DID
        if seen & _HAS_VIA:
            bits |= layout.HAS_OTHER
        return np.int64(bits | layout.HAS_SUBJECT if seen & needed else Refusal.MISSING_FIELD)
    return _classify_post(bits, seen)


@compiled.jit(makes_arrays=False)
def _classify_post(bits, seen):
    """Return the bits of a post that is written by the fields that it has, or a `Refusal`."""
    if not seen & _HAS_TEXT or (seen & _HAS_REPLY and seen & _REPLY_LINKS != _REPLY_LINKS):
        return np.int64(Refusal.MISSING_FIELD)
    bits |= layout.HAS_TEXT
    if seen & _HAS_REPLY:
        bits |= layout.HAS_SUBJECT | layout.HAS_ROOT
    if seen & _HAS_QUOTED:
        bits |= layout.HAS_OTHER
    if seen & _HAS_TITLE:
        bits |= layout.HAS_TITLE
    elif seen & _HAS_MEDIA_TITLE:
        bits |= layout.HAS_TITLE | layout.HAS_MEDIA_TITLE
    return np.int64(bits)


@compiled.jit(makes_arrays=False)
def _classify_account(buffer, bits, needed, line):
    """Return the bits of an identity or account line, or a `Refusal`."""
    seen = line.state.seen
    if line.state.collection != fields.NO_COLLECTION or seen & _TWO_KINDS == _TWO_KINDS:
        return np.int64(Refusal.ODD_EVENT)
    if not seen & needed:
        return np.int64(Refusal.MISSING_FIELD)
    if not seen & _HAS_HANDLE_OR_STATUS:
        line.start[fields.HANDLE_OR_STATUS] = line.stop[fields.HANDLE_OR_STATUS] = 0
    if seen & _HAS_ACTIVE and buffer[line.start[fields.ACTIVE]] == ord("t"):
        bits |= layout.IS_ACTIVE
    return np.int64(bits | layout.IS_ACCOUNT_EVENT)


# --- its numbers ---------------------------------------------------------------------------------


@compiled.jit(makes_arrays=False)
def read_numbers(buffer, bits, line, numbers, row, end_us, last_rev):
    """Read the fields of a line into ``numbers[:, row]``. Return its bits, or a `Refusal`.

    For `end_us` and `last_rev` see `blueattr.decode.clock.Horizon`.
    """
    start, stop = line.start, line.stop
    if bits & layout.IS_V2:
        time = read_time(buffer, start[fields.TIME], stop[fields.TIME])
    else:
        time = read_micros(buffer, start[fields.TIME_US], stop[fields.TIME_US])
    numbers[layout.TIME, row] = time
    if time < FIRST_US or time >= END_US:
        return np.int64(Refusal.ODD_TIME)
    if time >= end_us:
        return np.int64(Refusal.AHEAD)
    if not read_did(buffer, start[fields.DID], stop[fields.DID], numbers, layout.AUTHOR_HIGH, row):
        return np.int64(Refusal.ODD_DID)
    is_profile = bits & layout.IS_ACCOUNT_EVENT and bits & layout.KIND_MASK == layout.PROFILE
    if bits & layout.IS_SKIPPED or (bits & layout.IS_ACCOUNT_EVENT and not is_profile):
        return bits
    rkey = tid_number(buffer, start[fields.RKEY], stop[fields.RKEY])
    rev = tid_number(buffer, start[fields.REV], stop[fields.REV])
    numbers[layout.RKEY, row], numbers[layout.REV, row] = rkey, rev
    if rev < 0 or (not is_profile and rkey < 0):
        return np.int64(Refusal.ODD_KEY)
    if rev > last_rev:
        return np.int64(Refusal.REV_AHEAD)
    if is_profile:
        return bits if _is(buffer, line, fields.RKEY, _SELF) else np.int64(Refusal.ODD_KEY)
    if bits & layout.HAS_MEDIA_TITLE:
        start[fields.TITLE], stop[fields.TITLE] = (
            start[fields.MEDIA_TITLE],
            stop[fields.MEDIA_TITLE],
        )
    return _read_links(buffer, bits, line, numbers, row)


@compiled.jit(makes_arrays=False)
def _read_links(buffer, bits, line, numbers, row):
    """Read what a line links to into ``numbers[:, row]``. Return its bits, or a `Refusal`."""
    start, stop = line.start, line.stop
    if bits & layout.HAS_OTHER:
        bits = _read_other(buffer, bits, line, numbers, row)
    if bits < 0 or not bits & layout.HAS_SUBJECT:
        return bits
    if bits & layout.KIND_MASK == layout.FOLLOW:
        field = fields.FOLLOWED_DID
        is_valid = read_did(buffer, start[field], stop[field], numbers, layout.SUBJECT_HIGH, row)
        return bits if is_valid else np.int64(Refusal.ODD_DID)
    field = fields.PARENT_URI if bits & layout.HAS_ROOT else fields.TARGET_URI
    is_valid = read_link(buffer, start[field], stop[field], numbers, layout.SUBJECT_HIGH, row)
    if is_valid and bits & layout.HAS_ROOT:
        field = fields.ROOT_URI
        is_valid = read_link(buffer, start[field], stop[field], numbers, layout.ROOT_HIGH, row)
    return bits if is_valid else np.int64(Refusal.ODD_LINK)


@compiled.jit(makes_arrays=False)
def _read_other(buffer, bits, line, numbers, row):
    """Read the quoted post, or the repost by which a repost was found; as `_read_links`."""
    field = fields.VIA_URI
    if bits & layout.KIND_MASK == layout.POST:
        field = fields.INNER_URI if line.state.seen & _HAS_INNER else fields.QUOTED_URI
    start, stop = line.start[field], line.stop[field]
    if field == fields.VIA_URI:
        is_valid = read_repost_link(buffer, start, stop, numbers, layout.OTHER_HIGH, row)
        return bits if is_valid else np.int64(Refusal.ODD_LINK)
    if read_link(buffer, start, stop, numbers, layout.OTHER_HIGH, row):
        return bits
    if leads_elsewhere(buffer, start, stop, numbers, layout.OTHER_HIGH, row):
        return bits & ~np.int64(layout.HAS_OTHER)
    return np.int64(Refusal.ODD_LINK)
