"""Tells who is to be told what a run did and found; nothing that fails here fails a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from blueattr.errors import ExitCode
from blueattr.notify.condition import Condition, cross
from blueattr.notify.notice import Notification, new_notice
from blueattr.runs.history.record import RunRecord, read_entries
from blueattr.runs.plan import Plan
from blueattr.runs.publish import latest
from blueattr.runs.telling.settings import Destination, Telling
from blueattr.runs.telling.told import Told, read_told

__all__ = ["tell"]


_GAPS_SHOWN = 5


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
    names = {one.name: one for one in plan.telling.destinations}
    teller = _Teller(plan.telling, names, told, _Noting(record, str(end["run"]), now, warn))
    for notice, to in told.undelivered(now):
        teller.send(notice, [to])
    teller.of_outcome(end)
    manifest = latest(plan.reports)
    if manifest is not None:
        teller.of_report(manifest)


@dataclass(frozen=True, slots=True)
class _Noting:
    """Where a run notes what it tells, and when that is."""

    record: RunRecord
    run: str
    now: datetime
    warn: Callable[[str], None]

    def note(self, what: str, **fields: Any) -> None:
        self.record.note(what, self.run, **fields)


@dataclass(frozen=True, slots=True)
class _Teller:
    telling: Telling
    to: Mapping[str, Destination]
    told: Told
    noting: _Noting

    def of_outcome(self, end: Mapping[str, Any]) -> None:
        """Tell of a failure or a source that is down, once until it is mended."""
        code = int(end["exit_code"])
        words = str(end.get("message") or end["outcome"])
        failed = code not in _NO_FAILURE and code != ExitCode.SOURCE
        for kind, is_met, title in (
            ("failure", failed, "blueattr: a run failed"),
            ("source-down", code == ExitCode.SOURCE, "blueattr: a source is down"),
        ):
            if kind in self.telling.kinds:
                condition = Condition(kind, "", above=0.5)
                data = {"exit_code": code, "outcome": str(end["outcome"])}
                self._cross(condition, float(is_met), (kind, title, words, data))

    def of_report(self, manifest: Mapping[str, Any]) -> None:
        """Tell of what is new in the latest report, and of what crossed a bound in it."""
        report = str(manifest.get("run", ""))
        gaps = [str(gap) for gap in manifest.get("first_gaps", ())]
        new = [gap for gap in gaps if f"gap {gap}" not in self.told.about]
        if new and "gap" in self.telling.kinds:
            shown = new[:_GAPS_SHOWN] + ["…"] * (len(new) > _GAPS_SHOWN)
            self._give(
                ("gap", f"blueattr: {len(new)} new gaps" if len(new) > 1 else "blueattr: a new gap",
                 "\n".join(shown), {"gaps": new, "report": report}),
                [f"gap {gap}" for gap in new],
            )  # fmt: skip
        if "report" in self.telling.kinds and f"report {report}" not in self.told.about:
            names = [*map(str, manifest.get("topics", ()))]
            self._give(
                ("report", "blueattr: a new report", f"{report}: {', '.join(names)}",
                 {"report": report, "topics": names}),
                [f"report {report}"],
            )  # fmt: skip
        values = manifest.get("measured", {})
        for condition in self.telling.conditions:
            value = values.get(condition.key)
            if isinstance(value, int | float):
                verb = "is" if condition.changed_by is None else "has"
                words = f"It is {value:.6g}{condition.unit}, which {verb} {condition.bound}."
                data = {
                    "report": report, "topic": condition.topic, "measure": condition.measure,
                    "indicator": condition.indicator, "tier": condition.tier,
                    "group": condition.group, "value": value, "bound": condition.bound,
                }  # fmt: skip
                title = f"blueattr: {condition.subject}"
                self._cross(condition, value, ("condition", title, words, data))

    def _cross(
        self, condition: Condition, value: float, words: tuple[str, str, str, dict[str, Any]]
    ) -> None:
        before = self.told.levels.get(condition.key)
        level, is_told = cross(condition, value, before, self.noting.now)
        if is_told:
            self._give(words, levels={condition.key: level.noted()})
        elif level != before:
            self.noting.note("levels", levels={condition.key: level.noted()})

    def _give(
        self,
        words: tuple[str, str, str, dict[str, Any]],
        about: Sequence[str] = (),
        levels: Mapping[str, Any] | None = None,
    ) -> None:
        """Note a notice, in one line with why it is not given again, and send it."""
        notice = new_notice(*words)
        self.noting.note(
            "notice", notice=asdict(notice), about=[*about], levels=levels or {}, to=[*self.to],
            at=self.noting.now.isoformat(),
        )  # fmt: skip
        self.send(notice, [*self.to])

    def send(self, notice: Notification, to: list[str]) -> None:
        """Send a notice that is noted, and note what became of it."""
        for name in to:
            if name not in self.to:
                continue
            problem = self.to[name].deliver(notice)
            if problem:
                self.noting.warn(f"a notice was not delivered: {name} {problem}")
            self.noting.note("delivery", key=notice.key, to=name, problem=problem)


_NO_FAILURE = (ExitCode.OK, ExitCode.GAPS, ExitCode.NOTHING_NEW, ExitCode.INTERRUPTED)
