"""Tasks that attribute a part: sums by tier and the agents to name, and every agent to a file."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow.parquet as pq

from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.large import external_sort
from blueattr.attribution.large.cuts import TierCut
from blueattr.attribution.large.external_sort import KeySample, SortOnDisk
from blueattr.attribution.large.largest import Largest
from blueattr.attribution.large.solvers import Solver, too_large
from blueattr.attribution.large.streaming import agent_rows
from blueattr.attribution.parted.part import PanelPart, PartSetting, SentIndicator, panel_of
from blueattr.attribution.parted.shelves import Outgoing, Pieces, Returning
from blueattr.attribution.tiers import tier_names
from blueattr.attribution.value import TierSums
from blueattr.indicators.base import Aggregator, FeatureArrays
from blueattr.kernels import FloatArray, IntArray

__all__ = [
    "PartWriter", "Placed", "SharesFound", "SharesJob", "WriteJob", "Written", "shares", "write",
]  # fmt: skip


_Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Placed:
    """An indicator whose value of an agent is known from its own features, or from a shelf.

    Parameters
    ----------
    sent
        The indicator.
    solver
        Its solver after the last pass; None where agents go to shelves.
    splitters
        Of the shelves.
    whole
        Splitters of the shelves of all agents, where those asked about are some of them.
    """

    sent: SentIndicator
    solver: Solver | None
    splitters: FloatArray | None = None
    whole: FloatArray | None = None


@dataclass(frozen=True)
class SharesJob:
    """A part to be attributed, with the last agents of its tiers."""

    part: PanelPart
    setting: PartSetting
    cuts: tuple[TierCut, ...]
    aggregator: Aggregator
    placed: tuple[Placed, ...]
    top: int


@dataclass(frozen=True)
class SharesFound:
    """What a part has of each indicator.

    Parameters
    ----------
    sums
        By tier; None where shelves will have them.
    largest
        The agents to name, with ``did``; of shelves, ``key`` is s in place of the value.
    sent
        What went to shelves; None where there are none.
    whole
        The same of all agents.
    tiers
        int64: how many of all agents are in each tier.
    """

    sums: list[TierSums | None]
    largest: list[pl.DataFrame]
    sent: list[Pieces | None]
    whole: list[Pieces | None]
    tiers: IntArray
    files: tuple[tuple[Path, int], ...]


def shares(job: SharesJob) -> SharesFound:
    """Attribute a part."""
    setting, names = job.setting, tier_names(job.setting.cutoffs)
    some = setting.choice == "involved"
    found = [_Sharing(job, one, k) for k, one in enumerate(job.placed)]
    counts = np.zeros(len(names), np.int64)
    with ExitStack() as open_files:
        for one in found:
            one.open(open_files)
        panel = panel_of(job.part, setting, job.cuts, setting.shared)
        for rows, x, tiers in panel.tiers():
            if not some:
                counts += np.bincount(tiers, minlength=counts.size)
            for one in found:
                one.take(rows, x, tiers)
        if panel.active is not None:
            for _, x, tiers in panel.active.tiers():
                counts += np.bincount(tiers, minlength=counts.size)
                for one in found:
                    one.take_whole(x)
        sent = [one.out.sent() if one.out is not None else None for one in found]
        whole = [one.whole.sent() if one.whole is not None else None for one in found]
    wanted = sorted({row for one in found for row in one.largest.kept["row"].to_list()})
    dids = panel.dids_at(wanted)
    largest = [
        one.largest.kept.with_columns(
            pl.Series("did", [dids[row] for row in one.largest.kept["row"]], dtype=pl.String)
        )
        for one in found
    ]
    files = tuple(file for one in (*sent, *whole) if one is not None for file in one.files)
    sums = [None if one.out is not None else one.sums for one in found]
    return SharesFound(sums, largest, sent, whole, counts, files)


class _Sharing:
    """One indicator of one part."""

    def __init__(self, job: SharesJob, placed: Placed, place: int) -> None:
        self._job, self._placed, self._place = job, placed, place
        self._indicator = placed.sent.find()
        self.sums = TierSums(tier_names(job.setting.cutoffs))
        self.largest = Largest(job.top, nearly=placed.splitters is not None)
        self.out: Outgoing | None = None
        self.whole: Outgoing | None = None
        if placed.solver is not None:
            placed.solver.attach(self._indicator)

    def open(self, stack: ExitStack) -> None:
        name = f"{self._place}-{self._job.part.number:05}"
        shared, placed = self._job.setting.shared, self._placed
        if placed.splitters is not None:
            out = Outgoing(shared / f"out-{name}", placed.splitters, self.sums.count)
            self.out = stack.enter_context(out)
        if placed.whole is not None:
            self.whole = stack.enter_context(Outgoing(shared / f"all-{name}", placed.whole, 1))

    def take(self, rows: IntArray, x: FeatureArrays, tiers: _Bytes) -> None:
        groups = self.sums.groups(tiers, x.involved())
        with too_large(self._indicator):
            if self.out is not None:
                s, _ = self._job.aggregator.apply(x)
                self.out.add(s, groups)
                self.largest.add(s, rows, x, tiers)
            elif self._placed.solver is not None:
                values = self._placed.solver.values(x)
                self.sums.add_grouped(values, groups)
                self.largest.add(values, rows, x, tiers)

    def take_whole(self, x: FeatureArrays) -> None:
        if self.whole is not None:
            self.whole.add(self._job.aggregator.apply(x)[0], None)


# --- every agent ----------------------------------------------------------------------------------


PartWriter = Callable[[Path, int, AttributionResult, Iterator[pl.DataFrame]], None]
"""Writes frames of agents to a file; is told how many agents there may be in the parts before."""


@dataclass(frozen=True)
class WriteJob:
    """A part whose agents are to be written.

    Parameters
    ----------
    part, setting, cuts, aggregator, placed
        As for `SharesJob`, of one indicator.
    result
        The attribution, with few agents.
    constants, places
        As for `blueattr.attribution.parted.shelves.Returning`.
    factor
        What makes a value of an excess.
    target
        The file.
    writer
        Writes it.
    """

    part: PanelPart
    setting: PartSetting
    cuts: tuple[TierCut, ...]
    aggregator: Aggregator
    placed: Placed
    result: AttributionResult
    constants: FloatArray
    places: dict[int, tuple[Path, int]]
    factor: float
    target: Path
    writer: PartWriter


@dataclass(frozen=True)
class Written:
    """The file of a part, with its size."""

    files: tuple[tuple[Path, int], ...]


def write(job: WriteJob) -> Written:
    """Write the agents of a part by descending value, then by DID."""
    rows = pq.read_metadata(job.part.path).num_rows
    with tempfile.TemporaryDirectory(prefix="blueattr-") as name:
        folder = Path(name)
        splitters = pl.Series([], dtype=pl.Float64)
        if rows > external_sort.SHELF:
            sample = KeySample(rows)
            for _, _, _, values in _valued(job, folder):
                sample.add(pl.Series(_ordered(values)))
            splitters = sample.splitters()
        shelves = SortOnDisk(folder, "order", splitters)
        columns = ("a", "b", "c", "value")
        for dids, x, tiers, values in _valued(job, folder):
            numbers = dict(zip(columns, (*x, values), strict=True))
            order = _ordered(values)
            shelves.add(pl.DataFrame({"did": dids, "tier": tiers, **numbers, "order": order}))

        def frames() -> Iterator[pl.DataFrame]:
            nothing = True
            for frame in shelves.frames():
                nothing = False
                yield _rows(job, frame, columns)
            if nothing:
                yield _rows(job, _EMPTY, columns)

        job.writer(job.target, job.part.first, job.result, frames())
    return Written(((job.target, job.target.stat().st_size),))


_EMPTY = pl.DataFrame(
    schema={
        "did": pl.String,
        "tier": pl.UInt8,
        **dict.fromkeys(("a", "b", "c", "value"), pl.Float64),
    }
)


def _rows(job: WriteJob, frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    arrays = [frame[name].to_numpy() for name in columns]
    return agent_rows(
        job.setting.cutoffs, frame["did"], frame["tier"].to_numpy(), arrays, job.result.attributed
    )


def _valued(
    job: WriteJob, folder: Path
) -> Iterator[tuple[pl.Series, FeatureArrays, _Bytes, FloatArray]]:
    """Yield DIDs, features, tiers and values of each chunk."""
    panel = panel_of(job.part, job.setting, job.cuts, folder)
    if job.placed.solver is not None:
        job.placed.solver.attach(job.placed.sent.find())
        for dids, x, tiers in panel.agents():
            yield dids, x, tiers, job.placed.solver.values(x)
        return
    splitters = job.placed.splitters
    assert splitters is not None  # noqa: S101 - for the type checker: one of both is there
    with Returning(splitters, job.constants, job.places) as returning:
        for dids, x, tiers in panel.agents():
            excess = returning.excess(job.aggregator.apply(x)[0])
            yield dids, x, tiers, excess * job.factor


def _ordered(values: FloatArray) -> FloatArray:
    keys: FloatArray = -values + 0.0  # -0.0 becomes 0.0: they are ties
    return keys
