"""A graph as GEXF 1.3, the format of Gephi, with times on its edges."""

from collections.abc import Iterator

import polars as pl

from blueattr.report.formats.graphs.columns import (
    EDGE,
    NODE,
    attributes,
    lines,
    numbered_pieces,
    pieces,
    spelled,
    tokens,
    valued,
)
from blueattr.report.formats.graphs.xml import xml_text
from blueattr.version import __version__

__all__ = ["gexf"]


def gexf(nodes: pl.DataFrame, edges: pl.DataFrame, description: str) -> Iterator[str]:
    """Yield a graph as GEXF 1.3, piece by piece.

    Parameters
    ----------
    nodes
        ``id``, ``label`` and any attributes.
    edges
        ``source``, ``target``, ``kind``, ``time`` (UTC) and any attributes. What an edge is and
        when it was are attributes, too: few readers know of timestamps and kinds of edges.
    description
        For people.

    Notes
    -----
    https://gexf.net/schema.html
    """
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gexf xmlns="http://gexf.net/1.3" version="1.3">\n'
        f"<meta><creator>blueattr {__version__}</creator>"
        f"<description>{xml_text(description)}</description></meta>\n"
        '<graph defaultedgetype="directed" idtype="string" mode="dynamic" timeformat="dateTime" '
        'timerepresentation="timestamp">\n'
    )
    for kind, frame in ((NODE, nodes), (EDGE, edges)):
        yield f'<attributes class="{kind}" mode="static">\n'
        for one in attributes(frame):
            name = xml_text(one.name)
            yield f'<attribute id="{name}" title="{name}" type="{one.kind}"/>\n'
        yield "</attributes>\n"
    yield f'<nodes count="{nodes.height}">\n'
    for piece in pieces(nodes):
        yield _nodes(piece)
    yield f'</nodes>\n<edges count="{edges.height}">\n'
    for numbers, piece in numbered_pieces(edges):
        yield _edges(piece, numbers)
    yield "</edges>\n</graph>\n</gexf>\n"


def _nodes(nodes: pl.DataFrame) -> str:
    return lines(
        nodes,
        '<node id="', tokens(nodes["id"]), '" label="', spelled(nodes["label"]), '"><attvalues>',
        *valued(nodes, _start, '"/>'),
        "</attvalues></node>",
    )  # fmt: skip


def _edges(edges: pl.DataFrame, numbers: pl.Series) -> str:
    known = {name: spelled(edges[name]) for name in ("kind", "time")}
    return lines(
        edges,
        '<edge id="', numbers, '" source="', tokens(edges["source"]),
        '" target="', tokens(edges["target"]), '" kind="', known["kind"],
        '" timestamp="', known["time"], '"><attvalues>',
        *valued(edges, _start, '"/>', known),
        "</attvalues></edge>",
    )  # fmt: skip


def _start(name: str) -> str:
    return f'<attvalue for="{xml_text(name)}" value="'
