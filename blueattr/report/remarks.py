"""What is said about an indicator beside its values: its origin, linearity, and quadrature."""

from typing import TYPE_CHECKING

from blueattr.report.figures import plural, short
from blueattr.report.tables import Fact, Json

if TYPE_CHECKING:  # the arithmetic need not be imported to lay out its results
    from collections.abc import Mapping

    from blueattr.provenance import IndicatorInfo
    from blueattr.value import Remarks

__all__ = ["definition_json", "origin_text", "remark_facts", "remarks_json"]

_CASES = {
    "linear": "linear in its means: on every sample a global factor rescales the full panel's "
    "values (the theorem's case)",
    "one statistic": "not linear, but a function of one mean: on every sample a global factor "
    "rescales the full panel's values, whatever the theorem says of linear ones",
    "homogeneous": "its gradient is constant along the path but differs between panels: no factor "
    "follows",
}


def remark_facts(remarks: "Mapping[str, Remarks]") -> tuple[Fact, ...]:
    """Say in labelled lines what is to be known about indicators.

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
                    f"{name}: {_CASES[remark.linearity.case]}; its gradient was compared at "
                    f"{plural(remark.linearity.points, 'point')}",
                )
            )
        if remark.quadrature is not None:
            check = remark.quadrature
            facts.append(
                Fact(
                    "quadrature",
                    f"{name}: with {plural(check.steps, 'step')} the values miss the indicator by "
                    f"{short(check.gap)} of it, with {check.steps * 2:,} by "
                    f"{short(check.gap_doubled)}",
                )
            )
    return tuple(facts)


def origin_text(info: "IndicatorInfo") -> str:
    """Say what an indicator that is not one of the four is, and whose code it is."""
    named = f"{info.origin}:{info.object_name}" if info.object_name else info.origin
    where = "ships with blueattr" if info.file is None and info.origin == "blueattr" else named
    if info.sha256 is not None:
        where += f" (SHA-256 {info.sha256})"
    gradient = "its own gradient" if info.gradient == "given" else f"gradient by {info.gradient}"
    formula = f"{info.formula}; " if info.formula else ""
    return f"{formula}statistics {', '.join(info.statistics)}; {gradient}; {where}"


def remarks_json(remark: "Remarks") -> dict[str, Json]:
    """Give them as the fields of a JSON object."""
    linearity, check, info = remark.linearity, remark.quadrature, remark.info
    return {
        "linearity": None
        if linearity is None
        else {"case": linearity.case, "points": linearity.points},
        "quadrature": None
        if check is None
        else {"steps": check.steps, "gap": check.gap, "gap_doubled": check.gap_doubled},
        "definition": definition_json(info),
    }


def definition_json(info: "IndicatorInfo | None") -> dict[str, Json] | None:
    """Give what an indicator is and whose code it is as a JSON object; None for the four."""
    if info is None:
        return None
    return {
        "formula": info.formula,
        "statistics": list(info.statistics),
        "gradient": info.gradient,
        "weights": info.weights,
        "origin": info.origin,
        "object": info.object_name,
        "file": info.file,
        "sha256": info.sha256,
    }
