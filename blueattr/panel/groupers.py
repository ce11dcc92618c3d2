"""What a store's agents can be grouped by: a function each, in a table by their names."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.decode.clock import first_tid
from blueattr.panel.kept import kept_after
from blueattr.panel.query import StoreView
from blueattr.store.account_numbers import known_accounts, past_account
from blueattr.store.engine.rows import arrays

if TYPE_CHECKING:
    from blueattr.panel.graph.communities import Communities

__all__ = ["GROUPERS", "Grouped", "Grouper"]


class Grouped(NamedTuple):
    """The groups of a panel's agents.

    Parameters
    ----------
    groups
        Text (n,), in the order of the panel's agents; null where a group is unknown.
    order
        The groups in an order of their own; None where the largest is first.
    telling
        Groups whose name says who an account is.
    plain
        Names to have instead where no account is named; of those groups that have one.
    notes
        What a reader must know of the groups, a sentence each.
    communities
        How they were found, where they are communities.
    """

    groups: pl.Series
    order: tuple[str, ...] | None = None
    telling: frozenset[str] = frozenset()
    plain: Mapping[str, str] = MappingProxyType({})
    notes: tuple[str, ...] = ()
    communities: "Communities | None" = None


Grouper: TypeAlias = Callable[[StoreView], Grouped]


# Below these, the domain that somebody can register has one label more: bbc.co.uk, not co.uk.
_SECOND_LEVEL = "ac|co|com|edu|go|gob|gov|gouv|mil|ne|net|nom|or|org"
_DOMAIN = rf"[^.]+\.(?:(?:{_SECOND_LEVEL})\.[a-z]{{2}}|[^.]+)$"
_MADE_UP = ".test"


def domain(view: StoreView) -> Grouped:
    """Group agents by the domain of their handles, as somebody registers it.

    Of ``alice.bsky.social`` it is ``bsky.social``, of ``desk.news.example.co.uk`` it is
    ``example.co.uk``.
    """
    known = view.built.directory.handles()
    handles = _of_agents(view, known, "handle").str.to_lowercase()
    groups = pl.DataFrame({"handle": handles}).select(_domain(pl.col("handle"))).to_series()
    there = groups.drop_nulls().unique()
    telling = there.filter(there.is_in(handles.implode()))
    why = _unknown(groups, "no handle of theirs is known")
    return Grouped(groups, None, frozenset(telling), notes=why)


def _domain(handle: pl.Expr) -> pl.Expr:
    # What is made up ends in .test: it has the domain that it is made up to have.
    real = handle.str.strip_suffix(_MADE_UP)
    made_up = pl.when(real != handle).then(real.str.extract(f"({_DOMAIN})") + _MADE_UP)
    return pl.coalesce(made_up, handle.str.extract(f"({_DOMAIN})"))


def age(view: StoreView) -> Grouped:
    """Group agents by the year in which their accounts were created."""
    years = _of_agents(view, view.built.directory.years(), "year")
    known = sorted(years.drop_nulls().unique().to_list())
    why = _unknown(years, _NO_YEARS)
    return Grouped(years.cast(pl.String), tuple(map(str, known)), notes=why)


_NO_YEARS = (
    "nobody says when their accounts were created; an export of the PLC directory does: "
    "blueattr ingest --plc"
)


def host(view: StoreView) -> Grouped:
    """Group agents by the host of their repositories (PDS), as the PLC directory lists it."""
    known, names = view.built.directory.hosts()
    groups = names.gather(_of_agents(view, known, "place"))
    if groups.is_null().all():
        return Grouped(groups, notes=(_NO_HOSTS,))
    return Grouped(groups, notes=_unknown(groups, "the PLC directory has no host of them"))


_NO_HOSTS = "No host is known; an export of the PLC directory has them: blueattr ingest --plc."


def label(view: StoreView) -> Grouped:
    """Group agents by the set of labels that their profiles give them, in alphabetical order."""
    after = kept_after(view.store)
    since = "" if after is None else first_tid(after)
    known = view.store.frame("panel/profile_labels", since=since)
    labels = _of_agents(view, known, "labels").replace("", _NO_LABEL)
    why = _unknown(labels, "their profiles were not seen")
    return Grouped(labels, notes=(*why, *_lacking(view, "Labels of profiles", after)))


_NO_LABEL = "no label"


def lang(view: StoreView) -> Grouped:
    """Group agents by the language that most of their posts of the window state.

    Regions and scripts of a language are one.
    """
    tags = pl.element().str.split("-").list.first()
    found = _most_frequent(view, "panel/languages", "panel/language_posts", tags)
    why = _unknown(found, "no post of theirs in the window states a language")
    return Grouped(found, notes=(*why, *_lacking(view, "Languages", kept_after(view.store))))


def link_domain(view: StoreView) -> Grouped:
    """Group agents by the domain that most of their posts of the window link to."""
    domains = pl.coalesce(_domain(pl.element()), pl.element())
    found = _most_frequent(view, "panel/link_hosts", "panel/link_posts", domains)
    why = _unknown(found, "no post of theirs in the window has a link")
    return Grouped(found, notes=(*why, *_lacking(view, "Links", kept_after(view.store))))


def _times(view: StoreView) -> dict[str, datetime]:
    # As they are stored: another type would have the engine read the times of all records.
    return {
        "start": view.window.start.astimezone(UTC).replace(tzinfo=None),
        "end": view.window.end.astimezone(UTC).replace(tzinfo=None),
    }


def _unknown(groups: pl.Series, why: str) -> tuple[str, ...]:
    return (f"unknown: {why}.",) if groups.has_nulls() else ()


def _lacking(view: StoreView, what: str, after: datetime | None) -> tuple[str, ...]:
    if after is None or view.window.start > after:
        return ()
    since = f"{what} are known from {after:%Y-%m-%d %H:%M} UTC on"
    return (f"{since}: an earlier version filled the store until then.",)


def _most_frequent(view: StoreView, sets: str, posts: str, group: pl.Expr) -> pl.Series:
    """Return the group that each agent has most posts in, of several the first by alphabet.

    Parameters
    ----------
    sets, posts
        Statements: which sets of words posts state, with a space between, and which of them each.
    group
        The group of each word. A post counts once in it, however many words it has of it.
    """
    view.store.run(sets, **_times(view))
    words = view.store.frame("panel/stated_names")
    stated = _counted(view, posts)
    view.store.run("panel/forget_stated")
    # Texts are few: what there is of each account is numbers.
    groups = words.select("code", group=pl.col("said").str.split(" ").list.eval(group))
    groups = groups.explode("group").unique()
    names = groups["group"].unique().sort()
    places = names.to_frame().with_columns(place=pl.int_range(len(names), dtype=pl.UInt64))
    rows = stated.join(groups.join(places, on="group").select("code", "place"), on="code")
    account, place, count = (rows[name].to_numpy() for name in ("account", "place", "posts"))
    key = account.astype(np.uint64) << _HALF | place
    order = np.argsort(key)
    key, starts = np.unique(key[order], return_index=True)
    counts = np.add.reduceat(count[order].astype(np.uint64), starts) if len(key) else key
    # The most posts, then the first place.
    score = counts << _HALF | (_LAST - (key & _LAST))
    who, firsts = np.unique(key >> _HALF, return_index=True)
    best = np.maximum.reduceat(score, firsts) if len(who) else who
    most = pl.DataFrame({"account": who.astype(np.uint32), "place": _LAST - (best & _LAST)})
    return names.gather(_of_agents(view, most, "place"))


_HALF, _LAST = np.uint64(32), np.uint64((1 << 32) - 1)
_ROWS = 1 << 20
_AT_ONCE = 1 << 23  # posts whose keys are sorted at once: 64 MB


def _counted(view: StoreView, statement: str) -> pl.DataFrame:
    """Count the posts of each agent that state each set: ``account``, ``code``, ``posts``."""
    is_agent = np.zeros(past_account(view.store), np.bool_)
    is_agent[view.built.agents["account"].to_numpy()] = True
    keys, counts = np.empty(0, np.uint64), np.empty(0, np.uint32)
    waiting: list[npt.NDArray[np.uint64]] = []
    with known_accounts(view.store):
        for batch in view.store.batches(statement, _ROWS, **_times(view)):
            account, code = arrays(batch)
            theirs = is_agent[account]
            waiting.append(account[theirs].astype(np.uint64) << _HALF | code[theirs])
            if sum(one.size for one in waiting) >= _AT_ONCE:
                keys, counts = _added(keys, counts, waiting)
                waiting = []
    keys, counts = _added(keys, counts, waiting)
    account, code = ((part & _LAST).astype(np.uint32) for part in (keys >> _HALF, keys))
    return pl.DataFrame({"account": account, "code": code, "posts": counts})


def _added(
    keys: npt.NDArray[np.uint64],
    counts: npt.NDArray[np.uint32],
    more: Sequence[npt.NDArray[np.uint64]],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]:
    """Count more keys, each once, beside those that were counted, which ascend."""
    new = np.concatenate([np.empty(0, np.uint64), *more])
    new.sort()
    new, starts = _runs(new)
    both = np.concatenate([keys, new])
    times = np.concatenate([counts, np.diff(starts).astype(np.uint32)])
    order = np.argsort(both, kind="stable")
    both, starts = _runs(both[order])
    if not both.size:
        return both, times
    return both, np.add.reduceat(times[order], starts[:-1], dtype=np.uint32)


def _runs(
    ascending: npt.NDArray[np.uint64],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.intp]]:
    """Return each of some keys once, and where its run begins; at last where the last ends."""
    ends = np.flatnonzero(ascending[1:] != ascending[:-1]) + 1
    starts = np.concatenate([[0], ends, [ascending.size]]) if ascending.size else np.zeros(1, int)
    return ascending[starts[:-1]], starts


def _of_agents(view: StoreView, known: pl.DataFrame, column: str) -> pl.Series:
    """Return what is known of the agents, null where nothing is, in their order."""
    agents = view.built.agents.select("account")
    return agents.join(known, on="account", how="left", maintain_order="left")[column]


GROUPERS: Mapping[str, Grouper] = MappingProxyType(
    {
        "domain": domain,
        "domain:links": link_domain,
        "host": host,
        "lang": lang,
        "label": label,
        "age": age,
    }
)
"""By the name that users write."""
