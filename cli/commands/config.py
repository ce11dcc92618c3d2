"""The file of settings: show what is in force, begin a new one."""

import os
from pathlib import Path
from typing import Annotated

import typer

from blueattr.cli.options import OutputOptions, grouped
from blueattr.cli.output import say
from blueattr.cli.settings import DEFAULT_CONFIG, SettingsOptions, read_settings
from blueattr.errors import OutputError

config = typer.Typer(
    name="config",
    help="The settings of scheduled runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@config.command("show")
@grouped()
def show(
    context: typer.Context,
    options: SettingsOptions,
    output: OutputOptions,
) -> None:
    """Show the settings in force, and where each came from: flag, environment, file, default.

    They are checked as a run would check them. Secrets are shown as set or not set.

    Example: blueattr config show --config blueattr.toml
    """
    from blueattr.runs.listing import settings_report
    from blueattr.runs.plan_file import KEY_VARIABLE, in_force, make_plan

    output.check()
    settings = read_settings(context, options.config)
    make_plan(settings)
    secrets = {KEY_VARIABLE: bool(os.environ.get(KEY_VARIABLE, "").strip())}
    output.emit(settings_report(in_force(settings), secrets, settings.file))


@config.command("init")
def init(
    out: Annotated[
        Path, typer.Option("--out", help="The file; one that is there is not touched.")
    ] = DEFAULT_CONFIG,
) -> None:
    """Write a file of settings to begin with: follow a topic from today.

    Example: blueattr config init --out blueattr.toml
    """
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise OutputError(f"{out} is there already") from None
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror}") from None
    say(f"written: {out}")


TEMPLATE = """\
# Settings of `blueattr run`. Paths are relative to this file. What begins with # is a default, or
# another choice. See what is in force with: blueattr config show

# db = "data/blueattr.duckdb"
# memory-limit = "4GB"

# What is read, in this order: each is a call of `blueattr ingest`, with its options.
[[sources]]
read = ["jetstream"]        # or "firehose", or addresses; ends when it has caught up
for = "15m"                 # at most so long
# no-fill = true            # do not fetch from the archive what the server no longer has

# [[sources]]
# read = ["events/", "more/*.jsonl.zst"]

# [[sources]]
# read = ["archive"]
# from = 2026-04-09
# to = 2026-04-23

# What is asked: the options of `blueattr report`.
[report]
topic = ["mythos"]          # names; or ["all-topics"], or ["all"] for every event
# topics = "topics.toml"    # topics of your own
window = "14d"              # ends at the last event seen; or from and to
# indicator = ["all"]       # of "lin", "heat", "var", "gini", or of your own: "mine.py"
# protocol = ["visibility"] # also "top", "active", "random"
# sizes = [100, 1000]
# seeds = 10
# tiers = [1, 10]
# popularity = "follows-received"

[output]
# reports = "reports"       # a folder for each report, and a link to the latest
# format = ["html", "json"] # also "csv", "parquet", "png", "svg"
# keep = 100                # reports; by default all of them

[log]
# form = "text"             # or "json"
# file = "blueattr.log"     # by default stderr
"""
