"""The command that summarises days: rollup."""

import typer

from blueattr.cli.options import DEFAULT_DB, Db, Format, Memory, Out, TopicsFile, memory_limit
from blueattr.cli.output import check_out, emit


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rollup")(rollup)


def rollup(
    topics_file: TopicsFile = None,
    db: Db = DEFAULT_DB,
    memory: Memory = "4GB",
    form: Format = "text",
    out: Out = None,
) -> None:
    """Summarise the days that are over, so that questions about them are answered faster.

    An ingest of files does that when it ends, with the topics that ship. Here topics of your own
    can be added: from then on they are kept as those are. Answers stay the same.

    Example: blueattr rollup --topics mine.toml --db my.duckdb
    """
    from blueattr import jobs  # noqa: PLC0415 - start-up time
    from blueattr.report.rollups import rollup_report  # noqa: PLC0415 - start-up time

    check_out(out)
    done = jobs.roll_up_store(db, topics_file, memory_limit(memory))
    emit(rollup_report(db, done), form, out)
