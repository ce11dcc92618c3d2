"""Makes a report again from the command that stands in it."""

import inspect
import shlex
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueattr.analysis.asked import parse
from blueattr.analysis.asked.naming import Naming
from blueattr.analysis.asked.windows import period
from blueattr.analysis.groups.grouping import groups_of_report
from blueattr.analysis.topic_reports import report_topic, report_topics
from blueattr.attribution.question import Question, Sampling
from blueattr.errors import UsageError
from blueattr.panel.query import PanelQuery
from blueattr.studies.carriers.leaders import DEFAULT_LEADERS, check_top
from blueattr.studies.topic import TopicReport

__all__ = ["Again", "report_again"]


_CALLED = {"from": "start", "to": "end", "memory-limit": "memory"}
_FLAGS = {"keep-bots", "pseudonyms", "complete"}
_REPEATED = {"match"}
_OF_REPORT = {"top", "pseudonyms", "against", "by", "many_groups"}
_NUMBERS = ("steps", "seeds", "seed", "top")


@dataclass(frozen=True, slots=True)
class Again:
    """A report, made again, and what was asked."""

    report: TopicReport
    query: PanelQuery
    question: Question
    sampling: Sampling


def report_again(
    command: str, db: Path, memory: int, *, beside: Path, accounts: bool = False
) -> Again:
    """Compute the report that a command makes, from what a store has now.

    Parameters
    ----------
    command
        As `TopicReport.command` has it, of a store.
    db, memory
        The store, which must be that of the command; and the memory of the process.
    beside
        The output, beside which a key of pseudonyms is.
    accounts
        Whether to keep all accounts of the panel.

    Raises
    ------
    UsageError
        The command is of another version of blueattr, or about another store.
    BlueattrError
        See `report_topic`.
    """
    options = _options(command)
    named = options.pop("db", "")
    if not named or not Path(named).exists() or not Path(named).samefile(db):
        raise UsageError(f"the report was not made from {db}")
    makers: tuple[Callable[..., object], ...] = (parse.query, parse.question, parse.sampling)
    known = _OF_REPORT.union(*map(_names, makers))
    if unknown := options.keys() - known:
        raise UsageError(f"the report was made with options of another version: {sorted(unknown)}")
    query = parse.query(db=db, memory=memory, **_of(parse.query, options))
    question = parse.question(**_of(parse.question, options))
    sampling = parse.sampling(**_of(parse.sampling, options))
    top = check_top(int(options.get("top", DEFAULT_LEADERS)))
    pseudonyms = bool(options.get("pseudonyms", False))
    naming = Naming.of(top=top, pseudonyms=pseudonyms, beside=beside)
    told: dict[str, Any] = {"top": top, "naming": naming, "accounts": accounts}
    told["against"] = period(options["against"], "--against") if "against" in options else None
    told["by"] = groups_of_report(
        options.get("by"), options.get("many_groups", "join"), sampling.seed
    )
    if query.topic is None:  # an expression defines it
        report = report_topic(query, question, sampling, **told)
    else:
        # Like a page of several topics, it says so where a topic has no answer any more.
        asked = (query, (query.topic,), question, sampling)
        (report,) = report_topics(*asked, **told)
    return Again(report, query, question, sampling)


def _names(make: Callable[..., object]) -> set[str]:
    return set(inspect.signature(make).parameters)


def _of(make: Callable[..., object], options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in _names(make)}


def _options(command: str) -> dict[str, Any]:
    """Split a command into the parameters of the functions that parse them."""
    if "\0" in command:
        raise UsageError("its command has a zero byte")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"{command[:80]!r} is not as blueattr writes it: {error}") from error
    if words[:2] != ["blueattr", "report"]:
        raise UsageError(f"{command[:80]!r} makes no report")
    found: dict[str, Any] = {}
    several: dict[str, list[str]] = defaultdict(list)
    rest = iter(words[2:])
    for word in rest:
        name = word.removeprefix("--")
        key = _CALLED.get(name, name.replace("-", "_"))
        if not word.startswith("--"):
            raise UsageError(f"{command[:80]!r} is not as blueattr writes it")
        if name in _FLAGS:
            found[key] = True
        elif name in _REPEATED:
            several[key].append(next(rest, ""))
        else:
            found[key] = next(rest, "")
    try:
        numbers = {name: int(found[name]) for name in _NUMBERS if name in found}
    except ValueError as error:
        raise UsageError(f"{command[:80]!r} is not as blueattr writes it: {error}") from error
    return {**found, **several, **numbers}
