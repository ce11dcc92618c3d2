"""Attribution of a Parquet file that need not fit into memory, in passes over its chunks.

Results are those of `blueattr.attribution.attribute`, to the bit: sums, and how far an agent is
ahead of the others, do not depend on how the file is split into chunks.
"""

import contextlib
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.equals import with_cuts
from blueattr.attribution.large.chunks import ChunkedPanel, Watch
from blueattr.attribution.large.external_sort import KeySample, SortOnDisk
from blueattr.attribution.large.largest import Largest
from blueattr.attribution.large.parts import parts_of
from blueattr.attribution.large.solvers import GiniSolver, Solver, solver_of, too_large
from blueattr.attribution.tiered import ActivePanel, check_panel
from blueattr.attribution.tiers import DEFAULT_CUTOFFS, check_cutoffs, tier_names
from blueattr.attribution.value import TierSums, check_method, remark, share_out_sums
from blueattr.errors import InputError
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray, IntArray
from blueattr.provenance import Provenance

__all__ = ["STREAM_FROM", "Frames", "Receiver", "agent_rows", "attribute_file", "is_large"]


STREAM_FROM = 1 << 22
"""Least number of agents for which a file is read in chunks."""


Frames = Iterator[pl.DataFrame]
Receiver = Callable[[AttributionResult, Frames], None]


def is_large(path: Path) -> bool:
    """Return whether a panel should be read in chunks: it is Parquet files with many rows.

    Parameters
    ----------
    path
        As for `blueattr.attribution.large.parts.parts_of`.

    Raises
    ------
    InputError
        A folder or pattern names no files.
    """
    rows = 0
    for part in parts_of(path):
        if part.suffix.lower() != ".parquet" or not part.is_file():  # a pipe can be read once
            return False
        with contextlib.suppress(OSError, pa.ArrowException), part.open("rb") as file:
            rows += pq.read_metadata(file).num_rows
    return rows >= STREAM_FROM


def attribute_file(
    paths: Path | Sequence[Path],
    indicators: Sequence[str | Indicator | OwnIndicator] = ("heat",),
    *,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    panel: str = "active",
    provenance: Provenance | None = None,
    columns: Mapping[str, str] | None = None,
    receive: Receiver | None = None,
    top: int = 0,
) -> list[AttributionResult]:
    """Split macro indicators among all agents of Parquet files, in bounded memory.

    Parameters
    ----------
    paths
        A file of features, one row per agent, with the columns of
        `blueattr.attribution.inputs.check_features`, or the files that hold its parts. If agents
        are not in order of DID, they are sorted first, on disk.
    indicators, method, steps, aggregator, cutoffs, panel, provenance
        As for `blueattr.attribution.attribute.attribute`.
    columns
        See `blueattr.attribution.frames.name_columns`.
    receive
        Called for each indicator with its result and an iterator over frames that together have
        the rows of ``AttributionResult.agents``, in that order. It must read all of them.
    top
        How many of the agents with the largest values the results have.

    Returns
    -------
    list of AttributionResult
        Their ``agents`` are the first `top` of all.

    Raises
    ------
    InputError
        When a file cannot be read, or there is no space for temporary files.
    UsageError, FeatureError, EmptyPanelError, ZeroTotalError
        As `blueattr.attribution.attribute.attribute`.

    Notes
    -----
    docs/methods.md, "Streaming". Temporary files go where `tempfile` puts them (``TMPDIR``).
    """
    chosen = [find_indicator(indicator) for indicator in indicators]
    methods = [check_method(indicator, method, steps) for indicator in chosen]
    edges, choice = check_cutoffs(cutoffs), check_panel(panel)
    aggregator = aggregator or Aggregator()
    paths = (paths,) if isinstance(paths, Path) else tuple(paths)
    called = str(paths[0]) if len(paths) == 1 else f"{len(paths)} files"
    origin = provenance or Provenance(
        source=called, notes=("Features are used as given, unscaled.",)
    )
    asked: list[_Asked] = []

    def watch(n: int) -> tuple[Watch, Watch]:
        for indicator, (way, count) in zip(chosen, methods, strict=True):
            solver = solver_of(indicator, aggregator, n, count)
            whole = solver_of(indicator, aggregator, n, count) if choice == "involved" else None
            asked.append(
                _Asked(
                    indicator, way, count, solver, whole,
                    TierSums(tier_names(edges)),
                    Largest(top, nearly=isinstance(solver, GiniSolver)),
                    None if receive is None else KeySample(n),
                )
            )  # fmt: skip
        return (
            _first_look([(one.indicator, one.solver) for one in asked]),
            _first_look([(one.indicator, one.whole) for one in asked if one.whole is not None]),
        )

    try:
        with tempfile.TemporaryDirectory(prefix="blueattr-") as folder:
            agents = ChunkedPanel.of(
                paths, Path(folder), edges, names=columns, choice=choice, watch=watch
            )
            ranked = agents.active or agents
            origin = with_cuts(origin, ranked.n, edges, [cut.level for cut in ranked.cuts])
            with agents.open:  # its files on disk
                return _attribute(agents, asked, aggregator, origin, receive)
    except OSError as error:
        raise InputError(
            f"cannot read the features in {called}, or keep temporary files in "
            f"{tempfile.gettempdir()}: {error.strerror or error}"
        ) from error


