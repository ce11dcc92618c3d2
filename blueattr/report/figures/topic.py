"""The figures of a topic's report, in the order a reader meets them."""

from dataclasses import replace
from typing import TYPE_CHECKING

from blueattr.report.figures.agents import concentration_exhibit
from blueattr.report.figures.answer import answer_exhibit, certainty_exhibit
from blueattr.report.figures.bridge import change_exhibit
from blueattr.report.figures.corrected import corrected_exhibit
from blueattr.report.figures.days import days_exhibit, hours_exhibit
from blueattr.report.figures.groups import groups_exhibit
from blueattr.report.figures.scales import grouped_by_sign, shares_exhibit, sizes_exhibit
from blueattr.report.figures.studies import sensitivity_exhibit

if TYPE_CHECKING:
    from blueattr.report.figures.exhibit import Exhibit
    from blueattr.studies.scales import ScaleComparison
    from blueattr.studies.topic import TopicReport

__all__ = ["topic_data", "topic_exhibits"]


def topic_exhibits(report: "TopicReport") -> "tuple[Exhibit, ...]":
    """Return the figures of a report, without those that have nothing to show.

    Those of the headline's indicator come first; the other indicators have their own, with
    ``-others`` in the name, and with ``-signed`` where shares below 0 need another axis.
    """
    headline = "" if report.headline is None else report.headline.indicator
    parts = grouped_by_sign(report.comparison, headline)
    several = (exhibit for suffix, part in parts for exhibit in _of(report, part, suffix))
    return tuple(exhibit for exhibit in (*_first(report), *several) if exhibit is not None)


def topic_data(report: "TopicReport") -> "tuple[Exhibit, ...]":
    """Return the same with all indicators together, for files of data."""
    hours = None if report.days is None else hours_exhibit(report.days)
    exhibits = (*_first(report), hours, *_of(report, report.comparison, ""))
    return tuple(exhibit for exhibit in exhibits if exhibit is not None)


def _first(report: "TopicReport") -> "tuple[Exhibit | None, ...]":
    """Return what is of the headline's indicator, or of days."""
    return (
        answer_exhibit(report),
        None if report.days is None else days_exhibit(report.days),
        None if report.change is None else change_exhibit(report.change),
        None if report.groups is None else groups_exhibit(report.groups),
        certainty_exhibit(report),
        None if report.sensitivity is None else sensitivity_exhibit(report.sensitivity),
    )


def _of(
    report: "TopicReport", part: "ScaleComparison", suffix: str
) -> "tuple[Exhibit | None, ...]":
    """Return the figures of the indicators of a part of the comparison."""
    names = {one.indicator for one in part.indicators}
    curve = tuple(one for one in report.curve.indicators if one.indicator in names)
    curves = [one for one in report.concentrations if one.indicator in names]
    return (
        shares_exhibit(part, suffix),
        sizes_exhibit(replace(report.curve, indicators=curve), suffix),
        corrected_exhibit(part, suffix),
        concentration_exhibit(curves, report.provenance, suffix),
    )
