"""Remarks on an indicator: its origin, its linearity, and the error of quadrature."""

from typing import TYPE_CHECKING

from blueattr.report.fields import Field, Fields
from blueattr.report.numbers import plural, short
from blueattr.report.tables import Fact, Json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blueattr.attribution.value import Quadrature, Remarks
    from blueattr.indicators.linearity import Linearity
    from blueattr.provenance import IndicatorInfo

__all__ = [
    "DEFINITION",
    "LINEARITY",
    "QUADRATURE",
    "REMARKS",
    "definition_json",
    "origin_text",
    "remark_facts",
    "remarks_json",
]


LINEARITY: "Fields[Linearity]" = Fields(
    Field(
        "case", "`linear`, `one statistic` (a function of one mean), `homogeneous` or `nonlinear`."
    ),
    Field("points", "At how many points the gradient was compared.", "int", "points"),
    inside="linearity",
)
QUADRATURE: "Fields[Quadrature]" = Fields(
    Field("steps"),
    Field("gap", r"\|Σφ - v(N)\| / \|v(N)\| with K steps.", "float", "relative"),
    Field(
        "gap_doubled",
        "The same with 2K: a quarter of `gap` where the rule has converged.",
        "float",
        "relative",
    ),
    inside="quadrature",
)
_AS_WRITTEN = "As its author wrote it, and the names of its statistics."
_WHOSE = "The module or file, the name in it, its path, and the SHA-256 of its bytes."
DEFINITION: "Fields[IndicatorInfo]" = Fields(
    Field("formula", _AS_WRITTEN),
    Field("statistics", _AS_WRITTEN),
    Field("gradient", "`given`, or how it was computed: `complex step`, `central differences`."),
    Field("weights", "Whether its integrals were given in closed form.", "bool"),
    Field("origin", _WHOSE),
    Field("object", _WHOSE, get=lambda info: info.object_name),
    Field("file", _WHOSE),
    Field("sha256", _WHOSE),
    inside="definition",
)
REMARKS: "Fields[Remarks]" = Fields(
    Field(
        "linearity",
        "What kind of function the indicator is of its means, "
        "[as far as its gradient tells](methods.md#own-indicators); none where that was not asked.",
        get=lambda remark: None if remark.linearity is None else LINEARITY.json(remark.linearity),
    ),
    Field(
        "quadrature",
        "How far the K-step rule is from summing to v(N); none for a closed form.",
        get=lambda remark: (
            None if remark.quadrature is None else QUADRATURE.json(remark.quadrature)
        ),
    ),
    Field(
        "definition",
        "What an indicator is that is not one of the four, and whose code; none for the four.",
        get=lambda remark: definition_json(remark.info),
    ),
)


_CASES = {
    "linear": "F is linear: one factor rescales every sample",
    "one statistic": "F is not linear, but a function of one mean: one factor rescales every "
    "sample",
    "homogeneous": "the gradient of F is constant along the path but differs between panels: a "
    "factor need not exist",
}


def remark_facts(remarks: "Mapping[str, Remarks]") -> tuple[Fact, ...]:
    """Return labelled lines with what a reader must know about indicators.

    Parameters
    ----------
    remarks
        By the indicator's name.
    """
    facts = []
    for name, remark in remarks.items():
        if remark.info is not None:
            facts.append(Fact("indicator", f"{name}: {origin_text(remark.info)}"))
        if remark.linearity is not None and remark.linearity.case in _CASES:
            facts.append(
                Fact(
                    "linearity",
                    f"{name}: {_CASES[remark.linearity.case]} (gradient compared at "
                    f"{plural(remark.linearity.points, 'point')})",
                )
            )
        if remark.quadrature is not None:
            check = remark.quadrature
            facts.append(
                Fact(
                    "quadrature",
                    f"{name}: the values sum to the indicator with a relative error of "
                    f"{short(check.gap)} for {plural(check.steps, 'step')} and "
                    f"{short(check.gap_doubled)} for {check.steps * 2:,}",
                )
            )
    return tuple(facts)


def origin_text(info: "IndicatorInfo") -> str:
    """Describe an indicator that is not one of the four, and where its code is from."""
    place = f"{info.origin}:{info.object_name}" if info.object_name else info.origin
    where = "ships with blueattr" if info.file is None and info.origin == "blueattr" else place
    if info.sha256 is not None:
        where += f" (SHA-256 {info.sha256})"
    gradient = "its own gradient" if info.gradient == "given" else f"gradient by {info.gradient}"
    formula = f"{info.formula}; " if info.formula else ""
    return f"{formula}statistics {', '.join(info.statistics)}; {gradient}; {where}"


def remarks_json(remark: "Remarks") -> dict[str, Json]:
    """Return remarks as the fields of a JSON object."""
    return REMARKS.json(remark)


def definition_json(info: "IndicatorInfo | None") -> dict[str, Json] | None:
    """Return an indicator's definition and origin as a JSON object; None for the four."""
    return None if info is None else DEFINITION.json(info)
