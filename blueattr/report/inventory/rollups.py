"""Report on a rollup: which days and topics were summarised."""

from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.report.numbers import plural
from blueattr.report.tables import Column, Fact, Report, Table

if TYPE_CHECKING:
    from blueattr.store.rollups import RolledUp

__all__ = ["rollup_report"]


def rollup_report(db: Path, done: "RolledUp") -> Report:
    """Lay out how many days and topics were summarised now, and in all."""
    summary = (
        f"{plural(len(done.days), 'day')} and {plural(done.topics, 'topic')} summarised; "
        f"{plural(done.days_held, 'day')} and {plural(done.topics_held, 'topic')} in all."
    )
    rows = (
        ("days", len(done.days), done.days_held),
        ("topics", done.topics, done.topics_held),
    )
    return Report(
        kind="rollup",
        summary=(summary,),
        tables=(
            Table(
                name="rollups",
                title="",
                columns=(
                    Column("what", ""),
                    Column("new", "now", "int"),
                    Column("held", "in all", "int"),
                ),
                rows=rows,
            ),
        ),
        facts=(Fact("store", str(db)),),
        content={
            "db": str(db),
            "days": [str(day) for day in done.days],
            "days_held": done.days_held,
            "topics": done.topics,
            "topics_held": done.topics_held,
        },
    )
