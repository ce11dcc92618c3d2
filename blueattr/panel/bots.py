"""Rules that tell bots by their handles or their rate."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import polars as pl

from blueattr.errors import InputError, reason
from blueattr.toml_file import TomlFile

__all__ = ["BotRule", "RateRule", "bot_rules"]


@dataclass(frozen=True, slots=True)
class BotRule:
    """A named pattern that identifies a bot by its handle."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class RateRule:
    """More than `records` records a day on at least `days` days of the window."""

    records: int
    days: int


def bot_rules(path: Path | None = None) -> tuple[BotRule, ...]:
    """Return the rules of ``data/bots.toml``, or of a user's file in its place.

    Raises
    ------
    InputError
        The file cannot be read or has no ``rules``, or a rule lacks its name or pattern, or the
        engine (Rust's regex, linear time) refuses the pattern.
    """
    if path is None:
        with resources.as_file(resources.files("blueattr.data") / "bots.toml") as shipped:
            return bot_rules(shipped)
    tables = TomlFile(path, "the bot rules").content.get("rules")
    if not isinstance(tables, list):
        # Not as if it held no rules: a misspelt [[rule]] would let every bot in.
        raise InputError(f"{path} has no list of tables [[rules]]; for no rules: rules = []")
    rules = []
    for number, table in enumerate(tables, 1):
        match table:
            case {"name": str(name), "pattern": str(pattern)}:
                pass
            case _:
                raise InputError(f"{path}: rule {number} needs a name and a pattern")
        try:
            pl.Series([""]).str.contains(f"(?i){pattern}")
        except pl.exceptions.PolarsError as error:
            raise InputError(
                f"{path}: the pattern of {name!r} is refused: {reason(error)}"
            ) from None
        rules.append(BotRule(name, pattern))
    return tuple(rules)


def _suspects(handles: pl.DataFrame, rules: tuple[BotRule, ...]) -> pl.DataFrame:
    """Look at all handles once, to keep those that some rule hits."""
    patterns = [rule.pattern for rule in rules]
    if any("#" in pattern for pattern in patterns):
        return handles  # it may begin a comment, which would swallow what follows
    together = "|".join(f"(?:(?i){pattern})" for pattern in patterns)
    try:
        return handles.filter(pl.col("handle").str.contains(together))
    except pl.exceptions.PolarsError:
        return handles  # each is accepted by itself; together they are too large
