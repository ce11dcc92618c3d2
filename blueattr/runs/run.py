"""A scheduled run: ingest what is new, report on every topic, publish, and keep a record of it."""

import glob
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from blueattr.analysis.studies import EVERY_TOPIC
from blueattr.analysis.topic_reports import report_topics, versions
from blueattr.atomic import write
from blueattr.errors import BlueattrError, ExitCode, InputError, NoAnswerError, SourceError
from blueattr.indicators.find import find_indicator
from blueattr.ingest.follow import follow
from blueattr.ingest.meter import Moment
from blueattr.ingest.read import ingest_sources
from blueattr.panel import bots, topics
from blueattr.provenance import IndicatorInfo, Window
from blueattr.report import comparison_report, render
from blueattr.report.numbers import iso, plural
from blueattr.report.pages.gallery import write_report
from blueattr.report.pages.page import slug
from blueattr.runs import publish
from blueattr.runs.plan import Archive, Files, Following, Plan
from blueattr.runs.record import RunRecord
from blueattr.sources import files
from blueattr.store import coverage
from blueattr.store.database import Store

if TYPE_CHECKING:
    from threading import Event

    from blueattr.panel.query import PanelQuery
    from blueattr.sources.source import Source
    from blueattr.studies.topic import TopicReport

__all__ = ["Level", "Log", "Ran", "run"]


Level: TypeAlias = Literal["info", "warning", "error"]


class Log(Protocol):
    """Takes what a run says, a line each; nothing in it is escaped yet."""

    def __call__(
        self, level: Level, run: str, stage: str, message: str, seconds: float | None = None, /
    ) -> None:
        """Say something of a stage; its length where it is done."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run.

    Parameters
    ----------
    exit_code
        The most serious of what happened.
    report
        The new report's folder; None where none was written.
    """

    exit_code: ExitCode
    report: Path | None


_OUTCOMES = {
    ExitCode.OK: "fine",
    ExitCode.GAPS: "fine, with gaps",
    ExitCode.NOTHING_NEW: "nothing new",
    ExitCode.SOURCE: "a source was unreachable",
    ExitCode.INPUT: "some input was bad",
}
_GAPS_NOTED = 20
SCHEMA_VERSION = 1


def run(plan: Plan, log: Log, stop: "Event") -> Ran:
    """Do a scheduled run.

    What a source gives is kept whatever becomes of the others, and reported on. Where nothing is
    new, which is to say that a report would be the same as the latest, none is written.

    Parameters
    ----------
    plan
        What to do.
    log
        Told of each stage when it is done, and of what went wrong.
    stop
        Set from outside to end at the next opportunity.

    Returns
    -------
    Ran
        With exit code OK; GAPS: the window has gaps; NOTHING_NEW; SOURCE or INPUT: not every
        source could be read to its end, whatever else.

    Raises
    ------
    RunGoingError
        Another run into the same folder is going.
    BlueattrError
        Something else than a source keeps the run from its end.
    KeyboardInterrupt
        It was told to stop.
    """
    began = datetime.now(UTC)
    name = publish.report_name(began)
    with _recorded(plan.reports, log) as record:
        record.note(
            "start", name, started=began.isoformat(timespec="seconds"), pid=os.getpid(),
            config=str(plan.config) if plan.config else None, db=str(plan.query.db),
            versions=dict(versions()),
        )  # fmt: skip
        log("info", name, "start", f"process {os.getpid()}, into {plan.reports}")
        clock = time.monotonic()
        going = _Run(plan, name, record, log, stop)
        end: dict[str, Any] = {"outcome": "failed", "exit_code": int(ExitCode.FAILURE)}
        try:
            ran = going.run()
            end = {"outcome": _OUTCOMES[ran.exit_code], "exit_code": int(ran.exit_code)}
        except KeyboardInterrupt:
            end = {"outcome": "interrupted", "exit_code": int(ExitCode.INTERRUPTED)}
            raise
        except BlueattrError as error:
            end |= {"exit_code": int(error.exit_code), "message": str(error)}
            raise
        except BaseException as error:
            end["message"] = f"{type(error).__name__}: {error}"
            raise
        finally:
            seconds = round(time.monotonic() - clock, 3)
            level: Level = "info" if end["exit_code"] in _WELL else "error"
            report = f"; {going.report}" if going.report else ""
            message = f": {end['message']}" if "message" in end else ""
            log(level, name, "end", f"{end['outcome']}{message}{report}", seconds)
            published = going.report.name if going.report else None
            record.note("end", name, **end, seconds=seconds, report=published, **going.found())
    return ran


def _recorded(folder: Path, log: Log) -> RunRecord:
    try:
        return RunRecord(folder)
    except BlueattrError as error:
        going = error.exit_code == ExitCode.RUN_GOING
        log("warning" if going else "error", "", "start", str(error))
        raise


_WELL = (ExitCode.OK, ExitCode.GAPS, ExitCode.NOTHING_NEW)


