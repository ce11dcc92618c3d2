"""Graphs: who of those involved in a topic interacted with whom, and what each of them carries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl

from blueattr.analysis.asked.naming import OPEN, Naming, pseudonyms
from blueattr.analysis.features import refuse_no_match, with_label
from blueattr.attribution.attribute import attribute
from blueattr.attribution.question import Question
from blueattr.attribution.tiered import PanelChoice
from blueattr.display import Presented
from blueattr.indicators.base import Aggregator
from blueattr.panel.graph.communities import Communities, find_communities
from blueattr.panel.graph.edges import GRAPHS, edges_among
from blueattr.panel.graph.grouper import NOBODY, community_names
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Provenance
from blueattr.store.database import Store
from blueattr.studies.carriers.accounts import agents_frame

__all__ = ["CommunityPart", "EdgeCount", "GraphResult", "graph_store"]


_HOUR = timedelta(hours=1)
_CUT = "Times of edges are cut to the hour, as exact ones would tell who accounts are."


@dataclass(frozen=True, slots=True)
class EdgeCount:
    """How many edges of one kind there are.

    Parameters
    ----------
    graph, kind
        What was asked for, such as ``replies``, and what one edge is, such as ``reply``.
    edges
        The number of edges.
    sources, targets
        The number of accounts that they come from, and that they go to.
    left_out
        Interactions that count, of which an end is no node; None for follows, of which only those
        among nodes are looked for.
    """

    graph: str
    kind: str
    edges: int
    sources: int
    targets: int
    left_out: int | None


@dataclass(frozen=True, slots=True)
class CommunityPart:
    """A community of nodes.

    Parameters
    ----------
    community
        Its name; `blueattr.panel.graph.grouper.NOBODY` for nodes without an edge.
    agents
        The number of nodes in it.
    value, share
        What they carry.
    """

    community: str
    agents: int
    value: float
    share: float


@dataclass(frozen=True, repr=False)
class GraphResult(Presented):
    """A graph of the accounts involved in a topic, with times on its edges and values on its nodes.

    Parameters
    ----------
    indicator
        What was attributed.
    nodes
        A row for each agent of the panel that is involved, by descending value: ``id``, ``label``,
        ``did``, ``handle`` where handles are told, ``tier``, ``a``, ``b``, ``c``, ``value``,
        ``share``, and whatever else `blueattr.studies.carriers.accounts.agents_frame` has;
        ``community`` where they were asked for.
    edges
        A row for each interaction, in order of time: ``source``, ``target`` (each an ``id``),
        ``kind``, ``time``.
    counts
        Of each kind of edges.
    share
        The part of the total that the nodes carry.
    n_agents, n_involved
        Of the panel.
    communities
        How they were found; None where they were not asked for.
    parts
        The communities, the largest first.
    panel, aggregator
        Of whom and how the indicator was attributed.
    provenance
        Where the graph comes from.
    """

    indicator: str
    nodes: pl.DataFrame
    edges: pl.DataFrame
    counts: tuple[EdgeCount, ...]
    share: float
    n_agents: int
    n_involved: int
    communities: Communities | None
    parts: tuple[CommunityPart, ...]
    panel: PanelChoice
    aggregator: Aggregator
    provenance: Provenance

    @property
    def graphs(self) -> tuple[str, ...]:
        """The kinds of edges that were asked for."""
        return tuple(one.graph for one in self.counts)


def graph_store(
    query: PanelQuery,
    question: Question,
    graphs: Sequence[str],
    *,
    naming: Naming = OPEN,
    communities: bool = False,
    seed: int = 0,
) -> GraphResult:
    """Make the graph of a topic.

    Parameters
    ----------
    query
        The window, the panel and the topic.
    question
        What the nodes carry: one indicator.
    graphs
        Kinds of edges: see `blueattr.panel.graph.edges.check_graphs`.
    naming
        How to name accounts.
    communities
        Whether to find the communities that these edges make.
    seed
        Of the communities.

    Raises
    ------
    UsageError
        More than one indicator; or communities are asked for, and networkit is not installed.
    NoAnswerError
        As for `blueattr.attribution.attribute.attribute`; no post matched; or there are no edges
        to find communities by.
    """
    question.check_one("a graph has the values of")
    with Store.open(query.db, query.memory) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        counts = view.totals(topic)
        refuse_no_match(view, topic, counts)
        frame = view.features(counts)
        origin = view.origin(topic)
        question = question.settled(origin.is_searched)
        result = attribute(frame, question.indicators[0], **question.how, provenance=origin)
        is_node = ((frame["a"] > 0) | (frame["c"] > 0)).to_numpy()
        dids, few = frame["did"], frame.filter(pl.Series(is_node))
        agents = result.agents.filter(pl.col("did").is_in(few["did"].implode()))
        result = replace(result, agents=agents)
        # What is known of all agents is large, and there may be many edges.
        del frame, counts
        edges = edges_among(view, topic, graphs, is_node)
        found = find_communities(is_node.size, edges, seed) if communities else None
        names = _names(view, found, naming)
        handles = None if naming.hides else view.known_handles()
    linked = not naming.hides and not origin.synthetic
    nodes = agents_frame(result, few, handles, linked=linked)
    if names is not None and found is not None:
        of = pl.DataFrame({"did": dids, "community": names.gather(found.labels + 1)})
        nodes = nodes.join(of, on="did", how="left", maintain_order="left")
    ids = dids if naming.key is None else pseudonyms(dids, naming.key)
    table = pl.DataFrame(
        {
            "source": ids.gather(edges.source),
            "target": ids.gather(edges.target),
            "kind": edges.kinds(),
            "time": pl.Series(edges.time).cast(pl.Datetime("us", "UTC")),
        }
    )
    if naming.hides:
        origin = naming.hide(origin)
        origin = replace(origin, notes=(*origin.notes, _CUT))
        table = table.with_columns(pl.col("time").dt.truncate(_HOUR))
        table = table.sort("time", "source", "target", "kind")
        nodes = naming.frame(nodes)
    nodes = with_label(_identified(nodes), origin)
    return GraphResult(
        indicator=result.indicator,
        nodes=nodes,
        edges=table,
        counts=tuple(
            EdgeCount(name, GRAPHS[name], *counted, edges.left_out[name])
            for name, counted in edges.counts().items()
        ),
        share=float(nodes["share"].sum()),
        n_agents=result.n_agents,
        n_involved=result.n_involved,
        communities=found,
        parts=() if names is None else _parts(nodes, names),
        panel=result.panel,
        aggregator=result.aggregator,
        provenance=origin,
    )


def _names(view: StoreView, found: Communities | None, naming: Naming) -> pl.Series | None:
    if found is None:
        return None
    if naming.hides:
        names = [f"{k}" for k in range(1, found.count + 1)]
    else:
        centres = view.built.agents["did"].gather(found.centres).to_list()
        names = community_names(centres, view.handles(centres))
    return pl.Series([NOBODY, *names], dtype=pl.String)


def _identified(nodes: pl.DataFrame) -> pl.DataFrame:
    """Put first what readers of graphs take for the identifier and the label of a node."""
    label = pl.coalesce("handle", "did") if "handle" in nodes.columns else pl.col("did")
    return nodes.select(pl.col("did").alias("id"), label.alias("label"), pl.all())


def _parts(nodes: pl.DataFrame, names: pl.Series) -> tuple[CommunityPart, ...]:
    sums = nodes.group_by("community").agg(
        pl.len().alias("agents"), pl.col("value").sum(), pl.col("share").sum()
    )
    of = {row[0]: CommunityPart(*row) for row in sums.iter_rows()}
    order = [*names[1:], names[0]]
    return tuple(of[name] for name in order if name in of)
