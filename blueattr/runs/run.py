"""Do a scheduled run: ingest what is new, report on every topic, publish, keep a record."""

import glob
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from blueattr.analysis.asked.naming import OPEN, Naming
from blueattr.analysis.topic_reports import report_topics, versions
from blueattr.analysis.topics import expand_names
from blueattr.errors import (
    BlueattrError,
    ExitCode,
    InputError,
    NoAnswerError,
    OutputError,
    SourceError,
)
from blueattr.ingest.archive import fetch
from blueattr.ingest.follow import follow
from blueattr.ingest.meter import Moment
from blueattr.ingest.read import ingest_sources
from blueattr.notify.metrics import write_metrics
from blueattr.panel import topics
from blueattr.provenance import Window
from blueattr.report.numbers import gap_words, iso, plural
from blueattr.runs import publish
from blueattr.runs.basis import basis_digest, store_state
from blueattr.runs.earlier import last_window
from blueattr.runs.history.found import found_shares
from blueattr.runs.history.index import mend_record, write_index
from blueattr.runs.history.record import RunRecord, read_runs
from blueattr.runs.plan import Archive, Files, Following, Plan
from blueattr.runs.telling.measures import measured
from blueattr.runs.telling.metrics import run_metrics
from blueattr.runs.telling.tell import tell
from blueattr.runs.written import write_files
from blueattr.sources import files
from blueattr.store import coverage
from blueattr.store.database import Store
from blueattr.store.engine.memory import Shares
from blueattr.store.store_file import store_file

if TYPE_CHECKING:
    from threading import Event

    from blueattr.ingest.result import Ingested
    from blueattr.panel.query import PanelQuery
    from blueattr.sources.source import Source
    from blueattr.studies.topic import TopicReport

__all__ = ["Level", "Log", "Ran", "run"]


Level: TypeAlias = Literal["info", "warning", "error"]


