"""docs/numbers.md defines every field of every report, and none that there is not."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blueattr.analysis.deposit.names import Cleaner
from blueattr.analysis.deposit.study import Study
from blueattr.analysis.judging import ask_judge, plan_judging, trace_of_record
from blueattr.ingest.collect_plan import DryRun, QueryEstimate
from blueattr.ingest.collection import Collection, Means, QueryHits, Wanted
from blueattr.ingest.hydrate import Hydrated
from blueattr.ingest.rehydrate import Rehydrated
from blueattr.ingest.result import Followed
from blueattr.ingest.tables import Imported, ImportPlan
from blueattr.judges.judge import JudgeSettings
from blueattr.judges.rehearsal import Rehearsal
from blueattr.panel.features import SCHEMA
from blueattr.provenance import CountedPosts, FoundShare, TimeShare, Window
from blueattr.report import Report
from blueattr.report.deposit.folder import Deposited, study_content
from blueattr.report.deposit.metadata import DepositFile
from blueattr.report.fields import Field, Fields, definitions
from blueattr.report.figures.bridge import change_exhibit
from blueattr.report.figures.days import hours_exhibit
from blueattr.report.figures.groups import groups_exhibit
from blueattr.report.figures.scenarios import drivers_exhibit, games_exhibit, steps_exhibit
from blueattr.report.figures.studies import bootstrap_exhibit, sensitivity_exhibit
from blueattr.report.figures.why import parts_exhibit, ranks_exhibit
from blueattr.report.inventory.collections import collect_plan_report, collect_report
from blueattr.report.inventory.forgotten import compact_report, forget_report
from blueattr.report.inventory.hydrations import hydrate_report
from blueattr.report.inventory.imports import dry_run_report, formats_report, import_report
from blueattr.report.inventory.ingests import (
    cost_report,
    fetch_report,
    follow_report,
    ingest_report,
)
from blueattr.report.inventory.rehydrations import rehydrate_report
from blueattr.report.inventory.rollups import rollup_report
from blueattr.report.inventory.status import status_report
from blueattr.report.pages.gallery import _data
from blueattr.report.results.attributions import attribution_report
from blueattr.report.results.convergences import convergence_report
from blueattr.report.results.deposits import deposit_report
from blueattr.report.results.judgements import judgement_report, judging_plan_report
from blueattr.report.results.scenario_comparisons import scenario_comparison_report
from blueattr.report.results.scenarios import (
    scenario_attribution_report,
    scenario_import_report,
    scenario_list_report,
    scenario_replay_report,
    scenario_run_report,
)
from blueattr.report.results.validations import validation_report
from blueattr.runs.history.listing import runs_report, settings_report
from blueattr.runs.history.record import Run, Stage
from blueattr.runs.settings import FilePath, Key, Section, settle
from blueattr.scenarios.games.attribution import ScenarioQuestion, attribute_scenario
from blueattr.scenarios.games.comparison import Compared, compare_scenarios
from blueattr.scenarios.own import find_scenario
from blueattr.scenarios.record import ImportedFile
from blueattr.scenarios.shipped import run_scenario, scenario_of
from blueattr.sources.archive import cost
from blueattr.sources.collect.posts import POST, RecordName
from blueattr.sources.deposits import DepositedRecord, DepositedStudy
from blueattr.sources.tables.formats import formats
from blueattr.store.collected import Found
from blueattr.store.compact import Compacted
from blueattr.store.forget import Erased
from blueattr.store.matching import Rule
from blueattr.store.rollups import RolledUp
from blueattr.studies.carriers.accounts import accounts_frame
from blueattr.studies.carriers.leaders import COUNTS
from blueattr.studies.convergence import convergence
from blueattr.studies.validation.validate import validate
from support.golden_cases import REPORTS
from support.inventory_cases import DB, INGESTED, STATUS
from support.places import ROOT
from support.report_cases import ATTRIBUTION, GROUPED_TWICE
from support.study_cases import BOOTSTRAP, CHANGE, SENSITIVITY, WHY
from support.topic_cases import by_hour, topics

PAGE = ROOT / "docs" / "numbers.md"
WRITE = os.environ.get("BLUEATTR_WRITE_GOLDEN") == "1"
PANEL = {"agent": list(range(40)), "a": [k % 5 for k in range(40)],
         "b": [40 / (k + 1) for k in range(40)], "c": [k % 3 for k in range(40)]}  # fmt: skip
# Sections whose entries hold for every kind of report.
SHARED = ("In several reports", "Where a result comes from")
# Names that are made of data: tiers, indicators, protocols and sizes as columns of tables, reasons.
OF_DATA = {"top", "middle", "tail", "lin", "heat", "var", "gini", "visibility", "random",
           "100", "top 1 %", "next 9 %", "other 90 %", "bad DID", "not JSON", "odd answer",
           "blueattr", "A_SECRET"}  # fmt: skip


def simulated() -> Iterator[Report]:
    """What is said of simulations."""
    yield scenario_list_report()
    record = run_scenario("economy", agents=2, steps=2)
    yield scenario_run_report(record, Path("record.json"))
    logs = replace(record, deviation={"wealth": 1e9}, remarks=("why",), origin="econagent",
                   imported=(ImportedFile("world.csv", "0" * 64),))  # fmt: skip
    yield scenario_import_report(logs, Path("record.json"))
    answer = attribute_scenario(scenario_of(record))
    yield scenario_attribution_report(answer)
    cells = ScenarioQuestion(players="cells", form="smooth")
    market = scenario_of(run_scenario("market", agents=5, steps=4, seed=3, stocks=2))
    yield scenario_attribution_report(attribute_scenario(market, cells))
    yield scenario_attribution_report(
        attribute_scenario(market, ScenarioQuestion(method="shapley"))
    )
    for exhibit in (drivers_exhibit(answer), steps_exhibit(answer), games_exhibit(answer)):
        assert exhibit is not None
        yield exhibit.report
    yield scenario_replay_report(find_scenario(scenario_of(record)))
    yield scenario_comparison_report(compare_scenarios([Compared("x", scenario_of(record))]))
    about = trace_of_record(record, indicator=None, step="peak", window=1, baseline=None)
    nobody = Rehearsal("http://127.0.0.1/v1/chat/completions", "127.0.0.1", "m")
    yield judging_plan_report(plan_judging(about, JudgeSettings(), nobody))
    yield judgement_report(ask_judge(about, JudgeSettings(), nobody, None))


_COUNTED = datetime(2026, 5, 1, tzinfo=UTC)


def collected() -> Iterator[Report]:
    """What is said of a collection that was stopped, and of one that is only planned."""
    window = Window(datetime(2026, 4, 9, tzinfo=UTC), datetime(2026, 4, 10, tzinfo=UTC))
    done = Collection(DB, "collect:mythos", "mythos", window, 20, requests=20, untimed=1)
    done.queries = (QueryHits('"mythos"', 3, 2, 1, 1),)
    done.faults["odd answer"] += 1
    done.is_limited, done.failure = True, "why"
    done.completeness = {window.start.date(): {"replies": Found(1, 2, 3)}}
    yield collect_report(done)
    what = Wanted("mythos", Rule("", "", (), None), (), window)
    estimates = (QueryEstimate('"mythos"', 3, 30, 2, 5, 40),)
    yield collect_plan_report(
        DryRun(DB, what, Means("https://view.example", most=20), estimates, 1)
    )


_RECORDS = ("record", "agent", "kind", "time", "time_from", "subject", "quoted", "text_sha256")
_PANEL = pl.DataFrame({"did": ATTRIBUTION.agents["did"], **dict.fromkeys(COUNTS, 1)})
DEPOSITED = Deposited(
    Path("deposit"),
    Study("x", "CC0-1.0", (ATTRIBUTION,), pl.DataFrame({name: [] for name in _RECORDS}),
          accounts_frame([ATTRIBUTION], _PANEL).rename({"did": "agent"}), None, "salt", "hour",
          has_pseudonyms=True, cleaner=Cleaner(frozenset(), dids=True), hidden=1),
    (DepositFile("x.csv", "what", "text/csv", 1, "0"),),
    ("rocrate",),
)  # fmt: skip
AGENTS_COLUMNS = DEPOSITED.study.agents.columns


Path_ = tuple[str, ...]


# --- what reports say -----------------------------------------------------------------------------


def reports() -> Iterator[Report]:
    """A report of every kind; most are those of the goldens."""
    # A made-up one that shows every kind of column.
    yield from (found for name, found in REPORTS.items() if name != "status")
    yield validation_report(
        validate(PANEL, ["heat"], sizes=[8], permutations=[10], coalitions=[10])
    )
    yield convergence_report(convergence(PANEL, ["heat", "lin"]))
    yield from (found for _, found in _data(topics(), ["x", "y", "z"]))
    hours = hours_exhibit(by_hour(topics()[0]))
    made = (hours, change_exhibit(CHANGE), groups_exhibit(GROUPED_TWICE), parts_exhibit(WHY),
            ranks_exhibit(WHY))  # fmt: skip
    for exhibit in (bootstrap_exhibit(BOOTSTRAP), sensitivity_exhibit(SENSITIVITY), *made):
        assert exhibit is not None
        yield exhibit.report
    done = INGESTED[1]
    yield follow_report(Followed(done, "live", 2, 1, ("why",), timedelta(seconds=3)), DB)
    yield fetch_report(done, DB, 1_000, ["what is missing"])
    yield cost_report([cost.ReadingStage(cost.WITNESSED, 2, 3_000)], DB, 1_000)
    chosen = replace(
        ATTRIBUTION.provenance, drawn=("keywords",), import_remarks=("what lacks",),
        completeness=tuple(FoundShare(kind, 1, 2) for kind in ("replies", "reposts", "quotes")),
        counted=CountedPosts(3, 2, ("replies",), _COUNTED, _COUNTED),
    )  # fmt: skip
    yield attribution_report(replace(ATTRIBUTION, provenance=chosen))
    yield formats_report()
    sheet = ImportPlan(formats()[0], (), {"actor": "author"}, {}, ("what is missing",))
    yield import_report(Imported(sheet, done), DB)
    row = {"verdict": "", "collection": 0, "did": "x", "event_time": None, "time_from": 3,
           "subject_did": None, "text": None}  # fmt: skip
    yield dry_run_report(sheet, [("rows", [row])])
    yield status_report(replace(STATUS, time_from=(TimeShare("key", 3, 0.5),)))
    yield status_report(replace(STATUS, buckets=3, sightings=9))
    yield ingest_report([done], DB, parted=True)
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    hydrated = Hydrated(DB, "https://appview.example", "everyone", first_at=moment, last_at=moment)
    hydrated.faults["odd answer"] += 1
    yield hydrate_report(hydrated)
    yield from collected()
    yield from simulated()
    yield deposit_report(DEPOSITED)
    left = DepositedRecord(RecordName("did:plc:x", POST, "k"), moment, "server", None, "0", "top")
    study = DepositedStudy(
        Path("x"), "0", "mythos", "", is_coarse=False, spans=(), records=(left,), unaddressed=1
    )
    yield rehydrate_report(Rehydrated(DB, study, 20))
    known = Erased(1, 2, 1, 1, 1, 1, 1, 1, 3, ())
    yield forget_report(DB, 1, known, removed=(Path("x.html"),))
    yield forget_report(DB, 1, known, naming=(Path("x.html"),), dry_run=True)
    yield compact_report(DB, Compacted(2_000_000, 1_000_000))
    yield rollup_report(DB, RolledUp((moment.date(),), 1, 2, 3))
    about = {"config": "blueattr.toml", "db": str(DB), "versions": {"blueattr": "0"}}
    end = {"gaps": 1, "report": "x", "message": "y"}
    stages = (Stage("ingest", 1.0, "all"),)
    run = Run("2026-05-01T000000Z", moment, 1, "fine", 0, 2.0, stages, about, end)
    yield runs_report([run], Path("reports"))
    keys = (Key("db", FilePath, "x"),)
    yield settings_report(settle([Section("", keys)], None, {}), {"A_SECRET": True})


def walk(value: object, path: Path_ = ()) -> Iterator[Path_]:
    """Yield the path of every field of a JSON object; lists have no name."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield (*path, str(name))
            # The same rows for people; columns of tables are told below.
            if name != "table":
                yield from walk(inner, (*path, str(name)))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from walk(inner, path)


