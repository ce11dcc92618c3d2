"""A graph laid out as a report: how many nodes and edges it has, and its communities."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields, tidy_table
from blueattr.report.numbers import listed, percent, plural
from blueattr.report.parts.answer import about, rounded
from blueattr.report.parts.communities import (
    COMMUNITIES,
    COMMUNITIES_OBJECT,
    community_count,
)
from blueattr.report.parts.first_screen import MORE
from blueattr.report.parts.groups import shown_name
from blueattr.report.parts.shared_fields import AGGREGATOR, AGGREGATOR_OBJECT, INDICATOR, SIZE
from blueattr.report.provenance import (
    ORIGIN,
    origin_facts,
    origin_json,
    origin_warnings,
    panel_tables,
    synthetic_mark,
)
from blueattr.report.tables import Column, Json, Report, Table

if TYPE_CHECKING:
    from blueattr.analysis.carriers.graphs import CommunityPart, EdgeCount, GraphResult

__all__ = ["EDGES", "GRAPH", "OBJECTS", "PART", "graph_report"]


_MOST_ROWS = 16
EDGES: "Fields[EdgeCount]" = Fields(
    Field(
        "graph",
        "The kind of edges that was asked for: `replies`, `reposts`, `quotes` or `follows`.",
    ),
    Field("kind", "What one edge is: `reply`, `repost`, `quote` or `follow`."),
    Field("edges", "How many edges there are, one for each interaction.", "int", "interactions"),
    Field("sources", "How many accounts they come from.", "int", "accounts", heading="from"),
    Field("targets", "How many accounts they go to.", "int", "accounts", heading="to"),
    Field(
        "left_out",
        "How many more interactions count, with an end that is no node; none for follows, of which "
        "only those among nodes are looked for.",
        "int",
        "interactions",
        heading="left out",
    ),
    inside="edges",
)
GRAPH: "Fields[GraphResult]" = Fields(
    Field(
        "nodes",
        "How many nodes there are: agents of the panel that are "
        "[involved](methods.md#who-is-on-the-panel).",
        "int",
        "agents",
        get=lambda result: result.nodes.height,
    ),
    Field("share", "The part of the total that they carry.", "share"),
)
PART: "Fields[CommunityPart]" = Fields(
    Field("community", "Its number, from the largest on, and the account with most interactions in "
          "it; `none` for nodes without an edge."),
    Field("agents", "How many nodes are in it.", "int", "agents", heading="accounts"),
    Field("value", "What they carry.", "float", "the indicator's"),
    Field("share", "The part of the total that this is.", "share"),
    inside="parts",
)  # fmt: skip
OBJECTS: Fields[Any] = Fields(
    Field("edges", "One object for each kind of edges."),
    Field("parts", "One object for each community, the largest first."),
    *COMMUNITIES_OBJECT,
)


def graph_report(result: "GraphResult") -> Report:
    """Lay out what is in a graph.

    Parameters
    ----------
    result
        The result of `blueattr.analysis.carriers.graphs.graph_store`.

    Returns
    -------
    Report
        As data one row for each kind of edges.
    """
    origin = result.provenance
    return Report(
        kind="graph",
        summary=tuple(_sentences(result)),
        tables=(_edges_table(result), *_parts_tables(result)),
        details=panel_tables(origin),
        more=MORE,
        facts=origin_facts(origin),
        warnings=origin_warnings(origin, marked=True),
        data=tidy_table(
            "edges",
            _TIDY,
            ({"edges": one, "result": result, "origin": origin} for one in result.counts),
        ),
        content=_content(result),
    )


_TIDY = (
    ("edges", EDGES),
    ("result", INDICATOR),
    ("result", GRAPH),
    ("result", SIZE),
    ("result", AGGREGATOR),
    ("origin", ORIGIN),
)


def _content(result: "GraphResult") -> dict[str, Json]:
    found = result.communities
    return {
        **INDICATOR.json(result),
        **GRAPH.json(result),
        **SIZE.json(result),
        "edges": [EDGES.json(one) for one in result.counts],
        "communities": None if found is None else COMMUNITIES.json(found),
        "parts": [PART.json(one) for one in result.parts],
        **AGGREGATOR_OBJECT.json(result),
        **origin_json(result.provenance),
    }


def _sentences(result: "GraphResult") -> "list[str]":
    origin = result.provenance
    edges = sum(one.edges for one in result.counts)
    mark = synthetic_mark(origin)
    nodes = plural(result.nodes.height, "node")
    size = f"{nodes}, {plural(edges, 'edge')}{f'; {mark}' if mark else ''}"
    said = [
        f"{listed(result.graphs).capitalize()} on {about(origin)}: {size}.",
        f"The nodes are the accounts involved: {rounded(result.share)} of {result.indicator}.",
    ]
    out = sum(one.left_out or 0 for one in result.counts)
    if out:
        said.append(
            f"{plural(out, 'interaction')} with accounts that are no nodes "
            f"{'is' if out == 1 else 'are'} left out."
        )
    found = result.communities
    if found is not None:
        said.append(
            f"{community_count(found.count)} (Leiden, seed {found.seed}, modularity "
            f"{found.modularity:.2f}). Those of {found.seeds} seeds agree by "
            f"{found.stability:.2f}, the mean adjusted Rand index: 1 is the same each time, 0 "
            "chance."
        )
    return said


def _edges_table(result: "GraphResult") -> Table:
    fields = [field for field in EDGES if field.name != "kind"]
    return Table(
        name="edges",
        title="",
        columns=tuple(field.column() for field in fields),
        rows=tuple(tuple(getattr(one, field.name) for field in fields) for one in result.counts),
    )


def _parts_tables(result: "GraphResult") -> tuple[Table, ...]:
    if result.communities is None:
        return ()
    table = Table(
        name="parts",
        title="Communities",
        columns=(
            Column("community", "community"),
            PART["agents"].column(),
            Column("share", "share", "figure"),
        ),
        rows=tuple(
            (shown_name(one.community), one.agents, percent(one.share)) for one in result.parts
        ),
    )
    return (table.first(_MOST_ROWS),)
