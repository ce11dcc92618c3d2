"""The command ingest: files, streams and the archive into the store."""

import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.analysis import parse
from blueattr.cli.options import Insecure, OutputOptions, StoreOptions, grouped
from blueattr.cli.output import say
from blueattr.cli.progress import Bars, LiveLine
from blueattr.cli.signals import stopping
from blueattr.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.sources.live.stream import Stream


# Options that make sense for a kind of source.
_STREAMS = ("--host", "--for", "--until-live", "--from", "--no-fill", "--dictionary", "--insecure")
_ARCHIVE = ("--host", "--from", "--to", "--insecure")


@grouped()
def ingest(
    *,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Files of Jetstream JSON lines (v1 or v2; plain, .gz or .zst), folders, globs, or "
            "- for standard input; or jetstream (the default), firehose, archive; or addresses: "
            "wss://HOST/subscribe is Jetstream v1, another wss://HOST a relay or PDS. Of several "
            "addresses the later ones stand in for the first.",
            show_default=False,
        ),
    ] = None,
    plc: Annotated[
        list[str] | None,
        typer.Option(
            "--plc",
            help="A PLC directory export, for creation times and handles; may be given several "
            "times, beside or without events.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            help="A server of your choice for jetstream, firehose or archive, such as "
            "wss://jetstream.example; may be given several times.",
            show_default=False,
        ),
    ] = None,
    for_: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="TIME", help="Follow for so long: 30s, 50m, 6h.", show_default=False
        ),
    ] = None,
    until_live: Annotated[
        bool,
        typer.Option(
            "--until-live", help="Follow until caught up with the clock.", show_default=False
        ),
    ] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Archive: from this UTC time on. A stream into an empty store: begin there, if "
            "the server still has it.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", help="Archive: up to this UTC time.", show_default=False),
    ] = None,
    no_fill: Annotated[
        bool,
        typer.Option(
            "--no-fill",
            help="Where a server no longer has what was missed, leave a gap, even if the key of "
            "the archive is set.",
            show_default=False,
        ),
    ] = False,
    dictionary: Annotated[
        Path | None,
        typer.Option(
            "--dictionary",
            help="Jetstream v1: its zstd dictionary, to ask for compressed messages.",
            show_default=False,
        ),
    ] = None,
    insecure: Insecure = False,
    store: StoreOptions,
    output: OutputOptions,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress.", show_default=False)
    ] = False,
) -> None:
    """Read events into the store: follow Jetstream, or read files, or fetch the past.

    Without a source it follows Jetstream from where the store left off until Ctrl-C. Reading
    anything again, or what overlaps, changes nothing. What could be had is kept, whatever goes
    wrong.

    Example: blueattr ingest events.jsonl.zst more/ --db my.duckdb
    """
    from blueattr.sources.find import find_streams, is_network

    output.check()
    db, memory = store.db, store.memory_limit
    named = sources or ([] if plc else ["jetstream"])
    network = is_network(named)
    if network and plc:
        raise UsageError("--plc is for files; ingest the directory export by itself")
    _refuse(
        {
            "--host": host, "--for": for_, "--until-live": until_live, "--from": start,
            "--to": end, "--no-fill": no_fill, "--dictionary": dictionary, "--insecure": insecure,
        },
        allowed=_ARCHIVE if named == ["archive"] else _STREAMS if network else (),
    )  # fmt: skip
    if not network:
        _read(named, plc, db, memory, output, quiet=quiet)
        return
    if named == ["archive"]:
        _fetch(
            host or [], parse.moment(start, "--from"), parse.moment(end, "--to"), db, memory,
            output, insecure=insecure, quiet=quiet,
        )  # fmt: skip
        return
    streams = find_streams(named, host or (), dictionary=dictionary, insecure=insecure)
    _follow(
        streams, db, memory, output, insecure=insecure,
        length=parse.duration(for_, "--for"), until_live=until_live,
        start=parse.moment(start, "--from"), no_fill=no_fill, quiet=quiet,
    )  # fmt: skip


