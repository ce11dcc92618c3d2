"""Groups of agents: what a user groups them by, and the group of each agent of a panel."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from blueattr.analysis.groups.sources import (
    BUILT_IN,
    COLUMN,
    DAY,
    TIER,
    GroupSource,
    StoreGroups,
    group_by_file,
    is_file,
)
from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.groups.grouped import ManyGroups, check_many, group_shares
from blueattr.attribution.groups.members import member_values
from blueattr.attribution.groups.partition import Labels, free_name
from blueattr.attribution.question import Question
from blueattr.attribution.tiered import TieredPanel
from blueattr.errors import NoAnswerError, UsageError
from blueattr.indicators.base import Indicator
from blueattr.indicators.find import find_indicator
from blueattr.panel.graph.communities import Communities
from blueattr.panel.graph.grouper import COMMUNITY, group_by_community
from blueattr.panel.groupers import GROUPERS, Grouped
from blueattr.panel.query import StoreView
from blueattr.user_path import user_path

__all__ = [
    "ByGroup",
    "PanelGroups",
    "asked_by",
    "columns_of",
    "grouping",
    "groups_of_report",
    "labels_of_windows",
    "refuse_groups_of_change",
]


_LOG = logging.getLogger(__name__)

_MOST_LEVELS = 2

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
        Of the orders of groups that are drawn then, and of communities.
    """

    levels: tuple[str, ...]
    many: ManyGroups = "join"
    seed: int = 0

    @property
    def draws(self) -> bool:
        """Whether the seed makes a difference."""
        return self.many == "sample" or COMMUNITY in self.levels

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
        level.removeprefix(COLUMN) for level in levels if not (level in BUILT_IN or is_file(level))
    )


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
    communities
        How they were found, where one level is of communities.
    """

    by: ByGroup
    levels: tuple[Labels, ...]
    notes: tuple[str, ...] = ()
    communities: Communities | None = None

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
        communities: list[Communities] = []

        def labels(name: str) -> Labels:
            if name == TIER:
                return Labels(name, tiered.names, tiered.tiers.astype(np.uint32), ordered=True)
            found = source.grouped(name, active.panel.dids, by.seed)
            notes.extend(found.notes)
            communities.extend([found.communities] if found.communities else [])
            if hides:
                (found,) = _hidden(name, [(found, active.panel.dids)], notes)
            made = Labels.of(name, found.groups, found.order)
            return made if tiered.active is None else made.take(active.panel.features.involved())

        levels = tuple(labels(name) for name in by.levels)
        return cls(by, levels, tuple(notes), communities[0] if communities else None)

    def with_shares(
        self, results: Sequence[AttributionResult], tiered: TieredPanel, question: Question
    ) -> list[AttributionResult]:
        """Add to the attribution of each indicator what it is of groups."""
        return [
            replace(
                result,
                groups=replace(
                    group_shares(
                        tiered, self.levels, find_indicator(one), result.aggregator, result.steps,
                        many=self.by.many, seed=self.by.seed, notes=self.notes,
                    ),
                    communities=self.communities,
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
    if name.removeprefix(COLUMN).strip().casefold() in _NAMING_COLUMNS:
        raise UsageError(f"--by {name} would name accounts, which are not to be named")
    panels = [(_plain(found), dids) for found, dids in panels]
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


def _plain(found: Grouped) -> Grouped:
    """Return groups by the names that they have where no account is named."""
    if not found.plain:
        return found
    order = None if found.order is None else tuple(found.plain.get(n, n) for n in found.order)
    return Grouped(found.groups.replace(dict(found.plain)), order)


def refuse_groups_of_change(by: ByGroup) -> None:
    """Refuse groups that a change is not summed up by.

    Raises
    ------
    UsageError
        There are two levels, or tiers, which a change has in any case.
    """
    if len(by.levels) > 1:
        one, other = by.levels
        raise UsageError(
            f"--by {one},{other}: a change has one level of groups; ask for --by {one} and --by "
            f"{other} by themselves"
        )
    if TIER in by.levels:
        raise UsageError("--by tier: a change is split by tier in any case")


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
        There is nothing of that name, or a file cannot be read; or as `refuse_groups_of_change`.
    """
    refuse_groups_of_change(by)
    (name,) = by.levels
    topic, dids = views[0].topic(), [view.built.agents["did"] for view in views]
    if name == COMMUNITY:
        found = group_by_community(views, topic, by.seed)
    elif is_file(name):
        found = _by_file(name, dids)
    else:
        sources = [StoreGroups(view, topic) for view in views]
        found = [source.grouped(name, d) for source, d in zip(sources, dids, strict=True)]
    notes = [*dict.fromkeys(note for one in found for note in one.notes)]
    if hides:
        found = _hidden(name, [*zip(found, dids, strict=True)], notes)
    before, after = (Labels.of(name, one.groups, one.order) for one in found)
    return (before, after), tuple(notes)


def _by_file(name: str, panels: Sequence[pl.Series]) -> list[Grouped]:
    """Group the agents of several panels by a file, which need not know an agent of each."""
    everyone = pl.concat(panels).unique()
    found = group_by_file(name, everyone)
    table = pl.DataFrame({"did": everyone, "group": found.groups})
    return [
        found._replace(
            groups=dids.to_frame("did").join(table, on="did", how="left", maintain_order="left")[
                "group"
            ]
        )
        for dids in panels
    ]
