"""Tells who is to be told what a run did and found; nothing that fails here fails a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from blueattr.errors import ExitCode
from blueattr.notify.condition import Condition
from blueattr.notify.notice import Notification
from blueattr.notify.teller import Destination, Teller, deliver
from blueattr.notify.told import read_told
from blueattr.notify.told_record import WATCH_RECORD, ToldRecord, read_lines
from blueattr.runs.history.record import RunRecord, read_entries
from blueattr.runs.plan import Plan
from blueattr.runs.publish import latest
from blueattr.runs.telling.settings import Telling

__all__ = ["tell"]


def tell(
    plan: Plan,
    record: RunRecord,
    end: Mapping[str, Any],
    warn: Callable[[str], None],
    now: datetime | None = None,
) -> None:
    """Give notices of a run.

    What is told is noted before it is sent, so that nobody is told twice; what could not be
    delivered is sent again with the next run.

    Parameters
    ----------
    plan
        What the run did, and who is told.
    record
        Open.
    end
        What the run noted at its end: its name, too.
    warn
        Takes a sentence for each thing that goes wrong.
    now
        The time, with a zone; None for that of the clock.
    """
    if not plan.telling.destinations:
        return
    now = now or datetime.now(UTC)
    told = read_told(read_entries(plan.reports))
    undelivered = told.undelivered(now)
    # A gap of which a watch told is not told again.
    watches = ToldRecord(plan.reports / WATCH_RECORD)
    told.about |= read_told(read_lines(watches.path)).about
    names = {one.name: one for one in plan.telling.destinations}
    noting = _Noting(record, str(end["run"]), names, now, warn)
    for notice, to in undelivered:
        noting.note("retry", key=notice.key, to=to)
        noting.send(notice, [to])
    teller = Teller([*names], told, noting.note, noting.send, now)
    _tell_outcome(teller, plan.telling, end)
    manifest = latest(plan.reports)
    if manifest is not None:
        if "gap" in plan.telling.kinds:
            _tell_gaps(teller, watches, manifest)
        _tell_report(teller, plan.telling, manifest)


@dataclass(frozen=True, slots=True)
class _Noting:
    """Where a run notes what it tells, whom it tells, and when that is."""

    record: RunRecord
    run: str
    to: Mapping[str, Destination]
    now: datetime
    warn: Callable[[str], None]

    def note(self, what: str, /, **fields: Any) -> None:
        self.record.note(what, self.run, **fields)

    def send(self, notice: Notification, to: Sequence[str]) -> None:
        for name in to:
            if name in self.to:
                problem = deliver(notice, self.to[name], self.note, lambda: self.now)
                if problem:
                    self.warn(problem)


def _tell_outcome(teller: Teller, telling: Telling, end: Mapping[str, Any]) -> None:
    """Tell of a failure or a source that is down, once until a run succeeds."""
    code = int(end["exit_code"])
    words = str(end.get("message") or end["outcome"])
    is_fine = code in _SUCCESSES
    failed = not is_fine and code not in {ExitCode.SOURCE, ExitCode.INTERRUPTED}
    for kind, is_met, title in (
        ("failure", failed, "blueattr: a run failed"),
        ("source-down", code == ExitCode.SOURCE, "blueattr: a source is down"),
    ):
        # A run that ended otherwise says nothing of it.
        if kind in telling.kinds and (is_met or is_fine):
            condition = Condition(kind, "", above=0.5)
            data = {"exit_code": code, "outcome": str(end["outcome"])}
            teller.tell_crossing(condition, float(is_met), (kind, title, words, data))


def _tell_gaps(teller: Teller, watches: ToldRecord, manifest: Mapping[str, Any]) -> None:
    """Tell of the gaps of which neither a run nor a watch told; a watch may be about to."""
    # Reports of earlier versions list the first few alone.
    listed = manifest.get("all_gaps", manifest.get("first_gaps", ()))
    gaps = [str(gap) for gap in listed]
    if not teller.told.new_gaps(gaps):
        return
    queue: list[tuple[Notification, Sequence[str]]] = []
    with watches.held():
        teller.told.about |= read_told(read_lines(watches.path)).about
        noting = replace(teller, send=lambda *given: queue.append(given))
        noting.tell_gaps(gaps, {"report": str(manifest.get("run", ""))})
    for notice, to in queue:
        teller.send(notice, to)


def _tell_report(teller: Teller, telling: Telling, manifest: Mapping[str, Any]) -> None:
    """Tell of what is new in the latest report, and of what crossed a bound in it."""
    report = str(manifest.get("run", ""))
    if "report" in telling.kinds and f"report {report}" not in teller.told.about:
        names = [*map(str, manifest.get("topics", ()))]
        teller.give(
            ("report", "blueattr: a new report", f"{report}: {', '.join(names)}",
             {"report": report, "topics": names}),
            [f"report {report}"],
        )  # fmt: skip
    values = manifest.get("measured", {})
    for condition in telling.conditions:
        value = values.get(condition.key)
        if isinstance(value, int | float):
            teller.tell_condition(condition, value, {"report": report})


_SUCCESSES = (ExitCode.OK, ExitCode.GAPS, ExitCode.NOTHING_NEW)
