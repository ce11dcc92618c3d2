"""Write a study as a folder: whole, or not at all."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from blueattr.analysis.deposit.study import Study
from blueattr.atomic import refuse_present, write_folder
from blueattr.provenance import TopicInfo, spell_window
from blueattr.report.deposit.fields import AGENTS, RECORDS, codebook, columns_of
from blueattr.report.deposit.metadata import (
    CRATE,
    CROISSANT,
    DepositFile,
    DepositName,
    crate,
    croissant,
)
from blueattr.report.deposit.readback import read_back
from blueattr.report.formats.tabular import write_frame
from blueattr.report.results.attributions import attribution_report
from blueattr.report.tables import Json

if TYPE_CHECKING:
    from blueattr.report.fields import Field

__all__ = ["LAYOUT", "Deposited", "check_folder", "study_content", "write_study"]


LAYOUT = 1
"""Version of the folder's layout."""


_SUMS = "manifest-sha256.txt"
_FORMS = {".csv": "text/csv", ".json": "application/json", ".md": "text/markdown",
          ".toml": "application/toml", ".txt": "text/plain"}  # fmt: skip
_ABOUT = {
    "README.md": "What this deposit is, and how to use it.",
    "records.csv": "The records that count, without their texts.",
    "agents.csv": "The agents of the panel, with features and values.",
    "topic.toml": "The definition of the topic.",
    "study.json": "What was asked, of which window, and what came of it.",
    "CODEBOOK.md": "What each column is.",
    CROISSANT: "The tables, described as Croissant.",
    _SUMS: "Checksums of the files above.",
    CRATE: "The folder, described as an RO-Crate.",
}
# Of an indicator of the user's own: where its file was on this machine.
_OWN_PATHS = {"file", "origin"}


@dataclass(frozen=True)
class Deposited:
    """A deposit that was written.

    Parameters
    ----------
    folder
        Where.
    study
        What.
    files
        All of its files.
    read_by
        Programs that have read its metadata.
    """

    folder: Path
    study: Study
    files: tuple[DepositFile, ...]
    read_by: tuple[str, ...]


def check_folder(folder: Path) -> None:
    """Refuse a folder before anything is asked.

    Raises
    ------
    OutputError
        It is there already.
    """
    refuse_present(folder)


def write_study(study: Study, folder: Path, now: datetime | None = None) -> Deposited:
    """Write a study as a folder.

    Parameters
    ----------
    study
        Of `blueattr.analysis.deposit.study.make_study`.
    folder
        Where; it must not be there.
    now
        When it is made.

    Raises
    ------
    OutputError
        The folder is there, or cannot be written; then nothing of it stays.
    """
    day = (now or datetime.now(UTC)).date()
    files: list[DepositFile] = []
    readers: list[str] = []

    def fill(part: Path) -> None:
        def put(name: str, write: Callable[[BytesIO], object]) -> None:
            buffer = BytesIO()
            write(buffer)
            data = buffer.getvalue()
            (part / name).write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            files.append(
                DepositFile(name, _ABOUT[name], _FORMS[Path(name).suffix], len(data), digest)
            )

        def text(name: str, content: str) -> None:
            put(name, lambda buffer: buffer.write(content.encode("utf-8", "backslashreplace")))

        tables: dict[str, list[tuple[str, Field[Any]]]] = {
            "records.csv": [*columns_of(study.records.columns, RECORDS)],
            "agents.csv": [*columns_of(study.agents.columns, AGENTS)],
        }
        about = _about(study)
        put("records.csv", lambda buffer: write_frame(_spelled(study.records), "csv", buffer))
        put("agents.csv", lambda buffer: write_frame(study.agents, "csv", buffer))
        if study.topic is not None:
            text("topic.toml", _toml(study.topic))
        text("study.json", _json(study_content(study, day.isoformat())))
        text("CODEBOOK.md", codebook(tables))
        text("README.md", _readme(study, about))
        described = sorted(files, key=lambda one: one.name)
        named = DepositName(study.title, about, study.licence, day)
        text(CROISSANT, _json(croissant(named, described, tables)))
        sums = "".join(f"{one.sha256}  {one.name}\n" for one in sorted(files, key=_name))
        text(_SUMS, sums)
        text(CRATE, _json(crate(named, sorted(files, key=_name))))
        names = {one.name for one in described}
        readers.extend(read_back(part, names))

    write_folder(folder, fill)
    return Deposited(folder, study, tuple(sorted(files, key=_name)), tuple(readers))


