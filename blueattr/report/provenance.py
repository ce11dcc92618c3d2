"""Provenance as every report states it: facts, the panel table, JSON, and columns of tidy data."""

from collections.abc import Sequence
from datetime import UTC, time, timedelta

from blueattr.provenance import (
    Gap,
    PanelStep,
    Provenance,
    TimeShare,
    TopicInfo,
    Window,
    spell_window,
)
from blueattr.report.drawn import drawn_json, drawn_warnings
from blueattr.report.fields import Field, Fields
from blueattr.report.numbers import iso, percent, plural
from blueattr.report.tables import Column, Fact, Json, Table

__all__ = [
    "GAP",
    "ORIGIN",
    "ORIGIN_OBJECT",
    "PANEL_STEP",
    "TIME_FROM",
    "TIME_SHARE",
    "TOPIC",
    "TOPIC_WORDS",
    "WINDOW",
    "coverage_table",
    "gap_facts",
    "gap_warnings",
    "influence_warnings",
    "on_topic",
    "origin_facts",
    "origin_json",
    "origin_warnings",
    "panel_table",
    "panel_tables",
    "ranking_warnings",
    "seen_fraction",
    "so_far",
    "stretch",
    "synthetic_banner",
    "synthetic_mark",
    "time_warnings",
    "times_json",
    "window_days",
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


TIME_SHARE: Fields[TimeShare] = Fields(
    Field(
        "kind",
        "`server`: the server that saw the event; `imported`: an operator's server, which indexed "
        "it; `key`: the record's key; `claimed`: the record's `createdAt`; `collected`: when "
        "a collector wrote it down.",
    ),
    Field("records", "Posts, replies, reposts and follows with such a time.", "int", "records"),
    Field("share", "Of all records of the window, or of the store.", "share"),
    inside="time_from",
)
TIME_FROM: Fields[Sequence[TimeShare]] = Fields(
    Field(
        "time_from",
        "[Where times are from](data.md#events), by kind; left out if all are the server's own.",
        get=tuple,
        json=lambda times: [TIME_SHARE.json(share) for share in times],
    ),
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
_INFLUENCE: Field[Provenance] = Field(
    "influence",
    "What c counts: `replies`, `reposts`, `quotes` (`--influence`), in a list, in CSV with commas; "
    "none of a features file.",
    get=lambda origin: ",".join(origin.influence) or None,
    json=lambda origin: list(origin.influence) or None,
)
_VERSION: Field[Provenance] = Field("version", "Of blueattr.")
_METHOD_VERSION: Field[Provenance] = Field(
    "method_version",
    "Rises with each change of a default that changes numbers; the changelog names the option that "
    "gives the choice before it.",
    "int",
)


def _how_synthetic(origin: Provenance) -> str:
    if not origin.synthetic:
        return "false"
    return "true" if origin.all_synthetic else "partly"


_SYNTHETIC: Field[Provenance] = Field(
    "synthetic",
    "Whether the data are made up: `true`, `false`, or `partly` where only some sources are.",
    get=_how_synthetic,
    json=lambda origin: (
        "partly" if origin.synthetic and not origin.all_synthetic else bool(origin.synthetic)
    ),
)
_SO_FAR: Field[Provenance] = Field(
    "so_far",
    "The last event, where the window's last day goes on after it; the time after it is no gap.",
    "time",
)


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
    _INFLUENCE,
    _SOURCE,
    _SYNTHETIC,
    _VERSION,
    _METHOD_VERSION,
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
    _SO_FAR,
    _FEATURE_SCALE,
    _POPULARITY,
    _INFLUENCE,
    Field(
        "panel",
        "What each [filter](data.md#panel) did, in the order of the filters.",
        json=lambda origin: [PANEL_STEP.json(step) for step in origin.panel],
    ),
    Field(
        "notes",
        "What else a reader must know.",
        get=lambda origin: [*origin.notes, *influence_warnings(origin), *origin.ranking],
    ),
    _SYNTHETIC,
    Field(
        "synthetic_sources",
        "The sources that say of themselves that they are made up; of files the names alone.",
        get=lambda origin: list(origin.synthetic),
    ),
    _VERSION,
    _METHOD_VERSION,
)


WHOLE = timedelta(days=1) / 1000
"""What may be missing of a day that counts as seen whole."""


_GAPS_LISTED = 20
_SOURCES_NAMED = 3
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


def synthetic_banner(origin: Provenance) -> str:
    """Say that data are made up; empty for recorded data."""
    if not origin.synthetic:
        return ""
    if origin.all_synthetic:
        return "Synthetic data: these accounts are made up. Nothing here is about Bluesky."
    named = ", ".join(origin.synthetic[:_SOURCES_NAMED])
    more = len(origin.synthetic) - _SOURCES_NAMED
    others = f" and {more:,} more sources" if more > 0 else ""
    return f"Partly synthetic data: accounts of {named}{others} are made up."


def synthetic_mark(origin: Provenance) -> str:
    """Return the same in a few words, as every figure carries it."""
    if not origin.synthetic:
        return ""
    return "synthetic data" if origin.all_synthetic else "partly synthetic data"


def so_far(origin: Provenance) -> str:
    """Return how far the last day was seen, for the end of a sentence; empty if it is over.

    A day of which at least 99.9 % was seen counts as over.
    """
    last, window = origin.so_far, origin.window
    if last is None or window is None or window.end - last <= WHOLE:
        return ""
    return f", so far, until {last:%H:%M}"


def window_days(window: Window) -> int | None:
    """Count the UTC days of a window; None if it does not consist of whole ones."""
    ends = (window.start, window.end)
    if any(end.astimezone(UTC).time() != time() for end in ends):
        return None
    return (window.end - window.start) // timedelta(days=1)


def origin_warnings(origin: Provenance, *, marked: bool = False) -> tuple[str, ...]:
    """Return what nobody must overlook: made-up data, gaps, times, what does not count, and equals.

    Parameters
    ----------
    marked
        Whether `synthetic_mark` stands above: that all data are synthetic is then not said twice,
        and which of them are is.
    """
    banner = "" if marked and origin.all_synthetic else synthetic_banner(origin)
    return (
        *((banner,) if banner else ()),
        *gap_warnings(origin.gaps),
        *time_warnings(origin.time_from),
        *drawn_warnings(origin),
        *influence_warnings(origin),
        *ranking_warnings([origin]),
    )


def influence_warnings(origin: Provenance) -> tuple[str, ...]:
    """Return the sentence on what c does not count, unless somebody chose that."""
    return (origin.influence_note,) if origin.influence_note else ()


def ranking_warnings(origins: Sequence[Provenance]) -> tuple[str, ...]:
    """Return sentences on how followers do not rank the panels of some topics; none if they do."""
    found = dict.fromkeys(" ".join(origin.ranking) for origin in origins)
    if len(found) == 1:
        return tuple(filter(None, found))
    return tuple(
        f"{'All' if origin.topic is None else origin.topic.title}: {' '.join(origin.ranking)}"
        for origin in origins
        if origin.ranking
    )


def gap_warnings(gaps: Sequence[Gap]) -> tuple[str, ...]:
    """Return a sentence on how much of the window was not seen; none if all of it was."""
    if not gaps:
        return ()
    found, unseen = plural(len(gaps), "gap"), _duration(_unseen(gaps))
    return (f"The window has {found}, {unseen} in all; what happened then is missing.",)


_TIMES = {
    "server": "the server's own",
    "imported": "when an operator's server indexed them",
    "key": "those of their keys, which authors choose",
    "claimed": "those that their authors claim",
    "collected": "when they were collected",
}


def time_warnings(times: Sequence[TimeShare]) -> tuple[str, ...]:
    """Return a sentence on where times are from; none if all are the server's own."""
    if not times:
        return ()
    parts = ", ".join(f"{percent(share.share)} {_TIMES[share.kind]}" for share in times)
    return (f"Times of records are {parts}.",)


def times_json(times: Sequence[TimeShare]) -> dict[str, Json]:
    """Return the field that says where times are from; none if all are the server's own."""
    return TIME_FROM.json(times) if times else {}


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
        facts.append(Fact("window", spell_window(window) + so_far(origin)))
        if not origin.gaps:
            facts.append(Fact("gaps", "none"))
    facts.extend(gap_facts(origin.gaps))
    facts.append(Fact("feature scale", origin.feature_scale))
    facts.append(Fact("popularity", origin.popularity))
    if origin.influence:
        facts.append(Fact("influence", f"{', '.join(origin.influence)} received"))
    facts.extend(Fact("note", note) for note in origin.notes)
    facts.append(Fact("blueattr", origin.version))
    return tuple(facts)


def origin_json(origin: Provenance) -> dict[str, Json]:
    """Return a whole provenance as the fields of a JSON object."""
    return ORIGIN_OBJECT.json(origin) | times_json(origin.time_from) | drawn_json(origin)


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
