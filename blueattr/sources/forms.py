"""What a file holds, by how it begins: lines, other forms of JSON, or something else altogether."""

import codecs
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

import numpy as np

from blueattr.decode.cut_lines import LINE_LIMIT
from blueattr.decode.documents import Separator
from blueattr.errors import InputError
from blueattr.kernels.line_ends import are_objects
from blueattr.sources.packing import codec_of

__all__ = ["as_lines", "begin_of", "is_cut", "other_form", "texts"]


# By this much it is told what a file holds: a few events, of whatever length.
_HEAD = 1 << 18
# Bytes of a line that are looked at together.
_TOGETHER = 1 << 20
_ENCODINGS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_BLANKS = b" \t\r\n\x1e"
# What is known by its first bytes, or some a little later: its name, and what makes lines of it.
_OTHERS: tuple[tuple[int, bytes, str, str], ...] = (
    (30, b"[Content_Types].xml", "an Office file, such as of Excel", ""),
    (0, b"PK\x03\x04", "a zip archive", "unzip -p {} | blueattr ingest -"),
    (0, b"PK\x05\x06", "an empty zip archive", ""),
    (0, b"PAR1", "a Parquet file",
     'duckdb -c "COPY (FROM {}) TO \'/dev/stdout\' (FORMAT json)" | blueattr ingest -'),
    (257, b"ustar", "a tar archive", "tar -xOf {} | blueattr ingest -"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "7z x -so {} | blueattr ingest -"),
    (0, b"Rar!\x1a", "a RAR archive", "unrar p -inul {} | blueattr ingest -"),
    (0, b"\x04\x22\x4d\x18", "compressed with lz4", "lz4 -dc {} | blueattr ingest -"),
    (0, b"LZIP", "compressed with lzip", "lzip -dc {} | blueattr ingest -"),
    (0, b"\x5d\0\0", "compressed with lzma", "xz --format=lzma -dc {} | blueattr ingest -"),
    (0, b"\x1f\x9d", "compressed with compress", "uncompress -c {} | blueattr ingest -"),
    (0, b"\xff\x06\0\0sNaPpY", "compressed with Snappy", "snzip -dc {} | blueattr ingest -"),
    (0, b"SQLite format 3\0", "a SQLite database",
     "sqlite3 {} 'SELECT line FROM TABLE' | blueattr ingest -"),
    (8, b"DUCK", "a DuckDB database; if it is a store, name it with --db", ""),
    (0, b"ARROW1", "an Arrow file", ""),
    (0, b"Obj\x01", "an Avro file", ""),
    (0, b"ORC", "an ORC file", ""),
    (0, b"%PDF-", "a PDF", ""),
    (0, b"\xa2atg#", "a recording of a relay's frames, which are binary",
     "blueattr ingest wss://HOST follows a relay itself"),
    (0, b"\xa2bop\x01at", "a recording of a relay's frames, which are binary",
     "blueattr ingest wss://HOST follows a relay itself"),
)  # fmt: skip
_CAR = re.compile(rb"^.{1,3}\xa2e(roots|version)", re.DOTALL)
_MARKUP = re.compile(rb"\s*<(!doctype|html|\?xml|[a-z]+[ >])", re.IGNORECASE)
# Such as wscat and web browsers write before each message, or a log its time; what socket.io
# sends is an array after a number.
_WRAPPED = re.compile(rb"([^{}]{1,200}?)(\{.*\})([^{}]{0,200})", re.DOTALL)
# A list within an object, as answers of an API have it; a key that needs no quotes.
_LIST = re.compile(r'\{\s*"([A-Za-z_]\w*)"\s*:\s*\[\s*(?=\{)')
_KEY = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# Lines by which it is told whether events are within other JSON.
_LOOKED_AT = 5
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
# Where lines turn into another form: what follows on the end of a line, in an array and the like.
_TURN = re.compile(rb"[\s\xef\xbb\xbf]*(?:\[[\s\[]*|,\s*|\x1e)\{")
# The same, where more bytes are needed to tell.
_MAYBE_TURN = re.compile(rb"[\s\xef\xbb\xbf]*(?:\[[\s\[]*|,\s*|\x1e)?\Z")
# What stands between lines and tells nothing by itself, and a run of it from the end of a line on,
# up to the last bracket: from no end of a line within does anything else follow.
_NOTHING = b" \t\n\r\v\f\xef\xbb\xbf[,\x1e"
_RUN = re.compile(rb"[\s\xef\xbb\xbf]*(?:\[[\s\[]*\[)?")
# How a line ends of an object that goes on in the next one, which then begins with a text.
_GOES_ON = (b"{", b"[", b",", b":")
# Bytes by which it is told how a line ends.
_END = 200
# How a text does not begin, or go on: with nothing but brackets, or with those of the last object
# of an array and of the array.
_ENDS = re.compile(rb'("\s*[}\]]|\}\s*\])[}\]\s]*\Z')


