"""Results laid out for readers and programs: a report is a pure function of a result."""

import typing as _typing

if _typing.TYPE_CHECKING:
    from types import ModuleType as _ModuleType

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


def __getattr__(name: str) -> _typing.Any:
    # On demand: what prints a list of topics must not wait for what lays out a comparison.
    home: _ModuleType
    match name:
        case "safe_text":
            import blueattr.report.escape as home
        case "Column" | "Fact" | "Report" | "Table":
            import blueattr.report.tables as home
        case "Format" | "agents_to" | "format_of" | "frame_to" | "render":
            import blueattr.report.formats.render as home
        case "attribution_report" | "attributions_report":
            import blueattr.report.results.attributions as home
        case "bootstrap_report":
            import blueattr.report.results.bootstraps as home
        case "change_report" | "changes_report":
            import blueattr.report.results.changes as home
        case "comparison_report":
            import blueattr.report.results.comparisons as home
        case "days_report":
            import blueattr.report.results.days as home
        case "grid_report":
            import blueattr.report.results.grids as home
        case "sensitivity_report":
            import blueattr.report.results.sensitivities as home
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    found = getattr(home, name)
    globals()[name] = found
    return found
