"""The command export: who interacted with whom as a graph, or all events parted by account."""

from pathlib import Path
from typing import Annotated

import typer

from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import ABOUT, HOW, WHO, WINDOW, QueryOptions, QuestionOptions
from blueattr.cli.options import Format, Pseudonyms, Verbose
from blueattr.cli.output import emit, say
from blueattr.cli.typed import refuse_all_but, typed
from blueattr.errors import UsageError
from blueattr.user_path import named_file

_OF_PARTITIONS = ("partitioned", "buckets", "no_text", "db", "memory")


@grouped(
    (
        "graph",
        "partitioned",
        "buckets",
        "no_text",
        *ABOUT,
        "indicator",
        "panel",
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        "communities",
        "seed",
        "pseudonyms",
        "memory",
        "out",
        "form",
        "verbose",
    )
)
def export(
    *,
    context: typer.Context,
    graph: Annotated[
        str,
        typer.Option(
            "--graph",
            metavar="KIND,KIND",
            help="What the edges are: replies, reposts, quotes, follows; several with commas.",
        ),
    ] = "replies",
    partitioned: Annotated[
        Path | None,
        typer.Option(
            "--partitioned",
            metavar="FOLDER",
            help="In place of a graph, write all events as Parquet files parted by account.",
            show_default=False,
        ),
    ] = None,
    buckets: Annotated[
        int,
        typer.Option(
            "--buckets", metavar="N", help="With --partitioned: how many parts of accounts."
        ),
    ] = 1024,
    no_text: Annotated[
        bool,
        typer.Option(
            "--no-text",
            help="With --partitioned: in place of words, keep what matched the store's topics.",
            show_default=False,
        ),
    ] = False,
    store: QueryOptions,
    how: QuestionOptions,
    communities: Annotated[
        bool,
        typer.Option(
            "--communities",
            help="Also find communities by these edges, a column of the nodes (needs networkit).",
            show_default=False,
        ),
    ] = False,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="The seed of the communities.")
    ] = 0,
    pseudonyms: Pseudonyms = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=named_file,
            metavar="FILE",
            help="Write the graph to a .gexf or .graphml file; or to a .csv or .parquet file of "
            "edges, with that of the nodes beside it.",
            show_default=False,
        ),
    ] = None,
    form: Format = None,
    verbose: Verbose = False,
) -> None:
    """Write who answered, reposted, quoted or followed whom on a topic as a graph.

    Its nodes are the accounts involved, with their values and tiers; its edges are interactions,
    each with its time. Gephi, networkx, igraph and others read it.

    With --partitioned, what the store holds is written for "blueattr features --events".

    Example: blueattr export --graph replies --topic mythos --out net.gexf
    """
    if partitioned is not None:
        refuse_all_but(context, _OF_PARTITIONS, "--partitioned writes all events of the store")
        _export_partitions(partitioned, store, buckets, text=not no_text)
        return
    for name in ("buckets", "no_text"):
        if name in (known := typed(context)):
            raise UsageError(f"{known[name]} is for --partitioned FOLDER; name that too")
    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.carriers.graphs import graph_store
    from blueattr.attribution.sampling import check_seed
    from blueattr.panel.graph.edges import check_graphs
    from blueattr.report.formats.graphs.write import check_graph_file, write_graph
    from blueattr.report.results.graphs import graph_report

    if out is not None:
        check_graph_file(out)
    graphs, query, question = check_graphs(graph), store.query(), how.question()
    check_seed(seed)
    naming = Naming.of(top=1, pseudonyms=pseudonyms, beside=out)
    result = graph_store(query, question, graphs, naming=naming, communities=communities, seed=seed)
    if out is not None:
        for path in write_graph(result, out):
            say(f"written: {path}")
    emit(graph_report(result), form, verbose=verbose)


def _export_partitions(folder: Path, store: QueryOptions, buckets: int, *, text: bool) -> None:
    from blueattr.partitions.export import export_partitions
    from blueattr.report.numbers import megabytes

    done = export_partitions(store.db, folder, buckets, text=text, memory=store.memory_limit)
    say(
        f"written: {folder} ({done.meta.rows:,} rows in {done.files:,} files, "
        f"{megabytes(done.bytes)}, {buckets:,} buckets)"
    )