def _refuse(options: dict[str, object], allowed: tuple[str, ...]) -> None:
    for option, value in options.items():
        if value and option not in allowed:
            what = {(): "files", _ARCHIVE: "the archive"}.get(allowed, "a stream")
            raise UsageError(f"{option} makes no sense for {what}")


def _read(
    sources: list[str],
    plc: list[str] | None,
    db: Path,
    memory: int,
    output: OutputOptions,
    *,
    quiet: bool,
) -> None:
    from blueattr.ingest import read
    from blueattr.panel.topics import shipped_rules
    from blueattr.report.inventory.ingests import ingest_report

    # Polars, by now imported, lets an interrupted read go on; a pipe would be waited for for ever.
    signal.siginterrupt(signal.SIGINT, True)
    with Bars(quiet=quiet) as bars:
        done = [
            read.ingest(
                db,
                arguments,
                kind=kind,
                rules=shipped_rules(),
                memory=memory,
                progress=bars.progress,
            )
            for kind, arguments in (("plc", plc), ("file", sources))
            if arguments
        ]
    output.emit(ingest_report(done, db))
    failures = [failure for result in done for failure in result.failures]
    for failure in failures:
        say(f"blueattr: {failure}")
    if failures:
        raise typer.Exit(ExitCode.INPUT)


def _fetch(
    hosts: list[str],
    start: datetime | None,
    end: datetime | None,
    db: Path,
    memory: int,
    output: OutputOptions,
    *,
    insecure: bool,
    quiet: bool,
) -> None:
    from blueattr.ingest import read
    from blueattr.panel.topics import shipped_rules
    from blueattr.provenance import Window
    from blueattr.report.inventory.ingests import fetch_report
    from blueattr.sources.archive.key import ArchiveKey
    from blueattr.sources.archive.source import ArchiveSource
    from blueattr.sources.hosts import JETSTREAMS

    if start is None or end is None:
        raise UsageError("which past? such as: ingest archive --from 2026-04-09 --to 2026-04-23")
    if len(hosts) > 1:
        raise UsageError("an archive has sequence numbers of its own: name one --host")
    source = ArchiveSource(
        hosts[0] if hosts else JETSTREAMS[0],
        Window(start, end),
        key=ArchiveKey.from_environment(),
        insecure=insecure,
        on_wait=lambda seconds, why: say(f"blueattr: waiting {seconds:.0f} s: {why}"),
    )
    with Bars(quiet=quiet) as bars:
        done = read.ingest_sources(
            db, [source], rules=shipped_rules(), memory=memory, progress=bars.progress
        )
    output.emit(fetch_report(done, db, source.spent, source.remarks))
    for failure in done.failures:
        say(f"blueattr: {failure}")
    if done.failures:
        raise typer.Exit(ExitCode.SOURCE)


def _follow(
    streams: "Sequence[Stream]",
    db: Path,
    memory: int,
    output: OutputOptions,
    *,
    insecure: bool,
    length: timedelta | None,
    until_live: bool,
    start: datetime | None,
    no_fill: bool,
    quiet: bool,
) -> None:
    from blueattr.ingest.follow import follow
    from blueattr.panel.topics import shipped_rules
    from blueattr.report.inventory.ingests import follow_report
    from blueattr.sources.archive.fill import gap_filler

    fill = None if no_fill else gap_filler(streams[0], insecure=insecure)
    with (
        LiveLine(quiet=quiet) as line,
        stopping("stopping; what was received is being kept") as stop,
    ):
        done = follow(
            db,
            streams,
            until="live" if until_live else "stopped",
            limit=length,
            start=start,
            fill=fill,
            rules=shipped_rules(),
            memory=memory,
            stop=stop,
            watch=line.show,
        )
    output.emit(follow_report(done, db))
    for failure in done.ingested.failures:
        say(f"blueattr: {failure}")
    if done.ingested.failures:
        raise typer.Exit(ExitCode.INPUT)
    if done.outcome == "unreachable":
        say(f"blueattr: {done.trouble}; what was received is kept")
        raise typer.Exit(ExitCode.SOURCE)
    if done.gaps:
        raise typer.Exit(ExitCode.GAPS)
