"""Groups of agents: what a user groups them by, and the group of each agent of a panel."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
import polars as pl

from blueattr.analysis.tables.files import SUFFIXES, read_groups
from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.frames import quote
from blueattr.attribution.groups.grouped import ManyGroups, check_many, group_shares
from blueattr.attribution.groups.members import member_values
from blueattr.attribution.groups.partition import Labels, free_name
from blueattr.attribution.inputs import agent_names
from blueattr.attribution.question import Question
from blueattr.attribution.tiered import TieredPanel
from blueattr.errors import FeatureError, NoAnswerError, UsageError
from blueattr.indicators.base import Indicator
from blueattr.indicators.find import find_indicator
from blueattr.panel.groupers import GROUPERS, Grouped
from blueattr.panel.query import StoreView
from blueattr.suggest import did_you_mean
from blueattr.user_path import user_path

__all__ = [
    "BUILT_IN",
    "DAY",
    "ByGroup",
    "FileGroups",
    "GroupSource",
    "PanelGroups",
    "StoreGroups",
    "asked_by",
    "columns_of",
    "grouping",
    "groups_of_report",
    "is_file",
    "labels_of_windows",
]


_LOG = logging.getLogger(__name__)

DAY: Final[Literal["day"]] = "day"
"""What is by day is no group of agents, and stands alone."""

_TIER = "tier"
_COLUMN = "column:"
_MOST_LEVELS = 2

BUILT_IN: Final = (*GROUPERS, _TIER)
"""What agents can be grouped by without a file or a column."""

_FEWEST = 10
"""Where accounts are hidden, smaller domains are not named: one is often that of one person."""

_UNNAMED = "not named"
_NAMING_COLUMNS = ("did", "agent", "handle", "link", "uri", "text")


@dataclass(frozen=True, slots=True)
class ByGroup:
    """What to group agents by.

    Parameters
    ----------
    levels
        One name, or the outer one and the inner one.
    many
        What becomes of more groups than can be counted.
    seed
        Of the orders of groups that are drawn then.
    """

    levels: tuple[str, ...]
    many: ManyGroups = "join"
    seed: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Which columns of a features file are asked for."""
        return columns_of(self.levels)


def grouping(by: str | Sequence[str], many: str = "join", seed: int = 0) -> ByGroup:
    """Parse what to group agents by.

    Parameters
    ----------
    by
        A name of `BUILT_IN`, a file, a column, or ``column:NAME``; or two, separated by a comma.
    many, seed
        As in `ByGroup`.

    Raises
    ------
    UsageError
        There are more than two, or two of one name; or day is among them.
    """
    # A file whose name has a comma is one file.
    whole = isinstance(by, str) and "," in by and user_path(by).is_file()
    parts = [by] if whole else by.split(",") if isinstance(by, str) else by
    levels = tuple(str(part).strip() for part in parts)
    if not all(levels) or not levels:
        raise UsageError(f"--by {by!r} names nothing to group by; there are {_spelled()}")
    if DAY in levels:
        raise UsageError(f"--by {by!r}: day stands alone; it is no group of agents")
    if len(levels) > _MOST_LEVELS:
        raise UsageError(f"--by {by!r} names {len(levels)} levels of groups; there are at most two")
    if len(set(levels)) < len(levels):
        raise UsageError(f"--by {by!r} names one level twice")
    if seed < 0:
        raise UsageError(f"--seed is a whole number from 0 on, not {seed}")
    return ByGroup(levels, check_many(many), seed)


def asked_by(
    by: str | Sequence[str] | None, many: str = "join", seed: int = 0
) -> ByGroup | Literal["day"] | None:
    """Parse what an attribution is also by: groups, days, or nothing.

    Parameters
    ----------
    by, many, seed
        As for `grouping`; or `DAY`, or None.

    Raises
    ------
    UsageError
        As `grouping`; or an option about groups stands without them.
    """
    if by is None or by == DAY:
        if check_many(many) != "join":
            raise UsageError("--many-groups is about groups; name some with --by")
        return None if by is None else DAY
    return grouping(by, many, seed)


def groups_of_report(
    by: str | Sequence[str] | None, many: str = "join", seed: int = 0
) -> ByGroup | None:
    """Parse which groups a report shows, which has days in any case.

    Parameters
    ----------
    by, many, seed
        As for `asked_by`.

    Raises
    ------
    UsageError
        As `asked_by`; or for days.
    """
    made = asked_by(by, many, seed)
    if made == DAY:
        raise UsageError("--by day is about attribute; here, --by is about groups of agents")
    return made


def _spelled() -> str:
    return f"{', '.join(BUILT_IN)}, a file such as groups.csv, and columns of --features"


def columns_of(levels: Collection[str]) -> tuple[str, ...]:
    """Return which columns of a features file are asked for."""
    return tuple(
        level.removeprefix(_COLUMN) for level in levels if not (level in BUILT_IN or is_file(level))
    )


