"""The command ingest: read files, follow a stream, or fetch from the archive."""

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.analysis.asked import parse
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import OutputOptions, StoreOptions
from blueattr.cli.options import DryRun, Hosts, Insecure, Quiet
from blueattr.cli.output import say
from blueattr.cli.progress import Bars, LiveLine
from blueattr.cli.reading import exit_on, kept
from blueattr.cli.signals import stopping
from blueattr.cli.typed import refuse_all_but
from blueattr.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


# The options that each kind of source takes.
_STREAMS = ("--host", "--for", "--until-live", "--from", "--no-fill", "--dictionary", "--insecure")
_ARCHIVE = (
    "--host", "--from", "--to", "--insecure", "--accounts", "--max-bytes", "--dry-run",
)  # fmt: skip


@dataclass
class NetworkOptions:
    """How to follow a stream, or what to fetch from the archive."""

    host: Hosts = None
    for_: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="TIME",
            help="Stop after this time (30s, 50m, 6h).",
            show_default=False,
        ),
    ] = None
    until_live: Annotated[
        bool,
        typer.Option(
            "--until-live", help="Stop when caught up with the present.", show_default=False
        ),
    ] = False
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            help="Archive: fetch from this UTC time on. Stream into an empty store: begin then.",
            show_default=False,
        ),
    ] = None
    end: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="DATE", help="Archive: fetch up to this UTC time.", show_default=False
        ),
    ] = None
    no_fill: Annotated[
        bool,
        typer.Option(
            "--no-fill",
            help="Leave gaps in a stream, in place of filling them from the archive.",
            show_default=False,
        ),
    ] = False
    dictionary: Annotated[
        Path | None,
        typer.Option(
            "--dictionary",
            metavar="FILE",
            help="Zstd dictionary of Jetstream v1, to receive less.",
            show_default=False,
        ),
    ] = None
    insecure: Insecure = False
    accounts: Annotated[
        Path | None,
        typer.Option(
            "--accounts",
            metavar="FILE",
            help="Archive: fetch only what these accounts did: CSV, Parquet or lines with did.",
            show_default=False,
        ),
    ] = None
    max_bytes: Annotated[
        str | None,
        typer.Option(
            "--max-bytes",
            metavar="SIZE",
            help="Archive: fetch nothing if it would be more than this (20GB).",
            show_default=False,
        ),
    ] = None
    dry_run: DryRun = False

    def refuse_all_but(self, allowed: "Sequence[str]", source: str) -> None:
        """Refuse options that make no sense for a kind of source.

        Parameters
        ----------
        allowed
            The options that make sense.
        source
            The kind, for the message.
        """
        values = {
            "--host": self.host, "--for": self.for_, "--until-live": self.until_live,
            "--from": self.start, "--to": self.end, "--no-fill": self.no_fill,
            "--dictionary": self.dictionary, "--insecure": self.insecure,
            "--accounts": self.accounts, "--max-bytes": self.max_bytes,
            "--dry-run": self.dry_run,
        }  # fmt: skip
        for option, value in values.items():
            if value and option not in allowed:
                raise UsageError(f"{option} makes no sense for {source}")


_OF_PARTITIONS = ("sources", "events", "buckets", "memory", "out", "form", "verbose", "quiet")


@grouped()
def ingest(
    *,
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Files of Jetstream lines or JSON arrays (also .gz, .zst, .bz2 or .xz), folders, "
            "globs, - for standard input; or jetstream (the default), firehose, archive; or "
            "addresses: wss://HOST/subscribe is a Jetstream v1, other wss://HOST a relay or PDS. "
            "Further addresses are used when the first one fails.",
            show_default=False,
        ),
    ] = None,
    plc: Annotated[
        list[str] | None,
        typer.Option(
            "--plc",
            metavar="FILE",
            help="A PLC directory export, for creation times and handles; repeatable.",
            show_default=False,
        ),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            "--events",
            metavar="FOLDER",
            help="Read files into Parquet files parted by account, in place of a store; see "
            "docs/partitions.md.",
            show_default=False,
        ),
    ] = None,
    buckets: Annotated[
        int | None,
        typer.Option(
            "--buckets",
            metavar="N",
            help="With --events: how many parts of accounts a new folder has. [default: 1024]",
            show_default=False,
        ),
    ] = None,
    network: NetworkOptions,
    store: StoreOptions,
    output: OutputOptions,
    quiet: Quiet = False,
) -> None:
    """Read events into a store: a stream, files or the archive.

    Without a source it follows Jetstream, from where the store left off, until Ctrl-C. Reading the
    same or overlapping events again changes nothing. Everything read so far is kept, whatever goes
    wrong.

    Example: blueattr ingest events.jsonl.zst more/ --db my.duckdb
    """
    from blueattr.sources.find import is_network

    output.check()
    if events is not None:
        refuse_all_but(context, _OF_PARTITIONS, "--events reads files into partitions")
        _read_into_partitions(sources or [], events, buckets, store, output, quiet=quiet)
        return
    if buckets is not None:
        raise UsageError("--buckets is for --events FOLDER; name that too")
    names = sources or ([] if plc else ["jetstream"])
    if not is_network(names):
        network.refuse_all_but((), "files")
        _read(names, plc, store, output, quiet=quiet)
        return
    if plc:
        raise UsageError("--plc is for files; ingest the directory export by itself")
    if names == ["archive"]:
        network.refuse_all_but(_ARCHIVE, "the archive")
        _fetch(network, store, output, quiet=quiet)
        return
    network.refuse_all_but(_STREAMS, "a stream")
    _follow(names, network, store, output, quiet=quiet)


