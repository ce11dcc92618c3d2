"""blueattr: who carried a macro event on Bluesky, at full scale and in a biased sample.

>>> import polars as pl, blueattr
>>> panel = pl.DataFrame({"agent": ["x", "y"], "a": [1, 0], "b": [2.0, 1.0], "c": [3, 1]})
>>> result = blueattr.attribute(panel, indicator="heat")
>>> round(result.total, 4), [round(share, 3) for share in result.agents["share"]]
(0.9163, [0.806, 0.194])
"""

from typing import TYPE_CHECKING, Any

from blueattr.presentation import Drawer, draw_with
from blueattr.version import __version__ as __version__

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
    from types import ModuleType

    from blueattr.attribution import AttributionResult, attribute
    from blueattr.choices import Sensitivity, sensitivity
    from blueattr.custom import OwnIndicator
    from blueattr.errors import BlueattrError
    from blueattr.grids import ScaleGrid, scale_grid
    from blueattr.indicators import Aggregator
    from blueattr.provenance import Provenance
    from blueattr.resampling import Bootstrap, bootstrap
    from blueattr.scales import ScaleComparison, compare_scales


def __getattr__(name: str) -> Any:
    # On demand: `blueattr --help` must not wait for Polars and Numba.
    home: ModuleType
    match name:
        case "AttributionResult" | "attribute":
            import blueattr.attribution as home
        case "Sensitivity" | "sensitivity":
            import blueattr.choices as home
        case "OwnIndicator":
            import blueattr.custom as home
        case "BlueattrError":
            import blueattr.errors as home
        case "ScaleGrid" | "scale_grid":
            import blueattr.grids as home
        case "Aggregator":
            import blueattr.indicators as home
        case "Provenance":
            import blueattr.provenance as home
        case "Bootstrap" | "bootstrap":
            import blueattr.resampling as home
        case "ScaleComparison" | "compare_scales":
            import blueattr.scales as home
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _load_drawer() -> Drawer:
    import blueattr.report.notebook as drawer

    return drawer


# Reports are made of results, so results cannot import reports: they are handed the drawer here.
draw_with(_load_drawer)
