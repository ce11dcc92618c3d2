"""Groups of the agents of a panel in parts: which there are, their sums, and what they do together.

A task names the groups of a part, the driver joins small ones, and a second task sums up by group.
Of ``gini`` agents go to shelves once more, each with its group.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr import kernels
from blueattr.attribution.groups.games import GroupGame, MomentGame, PairGame
from blueattr.attribution.groups.grouped import LeafSums, ManyGroups, partition_for, shares_of
from blueattr.attribution.groups.pairs import RunningPairs
from blueattr.attribution.groups.partition import UNKNOWN, Labels, Partition
from blueattr.attribution.groups.result import GroupShares
from blueattr.attribution.groups.sums import add_by_group
from blueattr.attribution.large.cuts import TierCut
from blueattr.attribution.large.solvers import too_large
from blueattr.attribution.parted import shelves
from blueattr.attribution.parted.part import PanelPart, PartSetting, panel_of
from blueattr.attribution.parted.sharing import Placed
from blueattr.attribution.parted.shelves import EndsJob, Levels, Outgoing, Piece, Pieces, kind_of
from blueattr.attribution.tiers import tier_names
from blueattr.cluster.engine import TaskEngine
from blueattr.errors import FeatureError
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator, MomentIndicator
from blueattr.kernels import FloatArray, IntArray

__all__ = ["GroupLabels", "GroupedPart", "LevelTexts", "Placing", "group_parts"]


class LevelTexts(NamedTuple):
    """The groups of the agents of a part, at one level.

    Parameters
    ----------
    texts
        Of each agent in order of DID, null where it is unknown; None where tiers are the groups.
    dtype
        What the column has.
    whole
        Whether its floats are whole numbers, which are then written as such.
    matched
        How many agents of a file of groups are in the part.
    """

    texts: pl.Series | None
    dtype: str = ""
    whole: bool = True
    matched: int = 0


class GroupLabels(Protocol):
    """Knows the groups of agents, on every worker."""

    @property
    def levels(self) -> tuple[str, ...]:
        """What groups them, as a user writes it."""

    @property
    def many(self) -> ManyGroups:
        """What becomes of more groups than can be counted."""

    @property
    def seed(self) -> int:
        """Of the orders that are drawn."""

    def texts(self, part: PanelPart, *, in_order: bool) -> list[LevelTexts]:
        """Return the groups of a part as it was given: whether that is in order of DID."""

    def notes(self, found: Sequence["LevelFound"]) -> tuple[str, ...]:
        """Return what a reader must know, of what is known of each level of the whole panel."""


class LevelFound(NamedTuple):
    """How many agents of a file are on the panel; how many of the panel are unknown, or known."""

    matched: int
    unknown: int
    known: int


@dataclass(frozen=True)
class GroupedPart:
    """A part as it was given, and in order of DID; and the last agents of its tiers."""

    given: PanelPart
    part: PanelPart
    cuts: tuple[TierCut, ...]

    def chunks(
        self, setting: PartSetting, labels: GroupLabels, whole: Sequence[bool] | None = None
    ) -> Iterator[tuple[pl.DataFrame, FeatureArrays, npt.NDArray[np.bool_], list[LevelTexts]]]:
        """Yield groups, features, and who of the active panel is asked about, of each chunk."""
        found = labels.texts(self.given, in_order=self.given.path == self.part.path)
        names = pl.Series(tier_names(setting.cutoffs))
        texts = [
            one.texts if one.texts is None or not _floats(one.dtype) or whole is None
            else _as_whole(one.texts) if whole[k] else one.texts
            for k, one in enumerate(found)
        ]  # fmt: skip
        panel = panel_of(self.part, replace(setting, choice="active"), self.cuts, setting.shared)
        for rows, x, tiers in panel.tiers():
            columns = {
                str(k): names.gather(tiers) if one is None else one.slice(int(rows[0]), rows.size)
                for k, one in enumerate(texts)
            }
            asked = x.involved() if setting.choice == "involved" else np.ones(rows.size, np.bool_)
            yield pl.DataFrame(columns), x, asked, found


def _floats(dtype: str) -> bool:
    return dtype.startswith("Float")


def _as_whole(texts: pl.Series) -> pl.Series:
    return texts.cast(pl.Float64).cast(pl.Int64).cast(pl.String)


# --- which groups there are -----------------------------------------------------------------------


@dataclass(frozen=True)
class LabelJob:
    """A part whose groups are to be counted."""

    part: GroupedPart
    setting: PartSetting
    labels: GroupLabels


@dataclass(frozen=True)
class LabelsFound:
    """The groups of a part: of each combination ``active`` and ``asked`` agents; and its levels."""

    counts: pl.DataFrame
    levels: list[LevelTexts]


def label(job: LabelJob) -> LabelsFound:
    """Count the agents of each group of a part, on the active panel and of those asked about."""
    counts: list[pl.DataFrame] = []
    levels = [LevelTexts(None) for _ in job.labels.levels]
    for groups, _, asked, found in job.part.chunks(job.setting, job.labels):
        frame = groups.with_columns(asked=pl.Series(asked))
        counts.append(frame.group_by(groups.columns).agg(active=pl.len(), asked=pl.sum("asked")))
        levels = [one._replace(texts=None) for one in found]
    return LabelsFound(_together(counts, len(levels)), levels)


def _together(counts: Sequence[pl.DataFrame], levels: int) -> pl.DataFrame:
    columns = [str(k) for k in range(levels)]
    texts = dict.fromkeys(columns, pl.String)
    schema = pl.Schema({**texts, "active": pl.Int64, "asked": pl.Int64})
    every = pl.concat([pl.DataFrame(schema=schema), *(one.cast(schema) for one in counts)])
    return every.group_by(columns).agg(pl.sum("active", "asked"))


# --- sums by group --------------------------------------------------------------------------------


class GroupStates:
    """Sums of values by innermost group and by whether agents are involved, and of statistics.

    Parameters
    ----------
    leaves, statistics
        How many groups and statistics there are.
    """

    def __init__(self, leaves: int, statistics: int = 0) -> None:
        self.count = 2 * leaves
        self._counts = np.zeros(self.count, np.int64)
        self._values = [kernels.RunningSum() for _ in range(self.count)]
        self._statistics = [
            [kernels.RunningSum() for _ in range(leaves)] for _ in range(statistics)
        ]

    def add(self, values: FloatArray, codes: IntArray) -> None:
        """Add agents with their values, and twice their group, plus 1 where they are involved."""
        add_by_group(self._values, values, codes)
        self._counts += np.bincount(codes, minlength=self.count)

    def add_copies(self, value: float, counts: IntArray) -> None:
        """Add agents with one value: so many of each code."""
        for one, count in zip(self._values, counts.tolist(), strict=True):
            one.add_copies(value, count)
        self._counts += counts

    def measure(self, statistics: Sequence[FloatArray], leaves: IntArray) -> None:
        """Add statistics of agents to those of their groups."""
        for g, sums in zip(statistics, self._statistics, strict=True):
            add_by_group(sums, g, leaves)

    def take(self, other: "GroupStates") -> None:
        """Add those of other agents."""
        self._counts += other._counts  # noqa: SLF001 - another of the same class
        for mine, theirs in zip(self._lists(), other._lists(), strict=True):  # noqa: SLF001 - another of the same class
            for one, seen in zip(mine, theirs, strict=True):
                one.take([seen.state])

    def _lists(self) -> list[list[kernels.RunningSum]]:
        return [self._values, *self._statistics]

    def leaf_sums(self, partition: Partition) -> LeafSums:
        """Return the sums of the innermost groups."""
        every = []
        for k in range(partition.counts.size):
            both = kernels.RunningSum(self._values[2 * k].state)
            both.take([self._values[2 * k + 1].state])
            every.append(both.value())
        involved = self._counts[1::2].tolist()
        return LeafSums(
            partition.counts.tolist(), every, involved, [one.value() for one in self._values[1::2]]
        )

    def game(self, indicator: MomentIndicator, partition: Partition) -> MomentGame:
        """Return the game of the groups."""
        sums = [[one.value() for one in sums] for sums in self._statistics]
        return MomentGame(indicator, sums, partition)


class Placing(NamedTuple):
    """An indicator, and its values: by a solver, or by a factor of what shelves solve."""

    indicator: Indicator
    placed: Placed
    factor: float


@dataclass(frozen=True)
class SumJob:
    """A part to be summed up by group.

    Parameters
    ----------
    part, setting, labels
        As for `LabelJob`.
    table
        The combinations of groups, by their names at each level; ``combination`` is their number.
    whole
        Of each level, whether floats are written as whole numbers.
    aggregator, placed, leaves
        Of each indicator: how it is valued, and the innermost group of each combination.
    """

    part: GroupedPart
    setting: PartSetting
    labels: GroupLabels
    table: pl.DataFrame
    whole: tuple[bool, ...]
    aggregator: Aggregator
    placed: tuple[Placed, ...]
    leaves: tuple[IntArray, ...]


@dataclass(frozen=True)
class SumsFound:
    """Of each indicator its sums, and what went to shelves."""

    states: list[GroupStates]
    sent: list[Pieces | None]
    files: tuple[tuple[Path, int], ...] = ()


def sum_up(job: SumJob) -> SumsFound:
    """Sum up a part by group."""
    indicators = [one.sent.find() for one in job.placed]
    states, outs = [], []
    with ExitStack() as stack:
        for k, (one, placed, leaves) in enumerate(
            zip(indicators, job.placed, job.leaves, strict=True)
        ):
            size = int(leaves.max()) + 1
            moments = len(one.statistics) if isinstance(one, MomentIndicator) else 0
            states.append(GroupStates(size, moments))
            if placed.solver is not None:
                placed.solver.attach(one)
            name = f"groups-{k}-{job.part.part.number:05}"
            outs.append(
                None if placed.splitters is None else stack.enter_context(
                    Outgoing(job.setting.shared / name, placed.splitters, 2 * size)
                )
            )  # fmt: skip
        for groups, every, asked, _ in job.part.chunks(job.setting, job.labels, job.whole):
            there = np.flatnonzero(asked)
            x, those = every.take(there), groups.with_columns(pl.all().fill_null(UNKNOWN))[there]
            found = those.join(job.table, on=groups.columns, how="left", maintain_order="left")
            combinations, involved = found["combination"].to_numpy(), x.involved()
            for one, placed, leaves, state, out in zip(
                indicators, job.placed, job.leaves, states, outs, strict=True
            ):
                mine = leaves[combinations]
                codes = 2 * mine + involved
                with too_large(one):
                    if out is not None:
                        s, _ = job.aggregator.apply(x)
                        out.add(s, codes.astype(kind_of(state.count)))
                    elif placed.solver is not None:
                        state.add(placed.solver.values(x), codes)
                    if isinstance(one, MomentIndicator):
                        state.measure(one.measure(x, job.aggregator), mine)
        sent = [None if out is None else out.sent() for out in outs]
    files = tuple(file for one in sent if one is not None for file in one.files)
    return SumsFound(states, sent, files)


# --- gini -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SolveGroupsJob:
    """A shelf to be solved by group.

    Parameters
    ----------
    pieces, start, factor
        As for `blueattr.attribution.parted.shelves.SolveJob`.
    n, above, sizes
        As for `blueattr.attribution.groups.pairs.RunningPairs`.
    """

    pieces: tuple[Piece, ...]
    start: kernels.Ahead
    factor: float
    n: int
    above: IntArray
    sizes: tuple[int, ...]


def solve_groups(job: SolveGroupsJob) -> tuple[GroupStates, RunningPairs]:
    """Sum up the values of a shelf, and its pairs with all others, by group."""
    states, pairs = GroupStates(job.above.size), RunningPairs(job.sizes)
    s = shelves.numbers_in(job.pieces)
    codes = shelves.groups_in(job.pieces, kind_of(states.count)).astype(np.int64)
    order = kernels.argsort(s)
    pairs.add(job.start, job.n, job.above, s[order], codes[order] // 2)
    states.add(kernels.excess_beyond(job.start, s)[0] * job.factor, codes)
    return states, pairs


def _walk(
    engine: TaskEngine, sent: Sequence[Pieces], one: Placing, partition: Partition
) -> tuple[GroupStates, RunningPairs]:
    """Solve all shelves by group."""
    splitters, n = one.placed.splitters, int(partition.counts.sum())
    assert splitters is not None  # noqa: S101 - for the type checker
    by_shelf = list(shelves.by_shelf(sent))
    jobs = [EndsJob(tuple(theirs)) for _, theirs, _ in by_shelf]
    found = engine.run("shelves", shelves.shelf_ends, jobs)
    counts = sum((part.counts for part in sent), np.zeros_like(sent[0].counts))
    levels = Levels(splitters, counts, {by_shelf[k][0]: end for k, end in found})
    by_leaf = counts[:, ::2] + counts[:, 1::2]
    above = by_leaf.sum(axis=0) - np.cumsum(by_leaf, axis=0)
    solving = [
        SolveGroupsJob(
            tuple(theirs), levels.starts[shelf], one.factor, n, above[shelf], partition.sizes
        )
        for shelf, theirs, _ in by_shelf
    ]  # fmt: skip
    states, pairs = GroupStates(partition.counts.size), RunningPairs(partition.sizes)
    for _, (theirs, their_pairs) in engine.run("solving", solve_groups, solving):
        states.take(theirs)
        pairs.take(their_pairs)
    for shelf in range(1, len(counts), 2):
        if by_leaf[shelf].any():
            number = float(splitters[shelf // 2])
            states.add_copies(float(levels.constants[shelf] * one.factor), counts[shelf])
            pairs.add_copies(levels.starts[shelf], n, above[shelf], number, by_leaf[shelf])
    return states, pairs


# --- the driver -----------------------------------------------------------------------------------


def group_parts(
    engine: TaskEngine,
    parts: Sequence[GroupedPart],
    *,
    setting: PartSetting,
    aggregator: Aggregator,
    asked: Sequence[Placing],
    labels: GroupLabels,
) -> list[GroupShares]:
    """Attribute indicators to groups of the agents of a panel in parts.

    Parameters
    ----------
    engine
        Runs the tasks.
    parts, setting, aggregator
        The panel, and what tasks are told.
    asked
        The indicators, whose values are known.
    labels
        Knows the groups.

    Raises
    ------
    FeatureError
        A column differs between parts; the features are too large.
    """
    jobs = [LabelJob(part, setting, labels) for part in parts]
    seen = dict(engine.run("groups", label, jobs))
    found = [seen[k] for k in range(len(parts))]
    whole = tuple(all(one.levels[k].whole for one in found) for k in range(len(labels.levels)))
    kinds = [
        _kind([one.levels[k].dtype for one in found], name) for k, name in enumerate(labels.levels)
    ]
    counts = _together([one.counts for one in found], len(whole))
    columns = counts.columns[: len(whole)]
    notes = labels.notes([
        LevelFound(
            sum(one.levels[k].matched for one in found),
            int(counts.filter(pl.col(column).is_null())["active"].sum()),
            int(counts.filter(pl.col(column).is_not_null())["active"].sum()),
        )
        for k, column in enumerate(columns)
    ])  # fmt: skip
    counts = counts.with_columns(
        _as_whole(counts[column]).alias(column)
        for k, column in enumerate(columns)
        if whole[k] and _floats(kinds[k])
    ).with_columns(pl.col(columns).fill_null(UNKNOWN))
    counts = counts.group_by(columns).agg(pl.sum("active", "asked")).sort(columns)
    there = counts.filter(pl.col("asked") > 0)
    made = [
        _labels(name, counts[column], there[column], setting, tiers=kinds[k] == TIERS)
        for k, (name, column) in enumerate(zip(labels.levels, columns, strict=True))
    ]
    weights = there["asked"].to_numpy().astype(np.int64)
    partitions = [partition_for(one.indicator, made, labels.many, weights) for one in asked]
    table = there.select(columns).with_row_index("combination")
    summing = [
        SumJob(
            part, setting, labels, table, whole, aggregator, tuple(one.placed for one in asked),
            tuple(one.leaves for one in partitions),
        )
        for part in parts
    ]  # fmt: skip
    states = [
        GroupStates(
            partition.counts.size,
            len(one.indicator.statistics) if isinstance(one.indicator, MomentIndicator) else 0,
        )
        for one, partition in zip(asked, partitions, strict=True)
    ]
    sums: dict[int, SumsFound] = {}
    for k, result in engine.run("grouping", sum_up, summing):
        for mine, theirs in zip(states, result.states, strict=True):
            mine.take(theirs)
        sums[k] = result
    shares = []
    for k, (one, partition) in enumerate(zip(asked, partitions, strict=True)):
        sent = [piece for p in range(len(parts)) if (piece := sums[p].sent[k]) is not None]
        with too_large(one.indicator):
            state, game = states[k], _game(one, states[k], partition)
            if game is None:
                state, pairs = _walk(engine, sent, one, partition)
                game = PairGame(pairs.sums(), partition.counts.tolist())
            shares.append(
                shares_of(
                    one.indicator, partition, state.leaf_sums(partition), game,
                    many=labels.many, seed=labels.seed, notes=notes,
                )
            )  # fmt: skip
    return shares


def _game(one: Placing, state: GroupStates, partition: Partition) -> GroupGame | None:
    """Return the game of an indicator that needs sums alone; None where agents go to shelves."""
    if isinstance(one.indicator, MomentIndicator):
        return state.game(one.indicator, partition)
    return None


def _labels(
    by: str, every: pl.Series, texts: pl.Series, setting: PartSetting, *, tiers: bool
) -> Labels:
    """Return the group of each combination, as those of agents are numbered."""
    names = tier_names(setting.cutoffs) if tiers else tuple(sorted(set(every.to_list())))
    codes = texts.cast(pl.Enum(names)).to_physical().cast(pl.UInt32).to_numpy()
    return Labels(by, names, codes, ordered=tiers)


TIERS = "tiers"
"""What `LevelTexts.dtype` is where tiers are the groups."""


def _kind(kinds: Sequence[str], name: str) -> str:
    """Return what a column has in all parts that have agents."""
    known = sorted(set(filter(None, kinds)))
    if len(known) > 1:
        raise FeatureError(
            f"--by {name} is {known[0]} in some files of the panel and {known[1]} in others; write "
            "it alike in all"
        )
    return known[0]
