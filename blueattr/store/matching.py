"""Matching: which records of a store belong to topics, by their words or by what they answer."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from blueattr.errors import PatternError
from blueattr.store.store_file import damaged

if TYPE_CHECKING:
    from blueattr.store.database import Store

__all__ = ["Rule", "Stretch", "define", "known_topics", "match", "some_pending", "stretches"]


_DAY = timedelta(days=1)


Stretch = tuple[datetime, datetime]
"""Of time: naive UTC, the end not included."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a topic matches, for the engine (RE2).

    Parameters
    ----------
    pattern
        For texts and link titles, in NFC.
    hint
        A cheap expression that matches at least whatever `pattern` does.
    hashtags
        That match as a whole, in NFC; letter case does not count.
    tag_pattern
        For hashtags, or None.
    """

    pattern: str
    hint: str
    hashtags: tuple[str, ...]
    tag_pattern: str | None

    def __str__(self) -> str:
        return json.dumps(astuple(self), ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> "Rule":
        """Read a rule from its text, as `str` writes it.

        Raises
        ------
        ValueError
            It is no rule.
        """
        try:
            pattern, hint, hashtags, tag_pattern = json.loads(text)
            if all(isinstance(part, str) for part in (pattern, hint, tag_pattern or "", *hashtags)):
                return cls(pattern, hint, tuple(hashtags), tag_pattern)
        except (TypeError, ValueError, RecursionError):
            pass
        raise ValueError("no rule")


def define(store: "Store") -> None:
    """Define the macros and the temp table ``giver``, of which summaries are made."""
    store.run("store/rollups/define")


def known_topics(store: "Store") -> dict[Rule, int]:
    """Return the topics that are matched on summarised days, with their numbers.

    Raises
    ------
    StoreError
        What the store has for one is no rule.
    """
    try:
        return {Rule.read(rule): number for number, rule in store.rows("store/rollups/topics")}
    except ValueError:
        raise damaged(store.path, "a topic in it has no rule") from None


def some_pending(store: "Store") -> bool:
    """Return whether records of summarised days wait to be matched."""
    return bool(store.rows("store/rollups/pending_count")[0][0])


def match(
    store: "Store",
    topics: Sequence[tuple[int, Rule]],
    stretches: Sequence[Stretch],
    *,
    late: bool,
    others: Sequence[Stretch],
    is_part: bool = False,
) -> None:
    """Find what belongs to topics, and leave it in the temp table ``topic_match``.

    Parameters
    ----------
    topics
        With their numbers in the store.
    stretches
        Of time, all of whose records are looked at.
    late
        Look at those that wait to be matched, too.
    others
        Stretches whose own matches are known, but not what there hangs on a match found now.
    is_part
        Whether matches of others, on which something may hang, are in ``match_elsewhere``.
    """
    store.run("store/rollups/compare_words")
    store.run("store/rollups/begin_matching")
    if late:
        store.run("store/rollups/late")
    for group in _groups(store, topics):
        store.run("store/rollups/begin_possible_matches")
        one = _any_of([rule for _, rule in group])
        hints = {
            "hint": one.hint,
            "hint_or_unstable": _or_unstable(store, one.hint),
            "hashtags": one.hashtags,
            "tag_pattern": one.tag_pattern,
        }
        for start, end in stretches:
            store.run("store/rollups/possible_matches", start=start, end=end, **hints)
        if late:
            store.run("store/rollups/possible_matches_late", **hints)
        # The engine takes its time to compile exact patterns, were it for no post at all.
        ((possible,),) = store.rows("store/rollups/possible_match_count")
        for number, rule in group if possible else ():
            store.run(
                "store/rollups/matches",
                topic=number,
                pattern=rule.pattern,
                hint=rule.hint,
                hashtags=rule.hashtags,
                tag_pattern=rule.tag_pattern,
            )
    store.run("store/rollups/hooks")
    if store.rows("store/rollups/hook_count")[0][0]:
        _hang(store, others)
    store.run("store/rollups/hooks_known", topics=[number for number, _ in topics])
    if is_part:
        store.run("store/rollups/hooks_elsewhere", topics=[number for number, _ in topics])
    _hang(store, stretches)
    if late:
        store.run("store/rollups/hanging_late")


def _hang(store: "Store", stretches: Sequence[Stretch]) -> None:
    for start, end in stretches:
        store.run("store/rollups/hanging", start=start, end=end)


def _or_unstable(store: "Store", hint: str) -> str:
    """Return a pattern that matches a text if `hint` matches it in NFC; others may match, too."""
    ((unstable,),) = store.rows("store/rollups/unstable")
    pattern = f"{hint}|{unstable}"
    try:
        store.check_pattern(pattern)
    except PatternError:  # too large, where a topic's own is nearly so
        return ""
    return pattern


def _groups(store: "Store", topics: Sequence[tuple[int, Rule]]) -> list[Sequence[tuple[int, Rule]]]:
    """Group topics that one scan can match: all of them, or each alone if RE2 refuses that."""
    if len(topics) > 1:
        one = _any_of([rule for _, rule in topics])
        try:
            store.check_pattern(one.hint)
            store.check_pattern(one.tag_pattern or "")
        except PatternError:
            return [[topic] for topic in topics]
    return [topics] if topics else []


def _any_of(rules: Sequence[Rule]) -> Rule:
    """Make a rule whose hint and hashtags match whatever one of several rules does."""
    patterns = [rule.tag_pattern for rule in rules if rule.tag_pattern is not None]
    return Rule(
        "",
        "|".join(f"(?:{rule.hint})" for rule in rules),
        tuple(sorted({tag for rule in rules for tag in rule.hashtags})),
        "|".join(f"(?:{pattern})" for pattern in patterns) if patterns else None,
    )


def stretches(days: Iterable[date]) -> list[Stretch]:
    """Merge ascending days that follow one another into stretches."""
    merged: list[Stretch] = []
    for day in days:
        start = datetime.combine(day, time())
        if merged and merged[-1][1] == start:
            merged[-1] = merged[-1][0], start + _DAY
        else:
            merged.append((start, start + _DAY))
    return merged
