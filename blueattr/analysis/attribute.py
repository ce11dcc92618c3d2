"""Attribute a panel's indicators, and compare scales."""

import polars as pl

from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.attribution.question import Question, Sampling
from blueattr.provenance import Provenance
from blueattr.studies.scales import ScaleComparison, compare_scales

__all__ = ["attribute_panel", "compare_panel"]


def attribute_panel(
    frame: pl.DataFrame, origin: Provenance, question: Question
) -> list[AttributionResult]:
    """Split each indicator among all agents."""
    return [
        attribute(frame, indicator, **question.how, provenance=origin)
        for indicator in question.indicators
    ]


def compare_panel(
    frame: pl.DataFrame, origin: Provenance, question: Question, sampling: Sampling
) -> ScaleComparison:
    """Ask the same question at full scale and of samples."""
    return compare_scales(
        frame, question.indicators, **sampling.draws, **question.how, provenance=origin
    )
