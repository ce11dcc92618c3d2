"""Turn what a user writes as text, in an option or a file of settings, into values."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.attribution.question import Question, Sampling
    from blueattr.panel.query import PanelQuery

__all__ = [
    "DEFAULT_DB",
    "INDICATOR_NAMES",
    "PROTOCOL_NAMES",
    "duration",
    "length",
    "memory_limit",
    "moment",
    "names",
    "numbers",
    "query",
    "question",
    "sampling",
    "several_topics",
]


DEFAULT_DB = Path("data/blueattr.duckdb")
"""The store of a command that names none."""


_DEFAULT_LENGTH = timedelta(days=14)
# Any event's time is inside, and no window of a permitted length leaves the calendar.
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, tzinfo=UTC)
_LEAST_MEMORY, _MOST_MEMORY = 256 << 20, 1 << 50
_MEMORY_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_MOST_SEEDS = 10_000
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SHORT_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), **_UNITS}
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


def several_topics(text: str | None, match: Sequence[str]) -> tuple[str, ...]:
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


def query(
    *,
    db: Path = DEFAULT_DB,
    memory: str = "4GB",
    topic: str | None = None,
    match: Sequence[str] = (),
    topics: Path | None = None,
    start: str | None = None,
    end: str | None = None,
    window: str | None = None,
    scale: Literal["log1p", "raw"] = "log1p",
    bots: Path | None = None,
    keep_bots: bool = False,
    max_rate: str | None = None,
    popularity: Literal["follows-received", "followers"] = "follows-received",
    missing_followers: Literal["error", "drop", "received"] = "error",
) -> "PanelQuery":
    """Turn options into a panel query."""
    from blueattr.panel.bots import RateRule
    from blueattr.panel.query import PanelQuery

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
        topics_file=topics,
        start=moment(start, "--from"),
        end=moment(end, "--to"),
        length=_DEFAULT_LENGTH if window is None else length(window),
        scale=scale,
        bots_file=bots,
        keep_bots=keep_bots,
        rate=rate,
        memory=memory_limit(memory),
        popularity=popularity,
        missing_followers=missing_followers,
    )


def question(
    *,
    indicator: str = "heat",
    method: str = "auto",
    steps: int | None = None,
    aggregator: Literal["mean", "log", "geometric"] = "mean",
    weights: str | None = None,
    tiers: str = "1,10",
) -> "Question":
    """Turn options into a question, checked before a store is asked for its panel."""
    from blueattr.attribution.question import Question
    from blueattr.attribution.tiers import check_cutoffs
    from blueattr.attribution.value import check_method
    from blueattr.indicators.base import Aggregator
    from blueattr.indicators.find import find_indicator

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


def sampling(
    *, protocol: str = "visibility", sizes: str = "100,1000", seeds: int = 10, seed: int = 0
) -> "Sampling":
    """Turn options into what to sample, checked before a store is asked for its panel."""
    from blueattr.attribution.question import Sampling
    from blueattr.attribution.sampling import check_protocol

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
