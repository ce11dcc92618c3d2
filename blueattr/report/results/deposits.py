"""A deposit laid out as a report: where it is, what is in it, and who has read its metadata."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.numbers import count, plural
from blueattr.report.parts.first_screen import MORE
from blueattr.report.provenance import origin_facts, origin_warnings, panel_tables
from blueattr.report.tables import Report, Table

if TYPE_CHECKING:
    from blueattr.report.deposit.folder import Deposited
    from blueattr.report.deposit.metadata import DepositFile

__all__ = ["DEPOSIT", "FILE", "FILES", "deposit_report"]


DEPOSIT: Fields[Any] = Fields(
    Field("folder", "Where the deposit is.", get=lambda done: str(done.folder)),
    Field("title", "Its name.", get=lambda done: done.study.title),
    Field("licence", "What others may do with it.", get=lambda done: done.study.licence),
    Field(
        "has_pseudonyms",
        "Whether accounts and records have pseudonyms.",
        "bool",
        get=lambda done: done.study.has_pseudonyms,
    ),
    Field(
        "coarse",
        "To what times of records are cut: `hour`, `day`; none where they are exact.",
        get=lambda done: done.study.coarse,
    ),
    Field("records", "Records in it.", "int", "records",
          get=lambda done: done.study.records.height),
    Field("agents", "Agents in it.", "int", "agents", get=lambda done: done.study.agents.height),
    Field(
        "hidden",
        "Handles that were taken out of what the definition of the topic says.",
        "int",
        get=lambda done: done.study.hidden,
    ),
    Field(
        "read_by",
        "Programs that have read its metadata: `rocrate`, `mlcroissant`, as far as they are "
        "installed.",
        get=lambda done: list(done.read_by),
    ),
)  # fmt: skip


FILES: Fields[Any] = Fields(Field("files", "One object for each file."))
FILE: "Fields[DepositFile]" = Fields(
    Field("name", "The file.", heading="file"),
    Field("about", "What it holds.", heading="what it holds"),
    Field("size", "Its size.", "int", "B", heading="bytes"),
    Field("sha256", "Of its bytes."),
    inside="files",
)


def deposit_report(done: "Deposited") -> Report:
    """Lay out a deposit that was written."""
    origin = done.study.results[0].provenance
    shown = [FILE[name] for name in ("name", "about", "size")]
    return Report(
        kind="deposit",
        summary=tuple(_sentences(done)),
        tables=(
            Table(
                name="files",
                title="",
                columns=tuple(field.column() for field in shown),
                rows=tuple((one.name, one.about, one.size) for one in done.files),
            ),
        ),
        details=panel_tables(origin),
        more=MORE,
        facts=origin_facts(origin),
        warnings=origin_warnings(origin, marked=True),
        content={**DEPOSIT.json(done), "files": [FILE.json(one) for one in done.files]},
    )


def _sentences(done: "Deposited") -> "list[str]":
    study = done.study
    records, agents = study.records.height, study.agents.height
    size = f"{plural(records, 'record')} and {plural(agents, 'agent')}"
    said = [f"{done.folder} holds {size}, without texts and handles ({study.licence})."]
    if study.has_pseudonyms:
        said.append(
            f"Accounts and records have pseudonyms, and times are cut to the {study.coarse}. "
            "Nobody can ask for the records again."
        )
    else:
        said.append(
            "Records are named by their addresses, which hold DIDs: who sees the deposit can find "
            "who wrote them. --pseudonyms hides that."
        )
    if study.hidden:
        said.append(
            f"{count(study.hidden)} of the words in the topic's definition were handles, and are "
            "left out: nobody can match it as it was."
        )
    if done.read_by:
        said.append(f"Its metadata were read back by {' and '.join(done.read_by)}.")
    else:
        said.append(
            "Its metadata were not read back by other programs, which are not installed: "
            "pip install rocrate mlcroissant."
        )
    return said
