"""Provenance as every report states it: facts, the panel table, JSON, and columns of tidy data."""

from collections.abc import Sequence
from datetime import timedelta

from blueattr.provenance import Gap, PanelStep, Provenance
from blueattr.report.figures import iso, plural
from blueattr.report.tables import Cell, Column, Fact, Json, Table

__all__ = [
    "ORIGIN_COLUMNS",
    "coverage_table",
    "gap_warnings",
    "origin_cells",
    "origin_facts",
    "origin_json",
    "panel_table",
    "seen_fraction",
]

ORIGIN_COLUMNS = (
    Column("topic", "topic"),
    Column("window_start", "window start", "time"),
    Column("window_end", "window end", "time"),
    Column("gaps", "gaps", "int"),
    Column("gap_seconds", "seconds not seen", "float"),
    Column("feature_scale", "feature scale"),
    Column("popularity", "popularity"),
    Column("source", "source"),
    Column("version", "version"),
)

_GAPS_LISTED = 20
_GAPS_IN_TABLE = 100


def panel_table(steps: Sequence[PanelStep]) -> Table:
    """Lay out what each panel filter did, in the order they were applied."""
    return Table(
        name="panel",
        title="Panel",
        columns=(
            Column("filter", "filter"),
            Column("before", "before", "int"),
            Column("removed", "removed", "int"),
            Column("after", "after", "int"),
            Column("note", "note"),
        ),
        rows=tuple((s.filter, s.before, s.removed, s.after, s.note) for s in steps),
    )


def gap_warnings(gaps: Sequence[Gap]) -> tuple[str, ...]:
    """Say in a sentence how much of the window was not seen; nothing where all of it was."""
    if not gaps:
        return ()
    unseen = _duration(_unseen(gaps))
    return (
        f"The window has {plural(len(gaps), 'gap')}: {unseen} of it not seen, and missing here.",
    )


def coverage_table(gaps: Sequence[Gap]) -> Table:
    """Lay out the stretches of a window that no source covers; the first hundred of them."""
    more = len(gaps) - _GAPS_IN_TABLE
    return Table(
        name="gaps",
        title="Gaps",
        columns=(
            Column("start", "from", "time"),
            Column("end", "to", "time"),
            Column("length", "not seen", "figure"),
            Column("reason", "why"),
        ),
        rows=tuple(
            (gap.start, gap.end, _duration(gap.end - gap.start), gap.reason)
            for gap in gaps[:_GAPS_IN_TABLE]
        ),
        notes=(f"And {more:,} more, all of them in the JSON form.",) if more > 0 else (),
    )


def seen_fraction(origin: Provenance) -> float:
    """Give the part of the window that sources cover; 1 where there is no window."""
    if origin.window is None:
        return 1.0
    return 1 - _unseen(origin.gaps) / (origin.window.end - origin.window.start)


def origin_facts(origin: Provenance) -> tuple[Fact, ...]:
    """Say in labelled lines what a reader needs to find the same features again."""
    facts = [Fact("source", origin.source)]
    topic = origin.topic
    if topic is None:
        facts.append(Fact("topic", "none"))
    else:
        title = f" ({topic.title}; {topic.category})" if topic.title else ""
        facts.append(Fact("topic", topic.name + title))
        for label, words in (
            ("keywords", topic.keywords),
            ("hashtags", topic.hashtags),
            ("patterns", topic.patterns),
        ):
            if words:
                facts.append(Fact(label, ", ".join(words)))
    window = origin.window
    if window is None:
        facts.append(Fact("window", "none"))
    else:
        facts.append(
            Fact("window", f"{iso(window.start)} to {iso(window.end)}, the end not included")
        )
        if not origin.gaps:
            facts.append(Fact("gaps", "none"))
    facts.extend(
        Fact("gap", f"{iso(gap.start)} to {iso(gap.end)}: {gap.reason}")
        for gap in origin.gaps[:_GAPS_LISTED]
    )
    if (more := len(origin.gaps) - _GAPS_LISTED) > 0:
        facts.append(Fact("gap", f"and {more:,} more, all of them in the JSON form"))
    facts.append(Fact("feature scale", origin.feature_scale))
    facts.append(Fact("popularity", origin.popularity))
    facts.extend(Fact("note", note) for note in origin.notes)
    facts.append(Fact("blueattr", origin.version))
    return tuple(facts)


def origin_json(origin: Provenance) -> dict[str, Json]:
    """Give the whole of a provenance as the fields of a JSON object."""
    topic = origin.topic
    window = origin.window
    return {
        "source": origin.source,
        "topic": None
        if topic is None
        else {
            "name": topic.name,
            "title": topic.title,
            "category": topic.category,
            "keywords": list(topic.keywords),
            "hashtags": list(topic.hashtags),
            "patterns": list(topic.patterns),
        },
        "window": None if window is None else {"start": iso(window.start), "end": iso(window.end)},
        "gaps": [
            {"start": iso(gap.start), "end": iso(gap.end), "reason": gap.reason}
            for gap in origin.gaps
        ],
        "feature_scale": origin.feature_scale,
        "popularity": origin.popularity,
        "panel": [
            {
                "filter": step.filter,
                "before": step.before,
                "removed": step.removed,
                "after": step.after,
                "note": step.note,
            }
            for step in origin.panel
        ],
        "notes": list(origin.notes),
        "version": origin.version,
    }


def origin_cells(origin: Provenance) -> tuple[Cell, ...]:
    """Give the cells of `ORIGIN_COLUMNS`, repeated in every row of a tidy table."""
    window = origin.window
    return (
        None if origin.topic is None else origin.topic.name,
        None if window is None else window.start,
        None if window is None else window.end,
        None if window is None else len(origin.gaps),
        None if window is None else _unseen(origin.gaps).total_seconds(),
        origin.feature_scale,
        origin.popularity,
        origin.source,
        origin.version,
    )


def _unseen(gaps: Sequence[Gap]) -> timedelta:
    return sum((gap.end - gap.start for gap in gaps), timedelta())


def _duration(span: timedelta) -> str:
    """Spell out a span in its two largest units, down to seconds.

    >>> _duration(timedelta(hours=3, minutes=20)), _duration(timedelta(milliseconds=3))
    ('3 h 20 min', '0.003 s')
    """
    seconds = span.total_seconds()
    if seconds < 60:
        return f"{seconds:g} s"
    parts = []
    rest = round(seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount:,} {unit}")
    return " ".join(parts[:2])
