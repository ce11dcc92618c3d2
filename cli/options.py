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
Topic: TypeAlias = Annotated[
    str | None,
    typer.Option("--topic", help="A topic's name, or 'all' for every event.", show_default=False),
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
    str,
    typer.Option(
        "--window",
        help="Length of the window, such as 14d, 36h or 2w; it ends at the last event seen "
        "unless --from or --to says otherwise.",
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
    str, typer.Option("--indicator", help="lin, heat, var, gini, several with commas, or all.")
]
Method: TypeAlias = Annotated[
    Literal["closed", "quadrature"],
    typer.Option("--method", help="Closed form, or K-step midpoint quadrature."),
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

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
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
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def length(text: str) -> timedelta:
    """Read the length of a window."""
    match = re.fullmatch(r"(\d{1,5})([hdw])", text.strip())
    if not match or int(match[1]) == 0:
        raise UsageError(f"--window {text!r} is not a length; write 14d, 36h or 2w")
    return int(match[1]) * _UNITS[match[2]]


def numbers(text: str, option: str, kind: type[int] | type[float]) -> tuple[Any, ...]:
    """Read numbers with commas between them."""
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} {text!r} should be numbers with commas between them") from None


def names(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Read names with commas between them; 'all' stands for every known one."""
    return known if text == "all" else tuple(part.strip() for part in text.split(","))


def query(
    *,
    db: Path,
    memory: str,
    topic: str | None,
    match: list[str],
    topics_file: Path | None,
    start: str | None,
    end: str | None,
    window: str,
    scale: Literal["log1p", "raw"] = "log1p",
    bots_file: Path | None = None,
    keep_bots: bool = False,
    max_rate: str | None = None,
) -> "PanelQuery":
    """Turn options into a panel query."""
    from blueattr.jobs import PanelQuery  # noqa: PLC0415 - start-up time
    from blueattr.panel import RateRule  # noqa: PLC0415 - start-up time
    from blueattr.store import parse_memory  # noqa: PLC0415 - start-up time

    rate = None
    if max_rate is not None:
        found = re.fullmatch(r"(\d+)/(\d+)", max_rate)
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
        length=length(window),
        scale=scale,
        bots_file=bots_file,
        keep_bots=keep_bots,
        rate=rate,
        memory=parse_memory(memory),
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
    """Turn options into a question."""
    from blueattr.indicators import Aggregator  # noqa: PLC0415 - start-up time
    from blueattr.jobs import Question  # noqa: PLC0415 - start-up time

    chosen = Aggregator(aggregator)
    if weights is not None:
        values = numbers(weights, "--weights", float)
        if len(values) != 3:
            raise UsageError(f"--weights {weights!r} should be three numbers, for a, b and c")
        chosen = Aggregator(aggregator, values)
    return Question(
        indicators=names(indicator, INDICATOR_NAMES),
        method="closed form" if method == "closed" else method,
        steps=steps,
        aggregator=chosen,
        cutoffs=numbers(tiers, "--tiers", float),
    )


def sampling(*, protocol: str, sizes: str, seeds: int, seed: int) -> "Sampling":
    """Turn options into what to sample."""
    from blueattr.jobs import Sampling  # noqa: PLC0415 - start-up time

    return Sampling(
        protocols=names(protocol, PROTOCOL_NAMES),
        sizes=numbers(sizes, "--sizes", int),
        seeds=seeds,
        seed=seed,
    )
