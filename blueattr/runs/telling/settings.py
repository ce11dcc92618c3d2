"""Settings of pings, metrics and notices, and what they make."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from blueattr.analysis.asked.parse import EVERY_TOPIC, duration
from blueattr.errors import BlueattrError, UsageError
from blueattr.notify.condition import MEASURES, Condition
from blueattr.runs.settings import FilePath, Flag, Key, ListOf, Section, Settings, Text
from blueattr.suggest import did_you_mean

if TYPE_CHECKING:
    from blueattr.attribution.question import Question
    from blueattr.notify.ping import Ping
    from blueattr.notify.teller import Destination
    from blueattr.toml_file import Place

__all__ = ["OF_RUNS", "SECTIONS", "Kind", "Telling", "make_telling", "secrets_of"]


Kind: TypeAlias = Literal["gap", "failure", "source-down", "report", "change-point"]
"""What somebody can be told of."""


_TIERS = ("top", "middle", "tail")
_Number: TypeAlias = Annotated[float | int, Field(description="a number")]
_Codes: TypeAlias = Annotated[
    ListOf[Annotated[int, Field(ge=0, le=255)]],
    Field(description="an exit code or a list of exit codes"),
]


def _check_measure(name: str) -> None:
    if name not in MEASURES:
        raise UsageError(
            f"there is no measure {name!r}; "
            + did_you_mean(name, MEASURES, f"known: {', '.join(MEASURES)}")
        )


def _check_tier(name: str) -> None:
    if name not in _TIERS:
        raise UsageError(
            f"there is no tier {name!r}; " + did_you_mean(name, _TIERS, ", ".join(_TIERS))
        )


def _check_time(text: str) -> None:
    duration(text, "at_most_every")


OF_RUNS: frozenset[Kind] = frozenset({"gap", "failure", "source-down", "report"})
"""Of what a run tells; of change points only a watch does."""


SECTIONS = (
    Section("ping", (
        Key("url", Text),
        Key("fine", _Codes, (9, 10)),
    )),
    Section("metrics", (
        Key("file", FilePath),
    )),
    Section("notify", (
        Key("on", ListOf[Kind], ("gap", "failure", "source-down")),
        Key("webhook", Text),
        Key("services", Flag, default=False),
    )),
    Section("notify.when", (
        Key("measure", Text, None, _check_measure, required=True),
        Key("topic", Text),
        Key("indicator", Text),
        Key("tier", Text, None, _check_tier),
        Key("group", Text),
        Key("above", _Number),
        Key("below", _Number),
        Key("changed_by", _Number),
        Key("at_most_every", Text, None, _check_time),
    ), repeated=True),
)  # fmt: skip
"""The settings that say who is told of runs and watches."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told of what.

    Parameters
    ----------
    ping
        A monitor of a run; None for none.
    metrics
        A file of metrics; None for none.
    destinations
        Where notices go.
    kinds
        What they are about, beside conditions.
    conditions
        What is looked at in each report, and by a watch each minute.
    """

    ping: "Ping | None" = None
    metrics: Path | None = None
    destinations: "tuple[Destination, ...]" = ()
    kinds: tuple[Kind, ...] = ()
    conditions: tuple[Condition, ...] = ()


def make_telling(settings: Settings, question: "Question") -> Telling:
    """Turn settings into who is told of what.

    Parameters
    ----------
    settings
        With the sections of a run.
    question
        What its reports ask.

    Raises
    ------
    UsageError
        Settings contradict each other, or a secret is missing.
    """
    destinations = _destinations(settings)
    number = settings.count("notify.when")
    conditions = tuple(_condition(settings, question, ("notify", "when", k)) for k in range(number))
    is_set = settings.setting("notify", "on").origin.kind != "default"
    if not destinations and (conditions or is_set):
        place = ("notify", "on") if is_set else ("notify", "when", 0, "measure")
        raise settings.blame(place, "tells nobody; set webhook, or services = true, in [notify]")
    return Telling(
        ping=_ping(settings),
        metrics=settings.path("metrics", "file"),
        destinations=destinations,
        kinds=tuple(dict.fromkeys(settings["notify", "on"])) if destinations else (),
        conditions=conditions,
    )


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return the environment variables that hold a secret of the settings."""
    from blueattr.notify.services import ADDRESSES
    from blueattr.notify.webhook import SECRET

    chosen = settings.section("notify")
    secrets = {"webhook": SECRET, "services": ADDRESSES}
    return tuple(variable for key, variable in secrets.items() if chosen[key])


