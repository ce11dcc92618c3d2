"""Commands about a store: status shows what is in it, rollup summarises its days."""

from blueattr.cli.options import OutputOptions, StoreOptions, TopicsFile, grouped


@grouped()
def status(store: StoreOptions, output: OutputOptions) -> None:
    """Show what is in the store.

    Time coverage and gaps, events by kind and day, accounts, sources, rejected lines by reason.

    Example: blueattr status --db my.duckdb
    """
    from blueattr.analysis import status as analysis_status
    from blueattr.report.inventory.status import status_report

    output.emit(status_report(analysis_status.status(store.db, store.memory_limit)))


@grouped()
def rollup(
    *,
    topics_file: TopicsFile = None,
    store: StoreOptions,
    output: OutputOptions,
) -> None:
    """Summarise the days that are over, so that questions about them are answered faster.

    An ingest of files does that when it ends, with the topics that ship. Here topics of your own
    can be added: from then on they are kept as those are. Answers stay the same.

    Example: blueattr rollup --topics mine.toml --db my.duckdb
    """
    from blueattr.analysis.rollup import roll_up_store
    from blueattr.report.inventory.rollups import rollup_report

    output.check()
    done = roll_up_store(store.db, topics_file, store.memory_limit)
    output.emit(rollup_report(store.db, done))
