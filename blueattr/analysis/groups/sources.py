"""Where the groups of agents come from: a store, a file, or columns of features."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import polars as pl

from blueattr.analysis.tables.files import SUFFIXES, read_groups
from blueattr.attribution.frames import quote
from blueattr.attribution.inputs import agent_names
from blueattr.errors import FeatureError, UsageError
from blueattr.panel.graph.grouper import COMMUNITY, group_by_community
from blueattr.panel.groupers import GROUPERS, Grouped
from blueattr.panel.query import StoreView
from blueattr.panel.topics import Topic
from blueattr.suggest import did_you_mean
from blueattr.user_path import user_path

__all__ = [
    "BUILT_IN",
    "COLUMN",
    "DAY",
    "TIER",
    "FileGroups",
    "GroupSource",
    "StoreGroups",
    "are_whole",
    "as_texts",
    "check_levels",
    "group_by_file",
    "is_file",
    "notes_of_file",
]


DAY: Final[Literal["day"]] = "day"
"""What is by day is no group of agents, and stands alone."""

TIER = "tier"
COLUMN = "column:"
BUILT_IN: Final = (*GROUPERS, COMMUNITY, TIER)
"""What agents can be grouped by without a file or a column."""


def is_file(level: str) -> bool:
    """Return whether what groups agents is a file, by its name."""
    return not level.startswith(COLUMN) and Path(level).suffix.lower() in SUFFIXES


class GroupSource(Protocol):
    """What knows the groups of the agents of an active panel."""

    def grouped(self, name: str, dids: pl.Series, seed: int = 0) -> Grouped:
        """Return the groups by a name, of the agents in the order of their DIDs.

        Parameters
        ----------
        name, dids
            What groups the agents, and who they are.
        seed
            Of groups that are found by chance.
        """


@dataclass(frozen=True)
class StoreGroups:
    """The groups of the agents of a store's panel, about a topic; None for all events."""

    view: StoreView
    topic: Topic | None

    def grouped(self, name: str, dids: pl.Series, seed: int = 0) -> Grouped:
        """Return the groups by a name, of the agents in the order of their DIDs."""
        if is_file(name):
            return group_by_file(name, dids)
        if name == COMMUNITY:
            return group_by_community([self.view], self.topic, seed)[0]
        _check_name(name)
        return GROUPERS[name](self.view)


def check_levels(levels: Sequence[str]) -> None:
    """Refuse what can group no agents of a store, before there are any.

    Parameters
    ----------
    levels
        What `blueattr.analysis.groups.grouping.grouping` takes.

    Raises
    ------
    UsageError
        A store has no such groups.
    InputError
        A file cannot be read, or holds no groups.
    """
    for name in levels:
        if is_file(name):
            read_groups(user_path(name))
        elif name not in BUILT_IN:
            _check_name(name)


def _check_name(name: str) -> None:
    if name in GROUPERS:
        return
    if name.startswith(COLUMN):
        raise UsageError(
            f"--by {name}: a store has no columns of its own; a file of did,group can group its "
            "agents"
        )
    known = (DAY, *BUILT_IN)
    there = f"there are {', '.join(known)}, and a file such as groups.csv"
    hint = did_you_mean(name, known, there, quoted=True)
    raise UsageError(f"--by {name!r} is nothing a store can group its agents by; {hint}")


@dataclass(frozen=True)
class FileGroups:
    """The groups of the agents of a user's own panel.

    Parameters
    ----------
    frame
        The panel as it was read: one row per agent, in any order, with other columns.
    """

    frame: pl.DataFrame

    def grouped(self, name: str, dids: pl.Series, seed: int = 0) -> Grouped:  # noqa: ARG002 - as of a store
        """Return the groups by a name, of the agents in the order of their DIDs."""
        if is_file(name):
            return group_by_file(name, dids)
        column = name.removeprefix(COLUMN)
        if name in GROUPERS or name == COMMUNITY:
            raise UsageError(
                f"--by {name} needs a store; a column of that name is --by {COLUMN}{name}"
            )
        if column not in self.frame.columns:
            there = [one for one in self.frame.columns if one not in {"a", "b", "c"}]
            hint = did_you_mean(column, there, f"there are {', '.join(map(quote, there))}",
                                quoted=True)  # fmt: skip
            raise UsageError(f"--by {column!r} is no column of the features; {hint}")
        key = "did" if "did" in self.frame.columns else "agent"
        names = agent_names(self.frame[key])
        groups = as_texts(self.frame[column])
        if not names.equals(dids):
            groups = groups.gather(names.arg_sort())
        return Grouped(groups)


def group_by_file(name: str, dids: pl.Series) -> Grouped:
    """Return the groups that a file says agents are in.

    Parameters
    ----------
    name
        The file.
    dids
        The agents.

    Raises
    ------
    InputError
        It cannot be read, or none of its agents is among these.
    """
    path = user_path(name)
    table = read_groups(path)
    table = table.with_columns(as_texts(table["group"]).alias("group"))
    agents = pl.DataFrame({"did": dids})
    groups = agents.join(table, on="did", how="left", maintain_order="left")["group"]
    away = len(table.join(agents, on="did", how="anti"))
    known = groups.is_not_null().any()
    notes = notes_of_file(path, table, known=known, unknown=groups.has_nulls(), away=away)
    return Grouped(groups, notes=notes)


def notes_of_file(
    path: Path, table: pl.DataFrame, *, known: bool, unknown: bool, away: int
) -> tuple[str, ...]:
    """Return what a reader must know of groups by a file.

    Parameters
    ----------
    path, table
        The file, and what was read of it.
    known, unknown
        Whether the group of some agents is known, and that of some is not.
    away
        How many of its agents are not on the panel.

    Raises
    ------
    FeatureError
        Nobody's group is known.
    """
    if not known:
        if table.is_empty():
            raise FeatureError(f"{path} has no agents, only a header")
        raise FeatureError(
            f"none of the agents in {path}, such as {quote(table['did'][0])}, is on the panel and "
            "has a group there, so all are unknown; a store has its agents by DID"
        )
    return (
        *([f"unknown: {path.name} has no group for them."] if unknown else []),
        *([f"{path.name} has {_agents_are(away)} not on the panel."] if away else []),
    )


def _agents_are(n: int) -> str:
    return "1 agent who is" if n == 1 else f"{n:,} agents who are"


_WHOLE = 2.0**53


def are_whole(column: pl.Series) -> bool:
    """Return whether floats are whole numbers, as pandas makes of these where one is missing."""
    whole = (column % 1 == 0) & (column.abs() < _WHOLE)
    return bool(whole.all())


def as_texts(column: pl.Series) -> pl.Series:
    """Return groups as text, so that no two become one; null where there is none."""
    dtype = column.dtype
    if dtype.is_nested() or dtype == pl.Object:
        raise FeatureError(f"the column {column.name!r} has lists, which are no groups")
    if dtype.is_float():
        column = column.fill_nan(None)
        if are_whole(column):
            column = column.cast(pl.Int64)
    text = agent_names(column) if dtype == pl.Binary else column.cast(pl.String)
    return text.set(text.str.strip_chars() == "", None)
