"""Commands about a store: status shows what is in it, rollup summarises its days."""

from blueattr.cli.options import DEFAULT_DB, Db, Format, Memory, Out, TopicsFile, memory_limit
from blueattr.cli.output import check_out, emit


def status(
    db: Db = DEFAULT_DB, memory: Memory = "4GB", form: Format = "text", out: Out = None
) -> None:
    """Show what is in the store.

    Time coverage and gaps, events by kind and day, accounts, sources, rejected lines by reason.

    Example: blueattr status --db my.duckdb
    """
    from blueattr import jobs
    from blueattr.report.inventory_status import status_report

    emit(status_report(jobs.status(db, memory_limit(memory))), form, out)


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
    from blueattr import jobs
    from blueattr.report.rollups import rollup_report

    check_out(out)
    done = jobs.roll_up_store(db, topics_file, memory_limit(memory))
    emit(rollup_report(db, done), form, out)
