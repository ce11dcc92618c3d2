"""Tells what is new since it was told last: noted first, then sent, so that nobody is told twice.

A scheduled run and a watch both tell by it; each keeps a record of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from blueattr.notify.condition import Condition, Standing, cross
from blueattr.notify.notice import Notification, new_notice
from blueattr.notify.told import Told

__all__ = ["Destination", "Note", "Teller", "Words", "deliver"]


Words: TypeAlias = tuple[str, str, str, Mapping[str, Any]]
"""Of a notice: its kind, title, text and data."""


_GAPS_SHOWN = 5


class Destination(Protocol):
    """Where notices go."""

    name: str

    def deliver(self, notice: Notification) -> str:
        """Send a notice; return what went wrong, or nothing."""


class Note(Protocol):
    """Adds a line to a record."""

    def __call__(self, what: str, /, **fields: Any) -> None:
        """Add a line with what it is, and its fields as JSON values."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells what is new.

    Parameters
    ----------
    to
        The names of who is told.
    told
        What was told before.
    note
        Takes what is kept in the record.
    send
        Takes each notice once it is noted, with the names of who gets it.
    now
        The time, with a zone.
    """

    to: Sequence[str]
    told: Told
    note: Note
    send: Callable[[Notification, Sequence[str]], None]
    now: datetime

    def tell_gaps(self, gaps: Sequence[str], about: Mapping[str, Any]) -> None:
        """Tell of the gaps of which no part was told.

        Parameters
        ----------
        gaps
            See `blueattr.notify.told.Told.new_gaps`.
        about
            What else programs are told.
        """
        new = self.told.new_gaps(gaps)
        if not new:
            return
        shown = new[:_GAPS_SHOWN] + ["…"] * (len(new) > _GAPS_SHOWN)
        title = f"blueattr: {len(new)} new gaps" if len(new) > 1 else "blueattr: a new gap"
        self.give(
            ("gap", title, "\n".join(shown), {"gaps": new, **about}), [f"gap {gap}" for gap in new]
        )

    def tell_condition(
        self, condition: Condition, value: float, about: Mapping[str, Any], series: str = ""
    ) -> None:
        """Tell of a condition that begins to be met.

        Parameters
        ----------
        condition, value
            What is looked at.
        about
            What else programs are told.
        series
            What tells its values from those of the same condition elsewhere.
        """
        verb = "is" if condition.changed_by is None else "has"
        words = f"It is {value:.6g}{condition.unit}, which {verb} {condition.bound}."
        data = {
            **about, "topic": condition.topic, "measure": condition.measure,
            "indicator": condition.indicator, "tier": condition.tier, "group": condition.group,
            "value": value, "bound": condition.bound,
        }  # fmt: skip
        title = f"blueattr: {condition.subject}"
        self.tell_crossing(condition, value, ("condition", title, words, data), series)

    def tell_crossing(
        self, condition: Condition, value: float, words: Words, series: str = ""
    ) -> None:
        """Give a notice if a condition begins to be met, and note where it stands."""
        key = f"{condition.key}{series}"
        before = self.told.levels.get(key)
        level, is_told = cross(condition, value, before, self.now)
        self.told.levels[key] = level  # the same bound may be set twice
        if is_told:
            self.give(words, levels={key: level.noted()})
        elif not _says_the_same(level, before, condition):
            self.note("levels", levels={key: level.noted()})

    def give(
        self, words: Words, about: Sequence[str] = (), levels: Mapping[str, Any] | None = None
    ) -> None:
        """Note a notice, in one line with why it is not given again, and send it.

        Parameters
        ----------
        words
            What it says.
        about
            What is told with it once and for all.
        levels
            Where conditions stand then.
        """
        notice = new_notice(*words)
        self.note(
            "notice", notice=asdict(notice), about=[*about], levels=levels or {}, to=[*self.to],
            at=self.now.isoformat(),
        )  # fmt: skip
        self.send(notice, self.to)


def _says_the_same(level: Standing, before: Standing | None, condition: Condition) -> bool:
    """Return whether a record need not hold it: a bound is crossed from wherever a value was."""
    if before is None or condition.changed_by is not None:
        return level == before
    return (level.is_met, level.told_at) == (before.is_met, before.told_at)


def deliver(notice: Notification, to: Destination, note: Note, now: Callable[[], datetime]) -> str:
    """Send a notice that is noted, and note what became of it; return what went wrong, or nothing.

    Parameters
    ----------
    notice, to
        What goes where.
    note
        Takes what is kept in the record.
    now
        Returns the time, with a zone.
    """
    problem = to.deliver(notice)
    note("delivery", key=notice.key, to=to.name, problem=problem, at=now().isoformat())
    return f"a notice was not delivered: {to.name} {problem}" if problem else ""
