"""Shapes of rejected lines: what shows how they are built, and holds nobody's words; pure.

A rejected line may be of anybody, also of an account that left, and be so malformed that nothing
tells whose it is. So a store keeps its shape alone (docs/data.md, "Rejected lines").
"""

import re
from datetime import UTC, datetime, timedelta

import orjson

__all__ = ["SHAPE_LIMIT", "Beginning", "shape", "written"]


SHAPE_LIMIT = 400
"""About how many characters of a shape are made; the rest of the line is not looked at."""


# Names that the formats use, of events, records and entries of the PLC directory. Others are
# somebody's own, and so are the same names with escapes.
_KEYS = {
    "$type", "payload", "did", "repo", "time", "time_us", "time_from", "seq", "synthetic",
    "kind", "type", "commit", "identity", "account", "op", "t", "ops", "blocks", "tooBig",
    "sync", "info", "rev", "since", "operation", "action", "path", "collection", "rkey", "cid",
    "record", "active", "status", "handle", "name", "message", "text", "createdAt", "langs",
    "reply", "parent", "root", "uri", "subject", "via", "facets", "index", "byteStart",
    "byteEnd", "features", "tag", "tags", "embed", "external", "title", "description", "thumb",
    "images", "alt", "image", "aspectRatio", "width", "height", "media", "video", "labels",
    "values", "val", "displayName", "avatar", "banner", "pinnedPost", "joinedViaStarterPack",
    "nullified", "prev", "sig", "services", "verificationMethods", "rotationKeys",
    "alsoKnownAs", "service", "signingKey", "recoveryKey", "endpoint", "atproto",
    "atproto_pds", "$link", "$bytes", "ref", "mimeType", "size",
}  # fmt: skip
_COLLECTIONS = (
    "app.bsky.feed.post",
    "app.bsky.feed.repost",
    "app.bsky.feed.like",
    "app.bsky.graph.follow",
    "app.bsky.actor.profile",
)
_EVENT = "network.bsky.jetstream.subscribeEvents#"
# Values that the formats define, by the key that they belong to.
_VALUES = {
    "kind": ("commit", "identity", "account", "sync", "info", "#identity", "#account"),
    "t": ("#commit", "#identity", "#account", "#sync", "#info"),
    "type": ("com", "id", "acc", "c", "u", "d", "create", "plc_operation", "plc_tombstone"),
    "operation": ("create", "update", "delete"),
    "action": ("create", "update", "delete"),
    "collection": _COLLECTIONS,
    "$type": (
        "message",
        *_COLLECTIONS,
        *(_EVENT + name for name in ("commit", "identity", "account", "sync", "info")),
    ),
    "time_from": ("server", "imported", "key", "claimed", "collected"),
    "status": ("takendown", "suspended", "deleted", "deactivated"),
}
# Keys of such values, or of flags: in a number of up to three digits there are no words.
_CLOSED = (*_VALUES, "op", "active", "nullified", "synthetic", "tooBig")
_TIMES = ("time", "time_us", "createdAt")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = range(1970, 2200)
# In the order of these, one matches wherever the line is JSON. A string may lack its end.
_TOKEN = re.compile(
    r'(?P<space>[ \t\r\n]+)|(?P<string>"(?P<body>(?:[^"\\]++|\\.)*+)(?P<end>"?))'
    r"|(?P<mark>[{}\[\]:,])|(?P<number>-?[0-9][0-9.eE+-]*+)|(?P<literal>(?:true|false|null)\b)",
    re.DOTALL,
)
_IS_KEY = re.compile(r"[ \t\r\n]*:")
_URI = re.compile(r"at://([^/\s]+)/([^/\s]+)/([^/\s]+)")
_DID = re.compile(r"did:(?:plc|web):")
_DATE = re.compile(r"([0-9]{4})-[0-9]{2}-[0-9]{2}T")
_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
_TID = re.compile(r"[234567a-j][2-7a-z]{12}")
_NOT_UTF_8 = re.compile("[\udc80-\udcff]")
# What text that is no JSON has in it, or its beginning of so many characters, said in this order.
_LOOKED_AT = 4096
_CLASSES = (
    ("letters", re.compile("[A-Za-z]")),
    ("digits", re.compile("[0-9]")),
    ("spaces", re.compile("[ \t\r\n]")),
    ("signs", re.compile(r"[!-/:-@\[-`{-~]")),
    ("control characters", re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")),
    ("characters beyond ASCII", re.compile("[\x80-\ud7ff\ue000-\U0010ffff]")),
    ("bytes that are not UTF-8", _NOT_UTF_8),
)


class Beginning(bytes):
    """How a line, or what would be one, begins that is too long to be looked at."""


def written(event: object) -> bytes:
    """Write as JSON what was refused before it could be a line, for `shape`; empty if it cannot."""
    try:
        return orjson.dumps(event, default=lambda _: "", option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        return b""


def shape(line: bytes | str) -> str:
    r"""Return the shape of a line, whatever it holds.

    Parameters
    ----------
    line
        A line, or its beginning.

    Returns
    -------
    str
        Keys and values that belong to the format stay; for other keys, strings and numbers their
        lengths stand, for times the year as well. What is no JSON is described. Of a long line the
        beginning, of about `SHAPE_LIMIT` characters.

    Examples
    --------
    >>> shape('{"did":"did:plc:ann","time_us":1714521600000000,"kind":"like","mine":"words"}')
    '{"did":"did:plc:…3","time_us":…16 of 2024,"kind":"…4","…4":"…5"}'
    >>> shape("what somebody wrote")
    '19 bytes, no JSON: letters, spaces'
    """
    is_whole = not isinstance(line, Beginning)
    if isinstance(line, bytes):
        line = line.decode(errors="surrogateescape")
    line = line.strip()
    if not line.startswith(("{", "[")):
        return _described(line, is_whole=is_whole) if line else ""
    parts: list[str] = []
    size, place, key = 0, 0, ""
    while place < len(line) and size <= SHAPE_LIMIT:
        token = _TOKEN.match(line, place)
        if token is None:
            parts.append(f" and {_described(line[place:], is_whole=is_whole)}")
            break
        place = token.end()
        if token["space"]:
            continue
        if token["string"] and _IS_KEY.match(line, place):
            key = token["body"]
            part = f'"{key}"' if key in _KEYS else f'"…{len(key)}"'
        elif token["string"]:
            part = f'"{_value(key, token["body"])}"'
            if is_whole and not token["end"]:
                part += " without its end"
        elif token["number"]:
            number = token["number"]
            is_code = key in _CLOSED and len(number) <= 3 and parts[-1] == ":"
            part = number if is_code else _measured(key, number)
        else:
            part = token[0]
        parts.append(part)
        size += len(part)
    else:
        if place < len(line) or not is_whole:
            parts.append("…")
    return "".join(parts)


def _described(text: str, *, is_whole: bool) -> str:
    size = f"{len(text.encode(errors='surrogateescape')):,}" if is_whole else "many"
    looked_at = text[:_LOOKED_AT]
    classes = ", ".join(name for name, letters in _CLASSES if letters.search(looked_at))
    unit = "byte" if size == "1" else "bytes"
    return f"{size} {unit}, no JSON: {classes}"


def _value(key: str, text: str) -> str:
    """Return what stands for a string."""
    if text in _VALUES.get(key, ()) or not text:
        return text
    if uri := _URI.fullmatch(text):
        author, collection, rkey = uri.groups()
        middle = collection if collection in _COLLECTIONS else f"…{len(collection)}"
        return f"at://{_identifier(author)}/{middle}/…{len(rkey)}"
    what = ", not UTF-8" if _NOT_UTF_8.search(text) else ""
    return (_identifier(text) if _DID.match(text) else _measured(key, text)) + what


def _identifier(text: str) -> str:
    method = _DID.match(text)
    start = method[0] if method else ""
    return f"{start}…{len(text) - len(start)}"


def _measured(key: str, text: str) -> str:
    """Return the length of a string or a number, and the year if it is a time."""
    year = None
    if key in _TIMES:
        if date := _DATE.match(text):
            year = int(date[1])
        elif text.isascii() and text.isdecimal() and len(text) <= 17:
            year = _year(int(text))
    elif key == "rev" and _TID.fullmatch(text):
        number = 0
        for letter in text:
            number = number << 5 | _LETTERS.index(letter)
        year = _year(number >> 10)
    return f"…{len(text)}" + (f" of {year}" if year in _YEARS else "")


def _year(time_us: int) -> int | None:
    try:
        return (_EPOCH + timedelta(microseconds=time_us)).year
    except OverflowError:
        return None
