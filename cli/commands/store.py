"""The commands status and rollup: what is in a store, and summaries of its days."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from blueattr.cli.clusters import show_stages
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import OutputOptions, StoreOptions
from blueattr.cli.options import EventsFolder, TopicsFile
from blueattr.cli.typed import refuse_beside_events
from blueattr.errors import SourceError


@grouped(("db", "events", "check", "max_lag", "no_samples", "memory", "form", "out"))
def status(
    context: typer.Context,
    store: StoreOptions,
    output: OutputOptions,
    *,
    events: EventsFolder = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Read everything and compare it with the sums of what was written. If it is "
            "damaged, the exit code is 6.",
            show_default=False,
        ),
    ] = False,
    max_lag: Annotated[
        str | None,
        typer.Option(
            "--max-lag",
            metavar="TIME",
            help="If the newest event is older than this (10m), the exit code is 8.",
            show_default=False,
        ),
    ] = None,
    no_samples: Annotated[
        bool,
        typer.Option(
            "--no-samples",
            help="Leave out the shapes of rejected lines.",
            show_default=False,
        ),
    ] = False,
) -> None:
    """Show what is in the store.

    Its coverage and gaps, events by kind and day, accounts, sources, and rejected lines by reason.
    Of partitions every bucket is read for that.

    Example: blueattr status --db my.duckdb
    """
    from blueattr.analysis.asked.parse import duration
    from blueattr.report.inventory.status import status_report

    most = duration(max_lag, "--max-lag")
    if events is None:
        from blueattr.analysis.upkeep.status import status as read_status

        read = read_status(store.db, store.memory_limit, samples=not no_samples, check=check)
    else:
        from blueattr.analysis.upkeep.parted_status import status_of_partitions

        refuse_beside_events(context, "db", "check")
        with show_stages() as progress:
            read = status_of_partitions(
                events, store.memory_limit, samples=not no_samples, progress=progress
            )
    output.emit(status_report(read))
    if most is not None:
        _check_lag(read.newest, most)


def _check_lag(newest: datetime | None, most: timedelta) -> None:
    """Refuse a store whose newest event is older than allowed, or that has none."""
    from blueattr.report.numbers import lasting

    if newest is None:
        raise SourceError("the store has no events yet, so nothing says that a source brings them")
    age = datetime.now(UTC) - newest
    if age > most:
        raise SourceError(
            f"the newest event is {lasting(age.total_seconds())} old "
            f"({newest:%Y-%m-%d %H:%M:%S} UTC); --max-lag allows {lasting(most.total_seconds())}"
        )


@grouped()
def rollup(
    *,
    topics_file: TopicsFile = None,
    store: StoreOptions,
    output: OutputOptions,
) -> None:
    """Summarise the days of a store, for faster answers.

    An ingest does this at its end, for the bundled topics. This command adds topics of your own,
    which later ingests then keep up to date too. Answers stay the same.

    Example: blueattr rollup --topics mine.toml --db my.duckdb
    """
    from blueattr.analysis.upkeep.rollup import roll_up_store
    from blueattr.report.inventory.rollups import rollup_report

    output.check()
    done = roll_up_store(store.db, topics_file, store.memory_limit)
    output.emit(rollup_report(store.db, done))
