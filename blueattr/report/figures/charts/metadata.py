"""What a figure's file says about itself: how many accounts, when, from where, by what."""

import re
import zlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from blueattr.report.escape import safe_text
from blueattr.report.numbers import iso
from blueattr.report.provenance import synthetic_banner

if TYPE_CHECKING:
    from blueattr.provenance import Provenance

__all__ = ["figure_about", "pdf_with", "png_with", "svg_with"]


_LONGEST = 2_000


def figure_about(
    title: str, description: str, origins: "Sequence[Provenance]", n_agents: Sequence[int]
) -> dict[str, str]:
    """Collect what the file of a figure says about it.

    Parameters
    ----------
    title, description
        What it is about, and what it shows.
    origins, n_agents
        Of each panel that it shows.

    Returns
    -------
    dict
        ``Title``, ``Description``, ``Agents`` (n of each panel), ``Window`` (an interval of ISO
        8601 in UTC), ``Source`` and ``Software``. What is not known is not in it.
    """
    first = origins[0]
    banner = synthetic_banner(first)
    names = [one.topic.name if one.topic is not None else "all" for one in origins]
    counts = (
        [str(n_agents[0])]
        if len(origins) == 1
        else [f"{name}: {n}" for name, n in zip(names, n_agents, strict=True)]
    )
    window = first.window
    found = {
        "Title": title,
        "Description": f"{banner} {description}" if banner else description,
        "Agents": ", ".join(counts),
        "Window": "" if window is None else f"{iso(window.start)}/{iso(window.end)}",
        "Source": first.source,
        "Software": f"blueattr {first.version}",
    }
    return {name: safe_text(text, _LONGEST) for name, text in found.items() if text}


# --- SVG -----------------------------------------------------------------------------------------

_DUBLIN_CORE = {
    "Title": "title",
    "Description": "description",
    "Agents": "extent",
    "Window": "coverage",
    "Source": "source",
    "Software": "creator",
}
_NAMESPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:dcterms="http://purl.org/dc/terms/"'
)


def svg_with(svg: str, about: Mapping[str, str]) -> str:
    """Add a title, a description and metadata in the terms of Dublin Core to an SVG."""
    if not about:
        return svg
    start = re.match(r"<svg\b[^<>]*>", svg)
    assert start is not None  # noqa: S101 - our own drawing
    parts = "".join(
        f"<dcterms:{term}>{_unit(name)}{escape(about[name], quote=False)}</dcterms:{term}>"
        for name, term in _DUBLIN_CORE.items()
        if name in about
    )
    head = "".join(
        f"<{tag}>{escape(about[name], quote=False)}</{tag}>"
        for tag, name in (("title", "Title"), ("desc", "Description"))
        if name in about
    )
    metadata = (
        f"<metadata><rdf:RDF {_NAMESPACES}>"
        f'<rdf:Description rdf:about="">{parts}</rdf:Description></rdf:RDF></metadata>'
    )
    return f"{start[0]}{head}{metadata}{svg[start.end() :]}"


def _unit(name: str) -> str:
    return "n = " if name == "Agents" else ""


# --- PNG -----------------------------------------------------------------------------------------

_PNG_HEADER = 8 + 4 + 4 + 13 + 4


def png_with(png: bytes, about: Mapping[str, str]) -> bytes:
    """Add texts to a PNG: ``tEXt`` chunks, or ``iTXt`` where a text has other than Latin letters.

    The chunks stand after the header, as PNG (third edition), section 5.6, allows.
    """
    return b"".join((
        png[:_PNG_HEADER],
        *(_chunk(name, text) for name, text in about.items()),
        png[_PNG_HEADER:],
    ))  # fmt: skip


def _chunk(name: str, text: str) -> bytes:
    key = name.encode("latin-1")
    try:
        kind, data = b"tEXt", key + b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:
        # Not compressed, of no language, without a translated key.
        kind, data = b"iTXt", key + b"\0\0\0\0\0" + text.encode()
    body = kind + data
    return len(data).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)


# --- PDF -----------------------------------------------------------------------------------------

_PDF_NAMES = {"Description": "Subject", "Software": "Creator"}
_TRAILER = re.compile(
    rb"trailer\s*<<\s*/Size (?P<size>\d+)\s*/Root (?P<root>\d+ 0 R)"
    rb"(?:\s*/Info (?P<info>\d+) 0 R)?\s*>>\s*startxref\s*(?P<xref>\d+)\s*%%EOF\s*\Z"
)


def pdf_with(pdf: bytes, about: Mapping[str, str]) -> bytes:
    """Add document information to a PDF, as an update after its end (ISO 32000-1, 7.5.6).

    Parameters
    ----------
    pdf
        As the converter writes it: with a table of references and a trailer.
    about
        See `figure_about`. The description is the subject, and the software the creator; all of
        it but these is in the keywords too, which readers show.
    """
    if not about:
        return pdf
    trailer = _TRAILER.search(pdf)
    assert trailer is not None  # noqa: S101 - the converter's version is pinned
    size, root, previous = int(trailer["size"]), trailer["root"], trailer["xref"]
    number = size if trailer["info"] is None else int(trailer["info"])
    keywords = "; ".join(
        f"{'n' if name == 'Agents' else name.lower()} = {text}"
        for name, text in about.items()
        if name in {"Agents", "Window", "Source"}
    )
    entries = b"\n".join(
        b"/%s %s" % (_PDF_NAMES.get(name, name).encode(), _pdf_text(text))
        for name, text in {**about, "Keywords": keywords, "Producer": "vl-convert, svg2pdf"}.items()
    )
    start = pdf if pdf.endswith(b"\n") else pdf + b"\n"
    added = b"%d 0 obj\n<<\n%s\n>>\nendobj\n" % (number, entries)
    table = b"xref\n%d 1\n%010d 00000 n\r\n" % (number, len(start))
    trailer_entries = b"/Size %d\n/Root %s\n/Info %d 0 R\n/Prev %s" % (
        max(size, number + 1), root, number, previous,
    )  # fmt: skip
    end = b"trailer\n<<\n%s\n>>\nstartxref\n%d\n%%%%EOF\n" % (
        trailer_entries, len(start) + len(added),
    )  # fmt: skip
    return start + added + table + end


def _pdf_text(text: str) -> bytes:
    """Write a text string in UTF-16, in hexadecimal, which needs no escapes."""
    return b"<FEFF" + text.encode("utf-16-be").hex().upper().encode() + b">"
