"""Tasks that look at a part: its first reading, further passes, ties, and DIDs that repeat."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import xxhash

from blueattr.attribution.inputs import agent_names
from blueattr.attribution.large.chunks import FeatureMeans, ascend, checked, sorted_copy
from blueattr.attribution.large.cuts import DigitCounts, Ranks, TierCut
from blueattr.attribution.large.external_sort import KeySample
from blueattr.attribution.large.solvers import Solver, solver_of, too_large
from blueattr.attribution.parted.part import PanelPart, PartSetting, SentIndicator, panel_of
from blueattr.attribution.tiers import boundaries
from blueattr.cluster.files import arriving
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator

__all__ = [
    "FirstFound", "FirstJob", "LookJob", "SameJob", "TiedFound", "TiedJob", "digest", "first",
    "keys", "look", "named", "same", "tied",
]  # fmt: skip


_READ = 1 << 22


def digest(path: Path) -> str:
    """Return a digest of the bytes of a file, by which finished work is known again."""
    found = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(_READ):
            found.update(block)
    return found.hexdigest()


# --- the first reading ----------------------------------------------------------------------------


@dataclass(frozen=True)
class FirstJob:
    """A part to be checked, and the indicators: each with its steps."""

    part: PanelPart
    setting: PartSetting
    aggregator: Aggregator
    indicators: tuple[tuple[SentIndicator, int | None], ...]


@dataclass(frozen=True)
class FirstFound:
    """What the first reading of a part finds.

    Parameters
    ----------
    part
        The part in order of DID: perhaps a sorted copy.
    lowest, highest
        Its first and last DID; empty where it has none.
    means, involved
        Of all its agents, and of those involved if only these are asked about.
    digits
        Of the ranks at which tiers end.
    solvers, wholes
        What each indicator saw of those asked about; and of all, where these are some of them.
    files
        The copy, with its size.
    """

    part: PanelPart
    lowest: str
    highest: str
    means: FeatureMeans
    involved: FeatureMeans
    digits: list[DigitCounts]
    solvers: list[Solver]
    wholes: list[Solver]
    files: tuple[tuple[Path, int], ...] = ()


def first(job: FirstJob) -> FirstFound:
    """Check a part and sum it up; sort it unless it is in order of DID."""
    part, setting = job.part, job.setting
    indicators = [(sent.find(), steps) for sent, steps in job.indicators]
    some = setting.choice == "involved"

    def fresh() -> list[Solver]:
        return [
            solver_of(one, job.aggregator, setting.n, steps, part.first)
            for one, steps in indicators
        ]

    solvers, wholes = fresh(), fresh() if some else []
    means, involved = FeatureMeans(), FeatureMeans()
    ranks = Ranks([end - 1 for end in boundaries(setting.n, setting.cutoffs)])
    digits = ranks.digits()
    sample, ascending, lowest = KeySample(setting.n), True, ""
    last = pl.Series([], dtype=pl.String)
    for frame in checked([part.file], part.key, setting.columns, several=setting.several):
        x = FeatureArrays(*(frame[name].to_numpy() for name in "abc"))
        means.add(x)
        ranks.add(digits, frame[setting.followers].to_numpy(), x.a)
        _show(indicators, wholes, x)
        if some:
            x = x.take(np.flatnonzero(x.involved()))
            involved.add(x)
        _show(indicators, solvers, x)
        sample.add(frame["did"])
        ascending = ascending and ascend(frame["did"], last)
        lowest = lowest or frame["did"][0]
        last = frame["did"].tail(1)
    found = FirstFound(
        part, lowest, last[0] if len(last) else "", means, involved, digits, solvers, wholes
    )
    return found if ascending else _in_order(job, found, sample)


def _show(
    indicators: Sequence[tuple[Indicator, int | None]], solvers: Sequence[Solver], x: FeatureArrays
) -> None:
    for (indicator, _), solver in zip(indicators, solvers, strict=False):
        if solver.passes:
            with too_large(indicator):
                solver.look(x)


def _in_order(job: FirstJob, found: FirstFound, sample: KeySample) -> FirstFound:
    """Sort a part into a copy that all workers see."""
    part, setting = job.part, job.setting
    target = setting.shared / f"sorted-{part.number:05}.parquet"
    with tempfile.TemporaryDirectory(prefix=".sorting-", dir=setting.shared) as name:
        folder = Path(name)
        copy = sorted_copy(
            [part.file], folder, part.key, setting.columns, sample, where=f": in {part.path.name}"
        )
        lowest, highest = _ends(copy.path)
        copy.path.replace(target)
    moved = replace(part, path=target, names={}, key="did")
    files = ((target, target.stat().st_size),)
    return replace(found, part=moved, lowest=lowest, highest=highest, files=files)


def _ends(path: Path) -> tuple[str, str]:
    dids = pl.scan_parquet(path, glob=False).select("did")
    ends = dids.select(low=pl.col("did").first(), high=pl.col("did").last()).collect()
    return str(ends["low"][0]), str(ends["high"][0])


# --- further passes -------------------------------------------------------------------------------


@dataclass(frozen=True)
class LookJob:
    """A further pass over a part.

    Parameters
    ----------
    part, setting
        The part, and what all are told.
    ranks
        Those still looked for.
    looking
        The indicators that need the pass: each with its solver, and whether it looks at all agents.
    """

    part: PanelPart
    setting: PartSetting
    ranks: Ranks
    looking: tuple[tuple[SentIndicator, Solver, bool], ...]


def look(job: LookJob) -> tuple[list[DigitCounts], list[Solver]]:
    """Count digits of the ranks, and show the part to solvers."""
    digits = job.ranks.digits()
    looking = []
    for sent, solver, whole in job.looking:
        indicator = sent.find()
        solver.attach(indicator)
        looking.append((indicator, solver, whole))
    columns = list(dict.fromkeys(["a", *("bc" if looking else ""), job.setting.followers]))
    some = job.setting.choice == "involved"
    panel = panel_of(job.part, replace(job.setting, choice="active"), (), job.setting.shared)
    for arrays in panel.arrays(columns):
        by_name = dict(zip(columns, arrays, strict=True))
        if job.ranks.open:
            job.ranks.add(digits, by_name[job.setting.followers], by_name["a"])
        if not looking:
            continue
        every = FeatureArrays(*(by_name[name] for name in "abc"))
        x = every.take(np.flatnonzero(every.involved())) if some else every
        for indicator, solver, whole in looking:
            with too_large(indicator):
                solver.look(every if whole else x)
    return digits, [solver for _, solver, _ in looking]


# --- ties at the end of a tier --------------------------------------------------------------------


@dataclass(frozen=True)
class TiedJob:
    """A part whose agents that are like the last one of a tier are to be counted.

    Parameters
    ----------
    part, setting
        The part, and what all are told.
    cuts
        Each with the DIDs between which they are looked at: after the first, up to the second; an
        empty one is no bound.
    keep
        The most DIDs to return of each.
    """

    part: PanelPart
    setting: PartSetting
    cuts: tuple[tuple[TierCut, str, str], ...]
    keep: int


class TiedFound(NamedTuple):
    """How many there are up to the first DID, and between both; and some of these.

    All of them, ascending, if they are few enough; else evenly spaced ones, the last included.
    """

    below: int
    inside: int
    dids: list[str]


def tied(job: TiedJob) -> list[TiedFound]:
    """Count the agents that are like the last one of a tier, and return some of their DIDs."""
    setting, below = job.setting, [0] * len(job.cuts)
    kept: list[list[str]] = [[] for _ in job.cuts]
    counts = [0] * len(job.cuts)
    for frame in _columns(job.part, setting, [setting.followers, "a"]):
        followers, a = frame[setting.followers].to_numpy(), frame["a"].to_numpy()
        for k, (cut, low, high) in enumerate(job.cuts):
            mine = np.flatnonzero((followers == cut.level.followers) & (a == cut.a))
            if not job.keep:
                counts[k] += mine.size
                continue
            dids = agent_names(frame["did"].gather(mine))
            upto = (dids <= low) if low else pl.Series([False]).new_from_index(0, len(dids))
            below[k] += int(upto.sum())
            inside = dids.filter(~upto & (dids <= high)) if high else dids.filter(~upto)
            counts[k] += len(inside)
            kept[k] += inside.to_list()
    return [
        TiedFound(count_below, count, _some(sorted(dids), job.keep))
        for count_below, count, dids in zip(below, counts, kept, strict=True)
    ]


def _some(dids: list[str], most: int) -> list[str]:
    if len(dids) <= most or not most:
        return dids
    return [dids[(k + 1) * len(dids) // most - 1] for k in range(most)]


def _columns(part: PanelPart, setting: PartSetting, names: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield the DIDs of a part, and columns of numbers that were checked."""
    return panel_of(part, replace(setting, choice="active"), (), setting.shared).raw(names)


