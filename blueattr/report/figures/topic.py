"""The figures of a topic's report, in the order a reader meets them."""

from typing import TYPE_CHECKING

from blueattr.report.figures.agents import concentration_exhibit
from blueattr.report.figures.days import days_exhibit
from blueattr.report.figures.scales import shares_exhibit, sizes_exhibit

if TYPE_CHECKING:
    from blueattr.report.figures.exhibit import Exhibit
    from blueattr.studies.topic import TopicReport

__all__ = ["topic_exhibits"]


def topic_exhibits(report: "TopicReport") -> "tuple[Exhibit, ...]":
    """Return the figures of a report, without those that have nothing to show."""
    exhibits = (
        shares_exhibit(report.comparison),
        sizes_exhibit(report.curve),
        concentration_exhibit(report.concentrations, report.provenance),
        None if report.days is None else days_exhibit(report.days),
    )
    return tuple(exhibit for exhibit in exhibits if exhibit is not None)
