"""blueattr: who carried a macro event on Bluesky, at full scale and in a biased sample.

>>> import polars as pl, blueattr
>>> panel = pl.DataFrame({"agent": ["x", "y"], "a": [1, 0], "b": [2.0, 1.0], "c": [3, 1]})
>>> result = blueattr.attribute(panel, indicator="heat")
>>> round(result.total, 4), [round(share, 3) for share in result.agents["share"]]
(0.9163, [0.806, 0.194])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Aggregator",
    "AttributionResult",
    "BlueattrError",
    "Bootstrap",
    "OwnIndicator",
    "Provenance",
    "ScaleComparison",
    "ScaleGrid",
    "Sensitivity",
    "attribute",
    "bootstrap",
    "compare_scales",
    "scale_grid",
    "sensitivity",
]

if TYPE_CHECKING:
    from blueattr.attribution import AttributionResult, attribute
    from blueattr.choices import Sensitivity, sensitivity
    from blueattr.custom import OwnIndicator
    from blueattr.errors import BlueattrError
    from blueattr.grids import ScaleGrid, scale_grid
    from blueattr.indicators import Aggregator
    from blueattr.provenance import Provenance
    from blueattr.resampling import Bootstrap, bootstrap
    from blueattr.scales import ScaleComparison, compare_scales

_HOMES = {
    "Aggregator": "indicators",
    "AttributionResult": "attribution",
    "BlueattrError": "errors",
    "Bootstrap": "resampling",
    "OwnIndicator": "custom",
    "Provenance": "provenance",
    "ScaleComparison": "scales",
    "ScaleGrid": "grids",
    "Sensitivity": "choices",
    "attribute": "attribution",
    "bootstrap": "resampling",
    "compare_scales": "scales",
    "scale_grid": "grids",
    "sensitivity": "choices",
}


def __getattr__(name: str) -> Any:
    # On demand: `blueattr --help` must not wait for Polars and Numba.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"blueattr.{_HOMES[name]}"), name)
