"""Publish reports: folders that are whole or not there, and a link to the latest."""

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blueattr.atomic import is_part, sync, write
from blueattr.errors import OutputError

__all__ = [
    "LATEST",
    "MANIFEST",
    "clear",
    "faults",
    "free_name",
    "latest",
    "manifest",
    "publish",
    "report_folders",
    "report_name",
    "republish",
    "withdraw",
]


LATEST = "latest"
"""The name of the link to the latest report."""


MANIFEST = "manifest.json"
"""The list of a report's files, with sizes and SHA-256; it is written last."""


_NAME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z(-\d+)?")
_PART, _GONE, _LINK = ".part-", ".gone-", ".link-"


def report_name(when: datetime) -> str:
    """Name a report's folder, or a run, after a time.

    >>> report_name(datetime(2026, 5, 1, 12, 30, tzinfo=UTC))
    '2026-05-01T123000Z'
    """
    return f"{when.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"


def free_name(name: str, taken: Callable[[str], bool]) -> str:
    """Return the name, with the first number added that makes it a new one if it is taken.

    >>> free_name("2026-05-01T123000Z", {"2026-05-01T123000Z"}.__contains__)
    '2026-05-01T123000Z-2'
    >>> free_name("2026-05-01T123000Z-2", {"2026-05-01T123000Z-2"}.__contains__)
    '2026-05-01T123000Z-3'
    """
    while taken(name):
        time, number = _age(name)
        name = f"{time}Z-{max(number, 1) + 1}"
    return name


def publish(
    folder: Path,
    name: str,
    fill: Callable[[Path], object],
    about: Mapping[str, Any],
    keep: int | None = None,
) -> Path:
    """Write a report and link `latest` to it, each in one atomic step.

    If the process is killed at any moment, `latest` leads to a whole report or does not exist yet.
    Only one process at a time may publish to a folder.

    Parameters
    ----------
    folder
        The folder of reports, which must exist.
    name
        The name of the report's folder: see `report_name`. If it is taken, a number is added.
    fill
        Writes the report's files into a folder.
    about
        More entries for the manifest.
    keep
        Number of reports to keep, the newest ones, including `latest`; None for all.

    Returns
    -------
    Path
        The report's folder.

    Raises
    ------
    OutputError
        Something cannot be written; `latest` is unchanged.
    """
    with _writing(folder):
        whole = _write(folder, name, fill, about)
        _link(folder, whole.name)
        if keep is not None:
            _prune(folder, keep)
    return whole


def republish(report: Path, fill: Callable[[Path], object], about: Mapping[str, Any]) -> Path:
    """Put another report in the place of one, which goes; see `publish`.

    Parameters
    ----------
    report
        Its folder. The new one has its name with a number added.
    fill, about
        As for `publish`.

    Returns
    -------
    Path
        The new report's folder. If the old one was the latest, `latest` leads to the new one.
    """
    folder = report.parent
    with _writing(folder):
        whole = _write(folder, report.name, fill, about)
        if _is_latest(report):
            _link(folder, whole.name)
        _discard(report)
    return whole


def withdraw(report: Path) -> None:
    """Remove a report. If it was the latest, `latest` leads to the newest that is left, if any.

    Raises
    ------
    OutputError
        It cannot be removed.
    """
    folder = report.parent
    with _writing(folder):
        if _is_latest(report):
            left = [path for path in report_folders(folder) if path != report]
            if left:
                _link(folder, left[-1].name)
            else:
                (folder / LATEST).unlink()
        _discard(report)


def _is_latest(report: Path) -> bool:
    link = report.parent / LATEST
    return link.is_symlink() and link.resolve() == report.resolve()