def _first_look(solvers: Sequence[tuple[Indicator, Solver]]) -> Watch:
    """Return what shows a chunk to those that look at the first pass."""
    looking = [(indicator, solver) for indicator, solver in solvers if solver.passes]

    def look(x: FeatureArrays) -> None:
        for indicator, solver in looking:
            with too_large(indicator):
                solver.look(x)

    return look


@dataclass
class _Asked:
    """An indicator on the way to its result.

    Parameters
    ----------
    indicator, method, steps
        What is attributed, and how.
    solver
        Of those asked about.
    whole
        Of all agents, where those asked about are some of them; else None.
    sums, largest
        What there is by tier, and the agents to name.
    order
        A sample of the values, where all agents are written.
    """

    indicator: Indicator
    method: Any
    steps: int | None
    solver: Solver
    whole: Solver | None
    sums: TierSums
    largest: Largest
    order: KeySample | None

    def take(self, rows: IntArray, x: FeatureArrays, tiers: npt.NDArray[np.uint8]) -> None:
        """Sum up a chunk of the pass by tier."""
        groups = self.sums.groups(tiers, x.involved())
        if isinstance(self.solver, GiniSolver) and self.solver.is_open:
            self.largest.add(self.solver.place(x, groups), rows, x, tiers)
            return
        values = self.solver.values(x)
        self.sums.add_grouped(values, groups)
        if self.order is not None:
            self.order.add(pl.Series(_ordered(values)))
        self.largest.add(values, rows, x, tiers)

    def named(self) -> pl.DataFrame:
        """Return the agents with the largest values, after the pass by tier."""
        if not (isinstance(self.solver, GiniSolver) and self.solver.is_open):
            return self.largest.agents()
        keys = self.largest.keys()
        return self.largest.agents(keys, self.solver.finish(self.sums, keys))


def _look(asked: Sequence[_Asked], panel: ChunkedPanel, solvers: Sequence[Solver]) -> None:
    """End the first pass of each indicator, and do what further ones they need."""
    more = list(zip(asked, solvers, strict=True))
    done = 1
    while True:
        for one, solver in more:
            with too_large(one.indicator):
                solver.end(panel)
        more = [(one, solver) for one, solver in more if solver.passes > done]
        if not more:
            return
        for x in panel.features():
            for one, solver in more:
                with too_large(one.indicator):
                    solver.look(x)
        done += 1


def _attribute(
    panel: ChunkedPanel,
    asked: Sequence[_Asked],
    aggregator: Aggregator,
    origin: Provenance,
    receive: Receiver | None,
) -> list[AttributionResult]:
    _look(asked, panel, [one.solver for one in asked])
    for one in asked:
        if isinstance(one.solver, GiniSolver):
            with too_large(one.indicator):
                one.solver.open(panel, one.sums.count, keep=receive is not None)
    for rows, x, tiers in panel.tiers():
        for one in asked:
            with too_large(one.indicator):
                one.take(rows, x, tiers)
    results = []
    actives = _actives(panel, asked)
    for one, active in zip(asked, actives, strict=True):
        with too_large(one.indicator):
            named = one.named()
            attributed, shares = share_out_sums(
                one.indicator, one.sums, total=one.solver.total, means=panel.means
            )
        solver = one.solver
        result = AttributionResult(
            indicator=one.indicator.name,
            aggregator=aggregator,
            method=one.method,
            steps=one.steps,
            n_agents=panel.n,
            n_involved=sum(tier.agents_involved for tier in shares),
            total=solver.total,
            attributed=attributed,
            means=panel.means,
            moment=math.prod(panel.means),
            cutoffs=panel.cutoffs,
            tiers=shares,
            agents=_named(panel, named, attributed),
            provenance=origin,
            remarks=remark(one.indicator, solver.total, solver.means, one.steps),
            panel="active" if panel.active is None else "involved",
            active=active,
        )
        results.append(result)
        if receive is not None:
            receive(result, _agent_frames(panel, one, attributed))
    return results


