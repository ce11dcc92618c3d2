"""Attribution of a panel in parts, each of which is a task: the same bits as one machine gives.

The driver adds up sums, finds the ends of tiers, and walks through the shelves of ``gini``; agents
stay where they are. docs/cluster.md has the stages.
"""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.equals import with_cuts
from blueattr.attribution.frames import find_columns
from blueattr.attribution.large.chunks import FeatureMeans, shape
from blueattr.attribution.large.cuts import Ranks, TierCut
from blueattr.attribution.large.solvers import GiniSolver, Solver, solver_of, too_large
from blueattr.attribution.large.streaming import agent_rows
from blueattr.attribution.parted import looking, sharing, shelves
from blueattr.attribution.parted.duplicates import apart, refuse_shared
from blueattr.attribution.parted.grouping import (
    GroupedPart,
    GroupLabels,
    Placing,
    group_parts,
)
from blueattr.attribution.parted.looking import FirstFound, FirstJob, LookJob
from blueattr.attribution.parted.part import PanelPart, PartSetting, SentIndicator, sent
from blueattr.attribution.parted.sharing import (
    PartWriter,
    Placed,
    SharesFound,
    SharesJob,
    WriteJob,
)
from blueattr.attribution.parted.shelves import EndsJob, Levels, Pieces, SolveJob
from blueattr.attribution.parted.ties import cuts_by_part
from blueattr.attribution.tiered import NOBODY, ActivePanel, check_panel
from blueattr.attribution.tiers import DEFAULT_CUTOFFS, boundaries, check_cutoffs, tier_names
from blueattr.attribution.value import TierSums, check_method, remark, share_out_sums
from blueattr.cluster.engine import TaskEngine
from blueattr.errors import NobodyInvolvedError
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray
from blueattr.provenance import Provenance

__all__ = ["Leading", "attribute_parts"]


@dataclass(frozen=True)
class Leading:
    """A result, and the files that the agents it names are in.

    Parameters
    ----------
    result
        Its ``agents`` are those with the largest values.
    files
        The user's files that hold them, each once.
    """

    result: AttributionResult
    files: tuple[Path, ...]


@dataclass
class _Means:
    """A panel, as far as a solver needs it."""

    n: int
    means: tuple[float, float, float]


@dataclass
class _Asked:
    """An indicator on the way to its result."""

    indicator: Indicator
    sent: SentIndicator
    method: Any
    steps: int | None
    solver: Solver
    whole: Solver | None
    sums: TierSums
    largest: list[pl.DataFrame] = field(default_factory=list)
    factor: float = 0.0
    splitters: FloatArray | None = None
    constants: FloatArray = field(default_factory=lambda: np.zeros(0))
    places: dict[int, dict[int, tuple[Path, int]]] = field(default_factory=dict)


def attribute_parts(
    engine: TaskEngine,
    paths: Sequence[Path],
    shared: Path,
    indicators: Sequence[str | Indicator | OwnIndicator] = ("heat",),
    *,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    panel: str = "active",
    provenance: Provenance | None = None,
    columns: Mapping[str, str] | None = None,
    top: int = 0,
    send_code: bool = False,
    agents: Path | None = None,
    writer: PartWriter | None = None,
    digests: Sequence[str] = (),
    by: GroupLabels | None = None,
) -> list[Leading]:
    """Split macro indicators among all agents of Parquet files, a task a file.

    Parameters
    ----------
    engine
        Runs the tasks.
    paths
        The files, which every worker sees.
    shared
        A folder that every worker sees, for what they exchange.
    indicators, method, steps, aggregator, cutoffs, panel, provenance, columns, top
        As for `blueattr.attribution.large.streaming.attribute_file`.
    send_code
        Whether a user's own indicators may be sent to workers.
    agents, writer
        Writes the agents of each part to a file of this folder, ordered by value within it: for
        one indicator.
    digests
        Of the files, where finished work is kept.
    by
        Knows groups of agents, to be attributed, too.

    Returns
    -------
    list of Leading
        In the order of the indicators.

    Raises
    ------
    FeatureError, EmptyPanelError, ZeroTotalError, UsageError, InputError
        As `blueattr.attribution.large.streaming.attribute_file`; an agent that is in two files.
    ClusterError
        The cluster is lost.
    """
    chosen = [find_indicator(one) for one in indicators]
    methods = [check_method(one, method, steps) for one in chosen]
    edges, choice = check_cutoffs(cutoffs), check_panel(panel)
    aggregator = aggregator or Aggregator()
    named, n = shape(paths, columns)
    key, numbers = find_columns([*named[0]], n)
    setting = PartSetting(
        n, tuple(numbers), "followers" if "followers" in numbers else "b", edges, choice, shared,
        len(paths) > 1,
    )  # fmt: skip
    asked = []
    for one, (way, count) in zip(chosen, methods, strict=True):
        solvers = [solver_of(one, aggregator, n, count) for _ in range(2)]
        asked.append(
            _Asked(
                one, sent(one, may_send=send_code), way, count, solvers[0],
                solvers[1] if choice == "involved" else None, TierSums(tier_names(edges)),
            )
        )  # fmt: skip
    work = _Work(engine, setting, aggregator, asked, tuple(paths))
    parts = _parts(paths, named, key, digests)
    work.read(parts, top)
    origin = provenance or Provenance(source=f"{len(paths)} files")
    found = work.results(origin, agents, writer)
    return found if by is None else work.with_groups(found, parts, by)


