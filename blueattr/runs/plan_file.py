"""The settings that blueattr.toml can have, and the plan of a run that they make."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field

from blueattr.analysis.asked.parse import (
    DEFAULT_DB,
    EVERY_TOPIC,
    download_limit,
    duration,
    memory_limit,
    moment,
    query,
    question,
    sampling,
)
from blueattr.errors import BlueattrError, UsageError
from blueattr.report.figures.charts.printing import width_mm
from blueattr.runs.settings import (
    FilePath,
    Flag,
    Key,
    ListOf,
    Numbers,
    Section,
    Setting,
    Settings,
    Text,
    Time,
    Whole,
    Words,
)
from blueattr.runs.telling import settings as telling
from blueattr.suggest import did_you_mean
from blueattr.toml_file import Place

if TYPE_CHECKING:
    from pathlib import Path

    from blueattr.analysis.groups.grouping import ByGroup
    from blueattr.attribution.question import Question
    from blueattr.runs.plan import Archive, Files, Following, Form, Plan

__all__ = [
    "KEY_VARIABLE",
    "REPORTS",
    "SECTIONS",
    "LogForm",
    "in_force",
    "make_plan",
    "needs_key",
    "store_of",
    "telling_of",
]


KEY_VARIABLE = "BLUEATTR_JETSTREAM_KEY"
"""The environment variable that holds the key of the archive."""


REPORTS = "reports"
"""The folder of reports if the settings name none."""


LogForm: TypeAlias = Literal["text", "json"]


_Forms: TypeAlias = ListOf[
    Literal["html", "json", "csv", "parquet", "md", "tex", "png", "svg", "pdf", "datasette"]
]


# --- what a value may be -------------------------------------------------------------------------


def _commas(values: tuple[Any, ...]) -> str:
    return ",".join(map(str, values))


def _check_once(values: tuple[str, ...]) -> None:
    if len(set(values)) < len(values):
        raise UsageError(f"{', '.join(values)} names something twice")
    if EVERY_TOPIC in values and len(values) > 1:
        raise UsageError("all-topics cannot be combined with other topics")


def _check_groups(text: str) -> None:
    from blueattr.analysis.groups.grouping import groups_of_report

    groups_of_report(text)


SECTIONS = (
    Section("", (
        Key("db", FilePath, str(DEFAULT_DB)),
        Key("memory-limit", Text, "4GB", memory_limit),
    )),
    Section("sources", (
        Key("read", Words),
        Key("plc", Words),
        Key("host", Words),
        Key("for", Text, "15m", lambda text: duration(text, "--for")),
        Key("from", Time, None, lambda text: moment(text, "--from")),
        Key("to", Time, None, lambda text: moment(text, "--to")),
        Key("no-fill", Flag, default=False),
        Key("dictionary", FilePath),
        Key("insecure", Flag, default=False),
        Key("accounts", FilePath),
        Key("max-bytes", Text, "20GB", download_limit),
    ), repeated=True, required=True),
    Section("report", (
        Key("topic", Words, None, _check_once, required=True),
        Key("topics", FilePath),
        Key("from", Time, None, lambda text: query(start=text)),
        Key("to", Time, None, lambda text: query(end=text)),
        Key("window", Text, None, lambda text: query(window=text)),
        Key("complete", Flag, default=False),
        Key("indicator", Words, ("all",)),
        Key("panel", Literal["active", "involved"]),
        Key("sizes", Numbers, None, lambda x: sampling(sizes=_commas(x))),
        Key("protocol", Words, ("visibility",), lambda x: sampling(protocol=_commas(x))),
        Key("seeds", Whole, 10, lambda n: sampling(seeds=n)),
        Key("seed", Whole, 0, lambda n: sampling(seed=n)),
        Key("top", Annotated[Whole, Field(ge=0, le=1000)], 10),
        Key("pseudonyms", Flag, default=False),
        Key("change", Flag, default=True),
        Key("by", Text, None, _check_groups),
        Key("many-groups", Literal["join", "sample"], "join"),
        Key("scale", Literal["log1p", "raw"], "log1p"),
        Key("popularity", Literal["follows-received", "followers"], "follows-received"),
        Key("missing-followers", Literal["error", "drop", "received"], "error"),
        Key("influence", Words, None, lambda kinds: query(influence=_commas(kinds))),
        Key("tiers", Numbers, (1, 10), lambda x: question(tiers=_commas(x))),
        Key("method", Literal["auto", "closed", "quadrature"], "auto"),
        Key("steps", Whole, None, lambda n: question(method="quadrature", steps=n)),
        Key("aggregator", Literal["mean", "log", "geometric"], "mean"),
        Key("weights", Numbers, None, lambda x: question(weights=_commas(x))),
        Key("bots", FilePath),
        Key("keep-bots", Flag, default=False),
        Key("max-rate", Text, None, lambda text: query(max_rate=text)),
    ), required=True),
    Section("output", (
        Key("reports", FilePath, REPORTS),
        Key("format", _Forms, ("html", "json")),
        Key("width", Text, None, width_mm),
        Key("keep", Annotated[Whole, Field(ge=1, le=1_000_000)]),
    )),
    Section("log", (
        Key("form", LogForm, "text"),
        Key("file", FilePath),
    )),
    *telling.SECTIONS,
)  # fmt: skip
"""All settings. They have the names and checks of the options of `blueattr ingest` and `report`."""


# --- from settings to a plan ----------------------------------------------------------------------


def make_plan(settings: Settings) -> "Plan":
    """Turn settings into the plan of a run.

    Raises
    ------
    UsageError
        Settings contradict each other, or name something that does not exist.
    """
    from blueattr.runs.plan import Plan

    chosen = settings.section("report")
    panel_query = _parsed(
        settings,
        query,
        ("from", "to", "window", "complete", "missing-followers"),
        db=store_of(settings),
        memory=settings["memory-limit",],
        topics=settings.path("report", "topics"),
        start=chosen["from"],
        end=chosen["to"],
        window=chosen["window"],
        complete=chosen["complete"],
        scale=chosen["scale"],
        bots=settings.path("report", "bots"),
        keep_bots=chosen["keep-bots"],
        max_rate=chosen["max-rate"],
        popularity=chosen["popularity"],
        missing_followers=chosen["missing-followers"],
        influence=None if chosen["influence"] is None else _commas(chosen["influence"]),
    )
    panel_question = _question(settings)
    panel_sampling = sampling(
        protocol=_commas(chosen["protocol"]), sizes=chosen["sizes"],
        seeds=chosen["seeds"], seed=chosen["seed"],
    )  # fmt: skip
    _check_topics(settings)
    forms: tuple[Form, ...] = tuple(dict.fromkeys(settings["output", "format"]))
    reports = settings.path("output", "reports")
    assert reports is not None  # noqa: S101 - it has a default
    return Plan(
        query=panel_query,
        sources=tuple(_source(settings, k) for k in range(settings.count("sources"))),
        topics=chosen["topic"],
        question=panel_question,
        sampling=panel_sampling,
        reports=reports,
        top=chosen["top"],
        forms=forms,
        width=_width(settings, forms),
        keep=settings["output", "keep"],
        config=settings.file.resolve() if settings.file else None,
        pseudonyms=chosen["pseudonyms"],
        change=chosen["change"],
        by=_groups(settings),
        telling=telling.make_telling(settings, panel_question),
    )


def telling_of(settings: Settings) -> "telling.Telling":
    """Turn settings into who is told of what, without the rest of a run's plan.

    Raises
    ------
    UsageError
        Settings contradict each other, or a secret is missing.
    """
    return telling.make_telling(settings, _question(settings))


def _parsed(
    settings: Settings, make: Callable[..., Any], keys: tuple[str, ...], **choices: Any
) -> Any:
    """Parse several settings together; an error blames the last of them that is set."""
    try:
        return make(**choices)
    except BlueattrError as error:
        explicit = [k for k in keys if settings.setting("report", k).origin.kind != "default"]
        raise settings.blame(("report", (explicit or list(keys))[-1]), error) from None


def _question(settings: Settings) -> "Question":
    chosen = settings.section("report")
    asked: Question = _parsed(
        settings,
        question,
        ("tiers", "weights", "aggregator", "indicator", "method", "steps"),
        indicator=_commas(_indicators(settings)),
        method=chosen["method"],
        steps=chosen["steps"],
        aggregator=chosen["aggregator"],
        weights=None if chosen["weights"] is None else _commas(chosen["weights"]),
        tiers=_commas(chosen["tiers"]),
        panel=chosen["panel"],
    )
    return asked


def _groups(settings: Settings) -> "ByGroup | None":
    """Return what groups agents; the path of a file is relative to the settings file."""
    from blueattr.analysis.groups.grouping import groups_of_report
    from blueattr.analysis.groups.sources import is_file

    chosen, setting = settings.section("report"), settings.setting("report", "by")
    try:
        made = groups_of_report(setting.value, chosen["many-groups"], chosen["seed"])
    except BlueattrError as error:
        raise settings.blame(("report", "many-groups"), error) from None
    if made is None:
        return None
    levels = (
        str(settings.located(setting, level)) if is_file(level) else level for level in made.levels
    )
    return replace(made, levels=tuple(levels))


def store_of(settings: Settings) -> "Path":
    """Return the file of the store.

    Raises
    ------
    UsageError
        It is named as no file is.
    """
    from blueattr.store.store_file import store_file

    try:
        store_file(settings["db",])
    except BlueattrError as error:
        raise settings.blame(("db",), error) from None
    path = settings.path("db")
    assert path is not None  # noqa: S101 - it has a default
    return path


def _indicators(settings: Settings) -> tuple[str, ...]:
    """Return the indicators; the path of a file is relative to the settings file."""
    setting = settings.setting("report", "indicator")
    indicators = []
    for word in setting.value:
        file, python, name = word.partition(".py")
        is_file = python and (not name or name.startswith(":"))
        path = str(settings.located(setting, file + python)) if is_file else ""
        indicators.append(path + name if is_file else word)
    return tuple(indicators)


def _width(settings: Settings, forms: "tuple[Form, ...]") -> float | None:
    """Return the width of figures; what has one is a picture."""
    text = settings["output", "width"]
    if text is None:
        return None
    if not {"png", "svg", "pdf"} & set(forms):
        raise settings.blame(("output", "width"), "no format is that of a picture: png, svg, pdf")
    return width_mm(text)


def _check_topics(settings: Settings) -> None:
    from blueattr.panel import topics

    try:
        known = [*topics.load(settings.path("report", "topics")), topics.ALL, EVERY_TOPIC]
    except BlueattrError as error:
        raise settings.blame(("report", "topics"), error) from None
    for name in settings["report", "topic"]:
        if name.lower() not in known:
            hint = did_you_mean(name, known, "see: blueattr topics list")
            raise settings.blame(("report", "topic"), f"there is no topic {name!r}; {hint}")


# --- sources -------------------------------------------------------------------------------------

_OPTIONS = (
    "host", "for", "from", "to", "no-fill", "dictionary", "insecure", "accounts", "max-bytes",
)  # fmt: skip
_ALLOWED: dict[str, tuple[str, ...]] = {
    "files": (),
    "a stream": ("host", "for", "from", "no-fill", "dictionary", "insecure"),
    "the archive": ("host", "from", "to", "insecure", "accounts", "max-bytes"),
}


def _source(settings: Settings, number: int) -> "Files | Following | Archive":
    from blueattr.runs.plan import Files

    place: Place = ("sources", number)
    table = settings.section(*place)
    key = "read" if table["read"] else "plc"
    if bool(table["read"]) == bool(table["plc"]):
        in_file = [x for x in settings if x.place[:2] == place and x.origin.kind == "file"]
        where = (*place, "read") if table["read"] or not in_file else in_file[0].place
        raise settings.blame(where, "a source has either read or plc")
    kind = _kind(table)
    for option in _OPTIONS:
        is_set = settings.setting(*place, option).origin.kind != "default"
        if is_set and option not in _ALLOWED[kind]:
            raise settings.blame((*place, option), f"makes no sense for {kind}")
    try:
        if kind == "a stream":
            return _stream(settings, place, table)
        if kind == "the archive":
            return _archive(settings, place, table)
    except BlueattrError as error:
        raise settings.blame((*place, "read"), error) from None
    setting = settings.setting(*place, key)
    if "-" in setting.value:
        raise settings.blame((*place, key), "a scheduled run has no standard input")
    files = tuple(str(settings.located(setting, text)) for text in setting.value)
    return Files(files, "plc" if key == "plc" else "file")


def _kind(table: Mapping[str, Any]) -> str:
    from blueattr.sources.find import is_network

    if not table["read"] or not is_network(table["read"]):
        return "files"
    return "the archive" if table["read"] == ("archive",) else "a stream"


def in_force(settings: Settings) -> list[Setting]:
    """Return the settings without those that a source of its kind does not take."""
    kinds = [_kind(settings.section("sources", k)) for k in range(settings.count("sources"))]
    return [
        setting
        for setting in settings
        if setting.place[0] != "sources"
        or setting.place[2] in _ALLOWED[kinds[int(setting.place[1])]]
        or (setting.place[2] in {"read", "plc"} and setting.value is not None)
    ]


def _stream(settings: Settings, place: Place, table: Mapping[str, Any]) -> "Following":
    from blueattr.runs.plan import Following
    from blueattr.sources.archive.fill import gap_filler
    from blueattr.sources.find import find_streams

    streams = find_streams(
        table["read"], table["host"] or (), dictionary=settings.path(*place, "dictionary"),
        insecure=table["insecure"],
    )  # fmt: skip
    fill = None if table["no-fill"] else gap_filler(streams[0], insecure=table["insecure"])
    limit = duration(table["for"], "for")
    assert limit is not None  # noqa: S101 - only None becomes None
    return Following(streams, limit, moment(table["from"], "from"), fill)


def _archive(settings: Settings, place: Place, table: Mapping[str, Any]) -> "Archive":
    from blueattr.provenance import Window
    from blueattr.runs.plan import Archive
    from blueattr.sources.archive.accounts import read_accounts
    from blueattr.sources.archive.key import ArchiveKey as Secret
    from blueattr.sources.archive.source import ArchiveSource
    from blueattr.sources.hosts import JETSTREAMS

    start, end = moment(table["from"], "from"), moment(table["to"], "to")
    if start is None or end is None:
        raise UsageError("an archive needs from and to")
    hosts = table["host"] or JETSTREAMS[:1]
    if len(hosts) > 1:
        raise UsageError("an archive has sequence numbers of its own: name one host")
    window, secret = Window(start, end), Secret.from_environment()
    limited, most = settings.path(*place, "accounts"), download_limit(table["max-bytes"])

    def make() -> ArchiveSource:
        accounts = None if limited is None else read_accounts(limited)
        return ArchiveSource(
            hosts[0], window, key=secret, insecure=table["insecure"], accounts=accounts, most=most
        )

    make()  # raise its errors before the run
    return Archive(make, f"archive of {re.sub(r'^[a-z]+://', '', hosts[0])}")


def needs_key(settings: Settings) -> bool:
    """Return whether a run can use the key of the archive."""
    tables = [settings.section("sources", k) for k in range(settings.count("sources"))]
    return any(
        "archive" in (table["read"] or ()) or
        ("jetstream" in (table["read"] or ()) and not table["no-fill"])
        for table in tables
    )  # fmt: skip
