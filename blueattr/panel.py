"""The panel: which active accounts count as agents, with the effect of each filter."""

import tomllib
from dataclasses import dataclass
from datetime import UTC, timedelta
from importlib import resources
from pathlib import Path

import polars as pl

from blueattr.errors import EmptyPanelError, InputError
from blueattr.provenance import Gap, PanelStep, Window
from blueattr.store import Store

__all__ = ["BotRule", "Panel", "RateRule", "bot_rules", "build", "covered", "gaps"]

# Sources whose ends are this close cover the time between them.
_TOLERANCE = timedelta(minutes=5)
_UNKNOWN = "no source covers it"


@dataclass(frozen=True, slots=True)
class BotRule:
    """A named pattern that gives a bot away by its handle."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class RateRule:
    """More than `records` records a day on at least `days` days of the window."""

    records: int
    days: int


@dataclass(frozen=True, slots=True)
class Panel:
    """The agents of a window.

    Parameters
    ----------
    agents
        Columns ``account`` (the store's number) and ``did``, ascending by DID.
    steps
        The filters in order.
    """

    agents: pl.DataFrame
    steps: tuple[PanelStep, ...]


def bot_rules(path: Path | None = None) -> tuple[BotRule, ...]:
    """Return the rules of ``data/bots.toml``, or of a user's file in its place.

    Raises
    ------
    InputError
        The file cannot be read or has no ``rules``, or a rule lacks its name or pattern, or the
        engine (Rust's regex, linear time) refuses the pattern.
    """
    origin = path or (resources.files("blueattr.data") / "bots.toml")
    try:
        content = tomllib.loads(origin.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the bot rules in {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from None
    tables = content.get("rules")
    if not isinstance(tables, list):
        # Not as if it held no rules: a misspelt [[rule]] would let every bot in.
        raise InputError(f"{origin} has no list of tables [[rules]]; for no rules: rules = []")
    rules = []
    for number, table in enumerate(tables, 1):
        match table:
            case {"name": str(name), "pattern": str(pattern)}:
                pass
            case _:
                raise InputError(f"{origin}: rule {number} needs a name and a pattern")
        try:
            pl.Series([""]).str.contains(f"(?i){pattern}")
        except pl.exceptions.PolarsError as error:
            raise InputError(f"{origin}: the pattern of {name!r} is refused: {error}") from None
        rules.append(BotRule(name, pattern))
    return tuple(rules)


def build(
    store: Store,
    window: Window,
    *,
    rules: tuple[BotRule, ...] | None = None,
    rate: RateRule | None = None,
    keep_bots: bool = False,
) -> Panel:
    """Filter the accounts that were active in a window down to agents.

    Active is anyone with a post, reply, repost or follow in the window. Then, in this order, go:
    accounts deleted, taken down or suspended at its end; bots, by handle, by their own label and,
    where `rate` is given, by volume; accounts created inside it. Accounts whose handle or creation
    time is unknown stay, and the step says how many they are. (docs/data.md, "Panel".)

    Parameters
    ----------
    store
        Leaves the temp table ``inactive`` behind for the statements that follow.
    rules
        Handle rules; those that come with blueattr by default.
    keep_bots
        Apply no bot filter at all.

    Raises
    ------
    EmptyPanelError
        Nobody was active, or nobody is left.
    """
    bounds = {"start": window.start, "end": window.end}
    store.run("read/inactive", end=window.end)
    agents = store.frame("read/agents", **bounds)
    if agents.is_empty():
        raise EmptyPanelError(
            f"nobody was active from {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M}; "
            "see what the store covers with: blueattr status"
        )
    filters: list[tuple[str, pl.Expr, str]] = [
        (
            "deleted, taken down or suspended at the window's end",
            pl.col("status").is_not_null(),
            "",
        )
    ]
    if not keep_bots:
        known = agents["handle"].is_not_null().sum()
        note = f"handles known for {known:,} of {len(agents):,} active accounts"
        for rule in bot_rules() if rules is None else rules:
            hit = pl.col("handle").str.contains(f"(?i){rule.pattern}").fill_null(value=False)
            filters.append((f"bot handle: {rule.name}", hit, note))
            note = ""
        filters.append(("bot by its own label", pl.col("bot_label"), note))
        if rate is not None:
            busy = store.frame("read/busy_days", rate=rate.records, **bounds)
            agents = agents.join(busy, on="account", how="left", maintain_order="left")
            filters.append(
                (
                    f"bot by rate: over {rate.records} records a day on {rate.days} days or more",
                    pl.col("busy_days").fill_null(0) >= rate.days,
                    "",
                )
            )
    inside = pl.col("created_at").is_between(
        window.start.replace(tzinfo=None), window.end.replace(tzinfo=None), closed="left"
    )
    unknown = pl.col("created_at").is_null()
    filters.append(("created inside the window", inside.fill_null(value=False), "created"))
    steps = []
    for name, hit, note in filters:
        before = len(agents)
        agents = agents.filter(~hit)
        text = note
        if note == "created":
            text = (
                f"creation time unknown for {agents.select(unknown.sum()).item():,}, who are kept"
            )
        steps.append(PanelStep(name, before, before - len(agents), len(agents), text))
    if agents.is_empty():
        worst = max(steps, key=lambda step: step.removed)
        raise EmptyPanelError(
            f"the filters leave nobody of {steps[0].before:,} active accounts; most "
            f"({worst.removed:,}) went as: {worst.filter}"
        )
    return Panel(agents.select("account", "did"), tuple(steps))


def covered(store: Store) -> tuple[Window, ...]:
    """Return the stretches of time that sources cover, merged where they touch, ascending.

    A source covers the time from its first to its last event, but for what it knows to have
    missed; what a file lacks in between cannot be told from the file.
    """
    return tuple(span for span, _ in _coverage(store))


def _coverage(store: Store) -> list[tuple[Window, str]]:
    """Merge what the sources cover; with why the time before each stretch was not seen."""
    spans: list[tuple[Window, str]] = []
    for first, last, reason in store.frame("read/coverage").iter_rows():
        start, end = first.replace(tzinfo=UTC), last.replace(tzinfo=UTC)
        # What a source knows to have missed is a gap, however short.
        tolerance = timedelta(0) if reason else _TOLERANCE
        if spans and start - spans[-1][0].end <= tolerance:
            before, why = spans[-1]
            spans[-1] = Window(before.start, max(before.end, end)), why
        else:
            spans.append((Window(start, end), reason))
    return spans


def gaps(store: Store, window: Window) -> tuple[Gap, ...]:
    """Return the stretches of a window that no source covers, ascending."""
    found = []
    reached = window.start
    for span, reason in _coverage(store):
        if span.start >= window.end:
            break
        inside = reached > window.start
        if span.start - reached > (timedelta(0) if inside or reason else _TOLERANCE):
            found.append(Gap(reached, span.start, reason or _UNKNOWN))
        reached = max(reached, span.end)
    if window.end - reached > _TOLERANCE:
        found.append(Gap(reached, window.end, _UNKNOWN))
    return tuple(found)