def fields(of: Report) -> set[Path_]:
    """Return every field that a report has in any form."""
    tables = [table for table in (*of.tables, of.data) if table is not None]
    found: set[Path_] = {(table.name, column.name) for table in tables for column in table.columns}
    if of.content is None:
        found |= {(table.name,) for table in of.tables}
    found |= set(walk(of.content or {})) | {("schema_version",), ("kind",)}
    return {path for path in found if path[-1] not in OF_DATA}


def emitted() -> dict[str, set[Path_]]:
    """Return the fields of every kind of report, and of what is no report."""
    found: dict[str, set[Path_]] = {}
    for one in reports():
        found.setdefault(one.kind, set()).update(fields(one))
    found["Every agent: `--agents FILE`"] = {(name,) for name in ATTRIBUTION.agents.columns}
    tables: set[Path_] = {(name,) for name in (*DEPOSITED.study.records.columns, *AGENTS_COLUMNS)}
    found["Tables of a deposit: `records.csv`, `agents.csv`"] = tables
    found["A deposit's settings: `study.json`"] = {
        (name,) for name in study_content(DEPOSITED.study, "2026-11-30")
    }
    found["Panel and features: `blueattr panel`, `blueattr features`"] = {
        (name,) for name in SCHEMA.names()
    }
    return found


