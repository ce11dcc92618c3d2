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

from blueattr import kernels
from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.equals import with_cuts
from blueattr.attribution.large.chunks import DAMAGED, ChunkedPanel
from blueattr.attribution.large.external_sort import ExcessOnDisk, KeySample, SortOnDisk
from blueattr.attribution.tiered import ActivePanel, check_panel
from blueattr.attribution.tiers import DEFAULT_CUTOFFS, check_cutoffs, tier_names
from blueattr.attribution.value import TierSums, check_method, remark, share_out_sums, weigh
from blueattr.errors import FeatureError, InputError, UsageError
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator, MomentIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray
from blueattr.provenance import Provenance

__all__ = ["STREAM_FROM", "Frames", "Receiver", "attribute_file", "is_large"]


STREAM_FROM = 1 << 22
"""Least number of agents for which a file is read in chunks."""


Frames = Iterator[pl.DataFrame]
Receiver = Callable[[AttributionResult, Frames], None]


def is_large(path: Path) -> bool:
    """Return whether a file of features should be read in chunks: Parquet with many rows."""
    if path.suffix.lower() != ".parquet" or not path.is_file():  # a pipe can be read once
        return False
    with contextlib.suppress(OSError, pa.ArrowException), path.open("rb") as file:
        return bool(pq.read_metadata(file).num_rows >= STREAM_FROM)
    return False


