"""What decides the numbers of a report: digests of the store's state and of the choices."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blueattr.analysis.groups.sources import is_file
from blueattr.analysis.topic_reports import versions
from blueattr.analysis.topics import expand_names
from blueattr.indicators.find import find_indicator
from blueattr.panel import bots, topics
from blueattr.panel.synthetic import synthetic_sources
from blueattr.provenance import IndicatorInfo
from blueattr.report.numbers import iso
from blueattr.user_path import user_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.groups.grouping import ByGroup
    from blueattr.indicators.base import Indicator
    from blueattr.panel.query import PanelQuery
    from blueattr.provenance import Provenance, Window
    from blueattr.runs.plan import Plan
    from blueattr.store.database import Store

__all__ = ["basis_digest", "question_digest", "store_state"]


def store_state(store: "Store") -> dict[str, Any]:
    """Return what reports on a store depend on, as JSON values: counts, and sums of hashes."""
    state = store.frame("runs/state").to_dicts()[0]
    last = state["last_event"]
    made_up, every = synthetic_sources(store)
    return state | {
        "last_event": None if last is None else last.isoformat(),
        "synthetic": list(made_up),
        "all_synthetic": every,
    }


def basis_digest(
    plan: "Plan", state: "Mapping[str, Any]", window: "Window", naming: "Naming"
) -> str:
    """Hash all that can change a number, a figure or a file of a report.

    Parameters
    ----------
    plan
        Its choices; where files are does not count, what is in them does.
    state
        Of the store: JSON values.
    window
        Of the report: with whole days that are over, it moves with the clock.
    naming
        How accounts are named.
    """
    query, question = plan.query, plan.question
    known = topics.load(query.topics_file)
    names = expand_names(plan.topics, query.topics_file)
    indicators = [find_indicator(indicator) for indicator in question.indicators]
    # Each of these has the same repr in every process.
    choices = [
        _without_places(query),
        [replace(known[name], origin="") if name in known else name for name in names],
        [(one.name, _without_file(one.info)) for one in indicators],
        replace(question, indicators=()), plan.sampling, plan.top, naming.mark,
        sorted(plan.forms), plan.width, plan.change, _grouped(plan.by),
        versions(), (iso(window.start), iso(window.end)), _bots(query),
    ]  # fmt: skip
    return _digest([dict(state), *map(repr, choices)])


def question_digest(plan: "Plan", origin: "Provenance", indicator: "Indicator") -> str:
    """Hash what one share was asked with, whatever was in the store.

    Two runs with the same digest asked the same question, so their shares can be compared. A window
    of the last fourteen days is the same question on another day. Samples do not count: they change
    no share of the full panel. A choice that has its default does not count either, so that a later
    version may add one.

    Parameters
    ----------
    plan
        The choices.
    origin
        Of what was found: the topic, as it was matched, and what c counted, which can depend on
        what the store knew.
    indicator
        What was attributed.
    """
    asked = plan.question.settled(origin.is_searched)
    if asked.choice == "active":
        asked = replace(asked, panel=None)  # so until now, without a choice
    return _digest([
        _chosen(replace(_without_places(plan.query), influence=None)),
        list(origin.influence),
        repr(origin.topic),
        indicator.name,
        repr(_without_file(indicator.info)),
        _chosen(replace(asked, indicators=())),
        repr(_bots(plan.query)),
    ])  # fmt: skip


def _digest(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _chosen(choices: Any) -> dict[str, str]:
    """Return the fields of a dataclass that do not have their default."""
    return {
        one.name: repr(value)
        for one in fields(choices)
        if (value := getattr(choices, one.name)) != _default(one)
    }


def _default(one: Field[Any]) -> object:
    return one.default_factory() if one.default_factory is not MISSING else one.default


def _bots(query: "PanelQuery") -> Iterable[bots.BotRule]:
    return () if query.keep_bots else bots.bot_rules(query.bots_file)


def _grouped(by: "ByGroup | None") -> object:
    """Return what groups agents; of a file what is in it, not where it is."""
    if by is None:
        return None
    return by.many, [_content(level) if is_file(level) else level for level in by.levels]


def _content(path: str) -> str:
    try:
        return hashlib.sha256(user_path(path).read_bytes()).hexdigest()
    except OSError:
        return path  # the report says that it cannot be read


def _without_places(query: "PanelQuery") -> "PanelQuery":
    """Blank what cannot change a number: memory, and the paths of files whose content counts.

    The topic of a plan's query is ignored. Every other field counts, including fields added later.
    """
    return replace(
        query, db=Path(), memory=0, topic=None, match=(), topics_file=None, bots_file=None
    )


def _without_file(info: IndicatorInfo | None) -> IndicatorInfo | None:
    """Blank the path of an indicator's file, whose hash counts."""
    if info is None or info.sha256 is None:
        return info
    return replace(info, origin="", file=None)