def as_lines(pieces: Iterator[bytes], name: str, *, packed: bool) -> Iterator[bytes]:
    """Make lines in UTF-8 of what a file holds, if it is JSON in another form.

    Lines stay as they are, to the byte, but that a carriage return between two objects becomes a
    line feed. The same bytes become the same lines whenever they are read, so that places in these
    are places in the file.

    Parameters
    ----------
    pieces
        The file's bytes, decompressed.
    name
        For messages.
    packed
        Whether it was compressed.

    Raises
    ------
    InputError
        It holds something else, with nothing read; or what `pieces` raises.
    """
    head, pieces = texts(pieces)
    _refuse(head, name, packed=packed)
    return _separated(pieces) if _is_document(head) else _apart(pieces)


def is_cut(line: bytes) -> bool:
    """Return whether a last line is an object that lacks its end, rather than no JSON at all.

    One whose text seems to go on, but that ends as objects end, lacks a quotation mark instead.
    """
    rest = _TEXT.sub(b"", line.lstrip(_BLANKS + codecs.BOM_UTF8))
    if not rest.startswith(b"{"):
        return False
    opened = sum(rest.count(bracket) for bracket in (b"{", b"["))
    closed = sum(rest.count(bracket) for bracket in (b"}", b"]"))
    if b'"' in rest:
        return _ENDS.search(line[-_END:]) is None
    return opened > closed


