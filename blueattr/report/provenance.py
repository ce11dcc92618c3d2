"""Provenance as every report states it: facts, the panel table, JSON, and columns of tidy data."""

from collections.abc import Sequence
from datetime import timedelta

from blueattr.provenance import Gap, PanelStep, Provenance, TopicInfo, Window
from blueattr.report.fields import Field, Fields
from blueattr.report.numbers import iso, plural
from blueattr.report.tables import Column, Fact, Json, Table

__all__ = [
    "GAP",
    "ORIGIN",
    "ORIGIN_OBJECT",
    "PANEL_STEP",
    "TOPIC",
    "TOPIC_WORDS",
    "WINDOW",
    "coverage_table",
    "gap_facts",
    "gap_warnings",
    "on_topic",
    "origin_facts",
    "origin_json",
    "panel_table",
    "panel_tables",
    "seen_fraction",
    "stretch",
]


TOPIC: Fields[TopicInfo] = Fields(
    Field("name", "As its [definition](data.md#topics) has them."),
    Field("title", "As its [definition](data.md#topics) has them."),
    Field("category", "As its [definition](data.md#topics) has them."),
    inside="topic",
)
TOPIC_WORDS: Fields[TopicInfo] = Fields(
    Field("keywords", "What it matches."),
    Field("hashtags", "What it matches."),
    Field("patterns", "What it matches."),
)
WINDOW: Fields[Window] = Fields(
    Field("start", "Its ends. In CSV `window_start`, `window_end`.", "time"),
    Field("end", "Its ends. In CSV `window_start`, `window_end`.", "time"),
    inside="window",
)
GAP: Fields[Gap] = Fields(
    Field("start", "Each gap's ends.", "time", heading="from"),
    Field("end", "Each gap's ends.", "time", heading="to"),
    Field("reason", "Why the gap is there.", heading="why"),
    inside="gaps",
)
PANEL_STEP: Fields[PanelStep] = Fields(
    Field("filter", "Which filter."),
    Field("before", "Accounts before the filter.", "int", "accounts"),
    Field("removed", "Accounts that the filter removes.", "int", "accounts"),
    Field("after", "Accounts that remain: after = before - removed.", "int", "accounts"),
    Field("note", "What a reader must know about the filter."),
    inside="panel",
)


_SOURCE: Field[Provenance] = Field(
    "source",
    "The store or features file; in reports on a store a file or stream that was read.",
)
_TOPIC: Field[Provenance] = Field(
    "topic",
    "What was matched; none for a panel without a topic. In CSV the topic's name.",
    get=lambda origin: None if origin.topic is None else origin.topic.name,
    json=lambda origin: (
        None if origin.topic is None else TOPIC.json(origin.topic) | TOPIC_WORDS.json(origin.topic)
    ),
)
_GAPS: Field[Provenance] = Field(
    "gaps",
    "Stretches that [no source covers](data.md#events), in a list; in CSV how many.",
    "int",
    "gaps",
    get=lambda origin: None if origin.window is None else len(origin.gaps),
    json=lambda origin: [GAP.json(gap) for gap in origin.gaps],
)
_FEATURE_SCALE: Field[Provenance] = Field(
    "feature_scale",
    "`log1p`: features are log(1 + count); `raw`: counts; `as given`: a features file.",
)
_POPULARITY: Field[Provenance] = Field(
    "popularity", "What b counts, in words, with the dates of follower counts."
)
_VERSION: Field[Provenance] = Field("version", "Of blueattr.")


ORIGIN: Fields[Provenance] = Fields(
    _TOPIC,
    Field(
        "window_start",
        "The window's ends, in CSV and Parquet.",
        "time",
        get=lambda origin: None if origin.window is None else origin.window.start,
    ),
    Field(
        "window_end",
        "The window's ends, in CSV and Parquet.",
        "time",
        get=lambda origin: None if origin.window is None else origin.window.end,
    ),
    _GAPS,
    Field(
        "gap_seconds",
        "Length of all gaps together.",
        "float",
        "s",
        get=lambda origin: None if origin.window is None else _unseen(origin.gaps).total_seconds(),
    ),
    _FEATURE_SCALE,
    _POPULARITY,
    _SOURCE,
    _VERSION,
)
"""Columns of every row of a tidy table."""


