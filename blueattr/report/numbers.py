"""How numbers and times are written for people: one rule each, the same in every report."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blueattr.provenance import Gap

__all__ = [
    "MINUS",
    "UNDEFINED",
    "count",
    "gap_words",
    "iso",
    "lasting",
    "listed",
    "megabytes",
    "number",
    "percent",
    "plural",
    "points",
    "rough",
    "short",
    "spread",
]


UNDEFINED = "-"
"""Where there is no number; a note beside it says why."""


MINUS = "\u2212"
"""The minus sign of figures, pages and sentences; data and terminals have a hyphen."""


def number(value: float | None) -> str:
    """Six significant digits.

    >>> number(0.42134567), number(-0.0), number(None)
    ('0.421346', '0', '-')
    """
    return UNDEFINED if value is None else f"{value + 0.0:.6g}"


def short(value: float | None) -> str:
    """Four significant digits, for sentences and crowded tables."""
    return UNDEFINED if value is None else f"{value + 0.0:.4g}"


def count(value: int | None) -> str:
    """With a comma at the thousands."""
    return UNDEFINED if value is None else f"{value:,}"


def percent(fraction: float | None, *, unit: bool = True) -> str:
    """One decimal; never ``-0.0``.

    >>> percent(0.31249), percent(-0.0001), percent(0.5, unit=False)
    ('31.2 %', '0.0 %', '50.0')
    """
    if fraction is None:
        return UNDEFINED
    return f"{round(100 * fraction, 1) + 0.0:,.1f}" + (" %" if unit else "")


def rough(value: float) -> str:
    """Write a count as it is, and another number to four digits.

    >>> rough(1234.0), rough(2.5)
    ('1,234', '2.5')
    """
    return f"{value:,.0f}" if value == int(value) else short(value)


def spread(mean: float | None, std: float | None) -> str:
    """Format a mean share and its standard deviation, as in ``31.2 ± 1.1 %``.

    Parameters
    ----------
    mean
        Fraction, or None where no run has one.
    std
        Fraction, or None where one run has no spread.
    """
    if mean is None or std is None:
        return percent(mean)
    return f"{percent(mean, unit=False)} ± {percent(std)}"


def points(mean: float | None, std: float | None) -> str:
    """Format a difference of shares in percentage points, always signed: ``+56.5 ± 1.2``."""
    if mean is None:
        return UNDEFINED
    sign = "+" if mean >= 0 else ""
    deviation = "" if std is None else f" ± {percent(std, unit=False)}"
    return sign + percent(mean, unit=False) + deviation


def plural(n: int, noun: str) -> str:
    """``1 agent``, ``2,310 agents``."""
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def listed(items: Sequence[str], word: str = "and") -> str:
    """Write some things one after the other.

    >>> listed(["1 reply", "2 reposts", "1 quote"]), listed(["answered", "reposted"], "or")
    ('1 reply, 2 reposts and 1 quote', 'answered or reposted')
    """
    *first, last = items
    return f"{', '.join(first)} {word} {last}" if first else last


def iso(moment: date) -> str:
    """ISO 8601; a time in UTC with ``Z``, to the microsecond where it has any.

    >>> iso(datetime(2026, 4, 1, tzinfo=UTC)), iso(date(2026, 4, 1))
    ('2026-04-01T00:00:00Z', '2026-04-01')
    """
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def gap_words(gap: "Gap") -> str:
    """Return the ends of a gap, and why nothing was seen."""
    return f"{iso(gap.start)} to {iso(gap.end)}: {gap.reason}"


def lasting(seconds: float | None) -> str:
    """Write a length of time in the largest unit that it fills twice.

    >>> lasting(7.4), lasting(150), lasting(3 * 86400), lasting(None)
    ('7 s', '2.5 min', '3.0 d', '-')
    """
    if seconds is None:
        return UNDEFINED
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.0f} s"


def megabytes(size: int) -> str:
    """Write a number of bytes, in millions of them."""
    return f"{size / 1e6:,.1f} MB"
