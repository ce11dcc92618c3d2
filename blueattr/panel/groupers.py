"""What a store's agents can be grouped by: a function each, in a table by their names."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from blueattr.decode.clock import first_tid
from blueattr.kernels.most_frequent import NO_GROUP, MostFrequent
from blueattr.panel.kept import kept_after
from blueattr.panel.query import StoreView
from blueattr.store.account_numbers import known_accounts, past_account
from blueattr.store.engine.rows import arrays

if TYPE_CHECKING:
    from blueattr.panel.graph.communities import Communities

__all__ = ["GROUPERS", "OF_POSTS", "Grouped", "Grouper"]


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
    groups = words.select(group=pl.col("said").str.split(" ").list.eval(group).list.unique())
    # Texts are few: what there is of each account is numbers.
    names = groups["group"].explode().drop_nulls().unique().sort()
    places = names.to_frame("group").with_columns(place=pl.int_range(len(names), dtype=pl.UInt32))
    of_code = (
        groups.with_row_index("code")
        .explode("group")
        .join(places, on="group", maintain_order="left")
    )
    start = np.searchsorted(of_code["code"].to_numpy(), np.arange(len(words) + 1))
    counts = MostFrequent(
        view.built.agents["account"].to_numpy(),
        past_account(view.store),
        start,
        of_code["place"].to_numpy(),
    )
    with known_accounts(view.store):
        for batch in view.store.batches(posts, _ROWS, **_times(view)):
            counts.add(*arrays(batch))
    view.store.run("panel/forget_stated")
    found = counts.take()[view.built.agents["account"].to_numpy()]
    return names.gather(pl.Series(found).replace(int(NO_GROUP), None))


_ROWS = 1 << 20


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

OF_POSTS: Final = frozenset({"domain:links", "lang"})
"""Those that look at all posts of the window."""