def attribute_file(
    path: Path,
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
    """Split macro indicators among all agents of a Parquet file, in bounded memory.

    Parameters
    ----------
    path
        The features, one row per agent, with the columns of
        `blueattr.attribution.inputs.check_features`. If agents are not in order of DID,
        the file is sorted first, on disk.
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
        When the file cannot be read, or there is no space for temporary files.
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
    origin = provenance or Provenance(
        source=str(path), notes=("Features are used as given, unscaled.",)
    )
    try:
        with tempfile.TemporaryDirectory(prefix="blueattr-") as folder:
            agents, results = ChunkedPanel.of(path, Path(folder), edges, columns, choice), []
            ranked = agents.active or agents
            origin = with_cuts(origin, ranked.n, edges, [cut.level for cut in ranked.cuts])
            for indicator, how in zip(chosen, methods, strict=True):
                with agents.open:  # its files on disk
                    results.append(
                        _attribute(agents, indicator, how, aggregator, origin, receive, top)
                    )
            return results
    except pa.ArrowException:
        raise InputError(f"cannot read the features in {path}: {DAMAGED}") from None
    except OSError as error:
        raise InputError(
            f"cannot read the features in {path}, or keep temporary files in "
            f"{tempfile.gettempdir()}: {error.strerror or error}"
        ) from error


@dataclass
class _Values:
    """An attribution as a function of chunks.

    Parameters
    ----------
    total
        v(N).
    of
        Returns φ of the next chunk, float64 (k,). Chunks must come in order.
    means
        m, float64 (p,), where they were used.
    rewind
        Goes back to the first chunk.
    """

    total: float
    of: Callable[[FeatureArrays], FloatArray]
    means: FloatArray | None = None
    rewind: Callable[[], None] = lambda: None


def _aggregated(
    panel: ChunkedPanel, aggregator: Aggregator
) -> tuple[kernels.RunningSum, KeySample]:
    total, sample = kernels.RunningSum(), KeySample(panel.n)
    for x in panel.features():
        s, _ = aggregator.apply(x)
        total.add(s)
        sample.add(pl.Series(s))
    return total, sample


def _lin(panel: ChunkedPanel, aggregator: Aggregator) -> _Values:
    total = _aggregated(panel, aggregator)[0].value()
    return _Values(float(total / panel.n), lambda x: aggregator.apply(x, panel.n)[0])


def _heat(panel: ChunkedPanel, _: Aggregator) -> _Values:
    moment = math.prod(panel.means)
    if moment == 0:
        return _Values(0.0, lambda x: np.zeros(x.a.size))
    total = math.log1p(moment)
    third = total / 3 / panel.n
    a, b, c = (third / mean for mean in panel.means)
    return _Values(total, lambda x: kernels.combine(*x, (a, b, c)))


def _var(panel: ChunkedPanel, aggregator: Aggregator) -> _Values:
    mean = _aggregated(panel, aggregator)[0].value() / panel.n
    squares = kernels.RunningSum()

    def values(x: FeatureArrays, squares: kernels.RunningSum | None = None) -> FloatArray:
        return kernels.spread_about_mean(aggregator.apply(x)[0], mean, panel.n, squares)[0]

    for x in panel.features():
        values(x, squares)
    return _Values(float(squares.value() / panel.n), values)


def _gini(panel: ChunkedPanel, aggregator: Aggregator) -> _Values:
    running, sample = _aggregated(panel, aggregator)
    total = running.value()
    if total == 0:
        return _Values(0.0, lambda x: np.zeros(x.a.size))
    shelves = panel.open.enter_context(ExcessOnDisk(panel.folder, sample.splitters()))
    for x in panel.features():
        shelves.add(aggregator.apply(x)[0])
    scale = 1 / (panel.n * total)
    excess = shelves.finish()
    factor = float(scale)
    return _Values(
        float(excess * scale),
        lambda x: shelves.excess(aggregator.apply(x)[0]) * factor,
        rewind=shelves.rewind,
    )


_CLOSED = {"lin": _lin, "heat": _heat, "var": _var, "gini": _gini}


def _moments(
    panel: ChunkedPanel, indicator: MomentIndicator, aggregator: Aggregator, steps: int | None
) -> _Values:
    totals = [kernels.RunningSum() for _ in indicator.statistics]
    silent = True
    for x in panel.features():
        for g, total in zip(indicator.measure(x, aggregator), totals, strict=True):
            total.add(g)
            silent = silent and not g.any()
    means = np.array([float(total.value() / panel.n) for total in totals])
    weights, value = weigh(indicator, means, steps, silent=silent)

    def values(x: FeatureArrays) -> FloatArray:
        out = np.zeros(x.a.size)
        for g, weight in zip(indicator.measure(x, aggregator), weights.tolist(), strict=True):
            kernels.add_scaled(g, weight / panel.n, out)
        return out

    return _Values(value, values, means)


def _solve(
    panel: ChunkedPanel, indicator: Indicator, aggregator: Aggregator, steps: int | None
) -> _Values:
    if isinstance(indicator, MomentIndicator) and (
        steps is not None or indicator.closed_form is None
    ):
        return _moments(panel, indicator, aggregator, steps)
    if INDICATORS.get(indicator.name) is not indicator:
        raise UsageError(
            f"the closed form of the indicator {indicator.name!r} needs all agents at once, and "
            "this file is read in chunks; choose 'quadrature'"
        )
    return _CLOSED[indicator.name](panel, aggregator)


def _attribute(  # noqa: PLR0917 - one for each part of the question
    panel: ChunkedPanel,
    indicator: Indicator,
    how: tuple[Any, int | None],
    aggregator: Aggregator,
    origin: Provenance,
    receive: Receiver | None,
    top: int,
) -> AttributionResult:
    method, steps = how
    sums, sample = TierSums(tier_names(panel.cutoffs)), KeySample(panel.n)
    nobody = pl.Series(dtype=pl.String), np.zeros(0, np.uint8), [np.zeros(0)] * len(_COLUMNS)
    largest = _agents(panel, *nobody, 1.0)
    try:
        solution = _solve(panel, indicator, aggregator, steps)
        for dids, x, tiers in panel.agents():
            values = solution.of(x)
            sums.add(values, tiers, x.involved())
            sample.add(pl.Series(_ordered(values)))
            if top:
                rows = _agents(panel, dids, tiers, [*x, values], 1.0)
                largest = _first(largest, rows, top)
        attributed, shares = share_out_sums(
            indicator, sums, total=solution.total, means=panel.means
        )
        active = _active(panel, indicator, aggregator, steps)
    except OverflowError as error:
        raise FeatureError(
            f"the features are too large for the indicator {indicator.name!r}: {error}"
        ) from error
    result = AttributionResult(
        indicator=indicator.name,
        aggregator=aggregator,
        method=method,
        steps=steps,
        n_agents=panel.n,
        n_involved=sum(tier.agents_involved for tier in shares),
        total=solution.total,
        attributed=attributed,
        means=panel.means,
        moment=math.prod(panel.means),
        cutoffs=panel.cutoffs,
        tiers=shares,
        agents=largest.with_columns(share=pl.col("value") / attributed),
        provenance=origin,
        remarks=remark(indicator, solution.total, solution.means, steps),
        panel="active" if panel.active is None else "involved",
        active=active,
    )
    if receive is not None:
        receive(result, _agent_frames(panel, solution, attributed, sample))
    return result


def _active(
    panel: ChunkedPanel, indicator: Indicator, aggregator: Aggregator, steps: int | None
) -> ActivePanel | None:
    whole = panel.active
    if whole is None:
        return None
    counts = np.zeros(len(whole.cutoffs) + 1, np.int64)
    for _, _, tiers in whole.agents():
        counts += np.bincount(tiers, minlength=counts.size)
    with whole.open:
        total = _solve(whole, indicator, aggregator, steps).total
    return ActivePanel(whole.n, tuple(counts.tolist()), total)


def _ordered(values: FloatArray) -> FloatArray:
    """Return keys whose ascending order is that of the per-agent frame."""
    keys: FloatArray = -values + 0.0  # -0.0 becomes 0.0: they are ties
    return keys


_COLUMNS = ("a", "b", "c", "value")


def _agents(
    panel: ChunkedPanel,
    dids: pl.Series,
    tiers: npt.NDArray[np.uint8],
    columns: Sequence[FloatArray],
    attributed: float,
) -> pl.DataFrame:
    names = tier_names(panel.cutoffs)
    return pl.DataFrame(
        {
            "did": dids,
            "tier": pl.Series(names, dtype=pl.Enum(names)).gather(tiers),
            **dict(zip(_COLUMNS, columns, strict=True)),
            "share": columns[-1] / attributed,
        }
    )


def _first(before: pl.DataFrame, rows: pl.DataFrame, top: int) -> pl.DataFrame:
    """Return the rows with the largest values of two frames; of ties the first."""
    if len(before) == top:
        rows = rows.filter(pl.col("value") > before["value"][-1])
    joined = pl.concat([before, rows])
    return joined.sort("value", descending=True, maintain_order=True).head(top)


def _agent_frames(
    panel: ChunkedPanel, solution: _Values, attributed: float, sample: KeySample
) -> Frames:
    """Yield every agent's attribution by descending value, then by DID."""
    solution.rewind()
    shelves = SortOnDisk(panel.folder, "order", sample.splitters())
    for dids, x, tiers in panel.agents():
        values = solution.of(x)
        columns = dict(zip(_COLUMNS, (*x, values), strict=True))
        order = _ordered(values)
        shelves.add(pl.DataFrame({"did": dids, "tier": tiers, **columns, "order": order}))
    for frame in shelves.frames():
        arrays = [frame[name].to_numpy() for name in _COLUMNS]
        yield _agents(panel, frame["did"], frame["tier"].to_numpy(), arrays, attributed)