class Log(Protocol):
    """Takes the log lines of a run; their texts are not escaped."""

    def __call__(
        self, level: Level, run: str, stage: str, message: str, seconds: float | None = None, /
    ) -> None:
        """Log a message about a stage, with its duration in seconds once it has ended."""


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of a run.

    Parameters
    ----------
    exit_code
        The code of the most serious thing that happened.
    report
        The new report's folder; None if none was written.
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

    If a source fails, the others are still ingested and reported on. If nothing is new, that is, if
    a report would have the same numbers as the latest, no report is written.

    Parameters
    ----------
    plan
        What to do.
    log
        Takes a line for each stage that has ended, and for each problem.
    stop
        Set it from outside to end the run after the current stage.

    Returns
    -------
    Ran
        Its exit code is SOURCE or INPUT if a source could not be read to its end; otherwise
        NOTHING_NEW; otherwise GAPS if the window has gaps; otherwise OK.

    Raises
    ------
    RunGoingError
        Another run with the same folder of reports is going.
    BlueattrError
        Something other than a source failed.
    KeyboardInterrupt
        `stop` was set.
    """
    began = datetime.now(UTC)
    with _recorded(plan.reports, log) as record:
        earlier = {run.name for run in read_runs(plan.reports)}
        name = publish.free_name(publish.report_name(began), earlier.__contains__)
        record.note(
            "start", name, started=began.isoformat(timespec="seconds"), pid=os.getpid(),
            config=str(plan.config) if plan.config else None, db=str(plan.query.db),
            versions=dict(versions()),
        )  # fmt: skip
        log("info", name, "start", f"process {os.getpid()}, into {plan.reports}")
        ping = plan.telling.ping
        if ping is not None and (trouble := ping.started()):
            log("warning", name, "notify", trouble)
        clock = time.monotonic()
        job = _Run(plan, name, record, log, stop)
        end: dict[str, Any] = {"outcome": "failed", "exit_code": int(ExitCode.FAILURE)}
        try:
            ran = job.run()
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
            level: Level = "info" if end["exit_code"] in _SUCCESSES else "error"
            report = f"; {job.report}" if job.report else ""
            message = f": {end['message']}" if "message" in end else ""
            log(level, name, "end", f"{end['outcome']}{message}{report}", seconds)
            published = job.report.name if job.report else None
            end |= {"seconds": seconds, "report": published, **job.coverage()}
            try:
                write_index(plan.reports, {name: end})
            except OutputError as error:
                log("error", name, "index", str(error))
                if end["exit_code"] in _SUCCESSES:
                    code = error.exit_code
                    end |= {"outcome": "failed", "exit_code": int(code), "message": str(error)}
                    ran = Ran(code, job.report)
            record.note("end", name, **end)
            _tell(plan, record, name, end, log)
            if ping is not None and (trouble := ping.ended(int(end["exit_code"]))):
                log("warning", name, "notify", trouble)
    return ran


def _tell(plan: Plan, record: RunRecord, name: str, end: dict[str, Any], log: Log) -> None:
    """Tell who is to be told; whatever goes wrong is a line of the log."""

    def warn(sentence: str) -> None:
        log("warning", name, "notify", sentence)

    steps: list[Callable[[], object]] = [lambda: tell(plan, record, {**end, "run": name}, warn)]
    if plan.telling.metrics is not None:
        file = plan.telling.metrics
        steps.append(lambda: write_metrics(file, run_metrics(plan, end)))
    for step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - a run does not fail because of it
            warn(str(error) if isinstance(error, BlueattrError) else repr(error))


def _recorded(folder: Path, log: Log) -> RunRecord:
    try:
        return RunRecord(folder)
    except BlueattrError as error:
        other_run = error.exit_code == ExitCode.RUN_GOING
        log("warning" if other_run else "error", "", "start", str(error))
        raise


_SUCCESSES = (ExitCode.OK, ExitCode.GAPS, ExitCode.NOTHING_NEW)


@dataclass
class _Run:
    plan: Plan
    name: str
    record: RunRecord
    log: Log
    stop: "Event"
    window: Window | None = None
    against: Window | None = None
    gaps: list[str] = field(default_factory=list)
    report: Path | None = None
    trouble: list[ExitCode] = field(default_factory=list)
    naming: Naming = OPEN

    def run(self) -> Ran:
        plan = self.plan
        self.naming = Naming.of(top=plan.top, pseudonyms=plan.pseudonyms, beside=plan.reports)
        publish.clear(self.plan.reports)
        mend_record(self.plan.reports, self.record)
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
            shares = found_shares(reports, self.plan, basis["state"]["events"])
            self.report = publish.publish(
                self.plan.reports,
                self.name,
                lambda folder: write_files(reports, self.plan.forms, folder, self.plan.width),
                {
                    **self._about(reports, basis),
                    "shares": shares.noted(),
                    "measured": self._measured(reports),
                },
                self.plan.keep,
            )
            # If the run is killed before this, the next one takes them from the manifest.
            shares = replace(shares, report=self.report.name)
            self.record.note("shares", self.name, **shares.noted())
            say(str(self.report))
        return Ran(self._code(ExitCode.GAPS if self.gaps else ExitCode.OK), self.report)

    def _measured(self, reports: "Sequence[TopicReport]") -> dict[str, float | None]:
        """Measure what conditions are about; those that have no value are in the log."""
        if not self.plan.telling.conditions:
            return {}
        values = measured(self.plan.telling.conditions, reports, self.plan.query)
        for one in self.plan.telling.conditions:
            if values[one.key] is None:
                self.log("warning", self.name, "notify", f"there is no value of {one.subject}")
        return values

    def coverage(self) -> dict[str, Any]:
        """Return the window of the report and its gaps, for the record and the manifest."""
        window = self.window
        bounds = None if window is None else [iso(window.start), iso(window.end)]
        return {
            "window": bounds,
            "gaps": len(self.gaps),
            "first_gaps": self.gaps[:_GAPS_NOTED],
        }

    def _code(self, otherwise: ExitCode) -> ExitCode:
        # An unreachable source is more serious than bad input, and has the larger code.
        return max(self.trouble, default=otherwise)

    def _complain(self, code: ExitCode, message: str) -> None:
        self.trouble.append(code)
        self.log("error", self.name, "ingest", message)

    @contextmanager
    def _stage(self, name: str) -> Iterator[Callable[[str], None]]:
        """Time a stage; when it has ended, log it and note it in the record."""
        if self.stop.is_set():
            raise KeyboardInterrupt
        messages: list[str] = []
        clock = time.monotonic()
        yield messages.append
        seconds = round(time.monotonic() - clock, 3)
        message = "; ".join(messages)
        self.record.note("stage", self.name, stage=name, seconds=seconds, message=message)
        self.log("info", self.name, name, message, seconds)

    # --- ingest ---------------------------------------------------------------------------------

    def _ingest(self, source: Files | Following | Archive) -> str:
        if isinstance(source, Following):
            return self._follow(source)
        if isinstance(source, Files):
            return self._read(self._find(source), ExitCode.INPUT)
        query = self.plan.query
        rules = topics.shipped_rules()
        done = fetch(query.db, source.make(), rules=rules, memory=query.memory)
        return "; ".join([self._brought(done.ingested, ExitCode.SOURCE), *done.remarks])

    def _find(self, source: Files) -> "list[Source]":
        sources: dict[str, Source] = {}
        passed_over: list[str] = []
        for argument in source.arguments:
            if _is_awaited(argument):
                continue
            try:
                found = files.find(
                    [argument], source.kind, passed_over, Shares.of(self.plan.query.memory).window
                )
                sources |= {one.name: one for one in found}
            except InputError as error:
                self._complain(error.exit_code, str(error))
        for sentence in passed_over:
            self.log("info", self.name, f"ingest {source}", sentence)
        return list(sources.values())

    def _read(self, sources: "Sequence[Source]", code: ExitCode) -> str:
        if not sources:
            return "no files"
        query = self.plan.query
        done = ingest_sources(query.db, sources, rules=topics.shipped_rules(), memory=query.memory)
        return self._brought(done, code)

    def _brought(self, done: "Ingested", code: ExitCode) -> str:
        """Complain of what failed in an ingest, and say what it brought."""
        for failure in done.failures:
            self._complain(code, failure)
        for sentence in done.mostly_rejected:
            self._complain(ExitCode.INPUT, sentence)
        more = done.events_after - done.events_before
        total = len(done.sources)
        return f"{total - len(done.unchanged)} of {total} read, {more:+,} events"

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
        for sentence in (*done.ingested.failures, *done.ingested.mostly_rejected):
            self._complain(ExitCode.INPUT, sentence)
        if done.outcome == "unreachable":
            self._complain(ExitCode.SOURCE, done.trouble)
        for gap in done.gaps:
            self.log("warning", self.name, f"ingest {source}", f"a gap: {gap}")
        more = done.ingested.events_after - done.ingested.events_before
        return f"{done.outcome}, {more:+,} events"

    # --- what a report is made from ---------------------------------------------------------------

    def _basis(self) -> dict[str, Any] | None:
        """Return the store's state and a digest of all that can change a report; None if empty."""
        plan, query = self.plan, self.plan.query
        if not store_file(query.db).exists() and plan.sources:
            return None
        with Store.open(query.db, query.memory) as store:
            state = store_state(store)
            if not state["events"]:
                return None
            window = query.window(store)  # of whole days that are over: it moves with the clock
        return {"state": state, "digest": basis_digest(plan, state, window, self.naming)}

    # --- the report -------------------------------------------------------------------------------

    def _attribute(self) -> "tuple[TopicReport, ...]":
        plan = self.plan
        with Store.open(plan.query.db, plan.query.memory) as store:
            self.window = plan.query.window(store)
            began = coverage.covered(store)[0].start
        if plan.change:
            self.against = last_window(read_runs(plan.reports), self.window)
        # The store may grow meanwhile; all reports need the same window.
        query = replace(plan.query, start=self.window.start, end=self.window.end)
        try:
            reports = self._report(query, plan.topics)
        except NoAnswerError:
            reports = self._one_by_one(query)
        for report in reports:
            reasons = [one.undefined for one in report.comparison.indicators]
            if all(reasons):
                topic = report.provenance.topic
                about = "all events" if topic is None else topic.name
                self.log("warning", self.name, "attribute", f"no answer on {about}: {reasons[0]}")
        # Time before the store's first event does not count as a gap.
        self.gaps = [gap_words(gap) for gap in reports[0].provenance.gaps if gap.end > began]
        return reports

    def _report(self, query: "PanelQuery", topics: "Sequence[str]") -> "tuple[TopicReport, ...]":
        plan = self.plan
        return report_topics(
            query, topics, plan.question, plan.sampling, top=plan.top, naming=self.naming,
            accounts="datasette" in plan.forms, against=self.against, by=plan.by,
        )  # fmt: skip

    def _one_by_one(self, query: "PanelQuery") -> "tuple[TopicReport, ...]":
        """Report on the topics that have an answer; raise if none has."""
        plan = self.plan
        reports: list[TopicReport] = []
        refused: list[tuple[str, NoAnswerError]] = []
        for name in expand_names(plan.topics, query.topics_file):
            try:
                reports += self._report(query, (name,))
            except NoAnswerError as error:
                refused.append((name, error))
        if not reports:
            raise refused[0][1]
        for name, reason in refused:
            self.log("warning", self.name, "attribute", f"no answer on {name}: {reason}")
        return tuple(reports)

    def _about(self, reports: "Sequence[TopicReport]", basis: dict[str, Any]) -> dict[str, Any]:
        topic_names = [r.provenance.topic.name if r.provenance.topic else "all" for r in reports]
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "report",
            "run": self.name,
            "topics": topic_names,
            **self.coverage(),
            "all_gaps": self.gaps,
            "commands": [report.command for report in reports],
            "versions": dict(versions()),
            "basis": basis["digest"],
            "state": basis["state"],
            "width": self.plan.width,
        }


def _is_awaited(argument: str) -> bool:
    """Return whether files may still arrive: in an empty folder, or in the folder of a pattern."""
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
