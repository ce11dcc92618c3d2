"""Reports that name accounts which are forgotten: made again without them, or removed."""

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from blueattr.analysis.again import Again, report_again
from blueattr.analysis.topic_reports import versions
from blueattr.errors import BlueattrError, OutputError
from blueattr.report.mentions import mentions
from blueattr.report.pages.dataset import METADATA
from blueattr.report.pages.gallery import Form, write_report
from blueattr.runs import publish
from blueattr.runs.basis import store_state
from blueattr.runs.history.found import found_shares
from blueattr.runs.history.index import mend_record, write_index
from blueattr.runs.history.record import RECORD, RunRecord
from blueattr.runs.plan import Plan
from blueattr.runs.written import COMPARISON, write_files
from blueattr.store.database import Store

if TYPE_CHECKING:
    from blueattr.studies.topic import TopicReport

__all__ = ["NamingOutputs", "Purged", "naming_reports", "purge", "remove_data"]


# What blueattr writes; a loose file of another kind is not touched.
_SUFFIXES = {
    ".html",
    ".json",
    ".jsonl",
    ".csv",
    ".md",
    ".tex",
    ".txt",
    ".parquet",
    ".svg",
    ".png",
    ".pdf",
    ".sqlite",
    ".gexf",
    ".graphml",
}
_PAGE = ".html"
_COMMAND = re.compile(r"<code>(blueattr report .*?)</code>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NamingOutputs:
    """What names accounts.

    Parameters
    ----------
    reports
        Folders with a manifest, the earliest first.
    files
        Other files.
    """

    reports: tuple[Path, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Purged:
    """What became of reports.

    Parameters
    ----------
    made_again
        The new folders and pages.
    removed
        The folders and files that are gone.
    """

    made_again: tuple[Path, ...]
    removed: tuple[Path, ...]


def naming_reports(
    folders: Iterable[Path], names: Iterable[str], say: Callable[[str], None] = lambda _: None
) -> NamingOutputs:
    """Find the reports in some folders that name accounts.

    Parameters
    ----------
    folders
        Of reports: those of runs, and those that `blueattr report` and other commands write.
    names
        DIDs and handles.
    say
        Told of each file that is damaged.

    Raises
    ------
    OutputError
        A folder does not exist, or something in it cannot be read.
    """
    wanted = frozenset(names)
    reports: dict[Path, None] = {}
    files: dict[Path, None] = {}
    for folder in folders:
        if not folder.is_dir():
            raise OutputError(f"there is no folder of reports {folder}")
        with _reading(folder):
            whole = {path.parent.resolve() for path in folder.rglob(publish.MANIFEST)}
            for path in sorted(folder.rglob("*")):
                if not path.is_file() or path.is_symlink():
                    continue
                resolved = path.resolve()
                inside = [parent for parent in resolved.parents if parent in whole]
                if (inside or _is_output(path)) and mentions(path, wanted, say):
                    if inside:
                        reports[inside[0]] = None
                    else:
                        files[resolved] = None
    return NamingOutputs(tuple(reports), tuple(files))


def _is_output(path: Path) -> bool:
    """Return whether a file is one that blueattr writes, and not a record, a key or a source."""
    if path.suffix.lower() not in _SUFFIXES or path.name == RECORD:
        return False
    if path.suffix.lower() != ".jsonl":
        return True
    with path.open("rb") as file:  # agents, or events?
        try:
            first = json.loads(file.readline(1 << 16))
        except ValueError:
            return False
    return isinstance(first, dict) and not {"kind", "$type", "commit", "operation"} & first.keys()


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot read {folder}: {error.strerror or error}") from error


def remove_data(naming: NamingOutputs) -> NamingOutputs:
    """Remove the files that cannot be made again: those that are no page.

    It is for before the store forgets, because they may have nothing but a handle, and nobody
    would find them by the DID if what follows were interrupted.

    Parameters
    ----------
    naming
        See `naming_reports`.

    Returns
    -------
    Naming
        What was removed.

    Raises
    ------
    OutputError
        One cannot be removed.
    """
    data = tuple(file for file in naming.files if file.suffix.lower() != _PAGE)
    for file in data:
        with _reading(file):
            file.unlink(missing_ok=True)
    return NamingOutputs((), data)


def purge(
    naming: NamingOutputs,
    names: Iterable[str],
    db: Path,
    memory: int,
    say: Callable[[str], None] = lambda _: None,
) -> Purged:
    """Make reports again from a store that has forgotten accounts; remove those that cannot be.

    Parameters
    ----------
    naming
        See `naming_reports`.
    names
        DIDs and handles, none of which may be named any more.
    db, memory
        The store, and the memory of the process.
    say
        Told of each report that cannot be made again, and why.

    Raises
    ------
    RunGoingError
        A run is going into a folder of reports.
    OutputError
        Something cannot be written or removed.
    """
    wanted = frozenset(names)
    made: list[Path] = []
    removed: list[Path] = []
    for folder in dict.fromkeys(report.parent for report in naming.reports):
        with _record_of(folder) as record:
            for report in [one for one in naming.reports if one.parent == folder]:
                new = _report_again(report, wanted, db, memory, say)
                if new is None:
                    publish.withdraw(report)
                (removed if new is None else made).append(new or report)
            if record is not None:
                mend_record(folder, record)
                write_index(folder)
    for file in naming.files:
        again = file.suffix.lower() == _PAGE and _page_again(file, wanted, db, memory, say)
        if not again:
            with _reading(file):
                file.unlink(missing_ok=True)
        (made if again else removed).append(file)
    return Purged(tuple(made), tuple(removed))


@contextmanager
def _record_of(folder: Path) -> "Iterator[RunRecord | None]":
    """Keep runs away from a folder of theirs."""
    if not (folder / RECORD).exists():
        yield None
        return
    with RunRecord(folder) as record:
        publish.clear(folder)
        yield record


def _again(
    commands: Sequence[str], db: Path, memory: int, beside: Path, *, accounts: bool = False
) -> "tuple[list[Again], list[TopicReport]]":
    made = [
        report_again(command, db, memory, beside=beside, accounts=accounts) for command in commands
    ]
    return made, [one.report for one in made]


def _report_again(
    report: Path, names: frozenset[str], db: Path, memory: int, say: Callable[[str], None]
) -> Path | None:
    """Make a report of a run again; None if that cannot be."""
    about = publish.manifest(report) or {}
    forms = _forms(report)
    try:
        made, reports = _again(
            about.get("commands", []), db, memory, report.parent, accounts="datasette" in forms
        )
        if not made:
            raise OutputError("its manifest has no command that makes it")
        with Store.open(db, memory) as store:
            state = store_state(store)
    except BlueattrError as error:
        say(f"{report} cannot be made again, and is removed: {error}")
        return None
    first = made[0]
    plan = Plan(first.query, (), (), first.question, first.sampling, report.parent)
    shares = found_shares(reports, plan, state["events"])
    new = publish.republish(
        report,
        lambda folder: write_files(reports, forms, folder, about.get("width")),
        {
            **about,
            "commands": [one.command for one in reports],
            "versions": dict(versions()),
            "basis": None,
            "state": state,
            "shares": shares.noted(),
            "forgotten_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    if any(mentions(path, names) for path in new.rglob("*") if path.is_file()):
        say(f"{new} still names an account, and is removed")
        publish.withdraw(new)
        return None
    return new


def _forms(report: Path) -> tuple[Form, ...]:
    """Return the forms of which a report has files."""
    others = (COMPARISON, METADATA, publish.MANIFEST)
    data = [path for path in report.iterdir() if not path.name.endswith(others)]
    there = {path.suffix.removeprefix(".").replace("sqlite", "datasette") for path in data}
    return tuple(form for form in get_args(Form) if form in there)


def _page_again(
    page: Path, names: frozenset[str], db: Path, memory: int, say: Callable[[str], None]
) -> bool:
    """Make a page of `blueattr report` again, in its place; return whether that was done."""
    text = page.read_text("utf-8", "replace")
    commands: list[Any] = [html.unescape(found) for found in _COMMAND.findall(text)]
    try:
        if not commands:
            raise OutputError("it has no command that makes it")
        _, reports = _again(commands, db, memory, page)
        write_report(reports, page)
    except BlueattrError as error:
        say(f"{page} cannot be made again, and is removed: {error}")
        return False
    return not mentions(page, names)
