"""Folders of reports that are whole or not there, and the link to the latest of them."""

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

from blueattr.atomic import write
from blueattr.errors import OutputError

__all__ = ["LATEST", "MANIFEST", "clear", "faults", "latest", "publish", "report_name"]


LATEST = "latest"
"""The link's name."""


MANIFEST = "manifest.json"
"""What a folder holds, with sizes and SHA-256; written last, so that nothing is whole without."""


_NAME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z(-\d+)?")
_PART, _GONE, _LINK = ".part-", ".gone-", ".link-"


def report_name(when: datetime) -> str:
    """Name a report's folder by a time.

    >>> report_name(datetime(2026, 5, 1, 12, 30, tzinfo=UTC))
    '2026-05-01T123000Z'
    """
    return f"{when.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"


def publish(
    folder: Path,
    name: str,
    fill: Callable[[Path], object],
    about: Mapping[str, Any],
    keep: int | None = None,
) -> Path:
    """Write a report and let `latest` lead to it, each in one atomic step.

    Whatever ends this at whatever moment, `latest` leads to a whole report or is not there yet.
    Only one process at a time may publish to a folder.

    Parameters
    ----------
    folder
        Where reports are; it has to be there.
    name
        Of the report's folder: see `report_name`. Where it is taken, a number follows.
    fill
        Writes the files into the folder that it is given.
    about
        What stands in the manifest beside the files.
    keep
        How many reports stay, the newest ones, `latest` among them; None for all.

    Returns
    -------
    Path
        The report's folder.

    Raises
    ------
    OutputError
        Something cannot be written; `latest` is as it was.
    """
    with _writing(folder):
        part = folder / f"{_PART}{secrets.token_hex(8)}"
        part.mkdir()
        try:
            fill(part)
            files = [_described(path, part) for path in _files(part)]
            manifest = json.dumps({**about, "files": files}, indent=2, allow_nan=False)
            write(part / MANIFEST, manifest.encode() + b"\n")
            for inside in (part, *(p for p in part.rglob("*") if p.is_dir())):
                _sync(inside)
            whole = _free(folder, name)
            part.rename(whole)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        _sync(folder)
        _link(folder, whole.name)
        if keep is not None:
            _prune(folder, keep)
    return whole


def latest(folder: Path) -> dict[str, Any] | None:
    """Read the manifest of the latest report.

    Returns
    -------
    dict or None
        None where there is no report, or it is not whole.
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
        What is missing, too much or changed; empty where the report is whole.
    """
    try:
        files = json.loads((report / MANIFEST).read_bytes())["files"]
        wanted = {entry["name"]: entry for entry in files}
        found = {entry["name"]: entry for entry in (_described(p, report) for p in _files(report))}
    except OSError as error:
        return [f"{error.filename}: {error.strerror}"]
    except (ValueError, KeyError, TypeError):
        return [f"{report / MANIFEST} is damaged"]
    found.pop(MANIFEST, None)
    return [
        f"{name} is {'missing' if name not in found else 'changed or not of the report'}"
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name) != found.get(name)
    ]


def clear(folder: Path) -> None:
    """Remove what publishing that was killed has left behind.

    Raises
    ------
    OutputError
        It cannot be removed.
    """
    with _writing(folder):
        for path in folder.iterdir():
            if path.name.startswith((_PART, _GONE)):
                shutil.rmtree(path)
            elif path.name.startswith(_LINK):
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
    _sync(folder)


def _prune(folder: Path, keep: int) -> None:
    reports = [p for p in folder.iterdir() if _NAME.fullmatch(p.name) and not p.is_symlink()]
    reports.sort(key=_age, reverse=True)
    current = (folder / LATEST).resolve()
    others = [path for path in reports if path.resolve() != current]
    for path in others[max(keep - 1, 0) :]:
        # Under another name first, so that nobody sees half of it under its own.
        gone = folder / f"{_GONE}{secrets.token_hex(8)}"
        path.rename(gone)
        shutil.rmtree(gone)


def _age(path: Path) -> tuple[str, int]:
    time, _, number = path.name.partition("Z")
    return time, int(number.removeprefix("-") or 0)


def _free(folder: Path, name: str) -> Path:
    path, number = folder / name, 1
    while os.path.lexists(path):
        number += 1
        path = folder / f"{name}-{number}"
    return path


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if not path.is_dir())


def _described(path: Path, folder: Path) -> dict[str, Any]:
    """Name, size and checksum of a file, which is on the disk from here on."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        size = file.tell()
    return {"name": str(path.relative_to(folder)), "bytes": size, "sha256": digest}


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
