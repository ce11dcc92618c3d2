"""Writes a graph to a file, in the format that its name ends in; tables are two files."""

from collections.abc import Iterable
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import polars as pl

from blueattr.atomic import write_with
from blueattr.errors import OutputError
from blueattr.report.formats.graphs.gexf import gexf
from blueattr.report.formats.graphs.graphml import graphml
from blueattr.report.formats.json import json_bytes
from blueattr.report.formats.render import by_extension
from blueattr.report.formats.tabular import METADATA_KEY, write_frame
from blueattr.report.results.graphs import graph_report
from blueattr.user_path import refuse_address

if TYPE_CHECKING:
    from blueattr.analysis.carriers.graphs import GraphResult
    from blueattr.report.formats.tabular import AgentsFormat

__all__ = ["check_graph_file", "write_graph"]


_XML = {".gexf": gexf, ".graphml": graphml}
_TABLES: "dict[str, AgentsFormat]" = {".csv": "csv", ".parquet": "parquet"}
_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"


def check_graph_file(path: Path) -> None:
    """Refuse a file that could not be written, before the work starts.

    Raises
    ------
    UsageError
        It ends in something else than .gexf, .graphml, .csv or .parquet.
    OutputError
        Its folder does not exist, or it is an address.
    """
    refuse_address(path)
    by_extension(path, dict.fromkeys((*_XML, *_TABLES)))
    if not path.parent.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {path.parent}")


def write_graph(result: "GraphResult", path: Path) -> tuple[Path, ...]:
    """Write a graph.

    Parameters
    ----------
    result
        The graph.
    path
        Ends in .gexf or .graphml; or in .csv or .parquet for a table of its edges, with that of its
        nodes beside it: ``net.csv`` and ``net.nodes.csv``.

    Returns
    -------
    tuple of Path
        The files that were written.

    Raises
    ------
    UsageError, OutputError
        As `check_graph_file`; or a file cannot be written.
    """
    check_graph_file(path)
    ending = path.suffix.lower()
    if ending in _XML:
        description = " ".join(graph_report(result).summary)
        content = _XML[ending](result.nodes, result.edges, description)
        write_with(path, lambda file: _write_text(content, file))
        return (path,)
    form = _TABLES[ending]
    beside = path.with_suffix(f".nodes{path.suffix}")
    metadata = {METADATA_KEY: json_bytes(graph_report(result)).decode()}
    edges = result.edges
    if form == "csv":
        edges = edges.with_columns(pl.col("time").dt.to_string(_TIME))
    # Edges without nodes would be of no use, so these come first.
    write_with(beside, lambda file: write_frame(result.nodes, form, file, metadata))
    write_with(path, lambda file: write_frame(edges, form, file, metadata))
    return path, beside


def _write_text(content: Iterable[str], file: BinaryIO) -> None:
    text = TextIOWrapper(file, encoding="utf-8", newline="\n")
    text.writelines(content)
    text.flush()
    text.detach()