def _read(
    sources: list[str],
    plc: list[str] | None,
    store: StoreOptions,
    output: OutputOptions,
    *,
    quiet: bool,
) -> None:
    from blueattr.ingest import read
    from blueattr.panel.topics import shipped_rules
    from blueattr.report.inventory.ingests import ingest_report
    from blueattr.sources.files import is_standard_input
    from blueattr.store.commit.writer import remove
    from blueattr.store.store_file import store_file

    if sum(map(is_standard_input, [*sources, *(plc or ())])) > 1:
        raise UsageError("standard input (-) must be the only source")
    # Polars, which is imported by now, makes the system restart an interrupted read: Ctrl-C would
    # wait for a pipe forever.
    signal.siginterrupt(signal.SIGINT, True)
    is_new = not store_file(store.db).exists()
    with kept(), Bars(quiet=quiet) as bars:
        results = [
            read.ingest(
                store.db,
                arguments,
                kind=kind,
                rules=shipped_rules(),
                memory=store.memory_limit,
                progress=bars.progress,
            )
            for kind, arguments in (("plc", plc), ("file", sources))
            if arguments
        ]
    # A wrong file is no reason for a store.
    removed = (
        is_new
        and any(result.failures for result in results)
        and all(result.kept_nothing for result in results)
    )
    if removed:
        remove(store.db)
    output.emit(ingest_report(results, store.db, removed=removed))
    exit_on(results, ExitCode.INPUT)


def _read_into_partitions(
    sources: list[str],
    events: Path,
    buckets: int | None,
    store: StoreOptions,
    output: OutputOptions,
    *,
    quiet: bool,
) -> None:
    from blueattr.partitions.ingest import ingest_partitions
    from blueattr.report.inventory.ingests import ingest_report
    from blueattr.sources.find import is_network

    if not sources or is_network(sources):
        raise UsageError(
            "--events is for files; follow a stream into a store, and write that with: blueattr "
            "export --partitioned FOLDER"
        )
    signal.siginterrupt(signal.SIGINT, True)  # as below
    with kept(), Bars(quiet=quiet) as bars:
        done = ingest_partitions(
            events, sources, buckets, memory=store.memory_limit, progress=bars.progress
        )
    removed = not done.events_after and bool(done.failures) and done.kept_nothing
    output.emit(ingest_report([done], events, removed=removed, parted=True))
    exit_on([done], ExitCode.INPUT)


def _fetch(
    network: NetworkOptions, store: StoreOptions, output: OutputOptions, *, quiet: bool
) -> None:
    from blueattr.ingest.archive import cost, fetch
    from blueattr.panel.topics import shipped_rules
    from blueattr.provenance import Window
    from blueattr.report.inventory.ingests import cost_report, fetch_report
    from blueattr.sources.archive.accounts import read_accounts
    from blueattr.sources.archive.cost import DEFAULT_MOST
    from blueattr.sources.archive.key import ArchiveKey
    from blueattr.sources.archive.source import ArchiveSource
    from blueattr.sources.hosts import JETSTREAMS

    start, end = parse.moment(network.start, "--from"), parse.moment(network.end, "--to")
    if start is None or end is None:
        raise UsageError(
            "an archive needs --from and --to, such as: "
            "ingest archive --from 2026-04-09 --to 2026-04-23"
        )
    hosts = network.host or JETSTREAMS[:1]
    if len(hosts) > 1:
        raise UsageError("an archive has sequence numbers of its own: name one --host")
    most = DEFAULT_MOST if network.max_bytes is None else parse.download_limit(network.max_bytes)
    source = ArchiveSource(
        hosts[0],
        Window(start, end),
        key=ArchiveKey.from_environment(),
        insecure=network.insecure,
        accounts=None if network.accounts is None else read_accounts(network.accounts),
        most=most,
        on_wait=lambda seconds, why: say(f"blueattr: waiting {seconds:.0f} s: {why}"),
    )
    if network.dry_run:
        output.emit(cost_report(cost(store.db, source), store.db, most))
        return
    with kept(), Bars(quiet=quiet) as bars:
        result = fetch(
            store.db,
            source,
            rules=shipped_rules(),
            memory=store.memory_limit,
            progress=bars.progress,
        )
    output.emit(fetch_report(result.ingested, store.db, result.spent, result.remarks))
    exit_on([result.ingested], ExitCode.SOURCE)


def _follow(
    names: list[str],
    network: NetworkOptions,
    store: StoreOptions,
    output: OutputOptions,
    *,
    quiet: bool,
) -> None:
    from blueattr.ingest.follow import follow
    from blueattr.panel.topics import shipped_rules
    from blueattr.report.inventory.ingests import follow_report
    from blueattr.sources.archive.fill import gap_filler
    from blueattr.sources.find import find_streams

    streams = find_streams(
        names, network.host or (), dictionary=network.dictionary, insecure=network.insecure
    )
    limit, start = parse.duration(network.for_, "--for"), parse.moment(network.start, "--from")
    fill = None if network.no_fill else gap_filler(streams[0], insecure=network.insecure)
    with (
        LiveLine(quiet=quiet) as line,
        stopping("stopping; what was received is being kept") as stop,
    ):
        result = follow(
            store.db,
            streams,
            until="live" if network.until_live else "stopped",
            limit=limit,
            start=start,
            fill=fill,
            rules=shipped_rules(),
            memory=store.memory_limit,
            stop=stop,
            watch=line.show,
        )
    output.emit(follow_report(result, store.db))
    unreachable = result.outcome == "unreachable"
    if unreachable:
        say(f"blueattr: {result.trouble}; what was received is kept")
    exit_on([result.ingested], ExitCode.INPUT, ExitCode.SOURCE if unreachable else None)
    if result.gap_count:
        raise typer.Exit(ExitCode.GAPS)
