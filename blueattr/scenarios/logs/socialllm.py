"""Logs of SocialLLM: posts and reactions become a record of the opinion model."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from blueattr.errors import InputError
from blueattr.kernels import FloatArray, IntArray
from blueattr.scenarios.logs.folder import LogFolder, number_in, object_in
from blueattr.scenarios.logs.replay import replayed, widest
from blueattr.scenarios.models.opinion import Opinion
from blueattr.scenarios.record import Record, check_size
from blueattr.scenarios.record_file import shown
from blueattr.scenarios.scripts.numbering import padded

if TYPE_CHECKING:
    from blueattr.scenarios.protocol import Array

__all__ = ["read_socialllm"]


_ACTIONS, _RESULTS = "actions.json", "results.json"
_KEY = re.compile(r"\(\s*(['\"]?)(.+)\1\s*,\s*(\d{1,9})\s*\)", re.DOTALL | re.ASCII)
_INTEGERS = re.compile(r"\d{1,9}", re.ASCII)
_REACTIONS = {"like": 1, "dislike": -1, None: 0}


@dataclass(frozen=True)
class _Logs:
    """What the two files hold.

    Parameters
    ----------
    agents
        The names.
    beliefs
        float64 (steps + 1, n).
    risks
        float64 (steps + 1,), NaN where there is none.
    posted, said
        (steps, n).
    seen
        For each step and agent the posts it read, in order: their names, and its reactions.
    """

    agents: tuple[str, ...]
    beliefs: FloatArray
    risks: FloatArray
    posted: IntArray
    said: FloatArray
    seen: list[list[list[tuple[object, int]]]]
    remarks: tuple[str, ...]


def read_socialllm(path: str | Path) -> Record:
    """Make a record of a folder of SocialLLM's logs.

    Parameters
    ----------
    path
        A folder with ``actions.json`` and ``results.json``.

    Returns
    -------
    Record
        Of the opinion model. Its steps count from 0, as in the logs.

    Raises
    ------
    InputError
        A file is missing or not what it should be, or what an agent read cannot be found.
    """
    folder = LogFolder(path, "SocialLLM's logs, which has actions.json and results.json")
    logs = _read(folder)
    found, failures = [], []
    for how, reading in _READINGS.items():
        try:
            authors = _authors(logs, reading(logs))
        except InputError as error:
            failures.append(str(error))
            continue
        found.append((how, _record(logs, authors, folder)))
    if not found:
        raise InputError(f"{folder.name}/{_ACTIONS}: {failures[0]}")
    how, record = min(found, key=lambda one: one[1].deviation["belief"])
    if any(entries for step in logs.seen for entries in step):
        remark = f"A post_id is read as {how}."
        record = replace(record, remarks=(*record.remarks, remark))
    return record


# --- files ---------------------------------------------------------------------------------------


def _read(folder: LogFolder) -> _Logs:
    agents, beliefs, risks, peak = _results(folder)
    name = f"{folder.name}/{_ACTIONS}"
    steps, n = len(beliefs) - 1, len(agents)
    check_size(n, steps)
    place = {agent: k for k, agent in enumerate(agents)}
    posted, said = np.zeros((steps, n), np.int64), np.zeros((steps, n))
    seen: list[list[list[tuple[object, int]]]] = [[[] for _ in agents] for _ in range(steps)]
    there, late = set(), 0
    for key, entry in object_in(folder.json(_ACTIONS), name).items():
        agent, step = _key(key, place, name)
        if step >= steps:
            late += 1
            continue
        if (agent, step) in there:
            raise InputError(f"{name} has agent {shown(agents[agent])} in step {step} twice")
        there.add((agent, step))
        told = f"{name}, {shown(key)}"
        what = object_in(entry, told)
        if what.get("post") is not None:
            posted[step, agent] = 1
            said[step, agent] = number_in(what["post"], f"{told}: the post", -1, 1)
        seen[step][agent] = _interactions(what.get("interactions"), told)
    remarks = []
    if len(there) < steps * n:
        remarks.append(
            f"{steps * n - len(there):,} of {steps * n:,} pairs of an agent and a step are not in "
            "the log; they count as neither posting nor reading."
        )
    if late:
        remarks.append(f"{late:,} actions are left out: there are no beliefs after them.")
    largest = int(np.argmax(beliefs.var(axis=1)))
    if peak is not None and peak != largest:
        remarks.append(
            f"The logs name entry {peak} as the peak; the variance of the beliefs is largest in "
            f"entry {largest}."
        )
    return _Logs(agents, beliefs, risks, posted, said, seen, tuple(remarks))


def _results(folder: LogFolder) -> tuple[tuple[str, ...], FloatArray, FloatArray, int | None]:
    name = f"{folder.name}/{_RESULTS}"
    document = object_in(folder.json(_RESULTS), name)
    entries = document.get("timestep_results")
    if not isinstance(entries, list) or len(entries) < 2:
        raise InputError(
            f"{name}: timestep_results is no list of two entries or more: the start, and one a step"
        )
    agents: tuple[str, ...] = ()
    rows, risks = [], []
    for k, entry in enumerate(entries):
        told = f"{name}, entry {k}"
        beliefs = object_in(entry, told).get("beliefs")
        named = _named(beliefs, told)
        agents = agents or tuple(named)
        check_size(len(agents), len(entries) - 1)
        if named.keys() != {*agents}:
            raise InputError(f"{told} has beliefs of other agents than the first entry")
        rows.append([number_in(named[one], f"{told}: a belief", -1, 1) for one in agents])
        risk = entry.get("risk")
        risks.append(np.nan if risk is None else number_in(risk, f"{told}: the risk"))
    peak = document.get("max_risk_timestep")
    if peak is not None:
        peak = int(number_in(peak, f"{name}: max_risk_timestep", 0, len(entries) - 1))
    return agents, np.array(rows), np.array(risks), peak


def _named(beliefs: object, told: str) -> dict[str, Any]:
    """Return beliefs by the names of agents, which are their places in a list."""
    if isinstance(beliefs, list):
        beliefs = {str(k): one for k, one in enumerate(beliefs)}
    if not isinstance(beliefs, dict) or not beliefs or "" in beliefs:
        raise InputError(f"{told} has no beliefs, a list or an object with a number for each agent")
    return beliefs


def _key(key: str, place: Mapping[str, int], name: str) -> tuple[int, int]:
    found = _KEY.fullmatch(key)
    if found is None or found[2].strip() not in place:
        raise InputError(f"{name}: {shown(key)} is no agent and step, such as (0, 1)")
    return place[found[2].strip()], int(found[3])


def _interactions(given: object, told: str) -> list[tuple[object, int]]:
    if not isinstance(given or [], list):
        raise InputError(f"{told}: interactions is {shown(given)}, not a list")
    found = []
    for one in given or []:  # type: ignore[attr-defined]  # a list, as was just checked
        entry = object_in(one, f"{told}: an interaction")
        action = entry.get("action")
        if not isinstance(action, str | None) or action not in _REACTIONS:
            raise InputError(f"{told}: the action is {shown(action)}, not like, dislike or null")
        found.append((entry.get("post_id"), _REACTIONS[action]))
    return found


# --- whose post it was ---------------------------------------------------------------------------


_Reading = Callable[[object, int], int | None]


def _by_author(logs: _Logs) -> _Reading:
    place: dict[object, int] = {name: k for k, name in enumerate(logs.agents)}
    return lambda post, _: place.get(str(post) if _is_whole(post) else _hashable(post))


def _by_pair(first_is_author: bool) -> Callable[[_Logs], _Reading]:
    def reading(logs: _Logs) -> _Reading:
        place = {name: k for k, name in enumerate(logs.agents)}

        def author(post: object, step: int) -> int | None:
            numbers = _INTEGERS.findall(post) if isinstance(post, str) else post
            if not isinstance(numbers, list) or len(numbers) != 2:
                return None
            who, when = numbers if first_is_author else numbers[::-1]
            return place.get(str(who)) if str(when) == str(step) else None

        return author

    return reading


def _by_number(first: int) -> Callable[[_Logs], _Reading]:
    def reading(logs: _Logs) -> _Reading:
        steps, authors = np.nonzero(logs.posted)

        def author(post: object, step: int) -> int | None:
            digits = isinstance(post, str) and _INTEGERS.fullmatch(post)
            if not (_is_whole(post) or digits):
                return None
            k = int(post) - first  # type: ignore[call-overload]  # digits, or a whole number
            return int(authors[k]) if 0 <= k < len(steps) and steps[k] == step else None

        return author

    return reading


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _hashable(value: object) -> object:
    return value if isinstance(value, str) else None


_READINGS: Mapping[str, Callable[[_Logs], _Reading]] = {
    "the author": _by_author,
    "author and step": _by_pair(first_is_author=True),
    "step and author": _by_pair(first_is_author=False),
    "the number of the post in the run, from 0": _by_number(0),
    "the number of the post in the run, from 1": _by_number(1),
}
"""How posts may be named: the logs' own rule is not known, so the one that fits is taken."""