ORIGIN_OBJECT: Fields[Provenance] = Fields(
    _SOURCE,
    _TOPIC,
    Field(
        "window",
        "The stretch of time, the end not included; none for a features file.",
        json=lambda origin: None if origin.window is None else WINDOW.json(origin.window),
    ),
    _GAPS,
    _FEATURE_SCALE,
    _POPULARITY,
    Field(
        "panel",
        "What each [filter](data.md#panel) did, in the order of the filters.",
        json=lambda origin: [PANEL_STEP.json(step) for step in origin.panel],
    ),
    Field("notes", "What else a reader must know."),
    _VERSION,
)


_GAPS_LISTED = 20
_GAPS_IN_TABLE = 100


def panel_table(steps: Sequence[PanelStep]) -> Table:
    """Lay out how many accounts each panel filter removed, in order of application."""
    return Table(
        name="panel",
        title="Panel",
        columns=PANEL_STEP.columns(),
        rows=tuple(PANEL_STEP.cells(step) for step in steps),
    )


def panel_tables(origin: Provenance) -> tuple[Table, ...]:
    """Return the table of a panel's filters; none for a features file, which has no panel."""
    return (panel_table(origin.panel),) if origin.panel else ()


def stretch(window: Window | Gap) -> str:
    """Write a stretch of time for people."""
    return f"{iso(window.start)} to {iso(window.end)}"


def gap_warnings(gaps: Sequence[Gap]) -> tuple[str, ...]:
    """Return a sentence on how much of the window was not seen; none if all of it was."""
    if not gaps:
        return ()
    unseen = _duration(_unseen(gaps))
    return (
        f"The window has {plural(len(gaps), 'gap')}: {unseen} of it not seen, and missing here.",
    )


def gap_facts(gaps: Sequence[Gap]) -> tuple[Fact, ...]:
    """Return a labelled line for each of the first gaps, and one that counts the others."""
    shown = tuple(Fact("gap", f"{stretch(gap)}: {gap.reason}") for gap in gaps[:_GAPS_LISTED])
    more = len(gaps) - _GAPS_LISTED
    if more <= 0:
        return shown
    return (*shown, Fact("gap", f"and {more:,} more, all of them in the JSON form"))


def coverage_table(gaps: Sequence[Gap]) -> Table:
    """Lay out the first hundred stretches of a window that no source covers."""
    more = len(gaps) - _GAPS_IN_TABLE
    return Table(
        name="gaps",
        title="Gaps",
        columns=(
            GAP["start"].column(),
            GAP["end"].column(),
            Column("length", "not seen", "figure"),
            GAP["reason"].column(),
        ),
        rows=tuple(
            (gap.start, gap.end, _duration(gap.end - gap.start), gap.reason)
            for gap in gaps[:_GAPS_IN_TABLE]
        ),
        notes=(f"And {more:,} more, all of them in the JSON form.",) if more > 0 else (),
    )


def seen_fraction(origin: Provenance) -> float:
    """Return the part of the window that sources cover; 1 where there is no window."""
    if origin.window is None:
        return 1.0
    return 1 - _unseen(origin.gaps) / (origin.window.end - origin.window.start)


def on_topic(origin: Provenance) -> str:
    """Return the topic's name for a sentence, as in `` on mythos``; empty if there is none."""
    return "" if origin.topic is None else f" on {origin.topic.name}"


def origin_facts(origin: Provenance) -> tuple[Fact, ...]:
    """Return labelled lines with all that a reader needs to reproduce the features."""
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
        facts.append(Fact("window", f"{stretch(window)}, the end not included"))
        if not origin.gaps:
            facts.append(Fact("gaps", "none"))
    facts.extend(gap_facts(origin.gaps))
    facts.append(Fact("feature scale", origin.feature_scale))
    facts.append(Fact("popularity", origin.popularity))
    facts.extend(Fact("note", note) for note in origin.notes)
    facts.append(Fact("blueattr", origin.version))
    return tuple(facts)


def origin_json(origin: Provenance) -> dict[str, Json]:
    """Return a whole provenance as the fields of a JSON object."""
    return ORIGIN_OBJECT.json(origin)


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
