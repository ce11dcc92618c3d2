"""A graph as GraphML 1.0, which igraph, networkx, Gephi and others read."""

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
from blueattr.report.formats.graphs.xml import name_token, xml_text

__all__ = ["graphml"]


_LABEL, _END = "label", "</data>"


def graphml(nodes: pl.DataFrame, edges: pl.DataFrame, description: str) -> Iterator[str]:
    """Yield a graph as GraphML 1.0, piece by piece.

    Parameters
    ----------
    nodes
        ``id``, ``label`` and any attributes.
    edges
        ``source``, ``target`` and any attributes.
    description
        For people.

    Notes
    -----
    http://graphml.graphdrawing.org/specification.html
    """
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
        f"<desc>{xml_text(description)}</desc>\n"
        f'<key id="{NODE}-{_LABEL}" for="{NODE}" attr.name="{_LABEL}" attr.type="string"/>\n'
    )
    for kind, frame in ((NODE, nodes), (EDGE, edges)):
        for one in attributes(frame):
            name = name_token(one.name)
            yield (
                f'<key id="{kind}-{name}" for="{kind}" attr.name="{name}" '
                f'attr.type="{one.kind}"/>\n'
            )
    yield '<graph id="graph" edgedefault="directed">\n'
    for piece in pieces(nodes):
        yield lines(
            piece,
            '<node id="', tokens(piece["id"]), '">',
            _start(NODE, _LABEL), spelled(piece[_LABEL]), _END,
            *valued(piece, lambda name: _start(NODE, name), _END),
            "</node>",
        )  # fmt: skip
    for numbers, piece in numbered_pieces(edges):
        yield lines(
            piece,
            '<edge id="e', numbers, '" source="', tokens(piece["source"]),
            '" target="', tokens(piece["target"]), '">',
            *valued(piece, lambda name: _start(EDGE, name), _END),
            "</edge>",
        )  # fmt: skip
    yield "</graph>\n</graphml>\n"


def _start(kind: str, name: str) -> str:
    return f'<data key="{kind}-{name_token(name)}">'
