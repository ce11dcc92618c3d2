"""Conditions that a measure crosses, and when somebody is told so; pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

__all__ = ["MEASURES", "Condition", "Standing", "cross"]


MEASURES: Mapping[str, str] = {
    "share": "the share of a tier or group",
    "total": "the indicator of the whole panel",
    "agents": "agents on the panel",
    "involved": "agents who wrote about the topic, or were answered, reposted or quoted",
    "participants": "accounts that wrote about the topic in the busiest hour of the last day",
    "new-accounts": "of the ten accounts that carry most, those made in the seven days before",
}
"""What a condition can be about, with what it counts."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A bound of a measure.

    Parameters
    ----------
    measure
        One of `MEASURES`.
    topic
        The topic's name.
    indicator
        Of shares and totals; empty for the one that a report begins with.
    tier, group
        Whose share; one of them, the other is empty.
    above, below, changed_by
        The bound, of which one is set; of shares in percent, and in points. The change counts from
        where somebody was last told, or from the first value seen.
    at_most_every
        The shortest time between two notices; None for any.
    """

    measure: str
    topic: str
    indicator: str = ""
    tier: str = ""
    group: str = ""
    above: float | None = None
    below: float | None = None
    changed_by: float | None = None
    at_most_every: timedelta | None = None

    @property
    def key(self) -> str:
        """What tells it from other conditions, in every process: 16 hex digits."""
        choices = {name: value for name, value in asdict(self).items() if name != "at_most_every"}
        return hashlib.sha256(json.dumps(choices, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def subject(self) -> str:
        """What is measured, in words that stand in a sentence."""
        whose = f"of the {self.tier}" if self.tier else f"of the group {self.group}"
        what = f"the share {whose}" if self.measure == "share" else MEASURES[self.measure]
        return f"{self.topic}: {what}{f' ({self.indicator})' if self.indicator else ''}"

    @property
    def unit(self) -> str:
        """What follows its values."""
        return " %" if self.measure == "share" else ""

    @property
    def bound(self) -> str:
        """The bound, in words."""
        if self.changed_by is not None:
            points = " points" if self.measure == "share" else ""
            return f"changed by {self.changed_by:g}{points} or more"
        side, value = ("above", self.above) if self.above is not None else ("below", self.below)
        return f"{side} {value:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a measure stood when its condition was last looked at.

    Parameters
    ----------
    is_met
        Whether the condition is met, and somebody was told.
    value
        From where a change counts.
    told_at
        When somebody was last told; None for never.
    """

    is_met: bool
    value: float
    told_at: datetime | None = None

    def noted(self) -> dict[str, Any]:
        """Return it as JSON values."""
        told = None if self.told_at is None else self.told_at.isoformat()
        return {"is_met": self.is_met, "value": self.value, "told_at": told}


def cross(
    condition: Condition, value: float, before: Standing | None, now: datetime
) -> tuple[Standing, bool]:
    """Return where a measure stands now, and whether to tell.

    It is told when the condition begins to be met, and not again while it is; where the last notice
    is too recent, later, if it is still met then.

    Parameters
    ----------
    condition, value
        What is looked at.
    before
        Where it stood; None at first.
    now
        The time, with a zone.
    """
    told_at = None if before is None else before.told_at
    every = condition.at_most_every
    # A time ahead of the clock is that of a clock that was wrong.
    may_tell = told_at is None or every is None or not timedelta(0) <= now - told_at < every
    if condition.changed_by is not None:
        if before is None:
            return Standing(is_met=False, value=value), False
        if abs(value - before.value) < condition.changed_by or not may_tell:
            return before, False
        return Standing(is_met=False, value=value, told_at=now), True
    is_met = value > condition.above if condition.above is not None else False
    if condition.below is not None:
        is_met = value < condition.below
    was_met = before is not None and before.is_met
    if is_met and not was_met:
        if not may_tell:
            return Standing(is_met=False, value=value, told_at=told_at), False
        return Standing(is_met=True, value=value, told_at=now), True
    return Standing(is_met=is_met, value=value, told_at=told_at), False
