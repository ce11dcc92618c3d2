"""Fields that results of several kinds have: indicator, tiers, agents, totals, means and method."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from blueattr.report.fields import Field, Fields
from blueattr.report.tables import Json

if TYPE_CHECKING:
    from blueattr.attribution.by_feature import FeatureSplit
    from blueattr.attribution.tiered import ActivePanel
    from blueattr.attribution.value import Remarks, TierShare
    from blueattr.indicators.base import Aggregator
    from blueattr.studies.carriers.leaders import Leader
    from blueattr.studies.carriers.ranks import ChoiceRank, RankIntervals

__all__ = [
    "ACTIVE",
    "ACTIVE_OBJECT",
    "AGGREGATOR",
    "AGGREGATOR_OBJECT",
    "AGGREGATOR_PARTS",
    "BY_FEATURE",
    "CHOICE_RANK",
    "CHOICE_RANKS",
    "CUTOFFS",
    "FEATURE_MEANS",
    "INDICATOR",
    "INTERVALS",
    "INVOLVED",
    "LEADER",
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


class Aggregated(Protocol):
    """A result of one aggregator."""

    @property
    def aggregator(self) -> "Aggregator":
        """As in `blueattr.attribution.attribute.AttributionResult`."""


class WithCutoffs(Protocol):
    """A result whose tiers are cut somewhere."""

    @property
    def cutoffs(self) -> tuple[float, ...]:
        """As in `blueattr.attribution.attribute.AttributionResult`."""


class Computed(Aggregated, Protocol):
    """What a result of one panel says about how it was computed."""

    @property
    def means(self) -> tuple[float, float, float]:
        """As in `blueattr.attribution.attribute.AttributionResult`."""

    @property
    def moment(self) -> float:
        """As in `blueattr.attribution.attribute.AttributionResult`."""


class Tiered(Computed, WithCutoffs, Protocol):
    """A result about tiers."""


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
"""What a table for people has of a tier."""
INVOLVED: Fields[Any] = Fields(
    Field(
        "agents_involved",
        "How many of the tier's agents were [involved](methods.md#who-is-on-the-panel): a > 0 or "
        "c > 0.",
        "int",
        "agents",
        heading="involved",
    ),
    Field(
        "share_involved",
        "The part of the tier's `share` that its involved agents carry; the rest of it is the "
        "popularity of agents who had no part in the topic.",
        "share",
    ),
)
_WRITTEN = (
    "Records of the topic that it wrote in the window; none where the features have no counts."
)
_RECEIVED = (
    "Replies, reposts and quotes that its records of the topic received from others in the window; "
    "none of a kind that `influence` does not have."
)
_WHO = (
    "Who it is; the handle where it is known. With `--pseudonyms` "
    "[a pseudonym](ethics.md#reports-that-name-nobody), and no handle."
)
_BY_FEATURE = (
    "The parts of `share` that a, b and c carry ([By feature](methods.md#by-feature)); none where "
    "there is no split, as `by_feature` says."
)
_INTERVAL = (
    "The [95 % interval of its rank](methods.md#the-rank-of-an-account), from resamples of the "
    "window's days; none where there is none."
)
_CHOICES = "Its best and its worst rank under the choices that `choices` lists."
LEADER: "Fields[Leader]" = Fields(
    Field("did", _WHO, heading="DID"),
    Field("handle", _WHO),
    TIER["tier"],
    Field("a", kind="float"),
    Field("b", kind="float"),
    Field("c", kind="float"),
    TIER["value"],
    TIER["share"],
    Field("posts", _WRITTEN, "int", "records"),
    Field("replies", _WRITTEN, "int", "records"),
    Field("reposts", _WRITTEN, "int", "records"),
    Field("written", "Posts, replies and reposts together: what a counts.", "int", "records"),
    Field("replies_received", _RECEIVED, "int", "records"),
    Field("reposts_received", _RECEIVED, "int", "records"),
    Field("quotes_received", _RECEIVED, "int", "records"),
    Field("received", "All together: what c counts.", "int", "records"),
    Field("follows_received", "Follows received in the window.", "int", "follows"),
    Field("followers", "What ranks the agents, as `popularity` says.", "float", "accounts"),
    Field("share_a", _BY_FEATURE, "share"),
    Field("share_b", _BY_FEATURE, "share"),
    Field("share_c", _BY_FEATURE, "share"),
    Field("rank_low", _INTERVAL, "int"),
    Field("rank_high", _INTERVAL, "int"),
    Field("rank_best", _CHOICES, "int"),
    Field("rank_worst", _CHOICES, "int"),
    Field("link", "The profile's address, of an agent with a DID; none with `--pseudonyms`."),
)
CHOICE_RANK: "Fields[ChoiceRank]" = Fields(
    Field("choice", "What is chosen otherwise, and how, as in `blueattr sensitivity`."),
    Field("setting", "What is chosen otherwise, and how, as in `blueattr sensitivity`."),
    Field(
        "rank",
        "Its rank then: 1 + the number of agents with a larger value; none where it is not in that "
        "panel.",
        "int",
    ),
    inside="choices",
)
CHOICE_RANKS: "Fields[Leader]" = Fields(
    Field(
        "choices",
        "Its rank under each choice of `blueattr sensitivity` that matters to the indicator and "
        "has an answer, the default first: one object each.",
        json=lambda leader: [CHOICE_RANK.json(one) for one in leader.choices],
    ),
)
BY_FEATURE: "Fields[FeatureSplit]" = Fields(
    Field(
        "kind",
        "`exact`: the value of each feature of each agent; `convention`: parts that sum to the "
        "value, but are not these; none where there is no split.",
    ),
    Field(
        "why",
        "Why there is no split; none where there is one.",
        json=lambda split: split.why or None,
    ),
    inside="by_feature",
)
INTERVALS: "Fields[RankIntervals]" = Fields(
    Field("days", "How many days each resample draws.", "int", "days"),
    Field("resamples", "How many resamples.", "int", "resamples"),
    Field("seed", "The base seed.", "int"),
    Field("level", "Of the interval: 0.95.", "float", "share"),
    Field(
        "undefined_resamples",
        "Those on which the indicator is 0; left out.",
        "int",
        "resamples",
    ),
    Field(
        "why",
        "Why there are no intervals; none where there are.",
        json=lambda intervals: intervals.why or None,
    ),
    inside="intervals",
)
ACTIVE: "Fields[ActivePanel]" = Fields(
    Field("n_agents", "n of the active panel.", "int", "agents"),
    Field(
        "total",
        "v(N) on the active panel; not comparable with that of those involved.",
        "float",
        "the indicator's",
    ),
    Field("agents", "Agents of the active panel in each tier, from the top.", unit="agents"),
    inside="active",
)
ACTIVE_OBJECT: Fields[Any] = Fields(
    Field(
        "active",
        "The active panel, where `panel_of` is `involved`; else none.",
        json=lambda result: None if result.active is None else ACTIVE.json(result.active),
    ),
)
SIZE: Fields[Any] = Fields(
    Field("n_agents", "n: the agents of the panel.", "int", "agents", heading="n"),
    Field(
        "n_involved",
        "How many of them were [involved](methods.md#who-is-on-the-panel): a > 0 or c > 0.",
        "int",
        "agents",
    ),
    Field(
        "panel_of",
        "`active`: everyone who was active in the window, after the filters; `involved`: only "
        "those of them who were involved.",
        get=lambda result: result.panel,
    ),
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
AGGREGATOR: "Fields[Aggregated]" = Fields(
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
AGGREGATOR_OBJECT: "Fields[Aggregated]" = Fields(AGGREGATOR["aggregator"])
CUTOFFS: "Fields[WithCutoffs]" = Fields(
    Field(
        "tier_cutoffs",
        "Where the upper tiers end: cumulative percentages of the agents, from the top.",
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
    return [TIER.json(tier) | INVOLVED.json(tier) for tier in tiers]
