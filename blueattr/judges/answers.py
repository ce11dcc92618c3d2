"""What is asked of a model, as a schema, and what its answer holds of it: nothing is guessed."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = ["Answer", "Choice", "Kind", "form", "read_answer", "read_word", "schema"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these words."""

    words: tuple[str, ...]


Kind: TypeAlias = Literal["score", "truth", "text"] | Choice
"""A whole number from 0 to 100, true or false, any text (which may be missing), or one word."""


_HIGHEST = 100
_LONGEST = 300
# What reasoning models that are served without a parser put around what is not yet their answer.
_THOUGHT, _THOUGHT_OUT = "<think>", "</think>"
# One way to read each text: with two, a megabyte of dots takes hours.
_YES_OR_NO = re.compile(r"\W*(?:1\W*)?(yes|no)\b", re.IGNORECASE)
# An answer is a few thousand characters; where thousands of objects begin, none is looked for.
_MOST_BEGINNINGS = 200
_SHOWN = 100


class _Twice:
    """The value of a key that an object has twice."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer holds of what was asked.

    Parameters
    ----------
    values
        By key; each is what was asked for.
    missing
        Keys without such a value, in the order asked.
    unknown, twice, wrong
        How many keys were not asked for, stand there twice, or have another value.
    """

    values: Mapping[str, Any]
    missing: tuple[str, ...]
    unknown: int = 0
    twice: int = 0
    wrong: int = 0
    found: bool = field(default=True)
    """Whether there was an object at all."""


def schema(fields: Mapping[str, Kind]) -> dict[str, Any]:
    """Return the JSON schema of an answer: one required key for each field, and no other.

    >>> schema({"A1": "score"})["properties"]
    {'A1': {'type': 'integer', 'minimum': 0, 'maximum': 100}}
    """
    return {
        "type": "object",
        "properties": {name: _schema(kind) for name, kind in fields.items()},
        "required": list(fields),
        "additionalProperties": False,
    }


def _schema(kind: Kind) -> dict[str, Any]:
    match kind:
        case "score":
            return {"type": "integer", "minimum": 0, "maximum": _HIGHEST}
        case "truth":
            return {"type": "boolean"}
        case "text":
            # A small model may never end a sentence by itself.
            return {"type": "string", "maxLength": _LONGEST}
        case Choice(words):
            return {"type": "string", "enum": list(words)}


def form(fields: Mapping[str, Kind]) -> str:
    """Return in words what an answer should look like."""
    kinds = {name: _in_words(kind) for name, kind in fields.items()}
    common = set(kinds.values())
    if len(common) == 1:
        what = f"each with {common.pop()}" if len(kinds) > 1 else f"with {common.pop()}"
        keys = ", ".join(map(json.dumps, kinds))
    else:
        what, keys = (
            "",
            ", ".join(f"{json.dumps(name)} with {kind}" for name, kind in kinds.items()),
        )
    lead = f"Answer with one JSON object that has {'these keys' if len(kinds) > 1 else 'this key'}"
    return f"{lead}{', ' + what if what else ''}: {keys}"


def _in_words(kind: Kind) -> str:
    match kind:
        case "score":
            return f"a whole number from 0 to {_HIGHEST}"
        case "truth":
            return "true or false"
        case "text":
            return "a sentence"
        case Choice(words):
            few = len(words) <= _SHOWN
            return f"one of {', '.join(map(repr, words))}" if few else "the id of one of the rows"


def read_answer(text: str, fields: Mapping[str, Kind]) -> Answer:
    """Read the first JSON object of an answer, and take of it what was asked for.

    Parameters
    ----------
    text
        What a model said; perhaps with words around the object.
    fields
        What was asked for.

    Examples
    --------
    >>> answer = read_answer('Sure! {"A1": 7, "A2": 1.2, "B": 3}', {"A1": "score", "A2": "score"})
    >>> answer.values, answer.missing, answer.unknown, answer.wrong
    ({'A1': 7}, ('A2',), 1, 1)
    """
    found = _first_object(_without_thoughts(text))
    given = found or {}
    values = {
        name: given[name]
        for name, kind in fields.items()
        if name in given and _is(given[name], kind)
    }
    there = [name for name in fields if name in given]
    twice = sum(given[name] is _Twice for name in there)
    return Answer(
        values=values,
        missing=tuple(n for n, kind in fields.items() if n not in values and kind != "text"),
        unknown=len(given.keys() - fields.keys()),
        twice=twice,
        wrong=len(there) - len(values) - twice,
        found=found is not None,
    )


def _without_thoughts(text: str) -> str:
    start = text.find(_THOUGHT)
    end = text.find(_THOUGHT_OUT, start) if start >= 0 else -1
    return text if end < 0 else text[:start] + text[end + len(_THOUGHT_OUT) :]


def _is(value: object, kind: Kind) -> bool:
    match kind:
        case "score":  # a truth value is an int to Python, not to JSON
            return type(value) is int and 0 <= value <= _HIGHEST
        case "truth":
            return type(value) is bool
        case "text":
            return isinstance(value, str)
        case Choice(words):
            return isinstance(value, str) and value in words


def _first_object(text: str) -> dict[str, Any] | None:
    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=str)
    start = text.find("{")
    for _ in range(_MOST_BEGINNINGS):
        if start < 0:
            return None
        try:
            found, _end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
        else:
            return dict(found)
    return None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object in which a key that stands there twice has neither value."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        found[name] = _Twice if name in found else value
    return found


def read_word(text: str) -> bool | None:
    """Read whether an answer begins with yes or no; None where it begins with neither.

    >>> read_word("1. Yes. 2. It sold most."), read_word("**No**"), read_word("Not sure")
    (True, False, None)
    """
    found = _YES_OR_NO.match(_without_thoughts(text))
    return None if found is None else found[1].lower() == "yes"