def texts(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the same of what is in UTF-16 or UTF-32 as `begin_of` does of bytes, in UTF-8."""
    head, pieces = begin_of(pieces)
    encoding = _encoding(head)
    return (head, pieces) if encoding is None else begin_of(_in_utf8(pieces, encoding))


def begin_of(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, and all pieces, which end as they would have."""
    first: list[bytes] = []
    size = 0
    # Not as an error, which would hold on to every frame of the stack, and with them to an engine.
    failure: str | None = None
    try:
        while size < _HEAD and (piece := next(pieces, b"")):
            first.append(piece)
            size += len(piece)
    except InputError as error:
        failure = str(error)

    def rest() -> Iterator[bytes]:
        if failure is not None:
            raise InputError(failure)
        yield from pieces

    return b"".join(first)[:_HEAD], chain(first, rest())


# --- encodings -----------------------------------------------------------------------------------


def _encoding(head: bytes) -> str | None:
    for mark, encoding in _ENCODINGS.items():
        if head.startswith(mark):
            return encoding
    # JSON begins with ASCII, of which every other byte is zero.
    first, second = head[:16:2], head[1:16:2]
    if len(second) > 1 and all(first) and not any(second):
        return "utf-16-le"
    if len(second) > 1 and all(second) and not any(first):
        return "utf-16-be"
    return None


def _in_utf8(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for piece in pieces:
        if text := decoder.decode(piece):
            yield text.encode(errors="replace")
    # Half a character at the end, such as of an end of line, spoils no line.


# --- JSON that is not lines ----------------------------------------------------------------------


def _is_document(head: bytes) -> bool:
    """Return whether JSON is not one object a line: an array, or objects indented or not apart."""
    begin = head.removeprefix(codecs.BOM_UTF8)
    if begin.startswith((b"\x1e{", b"\x1e[")):
        return True
    text = begin.lstrip(_BLANKS).decode(errors="replace")
    if not text.startswith("{"):
        return text.startswith("[")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        # One that goes on after the lines that are there; a line that is broken does not.
        begun = Separator().separate(begin.strip(_BLANKS))
        return b"\n" in begin.strip(_BLANKS) and b"\n" not in begun
    if "\n" in text[:end] or "\r" in text[:end]:
        return True
    # No line begins with what separates values.
    if text[end:].lstrip().startswith((",", "]")):
        return True
    # A carriage return alone ends lines, too; one before a line feed is nothing to see to.
    return text[end:].lstrip(" \t\r").startswith(("{", "[", ",", "]", "\x1e"))


def _separated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    separator = Separator()
    for piece in pieces:
        yield separator.separate(piece)
    yield separator.finish()


def _apart(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Leave lines as they are, and make lines of what follows where they turn into another form.

    Where some end by a carriage return alone, of whatever wrote on, they end by line feeds.
    """
    # The last line, and the one before it where it takes the next piece to tell how that goes on.
    held = b""
    try:
        for piece in _put_together(pieces):
            whole = held + piece
            if b"\r" in whole:
                whole = whole.replace(b"}\r{", b"}\n{")
            turn, known = _turn(whole)
            if turn is not None:
                held = b""
                yield whole[:turn]
                yield from _separated(chain((whole[turn:],), pieces))
                return
            if len(whole) - known > LINE_LIMIT:
                # A line that is too long, but for what may be the end of an object.
                known = len(whole) - 2
            held = whole[known:]
            if known:
                yield whole[:known]
    except InputError:
        if held:
            yield held
        raise
    if held:
        yield held


def _put_together(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Put pieces together while no line ends, or all are empty: none is often looked at again."""
    parts: list[bytes] = []
    found = 0
    try:
        for piece in pieces:
            parts.append(piece)
            found += len(piece)
            if found >= _TOGETHER or (b"\n" in piece and piece.strip(_NOTHING)):
                yield b"".join(parts)
                parts, found = [], 0
    except InputError:
        if parts:
            yield b"".join(parts)
        raise
    if parts:
        yield b"".join(parts)


def _turn(text: bytes) -> tuple[int | None, int]:
    """Find where lines turn into objects of several lines, several to a line, or an array.

    Returns
    -------
    tuple
        Where the first line begins that is none, or None; and up to where that is known.
    """
    # As nearly all that is read; the rest is for what that cannot tell.
    if are_objects(text):
        return None, text.rfind(b"\n") + 1
    data = np.frombuffer(text, np.uint8)
    glued = (data[:-1] == ord("}")) & (data[1:] == ord("{"))
    turn = _first_glued(text, np.flatnonzero(glued).tolist()) if glued.any() else None
    ends = np.flatnonzero(data == ord("\n"))
    if not len(ends):
        return turn, 0
    # What is before the first byte, or after the last, makes an end odd at most.
    last = data[ends - 1]
    last = np.where(last == ord("\r"), data[ends - 2], last)
    following = data[np.minimum(ends + 1, len(data) - 1)]
    known = 0
    for end in ends[(last != ord("}")) | (following != ord("{"))].tolist():
        if turn is not None and end > turn:
            break
        if end < known:
            continue
        known = run.end() if (run := _RUN.match(text, end)) else end
        begin = text.rfind(b"\n", 0, end) + 1
        if _MAYBE_TURN.match(text, end):
            return turn, begin
        if _TURN.match(text, end):
            return end + 1, end + 1
        if _goes_on(text[begin:end].strip(), text[end : end + _END].lstrip()[:1]):
            return begin, begin
    return turn, int(ends[-1]) + 1


def _first_glued(text: bytes, places: list[int]) -> int | None:
    """Return where the first line begins that has an object right after another, if one has.

    Parameters
    ----------
    places
        Where one seems to, perhaps within a text.
    """
    end = -1
    for place in places:
        if place < end:
            continue
        begin, end = text.rfind(b"\n", 0, place) + 1, text.find(b"\n", place)
        end = len(text) if end < 0 else end
        line = text[begin:end].strip().decode(errors="replace")
        with suppress(ValueError, RecursionError):
            if line[json.JSONDecoder().raw_decode(line)[1] :].startswith("{"):
                return begin
    return None


def _goes_on(line: bytes, following: bytes) -> bool:
    """Return whether a line is no object, but goes on in the next, which begins with this byte."""
    if not line.startswith(b"{"):
        return False
    if following == b'"':
        return line.endswith(_GOES_ON)
    # An object and a comma; a line that breaks off so has objects within it that are open.
    return following == b"{" and line.endswith(b"},") and not is_cut(line[:-1])


# --- what is something else ----------------------------------------------------------------------


def _refuse(head: bytes, name: str, *, packed: bool) -> None:
    """Raise an error that says what a file is, if it holds no JSON, or events within other JSON."""
    file = "FILE" if name == "standard input" else shlex.quote(name)
    begin = head.lstrip(_BLANKS + codecs.BOM_UTF8)
    if begin.startswith(b"{") and (way := _way_out_of(begin.decode(errors="replace"))):
        raise InputError(
            f"{name} has its events within other JSON; take them out: "
            f"jq {way} {file} | blueattr ingest -"
        )
    if begin[:1] in {b"{", b"["}:
        return
    if begin.startswith(b'"') and _is_event_in_text(begin.split(b"\n", 1)[0]):
        raise InputError(
            f"{name} has its events as texts between quotation marks; take them out: "
            f"jq -r . {file} | blueattr ingest -"
        )
    if packed and (codec := codec_of(head)):
        raise _another(
            name, f"compressed twice, the second time with {codec}", "decompress it once"
        )
    if other := other_form(head):
        what, way = other
        raise _another(name, what, way.replace("{}", _quoted(file) if '"' in way else file))
    if (around := _around(head)) is not None:
        cut, places = "s/^[^{]*//", "before"
        if around[1]:
            cut, places = f"{cut}; s/[^}}]*$//", "before and after"
        raise InputError(
            f"{name} has something {places} the JSON of each line, such as "
            f"{' and '.join(map(repr, filter(None, around)))}; cut it off: "
            f"sed '{cut}' {file} | blueattr ingest -"
        )


def other_form(head: bytes) -> tuple[str, str] | None:
    """Return what begins so, if it is no text, and what makes lines of it; None of all else."""
    for place, magic, what, way in _OTHERS:
        if head.startswith(magic, place):
            return what, way
    if _CAR.match(head):
        return "a CAR file, a repository's export", ""
    if _MARKUP.match(head):
        return "a web page or XML, perhaps an error in place of a download", ""
    return None


def _quoted(file: str) -> str:
    """Quote a name within double quotes, for DuckDB."""
    return file if file.startswith("'") else f"'{file}'"


def _another(name: str, what: str, way: str) -> InputError:
    return InputError(f"{name} is {what}, and no lines of JSON" + (f"; try: {way}" if way else ""))


def _way_out_of(text: str) -> str:
    """Return what makes jq take events out of the objects that they are in; empty if in none."""
    if whole := _LIST.match(text):
        try:
            first, _ = json.JSONDecoder().raw_decode(text, whole.end())
        except (ValueError, RecursionError):
            return ""
        return f"-c '.{whole[1]}[]'" if _is_event(first) else ""
    ways = set()
    for line in text.split("\n")[:_LOOKED_AT]:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        ways.add(_way_out_of_one(value))
        if "" in ways:
            return ""
    return ways.pop() if len(ways) == 1 else ""


def _way_out_of_one(value: object) -> str:
    if not isinstance(value, dict) or _is_event(value) or "payload" in value:
        return ""
    for key, inner in value.items():
        if not _KEY.fullmatch(key):
            continue
        if _is_event(inner):
            return f"-c .{key}"
        if isinstance(inner, str) and inner.startswith("{"):
            try:
                if _is_event(json.loads(inner)):
                    return f"-r .{key}"
            except (ValueError, RecursionError):
                continue
    return ""


def _is_event_in_text(line: bytes) -> bool:
    try:
        text = json.loads(line)
        return isinstance(text, str) and _is_event(json.loads(text))
    except (ValueError, RecursionError):
        return False


def _is_event(value: object) -> bool:
    return isinstance(value, dict) and "did" in value and not {"time_us", "time"}.isdisjoint(value)


def _around(head: bytes) -> tuple[str, str] | None:
    """Return what stands before and after the JSON of lines none of which begins with it.

    None if nothing stands before it.
    """
    lines = [line for line in head.split(b"\n")[:100] if line.strip()]
    if any(line.startswith((b"{", b"[")) for line in lines):
        return None
    around = None
    for line in lines:
        found = _WRAPPED.fullmatch(line)
        if found is None:
            continue
        try:
            value = json.loads(found[2])
        except (ValueError, RecursionError):
            continue
        # Other messages than events may have less around them.
        if around is None or _is_event(value):
            before, after = (found[k].decode(errors="backslashreplace") for k in (1, 3))
            around = before, after.strip()
        if _is_event(value):
            break
    return around
