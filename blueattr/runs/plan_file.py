"""What blueattr.toml may hold, and the plan of a run that it makes."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field

from blueattr.analysis.parse import (
    DEFAULT_DB,
    duration,
    memory_limit,
    moment,
    query,
    question,
    sampling,
)
from blueattr.errors import BlueattrError, UsageError
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
from blueattr.suggest import did_you_mean
from blueattr.toml_file import Place

if TYPE_CHECKING:
    from blueattr.runs.plan import Archive, Files, Following, Form, Plan

__all__ = ["KEY_VARIABLE", "REPORTS", "SECTIONS", "LogForm", "in_force", "make_plan", "needs_key"]


KEY_VARIABLE = "BLUEATTR_JETSTREAM_KEY"
"""The variable of the environment with the key of an archive."""


REPORTS = "reports"
"""The folder of reports of settings that name none."""


LogForm: TypeAlias = Literal["text", "json"]


_Forms: TypeAlias = ListOf[Literal["html", "json", "csv", "parquet", "png", "svg"]]


# --- what a value may be -------------------------------------------------------------------------


def _joined(values: tuple[Any, ...] | None) -> str | None:
    return None if values is None else ",".join(map(str, values))


def _asked(**choice: Any) -> None:
    """Ask for a panel as the options do, to have a choice checked."""
    query(**choice)


def _questioned(**choice: Any) -> None:
    question(**choice)


def _sampled(**choice: Any) -> None:
    sampling(**choice)


def _once(values: tuple[str, ...]) -> None:
    if len(set(values)) < len(values):
        raise UsageError(f"{', '.join(values)} names something twice")
    if "all-topics" in values and len(values) > 1:
        raise UsageError("all-topics stands alone; name topics, or ask for all of them")


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
    ), repeated=True, required=True),
    Section("report", (
        Key("topic", Words, None, _once, required=True),
        Key("topics", FilePath),
        Key("from", Time, None, lambda text: _asked(start=text)),
        Key("to", Time, None, lambda text: _asked(end=text)),
        Key("window", Text, None, lambda text: _asked(window=text)),
        Key("indicator", Words, ("all",)),
        Key("sizes", Numbers, (100, 1000), lambda x: _sampled(sizes=_joined(x))),
        Key("protocol", Words, ("visibility",), lambda x: _sampled(protocol=_joined(x))),
        Key("seeds", Whole, 10, lambda n: _sampled(seeds=n)),
        Key("seed", Whole, 0, lambda n: _sampled(seed=n)),
        Key("top", Annotated[Whole, Field(ge=1, le=1000)], 20),
        Key("scale", Literal["log1p", "raw"], "log1p"),
        Key("popularity", Literal["follows-received", "followers"], "follows-received"),
        Key("missing-followers", Literal["error", "drop", "received"], "error"),
        Key("tiers", Numbers, (1, 10), lambda x: _questioned(tiers=_joined(x))),
        Key("method", Literal["auto", "closed", "quadrature"], "auto"),
        Key("steps", Whole, None, lambda n: _questioned(method="quadrature", steps=n)),
        Key("aggregator", Literal["mean", "log", "geometric"], "mean"),
        Key("weights", Numbers, None, lambda x: _questioned(weights=_joined(x))),
        Key("bots", FilePath),
        Key("keep-bots", Flag, default=False),
        Key("max-rate", Text, None, lambda text: _asked(max_rate=text)),
    ), required=True),
    Section("output", (
        Key("reports", FilePath, REPORTS),
        Key("format", _Forms, ("html", "json")),
        Key("keep", Annotated[Whole, Field(ge=1, le=1_000_000)]),
    )),
    Section("log", (
        Key("form", LogForm, "text"),
        Key("file", FilePath),
    )),
)  # fmt: skip
"""Keys that are options of `blueattr ingest` or `blueattr report` are called and checked alike."""


# --- from settings to a plan ----------------------------------------------------------------------


def make_plan(settings: Settings) -> "Plan":
    """Turn settings into the plan of a run.

    Raises
    ------
    UsageError
        What they say together makes no sense, or names what is not there.
    """
    from blueattr.runs.plan import Plan

    chosen = settings.section("report")

    def ask(make: Callable[..., Any], keys: tuple[str, ...], **choices: Any) -> Any:
        """Make something of several settings; what is wrong is said of the last that was given."""
        try:
            return make(**choices)
        except BlueattrError as error:
            given = [k for k in keys if settings.setting("report", k).origin.kind != "default"]
            raise settings.blame(("report", (given or list(keys))[-1]), error) from None

    asked = ask(
        query,
        ("from", "to", "window", "missing-followers"),
        db=settings.path("db"),
        memory=settings["memory-limit",],
        topics=settings.path("report", "topics"),
        start=chosen["from"],
        end=chosen["to"],
        window=chosen["window"],
        scale=chosen["scale"],
        bots=settings.path("report", "bots"),
        keep_bots=chosen["keep-bots"],
        max_rate=chosen["max-rate"],
        popularity=chosen["popularity"],
        missing_followers=chosen["missing-followers"],
    )
    what = ask(
        question,
        ("tiers", "weights", "aggregator", "indicator", "method", "steps"),
        indicator=_joined(_indicators(settings)),
        method=chosen["method"],
        steps=chosen["steps"],
        aggregator=chosen["aggregator"],
        weights=_joined(chosen["weights"]),
        tiers=_joined(chosen["tiers"]),
    )
    samples = sampling(
        protocol=str(_joined(chosen["protocol"])), sizes=str(_joined(chosen["sizes"])),
        seeds=chosen["seeds"], seed=chosen["seed"],
    )  # fmt: skip
    _check_topics(settings)
    forms: tuple[Form, ...] = tuple(dict.fromkeys(settings["output", "format"]))
    reports = settings.path("output", "reports")
    assert reports is not None  # noqa: S101 - it has a default
    return Plan(
        query=asked,
        sources=tuple(_source(settings, k) for k in range(settings.count("sources"))),
        topics=chosen["topic"],
        question=what,
        sampling=samples,
        reports=reports,
        top=chosen["top"],
        forms=forms,
        keep=settings["output", "keep"],
        config=settings.file.resolve() if settings.file else None,
    )


def _indicators(settings: Settings) -> tuple[str, ...]:
    """Name the indicators; a file is where the settings say, not where the run happens."""
    setting = settings.setting("report", "indicator")
    found = []
    for word in setting.value:
        file, python, name = word.partition(".py")
        is_file = python and (not name or name.startswith(":"))
        found.append(str(settings.located(setting, file + python)) + name if is_file else word)
    return tuple(found)


def _check_topics(settings: Settings) -> None:
    from blueattr.panel import topics

    try:
        known = [*topics.load(settings.path("report", "topics")), topics.ALL, "all-topics"]
    except BlueattrError as error:
        raise settings.blame(("report", "topics"), error) from None
    for name in settings["report", "topic"]:
        if name not in known:
            hint = did_you_mean(name, known, "see: blueattr topics list")
            raise settings.blame(("report", "topic"), f"there is no topic {name!r}; {hint}")


# --- sources -------------------------------------------------------------------------------------

_OPTIONS = ("host", "for", "from", "to", "no-fill", "dictionary", "insecure")
_ALLOWED: dict[str, tuple[str, ...]] = {
    "files": (),
    "a stream": ("host", "for", "from", "no-fill", "dictionary", "insecure"),
    "the archive": ("host", "from", "to", "insecure"),
}


def _source(settings: Settings, number: int) -> "Files | Following | Archive":
    from blueattr.runs.plan import Files

    place: Place = ("sources", number)
    said = settings.section(*place)
    key = "read" if said["read"] else "plc"
    if bool(said["read"]) == bool(said["plc"]):
        given = [x for x in settings if x.place[:2] == place and x.origin.kind == "file"]
        where = (*place, "read") if said["read"] or not given else given[0].place
        raise settings.blame(where, "each of the sources has either read or plc")
    what = _kind(said)
    for option in _OPTIONS:
        is_said = settings.setting(*place, option).origin.kind != "default"
        if is_said and option not in _ALLOWED[what]:
            raise settings.blame((*place, option), f"makes no sense for {what}")
    try:
        if what == "a stream":
            return _stream(settings, place, said)
        if what == "the archive":
            return _archive(said)
    except BlueattrError as error:
        raise settings.blame((*place, "read"), error) from None
    setting = settings.setting(*place, key)
    if "-" in setting.value:
        raise settings.blame((*place, key), "a scheduled run has no standard input")
    files = tuple(str(settings.located(setting, text)) for text in setting.value)
    return Files(files, "plc" if key == "plc" else "file")


def _kind(said: Mapping[str, Any]) -> str:
    from blueattr.sources.find import is_network

    if not said["read"] or not is_network(said["read"]):
        return "files"
    return "the archive" if said["read"] == ("archive",) else "a stream"


def in_force(settings: Settings) -> list[Setting]:
    """Leave out what says nothing of a source of its kind."""
    kinds = [_kind(settings.section("sources", k)) for k in range(settings.count("sources"))]
    return [
        setting
        for setting in settings
        if setting.place[0] != "sources"
        or setting.place[2] in _ALLOWED[kinds[int(setting.place[1])]]
        or (setting.place[2] in {"read", "plc"} and setting.value is not None)
    ]


def _stream(settings: Settings, place: Place, said: Mapping[str, Any]) -> "Following":
    from blueattr.runs.plan import Following
    from blueattr.sources.archive.fill import gap_filler
    from blueattr.sources.find import find_streams

    streams = find_streams(
        said["read"], said["host"] or (), dictionary=settings.path(*place, "dictionary"),
        insecure=said["insecure"],
    )  # fmt: skip
    fill = None if said["no-fill"] else gap_filler(streams[0], insecure=said["insecure"])
    limit = duration(said["for"], "for")
    assert limit is not None  # noqa: S101 - of a text there is one
    return Following(streams, limit, moment(said["from"], "from"), fill)


def _archive(said: Mapping[str, Any]) -> "Archive":
    from blueattr.provenance import Window
    from blueattr.runs.plan import Archive
    from blueattr.sources.archive.key import ArchiveKey as Secret
    from blueattr.sources.archive.source import ArchiveSource
    from blueattr.sources.hosts import JETSTREAMS

    start, end = moment(said["from"], "from"), moment(said["to"], "to")
    if start is None or end is None:
        raise UsageError("which past? an archive needs from and to")
    hosts = said["host"] or JETSTREAMS[:1]
    if len(hosts) > 1:
        raise UsageError("an archive has sequence numbers of its own: name one host")
    window, secret = Window(start, end), Secret.from_environment()

    def make() -> ArchiveSource:
        return ArchiveSource(hosts[0], window, key=secret, insecure=said["insecure"])

    make()  # what it refuses is refused before the run
    return Archive(make, f"archive of {re.sub(r'^[a-z]+://', '', hosts[0])}")


def needs_key(settings: Settings) -> bool:
    """Tell whether a run can use the key of an archive."""
    kinds = [settings.section("sources", k) for k in range(settings.count("sources"))]
    return any(
        "archive" in (said["read"] or ()) or
        ("jetstream" in (said["read"] or ()) and not said["no-fill"])
        for said in kinds
    )  # fmt: skip
