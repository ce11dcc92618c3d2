"""Parse what a user writes as text, in an option or a settings file, into values."""

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
    "EVERY_TOPIC",
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
"""The store of a command without --db."""


EVERY_TOPIC = "all-topics"
"""The name that stands for all topics, bundled and from the user's file."""


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
    """Parse a UTC date or time; None stays None."""
    if text is None:
        return None
    try:
        time = (
            datetime.combine(date.fromisoformat(text), datetime.min.time())
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text)
            else datetime.fromisoformat(text)
        )
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is not a date or time; write 2026-04-09 or 2026-04-09T12:00"
        ) from None
    time = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    if not _EARLIEST <= time <= _LATEST:
        raise UsageError(f"{option} {text!r} lies outside the years 1970 to 2999")
    return time.astimezone(UTC)


def duration(text: str | None, option: str) -> timedelta | None:
    """Parse a time to wait or to follow, such as 30s; None stays None."""
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,7})(s|m|h|d)", text.strip())
    if not match or int(match[1]) == 0:
        raise UsageError(f"{option} {text!r} is not a time; write 30s, 50m, 6h or 1d")
    return int(match[1]) * _SHORT_UNITS[match[2]]


def length(text: str, option: str = "--window") -> timedelta:
    """Parse the length of a window or the age of an answer, such as 14d."""
    match = re.fullmatch(r"([0-9]{1,5})([hdw])", text.strip())
    if not match or int(match[1]) == 0:
        raise UsageError(f"{option} {text!r} is not a length; write 14d, 36h or 2w")
    return int(match[1]) * _UNITS[match[2]]


def numbers(text: str, option: str, kind: type[int] | type[float]) -> tuple[Any, ...]:
    """Parse numbers that are separated by commas."""
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} {text!r} should be numbers separated by commas") from None


def names(text: str, option: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Parse names that are separated by commas; 'all' stands for every known one."""
    parts = known if text == "all" else tuple(part.strip() for part in text.split(","))
    if len(set(parts)) < len(parts):
        raise UsageError(f"{option} {text!r} names something twice")
    return parts


def several_topics(text: str | None, match: Sequence[str]) -> tuple[str, ...]:
    """Parse the topics of a grid; empty if the text names one topic or none."""
    if text is None or (text != EVERY_TOPIC and "," not in text):
        return ()
    if match:
        raise UsageError("--match defines one topic; it does not go with several")
    topics = names(text, "--topic", ())
    if len(topics) > 1 and EVERY_TOPIC in topics:
        raise UsageError("--topic all-topics stands alone; name topics, or take all of them")
    return topics


def memory_limit(text: str) -> int:
    """Parse a number of bytes such as 4GB, 800M or 2.5 GiB; the units are powers of 1024."""
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
    """Make a panel query from the texts of options."""
    from blueattr.panel.bots import RateRule
    from blueattr.panel.query import PanelQuery

    if "" in match:
        raise UsageError("--match is empty, and would match everything; that is --topic all")
    if start is not None and end is not None and window is not None:
        raise UsageError("--from, --to and --window: name at most two of them")
    if popularity != "followers" and missing_followers != "error":
        raise UsageError(
            f"--missing-followers {missing_followers} needs --popularity followers; without it, it "
            "would change nothing"
        )
    rate = None
    if max_rate is not None:
        parts = re.fullmatch(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,8})", max_rate)
        if not parts:
            raise UsageError(f"--max-rate {max_rate!r} should be records/days, such as 500/3")
        rate = RateRule(int(parts[1]), int(parts[2]))
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
    """Make a question from the texts of options, checked before a store is opened."""
    from blueattr.attribution.question import Question
    from blueattr.attribution.tiers import check_cutoffs
    from blueattr.attribution.value import check_method
    from blueattr.indicators.base import Aggregator
    from blueattr.indicators.find import find_indicator

    combine = Aggregator(aggregator)
    if weights is not None:
        values = numbers(weights, "--weights", float)
        if len(values) != 3:
            raise UsageError(f"--weights {weights!r} should be three numbers, for a, b and c")
        combine = Aggregator(aggregator, values)
    indicators = tuple(
        find_indicator(name) for name in names(indicator, "--indicator", INDICATOR_NAMES)
    )
    if len({one.name for one in indicators}) < len(indicators):
        raise UsageError(f"--indicator {indicator!r} names two indicators of the same name")
    method = "closed form" if method == "closed" else method
    for one in indicators:
        check_method(one, method, steps)
    return Question(
        indicators=indicators,
        method=method,
        steps=steps,
        aggregator=combine,
        cutoffs=check_cutoffs(numbers(tiers, "--tiers", float)),
    )


def sampling(
    *, protocol: str = "visibility", sizes: str = "100,1000", seeds: int = 10, seed: int = 0
) -> "Sampling":
    """Make a sampling from the texts of options, checked before a store is opened."""
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
