"""Fields of resampled panels: how sure tier shares are."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.parts.shared_fields import INVOLVED, TIER

if TYPE_CHECKING:
    from blueattr.report.tables import Json
    from blueattr.studies.bootstrap import Bootstrap, IndicatorBootstrap, ShareInterval

__all__ = [
    "BOUNDS",
    "INTERVAL",
    "LEVEL",
    "OF_SHARES",
    "RESAMPLED",
    "RESAMPLES",
    "SEED",
    "bootstrap_json",
]


_PERCENTILES = "The 2.5th and the 97.5th percentile of the tier's share over resamples."
INTERVAL: "Fields[ShareInterval]" = Fields(
    TIER["tier"],
    TIER["share"],
    Field("low", _PERCENTILES, "share"),
    Field("high", _PERCENTILES, "share"),
    Field(
        "std_error",
        "Standard deviation of the share over resamples.",
        "share",
        heading="std. error",
    ),
    *INVOLVED,
)
RESAMPLES: "Fields[Bootstrap]" = Fields(
    Field("resamples", "How many resamples of n agents each.", "int", "resamples"),
)
SEED: "Fields[Bootstrap]" = Fields(Field("seed", "The base seed.", "int"))
LEVEL: "Fields[Bootstrap]" = Fields(
    Field("level", "Of the interval between `low` and `high`: 0.95.", "float", "share"),
)
RESAMPLED: "Fields[IndicatorBootstrap]" = Fields(
    Field(
        "undefined_resamples",
        "Those on which the indicator is 0; left out.",
        "int",
        "resamples",
    ),
)


# What `bootstrap` holds of an attribution.
OF_SHARES: Fields[Any] = Fields(*RESAMPLES, *SEED, *LEVEL, *RESAMPLED, inside="bootstrap")
BOUNDS: Fields[Any] = Fields(INTERVAL["low"], INTERVAL["high"], INTERVAL["std_error"])


def bootstrap_json(result: "Bootstrap | None") -> "dict[str, Json] | None":
    """Return the intervals of one indicator as a JSON object; None if there are none."""
    if result is None:
        return None
    (one,) = result.indicators
    return {
        **RESAMPLES.json(result),
        **SEED.json(result),
        **LEVEL.json(result),
        **RESAMPLED.json(one),
        "tiers": [INTERVAL.json(tier) for tier in one.tiers],
    }
