"""Options that mean the same in every command that has them."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.jobs import PanelQuery, Question, Sampling

DEFAULT_DB = Path("data/blueattr.duckdb")

Db: TypeAlias = Annotated[
    Path, typer.Option("--db", envvar="BLUEATTR_DB", help="The store, a DuckDB file.")
]
Memory: TypeAlias = Annotated[
    str, typer.Option("--memory-limit", help="Memory for the whole process, such as 4GB or 800MB.")
]
Insecure: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--insecure", help="Speak to ws:// and http:// addresses elsewhere than on this machine.",
        show_default=False,
    ),
]  # fmt: skip
Topic: TypeAlias = Annotated[
    str | None,
    typer.Option("--topic", help="A topic's name, or 'all' for every event.", show_default=False),
]
Topics: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--topic",
        help="A topic's name, several with commas, 'all-topics' for each there is, or 'all' for "
        "every event.",
        show_default=False,
    ),
]
Match: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--match",
        help="A regular expression (RE2, letter case ignored) that makes a topic of its own; "
        "may be given several times.",
        show_default=False,
    ),
]
TopicsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--topics", envvar="BLUEATTR_TOPICS", help="A TOML file with topics of yours."),
]
Start: TypeAlias = Annotated[
    str | None,
    typer.Option("--from", help="Start of the window: a UTC date or time.", show_default=False),
]
End: TypeAlias = Annotated[
    str | None,
    typer.Option("--to", help="End of the window, exclusive.", show_default=False),
]
Length: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--window",
        help="Length of the window, such as 36h or 2w, 14d by default; it ends at the last event "
        "seen unless --from or --to says otherwise.",
        show_default=False,
    ),
]
ScaleOption: TypeAlias = Annotated[
    Literal["log1p", "raw"], typer.Option("--scale", help="Scale of the features.")
]
BotsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--bots", help="A TOML file of bot rules in place of those that ship."),
]
KeepBots: TypeAlias = Annotated[
    bool, typer.Option("--keep-bots", help="Apply no bot filter.", show_default=False)
]
PopularityOption: TypeAlias = Annotated[
    Literal["follows-received", "followers"],
    typer.Option(
        "--popularity",
        help="What b counts, and tiers and visibility are by: follows received in the window, or "
        "the follower counts that `blueattr hydrate` got.",
    ),
]
Missing: TypeAlias = Annotated[
    Literal["error", "drop", "received"],
    typer.Option(
        "--missing-followers",
        help="With --popularity followers, what becomes of agents without a known count: an "
        "error, they are left out, or the follows they received count instead.",
    ),
]
MaxRate: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-rate",
        metavar="R/D",
        help="Also take accounts with over R records a day on D days for bots, such as 500/3.",
        show_default=False,
    ),
]
FeaturesFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--features",
        help="A panel of yours instead of a store: Parquet or CSV with did (or agent), a, b, c and "
        "optionally followers; used as it is.",
        show_default=False,
    ),
]
Indicator: TypeAlias = Annotated[
    str,
    typer.Option(
        "--indicator",
        help="lin, heat, var, gini (all: these four), hill, entropy, threshold, or one of your "
        "own: package.module:name, file.py or file.py:name, which is run. Several with commas.",
    ),
]
Method: TypeAlias = Annotated[
    Literal["auto", "closed", "quadrature"],
    typer.Option(
        "--method",
        help="Closed form, K-step midpoint quadrature, or auto: the closed form if there is one.",
    ),
]
Steps: TypeAlias = Annotated[
    int | None,
    typer.Option("--steps", help="K of the quadrature (30 by default).", show_default=False),
]
AggregatorOption: TypeAlias = Annotated[
    Literal["mean", "log", "geometric"],
    typer.Option("--aggregator", help="How lin, var and gini make one number of a, b and c."),
]
Weights: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--weights", help="Of a, b and c in the aggregator, such as 0.5,0.25,0.25; thirds by "
        "default.", show_default=False,
    ),
]  # fmt: skip
Tiers: TypeAlias = Annotated[
    str, typer.Option("--tiers", help="Ends of the upper tiers in cumulative per cent.")
]
Sizes: TypeAlias = Annotated[str, typer.Option("--sizes", help="Sample sizes, with commas.")]
Protocol: TypeAlias = Annotated[
    str,
    typer.Option(
        "--protocol", help="visibility, top, active, random, several with commas, or all."
    ),
]
Seeds: TypeAlias = Annotated[int, typer.Option("--seeds", help="Samples of each kind.")]
Seed: TypeAlias = Annotated[int, typer.Option("--seed", help="The first seed.")]
Format: TypeAlias = Annotated[
    Literal["text", "json", "csv"], typer.Option("--format", help="Of what goes to stdout.")
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Write to a file instead; its extension says the format: .txt, .json, .csv, .parquet.",
        show_default=False,
    ),
]

_DEFAULT_LENGTH = timedelta(days=14)
# Any event's time is inside, and no window of a permitted length leaves the calendar.
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, tzinfo=UTC)
_LEAST_MEMORY, _MOST_MEMORY = 256 << 20, 1 << 50
_MEMORY_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_MOST_SEEDS = 10_000
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SHORT_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), **_UNITS}
# Parameters of a command.
_ASK_A_STORE = frozenset({
    "topic", "match", "topics", "db", "start", "end", "window", "scale", "bots", "keep_bots",
    "max_rate", "popularity", "missing_followers",
})  # fmt: skip
INDICATOR_NAMES = ("lin", "heat", "var", "gini")
PROTOCOL_NAMES = ("visibility", "top", "active", "random")


def moment(text: str | None, option: str) -> datetime | None:
    """Read a UTC date or time; None stays None."""
    if text is None:
        return None
    try:
        found = (
            datetime.combine(date.fromisoformat(text), datetime.min.time())
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text)
            else datetime.fromisoformat(text)
        )
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is not a date or time; write 2026-04-09 or 2026-04-09T12:00"
        ) from None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    if not _EARLIEST <= found <= _LATEST:
        raise UsageError(f"{option} {text!r} lies outside the years 1970 to 2999")
    return found.astimezone(UTC)


def duration(text: str | None, option: str) -> timedelta | None:
    """Read how long something is to last; None stays None."""
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,7})(s|m|h|d)", text.strip())
    if not match or int(match[1]) == 0:
        raise UsageError(f"{option} {text!r} is not a time; write 30s, 50m, 6h or 1d")
    return int(match[1]) * _SHORT_UNITS[match[2]]


def length(text: str, option: str = "--window") -> timedelta:
    """Read a length of time."""
    match = re.fullmatch(r"([0-9]{1,5})([hdw])", text.strip())
    if not match or int(match[1]) == 0:
        raise UsageError(f"{option} {text!r} is not a length; write 14d, 36h or 2w")
    return int(match[1]) * _UNITS[match[2]]


def numbers(text: str, option: str, kind: type[int] | type[float]) -> tuple[Any, ...]:
    """Read numbers with commas between them."""
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} {text!r} should be numbers with commas between them") from None


def names(text: str, option: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Read names with commas between them, each once; 'all' stands for every known one."""
    found = known if text == "all" else tuple(part.strip() for part in text.split(","))
    if len(set(found)) < len(found):
        raise UsageError(f"{option} {text!r} names something twice")
    return found


