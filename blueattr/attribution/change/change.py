"""What carried the change of an indicator: each agent's part, summed up by kind and by tier."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr import kernels
from blueattr.attribution.change.gini import gini_slopes
from blueattr.attribution.change.line import line_weights
from blueattr.attribution.change.result import KINDS, ChangePart, ChangeResult, WindowValue
from blueattr.attribution.change.windows import BothWindows, OneWindow
from blueattr.attribution.equals import with_cuts
from blueattr.attribution.groups.partition import Labels, Pairs, Partition, merged_order
from blueattr.attribution.tiered import PanelChoice, check_panel
from blueattr.attribution.tiers import DEFAULT_CUTOFFS, check_cutoffs, tier_names
from blueattr.attribution.value import Remarks, check_method, solve_with_means
from blueattr.errors import FeatureError, NoAnswerError, ZeroTotalError
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator, MomentIndicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray
from blueattr.provenance import Provenance, spell_window

__all__ = ["change", "changes"]


_Codes = npt.NDArray[np.uint8]
_SAME = KINDS.index("same")


_ALLOWED_MISS = 1e-9
"""How far the parts may miss the change, as a part of the larger total."""

_TOO_SMALL = 1e-6
"""A change of no more than this part of all movement is not shared out."""


def change(
    before: object,
    after: object,
    indicator: str | Indicator | OwnIndicator = "heat",
    *,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    panel: str = "active",
    provenances: tuple[Provenance, Provenance] | None = None,
    groups: tuple[Labels, Labels] | None = None,
) -> ChangeResult:
    """Split the change of an indicator between two windows among the agents of both.

    Parameters
    ----------
    before, after
        The features of each window, one row per agent, on the same scale: see
        `blueattr.attribution.inputs.check_features`; or checked panels.
    indicator, aggregator, cutoffs
        As for `blueattr.attribution.attribute.attribute`.
    panel
        ``"active"``: all agents of each window. ``"involved"``: of these, who has a > 0 or c > 0
        in that window.
    provenances
        Where the features of the two windows came from; part of the result.
    groups
        The group of each agent of the two active panels, in order of DID; None for no groups. An
        agent of both has the group that it has in the window after.

    Returns
    -------
    ChangeResult
        Each window has its own panel, so that the totals are those that `attribute` gives. An agent
        has one tier: cut on the agents of both active panels, by followers in the window after,
        else in the one before.

    Raises
    ------
    UsageError
        For an unknown indicator or panel, or bad cut-offs.
    FeatureError
        As `check_features`.
    EmptyPanelError
        A window has no agents, or nobody in it is involved.
    ZeroTotalError
        The indicator is 0 in both windows; or it is ``gini``, and the aggregate is 0 in one.
    NoAnswerError
        The parts miss the change by more than 1e-9 of the larger total.

    Notes
    -----
    The Aumann-Shapley value along the line from one window to the other: docs/change.md.

    Examples
    --------
    >>> before = {"did": ["x", "y"], "a": [3, 3], "b": [0, 0], "c": [0, 0]}
    >>> after = {"did": ["y", "z"], "a": [6, 9], "b": [0, 0], "c": [0, 0]}
    >>> result = change(before, after, "lin")
    >>> result.change, {part.name: part.value for part in result.kinds if part.agents}
    (1.5, {'entered': 1.5, 'left': -0.5, 'raised': 0.5})
    """
    (made,) = changes(
        before, after, (indicator,), aggregator=aggregator, cutoffs=cutoffs, panel=panel,
        provenances=provenances, groups=groups,
    )  # fmt: skip
    return made


def changes(
    before: object,
    after: object,
    indicators: Sequence[str | Indicator | OwnIndicator],
    *,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    panel: str = "active",
    provenances: tuple[Provenance, Provenance] | None = None,
    groups: tuple[Labels, Labels] | None = None,
) -> list[ChangeResult]:
    """Do the same for several indicators: the agents of the windows are set side by side once.

    Parameters
    ----------
    before, after, aggregator, cutoffs, panel, provenances, groups
        As for `change`.
    indicators
        Each as for `change`.
    """
    chosen = [find_indicator(one) for one in indicators]
    edges, choice = check_cutoffs(cutoffs), check_panel(panel)
    origins = provenances or (Provenance("in memory"), Provenance("in memory"))
    windows = _Windows(
        OneWindow.of(before, choice, _name("before", origins[0])),
        OneWindow.of(after, choice, _name("after", origins[1])),
        edges,
    )
    return [
        _change(windows, one, aggregator or Aggregator(), choice, origins, groups) for one in chosen
    ]


@dataclass(frozen=True)
class _Windows:
    """Two windows, and where tiers are cut."""

    before: OneWindow
    after: OneWindow
    cutoffs: tuple[float, ...]

    @cached_property
    def both(self) -> BothWindows:
        return BothWindows.of(self.before, self.after, self.cutoffs)


def _change(  # noqa: PLR0917 - a step of one function
    windows: _Windows,
    chosen: Indicator,
    aggregator: Aggregator,
    choice: PanelChoice,
    origins: tuple[Provenance, Provenance],
    groups: tuple[Labels, Labels] | None,
) -> ChangeResult:
    old, new, edges = windows.before, windows.after, windows.cutoffs
    totals = _total(chosen, old, aggregator), _total(chosen, new, aggregator)
    if totals == (0, 0):
        raise ZeroTotalError(_zero(chosen, (old, new)))
    try:
        slopes = _slopes(chosen, old, new, aggregator)
        both = windows.both
        sums = _Sums.of(both, old, new, slopes)
    except OverflowError as error:
        raise FeatureError(
            f"the features are too large for the indicator {chosen.name!r}: {error}"
        ) from error
    difference = totals[1] - totals[0]
    _check_sum(chosen, sums, difference, max(map(abs, totals)))
    too_small = abs(difference) <= _TOO_SMALL * sums.movement
    whole = None if too_small else difference
    partition = None if groups is None else _partition(both, (old, new), groups)
    return ChangeResult(
        indicator=chosen.name,
        aggregator=aggregator,
        rule="closed form" if slopes.nodes is None else "Gauss-Legendre",
        nodes=slopes.nodes,
        before=_described(old, totals[0], origins[0]),
        after=_described(new, totals[1], with_cuts(origins[1], both.ranked, edges, both.cuts)),
        n_agents=len(both.dids),
        change=difference,
        size=sums.size,
        movement=sums.movement,
        kinds=_parts(KINDS, sums.kinds, sums, whole),
        tiers=_parts(tier_names(edges), both.tiers, sums, whole),
        by=None if groups is None else groups[1].by,
        groups=()
        if partition is None
        else _parts(partition.outer.names, partition.leaves.astype(np.uint8), sums, whole),
        joined=() if partition is None else partition.outer.joined,
        agents=_agents_frame(both, sums, tier_names(edges), whole),
        cutoffs=edges,
        panel=choice,
        undefined=_UNDEFINED.format(chosen.name) if too_small else "",
        remarks=Remarks(None, chosen.aggregates, None, chosen.info),
    )


_UNDEFINED = (
    "{} changed by no more than a millionth of what accounts added and took away, so that no part "
    "has a share of the change"
)


def _name(which: str, origin: Provenance) -> str:
    when = "" if origin.window is None else f" ({spell_window(origin.window)})"
    return f"the window {which}{when}"


def _described(window: OneWindow, total: float, origin: Provenance) -> WindowValue:
    features = window.features
    involved = int(np.count_nonzero(features.involved()))
    return WindowValue(window.n, involved, total, features.means, origin)


# --- the totals -----------------------------------------------------------------------------------


def _total(indicator: Indicator, window: OneWindow, aggregator: Aggregator) -> float:
    """Return v(N) on the panel of a window, as `attribute` computes it."""
    _, steps = check_method(indicator, "auto", None)
    return solve_with_means(indicator, window.features, aggregator, steps)[0].total


def _zero(indicator: Indicator, windows: Sequence[OneWindow]) -> str:
    reasons = dict.fromkeys(indicator.zero_reason(one.features.means) for one in windows)
    return (
        f"the indicator {indicator.name!r} is 0 in both windows, so there is no change to share "
        f"out: {'; '.join(reasons)}"
    )


def _check_sum(indicator: Indicator, sums: "_Sums", difference: float, larger: float) -> None:
    miss = abs(sums.attributed - difference)
    if not miss <= _ALLOWED_MISS * larger:
        raise NoAnswerError(
            f"the parts of {indicator.name!r} sum to {sums.attributed:.12g}, but it changed by "
            f"{difference:.12g}: its gradient is not smooth, or not exact, between the two windows"
        )


# --- each agent's part ----------------------------------------------------------------------------


class _Slopes(NamedTuple):
    """What each agent adds, times the n of its window: y⁰ (n₀,) and y¹ (n₁,)."""

    before: FloatArray
    after: FloatArray
    nodes: int | None


def _slopes(
    indicator: Indicator, before: OneWindow, after: OneWindow, aggregator: Aggregator
) -> _Slopes:
    n = before.n
    # Measured together, equal agents of the two windows have equal bits.
    features = FeatureArrays(
        *map(np.concatenate, zip(before.features, after.features, strict=True))
    )
    if not isinstance(indicator, MomentIndicator):
        s, _ = aggregator.apply(features)
        for window, part in ((before, s[:n]), (after, s[n:])):
            if not part.any():
                why = indicator.zero_reason(window.features.means)
                raise ZeroTotalError(
                    f"the indicator {indicator.name!r} has no value in {window.name}, so there is "
                    f"nothing to compare: {why}"
                )
        return _Slopes(*gini_slopes(s[:n], s[n:]))
    statistics = indicator.measure(features, aggregator)
    m0, m1 = (
        np.array([float(kernels.exact_sum(part) / part.size) for part in parts])
        for parts in ([g[:n] for g in statistics], [g[n:] for g in statistics])
    )
    sizes = np.array([float(np.abs(g).mean()) for g in statistics])
    weights, nodes = line_weights(indicator, m0, m1, sizes)
    y = np.zeros(features.a.size)
    for g, weight in zip(statistics, weights.tolist(), strict=True):
        kernels.add_scaled(g, weight, y)
    return _Slopes(y[:n], y[n:], nodes)


@dataclass(frozen=True)
class _Sums:
    """The parts of the N agents of both windows, and what they sum to.

    Parameters
    ----------
    kinds
        uint8 (N,): the place in `KINDS`.
    own, sizes
        What each did, and its part of what the size of the panel did, float64 (N,).
    involved
        bool (N,): in at least one window.
    size, attributed, movement
        Σ of ``sizes``, Σφ and Σ|φ|.
    """

    kinds: _Codes
    own: FloatArray
    sizes: FloatArray
    involved: npt.NDArray[np.bool_]
    size: float
    attributed: float
    movement: float

    @classmethod
    def of(cls, both: BothWindows, before: OneWindow, after: OneWindow, slopes: _Slopes) -> "_Sums":
        """Set what agents add in the one window against what they add in the other."""
        n0, n1 = before.n, after.n
        y0, y1 = both.spread(slopes.before, 0), both.spread(slopes.after, 1)
        # ½ (1/n₀ + 1/n₁) and ½ (1/n₁ - 1/n₀): the difference of whole numbers is exact.
        own = (y1 - y0) * ((n0 + n1) / (2 * n0 * n1))
        sizes = (y0 + y1) * ((n0 - n1) / (2 * n0 * n1))
        in_old, in_new = both.inside
        kinds = np.select(
            [in_new & ~in_old, in_old & ~in_new, own > 0, own < 0], range(_SAME), _SAME
        ).astype(np.uint8)
        involved = both.spread(before.features.involved(), 0)
        involved |= both.spread(after.features.involved(), 1)
        size, all_own = kernels.exact_sums(sizes, own)
        movement = float(kernels.exact_sum(np.abs(y1 / n1 - y0 / n0)))
        return cls(kinds, own, sizes, involved, float(size), float(size + all_own), movement)


def _parts(
    names: Sequence[str], codes: _Codes, sums: _Sums, whole: float | None
) -> tuple[ChangePart, ...]:
    """Sum what agents did by kind or by tier."""
    k = len(names)
    # Of each part a group of those not involved, and after all of these one of those involved.
    groups = codes + sums.involved * np.uint8(k)
    values, _ = kernels.group_sums(sums.own, groups, 2 * k)
    counts = np.bincount(groups, minlength=2 * k).tolist()
    return tuple(
        ChangePart(
            name=name,
            agents=counts[j] + counts[j + k],
            value=(value := float(values[j] + values[j + k])),
            share=None if whole is None else value / whole + 0.0,
            agents_involved=counts[j + k],
            value_involved=float(values[j + k]),
        )
        for j, name in enumerate(names)
    )


def _partition(
    both: BothWindows, windows: tuple[OneWindow, OneWindow], groups: tuple[Labels, Labels]
) -> Partition:
    """Group the agents of both windows, and join small groups."""
    old, new = (
        pl.Series(labels.names, dtype=pl.String).gather(labels.codes[window.asked][rows])
        for labels, window, rows in zip(groups, windows, both.rows, strict=True)
    )
    names = new.zip_with(pl.Series(both.inside[1]), old)
    ordered = merged_order(groups[0].names, groups[1].names) if groups[1].ordered else None
    return Pairs([Labels.of(groups[1].by, names, ordered)]).join(_MOST_GROUPS, _MOST_GROUPS)


_MOST_GROUPS = 16


def _agents_frame(
    both: BothWindows, sums: _Sums, tiers: Sequence[str], whole: float | None
) -> pl.DataFrame:
    # The sort is stable and agents are in order of DID, so equal magnitudes stay in that order.
    order = kernels.argsort(-np.abs(sums.own))
    values = pl.Series("value", sums.own[order])
    unknown = pl.repeat(None, len(values), dtype=pl.Float64, eager=True)
    return pl.DataFrame(
        {
            "did": both.dids.gather(order),
            "tier": pl.Series(tiers, dtype=pl.Enum(tiers)).gather(both.tiers[order]),
            "kind": pl.Series(KINDS, dtype=pl.Enum(KINDS)).gather(sums.kinds[order]),
            "value": values,
            "share": unknown if whole is None else values / whole + 0.0,
            "size": sums.sizes[order],
        }
    )