# --- DIDs that repeat -----------------------------------------------------------------------------

_SEED = 0x626C7565


def _hashes(dids: pl.Series) -> pl.Series:
    return agent_names(dids).hash(_SEED)


def keys(
    job: tuple[PanelPart, PartSetting, int],
) -> tuple[Path, list[int], tuple[tuple[Path, int], ...]]:
    """Write 64 bits of a hash of each DID, ascending; return where each bucket begins."""
    part, setting, buckets = job
    hashes = [_hashes(frame["did"]).to_numpy() for frame in _columns(part, setting, [])]
    every = np.sort(np.concatenate([np.zeros(0, np.uint64), *hashes]))
    edges = [np.uint64((k << 64) // buckets) for k in range(buckets)]
    starts = [*np.searchsorted(every, np.array(edges, np.uint64)).tolist(), every.size]
    target = setting.shared / f"keys-{part.number:05}"
    with arriving(target) as path:
        every.tofile(path)
    return target, starts, ((target, every.size * 8),)


SameJob = tuple[tuple[Path, int, int], ...]
"""The file of each part, and from where to where a bucket is in it."""


def same(job: SameJob) -> list[int]:
    """Return the hashes that occur more than once in a bucket; the first few."""
    found = []
    for path, start, stop in job:
        found.append(np.fromfile(path, np.uint64, stop - start, offset=8 * start))
    every = np.sort(np.concatenate([np.zeros(0, np.uint64), *found]))
    twice: list[int] = np.unique(every[1:][every[1:] == every[:-1]])[:_FEW].tolist()
    return twice


_FEW = 100


def named(job: tuple[PanelPart, PartSetting, tuple[int, ...]]) -> list[str]:
    """Return the DIDs of a part that have some hashes."""
    part, setting, hashes = job
    wanted = pl.Series(hashes, dtype=pl.UInt64)
    found: list[str] = []
    for frame in _columns(part, setting, []):
        here = _hashes(frame["did"]).is_in(wanted.implode())
        found += agent_names(frame["did"].filter(here)).to_list()
    return found
