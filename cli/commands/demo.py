"""The commands demo and synth, which need no data of your own."""

import shlex
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.analysis.asked import parse
from blueattr.cli.options import Memory, Quiet
from blueattr.cli.output import announce_compiling, emit, say
from blueattr.cli.progress import Bars
from blueattr.errors import OutputError, UsageError
from blueattr.store.store_file import named_store
from blueattr.user_path import named_file, refuse_address

if TYPE_CHECKING:
    from blueattr.synth import SynthSpec


_TOPIC = "mythos"


def demo(
    context: typer.Context,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FOLDER", help="A folder for the store and the results."),
    ] = Path("blueattr-demo"),
) -> None:
    """Run the whole pipeline on the bundled sample.

    It runs ingest, topics check, panel, attribute, compare-scales and report on synthetic events,
    and shows each command as you would type it.

    Example: blueattr demo --out demo/
    """
    program = context.find_root().command
    refuse_address(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {out}: {error.strerror}") from None
    announce_compiling()  # even without a terminal: the first command takes long
    sample = resources.files("blueattr.data") / "sample.jsonl.zst"
    with resources.as_file(sample) as path:
        for arguments in _steps(path, out):
            say(f"\n$ blueattr {shlex.join(arguments)}")
            if code := program.main(arguments, "blueattr", standalone_mode=False):
                raise typer.Exit(code)
    say("\nThe sample is synthetic; its numbers say nothing about Bluesky.")
    say(f"The report, to open in a browser: {(out / _TOPIC).with_suffix('.html')}\nFiles:")
    for file in sorted(out.iterdir()):
        if file.suffix not in (".lock", ".tmp"):
            say(f"  {file}")


def synth(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=named_file,
            metavar="FILE",
            help="Write lines to this file: .jsonl, also .gz or .zst; - for standard output.",
            show_default=False,
        ),
    ] = None,
    db: Annotated[
        Path | None,
        typer.Option(
            "--db",
            parser=named_store,
            metavar="FILE",
            help="Instead of writing lines, fill this store, a DuckDB file, with the same events.",
            show_default=False,
        ),
    ] = None,
    plc: Annotated[
        Path | None,
        typer.Option(
            "--plc",
            parser=named_file,
            metavar="FILE",
            help="Write what the PLC directory would export of the accounts: handles, hosts.",
            show_default=False,
        ),
    ] = None,
    agents: Annotated[
        int, typer.Option("--agents", metavar="N", help="Number of accounts.")
    ] = 2000,
    days: Annotated[int, typer.Option("--days", metavar="N", help="Number of days.")] = 14,
    start: Annotated[
        str, typer.Option("--from", metavar="DATE", help="The first day, in UTC.")
    ] = "2026-04-09",
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="The seed of the generator.")
    ] = 0,
    memory: Memory = "4GB",
    quiet: Quiet = False,
) -> None:
    """Make synthetic events, as lines or in a store, and their directory.

    They are shaped like those of the real network. The lines are Jetstream v1 JSON. The same seed
    gives the same bytes, and a store holds what it would if the lines had been ingested.

    Example: blueattr synth --agents 20000 --days 7 --out synthetic.jsonl.zst
    """
    from blueattr.synth import SynthSpec, write_directory, write_file, write_lines

    if sum(one is not None for one in (out, db, plc)) != 1:
        raise UsageError(
            "synth writes lines (--out FILE), fills a store (--db FILE) or writes an export of the "
            "PLC directory (--plc FILE); name one of them"
        )
    bytes_allowed = parse.memory_limit(memory)
    first = parse.moment(start, "--from")
    if first is None or first.time() != first.time().min:
        raise UsageError(f"--from {start!r} should be a date")
    spec = SynthSpec(agents=agents, days=days, seed=seed, start=first)
    if db is not None:
        _fill(db, spec, bytes_allowed, quiet=quiet)
    elif plc is not None:
        say(f"written: {write_directory(spec, plc):,} operations: {plc}")
    elif out is not None:
        counts = write_lines(spec, sys.stdout.buffer) if str(out) == "-" else write_file(spec, out)
        size = f"{counts.size / 1e6:,.1f} MB before compression"
        say(f"written: {counts.lines:,} lines, {size}: {out}")


def _fill(db: Path, spec: "SynthSpec", memory: int, *, quiet: bool) -> None:
    from blueattr.ingest import read
    from blueattr.panel.topics import shipped_rules
    from blueattr.report.inventory.ingests import ingest_report
    from blueattr.synth.source import SynthSource

    with Bars(quiet=quiet, unit="time") as bars:
        source = SynthSource(spec)
        done = read.ingest_sources(
            db, [source], rules=shipped_rules(), memory=memory, progress=bars.progress
        )
    emit(ingest_report([done], db), "text")


def _steps(sample: Path, out: Path) -> list[list[str]]:
    db = ["--db", str(out / "demo.duckdb")]
    topic = ["--topic", _TOPIC, *db]
    return [
        ["ingest", str(sample), *db],
        ["topics", "check", _TOPIC, *db],
        ["panel", *db],
        ["attribute", *topic, "--indicator", "all"],
        ["attribute", *topic, "--agents", str(out / "agents.parquet"), "--out",
         str(out / "attribution.json")],
        ["compare-scales", *topic, "--indicator", "all", "--out", str(out / "scales.json")],
        ["compare-scales", *topic],
        ["report", *topic, "--out", str(out)],
    ]  # fmt: skip