def _name(one: DepositFile) -> str:
    return one.name


def _spelled(records: pl.DataFrame) -> pl.DataFrame:
    """Write times as ISO 8601."""
    return records.with_columns(pl.col("time").dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ"))


def _json(value: Json) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def study_content(study: Study, day: str) -> dict[str, Json]:
    """Return what ``study.json`` holds.

    Parameters
    ----------
    study
        Of `blueattr.analysis.deposit.study.make_study`.
    day
        On which it is made.
    """
    results = [_without_paths(attribution_report(one).content) for one in study.results]
    content: dict[str, Json] = study.cleaner.clean(
        {
            "blueattr_deposit": LAYOUT,
            "title": study.title,
            "licence": study.licence,
            "deposited": day,
            "has_pseudonyms": study.has_pseudonyms,
            "coarse": study.coarse,
            "salt": study.salt,
            "hidden": study.hidden,
            "tables": {"records": study.records.height, "agents": study.agents.height},
            "results": results,
        }
    )
    return content


def _without_paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: Path(part).name if name in _OWN_PATHS and isinstance(part, str)
            else _without_paths(part)
            for name, part in value.items()
        }  # fmt: skip
    return [*map(_without_paths, value)] if isinstance(value, list | tuple) else value


def _about(study: Study) -> str:
    origin = study.results[0].provenance
    when = "" if origin.window is None else f", {spell_window(origin.window)}"
    who = "Accounts and records have pseudonyms. " if study.has_pseudonyms else ""
    return (
        f"Attribution of {', '.join(one.indicator for one in study.results)} to "
        f"{study.agents.height:,} accounts of Bluesky{when}: records, agents with their values, "
        f"and settings, without texts and handles. {who}Made by blueattr {origin.version}."
    )


def _readme(study: Study, about: str) -> str:
    indicator = study.results[0].indicator
    again = (
        "Accounts and records have pseudonyms, so that the records cannot be asked for again."
        if study.has_pseudonyms
        else "Which of the records are still there: `blueattr rehydrate FOLDER --db again.duckdb`."
    )
    files = "\n".join(f"- `{name}`: {what}" for name, what in _ABOUT.items() if name != "README.md")
    alone = f"`blueattr attribute --features agents.csv --indicator {indicator}`"
    return f"""# {_plain(study.title)}

{about}

{files}

`CODEBOOK.md` defines the columns, and `sha256sum -c {_SUMS}` checks the files.

The values follow from the agents alone: {alone}.
{again}

Licence: {study.licence}. People whose records are in here may delete them; respect that.
"""


def _plain(text: str) -> str:
    return " ".join(text.split())


def _toml(topic: TopicInfo) -> str:
    """Write a definition as a file for `--topics`."""
    name = topic.name if topic.name.replace("-", "").isalnum() and topic.name.isascii() else "topic"
    lines = [f"[topics.{name}]"]
    lines += [
        f"{key} = {json.dumps(value)}"
        for key in ("title", "category")
        if (value := getattr(topic, key))
    ]
    lines += [
        f"{key} = [{', '.join(json.dumps(word) for word in words)}]"
        for key in ("keywords", "hashtags", "patterns")
        if (words := getattr(topic, key))
    ]
    return "\n".join(lines) + "\n"
