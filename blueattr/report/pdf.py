"""The objects of a PDF: put into one order when a figure is drawn, and searched for text."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

__all__ = ["canonical_pdf", "pdf_texts"]


_FIRST = re.compile(rb"^\d+ 0 obj\b", re.MULTILINE)
_OBJECT = re.compile(rb"\s*(\d+) \d+ obj\s")
_STREAM = re.compile(rb"\s*stream\r?\n")
_LENGTH = re.compile(rb"/Length (\d+)\b(?! \d+ R)")
_REFERENCE = re.compile(rb"\b(\d+) 0 R\b")
_TRAILER = re.compile(rb"trailer\s*<<(.*?)>>", re.DOTALL)
_ROOT = re.compile(rb"/(Root|Info) (\d+) 0 R")
# Names of fonts and the like, each with what it stands for, without dictionaries in them.
_NAMED = re.compile(rb"(/(?:Font|XObject|ExtGState|Pattern|Shading) <<\n)([^<>]*)(\n *>>)")


@dataclass(frozen=True, slots=True)
class _Object:
    """An object: a dictionary or another value, and the bytes of its stream, if it has one."""

    value: bytes
    stream: bytes | None = None


def _objects(pdf: bytes) -> dict[int, _Object]:
    """Read the objects that follow each other at the start of a PDF, by their numbers."""
    found: dict[int, _Object] = {}
    first = _FIRST.search(pdf)
    at = len(pdf) if first is None else first.start()
    while head := _OBJECT.match(pdf, at):
        at = pdf.index(b"endobj", head.end())
        value = pdf[head.end() : at]
        stream = None
        start = _STREAM.search(value)
        length = _LENGTH.search(value)
        if start is not None and length is not None:
            begin = head.end() + start.end()
            stream = pdf[begin : begin + int(length[1])]
            at = pdf.index(b"endobj", begin + len(stream))
            value = value[: start.start()]
        found[int(head[1])] = _Object(value.strip(), stream)
        at += len(b"endobj")
    return found


# --- in one order --------------------------------------------------------------------------------


def canonical_pdf(pdf: bytes) -> bytes:
    """Write the objects of a PDF in the order in which they follow from its root.

    The converter names its fonts in an order that differs from one time to the next, with the same
    pictures. In this order equal pictures have equal bytes.

    Parameters
    ----------
    pdf
        As the converter writes it: with a table of references and a trailer.
    """
    objects = {
        number: replace(one, value=_NAMED.sub(_sorted_names, one.value))
        for number, one in _objects(pdf).items()
    }
    trailer = _TRAILER.search(pdf, pdf.rindex(b"trailer"))
    assert trailer is not None  # noqa: S101 - the converter's version is pinned
    roots = {name: int(number) for name, number in _ROOT.findall(trailer[1])}
    numbers: dict[int, int] = {}
    waiting = [roots[name] for name in sorted(roots, reverse=True)]
    while waiting:
        number = waiting.pop(0)
        if number not in numbers:
            numbers[number] = len(numbers) + 1
            waiting += [int(other) for other in _REFERENCE.findall(objects[number].value)]

    def renumbered(value: bytes) -> bytes:
        return _REFERENCE.sub(lambda found: b"%d 0 R" % numbers[int(found[1])], value)

    out = bytearray(pdf[: pdf.index(b"\n", pdf.index(b"\n") + 1) + 1])  # the version, and binary
    places = []
    for number, place in numbers.items():
        places.append(len(out))
        one = objects[number]
        body = b"" if one.stream is None else b"\nstream\n%s\nendstream" % one.stream
        out += b"%d 0 obj\n%s%s\nendobj\n" % (place, renumbered(one.value), body)
    table = b"".join(b"%010d 00000 n\r\n" % place for place in places)
    named = b"".join(b"\n/%s %d 0 R" % (name, numbers[roots[name]]) for name in (b"Root", b"Info")
                     if name in roots)  # fmt: skip
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f\r\n%s" % (len(places) + 1, table)
    out += b"trailer\n<<\n/Size %d%s\n>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(places) + 1, named, start,
    )  # fmt: skip
    return bytes(out)


def _sorted_names(found: re.Match[bytes]) -> bytes:
    return found[1] + b"\n".join(sorted(found[2].split(b"\n"))) + found[3]


# --- its text ------------------------------------------------------------------------------------

_INFORMATION = re.compile(rb"<FEFF((?:[0-9A-Fa-f]{4})*)>")
_FONT = re.compile(rb"/([A-Za-z0-9]+) (\d+) 0 R")
_LETTERS = re.compile(rb"/ToUnicode (\d+) 0 R")
_LETTER = re.compile(rb"<([0-9A-Fa-f]{4})> <((?:[0-9A-Fa-f]{4})+)>")
_DRAWN = re.compile(
    rb"/(?P<font>[A-Za-z0-9]+) [0-9.]+ Tf|\((?P<glyphs>(?:\\.|[^\\()])*)\)|(?P<moved>\bcm\b)",
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pdf_texts(pdf: bytes) -> Iterator[str]:
    """Yield what a PDF of a figure says: its information, and the texts in it, one to a line.

    Parameters
    ----------
    pdf
        As `blueattr.report.figures.charts.drawing.Drawing.save` writes it, or vl-convert.

    Raises
    ------
    ValueError
        It is damaged, or written in another way.
    """
    for text in _INFORMATION.findall(pdf):
        yield bytes.fromhex(text.decode()).decode("utf-16-be")
    objects = _objects(pdf)
    if not objects:
        raise ValueError("it has no objects")
    letters = {}
    for number, one in objects.items():
        found = _LETTERS.search(one.value)
        if found is not None:
            letters[number] = _letters(_inflated(objects[int(found[1])]))
    fonts = {
        name: letters[int(number)]
        for one in objects.values()
        for name, number in _FONT.findall(one.value)
        if int(number) in letters
    }
    for one in objects.values():
        if one.stream is not None and b"/FontFile" not in one.value:
            yield _drawn(_inflated(one), fonts)


def _inflated(one: _Object) -> bytes:
    if one.stream is None:
        raise ValueError("an object has no stream")
    if b"/FlateDecode" not in one.value:
        return one.stream
    try:
        return zlib.decompress(one.stream)
    except zlib.error as error:
        raise ValueError("a stream cannot be read") from error


def _letters(table: bytes) -> dict[bytes, str]:
    """Read which letters a font's glyphs stand for, by their numbers."""
    return {
        bytes.fromhex(glyph.decode()): bytes.fromhex(text.decode()).decode("utf-16-be")
        for glyph, text in _LETTER.findall(table)
    }


def _drawn(content: bytes, fonts: dict[bytes, dict[bytes, str]]) -> str:
    """Read the letters of a drawing: each stands by itself, and the place moves between texts."""
    texts: list[str] = []
    font: dict[bytes, str] = {}
    for found in _DRAWN.finditer(content):
        if found["font"] is not None:
            font = fonts.get(found["font"], {})
        elif found["moved"] is not None:
            texts.append("\n")
        else:
            glyphs = _ESCAPED.sub(_plain, found["glyphs"])
            pairs = (glyphs[at : at + 2] for at in range(0, len(glyphs), 2))
            texts += [font.get(pair, "\n") for pair in pairs]
    return "".join(texts)


def _plain(escaped: re.Match[bytes]) -> bytes:
    if escaped[1].isdigit():
        return bytes([int(escaped[1], 8) & 0xFF])
    return _CONTROLS.get(escaped[1], escaped[1])