def _parts(
    paths: Sequence[Path], named: Sequence[Mapping[str, str]], key: str, digests: Sequence[str]
) -> list[PanelPart]:
    parts, first = [], 0
    for k, (path, names) in enumerate(zip(paths, named, strict=True)):
        parts.append(PanelPart(path, dict(names), key, k, first, digests[k] if digests else ""))
        first += shape([path])[1]
    return parts


class _Work:
    """The stages of a question, one after another."""

    def __init__(
        self,
        engine: TaskEngine,
        setting: PartSetting,
        aggregator: Aggregator,
        asked: Sequence[_Asked],
        paths: tuple[Path, ...],
    ) -> None:
        self.engine, self.setting, self.aggregator = engine, setting, aggregator
        self.asked, self.paths = asked, paths
        self.means = self.all_means = _Means(0, (0.0, 0.0, 0.0))
        self.cuts: list[TierCut] = []
        self.by_part: list[tuple[TierCut, ...]] = []
        self.parts: list[PanelPart] = []
        self.tiers = np.zeros(len(setting.cutoffs) + 1, np.int64)

    # --- reading ---

    def read(self, parts: Sequence[PanelPart], top: int) -> None:
        """Read all parts, until every sum is known but those of `gini`."""
        sending = tuple((one.sent, one.steps) for one in self.asked)
        jobs = [FirstJob(part, self.setting, self.aggregator, sending) for part in parts]
        ranks = Ranks([end - 1 for end in boundaries(self.setting.n, self.setting.cutoffs)])
        digits = ranks.digits()
        every, involved = FeatureMeans(), FeatureMeans()
        found: dict[int, FirstFound] = {}
        for k, one in self.engine.run("reading", looking.first, jobs):
            every.take(one.means)
            involved.take(one.involved)
            for mine, theirs in zip(digits, one.digits, strict=True):
                mine.take(theirs)
            for asked, seen in zip(self.asked, one.solvers, strict=True):
                asked.solver.take(seen)
            for asked, seen in zip(self.asked, one.wholes, strict=False):
                if asked.whole is not None:
                    asked.whole.take(seen)
            found[k] = one
        firsts = [found[k] for k in range(len(parts))]
        self.parts = [one.part for one in firsts]
        order = apart(firsts)
        if order is None:
            refuse_shared(self.engine, firsts, self.paths, self.setting)
        self.all_means = self.means = _Means(every.n, every.means())
        if self.setting.choice == "involved":
            if not involved.n:
                raise NobodyInvolvedError(NOBODY)
            self.means = _Means(involved.n, involved.means())
        ranks.go_on(digits)
        self._look(ranks)
        self.cuts = ranks.cuts
        self.by_part = cuts_by_part(self.engine, self.parts, self.setting, self.cuts, order)
        self._share(top)

    def _look(self, ranks: Ranks) -> None:
        """Go over the parts until ranks and solvers have all they need."""
        looking_on: list[tuple[_Asked, Solver, bool]] = []
        for one in self.asked:
            looking_on.append((one, one.solver, False))
            if one.whole is not None:
                looking_on.append((one, one.whole, True))
        done = 1
        while True:
            for one, solver, whole in looking_on:
                with too_large(one.indicator):
                    solver.end(self.all_means if whole else self.means)
            looking_on = [one for one in looking_on if one[1].passes > done]
            if not (looking_on or ranks.open):
                return
            # As they are now: what parts have seen is added to the solvers as it comes.
            sending = tuple(
                (one.sent, copy.deepcopy(solver), whole) for one, solver, whole in looking_on
            )
            jobs = [LookJob(part, self.setting, ranks, sending) for part in self.parts]
            digits = ranks.digits()
            for _, (theirs, solvers) in self.engine.run("ranking", looking.look, jobs):
                for mine, counted in zip(digits, theirs, strict=True):
                    mine.take(counted)
                for (_, solver, _), seen in zip(looking_on, solvers, strict=True):
                    solver.take(seen)
            if digits:
                ranks.go_on(digits)
            done += 1

    # --- sharing out ---

    def _share(self, top: int) -> None:
        self._top = top
        placed = tuple(self._placed(one) for one in self.asked)
        jobs = [
            SharesJob(part, self.setting, cuts, self.aggregator, placed, top)
            for part, cuts in zip(self.parts, self.by_part, strict=True)
        ]
        found: dict[int, SharesFound] = {}
        for k, one in self.engine.run("sharing", sharing.shares, jobs):
            self.tiers += one.tiers
            for asked, sums in zip(self.asked, one.sums, strict=True):
                if sums is not None:
                    asked.sums.take(sums)
            found[k] = one
        for place, asked in enumerate(self.asked):
            asked.largest = [
                found[k].largest[place].with_columns(part=pl.lit(k, pl.Int64))
                for k in range(len(self.parts))
            ]
        self._sent = [[found[k].sent[i] for k in range(len(jobs))] for i in range(len(placed))]
        self._whole = [[found[k].whole[i] for k in range(len(jobs))] for i in range(len(placed))]

    def _placed(self, one: _Asked) -> Placed:
        if not isinstance(one.solver, GiniSolver):
            return Placed(one.sent, one.solver)
        total = one.solver.sum.value()
        if total:
            one.splitters = one.solver.shelves()
            one.factor = float(1 / (self.means.n * total))
        whole = None
        if isinstance(one.whole, GiniSolver) and one.whole.sum.value():
            whole = one.whole.shelves()
        solver = None if total else _Nothing(self.aggregator, self.means.n)
        return Placed(one.sent, solver, one.splitters, whole)

    def _solve(self, place: int, one: _Asked, *, keep: bool) -> None:
        """Solve the shelves of an indicator, and of all agents where it is asked of some."""
        if isinstance(one.whole, GiniSolver) and (whole := _all(self._whole[place])):
            total = self._walk(f"all-{place}", whole, one.whole.shelves(), None, np.zeros(0))[0]
            one.whole.total = float(total / (self.all_means.n * one.whole.sum.value()))
        pieces = _all(self._sent[place])
        if one.splitters is None or not pieces:
            return
        keys = pl.concat([frame["key"] for frame in one.largest]).unique().sort().to_numpy()
        total, found = self._walk(f"{place}", pieces, one.splitters, one, keys, keep=keep)
        assert isinstance(one.solver, GiniSolver)  # noqa: S101 - for the type checker
        one.solver.total = float(total / (self.means.n * one.solver.sum.value()))
        values = found * one.factor
        at = [np.searchsorted(keys, frame["key"].to_numpy()) for frame in one.largest]
        one.largest = [
            frame.with_columns(key=pl.Series(values[places], dtype=pl.Float64))
            for frame, places in zip(one.largest, at, strict=True)
        ]

    def _walk(
        self,
        name: str,
        pieces: Sequence[Pieces],
        splitters: FloatArray,
        one: _Asked | None,
        wanted: FloatArray,
        *,
        keep: bool = False,
    ) -> tuple[Any, FloatArray]:
        """Solve shelves; return the sum of all excesses, and those of some numbers."""
        by_shelf = list(shelves.by_shelf(pieces))
        jobs = [EndsJob(tuple(theirs)) for _, theirs, _ in by_shelf]
        ends = {
            by_shelf[k][0]: end for k, end in self.engine.run("shelves", shelves.shelf_ends, jobs)
        }
        counts = sum((part.counts for part in pieces), np.zeros_like(pieces[0].counts))
        levels = Levels(splitters, counts, ends)
        tiers = () if one is None else tier_names(self.setting.cutoffs)
        factor = 0.0 if one is None else one.factor
        solving = [
            SolveJob(
                tuple(theirs), levels.starts[shelf], factor, tiers, wanted,
                self.setting.shared / f"excess-{name}-{shelf:05}" if keep else None,
            )
            for shelf, theirs, _ in by_shelf
        ]  # fmt: skip
        found = levels.of_splitters(wanted)
        solved = []
        for _, result in self.engine.run("solving", shelves.shelf_solve, solving):
            found = np.where(np.isnan(result.found), found, result.found)
            solved.append(result)
        total = levels.finish(solved, None if one is None else one.sums, factor)
        if one is not None:
            one.constants = levels.constants
            for job, (shelf, _, begins) in zip(solving, by_shelf, strict=True):
                for part, start in begins:
                    if job.target is not None:
                        one.places.setdefault(part, {})[shelf] = (job.target, start)
        return total, found

    # --- results ---

    def results(
        self, origin: Provenance, agents: Path | None, writer: PartWriter | None
    ) -> list[Leading]:
        """Return what was found of each indicator; write every agent where a folder is named."""
        origin = with_cuts(
            origin, self.setting.n, self.setting.cutoffs, [cut.level for cut in self.cuts]
        )
        results = []
        for place, one in enumerate(self.asked):
            with too_large(one.indicator):
                self._solve(place, one, keep=agents is not None)
                attributed, tiers = share_out_sums(
                    one.indicator, one.sums, total=one.solver.total, means=self.means.means
                )
            largest = (
                pl.concat(one.largest)
                .sort("key", "did", descending=[True, False], maintain_order=True)
                .head(self._top)
            )
            results.append(self._result(one, origin, attributed, tiers, largest))
            if agents is not None and writer is not None:
                self._write(one, results[-1].result, agents, writer)
        return results

    def _result(
        self,
        one: _Asked,
        origin: Provenance,
        attributed: float,
        tiers: Any,
        largest: pl.DataFrame,
    ) -> Leading:
        arrays = [largest[name].to_numpy() for name in ("a", "b", "c", "key")]
        active = None
        if one.whole is not None:
            counts = tuple(self.tiers.tolist())
            active = ActivePanel(self.all_means.n, counts, one.whole.total)
        result = AttributionResult(
            indicator=one.indicator.name,
            aggregator=self.aggregator,
            method=one.method,
            steps=one.steps,
            n_agents=self.means.n,
            n_involved=sum(tier.agents_involved for tier in tiers),
            total=one.solver.total,
            attributed=attributed,
            means=self.means.means,
            moment=math.prod(self.means.means),
            cutoffs=self.setting.cutoffs,
            tiers=tiers,
            agents=agent_rows(
                self.setting.cutoffs, largest["did"], largest["tier"].to_numpy(), arrays, attributed
            ),
            provenance=origin,
            remarks=remark(one.indicator, one.solver.total, one.solver.means, one.steps),
            panel=self.setting.choice,
            active=active,
        )
        files = dict.fromkeys(self.paths[k] for k in largest["part"].to_list())
        return Leading(result, tuple(files))

    def with_groups(
        self, found: Sequence[Leading], given: Sequence[PanelPart], by: GroupLabels
    ) -> list[Leading]:
        """Add to each result what its indicator is of groups."""
        parts = [GroupedPart(*one) for one in zip(given, self.parts, self.by_part, strict=True)]
        asked = [Placing(one.indicator, self._placed(one), one.factor) for one in self.asked]
        shares = group_parts(
            self.engine, parts, setting=self.setting, aggregator=self.aggregator, asked=asked,
            labels=by,
        )  # fmt: skip
        return [
            replace(one, result=replace(one.result, groups=groups))
            for one, groups in zip(found, shares, strict=True)
        ]

    def _write(
        self, one: _Asked, result: AttributionResult, agents: Path, writer: PartWriter
    ) -> None:
        placed = self._placed(one)
        jobs = [
            WriteJob(
                part, self.setting, cuts, self.aggregator, placed, result, one.constants,
                one.places.get(k, {}), one.factor, agents / f"part-{k:05}.parquet", writer,
            )
            for k, (part, cuts) in enumerate(zip(self.parts, self.by_part, strict=True))
        ]  # fmt: skip
        for _ in self.engine.run("writing", sharing.write, jobs):
            pass


class _Nothing(Solver):
    """Every value is 0: nobody has any s."""

    def values(self, x: Any) -> FloatArray:
        return np.zeros(x.a.size)


def _all(sent: Sequence[Pieces | None]) -> list[Pieces]:
    return [one for one in sent if one is not None]
