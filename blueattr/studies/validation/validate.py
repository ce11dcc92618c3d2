"""Validation: the Aumann-Shapley value compared with baselines on the same panels."""

import math
from collections.abc import Sequence

import numpy as np

from blueattr.attribution.inputs import Panel
from blueattr.attribution.sampling import Sampler
from blueattr.attribution.tiered import TieredPanel, check_panel
from blueattr.attribution.tiers import DEFAULT_CUTOFFS, rank
from blueattr.attribution.value import check_method
from blueattr.errors import UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.provenance import Provenance
from blueattr.studies.distinct import check_distinct
from blueattr.studies.validation.baselines import (
    DEFAULT_COALITIONS,
    DEFAULT_PERMUTATIONS,
    MOST_EXACT_AGENTS,
    check_coalitions,
    check_permutations,
)
from blueattr.studies.validation.methods import IndicatorMethod, Methods
from blueattr.studies.validation.result import Validation, ValidationBlock

__all__ = ["DEFAULT_EXACT", "DEFAULT_SIZES", "validate"]


DEFAULT_SIZES = (100, 1000, 10_000)
DEFAULT_EXACT = 12
_DRAWS = 100


def _draw_panel(
    methods: Methods, sampler: Sampler, size: int, indicators: Sequence[IndicatorMethod]
) -> tuple[Panel, int]:
    """Draw a panel on which no indicator is 0, or the first one if there is none such.

    Returns
    -------
    Panel
        Of ``size`` agents, by ascending DID.
    int
        Which draw it is, from 0.
    """
    full = methods.full
    first: Panel | None = None
    for repeat in range(_DRAWS if size < len(full.dids) else 1):
        index = np.sort(sampler.draw("random", size, seed=methods.seed, repeat=repeat))
        features = full.features.take(index)
        followers = full.followers[index]
        panel = Panel(
            dids=full.dids.gather(index),
            features=features,
            followers=followers,
            activity=full.activity[index],
            order=rank(followers, features.a),
            means=features.means,
        )
        if all(methods.total(how, panel) for how in indicators):
            return panel, repeat
        first = first or panel
    assert first is not None  # noqa: S101 - there is at least one draw
    return first, 0


def _choose_sizes(
    sampler: Sampler, sizes: Sequence[int] | None, exact: int | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the sizes of the blocks, and the default sizes that the panel is too small for."""
    n = sampler.order.size
    if exact is not None and not 1 <= exact <= MOST_EXACT_AGENTS:
        raise UsageError(f"exact values exist for 1 to {MOST_EXACT_AGENTS} agents, not {exact}")
    small = min(DEFAULT_EXACT, n) if exact is None else exact
    chosen = DEFAULT_SIZES if sizes is None else tuple(sizes)
    left_out = tuple(size for size in chosen if size > n) if sizes is None else ()
    if left_out == chosen:
        chosen = (n,)
    chosen = tuple(sorted({small, *chosen} - set(left_out)))
    for size in chosen:
        sampler.check_size("random", size)
    return chosen, left_out


def validate(
    frame: object,
    indicators: Sequence[str | Indicator | OwnIndicator] = ("heat",),
    *,
    sizes: Sequence[int] | None = None,
    exact: int | None = None,
    permutations: Sequence[int] = (DEFAULT_PERMUTATIONS,),
    coalitions: Sequence[int] = (DEFAULT_COALITIONS,),
    antithetic: bool = False,
    seed: int = 0,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    panel: str = "active",
    provenance: Provenance | None = None,
) -> Validation:
    """Compare the Aumann-Shapley value with the baselines on the same panels.

    For each size a panel is drawn uniformly from the given one, without replacement: the first of
    up to 100 draws on which no indicator is 0. It is a panel of its own, n = its size.

    Parameters
    ----------
    frame
        The features: see `blueattr.attribution.inputs.check_features`.
    indicators
        Names, or indicators.
    sizes
        n of the panels; by default those of 100, 1,000 and 10,000 that are not larger than the
        full panel, or its size if all are.
    exact
        n of the panel that also has exact Shapley values, 1 to 20; 12 by default, or all agents
        if there are fewer.
    permutations, coalitions
        Budgets of the sampled methods; one run for each.
    antithetic, seed
        As for `blueattr.studies.validation.baselines.sampled_shapley`; the seed also draws the
        panels.
    method, steps, aggregator, panel, provenance
        As for `blueattr.attribution.attribute.attribute`.

    Returns
    -------
    Validation

    Raises
    ------
    UsageError
        For bad arguments.
    FeatureError, EmptyPanelError
        As `blueattr.attribution.inputs.check_features`.
    SampleSizeError
        When a size is larger than the panel.
    ZeroTotalError
        When an indicator is 0 on the full panel.

    Notes
    -----
    docs/methods.md, "Validation".
    """
    chosen = [find_indicator(indicator) for indicator in indicators]
    check_distinct("validation", "indicator", [indicator.name for indicator in chosen])
    for what, values in (("number of permutations", permutations), ("budget", coalitions)):
        check_distinct("validation", what, values)
    if sizes is not None:
        check_distinct("validation", "size", sizes)
    for budget in permutations:
        check_permutations(budget, antithetic=antithetic)
    for budget in coalitions:
        check_coalitions(budget)
    hows = [IndicatorMethod(one, *check_method(one, method, steps)) for one in chosen]

    agents = TieredPanel.of(frame, DEFAULT_CUTOFFS, panel).panel
    sampler = Sampler.of(agents)
    panel_sizes, left_out = _choose_sizes(sampler, sizes, exact)
    methods = Methods(
        full=agents,
        aggregator=aggregator or Aggregator(),
        permutations=tuple(sorted(permutations)),
        coalitions=tuple(sorted(coalitions)),
        antithetic=antithetic,
        seed=seed,
    )
    for how in hows:
        _refuse_zero(how.indicator, methods.total(how, agents), agents)
    draws = [_draw_panel(methods, sampler, size, hows) for size in panel_sizes]
    blocks: list[ValidationBlock] = []
    for how in hows:
        methods.warm_up(how, draws[0][0])
        for smaller, draw in draws:
            blocks.append(methods.block(how, smaller, draw, largest=smaller is draws[-1][0]))
    return Validation(
        blocks=tuple(blocks),
        n_agents=len(agents.dids),
        n_involved=int(np.count_nonzero(agents.features.involved())),
        panel=check_panel(panel),
        sizes=panel_sizes,
        left_out=left_out,
        permutations=methods.permutations,
        coalitions=methods.coalitions,
        antithetic=antithetic,
        seed=seed,
        aggregator=methods.aggregator,
        means=agents.means,
        moment=math.prod(agents.means),
        provenance=provenance or Provenance(source="in memory"),
    )


def _refuse_zero(indicator: Indicator, total: float, panel: Panel) -> None:
    if total == 0:
        raise ZeroTotalError(
            f"the indicator {indicator.name!r} is 0 on this panel, so there is nothing to "
            f"validate: {indicator.zero_reason(panel.means)}"
        )