def _write(
    folder: Path, name: str, fill: Callable[[Path], object], about: Mapping[str, Any]
) -> Path:
    part = folder / f"{_PART}{secrets.token_hex(8)}"
    part.mkdir()
    try:
        fill(part)
        files = [_describe(path, part) for path in _files(part)]
        manifest = json.dumps({**about, "files": files}, indent=2, allow_nan=False)
        write(part / MANIFEST, manifest.encode() + b"\n")
        for inside in (part, *(p for p in part.rglob("*") if p.is_dir())):
            sync(inside)
        whole = folder / free_name(name, lambda name: os.path.lexists(folder / name))
        part.rename(whole)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    sync(folder)
    return whole


def latest(folder: Path) -> dict[str, Any] | None:
    """Read the manifest of the latest report.

    Returns
    -------
    dict or None
        None if there is no report, or it is not whole.
    """
    report = folder / LATEST
    return None if faults(report) else json.loads((report / MANIFEST).read_bytes())


def faults(report: Path) -> list[str]:
    """Compare a report with its manifest.

    Parameters
    ----------
    report
        Its folder.

    Returns
    -------
    list of str
        What is missing, changed or does not belong; empty if the report is whole.
    """
    try:
        files = json.loads((report / MANIFEST).read_bytes())["files"]
        listed = {entry["name"]: entry for entry in files}
        present = {entry["name"]: entry for entry in (_describe(p, report) for p in _files(report))}
    except OSError as error:
        return [f"{error.filename}: {error.strerror}"]
    except (ValueError, KeyError, TypeError):
        return [f"{report / MANIFEST} is damaged"]
    present.pop(MANIFEST, None)
    return [
        f"{name} is {'missing' if name not in present else 'changed, or not part of the report'}"
        for name in sorted(listed.keys() | present.keys())
        if listed.get(name) != present.get(name)
    ]


def report_folders(folder: Path) -> tuple[Path, ...]:
    """Return the folders of the reports that there are, the earliest first.

    Raises
    ------
    OutputError
        The folder of reports cannot be read.
    """
    with _writing(folder):
        reports = [p for p in folder.iterdir() if _NAME.fullmatch(p.name) and not p.is_symlink()]
    return tuple(sorted(reports, key=lambda report: _age(report.name)))


def manifest(report: Path) -> dict[str, Any] | None:
    """Read the manifest of a report, without a look at its files; None if there is none."""
    try:
        read = json.loads((report / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None


def clear(folder: Path) -> None:
    """Remove what a killed process has left of a report or of the list of reports.

    Raises
    ------
    OutputError
        It cannot be removed.
    """
    with _writing(folder):
        for path in folder.iterdir():
            if path.name.startswith((_PART, _GONE)):
                shutil.rmtree(path)
            elif path.name.startswith(_LINK) or is_part(path.name):
                path.unlink()


def _link(folder: Path, target: str) -> None:
    link = folder / LATEST
    if link.exists() and not link.is_symlink():
        raise OutputError(f"{link} is not a link; move it away")
    new = folder / f"{_LINK}{secrets.token_hex(8)}"
    try:
        new.symlink_to(target)
        new.replace(link)
    finally:
        new.unlink(missing_ok=True)
    sync(folder)


def _prune(folder: Path, keep: int) -> None:
    current = (folder / LATEST).resolve()
    others = [path for path in report_folders(folder)[::-1] if path.resolve() != current]
    # What is named after a later time than the latest is of a clock that was ahead, and no newer.
    others.sort(key=lambda path: _age(path.name) > _age(current.name))
    for path in others[max(keep - 1, 0) :]:
        _discard(path)


def _discard(report: Path) -> None:
    # Rename it first: nobody should see half a report under its own name.
    gone = report.with_name(f"{_GONE}{secrets.token_hex(8)}")
    report.rename(gone)
    shutil.rmtree(gone)


def _age(name: str) -> tuple[str, int]:
    time, _, number = name.partition("Z")
    return time, int(number.removeprefix("-") or 0)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if not path.is_dir())


def _describe(path: Path, folder: Path) -> dict[str, Any]:
    """Return the name, size and checksum of a file, after it is synchronised to the disk."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        size = file.tell()
    return {"name": str(path.relative_to(folder)), "bytes": size, "sha256": digest}


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
