"""Reports on forgetting accounts and on compacting a store."""

from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.report.numbers import megabytes, plural
from blueattr.report.tables import Column, Fact, Report, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.store.compact import Compacted
    from blueattr.store.forget import Erased

__all__ = ["compact_report", "forget_report"]


def forget_report(
    db: Path,
    asked: int,
    known: "Erased",
    *,
    made_again: "Sequence[Path]" = (),
    removed: "Sequence[Path]" = (),
    naming: "Sequence[Path]" = (),
    dry_run: bool = False,
) -> Report:
    """Lay out what was forgotten, or would be; without a name.

    Parameters
    ----------
    db
        The store.
    asked
        How many accounts were named.
    known
        What the store had of them.
    made_again, removed
        Reports that named one of them.
    naming
        In a dry run, the same.
    dry_run
        Whether nothing was changed.
    """
    counts = (
        ("accounts that the store knew", "accounts", known.accounts),
        ("records of theirs", "records", known.records),
        ("texts of theirs", "texts", known.texts),
        ("handles", "handles", known.handles),
        ("profiles", "profiles", known.profiles),
        ("changes of status", "status_changes", known.status_changes),
        ("entries of the PLC directory", "directory", known.directory),
        ("answers of the AppView", "hydrations", known.hydrations),
        ("records of others to them, which stay", "kept_of_others", known.kept_of_others),
    )
    reports = (
        (("reports that name one", "reports_naming", len(naming)),)
        if dry_run
        else (
            ("reports made again", "reports_made_again", len(made_again)),
            ("reports removed", "reports_removed", len(removed)),
        )
    )
    verb = "Would forget" if dry_run else "Forgot"
    summary = [f"{verb} {plural(asked, 'account')}; the store knew {known.accounts:,} of them."]
    if not dry_run:
        summary.append("Their bytes are in the file until it is written anew: blueattr compact")
    return Report(
        kind="forget",
        summary=tuple(summary),
        tables=(
            Table(
                name="forgotten",
                title="",
                columns=(Column("what", ""), Column("number", "number", "int")),
                rows=tuple((what, number) for what, _, number in (*counts, *reports)),
            ),
        ),
        facts=(Fact("store", str(db)),),
        content={
            "db": str(db),
            "dry_run": dry_run,
            "asked": asked,
            **{name: number for _, name, number in counts},
            "reports_naming": [str(path) for path in naming],
            "reports_made_again": [str(path) for path in made_again],
            "reports_removed": [str(path) for path in removed],
        },
    )


def compact_report(db: Path, done: "Compacted") -> Report:
    """Lay out how many bytes a store's file had and has."""
    sizes = (("before", done.before), ("after", done.after))
    return Report(
        kind="compact",
        summary=(f"{db}: {megabytes(done.before)} before, {megabytes(done.after)} now.",),
        tables=(
            Table(
                name="file",
                title="",
                columns=(Column("when", ""), Column("bytes", "bytes", "int")),
                rows=sizes,
            ),
        ),
        facts=(Fact("store", str(db)),),
        content={"db": str(db), **{f"bytes_{when}": size for when, size in sizes}},
    )