EMITTED = emitted()


# --- tables made from declared fields -------------------------------------------------------------

# Names which fields the table below it defines.
_MARKED = re.compile(r"<!-- fields: ([\w. ]+) -->\n\n(?:\|.*\n)*")


def groups_of(names: str) -> list[Fields[Any]]:
    """Return fields by their names, as in ``blueattr.report.results.days.DAY``."""
    parts = [name.rpartition(".") for name in names.split()]
    return [getattr(import_module(module), name) for module, _, name in parts]


def with_tables(page: str) -> str:
    """Return the page with every marked table made from the fields that it names.

    A table leaves out fields that are defined for all reports or above it in its chapter.
    """
    shared: list[Field[Any]] = []
    above: list[Field[Any]] = []
    made = []
    for section in re.split(r"^(?=##)", page, flags=re.MULTILINE):
        if not section.startswith("###"):
            above = []
        groups = [group for names in _MARKED.findall(section) for group in groups_of(names)]
        table = definitions(groups, [*shared, *above])
        made.append(
            _MARKED.sub(
                lambda found, table=table: f"<!-- fields: {found[1]} -->\n\n{table}", section
            )
        )
        fields = [field for group in groups for field in group]
        above += fields
        if section.removeprefix("## ").startswith(SHARED):
            shared += fields
    return "".join(made)


