"""The options of graphs: what they are to have, and where they go."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from blueattr.attribution.sampling import check_seed
from blueattr.library.options import Options
from blueattr.panel.graph.edges import check_graphs
from blueattr.user_path import named_file, user_path

__all__ = ["GRAPH", "GRAPH_FILE", "GraphWanted", "graph_file", "graph_wanted"]


@dataclass(frozen=True)
class GraphWanted:
    """What a graph is to have; see `graph_wanted`."""

    graphs: tuple[str, ...]
    communities: bool
    seed: int


def graph_wanted(
    *, graph: str | Sequence[str] = "replies", communities: bool = False, seed: int = 0
) -> GraphWanted:
    """Check what a graph is to have.

    Parameters
    ----------
    graph
        What its edges are: ``"replies"``, ``"reposts"``, ``"quotes"``, ``"follows"``, or several of
        these.
    communities
        Also find communities by these edges, a column of the nodes. This needs networkit.
    seed
        The seed of the communities.
    """
    check_seed(seed)
    return GraphWanted(check_graphs(graph), bool(communities), seed)


def graph_file(path: str | Path | None = None) -> Path | None:
    """Check where a graph goes.

    Parameters
    ----------
    path
        A ``.gexf`` or ``.graphml`` file; or a ``.csv`` or ``.parquet`` file of the edges, beside
        which that of the nodes goes (``net.csv`` and ``net.nodes.csv``). None writes nothing.
    """
    from blueattr.report.formats.graphs.write import check_graph_file

    if path is None:
        return None
    out = user_path(named_file(path))
    check_graph_file(out)
    return out


GRAPH = Options(graph_wanted)
GRAPH_FILE = Options(graph_file)