def _actives(panel: ChunkedPanel, asked: Sequence[_Asked]) -> list[ActivePanel | None]:
    """Return what the panel of all agents has of each indicator, where not all are asked about."""
    whole = panel.active
    pairs = [(one, one.whole) for one in asked if one.whole is not None]
    if whole is None or not pairs:
        return [None] * len(asked)
    _look([one for one, _ in pairs], whole, [solver for _, solver in pairs])
    placed = [(one, solver) for one, solver in pairs if isinstance(solver, GiniSolver)]
    counts = np.zeros(len(whole.cutoffs) + 1, np.int64)
    with whole.open:
        for one, solver in placed:
            with too_large(one.indicator):
                solver.open(whole, 1, keep=False)
        for _, x, tiers in whole.tiers():
            counts += np.bincount(tiers, minlength=counts.size)
            for _, solver in placed:
                solver.place(x)
        for one, solver in placed:
            with too_large(one.indicator):
                solver.finish(None, np.zeros(0))
    return [ActivePanel(whole.n, tuple(counts.tolist()), solver.total) for _, solver in pairs]


def _ordered(values: FloatArray) -> FloatArray:
    """Return keys whose ascending order is that of the per-agent frame."""
    keys: FloatArray = -values + 0.0  # -0.0 becomes 0.0: they are ties
    return keys


_COLUMNS = ("a", "b", "c", "value")


def _named(panel: ChunkedPanel, agents: pl.DataFrame, attributed: float) -> pl.DataFrame:
    dids = panel.dids_at(agents["row"].to_list())
    names = pl.Series([dids[row] for row in agents["row"]], dtype=pl.String)
    columns = [agents[name].to_numpy() for name in _COLUMNS]
    return agent_rows(panel.cutoffs, names, agents["tier"].to_numpy(), columns, attributed)


def agent_rows(
    cutoffs: Sequence[float],
    dids: pl.Series,
    tiers: npt.NDArray[np.uint8],
    columns: Sequence[FloatArray],
    attributed: float,
) -> pl.DataFrame:
    """Return rows of ``AttributionResult.agents``, of these columns of a, b, c and φ."""
    names = tier_names(cutoffs)
    return pl.DataFrame(
        {
            "did": dids,
            "tier": pl.Series(names, dtype=pl.Enum(names)).gather(tiers),
            **dict(zip(_COLUMNS, columns, strict=True)),
            "share": columns[-1] / attributed,
        }
    )


def _agent_frames(panel: ChunkedPanel, one: _Asked, attributed: float) -> Frames:
    """Yield every agent's attribution by descending value, then by DID."""
    solver = one.solver
    if isinstance(solver, GiniSolver):
        solver.rewind()
        splitters = pl.Series(_ordered(solver.splitters())).unique().sort()
    else:
        assert one.order is not None  # noqa: S101 - for the type checker: agents are written
        splitters = one.order.splitters()
    shelves = SortOnDisk(panel.folder, "order", splitters)
    for dids, x, tiers in panel.agents():
        values = solver.values(x)
        columns = dict(zip(_COLUMNS, (*x, values), strict=True))
        order = _ordered(values)
        shelves.add(pl.DataFrame({"did": dids, "tier": tiers, **columns, "order": order}))
    for frame in shelves.frames():
        arrays = [frame[name].to_numpy() for name in _COLUMNS]
        yield agent_rows(panel.cutoffs, frame["did"], frame["tier"].to_numpy(), arrays, attributed)
