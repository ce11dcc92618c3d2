"""Parse what a user writes into values: options and settings as text, a program's also as values.

`query`, `question`, `sampling` and `budget` declare the options of all questions: the library takes
its options, and what it says of them, from here.
"""

import operator
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from blueattr.analysis.asked.sizes import download_limit, memory_limit
from blueattr.errors import UsageError
from blueattr.panel import EVERY_TOPIC
from blueattr.user_path import user_path

if TYPE_CHECKING:
    from blueattr.analysis.studies import Budget
    from blueattr.attribution.question import Question, Sampling
    from blueattr.indicators.base import Aggregator, Indicator
    from blueattr.indicators.custom import OwnIndicator
    from blueattr.panel.query import PanelQuery

__all__ = [
    "DEFAULT_DB",
    "EVERY_TOPIC",
    "INDICATOR_NAMES",
    "PROTOCOL_NAMES",
    "budget",
    "columns",
    "download_limit",
    "duration",
    "length",
    "memory_limit",
    "moment",
    "names",
    "names_one",
    "numbers",
    "query",
    "question",
    "sampling",
    "several_topics",
]


DEFAULT_DB = Path("data/blueattr.duckdb")
"""The store of a command without --db."""


_DEFAULT_LENGTH = timedelta(days=14)
# Any event's time is inside, and no window of a permitted length leaves the calendar.
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, tzinfo=UTC)
_MOST_SEEDS = 10_000
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SHORT_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), **_UNITS}
_WORDS = {
    "scale": ("log1p", "raw"),
    "popularity": ("follows-received", "followers"),
    "missing-followers": ("error", "drop", "received"),
}
INDICATOR_NAMES = ("lin", "heat", "var", "gini")
PROTOCOL_NAMES = ("visibility", "top", "active", "random")


def moment(text: str | date | None, option: str) -> datetime | None:
    """Parse a UTC date or time; None stays None."""
    if text is None:
        return None
    if isinstance(text, date):
        text = text.isoformat()
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


def length(text: str | timedelta, option: str = "--window") -> timedelta:
    """Parse the length of a window or the age of an answer, such as 14d."""
    if isinstance(text, timedelta):
        if text <= timedelta():
            raise UsageError(f"{option} {text} is not a length; it should be more than 0")
        return text
    match = re.fullmatch(r"([0-9]{1,5})([hdw])", text.strip())
    if not match or int(match[1]) == 0:
        raise UsageError(f"{option} {text!r} is not a length; write 14d, 36h or 2w")
    return int(match[1]) * _UNITS[match[2]]


def _in_days(window: str | timedelta) -> bool:
    """Return whether a length is meant in whole days: as a text, one in d or w."""
    if isinstance(window, timedelta):
        return window % timedelta(days=1) == timedelta()
    return not window.strip().endswith("h")


def numbers(
    text: str | float | Sequence[float], option: str, kind: type[int] | type[float]
) -> tuple[Any, ...]:
    """Parse numbers that are separated by commas; a program gives one number or several."""
    if isinstance(text, int | float):
        text = (text,)
    try:
        if isinstance(text, str):
            return tuple(kind(part) for part in text.split(","))
        # int(1.5) is 1, which nobody meant.
        whole: Any = operator.index if kind is int else float
        return tuple(whole(part) for part in text)
    except (TypeError, ValueError):
        raise UsageError(f"{option} {text!r} should be numbers separated by commas") from None


