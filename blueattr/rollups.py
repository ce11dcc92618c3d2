"""Rollups: each day summarised once, so that a window costs agent-days and not events.

The writer keeps them: `roll_up` after an ingest, and each commit corrects what it changes of a
summarised day. A reader takes from them what they hold and works out the rest from the records by
the same statements, so that they change the time an answer takes and nothing else.
"""

import functools
import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, time, timedelta
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl
import pyarrow as pa

from blueattr.errors import PatternError
from blueattr.kernels.tallies import RECEIVED, WRITTEN, Accounts, Sums, Tally, add_up
from blueattr.provenance import Window
from blueattr.store import Store
from blueattr.writer import Writer

__all__ = ["LaidOut", "RolledUp", "Rule", "agent_days", "count", "lay_out", "roll_up", "totals"]

_DAY = timedelta(days=1)
_ROWS = 1 << 20  # rows that are counted at once
_SUMS = 1 << 23  # accounts that are summed up at once: 400 MB
_COUNTS = (*WRITTEN[1:], *RECEIVED)  # in the order of the statements

Stretch = tuple[datetime, datetime]
"""Of time: naive UTC, the end not included."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a topic matches, for the engine (RE2).

    Parameters
    ----------
    pattern
        For texts and link titles, in NFC.
    hint
        A cheap expression that matches at least whatever `pattern` does.
    hashtags
        That match as a whole, in NFC; letter case does not count.
    tag_pattern
        For hashtags, or None.
    """

    pattern: str
    hint: str
    hashtags: tuple[str, ...]
    tag_pattern: str | None

    def __str__(self) -> str:
        return json.dumps(astuple(self), ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> "Rule":
        """Take back what `str` gives."""
        pattern, hint, hashtags, tag_pattern = json.loads(text)
        return cls(pattern, hint, tuple(hashtags), tag_pattern)


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What `roll_up` did.

    Parameters
    ----------
    days
        That were summarised, ascending.
    topics
        How many were matched for the first time.
    days_held, topics_held
        How many there are now in all.
    """

    days: tuple[date, ...]
    topics: int
    days_held: int
    topics_held: int


# --- the writer's part ---------------------------------------------------------------------------


def roll_up(writer: Writer, rules: Iterable[Rule] = (), today: date | None = None) -> RolledUp:
    """Summarise the days that are over and match topics on all of them, in one transaction.

    Parameters
    ----------
    writer
        Of the store; nothing waits in it for a commit.
    rules
        Topics to match from now on, beside those that are matched already.
    today
        In UTC; by the clock, unless given. A day before it is over, and so is one before the last
        that has records. What comes later all the same is no harm: commits correct the summaries.

    Returns
    -------
    RolledUp

    Notes
    -----
    docs/data.md, "Rollups".
    """
    now = today or datetime.now(UTC).date()
    try:
        with writer.transaction():
            _define(writer)
            before = writer.frame("rollup/summarised_days")["day"].to_list()
            days = writer.frame("rollup/waiting_days", today=now)["day"].to_list()
            _summarise(writer, days)
            for day in days:
                writer.run("rollup/summarise_given", day=day)
                writer.run("rollup/summarised_day", day=day)
            for statement in ("giver_new", "watch_given", "watch"):
                writer.run(f"rollup/{statement}")
            known = _known(writer)
            late = _pending(writer)
            if known and (days or late):
                topics = [(number, rule) for rule, number in known.items()]
                _match(writer, topics, _stretches(days), late=late, others=_stretches(before))
                writer.run("rollup/matched_topics")
            writer.run("rollup/pending_none")
            new = [rule for rule in dict.fromkeys(rules) if rule not in known]
            first = max(known.values(), default=0) + 1
            topics = list(enumerate(new, first))
            for number, rule in topics:
                writer.run("rollup/new_topic", topic=number, rule=str(rule))
            if topics:
                _match(writer, topics, _stretches(sorted([*before, *days])), late=False, others=[])
                writer.run("rollup/matched_topics")
    finally:
        # Not within a transaction, which an error would have left unable to.
        writer.unregister("tally_columns")
    return RolledUp(tuple(days), len(new), len(before) + len(days), len(known) + len(new))


def _summarise(writer: Writer, days: Sequence[date]) -> None:
    """Count what accounts did and received on days: what the macro `summarised` does, faster."""
    past = writer.frame("rollup/past_account")["past"][0]
    for first, end in Tally.ranges(past) if days else ():
        tally = Tally(first, end)
        for day in days:
            for batch in writer.batches("rollup/codes", _ROWS, day=day):
                tally.add(*(column.to_numpy() for column in batch.columns))
            accounts, counts = tally.take()
            columns = dict(zip((*WRITTEN, *RECEIVED), counts, strict=True))
            writer.register("tally_columns", pa.table({"account": accounts, **columns}))
            writer.run("rollup/summarise", day=day)


def _define(store: Store) -> None:
    store.run("rollup/summarised")
    store.run("rollup/giver_watched")
    store.run("rollup/given")


def _known(store: Store) -> dict[Rule, int]:
    return {Rule.read(rule): number for number, rule in store.frame("rollup/topics").iter_rows()}


def _pending(store: Store) -> bool:
    return bool(store.frame("rollup/pending_count")["records"][0])


def _match(
    store: Store,
    topics: Sequence[tuple[int, Rule]],
    stretches: Sequence[Stretch],
    *,
    late: bool,
    others: Sequence[Stretch],
) -> None:
    """Find what belongs to topics, leaving it in the temp table `found`.

    Parameters
    ----------
    topics
        With their numbers in the store.
    stretches
        Of time, all of whose records are looked at.
    late
        Look at those that wait to be matched, too.
    others
        Stretches whose own matches are known, but not what there hangs on a match found now.
    """
    store.run("rollup/nfc")
    store.run("rollup/tagged")
    store.run("rollup/found_none")
    if late:
        store.run("rollup/late")
    for group in _groups(store, topics):
        store.run("rollup/hinted_none")
        one = _any_of([rule for _, rule in group])
        hints = {"hint": one.hint, "hashtags": one.hashtags, "tag_pattern": one.tag_pattern}
        for start, end in stretches:
            store.run("rollup/hinted", start=start, end=end, **hints)
        if late:
            store.run("rollup/hinted_pending", **hints)
        # The engine takes its time to compile exact patterns, were it for no post at all.
        found = store.frame("rollup/hinted_count")["posts"][0]
        for number, rule in group if found else ():
            store.run(
                "rollup/matching",
                topic=number,
                pattern=rule.pattern,
                hint=rule.hint,
                hashtags=rule.hashtags,
                tag_pattern=rule.tag_pattern,
            )
    store.run("rollup/hooks_found")
    if store.frame("rollup/hook_count")["posts"][0]:
        _hang(store, others)
    store.run("rollup/hooks_known", topics=[number for number, _ in topics])
    _hang(store, stretches)
    if late:
        store.run("rollup/hanging_pending")


def _hang(store: Store, stretches: Sequence[Stretch]) -> None:
    for start, end in stretches:
        store.run("rollup/hanging", start=start, end=end)
        store.run("rollup/hanging_threads", start=start, end=end)


def _groups(store: Store, topics: Sequence[tuple[int, Rule]]) -> list[Sequence[tuple[int, Rule]]]:
    """Put topics together whose texts are looked at once; each alone if the engine refuses that."""
    if len(topics) > 1:
        one = _any_of([rule for _, rule in topics])
        try:
            store.check_pattern(one.hint)
            store.check_pattern(one.tag_pattern or "")
        except PatternError:
            return [[topic] for topic in topics]
    return [topics] if topics else []


def _any_of(rules: Sequence[Rule]) -> Rule:
    """Make a rule whose hint and hashtags match whatever one of several rules does."""
    patterns = [rule.tag_pattern for rule in rules if rule.tag_pattern is not None]
    return Rule(
        "",
        "|".join(f"(?:{rule.hint})" for rule in rules),
        tuple(sorted({tag for rule in rules for tag in rule.hashtags})),
        "|".join(f"(?:{pattern})" for pattern in patterns) if patterns else None,
    )


def _stretches(days: Iterable[date]) -> list[Stretch]:
    """Put ascending days together to stretches."""
    found: list[Stretch] = []
    for day in days:
        start = datetime.combine(day, time())
        if found and found[-1][1] == start:
            found[-1] = found[-1][0], start + _DAY
        else:
            found.append((start, start + _DAY))
    return found


# --- the reader's part ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class LaidOut:
    """A window, as far as every question about it needs to know.

    Parameters
    ----------
    first, last
        The days that summaries serve; none where they cross.
    past
        Above the numbers of all accounts.
    active
        Who made a record, uint32, ascending; of those who are gone, too.
    gone
        Who is deleted, taken down or suspended at the window's end, uint32.
    followed, follows
        Who was followed, uint32, ascending, and by how many, int64; of those who are not gone.
    """

    first: date
    last: date
    past: int
    active: Accounts
    gone: Accounts
    followed: Accounts
    follows: Sums


_laid_out: WeakKeyDictionary[Store, tuple[Window, LaidOut]] = WeakKeyDictionary()


def lay_out(store: Store, window: Window) -> LaidOut:
    """Make what accounts did in a window ready to be asked for.

    Parameters
    ----------
    store
        Leaves the temp tables ``inactive``, ``fresh_day`` and ``gone_day`` behind for the
        statements that follow.
    window
        What was laid out last is kept: a store does not change while it is read.
    """
    store.run("read/inactive", end=window.end)
    known = _laid_out.pop(store, None)
    laid = known[1] if known and known[0] == window else _lay_out(store, _naive(window))
    _laid_out[store] = window, laid
    return laid


def _lay_out(store: Store, whole: Stretch) -> LaidOut:
    _define(store)
    days = store.frame("read/served_days", start=whole[0], end=whole[1])["day"].to_list()
    first, last = (days[0], days[-1]) if days else (date.max, date.min)
    store.run("read/fresh_none")
    store.run("read/gone", first=first, last=last)
    store.run("read/giver_inactive")
    for start, end in _without(whole, _stretches(days)):
        store.run("read/fresh", start=start, end=end)
        store.run("read/gone_fresh", start=start, end=end)
    store.run("read/giver_unwatched")
    for start, end in _stretches(days):
        store.run("read/gone_fresh", start=start, end=end)
    past = store.frame("rollup/past_account")["past"][0]
    sums = np.zeros((2, past), np.int64)
    _add_up(store.batches("read/tally", _ROWS, first=first, last=last), 0, sums)
    records, follows = sums
    gone = store.frame("read/gone_accounts")["account"].to_numpy()
    follows[gone] = 0
    active, followed = (np.flatnonzero(some).astype(np.uint32) for some in (records > 0, follows))
    return LaidOut(first, last, past, active, gone, followed, follows[followed])


def _add_up(batches: Iterable[pa.RecordBatch], low: int, sums: Sums) -> None:
    for batch in batches:
        account, *columns = (column.to_numpy() for column in batch.columns)
        add_up(account, columns, low, sums)


def count(store: Store, rule: Rule, window: Window) -> None:
    """Leave the posts, replies and reposts that belong to a topic in the temp table `counted`.

    What matches by its own words is in the temp table `matched`.
    """
    store.run("read/inactive", end=window.end)
    whole = _naive(window)
    number = _known(store).get(rule, 0)
    known = _stretches(store.frame("rollup/summarised_days")["day"]) if number else []
    rest = _without(whole, known)
    _match(
        store,
        [(number, rule)],
        rest,
        late=bool(number) and _pending(store),
        others=_without(whole, rest),
    )
    # What is kept of a topic is there once, and need not be put together with what was found.
    found = store.frame("read/found_count")["records"][0]
    candidate = "read/candidate" if found else "read/candidate_known"
    store.run(candidate, topic=number, start=whole[0], end=whole[1])
    store.run("read/matched")
    store.run("read/counted_topic")


def agent_days(store: Store, rule: Rule | None, window: Window) -> pl.DataFrame:
    """Count what each account did and received on each day.

    Parameters
    ----------
    rule
        The topic; None for all events. Follows are global.

    Returns
    -------
    pl.DataFrame
        ``account``, ``day`` and `blueattr.features.COUNTS`, in no order. Accounts that are gone at
        the window's end are not in it.
    """
    laid = lay_out(store, window)
    statement = "read/agent_days_all"
    if rule is not None:
        count(store, rule, window)
        statement = "read/agent_days"
    return store.frame(statement, first=laid.first, last=laid.last)


def totals(store: Store, rule: Rule | None, window: Window) -> pl.DataFrame:
    """Count what each account did and received in the window: `agent_days` summed over its days.

    Returns
    -------
    pl.DataFrame
        ``account``, ascending, and `blueattr.features.COUNTS`.
    """
    laid = lay_out(store, window)
    if rule is not None:
        count(store, rule, window)
        return _of_topic(store, laid)
    return pl.concat([_of_all(store, laid, *ends) for ends in Tally.ranges(laid.past, _SUMS)])


def _of_all(store: Store, laid: LaidOut, low: int, past: int) -> pl.DataFrame:
    """Count everything that accounts with numbers in a range did and received."""
    sums = np.zeros((len(_COUNTS), past - low), np.int64)
    parameters = {"first": laid.first, "last": laid.last, "low": low, "past": past}
    _add_up(store.batches("read/sums_all", _ROWS, **parameters), low, sums)
    some = functools.reduce(np.logical_or, sums)
    some[_within(laid.gone, low, past) - low] = False
    places = np.flatnonzero(some)
    counts = {name: row[places] for name, row in zip(_COUNTS, sums, strict=True)}
    return pl.DataFrame({"account": (places + low).astype(np.uint32), **counts})


def _of_topic(store: Store, laid: LaidOut) -> pl.DataFrame:
    """Count a topic's events, and all follows."""
    part = np.zeros(laid.past, np.bool_)
    for batch in store.batches("read/sums", _ROWS):
        for column in ("account", "subject"):
            part[batch[column].to_numpy()] = True
    # Those who take part are few: numbered among themselves, their counts lie close together.
    who = np.flatnonzero(part)
    place = np.zeros(laid.past, np.uint32)
    place[who] = np.arange(who.size, dtype=np.uint32)
    tally = Tally(0, who.size)
    for batch in store.batches("read/sums", _ROWS):
        account, subject, code = (column.to_numpy() for column in batch.columns)
        tally.add(place[account], place[subject], code)
    counted, counts = tally.take()
    there = np.zeros(laid.past, np.bool_)
    there[who] = there[laid.followed] = True
    there[laid.gone] = False
    account = np.flatnonzero(there).astype(np.uint32)
    place[account] = np.arange(account.size, dtype=np.uint32)
    kept = there[who[counted]]
    to = place[who[counted][kept]]
    sums = np.zeros((len(_COUNTS), account.size), np.int64)
    for name, numbers in zip((*WRITTEN, *RECEIVED), counts, strict=True):
        if name in _COUNTS[:-1]:
            sums[_COUNTS.index(name), to] = numbers[kept]
    sums[-1, place[laid.followed]] = laid.follows
    return pl.DataFrame({"account": account, **dict(zip(_COUNTS, sums, strict=True))})


def _within(accounts: Accounts, low: int, past: int) -> Accounts:
    return accounts[(accounts >= low) & (accounts < past)]


def _naive(window: Window) -> Stretch:
    start, end = (t.astimezone(UTC).replace(tzinfo=None) for t in (window.start, window.end))
    return start, end


def _without(whole: Stretch, parts: Iterable[Stretch]) -> list[Stretch]:
    """Cut parts, which ascend, out of a stretch."""
    left = []
    start, end = whole
    for first, past in parts:
        if first > start:
            left.append((start, min(first, end)))
        start = max(start, past)
        if start >= end:
            break
    if start < end:
        left.append((start, end))
    return [stretch for stretch in left if stretch[0] < stretch[1]]
