"""Questions to a model until the answer is whole: forms of answer, asking again, what it cost."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from blueattr.errors import SourceError
from blueattr.judges.answers import Answer, Kind, form, read_answer, read_word, schema
from blueattr.judges.kept import Folder
from blueattr.judges.prompts import prompt
from blueattr.sources.chat import Completion, Message, as_completion

__all__ = ["Asking", "Counts", "TooLong", "estimated_tokens"]


_MOST_AGAIN = 2
_TOP = 5
_ECHO = 4000
_FORMS = ("json_schema", "json_object", "text")
_WORD_FORMS = ("logprobs", "plain")


class TooLong(Exception):  # noqa: N818 - no error where a batch can be halved
    """The prompt is longer than the model's context."""


def estimated_tokens(characters: int) -> int:
    """Return about how many tokens a text is: a quarter of its characters."""
    return math.ceil(characters / 4)


@dataclass(slots=True)
class Counts:
    """What asking took.

    Parameters
    ----------
    requests
        Replies, those from the folder included.
    again
        How many of these were asked for because an answer was not whole.
    halved
        How many batches were too long and were halved.
    unknown, twice, wrong
        Keys of answers that were not asked for, stood there twice, or had another value.
    characters, answer_characters
        Of the prompts, and of the answers.
    prompt_tokens, answer_tokens
        As the server counted them.
    uncounted
        Answers of which the server did not say how many tokens they took.
    form
        The form in which answers were asked for in the end.
    """

    requests: int = 0
    again: int = 0
    halved: int = 0
    unknown: int = 0
    twice: int = 0
    wrong: int = 0
    characters: int = 0
    answer_characters: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    uncounted: int = 0
    form: str = ""


@dataclass(slots=True)
class Asking:
    """Questions to one model.

    Parameters
    ----------
    folder
        Who replies.
    name
        The host, for messages.
    parameters
        Sent with every request, such as ``temperature``.
    on_answer
        Told after every reply.
    """

    folder: Folder
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    on_answer: Callable[[], None] = lambda: None
    counts: Counts = field(default_factory=Counts)
    _form: int = 0
    _word_form: int = 0

    def fill(self, text: str, fields: Mapping[str, Kind], seed: int) -> dict[str, Any]:
        """Ask for a value of each field; ask again, up to twice, for those that are missing.

        Parameters
        ----------
        text
            The prompt.
        fields
            What is asked for.
        seed
            For the model.

        Returns
        -------
        dict
            Without the fields that are still missing then.

        Raises
        ------
        TooLong
            The prompt is longer than the model's context.
        SourceError
            See `blueattr.sources.chat.ChatClient.post`; or an answer was cut off.
        """
        messages = _opening(text)
        values: dict[str, Any] = {}
        wanted = dict(fields)
        for attempt in range(1 + _MOST_AGAIN):
            said = self._formed(messages, wanted, seed + attempt)
            answer = read_answer(said.text, wanted)
            self._count(answer)
            values |= answer.values
            if not answer.missing:
                break
            wanted = {name: fields[name] for name in answer.missing}
            if attempt < _MOST_AGAIN:
                keys = ", ".join(wanted)
                again = prompt("again", keys=keys, form=form(wanted))
                messages = [*messages, *_exchange(said.text, again)]
                self.counts.again += 1
        return values

    def probability(self, text: str, seed: int) -> float | None:
        """Ask for yes or no; return the probability of yes, or None where it is neither.

        It is 0 or 1 where the server does not give probabilities. Parameters and errors are those
        of `fill`.
        """
        messages = _opening(text)
        for attempt in range(1 + _MOST_AGAIN):
            said = self._word(messages, seed + attempt)
            word = read_word(said.text)
            if word is not None:
                chance = _chance_of_yes(said.first)
                return float(word) if chance is None else chance
            if attempt < _MOST_AGAIN:
                messages = [*messages, *_exchange(said.text, prompt("again-word"))]
                self.counts.again += 1
        return None

    def _count(self, answer: Answer) -> None:
        self.counts.unknown += answer.unknown
        self.counts.twice += answer.twice
        self.counts.wrong += answer.wrong

    def _formed(
        self, messages: Sequence[Message], fields: Mapping[str, Kind], seed: int
    ) -> Completion:
        """Ask in the strictest form that the server takes."""
        while True:
            asked = _FORMS[self._form]
            more: dict[str, Any] = {}
            if asked == "json_schema":
                described = {"name": "answer", "strict": True, "schema": schema(fields)}
                more = {"response_format": {"type": asked, "json_schema": described}}
            elif asked == "json_object":
                more = {"response_format": {"type": asked}}
            said = self._ask(messages, {**more, "seed": seed}, last=asked == _FORMS[-1])
            if said is not None:
                self.counts.form = asked
                return said
            self._form += 1

    def _word(self, messages: Sequence[Message], seed: int) -> Completion:
        while True:
            asked = _WORD_FORMS[self._word_form]
            more = {"logprobs": True, "top_logprobs": _TOP} if asked == "logprobs" else {}
            said = self._ask(messages, {**more, "seed": seed}, last=asked == _WORD_FORMS[-1])
            if said is not None:
                self.counts.form = asked
                return said
            self._word_form += 1

    def _ask(
        self, messages: Sequence[Message], more: Mapping[str, Any], *, last: bool
    ) -> Completion | None:
        """Ask once; None where the form is refused and is not the last one."""
        reply = self.folder.post(messages, {**self.parameters, **more})
        self.on_answer()
        if reply.outcome == "too long":
            raise TooLong(reply.words)
        if reply.outcome == "refused":
            if not last:
                return None
            said = f": {reply.words}" if reply.words else ""
            raise SourceError(f"{self.name} refuses the request (status {reply.status}){said}")
        said_whole = as_completion(reply.document)
        counts = self.counts
        counts.requests += 1
        counts.characters += sum(len(message["content"]) for message in messages)
        counts.answer_characters += len(said_whole.text)
        if said_whole.prompt_tokens is None or said_whole.answer_tokens is None:
            counts.uncounted += 1
        counts.prompt_tokens += said_whole.prompt_tokens or 0
        counts.answer_tokens += said_whole.answer_tokens or 0
        if said_whole.finish == "length":
            raise SourceError(
                f"an answer of {self.name} was cut off before its end; ask for fewer rows at once "
                "(--rows), or permit longer answers (--max-tokens, or a setting of the server). "
                "The answers so far are kept: the same command goes on after them"
            )
        return said_whole


def _opening(text: str) -> list[Message]:
    return [
        {"role": "system", "content": prompt("system")},
        {"role": "user", "content": text},
    ]


def _exchange(said: str, again: str) -> list[Message]:
    echo = said[:_ECHO].strip() or "(no answer)"
    return [{"role": "assistant", "content": echo}, {"role": "user", "content": again}]


def _chance_of_yes(first: Mapping[str, float]) -> float | None:
    """Return P(yes) / (P(yes) + P(no)) of the first token; None where it is given for neither."""
    chances = {True: 0.0, False: 0.0}
    for token, value in first.items():
        word = {"yes": True, "no": False}.get(token.strip(" \t\n*\"'.").lower())
        if word is not None:
            chances[word] += math.exp(value)
    total = chances[True] + chances[False]
    return chances[True] / total if total > 0 else None
