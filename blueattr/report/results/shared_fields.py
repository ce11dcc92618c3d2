"""Fields that results of several kinds have: indicator, tiers, agents, totals, means and method."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from blueattr.report.fields import Field, Fields
from blueattr.report.tables import Json

if TYPE_CHECKING:
    from blueattr.attribution.value import Remarks, TierShare
    from blueattr.indicators.base import Aggregator

__all__ = [
    "AGGREGATOR",
    "AGGREGATOR_OBJECT",
    "AGGREGATOR_PARTS",
    "CUTOFFS",
    "FEATURE_MEANS",
    "INDICATOR",
    "MEANS",
    "MEANS_OBJECT",
    "METHOD",
    "MOMENT",
    "PARTS",
    "SIZE",
    "TIER",
    "TOTALS",
    "UNDEFINED",
    "Computed",
    "Indicated",
    "Remarked",
    "Tiered",
    "tiers_json",
]


class Computed(Protocol):
    """What a result of any kind says about how it was computed."""

    @property
    def aggregator(self) -> "Aggregator":
        """As in `blueattr.attribution.attribute.AttributionResult`."""

    @property
    def means(self) -> tuple[float, float, float]:
        """As in `blueattr.attribution.attribute.AttributionResult`."""

    @property
    def moment(self) -> float:
        """As in `blueattr.attribution.attribute.AttributionResult`."""


class Tiered(Computed, Protocol):
    """A result about tiers."""

    @property
    def cutoffs(self) -> tuple[float, ...]:
        """As in `blueattr.attribution.attribute.AttributionResult`."""


class Indicated(Protocol):
    """A result for one indicator, and how it was computed."""

    @property
    def indicator(self) -> str:
        """The indicator's name."""

    @property
    def method(self) -> str:
        """As in `blueattr.attribution.attribute.AttributionResult`."""

    @property
    def steps(self) -> int | None:
        """As in `blueattr.attribution.attribute.AttributionResult`."""


class Remarked(Indicated, Protocol):
    """A result for one indicator, with what a reader must know about that indicator."""

    @property
    def remarks(self) -> "Remarks":
        """As in `blueattr.attribution.attribute.AttributionResult`."""


_FEATURE = (
    "[Features](data.md#features): activity, popularity, influence; of an agent, or their means "
    "over all. log(1 + count) or the count, as `feature_scale` says."
)
_MEAN = "m_a, m_b, m_c: sums over all agents / n."


INDICATOR: Fields[Any] = Fields(
    Field(
        "indicator",
        "Which indicator: `lin`, `heat`, `var`, `gini`, one of the "
        "[three more](methods.md#three-more-indicators), or one "
        "[of your own](methods.md#own-indicators).",
    ),
)
TIER: Fields[Any] = Fields(
    Field(
        "tier",
        "`top`, `middle` (with more cut-offs `middle 1`, `middle 2`, …) or `tail`: a part of the "
        "agents, [ranked by followers](methods.md#tiers).",
    ),
    Field(
        "agents",
        "How many agents: of a tier, or from the largest value down.",
        "int",
        "agents",
    ),
    Field(
        "value",
        "φ summed over the tier; of a single agent φ_i, its "
        "[Aumann-Shapley value](methods.md#the-value).",
        "float",
        "the indicator's",
    ),
    Field("share", "`value` / `attributed`.", "share"),
    Field(
        "abs_share",
        r"Σ\|φ_i\| over the tier / Σ\|φ_i\| over all: another number than `share` only where "
        "values have both signs.",
        "share",
        heading="of |values|",
    ),
)
SIZE: Fields[Any] = Fields(
    Field("n_agents", "n: the agents of the panel.", "int", "agents", heading="n"),
)
TOTALS: Fields[Any] = Fields(
    Field(
        "total",
        "v(N): the indicator on the panel, by its [definition](methods.md#the-game).",
        "float",
        "the indicator's",
    ),
    Field(
        "attributed",
        "Σφ_i over all agents. v(N) up to rounding for a closed form; with "
        "[quadrature](methods.md#quadrature) up to the rule's error.",
        "float",
        "the indicator's",
    ),
)
METHOD: Fields[Any] = Fields(
    Field("method", "`closed form`, or `quadrature`: the midpoint rule."),
    Field("steps", "K of the quadrature; none for a closed form.", "int", "steps", heading="K"),
)
FEATURE_MEANS: Fields[tuple[float, float, float]] = Fields(
    Field("a", _FEATURE, "float", "log or count", get=lambda means: means[0]),
    Field("b", _FEATURE, "float", "log or count", get=lambda means: means[1]),
    Field("c", _FEATURE, "float", "log or count", get=lambda means: means[2]),
)
MEANS: "Fields[Computed]" = Fields(
    Field("mean_a", _MEAN, "float", "of the features", get=lambda result: result.means[0]),
    Field("mean_b", _MEAN, "float", "of the features", get=lambda result: result.means[1]),
    Field("mean_c", _MEAN, "float", "of the features", get=lambda result: result.means[2]),
)
MOMENT: "Fields[Computed]" = Fields(
    Field("moment", "M = m_a m_b m_c.", "float", heading="M"),
)
MEANS_OBJECT: "Fields[Computed]" = Fields(
    Field(
        "means",
        "m_a, m_b and m_c as `a`, `b`, `c`. In CSV `mean_a`, `mean_b`, `mean_c`.",
        unit="of the features",
        get=lambda result: FEATURE_MEANS.json(result.means),
    ),
    MOMENT["moment"],
)
AGGREGATOR_PARTS: "Fields[Aggregator]" = Fields(
    Field("name", "`mean`, `log` or `geometric`."),
    Field("weights", "Weights of a, b and c; they sum to 1."),
    inside="aggregator",
)
AGGREGATOR: "Fields[Computed]" = Fields(
    Field(
        "aggregator",
        "How a, b and c become [one number s](methods.md#the-game) for `lin`, `var` and `gini`. In "
        "CSV the name.",
        get=lambda result: result.aggregator.name,
        json=lambda result: AGGREGATOR_PARTS.json(result.aggregator),
    ),
    Field(
        "weights",
        "The aggregator's weights of a, b and c, in CSV and Parquet.",
        get=lambda result: ",".join(map(repr, result.aggregator.weights)),
    ),
)
AGGREGATOR_OBJECT: "Fields[Computed]" = Fields(AGGREGATOR["aggregator"])
CUTOFFS: "Fields[Tiered]" = Fields(
    Field(
        "tier_cutoffs",
        "Where tiers end, in cumulative per cent of the agents.",
        unit="%",
        get=lambda result: ",".join(f"{cutoff:.12g}" for cutoff in result.cutoffs),
        json=lambda result: result.cutoffs,
    ),
)
UNDEFINED: Fields[Any] = Fields(
    Field(
        "undefined",
        "Why there is no answer, as a sentence; none where there is one.",
        get=lambda result: result.undefined or None,
    ),
)
PARTS: Fields[Any] = Fields(
    Field("indicators", "One object for each indicator."),
    Field("results", "One object for each indicator."),
    Field("tiers", "One object for each tier, from the top down."),
)


def tiers_json(tiers: Sequence["TierShare"]) -> list[Json]:
    """Return tier shares as JSON objects."""
    return [TIER.json(tier) for tier in tiers]