@dataclass
class _Run:
    plan: Plan
    name: str
    record: RunRecord
    log: Log
    stop: "Event"
    window: Window | None = None
    gaps: list[str] = field(default_factory=list)
    report: Path | None = None
    trouble: list[ExitCode] = field(default_factory=list)

    def run(self) -> Ran:
        publish.clear(self.plan.reports)
        for source in self.plan.sources:
            with self._stage(f"ingest {source}") as say:
                try:
                    say(self._ingest(source))
                except (InputError, SourceError) as error:
                    self._complain(error.exit_code, str(error))
                    say("nothing could be read")
        with self._stage("look") as say:
            basis = self._basis()
            made = publish.latest(self.plan.reports)
            new = basis is not None and (made is None or made.get("basis") != basis["digest"])
            say(
                "there are no events yet" if basis is None
                else f"{basis['state']['events']:,} events, {'some' if new else 'none'} of them new"
            )  # fmt: skip
        if not new or basis is None:
            return Ran(self._code(ExitCode.NOTHING_NEW), None)
        with self._stage("attribute") as say:
            reports = self._attribute()
            agents = plural(reports[0].comparison.n_agents, "agent")
            gaps = plural(len(self.gaps), "gap")
            say(f"{plural(len(reports), 'topic')}, {agents}, {gaps}")
        with self._stage("publish") as say:
            self.report = publish.publish(
                self.plan.reports,
                self.name,
                lambda folder: self._write(reports, folder),
                self._about(reports, basis),
                self.plan.keep,
            )
            say(str(self.report))
        return Ran(self._code(ExitCode.GAPS if self.gaps else ExitCode.OK), self.report)

    def found(self) -> dict[str, Any]:
        """Say over what time a report is, and what of it was not seen."""
        window = self.window
        bounds = None if window is None else [iso(window.start), iso(window.end)]
        return {
            "window": bounds,
            "gaps": len(self.gaps),
            "first_gaps": self.gaps[:_GAPS_NOTED],
        }

    def _code(self, otherwise: ExitCode) -> ExitCode:
        # A source that is down says more than bad input; either may have kept something out.
        return max(self.trouble, default=otherwise)

    def _complain(self, code: ExitCode, message: str) -> None:
        self.trouble.append(code)
        self.log("error", self.name, "ingest", message)

    @contextmanager
    def _stage(self, name: str) -> Iterator[Callable[[str], None]]:
        """Time a stage, and tell log and record of it when it is done."""
        if self.stop.is_set():
            raise KeyboardInterrupt
        said: list[str] = []
        clock = time.monotonic()
        yield said.append
        seconds = round(time.monotonic() - clock, 3)
        message = "; ".join(said)
        self.record.note("stage", self.name, stage=name, seconds=seconds, message=message)
        self.log("info", self.name, name, message, seconds)

    # --- ingest ---------------------------------------------------------------------------------

    def _ingest(self, source: Files | Following | Archive) -> str:
        if isinstance(source, Following):
            return self._follow(source)
        if isinstance(source, Files):
            return self._read(self._find(source), ExitCode.INPUT)
        archive = source.make()
        read = self._read([archive], ExitCode.SOURCE)
        return "; ".join([read, *archive.remarks])

    def _find(self, source: Files) -> "list[Source]":
        found: dict[str, Source] = {}
        for argument in source.arguments:
            if _is_awaited(argument):
                continue
            try:
                found |= {one.name: one for one in files.find([argument], source.kind)}
            except InputError as error:
                self._complain(error.exit_code, str(error))
        return list(found.values())

    def _read(self, sources: "Sequence[Source]", code: ExitCode) -> str:
        if not sources:
            return "no files"
        query = self.plan.query
        done = ingest_sources(query.db, sources, rules=topics.shipped_rules(), memory=query.memory)
        for failure in done.failures:
            self._complain(code, failure)
        more = done.events_after - done.events_before
        return f"{len(sources) - len(done.unchanged)} of {len(sources)} read, {more:+,} events"

    def _follow(self, source: Following) -> str:
        def watch(moment: Moment) -> None:
            if moment.message:
                self.log("warning", self.name, f"ingest {source}", moment.message)

        done = follow(
            self.plan.query.db,
            source.streams,
            until="live",
            limit=source.limit,
            start=source.start,
            fill=source.fill,
            rules=topics.shipped_rules(),
            memory=self.plan.query.memory,
            stop=self.stop,
            watch=watch,
            timing=source.timing,
        )
        for failure in done.ingested.failures:
            self._complain(ExitCode.INPUT, failure)
        if done.outcome == "unreachable":
            self._complain(ExitCode.SOURCE, done.trouble)
        for gap in done.gaps:
            self.log("warning", self.name, f"ingest {source}", f"a gap: {gap}")
        more = done.ingested.events_after - done.ingested.events_before
        return f"{done.outcome}, {more:+,} events"

    # --- what there is ----------------------------------------------------------------------------

    def _basis(self) -> dict[str, Any] | None:
        """Say what a report would be made from; None where that is nothing."""
        plan, query = self.plan, self.plan.query
        if not query.db.exists() and plan.sources:
            return None
        with Store.open(query.db, query.memory) as store:
            state = store.frame("runs/state").to_dicts()[0]
        if not state["events"]:
            return None
        state["last_event"] = state["last_event"].isoformat()
        known = topics.load(query.topics_file)
        asked = known if plan.topics == (EVERY_TOPIC,) else plan.topics
        question = plan.question
        indicators = [find_indicator(indicator) for indicator in question.indicators]
        # The repr of each is the same in every process.
        choices = [
            _without_places(query),
            [replace(known[name], origin="") if name in known else name for name in asked],
            [(one.name, _without_file(one.info)) for one in indicators],
            question.method, question.steps, question.aggregator, question.cutoffs, plan.sampling,
            plan.top, sorted(plan.forms), versions(),
            () if query.keep_bots else bots.bot_rules(query.bots_file),
        ]  # fmt: skip
        text = json.dumps([state, *map(repr, choices)])
        return {"state": state, "digest": hashlib.sha256(text.encode()).hexdigest()}

    # --- the report -------------------------------------------------------------------------------

    def _attribute(self) -> "tuple[TopicReport, ...]":
        plan = self.plan
        with Store.open(plan.query.db, plan.query.memory) as store:
            self.window = plan.query.window(store)
            began = coverage.covered(store)[0].start
        # The store may grow meanwhile; the reports are of one window.
        query = replace(plan.query, start=self.window.start, end=self.window.end)
        try:
            reports = report_topics(query, plan.topics, plan.question, plan.sampling, top=plan.top)
        except NoAnswerError:
            reports = self._one_by_one(query)
        for report in reports:
            if not report.comparison.means[0]:
                topic = report.provenance.topic
                self.log("warning", self.name, "attribute",
                         f"nobody took part in {topic.name if topic else 'anything'}")  # fmt: skip
        # What was before the store's first event nobody meant to follow.
        self.gaps = [
            f"{iso(gap.start)} to {iso(gap.end)}: {gap.reason}"
            for gap in reports[0].provenance.gaps
            if gap.end > began
        ]
        return reports

    def _one_by_one(self, query: "PanelQuery") -> "tuple[TopicReport, ...]":
        """Report on the topics that have an answer, if there is any."""
        plan = self.plan
        names = plan.topics
        if names == (EVERY_TOPIC,):
            names = tuple(topics.load(query.topics_file))
        reports: list[TopicReport] = []
        refused: list[tuple[str, NoAnswerError]] = []
        for name in names:
            try:
                reports += report_topics(query, (name,), plan.question, plan.sampling, top=plan.top)
            except NoAnswerError as error:
                refused.append((name, error))
        if not reports:
            raise refused[0][1]
        for name, why in refused:
            self.log("warning", self.name, "attribute", f"no answer on {name}: {why}")
        return tuple(reports)

    def _write(self, reports: "Sequence[TopicReport]", folder: Path) -> None:
        for form in self.plan.forms:
            write_report(reports, folder / "index.html" if form == "html" else folder, form)
        for report in reports:
            topic = report.provenance.topic
            stem = slug(topic.name) if topic else "all"
            write(folder / f"{stem}-comparison.json",
                  render(comparison_report(report.comparison), "json"))  # fmt: skip

    def _about(self, reports: "Sequence[TopicReport]", basis: dict[str, Any]) -> dict[str, Any]:
        topic_names = [r.provenance.topic.name if r.provenance.topic else "all" for r in reports]
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "report",
            "run": self.name,
            "topics": topic_names,
            **self.found(),
            "commands": [report.command for report in reports],
            "versions": dict(versions()),
            "basis": basis["digest"],
            "state": basis["state"],
        }


def _without_places(query: "PanelQuery") -> "PanelQuery":
    """Blank what cannot change a number: memory, and paths of files whose content counts.

    The topic of a plan's query is not used. All the rest stays, so that a setting that is new here
    makes another report.
    """
    return replace(
        query, db=Path(), memory=0, topic=None, match=(), topics_file=None, bots_file=None
    )


def _without_file(info: IndicatorInfo | None) -> IndicatorInfo | None:
    """Blank the path of an indicator's file, which its hash tells from others."""
    if info is None or info.sha256 is None:
        return info
    return replace(info, origin="", file=None)


def _is_awaited(argument: str) -> bool:
    """Tell whether files may still come: in a folder that is there, or to a pattern's folder."""
    path = Path(argument)
    if path.is_dir():
        return not any(p.is_file() for p in path.rglob("*"))
    if path.exists() or not glob.has_magic(argument):
        return False
    if any(glob.iglob(argument, recursive=True)):  # noqa: PTH207 - the pattern may be absolute
        return False
    parent = path.parent
    while glob.has_magic(str(parent)):
        parent = parent.parent
    return parent.is_dir()
