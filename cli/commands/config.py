"""The commands config show and config init: the settings in force, and a new settings file."""

import os
from pathlib import Path
from typing import Annotated

import typer

from blueattr.cli.grouping import grouped
from blueattr.cli.help import SectionedCommand, WholeGroup
from blueattr.cli.option_groups import OutputOptions
from blueattr.cli.output import say
from blueattr.cli.settings import DEFAULT_CONFIG, SettingsOptions, read_settings
from blueattr.errors import OutputError
from blueattr.user_path import named_file, refuse_address

config = typer.Typer(
    name="config",
    cls=WholeGroup,
    help="The settings of scheduled runs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@config.command("show", cls=SectionedCommand)
@grouped()
def show(
    context: typer.Context,
    options: SettingsOptions,
    output: OutputOptions,
) -> None:
    """Show the settings in force and where each comes from.

    A setting comes from a flag, the environment, the file or a default. All are checked as a run
    checks them. Of secrets it shows only whether they are set.

    Example: blueattr config show --config blueattr.toml
    """
    from blueattr.runs.history.listing import settings_report
    from blueattr.runs.plan_file import KEY_VARIABLE, in_force, make_plan
    from blueattr.runs.telling.settings import secrets_of

    output.check()
    settings = read_settings(context, options.config)
    make_plan(settings)
    secrets = {
        name: bool(os.environ.get(name, "").strip())
        for name in (KEY_VARIABLE, *secrets_of(settings))
    }
    output.emit(settings_report(in_force(settings), secrets, settings.file))


@config.command("init", cls=SectionedCommand)
def init(
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            parser=named_file,
            metavar="FILE",
            help="The new file; an existing one is kept.",
        ),
    ] = DEFAULT_CONFIG,
) -> None:
    """Write a first settings file, which follows one topic.

    Example: blueattr config init --out blueattr.toml
    """
    refuse_address(out)
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise OutputError(f"{out} exists already") from None
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror}") from None
    say(f"written: {out}")


TEMPLATE = """\
# Settings of `blueattr run`. Paths are relative to this file. Lines that begin with # show defaults
# and alternatives. To see the settings in force: blueattr config show

# db = "data/blueattr.duckdb"
# memory-limit = "4GB"

# What to read, in this order. Settings have the same names as the options of `blueattr ingest`.
[[sources]]
read = ["jetstream"]        # or "firehose", or addresses; stops when it has caught up
for = "15m"                 # stop after this time at the latest
# no-fill = true            # do not fetch from the archive what the server no longer has

# [[sources]]
# read = ["events/", "more/*.jsonl.zst"]

# [[sources]]
# read = ["archive"]
# from = 2026-04-09
# to = 2026-04-23
# accounts = "panel.csv"    # only what these accounts did
# max-bytes = "20GB"        # fetch nothing if it would be more than this

# What to report. Settings have the same names as the options of `blueattr report`.
[report]
topic = ["mythos"]          # or ["all-topics"], or ["all"] for every event
# topics = "topics.toml"    # a file with topics of your own
window = "14d"              # whole days, up to that of the last event; or set from and to
# complete = true           # leave out a last day that is not over
# indicator = ["all"]       # or "lin", "heat", "var", "gini", or your own: "mine.py"
# protocol = ["visibility"] # also "top", "active", "random"
# sizes = [100, 1000]       # by default these, as far as the panel is larger
# panel = "involved"        # only who took part; or "active": everyone in the window
# seeds = 10
# top = 10                  # accounts to name; 0 names nobody
# pseudonyms = false        # or true: name accounts by keyed hashes
# change = true             # say what carried the change since the last report
# by = "lang"               # also show groups: "lang", "domain", "age", "groups.csv"; or two
# tiers = [1, 10]
# popularity = "follows-received"
# influence = ["replies", "reposts", "quotes"]  # what c counts

[output]
# reports = "reports"       # holds a folder for each report, and the link latest
# format = ["html", "json"] # also "csv", "parquet", "md", "tex", "datasette",
                            # "png", "svg", "pdf" (these three with width = "85mm")
# keep = 100                # number of reports to keep; by default all

[log]
# form = "text"             # or "json"
# file = "blueattr.log"     # by default, the log goes to stderr

# [ping]                    # a monitor that raises an alarm when runs fail or do not come
# url = "https://hc-ping.com/your-check"
# fine = [9, 10]            # exit codes that are no failure: gaps, nothing new

# [metrics]
# file = "/var/lib/node_exporter/blueattr.prom"

# [notify]                  # secrets come from the environment: blueattr config show
# on = ["gap", "failure", "source-down"]  # also "report", "change-point"
# webhook = "https://example.org/hook"
# services = true           # e-mail, chat: addresses in BLUEATTR_NOTIFY_URLS, as Apprise has them

# [[notify.when]]
# measure = "share"         # or "total", "agents", "involved", "participants", "new-accounts"
# tier = "tail"             # of a share: a tier, or a group
# below = 50                # or above, or changed_by; shares in percent
# at_most_every = "1d"
"""
