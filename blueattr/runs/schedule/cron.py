"""Cron expressions, crontab lines, and edits of a crontab."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from blueattr.errors import UsageError
from blueattr.runs.schedule.command import Command

__all__ = ["Cron", "crontab_line", "edit_crontab"]


_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Name, smallest and largest number, names of numbers, and the number of the first name.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...], int], ...] = (
    ("minute", 0, 59, (), 0),
    ("hour", 0, 23, (), 0),
    ("day of the month", 1, 31, (), 0),
    ("month", 1, 12, _MONTHS, 1),
    ("day of the week", 0, 7, _DAYS, 0),
)
_ITEM = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?", re.ASCII)
# Bytes of a command: Debian's cron takes no more, of which crontab(5) tells.
_LONGEST = 998
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True)
class Cron:
    """The times at which cron runs a job, in local time.

    Parameters
    ----------
    text
        The expression, its words separated by one space.
    minutes, hours, days, months, weekdays
        Ascending; Sunday is 0.
    either
        Whether a day needs to match only one of the fields for days. It is so if neither begins
        with a star; otherwise a day must match both.
    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either: bool

    @classmethod
    def read(cls, text: str) -> "Cron":
        """Parse an expression as Debian's cron does: crontab(5).

        Parameters
        ----------
        text
            Five fields of numbers, ``*``, ranges, steps, lists and names; or ``@hourly`` and the
            like.

        Raises
        ------
        UsageError
            It is not an expression, or its day never comes; the message names the field.

        Examples
        --------
        >>> Cron.read("*/20 8-10 * * mon").minutes
        (0, 20, 40)
        """
        words = text.split()
        if len(words) == 1 and words[0].startswith("@"):
            if words[0].lower() not in _NAMED:
                raise UsageError(f"{text!r} is not a known time; known: {', '.join(_NAMED)}")
            words = _NAMED[words[0].lower()].split()
        if len(words) != len(_FIELDS):
            raise UsageError(
                f"{text!r} has {len(words)} fields; a cron expression has five: minute, hour, day "
                "of the month, month, day of the week, such as '15 * * * *'"
            )
        fields = [_field(word, field) for word, field in zip(words, _FIELDS, strict=True)]
        minutes, hours, days, months, weekdays = fields
        weekdays = tuple(sorted({day % 7 for day in weekdays}))
        either = not (words[2].startswith("*") or words[4].startswith("*"))
        if not either and not any(_LONGEST_MONTH[month - 1] >= days[0] for month in months):
            raise UsageError(f"{text!r} names a day that never comes")
        return cls(" ".join(words), minutes, hours, days, months, weekdays, either)

    def on_calendar(self) -> tuple[str, ...]:
        """Return the same times in the notation of systemd: systemd.time(7).

        Returns
        -------
        tuple of str
            One expression, or two that each start the job.

        Examples
        --------
        >>> Cron.read("15 * * * *").on_calendar()
        ('*-*-* *:15:00',)
        >>> Cron.read("0 6 13 * fri").on_calendar()
        ('*-*-13 06:00:00', 'Fri *-*-* 06:00:00')
        """
        weekdays = "" if len(self.weekdays) == 7 else (
            ",".join(_DAYS[day].capitalize() for day in self.weekdays) + " "
        )  # fmt: skip
        days = _listed(self.days, 31)
        month = _listed(self.months, 12)
        time = f"{_listed(self.hours, 24)}:{_listed(self.minutes, 60)}:00"
        if not self.either:
            return (f"{weekdays}*-{month}-{days} {time}",)
        if days == "*" or not weekdays:
            return (f"*-{month}-* {time}",)
        return (f"*-{month}-{days} {time}", f"{weekdays}*-{month}-* {time}")


def _listed(values: Sequence[int], number: int) -> str:
    return "*" if len(values) == number else ",".join(f"{value:02}" for value in values)