def test_a_changed_definition_is_on_the_page() -> None:
    """`make golden` writes the tables."""
    page = PAGE.read_text(encoding="utf-8")
    assert len(_MARKED.findall(page)) == 23
    if WRITE:
        PAGE.write_text(with_tables(page), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == with_tables(page)


# --- what the page says ---------------------------------------------------------------------------


@dataclass
class Part:
    """A section: what it is about, what it defines, and what its subsections are about."""

    about: set[str]
    defined: set[str]
    above: "Part | None" = None
    below: set[str] = field(default_factory=set)


_SECTION = re.compile(r"^(###?) (.+)\n((?:(?!#).*\n)*)", re.MULTILINE)
# The first cell: names, and in brackets what a terminal calls them.
_ROW = re.compile(r"^\| (`[^|]*?)(?: \([^|]*\))? \|", re.MULTILINE)


def sections() -> dict[str, Part]:
    """Return the sections by title."""
    found: dict[str, Part] = {}
    chapter: Part | None = None
    for level, title, body in _SECTION.findall(PAGE.read_text(encoding="utf-8")):
        line = re.search(r"^Kind ((?:`\w+`(?:,\s)?)+)\.", body, re.MULTILINE)
        kinds = re.findall(r"`(\w+)`", line[1]) if line else []
        rows = _ROW.findall(body.replace("\\|", ""))
        defined = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
        part = Part({title, *kinds}, defined, chapter if level == "###" else None)
        if part.above is not None:
            part.above.below |= part.about
        else:
            chapter = part
        found[title] = part
    return found


SECTIONS = sections()


def matches(entry: str, path: Path_) -> bool:
    parts = tuple(entry.split("."))
    return path[-len(parts) :] == parts


def test_the_page_and_the_reports_were_read() -> None:
    assert set(SHARED) <= SECTIONS.keys()
    assert len(EMITTED) > 25
    assert sum(map(len, EMITTED.values())) > 500
    assert sum(len(part.defined) for part in SECTIONS.values()) > 200


@pytest.mark.parametrize("kind", EMITTED)
def test_every_field_is_defined(kind: str) -> None:
    own = [part for part in SECTIONS.values() if kind in part.about]
    assert own, f"no section says it is about {kind}"
    parts = [SECTIONS[title] for title in SHARED] + own + [p.above for p in own if p.above]
    entries = {entry for part in parts for entry in part.defined}
    missing = [
        ".".join(path)
        for path in sorted(EMITTED[kind])
        if not any(matches(entry, path) for entry in entries)
    ]
    assert missing == []


@pytest.mark.parametrize("title", SECTIONS)
def test_nothing_is_defined_that_there_is_not(title: str) -> None:
    part = SECTIONS[title]
    kinds = EMITTED.keys() if title in SHARED else EMITTED.keys() & (part.about | part.below)
    assert kinds or not part.defined
    paths = set().union(*(EMITTED[kind] for kind in kinds))
    stale = [one for one in sorted(part.defined) if not any(matches(one, p) for p in paths)]
    assert stale == []