def is_file(level: str) -> bool:
    """Return whether what groups agents is a file, by its name."""
    return not level.startswith(_COLUMN) and Path(level).suffix.lower() in SUFFIXES


# --- where groups come from -----------------------------------------------------------------------


class GroupSource(Protocol):
    """What knows the groups of the agents of an active panel."""

    def grouped(self, name: str, dids: pl.Series) -> Grouped:
        """Return the groups by a name, of the agents in the order of their DIDs."""


@dataclass(frozen=True)
class StoreGroups:
    """The groups of the agents of a store's panel."""

    view: StoreView

    def grouped(self, name: str, dids: pl.Series) -> Grouped:
        """Return the groups by a name, of the agents in the order of their DIDs."""
        if is_file(name):
            return _of_file(name, dids)
        if name not in GROUPERS:
            if name.startswith(_COLUMN):
                raise UsageError(
                    f"--by {name}: a store has no columns of its own; a file of did,group can "
                    "group its agents"
                )
            known = (DAY, *BUILT_IN)
            there = f"there are {', '.join(known)}, and a file such as groups.csv"
            hint = did_you_mean(name, known, there, quoted=True)
            raise UsageError(f"--by {name!r} is nothing a store can group its agents by; {hint}")
        return GROUPERS[name](self.view)


@dataclass(frozen=True)
class FileGroups:
    """The groups of the agents of a user's own panel.

    Parameters
    ----------
    frame
        The panel as it was read: one row per agent, in any order, with other columns.
    """

    frame: pl.DataFrame

    def grouped(self, name: str, dids: pl.Series) -> Grouped:
        """Return the groups by a name, of the agents in the order of their DIDs."""
        if is_file(name):
            return _of_file(name, dids)
        column = name.removeprefix(_COLUMN)
        if name in GROUPERS:
            raise UsageError(
                f"--by {name} needs a store; a column of that name is --by {_COLUMN}{name}"
            )
        if column not in self.frame.columns:
            there = [one for one in self.frame.columns if one not in {"a", "b", "c"}]
            hint = did_you_mean(column, there, f"there are {', '.join(map(quote, there))}",
                                quoted=True)  # fmt: skip
            raise UsageError(f"--by {column!r} is no column of the features; {hint}")
        key = "did" if "did" in self.frame.columns else "agent"
        names = agent_names(self.frame[key])
        groups = _texts(self.frame[column])
        if not names.equals(dids):
            groups = groups.gather(names.arg_sort())
        return Grouped(groups)


def _of_file(name: str, dids: pl.Series) -> Grouped:
    path = user_path(name)
    table = read_groups(path).with_columns(pl.col("group").map_batches(_texts, pl.String))
    agents = pl.DataFrame({"did": dids})
    groups = agents.join(table, on="did", how="left", maintain_order="left")["group"]
    if not groups.is_not_null().any():
        raise FeatureError(f"none of the agents in {path} is on the panel, so all are unknown")
    return Grouped(groups)


_WHOLE = 2.0**53


def _texts(column: pl.Series) -> pl.Series:
    """Return groups as text, so that no two become one; null where there is none."""
    dtype = column.dtype
    if dtype.is_nested() or dtype == pl.Object:
        raise FeatureError(f"the column {column.name!r} has lists, which are no groups")
    if dtype == pl.Binary:
        return agent_names(column)
    if dtype.is_float():
        column = column.fill_nan(None)
        if ((column % 1 == 0) & (column.abs() < _WHOLE)).all():
            column = column.cast(pl.Int64)  # as pandas makes of whole numbers where one is missing
    text = column.cast(pl.String)
    return text.replace("", None)


# --- the groups of a panel ------------------------------------------------------------------------