def _field(text: str, field: tuple[str, int, int, tuple[str, ...], int]) -> tuple[int, ...]:
    name, low, high, names, first = field

    def refuse(why: str) -> UsageError:
        return UsageError(f"the {name} of a cron expression: {text!r} {why}")

    def number(word: str) -> int:
        if word.lower() in names:
            return names.index(word.lower()) + first
        if not word.isdecimal():
            raise refuse(f"has {word!r}, which is no {name}")
        if not low <= int(word[:4]) <= high:
            raise refuse(f"goes from {low} to {high}, and {word} is outside")
        return int(word)

    numbers: set[int] = set()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise refuse(f"has {item!r}, which is no number, range or step")
        star, begin, end, step = match.groups()
        # Sunday is 0 and 7; a star means each day once.
        last = 6 if star and high == 7 else high
        start, stop = (low, last) if star else (number(begin), number(end or begin))
        if step is not None and not (star or end):
            raise refuse(f"has a step without a range: {item!r}; write {begin}-{high}/{step}")
        if stop < start:
            raise refuse(f"has the range {item!r}, which ends before it begins")
        if step is not None and not 1 <= int(step[:4]) <= high:
            raise refuse(f"has the step {step}; steps are from 1 to {high}")
        numbers.update(range(start, stop + 1, int(step or 1)))
    return tuple(sorted(numbers))


def crontab_line(cron: Cron, command: Command) -> str:
    """Return a line for a user's crontab.

    It ends in a shell comment that names the settings. Percent signs are escaped, because cron ends
    a command at one, and so are backslashes, of which cron makes one out of two.

    Raises
    ------
    UsageError
        The command is longer than cron takes, which would refuse the whole crontab.
    """
    words = [
        *(f"{name}={shlex.quote(value)}" for name, value in command.environment.items()),
        *map(shlex.quote, command.words),
    ]
    secrets = ""
    if command.environment_file is not None:
        file = shlex.quote(str(command.environment_file))
        secrets = f"if [ -r {file} ]; then set -a; . {file}; set +a; fi; "
    text = (
        f"cd {shlex.quote(str(command.folder))} && {{ {secrets}{' '.join(words)}; }} "
        f">> {shlex.quote(str(command.log))} 2>&1 {_tag(command.config)}"
    )
    escaped = _escaped(text)
    length = len(escaped.encode("utf-8", "surrogateescape"))
    if length > _LONGEST:
        raise UsageError(
            f"cron takes a command of {_LONGEST} bytes at most, and this one has {length:,}: move "
            "the settings to a folder with a shorter path, or use systemd"
        )
    return f"{cron.text} {escaped}"


def _tag(config: Path) -> str:
    return f"# blueattr run: {config}"


def _escaped(text: str) -> str:
    # Cron takes a backslash before these two away, and leaves any other.
    return text.replace("\\", r"\\").replace("%", r"\%")


def edit_crontab(crontab: bytes, config: Path, line: str | None) -> bytes:
    r"""Add a line to a crontab, or remove it; all other lines stay, byte for byte.

    Parameters
    ----------
    crontab
        The whole crontab.
    config
        The settings that the line runs.
    line
        A line from `crontab_line`; None to remove it.

    Returns
    -------
    bytes
        The whole crontab. A line of the same settings is replaced in place; others are removed.

    Examples
    --------
    >>> edit_crontab(b"MAILTO=me\n", Path("/c.toml"), "0 * * * * x # blueattr run: /c.toml")
    b'MAILTO=me\n0 * * * * x # blueattr run: /c.toml\n'
    """
    tag = b" " + _escaped(_tag(config)).encode("utf-8", "surrogateescape")
    new = [] if line is None else [line.encode("utf-8", "surrogateescape") + b"\n"]
    kept: list[bytes] = []
    for old in re.findall(rb"[^\n]*\n|[^\n]+", crontab):
        ours = old.rstrip(b"\n").endswith(tag) and not old.lstrip().startswith(b"#")
        if not ours:
            kept.append(old)
        elif new:
            kept += new
            new = []
    if new and kept and not kept[-1].endswith(b"\n"):
        kept[-1] += b"\n"
    return b"".join([*kept, *new])