def several_topics(text: str | None, match: list[str]) -> tuple[str, ...]:
    """Read the topics of a grid; nothing where one topic, or none, is asked for."""
    if text is None or (text != "all-topics" and "," not in text):
        return ()
    if match:
        raise UsageError("--match makes one topic; it does not go with several")
    found = tuple(part.strip() for part in text.split(","))
    if len(set(found)) < len(found):
        raise UsageError(f"--topic {text!r} names something twice")
    if len(found) > 1 and "all-topics" in found:
        raise UsageError("--topic all-topics stands alone; name topics, or ask for all of them")
    return found


def memory_limit(text: str) -> int:
    """Read a number of bytes such as 4GB, 800M or 2.5 GiB; the letters are powers of 1024."""
    match = re.fullmatch(r"\s*([0-9]{1,18}(?:\.[0-9]+)?)\s*([KMGT]?)(?:I?B)?\s*", text.upper())
    size = int(float(match[1]) * _MEMORY_UNITS[match[2]]) if match else 0
    if not _LEAST_MEMORY <= size <= _MOST_MEMORY:
        raise UsageError(
            f"--memory-limit {text!r} is not an amount of memory; write 256MB or more, such as 4GB"
        )
    return size


def only_for_a_store(context: typer.Context) -> None:
    """Refuse options that ask a store, where the panel is a file: they would change nothing."""
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        given = source is not None and source.name == "COMMANDLINE"
        if given and parameter.name in _ASK_A_STORE:
            raise UsageError(
                f"--features is a panel as it is; {parameter.opts[0]} asks a store, and would "
                "change nothing"
            )