def names(text: str | Sequence[str], option: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Parse names that are separated by commas; 'all' stands for every known one."""
    if isinstance(text, str):
        parts = known if text == "all" else tuple(part.strip() for part in text.split(","))
    else:
        parts = tuple(text)
    if len(set(parts)) < len(parts):
        raise UsageError(f"{option} {text!r} names something twice")
    return parts


def columns(text: str) -> dict[str, str]:
    """Parse which columns of a features file are a, b and so on: ``a=posts,b=followers``."""
    named = {}
    for pair in text.split(","):
        part, equals, name = (piece.strip() for piece in pair.partition("="))
        if not (part and equals and name):
            raise UsageError(f"--columns {text!r} should name columns, such as a=posts,b=followers")
        if part in named:
            raise UsageError(f"--columns {text!r} names {part} twice")
        named[part] = name
    return named


def names_one(indicator: object) -> bool:
    """Return whether an indicator is one, by its name or as an object, and not a list of them."""
    if isinstance(indicator, str):
        return indicator != "all" and "," not in indicator
    return not isinstance(indicator, list | tuple | set | dict)


def several_topics(text: str | Sequence[str] | None, match: str | Sequence[str]) -> tuple[str, ...]:
    """Parse the topics of a grid; empty if the text names one topic or none."""
    if isinstance(text, str):
        text = text.lower()
    if text is None or (isinstance(text, str) and text != EVERY_TOPIC and "," not in text):
        return ()
    if match:
        raise UsageError("--match defines one topic; it does not go with several")
    topics = names(text, "--topic", ())
    if len(topics) > 1 and EVERY_TOPIC in topics:
        raise UsageError("--topic all-topics cannot be combined with other topics")
    return topics


def query(
    *,
    db: Path = DEFAULT_DB,
    memory: str | int = "4GB",
    topic: str | Sequence[str] | None = None,
    match: str | Sequence[str] = (),
    topics: str | Path | None = None,
    start: str | date | None = None,
    end: str | date | None = None,
    window: str | timedelta | None = None,
    complete: bool = False,
    scale: Literal["log1p", "raw"] = "log1p",
    bots: str | Path | None = None,
    keep_bots: bool = False,
    max_rate: str | None = None,
    popularity: Literal["follows-received", "followers"] = "follows-received",
    missing_followers: Literal["error", "drop", "received"] = "error",
    influence: str | Sequence[str] | None = None,
) -> "PanelQuery":
    """Make a panel query.

    Parameters
    ----------
    db, memory
        The store, and the memory of the whole process, such as ``"4GB"``.
    topic
        The name of a topic, or ``"all"`` for every event. Where a question is about several: a list
        of names, or ``"all-topics"``.
    match
        A regular expression (RE2, letter case ignored), or several, that define a topic instead.
    topics
        A TOML file with topics of your own.
    start
        The start of the window: a UTC date or time, or a text such as ``"2026-04-09"``.
    end
        The end of the window, exclusive.
    window
        The length of the window: a ``timedelta``, or a text such as ``"36h"`` or ``"2w"``; 14 days
        by default. Without `start` and `end`, a length in days or weeks means whole UTC days, the
        last of which is that of the last event in the store; one in hours ends at that event.
    complete
        Without `start` and `end`: leave out a last day that is not over yet.
    scale
        The scale of the features: ``"log1p"``, or ``"raw"`` counts.
    bots
        A TOML file of bot rules that replaces the bundled rules.
    keep_bots
        Do not filter out bots.
    max_rate
        Also filter out accounts with more than R records a day on at least D days: ``"500/3"``.
    popularity
        What b counts, and what tiers and visibility samples go by: ``"follows-received"`` in the
        window, or ``"followers"``, the counts from ``blueattr hydrate``.
    missing_followers
        With ``popularity="followers"``, for agents without a known count: ``"error"``, ``"drop"``
        them, or use the follows they ``"received"``.
    influence
        What c counts: ``"replies"``, ``"reposts"``, ``"quotes"``, several with commas or in a list.
        By default all three; where the store does not know quotes in all of the window, the first
        two, and the answer says so.

    Raises
    ------
    UsageError
        For a text that makes no sense, and options that contradict each other.
    """
    from blueattr.panel.bots import RateRule
    from blueattr.panel.influence import check_influence
    from blueattr.panel.query import PanelQuery

    match = (match,) if isinstance(match, str) else match
    for option, value in (("scale", scale), ("popularity", popularity),
                          ("missing-followers", missing_followers)):  # fmt: skip
        one_of(value, f"--{option}", _WORDS[option])
    if "" in match:
        raise UsageError("--match is empty, and would match everything; that is --topic all")
    if start is not None and end is not None and window is not None:
        raise UsageError("give at most two of --from, --to and --window")
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
    if match and topic is not None:
        raise UsageError(
            f"--topic {topic} and --match exclude each other: an expression defines a topic of its "
            "own"
        )
    span = _DEFAULT_LENGTH if window is None else length(window)
    if complete and (start is not None or end is not None):
        raise UsageError("--complete sets where the window ends; leave out --from and --to")
    if complete and not _in_days(span if window is None else window):
        raise UsageError(f"--complete is about whole days; {window} is in hours")
    return PanelQuery(
        db=db,
        topic=topic if isinstance(topic, str) else None,
        match=tuple(match),
        topics_file=_file(topics),
        start=moment(start, "--from"),
        end=moment(end, "--to"),
        length=span,
        whole_days=_in_days(span if window is None else window),
        complete=complete,
        scale=scale,
        bots_file=_file(bots),
        keep_bots=keep_bots,
        rate=rate,
        memory=memory_limit(memory),
        popularity=popularity,
        missing_followers=missing_followers,
        influence=check_influence(influence),
    )


def question(
    *,
    indicator: "str | Indicator | OwnIndicator | Sequence[str | Indicator | OwnIndicator]" = "heat",
    method: str = "auto",
    steps: int | None = None,
    aggregator: "Literal['mean', 'log', 'geometric'] | Aggregator" = "mean",
    weights: str | Sequence[float] | None = None,
    tiers: str | float | Sequence[float] = "1,10",
    panel: str | None = None,
) -> "Question":
    """Make a question, checked before a store is opened.

    Parameters
    ----------
    indicator
        ``"lin"``, ``"heat"``, ``"var"``, ``"gini"`` (``"all"``: these four), ``"hill"``,
        ``"entropy"``, ``"threshold"``; your own as ``"package.module:name"``, ``"file.py"`` or
        ``"file.py:name"``, which is run, or as an object; or a list of these.
    method
        ``"closed"`` form, ``"quadrature"`` by the midpoint rule, or ``"auto"``: the closed form if
        there is one.
    steps
        The number of quadrature steps K; 30 by default.
    aggregator
        How ``lin``, ``var`` and ``gini`` combine a, b and c into one number: ``"mean"``, ``"log"``
        or ``"geometric"``.
    weights
        The weights of a, b and c in the aggregator; thirds by default.
    tiers
        Where the upper tiers end: cumulative percentages of the agents, such as 1,10.
    panel
        Whom to ask about: ``"active"``, everyone who was active in the window, or ``"involved"``,
        of these only who wrote about the topic or was answered, reposted or quoted on it; by
        default ``"active"``, but ``"involved"`` where all records come from a search for words,
        in which there is nobody else.

    Raises
    ------
    UsageError
        For an unknown indicator, method or panel, steps that do not suit it, or bad weights or
        tiers.
    """
    from blueattr.attribution.question import Question
    from blueattr.attribution.tiered import check_panel
    from blueattr.attribution.tiers import check_cutoffs
    from blueattr.attribution.value import check_method
    from blueattr.indicators.base import Aggregator
    from blueattr.indicators.find import find_indicator

    combine = aggregator if isinstance(aggregator, Aggregator) else Aggregator(aggregator)
    if weights is not None:
        values = numbers(weights, "--weights", float)
        if len(values) != 3:
            raise UsageError(f"--weights {weights!r} should be three numbers, for a, b and c")
        combine = Aggregator(combine.name, values)
    chosen: Any = indicator
    if isinstance(indicator, str):
        chosen = names(indicator, "--indicator", INDICATOR_NAMES)
    elif names_one(indicator):
        chosen = (indicator,)
    indicators = tuple(find_indicator(one) for one in chosen)
    if not indicators:
        raise UsageError("--indicator names none; name at least one")
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
        panel=None if panel is None else check_panel(panel),
    )


def sampling(
    *,
    protocol: str | Sequence[str] = "visibility",
    sizes: str | int | Sequence[int] | None = None,
    seeds: int = 10,
    seed: int = 0,
    correct: bool = False,
) -> "Sampling":
    """Make a sampling, checked before a store is opened.

    Parameters
    ----------
    protocol
        How samples are drawn: ``"visibility"``, ``"top"``, ``"active"``, ``"random"``, several of
        them, or ``"all"``.
    sizes
        Numbers of agents in a sample; by default 100 and 1,000 as far as the panel is larger.
    seeds
        The number of samples of each protocol and size.
    seed
        The first seed.
    correct
        Also put samples right: estimate from each what the shares of the whole panel are, by the
        probability with which each of its agents was drawn.

    Raises
    ------
    UsageError
        For an unknown protocol, or a number that makes no sense.
    """
    from blueattr.attribution.question import Sampling
    from blueattr.attribution.sampling import check_protocol

    protocols = names(protocol, "--protocol", PROTOCOL_NAMES)
    for name in protocols:
        check_protocol(name)
    counts = None if sizes is None else numbers(sizes, "--sizes", int)
    if counts is not None and (min(counts, default=0) < 1 or len(set(counts)) < len(counts)):
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
        correct=bool(correct),
    )


def budget(
    *,
    n: str | int | Sequence[int] | None = None,
    exact: int | None = None,
    permutations: str | int | Sequence[int] = "1000",
    coalitions: str | int | Sequence[int] = "200",
    antithetic: bool = False,
    seed: int = 0,
) -> "Budget":
    """Make the budget of a validation.

    Parameters
    ----------
    n
        Sizes of the panels to draw; by default those of 100, 1,000 and 10,000 that the panel
        allows.
    exact
        The size of the panel with exact Shapley values, 1 to 20; 12 by default.
    permutations
        Permutations of sampled Shapley, one number or several.
    coalitions
        Coalitions of sampled Banzhaf, one number or several.
    antithetic
        Also walk each permutation backwards.
    seed
        The seed of the panels and of what is sampled.

    Raises
    ------
    UsageError
        For a text that is no number.
    """
    from blueattr.analysis.studies import Budget

    return Budget(
        permutations=numbers(permutations, "--permutations", int),
        coalitions=numbers(coalitions, "--coalitions", int),
        sizes=None if n is None else numbers(n, "--n", int),
        exact=exact,
        antithetic=antithetic,
        seed=seed,
    )


def one_of(value: object, option: str, known: Sequence[str]) -> None:
    """Refuse a value that is none of those known; typer has refused it on the command line."""
    if value not in known:
        raise UsageError(f"{option} {value!r} is none of {', '.join(known)}")


def _file(path: str | Path | None) -> Path | None:
    return None if path is None else user_path(path)
