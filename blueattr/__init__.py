"""blueattr: who carried a macro event on Bluesky, at full scale and in a biased sample.

>>> import polars as pl, blueattr
>>> panel = pl.DataFrame({"agent": ["x", "y"], "a": [1, 0], "b": [2.0, 1.0], "c": [3, 1]})
>>> result = blueattr.attribute(panel, indicator="heat")
>>> round(result.total, 4), [round(share, 3) for share in result.agents["share"]]
(0.9163, [0.806, 0.194])
"""

from typing import TYPE_CHECKING, Any

from blueattr.display import Drawer, draw_with
from blueattr.version import __version__ as __version__

if TYPE_CHECKING:
    from types import ModuleType

    from blueattr.attribution.attribute import AttributionResult, attribute
    from blueattr.errors import BlueattrError
    from blueattr.indicators.base import Aggregator
    from blueattr.indicators.custom import OwnIndicator
    from blueattr.provenance import Provenance
    from blueattr.studies.bootstrap import Bootstrap, bootstrap
    from blueattr.studies.grid import ScaleGrid, scale_grid
    from blueattr.studies.scales import ScaleComparison, compare_scales
    from blueattr.studies.sensitivity import Sensitivity, sensitivity

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


def __getattr__(name: str) -> Any:
    # On demand: `blueattr --help` must not wait for Polars and Numba.
    home: ModuleType
    match name:
        case "AttributionResult" | "attribute":
            import blueattr.attribution.attribute as home
        case "Sensitivity" | "sensitivity":
            import blueattr.studies.sensitivity as home
        case "OwnIndicator":
            import blueattr.indicators.custom as home
        case "BlueattrError":
            import blueattr.errors as home
        case "ScaleGrid" | "scale_grid":
            import blueattr.studies.grid as home
        case "Aggregator":
            import blueattr.indicators.base as home
        case "Provenance":
            import blueattr.provenance as home
        case "Bootstrap" | "bootstrap":
            import blueattr.studies.bootstrap as home
        case "ScaleComparison" | "compare_scales":
            import blueattr.studies.scales as home
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _load_drawer() -> Drawer:
    import blueattr.report.pages.notebook as drawer

    return drawer


# Reports are made of results, so results cannot import reports: they are handed the drawer here.
draw_with(_load_drawer)