def query(
    *,
    db: Path,
    memory: str,
    topic: str | None,
    match: list[str],
    topics_file: Path | None,
    start: str | None,
    end: str | None,
    window: str | None,
    scale: Literal["log1p", "raw"] = "log1p",
    bots_file: Path | None = None,
    keep_bots: bool = False,
    max_rate: str | None = None,
    popularity: Literal["follows-received", "followers"] = "follows-received",
    missing_followers: Literal["error", "drop", "received"] = "error",
) -> "PanelQuery":
    """Turn options into a panel query."""
    from blueattr.jobs import PanelQuery
    from blueattr.panel import RateRule

    if "" in match:
        raise UsageError("--match is empty, and would match everything; that is --topic all")
    if start is not None and end is not None and window is not None:
        raise UsageError("--from, --to and --window: give two of them")
    if popularity != "followers" and missing_followers != "error":
        raise UsageError(
            f"--missing-followers {missing_followers} says something of --popularity followers "
            "alone, and would change nothing"
        )
    rate = None
    if max_rate is not None:
        found = re.fullmatch(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,8})", max_rate)
        if not found:
            raise UsageError(f"--max-rate {max_rate!r} should be records/days, such as 500/3")
        rate = RateRule(int(found[1]), int(found[2]))
    return PanelQuery(
        db=db,
        topic=topic,
        match=tuple(match),
        topics_file=topics_file,
        start=moment(start, "--from"),
        end=moment(end, "--to"),
        length=_DEFAULT_LENGTH if window is None else length(window),
        scale=scale,
        bots_file=bots_file,
        keep_bots=keep_bots,
        rate=rate,
        memory=memory_limit(memory),
        popularity=popularity,
        missing_followers=missing_followers,
    )


def question(
    *,
    indicator: str,
    method: str,
    steps: int | None,
    aggregator: Literal["mean", "log", "geometric"],
    weights: str | None,
    tiers: str,
) -> "Question":
    """Turn options into a question, checked before a store is asked for its panel."""
    from blueattr.attribution import check_method
    from blueattr.indicators import Aggregator
    from blueattr.jobs import Question
    from blueattr.loading import find_indicator
    from blueattr.tiers import check_cutoffs

    chosen = Aggregator(aggregator)
    if weights is not None:
        values = numbers(weights, "--weights", float)
        if len(values) != 3:
            raise UsageError(f"--weights {weights!r} should be three numbers, for a, b and c")
        chosen = Aggregator(aggregator, values)
    named = names(indicator, "--indicator", INDICATOR_NAMES)
    indicators = tuple(find_indicator(name) for name in named)
    if len({one.name for one in indicators}) < len(indicators):
        raise UsageError(f"--indicator {indicator!r} names two indicators of the same name")
    spelled = "closed form" if method == "closed" else method
    for one in indicators:
        check_method(one, spelled, steps)
    return Question(
        indicators=indicators,
        method=spelled,
        steps=steps,
        aggregator=chosen,
        cutoffs=check_cutoffs(numbers(tiers, "--tiers", float)),
    )


def sampling(*, protocol: str, sizes: str, seeds: int, seed: int) -> "Sampling":
    """Turn options into what to sample, checked before a store is asked for its panel."""
    from blueattr.jobs import Sampling
    from blueattr.sampling import check_protocol

    protocols = names(protocol, "--protocol", PROTOCOL_NAMES)
    for name in protocols:
        check_protocol(name)
    counts = numbers(sizes, "--sizes", int)
    if min(counts) < 1 or len(set(counts)) < len(counts):
        raise UsageError(f"--sizes {sizes!r} should be different numbers of agents, at least 1")
    if not 1 <= seeds <= _MOST_SEEDS:
        raise UsageError(f"--seeds takes 1 to {_MOST_SEEDS:,}, not {seeds}")
    if seed < 0:
        raise UsageError(f"--seed is a whole number from 0 on, not {seed}")
    return Sampling(
        protocols=protocols,
        sizes=counts,
        seeds=seeds,
        seed=seed,
    )