def _ping(settings: Settings) -> "Ping | None":
    from blueattr.notify.ping import Ping

    url = settings["ping", "url"]
    if url is None:
        return None
    try:
        return Ping(url, settings["ping", "fine"])
    except BlueattrError as error:
        raise settings.blame(("ping", "url"), error) from None


def _destinations(settings: Settings) -> "tuple[Destination, ...]":
    from blueattr.notify.services import services_from_environment
    from blueattr.notify.webhook import Webhook

    found: list[Destination] = []
    url = settings["notify", "webhook"]
    if url is not None:
        try:
            found.append(Webhook(url))
        except BlueattrError as error:
            raise settings.blame(("notify", "webhook"), error) from None
    if settings["notify", "services"]:
        try:
            found += services_from_environment()
        except BlueattrError as error:
            raise settings.blame(("notify", "services"), error) from None
    return tuple(found)


def _condition(settings: Settings, question: "Question", place: "Place") -> Condition:
    given = settings.section(*place)

    def blame(key: str, problem: str) -> UsageError:
        is_given = given[key] is not None
        return settings.blame((*place, key if is_given else "measure"), problem)

    bounds = [name for name in ("above", "below", "changed_by") if given[name] is not None]
    if len(bounds) != 1:
        raise blame(bounds[1] if bounds else "measure", "set one of above, below and changed_by")
    if given["changed_by"] is not None and given["changed_by"] <= 0:
        raise blame("changed_by", "a change is more than 0")
    is_share, measure = given["measure"] == "share", given["measure"]
    whose = [name for name in ("tier", "group") if given[name] is not None]
    if is_share and len(whose) != 1:
        raise blame("tier", "a share is that of a tier or of a group: set one of them")
    if not is_share and whose:
        raise blame(whose[0], f"makes no sense for {measure}")
    if given["group"] is not None and settings["report", "by"] is None:
        raise blame("group", "the report has no groups; set by in [report]")
    if given["indicator"] is not None and (measure not in {"share", "total"} or given["group"]):
        raise blame("indicator", f"makes no sense for {'a group' if is_share else measure}")
    hides = settings["report", "pseudonyms"] or not settings["report", "top"]
    if measure == "new-accounts" and hides:
        raise blame("measure", "new-accounts needs a report that names accounts")
    every = given["at_most_every"]
    return Condition(
        measure=measure,
        topic=_topic(settings, place),
        indicator=_indicator(settings, question, place),
        tier=given["tier"] or "",
        group=given["group"] or "",
        above=given["above"],
        below=given["below"],
        changed_by=given["changed_by"],
        at_most_every=_every(every),
    )


def _every(text: str | None) -> timedelta | None:
    return None if text is None else duration(text, "at_most_every")


def _topic(settings: Settings, place: "Place") -> str:
    """Return the topic of a condition: one of the report's, or its only one."""
    from blueattr.analysis.topics import expand_names

    name: str | None = settings[(*place, "topic")]
    topics = settings["report", "topic"]
    known = expand_names(topics, settings.path("report", "topics"))
    if name is None:
        if len(known) > 1 or topics == (EVERY_TOPIC,):
            raise settings.blame((*place, "measure"), "the report has several topics: set topic")
        return known[0]
    if name.lower() not in known:
        hint = did_you_mean(name, known, f"it has {', '.join(known)}")
        raise settings.blame((*place, "topic"), f"the report is not about {name!r}; {hint}")
    return name.lower()


def _indicator(settings: Settings, question: "Question", place: "Place") -> str:
    from blueattr.indicators.find import find_indicator

    name: str | None = settings[(*place, "indicator")]
    known = [find_indicator(one).name for one in question.indicators]
    if name is not None and name not in known:
        hint = did_you_mean(name, known, f"it has {', '.join(known)}")
        raise settings.blame((*place, "indicator"), f"the report has no {name!r}; {hint}")
    return name or ""
