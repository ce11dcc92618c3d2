"""Convergence: the error of K-step quadrature, and the published errors."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from blueattr import kernels
from blueattr.attribution.inputs import Panel
from blueattr.attribution.tiered import PanelChoice, TieredPanel, check_panel
from blueattr.attribution.tiers import DEFAULT_CUTOFFS
from blueattr.attribution.value import check_method, solve
from blueattr.display import Presented
from blueattr.errors import ZeroTotalError
from blueattr.indicators.base import Aggregator, Indicator, PairwiseIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.provenance import IndicatorInfo, Provenance
from blueattr.studies.distinct import check_distinct

__all__ = [
    "FINE_STEPS",
    "PUBLISHED",
    "PUBLISHED_MOMENT",
    "PUBLISHED_MOMENTS",
    "ROUNDING",
    "STEPS_TRIED",
    "Convergence",
    "ConvergenceRow",
    "ConvergenceSeries",
    "convergence",
    "heat_error",
]


STEPS_TRIED = (5, 10, 20, 30, 50, 100, 300)
FINE_STEPS = 10_000
"""K of the reference where there is no closed form."""
PUBLISHED = {5: 4.0e-3, 300: 1.1e-6}
"""K to the relative L1 error of arXiv 2605.11404, appendix: ``heat`` on one topic, n = 10^4."""
PUBLISHED_MOMENTS = (0.511, 0.525)
"""The range of M in which the midpoint rule gives both published errors to two digits."""
PUBLISHED_MOMENT = 0.52
ROUNDING = 1e-12
"""Relative errors below this are rounding; no order is computed from them."""


@dataclass(frozen=True, slots=True)
class ConvergenceRow:
    """One number of steps.

    Parameters
    ----------
    steps
        K.
    error
        Σ|φ^K - φ| / Σ|φ| over all agents of the panel.
    order
        log(e'/e) / log(K/K') from the row before; None in the first row and at rounding.
    predicted
        The same error for ``heat`` at `PUBLISHED_MOMENT`; None for other indicators.
    published
        The published error for ``heat`` at this K, if any; the M of that panel is not published.
    """

    steps: int
    error: float
    order: float | None
    predicted: float | None
    published: float | None


@dataclass(frozen=True, slots=True)
class ConvergenceSeries:
    """One indicator.

    Parameters
    ----------
    indicator
        Its name.
    reference_steps
        K of the quadrature used as reference; None if there is a closed form.
    rows
        By ascending K.
    order
        The least-squares slope of -log(error) over log(K); None with fewer than two errors above
        rounding.
    same
        Whether quadrature is the closed form, for every K (sums over pairs).
    info
        Where the indicator comes from; None for the four.
    """

    indicator: str
    reference_steps: int | None
    rows: tuple[ConvergenceRow, ...]
    order: float | None
    same: bool
    info: IndicatorInfo | None


@dataclass(frozen=True, repr=False)
class Convergence(Presented):
    """Errors of quadrature on one panel.

    Parameters
    ----------
    series
        One per indicator, in the order of the question.
    n_agents
        n.
    steps
        The K, ascending.
    aggregator
        Of ``lin``, ``var`` and ``gini``.
    means, moment
        m_a, m_b, m_c and M.
    provenance
        Where the features came from.
    """

    series: tuple[ConvergenceSeries, ...]
    n_agents: int
    n_involved: int
    panel: PanelChoice
    steps: tuple[int, ...]
    aggregator: Aggregator
    means: tuple[float, float, float]
    moment: float
    provenance: Provenance

    def _in_short(self) -> Iterator[str]:
        yield from (one.indicator for one in self.series)
        yield from super()._in_short()


def heat_error(moment: float, steps: int) -> float:
    """Compute the relative L1 error of the midpoint rule for ``heat``.

    Parameters
    ----------
    moment
        M > 0.
    steps
        K.

    Returns
    -------
    float
        Depends on M and K alone, because all agents share one scalar integrand.

    Notes
    -----
    docs/methods.md, "Quadrature".
    """
    times = [(k - 0.5) / steps for k in range(1, steps + 1)]
    total = math.fsum(3 * moment * t * t / (1 + moment * t**3) for t in times) / steps
    return abs(total / math.log1p(moment) - 1)


def convergence(
    frame: object,
    indicators: Sequence[str | Indicator | OwnIndicator] = ("heat",),
    *,
    steps: Sequence[int] = STEPS_TRIED,
    aggregator: Aggregator | None = None,
    panel: str = "active",
    provenance: Provenance | None = None,
) -> Convergence:
    """Measure the relative L1 error of K-step midpoint quadrature on this panel.

    Parameters
    ----------
    frame
        The features: see `blueattr.attribution.inputs.check_features`.
    indicators
        Names, or indicators. ``lin`` and ``var`` have gradients linear in t, where the midpoint
        rule is exact; so it is for ``gini``, whose quadrature is the closed form.
    steps
        The K.
    aggregator, panel, provenance
        As for `blueattr.attribution.attribute.attribute`.

    Returns
    -------
    Convergence
        Errors against the closed form, else against quadrature with 10,000 steps.

    Raises
    ------
    UsageError
        For bad arguments.
    FeatureError, EmptyPanelError
        As `blueattr.attribution.inputs.check_features`.
    ZeroTotalError
        When an indicator is 0 on this panel.

    Notes
    -----
    arXiv 2605.11404, appendix; docs/methods.md, "Quadrature".
    """
    chosen = [find_indicator(indicator) for indicator in indicators]
    check_distinct("convergence study", "indicator", [indicator.name for indicator in chosen])
    check_distinct("convergence study", "number of steps", steps)
    for indicator in chosen:
        for k in steps:
            check_method(indicator, "quadrature", k)
    ordered = tuple(sorted(steps))
    aggregator = aggregator or Aggregator()
    agents = TieredPanel.of(frame, DEFAULT_CUTOFFS, panel).panel
    return Convergence(
        series=tuple(_series(indicator, agents, aggregator, ordered) for indicator in chosen),
        n_agents=len(agents.dids),
        n_involved=int(np.count_nonzero(agents.features.involved())),
        panel=check_panel(panel),
        steps=ordered,
        aggregator=aggregator,
        means=agents.means,
        moment=math.prod(agents.means),
        provenance=provenance or Provenance(source="in memory"),
    )


def _series(
    indicator: Indicator, panel: Panel, aggregator: Aggregator, steps: tuple[int, ...]
) -> ConvergenceSeries:
    closed, _ = check_method(indicator, "auto", None)
    fine = None if closed == "closed form" else FINE_STEPS
    exact = solve(indicator, panel.features, aggregator, fine)
    if exact.total == 0:
        raise ZeroTotalError(
            f"the indicator {indicator.name!r} is 0 on this panel, so there is no relative "
            f"error: {indicator.zero_reason(panel.means)}"
        )
    size = kernels.exact_sum(np.abs(exact.values))
    heat = indicator is INDICATORS["heat"]
    rows: list[ConvergenceRow] = []
    for k in steps:
        values = solve(indicator, panel.features, aggregator, k).values
        error = float(kernels.exact_sum(np.abs(values - exact.values)) / size)
        order = None
        if rows and min(error, rows[-1].error) > ROUNDING:
            order = math.log(rows[-1].error / error) / math.log(k / rows[-1].steps)
        predicted = heat_error(PUBLISHED_MOMENT, k) if heat else None
        rows.append(ConvergenceRow(k, error, order, predicted, PUBLISHED.get(k) if heat else None))
    points = [(math.log(r.steps), -math.log(r.error)) for r in rows if r.error > ROUNDING]
    slope = None
    if len(points) > 1:
        slope = statistics.linear_regression(*zip(*points, strict=True)).slope
    return ConvergenceSeries(
        indicator=indicator.name,
        reference_steps=fine,
        rows=tuple(rows),
        order=slope,
        same=isinstance(indicator, PairwiseIndicator),
        info=None if isinstance(indicator, PairwiseIndicator) else indicator.info,
    )