def _authors(logs: _Logs, reading: _Reading) -> list[list[list[tuple[int, int]]]]:
    """Return for each step and agent whom it read, and its reactions."""
    found = []
    for step, agents in enumerate(logs.seen):
        row = []
        for k, entries in enumerate(agents):
            pairs = []
            for post, reaction in entries:
                author = reading(post, step)
                if author is None or not logs.posted[step, author]:
                    raise InputError(
                        f"agent {shown(logs.agents[k])} reads the post {shown(post)} in step "
                        f"{step}, and nobody posts that in this step"
                    )
                pairs.append((author, reaction))
            row.append(pairs)
        found.append(row)
    return found


# --- record --------------------------------------------------------------------------------------


def _record(
    logs: _Logs, read: Sequence[Sequence[Sequence[tuple[int, int]]]], folder: LogFolder
) -> Record:
    steps, n = logs.posted.shape
    longest = max(len(pairs) for row in read for pairs in row)
    check_size(n, steps, longest)
    filled: list[dict[str, Array]] = []
    for row in read:
        authors = np.full((n, longest), Opinion.layout.actions["author"].pad, np.int64)
        reactions = np.zeros((n, longest), np.int64)
        for k, pairs in enumerate(row):
            for place, (author, reaction) in enumerate(pairs):
                authors[k, place], reactions[k, place] = author, reaction
        filled.append({"author": authors, "reaction": reactions})
    record = Record(
        scenario=Opinion.name,
        parameters={},
        agents=logs.agents,
        steps=tuple(range(steps)),
        states={"belief": logs.beliefs},
        actions={
            "presence": np.ones((steps, n)),
            "posted": logs.posted,
            "said": logs.said,
            **padded(filled, Opinion.layout.actions),
        },
        noise={},
        origin="socialllm",
        imported=folder.imported,
        remarks=logs.remarks,
    )
    model = Opinion(record)
    deviation: dict[str, float] = {"belief": 0.0, "said": 0.0, "risk": 0.0}
    for step in range(steps):
        wrote = logs.posted[step] > 0
        deviation = widest(
            deviation,
            belief=(replayed(model, step)["belief"], logs.beliefs[step + 1]),
            said=(logs.said[step][wrote], logs.beliefs[step][wrote]),
        )
    known = ~np.isnan(logs.risks)
    variance = logs.beliefs.var(axis=1)
    deviation = widest(deviation, risk=(variance[known], logs.risks[known]))
    return replace(record, deviation=deviation)
