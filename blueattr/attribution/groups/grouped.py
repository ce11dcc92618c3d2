"""Groups of a panel, attributed: values, Owen values, the panel without each, interactions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from blueattr.attribution.groups.games import GroupGame, MomentGame, Without, game_of
from blueattr.attribution.groups.orders import draw_orders, nested_values
from blueattr.attribution.groups.partition import Labels, Pairs, Partition
from blueattr.attribution.groups.result import Group, GroupShares, Interaction, OwenRule
from blueattr.attribution.groups.sums import GroupSums
from blueattr.attribution.tiered import TieredPanel
from blueattr.attribution.value import solve
from blueattr.errors import FeatureError, UsageError
from blueattr.indicators.base import Aggregator, Indicator, MomentIndicator
from blueattr.kernels import FloatArray, IntArray
from blueattr.suggest import did_you_mean

__all__ = [
    "MANY",
    "MOST_EXACT",
    "LeafSums",
    "ManyGroups",
    "check_many",
    "group_shares",
    "partition_for",
    "shares_of",
    "without_agent",
]


ManyGroups = Literal["join", "sample"]
MANY: tuple[ManyGroups, ...] = get_args(ManyGroups)

MOST_EXACT: Final = 16
"""Most groups of a level whose coalitions are counted one by one."""

_MOST_DRAWN = 1_000  # groups whose orders are drawn; smaller ones are joined
_PAIRS = 500  # orders drawn, each also backwards
# Values of F that may be computed: at many points at once, or one by one in Python.
_MANY_POINTS, _POINTS = 1 << 28, 1 << 19
_FEWEST_PAIRS = 20


def check_many(name: str) -> ManyGroups:
    """Check what is to become of more groups than can be counted.

    Raises
    ------
    UsageError
        For another name; the message has the nearest valid one.
    """
    for choice in MANY:
        if name == choice:
            return choice
    hint = did_you_mean(str(name), MANY, f"there are {' and '.join(MANY)}", quoted=True)
    raise UsageError(f"--many-groups {name!r} is no way to treat many groups; {hint}")


def partition_for(
    indicator: Indicator,
    levels: Sequence[Labels],
    many: ManyGroups = "join",
    weights: IntArray | None = None,
) -> Partition:
    """Join small groups as far as an indicator needs it.

    Parameters
    ----------
    indicator
        Whose Owen values are to be computed.
    levels
        The groups of the agents, at one level or two.
    many
        ``"join"``: at most 16 groups of a level, and so few that all coalitions can be counted.
        ``"sample"``: at most 1,000.
    weights
        As for `blueattr.attribution.groups.partition.Pairs`.
    """
    pairs = Pairs(levels, weights)
    if many == "sample":
        return pairs.fit(_MOST_DRAWN, lambda made: len(made.counts), _MOST_DRAWN)
    if _is_quadratic(indicator):
        return pairs.join(MOST_EXACT, MOST_EXACT)
    return pairs.fit(MOST_EXACT, _points, _budget(indicator))


def _is_quadratic(indicator: Indicator) -> bool:
    return not isinstance(indicator, MomentIndicator) or indicator.is_quadratic


def _budget(indicator: Indicator) -> int:
    several = isinstance(indicator, MomentIndicator) and indicator.values is not None
    return _MANY_POINTS if several else _POINTS


def _points(partition: Partition) -> float:
    """Return how many values of F the exact Owen values take."""
    sizes = partition.sizes
    others = 2.0 ** (len(sizes) - 1)
    return 2 * others if not partition.inner else sum(others * 2.0**size for size in sizes)


def group_shares(
    tiered: TieredPanel,
    levels: Sequence[Labels],
    indicator: Indicator,
    aggregator: Aggregator,
    steps: int | None = None,
    *,
    many: ManyGroups = "join",
    seed: int = 0,
    notes: Sequence[str] = (),
) -> GroupShares:
    """Attribute an indicator to groups of the agents of a panel.

    Parameters
    ----------
    tiered
        The panel of n agents.
    levels
        The group of each of these agents, at one level or at two, the outer one first.
    indicator, aggregator, steps
        As for `blueattr.attribution.value.solve`. Values are those of it; the rest is exact.
    many
        What becomes of more groups than `MOST_EXACT`: see `partition_for`.
    seed
        Of the orders that are drawn.
    notes
        As in `GroupShares`.

    Raises
    ------
    FeatureError
        The features are too large to be summed.

    Notes
    -----
    Owen (1977); of two levels, Winter (1989). docs/groups.md.
    """
    partition = partition_for(indicator, levels, many)
    features = tiered.panel.features
    try:
        values = solve(indicator, features, aggregator, steps).values
        sums = GroupSums(partition)
        involved = features.involved()
        leaf = LeafSums(
            partition.counts.tolist(),
            sums.of(values),
            _counts(partition, involved),
            sums.of(np.where(involved, values, 0.0)),
        )
        game = game_of(indicator, features, aggregator, partition)
        return shares_of(indicator, partition, leaf, game, many=many, seed=seed, notes=notes)
    except OverflowError as error:
        raise FeatureError(
            f"the features are too large for the indicator {indicator.name!r}: {error}"
        ) from error


def shares_of(
    indicator: Indicator,
    partition: Partition,
    leaf: "LeafSums",
    game: GroupGame,
    *,
    many: ManyGroups,
    seed: int,
    notes: Sequence[str],
) -> GroupShares:
    """Attribute an indicator to groups of which all sums are known.

    Parameters
    ----------
    indicator, many, seed, notes
        As for `group_shares`.
    partition
        As `partition_for` returns it; of the agents nothing but their number in each group is used.
    leaf
        Of its innermost groups.
    game
        That they play.
    """
    owen = _owen(game, partition, leaf.values, many=many, seed=seed, indicator=indicator)
    return GroupShares(
        by=partition.by,
        groups=_groups(partition, leaf, owen, game),
        interactions=_interactions(game, partition),
        joined=partition.outer.joined,
        owen=owen.rule,
        orders=owen.orders,
        notes=tuple(notes),
    )


def without_agent(
    tiered: TieredPanel, place: int, indicator: Indicator, aggregator: Aggregator
) -> Without:
    """Return an indicator on a panel without one of its agents.

    Parameters
    ----------
    tiered
        The panel.
    place
        The agent's place on it.
    indicator, aggregator
        As for `blueattr.attribution.value.solve`.

    Raises
    ------
    FeatureError
        The features are too large to be summed.
    """
    codes = np.zeros(len(tiered.panel.dids), np.uint32)
    codes[place] = 1
    labels = Labels("account", ("others", "account"), codes, ordered=True)
    partition = partition_for(indicator, [labels])
    try:
        game = game_of(indicator, tiered.panel.features, aggregator, partition)
        return game.without([int(partition.leaves[place])])
    except OverflowError as error:
        raise FeatureError(
            f"the features are too large for the indicator {indicator.name!r}: {error}"
        ) from error


class LeafSums(NamedTuple):
    """Of each innermost group the agents, Σφ, those involved and their Σφ."""

    agents: list[int]
    values: list[Fraction]
    involved: list[int]
    values_involved: list[Fraction]


def _counts(partition: Partition, mask: npt.NDArray[np.bool_]) -> list[int]:
    found: list[int] = np.bincount(partition.leaves[mask], minlength=partition.counts.size).tolist()
    return found


# --- Owen values ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Owen:
    """Owen values of innermost and outer groups, and standard errors where orders were drawn."""

    rule: OwenRule
    inner: FloatArray
    outer: FloatArray
    inner_errors: FloatArray | None = None
    outer_errors: FloatArray | None = None
    orders: int | None = None


def _owen(
    game: GroupGame,
    partition: Partition,
    values: Sequence[Fraction],
    *,
    many: ManyGroups,
    seed: int,
    indicator: Indicator,
) -> _Owen:
    if not isinstance(game, MomentGame) or game.indicator.is_quadratic:
        inner = np.array([float(value) for value in values])
        return _Owen("value", inner, _by_outer(partition, values))
    groups, most = game.nested_means, max(len(partition.outer.names), *partition.sizes)
    if many == "join" or (most <= MOST_EXACT and _points(partition) <= _budget(indicator)):
        inner = nested_values(groups, game.values)
        return _Owen("exact", inner, _by_outer(partition, [Fraction(x) for x in inner.tolist()]))
    per_order = 2 * len(partition.counts)
    pairs = min(_PAIRS, max(_FEWEST_PAIRS, _budget(indicator) // per_order))
    drawn = draw_orders(groups, game.values, pairs, seed)
    return _Owen(
        "sampled", drawn.inner, drawn.outer, drawn.inner_errors, drawn.outer_errors, 2 * pairs
    )


def _by_outer(partition: Partition, values: Sequence[Fraction]) -> FloatArray:
    return np.array([
        float(sum((values[k] for k in span), Fraction(0))) for span in partition.spans()
    ])  # fmt: skip


# --- groups ---------------------------------------------------------------------------------------


def _groups(
    partition: Partition, leaf: LeafSums, owen: _Owen, game: GroupGame
) -> tuple[Group, ...]:
    attributed = sum(leaf.values, Fraction(0))

    def one(name: str, leaves: Sequence[int], value: float, error: float | None) -> Group:
        total, theirs = (
            sum((of_all[k] for k in leaves), Fraction(0))
            for of_all in (leaf.values, leaf.values_involved)
        )
        without = game.without(leaves)
        return Group(
            group=name,
            agents=sum(leaf.agents[k] for k in leaves),
            value=float(total),
            share=float(total / attributed),
            owen=value,
            std_error=error,
            without_silent=without.silent,
            without_absent=without.absent,
            agents_involved=sum(leaf.involved[k] for k in leaves),
            share_involved=float(theirs / attributed),
        )

    def error(of: FloatArray | None, k: int) -> float | None:
        return None if of is None else float(of[k])

    found = []
    for g, (name, span) in enumerate(zip(partition.outer.names, partition.spans(), strict=True)):
        group = one(name, span, float(owen.outer[g]), error(owen.outer_errors, g))
        if partition.inner:
            level = partition.inner[g]
            inner = tuple(
                one(within, [k], float(owen.inner[k]), error(owen.inner_errors, k))
                for within, k in zip(level.names, span, strict=True)
            )
            group = replace(group, groups=inner, joined=level.joined)
        found.append(group)
    return tuple(found)


def _interactions(game: GroupGame, partition: Partition) -> tuple[Interaction, ...]:
    """Return the pairs of the first `MOST_EXACT` groups, in their order."""
    names = partition.outer.names
    matrix = game.interactions()
    return tuple(
        Interaction(
            names[g],
            names[h],
            None if matrix is None else float(matrix[g, h]),
            game.merged(g, h),
        )
        for g, h in combinations(range(min(len(names), MOST_EXACT)), 2)
    )
