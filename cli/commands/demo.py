"""Commands that need no data of one's own: demo and synth."""

import shlex
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.analysis import parse
from blueattr.cli.options import Memory
from blueattr.cli.output import emit, say
from blueattr.cli.progress import Bars, announce_compiling
from blueattr.errors import OutputError, UsageError

if TYPE_CHECKING:
    from blueattr.synth import SynthSpec


_TOPIC = "mythos"


def demo(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("--out", help="A folder for the store and the results.")
    ] = Path("blueattr-demo"),
) -> None:
    """Run the main job on the bundled synthetic sample, command by command.

    Ingest, topics, panel, attribute, compare-scales, report. Each command is shown as it could
    be typed.

    Example: blueattr demo --out demo/
    """
    program = context.find_root().command
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {out}: {error.strerror}") from None
    announce_compiling()  # also where no terminal is: the first command takes long
    sample = resources.files("blueattr.data") / "sample.jsonl.zst"
    with resources.as_file(sample) as path:
        for arguments in _steps(path, out):
            say(f"\n$ blueattr {shlex.join(arguments)}")
            if code := program.main(arguments, "blueattr", standalone_mode=False):
                raise typer.Exit(code)
    say("\nThe sample's agents are made up; its numbers say nothing about Bluesky.")
    say(f"The report, to open in a browser: {(out / _TOPIC).with_suffix('.html')}\nFiles:")
    for file in sorted(out.iterdir()):
        if file.suffix not in (".lock", ".tmp"):
            say(f"  {file}")


def synth(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="A .jsonl file, also .gz or .zst; - for standard output.",
            show_default=False,
        ),
    ] = None,
    db: Annotated[
        Path | None,
        typer.Option(
            "--db",
            help="Instead of lines, fill this store, a DuckDB file, with the same events.",
            show_default=False,
        ),
    ] = None,
    agents: Annotated[int, typer.Option("--agents", help="How many accounts.")] = 2000,
    days: Annotated[int, typer.Option("--days", help="How many days.")] = 14,
    start: Annotated[str, typer.Option("--from", help="The first day, UTC.")] = "2026-04-09",
    seed: Annotated[int, typer.Option("--seed", help="Of the generator.")] = 0,
    memory: Memory = "4GB",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress.", show_default=False)
    ] = False,
) -> None:
    """Make synthetic events with the shape of the real network's, as lines or in a store.

    The lines are those of Jetstream v1. The same seed gives the same bytes, and a store holds what
    it would if the lines had been ingested; likes, which no store keeps, are only counted.

    Example: blueattr synth --agents 20000 --days 7 --out synthetic.jsonl.zst
    """
    from blueattr.synth import SynthSpec, write_file, write_lines

    if (out is None) == (db is None):
        raise UsageError("synth writes lines (--out FILE) or fills a store (--db FILE): name one")
    bytes_allowed = parse.memory_limit(memory)
    first = parse.moment(start, "--from")
    if first is None or first.time() != first.time().min:
        raise UsageError(f"--from {start!r} should be a date")
    spec = SynthSpec(agents=agents, days=days, seed=seed, start=first)
    if db is not None:
        _fill(db, spec, bytes_allowed, quiet=quiet)
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
