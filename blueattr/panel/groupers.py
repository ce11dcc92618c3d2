"""What a store's agents can be grouped by: a function each, in a table by their names."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import polars as pl

from blueattr.panel import accounts
from blueattr.panel.query import StoreView

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
    known = accounts.Directory(view.store).handles()
    handles = _of_agents(view, known, "handle").str.to_lowercase()
    groups = pl.DataFrame({"handle": handles}).select(_domain(pl.col("handle"))).to_series()
    telling = groups.filter(groups.is_in(handles.drop_nulls().unique().implode()))
    return Grouped(groups, None, frozenset(telling.drop_nulls().unique()))


def _domain(handle: pl.Expr) -> pl.Expr:
    # What is made up ends in .test: it has the domain that it is made up to have.
    real = handle.str.strip_suffix(_MADE_UP)
    made_up = pl.when(real != handle).then(real.str.extract(f"({_DOMAIN})") + _MADE_UP)
    return pl.coalesce(made_up, handle.str.extract(f"({_DOMAIN})"))


def age(view: StoreView) -> Grouped:
    """Group agents by the year in which their accounts were created."""
    years = _of_agents(view, accounts.Directory(view.store).years(), "year")
    known = sorted(years.drop_nulls().unique().to_list())
    return Grouped(years.cast(pl.String), tuple(map(str, known)))


def host(view: StoreView) -> Grouped:
    """Group agents by the host of their repositories (PDS), as the PLC directory lists it."""
    groups = _of_agents(view, accounts.Directory(view.store).hosts(), "host")
    missing = () if groups.is_not_null().any() else (_NO_HOSTS,)
    return Grouped(groups, notes=missing)


_NO_HOSTS = "No host is known; an export of the PLC directory has them: blueattr ingest --plc."


def _of_agents(view: StoreView, known: pl.DataFrame, column: str) -> pl.Series:
    """Return what is known of the agents, null where nothing is, in their order."""
    agents = view.built.agents.select("account")
    return agents.join(known, on="account", how="left", maintain_order="left")[column]


GROUPERS: Mapping[str, Grouper] = MappingProxyType({"domain": domain, "host": host, "age": age})
"""By the name that users write."""
