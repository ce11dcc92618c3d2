"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import typer

from blueattr.cli import completion
from blueattr.store.store_file import named_store
from blueattr.user_path import named_file

Db: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--db",
        envvar="BLUEATTR_DB",
        metavar="FILE",
        help="The store, a DuckDB file.",
        parser=named_store,
    ),
]
Memory: TypeAlias = Annotated[
    str,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        help="Memory for what is read and for the engine, 900MB or more; the arrays of a panel "
        "take what they need, beyond it if they must.",
    ),
]
Insecure: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Allow ws:// and http:// addresses on other machines.",
        show_default=False,
    ),
]
Hosts: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--host",
        metavar="URL",
        help="A server in place of the default, such as wss://jetstream.example; repeatable.",
        show_default=False,
    ),
]
Topic: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--topic",
        metavar="NAME",
        help="A topic (see: blueattr topics list), or all for every event; or use --match.",
        show_default=False,
        autocompletion=completion.topic,
    ),
]
Topics: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--topic",
        metavar="NAME,NAME",
        help="A topic, several with commas, all-topics for each, or all for every "
        "event; or use --match.",
        show_default=False,
        autocompletion=completion.topics,
    ),
]
AllTopics: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--all-topics", help="Ask about each topic, as --topic all-topics.", show_default=False
    ),
]
Match: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--match",
        metavar="REGEX",
        help="Define a topic by a regular expression (RE2, any case); repeatable.",
        show_default=False,
    ),
]
TopicsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--topics",
        envvar="BLUEATTR_TOPICS",
        metavar="FILE",
        help="A TOML file with topics of your own.",
    ),
]
Start: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="DATE",
        help="Start of the window, a UTC date or time.",
        show_default=False,
    ),
]
End: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="DATE",
        help="End of the window, which it does not include.",
        show_default=False,
    ),
]
Length: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--window",
        metavar="LENGTH",
        help="Length of the window: 14d by default; in d or w whole UTC days, in h "
        "up to the last event.",
        show_default=False,
    ),
]
Complete: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--complete",
        help="Leave out a last day that is not over yet.",
        show_default=False,
    ),
]
ScaleOption: TypeAlias = Annotated[
    Literal["log1p", "raw"],
    typer.Option("--scale", metavar="SCALE", help="Features as log1p of counts, or raw."),
]
BotsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--bots", metavar="FILE", help="A TOML file of bot rules in place of the bundled ones."
    ),
]
KeepBots: TypeAlias = Annotated[
    bool, typer.Option("--keep-bots", help="Do not filter out bots.", show_default=False)
]
PopularityOption: TypeAlias = Annotated[
    Literal["follows-received", "followers"],
    typer.Option(
        "--popularity",
        metavar="COUNT",
        help="What b, tiers and visibility count: follows-received (in the window), "
        "or followers (see hydrate).",
    ),
]
Missing: TypeAlias = Annotated[
    Literal["error", "drop", "received"],
    typer.Option(
        "--missing-followers",
        metavar="WAY",
        help="With followers, on agents without a known count: error, drop, or "
        "received (their follows).",
    ),
]
InfluenceOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--influence",
        metavar="KIND,KIND",
        help="What c counts: replies, reposts, quotes; all three, unless the store knows no "
        "quotes in part of the window.",
        show_default=False,
    ),
]
MaxRate: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-rate",
        metavar="R/D",
        help="Bots are also accounts with over R records a day on D days, such as 500/3.",
        show_default=False,
    ),
]
Indicator: TypeAlias = Annotated[
    str,
    typer.Option(
        "--indicator",
        metavar="NAME,NAME",
        help="lin, heat, var, gini (all: these four), hill, entropy, threshold; or "
        "your own, which is run: package.module:name, file.py.",
        autocompletion=completion.indicators,
    ),
]
Method: TypeAlias = Annotated[
    Literal["auto", "closed", "quadrature"],
    typer.Option(
        "--method",
        metavar="METHOD",
        help="closed form, quadrature of K steps, or auto: closed where there is one.",
    ),
]
PanelOption: TypeAlias = Annotated[
    Literal["active", "involved"] | None,
    typer.Option(
        "--panel",
        metavar="WHOM",
        help="Whom to ask about: all active in the window, or only those involved in "
        "the topic, as by default where a search for words found the records.",
    ),
]
Steps: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--steps",
        metavar="K",
        help="Number of quadrature steps; 30 by default.",
        show_default=False,
    ),
]
AggregatorOption: TypeAlias = Annotated[
    Literal["mean", "log", "geometric"],
    typer.Option(
        "--aggregator",
        metavar="WAY",
        help="How lin, var and gini combine a, b, c: mean, log or geometric.",
    ),
]
Weights: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="A,B,C",
        help="Weights of a, b, c in it, such as 0.5,0.25,0.25; thirds by default.",
        show_default=False,
    ),
]
Tiers: TypeAlias = Annotated[
    str,
    typer.Option(
        "--tiers",
        metavar="N,N",
        help="Where the upper tiers end, in per cent of the agents from the top.",
    ),
]
_GROUPS_OF_A_STORE = (
    "Also groups of agents by lang, host, domain, domain:links, label, age, community (who "
    "interacts; needs networkit)"
)
_GROUPS = f"{_GROUPS_OF_A_STORE}, tier, FILE.csv (did,group) or a column of your own features; two "


def _by(text: str) -> Any:
    return typer.Option("--by", metavar="WHAT", help=text, show_default=False)


Groups: TypeAlias = Annotated[str | None, _by(f"{_GROUPS}levels with a comma.")]
GroupsOrDays: TypeAlias = Annotated[
    str | None, _by(f"{_GROUPS}levels with a comma. Or day: each UTC day by itself.")
]
GroupsOfChange: TypeAlias = Annotated[
    str | None, _by(f"{_GROUPS_OF_A_STORE} or FILE.csv (did,group).")
]
ManyGroups: TypeAlias = Annotated[
    Literal["join", "sample"],
    typer.Option(
        "--many-groups",
        metavar="WAY",
        help="More than 16 groups: join small ones, or sample orders in which groups enter.",
    ),
]
Seed: TypeAlias = Annotated[int, typer.Option("--seed", metavar="N", help="The first seed.")]
Format: TypeAlias = Annotated[
    Literal["text", "json", "csv", "md", "tex"] | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="text (by default), json, csv, md (Markdown) or tex (LaTeX).",
        show_default=False,
    ),
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out",
        parser=named_file,
        metavar="FILE",
        help="Write to a .txt, .json, .csv, .md, .tex or .parquet file.",
        show_default=False,
    ),
]
Verbose: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Also show the panel, the method and every parameter.",
        show_default=False,
    ),
]
Top: TypeAlias = Annotated[
    int,
    typer.Option(
        "--top",
        metavar="N",
        help="How many agents to name; 0 names nobody.",
    ),
]
Pseudonyms: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--pseudonyms",
        help="Name accounts by hashes; their key is in BLUEATTR_PSEUDONYM_KEY, or in "
        "pseudonyms.key beside the output.",
        show_default=False,
    ),
]
DryRun: TypeAlias = Annotated[
    bool,
    typer.Option("--dry-run", help="Change nothing; say what would be done.", show_default=False),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress.", show_default=False)
]
EventsFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--events",
        metavar="FOLDER",
        help="Events parted by account, in place of a store; see docs/partitions.md.",
        show_default=False,
    ),
]
