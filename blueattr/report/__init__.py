"""Results laid out for readers and programs: a report is a pure function of a result."""

from blueattr.report.escape import safe_text
from blueattr.report.formats.render import Format, agents_to, format_of, frame_to, render
from blueattr.report.results.attributions import attribution_report, attributions_report
from blueattr.report.results.bootstraps import bootstrap_report
from blueattr.report.results.changes import change_report, changes_report
from blueattr.report.results.comparisons import comparison_report
from blueattr.report.results.days import days_report
from blueattr.report.results.grids import grid_report
from blueattr.report.results.sensitivities import sensitivity_report
from blueattr.report.tables import Column, Fact, Report, Table

__all__ = [
    "Column",
    "Fact",
    "Format",
    "Report",
    "Table",
    "agents_to",
    "attribution_report",
    "attributions_report",
    "bootstrap_report",
    "change_report",
    "changes_report",
    "comparison_report",
    "days_report",
    "format_of",
    "frame_to",
    "grid_report",
    "render",
    "safe_text",
    "sensitivity_report",
]