@dataclass(frozen=True)
class PanelGroups:
    """The groups of the agents of a panel, at each level, to ask indicators about.

    Parameters
    ----------
    by
        What was asked for.
    levels
        Of the agents asked about.
    notes
        What a reader must know of them.
    """

    by: ByGroup
    levels: tuple[Labels, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        by: ByGroup | None,
        source: GroupSource | None,
        tiered: TieredPanel,
        *,
        hides: bool = False,
    ) -> "PanelGroups | None":
        """Find the groups of the agents of a panel; None where none are asked for.

        Parameters
        ----------
        by
            What to group by.
        source
            Knows the groups of the active panel.
        tiered
            The panel asked about.
        hides
            Whether no account is named, so that no group may tell who one is.

        Raises
        ------
        UsageError, InputError
            There is nothing of that name, or a file cannot be read.
        """
        if by is None or source is None:
            return None
        active = tiered.active or tiered
        notes: list[str] = []

        def labels(name: str) -> Labels:
            if name == _TIER:
                return Labels(name, tiered.names, tiered.tiers.astype(np.uint32), ordered=True)
            found = source.grouped(name, active.panel.dids)
            if hides:
                (found,) = _hidden(name, [(found, active.panel.dids)], notes)
            made = Labels.of(name, found.groups, found.order)
            return made if tiered.active is None else made.take(active.panel.features.involved())

        return cls(by, tuple(labels(name) for name in by.levels), tuple(notes))

    def with_shares(
        self, results: Sequence[AttributionResult], tiered: TieredPanel, question: Question
    ) -> list[AttributionResult]:
        """Add to the attribution of each indicator what it is of groups."""
        return [
            replace(
                result,
                groups=group_shares(
                    tiered, self.levels, find_indicator(one), result.aggregator, result.steps,
                    many=self.by.many, seed=self.by.seed, notes=self.notes,
                ),
            )
            for result, one in zip(results, question.indicators, strict=True)
        ]  # fmt: skip

    def beside(
        self,
        known: Sequence[AttributionResult],
        results: Sequence[AttributionResult],
        tiered: TieredPanel,
        question: Question,
    ) -> list[AttributionResult]:
        """Add the group and the Owen value of each agent to frames of agents.

        Parameters
        ----------
        known
            Attributions whose frames of agents are in the order of those of `results`.
        results
            The attribution of each indicator.
        tiered, question
            The panel asked about, and what was asked.

        Returns
        -------
        list
            `known`, with ``group``, of two levels also ``inner_group``, and ``owen`` in their
            frames; ``owen`` is null where it cannot be computed.
        """
        return [
            replace(one, agents=one.agents.hstack(self._columns(result, tiered, indicator)))
            for one, result, indicator in zip(known, results, question.indicators, strict=True)
        ]

    def _columns(
        self, result: AttributionResult, tiered: TieredPanel, indicator: str | Indicator
    ) -> pl.DataFrame:
        dids = tiered.panel.dids
        try:
            values = member_values(
                tiered, self.levels, find_indicator(indicator), result.aggregator, result.steps
            )
            owen = pl.Series("owen", values)
        except NoAnswerError as error:
            _LOG.warning("%s", error)
            owen = pl.repeat(None, len(dids), dtype=pl.Float64, eager=True).alias("owen")
        named = [
            pl.Series(level.names, dtype=pl.String).gather(level.codes).alias(name)
            for name, level in zip(("group", "inner_group"), self.levels, strict=False)
        ]
        table = pl.DataFrame([dids.alias("did"), *named, owen])
        order = result.agents.select("did")
        return order.join(table, on="did", how="left", maintain_order="left").drop("did")


def _hidden(
    name: str, panels: Sequence[tuple[Grouped, pl.Series]], notes: list[str]
) -> list[Grouped]:
    """Put the groups whose names tell who an account is into one, the same on all panels.

    Parameters
    ----------
    name
        What groups the agents.
    panels
        The groups of the agents of each panel, and their DIDs.
    notes
        What a reader must know is added to them.
    """
    if name.removeprefix(_COLUMN).strip().casefold() in _NAMING_COLUMNS:
        raise UsageError(f"--by {name} would name accounts, which are not to be named")
    telling: set[str] = set()
    names: set[str] = set()
    for found, dids in panels:
        counts = found.groups.drop_nulls().alias("group").value_counts()
        these = counts["group"]
        names.update(these)
        telling.update(found.telling, these.filter(these.is_in(dids.implode())))
        if name in GROUPERS and found.order is None:
            telling.update(counts.filter(pl.col("count") < _FEWEST)["group"])
    if not telling:
        return [found for found, _ in panels]
    place = free_name(_UNNAMED, names)
    notes.append(
        f"{place}: groups by {name} of fewer than {_FEWEST} accounts, or whose name is that of an "
        "account, for no account is named."
    )
    replaced = dict.fromkeys(telling, place)
    return [Grouped(found.groups.replace(replaced), found.order) for found, _ in panels]


def labels_of_windows(
    by: ByGroup, views: Sequence[StoreView], *, hides: bool = False
) -> tuple[tuple[Labels, Labels], tuple[str, ...]]:
    """Find the groups of the agents of two windows.

    Parameters
    ----------
    by
        What to group by: one level.
    views
        The window before, and the one after.
    hides
        Whether no account is named.

    Returns
    -------
    tuple of two Labels
        Of the agents of each active panel, in order of DID.
    tuple of str
        What a reader must know of them, a sentence each.

    Raises
    ------
    UsageError, InputError
        There is nothing of that name, or a file cannot be read; or there are two levels, or tiers,
        which a change has in any case.
    """
    if len(by.levels) > 1:
        raise UsageError(f"--by {','.join(by.levels)}: a change has one level of groups")
    (name,) = by.levels
    if name == _TIER:
        raise UsageError("--by tier: a change is split by tier in any case")
    notes: list[str] = []
    panels = [
        (StoreGroups(view).grouped(name, view.built.agents["did"]), view.built.agents["did"])
        for view in views
    ]
    found = _hidden(name, panels, notes) if hides else [one for one, _ in panels]
    before, after = (Labels.of(name, one.groups, one.order) for one in found)
    return (before, after), tuple(notes)
