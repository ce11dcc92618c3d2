"""A server with OpenAI's chat completions: calls that are bounded, retried, and understood.

What comes back is one of three: a completion, a refusal of what the request asks for beside its
messages, or of its length. Whoever asks decides what to do about the last two.
"""

import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import httpx

from blueattr.errors import SourceError, UsageError
from blueattr.sources.backoff import LONGEST_WAIT, Backoff
from blueattr.sources.hosts import check_url, instance, is_loopback
from blueattr.sources.http import (
    TOO_MANY,
    TRANSIENT,
    NoAnswer,
    SmallAnswer,
    describe,
    post_small,
    requested_wait,
)
from blueattr.sources.key import ServerKey
from blueattr.sources.timing import Timing

__all__ = ["KEY", "ChatClient", "Completion", "JudgeKey", "Message", "Reply", "as_completion"]


KEY = "BLUEATTR_JUDGE_KEY"
"""The environment variable that holds the key to a server of judges."""


Message: TypeAlias = Mapping[str, str]
"""A message of a conversation: ``role`` and ``content``."""


_LARGEST_ANSWER = 1 << 20
_LONGEST_WORDS = 300
_BACKOFF = Backoff(first=1.0, ceiling=60.0, attempts=8, attempts_at_first=4)
# Tries at an answer that makes no sense; each may be paid for.
_ATTEMPTS_AT_NONSENSE = 3
_NO_ACCESS = (401, 403)
_TOO_LARGE = 413
# What is asked for beside the messages may be what is refused.
_REFUSED = (400, 422)
_TOO_LONG = re.compile(
    r"context[ _-]?(?:length|size|window)|exceed_context|maximum context|too many tokens"
    r"|(?:prompt|input|request|message)s? (?:is|are) too long|n_ctx|reduce the length",
    re.IGNORECASE,
)
_GO_ON = "the answers so far are kept: run the same command again to continue"


class JudgeKey(ServerKey):
    """The key to a server of judges; see `blueattr.sources.key.ServerKey`."""

    __slots__ = ()

    variable = KEY


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server says to a request, as it can be kept.

    Parameters
    ----------
    outcome
        ``completion``, ``refused`` (of what is asked for beside the messages), or ``too long``.
    status
        The HTTP status.
    document
        The JSON of the body, without the key; null where it is none.
    words
        Why it refuses, in its own words, on one line.
    """

    outcome: Literal["completion", "refused", "too long"]
    status: int
    document: Any
    words: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answers.

    Parameters
    ----------
    text
        The answer; empty where the model declines to give one.
    finish
        Why it ends: ``stop``, or ``length`` where it was cut off.
    first
        Log-probabilities of what could have been its first token, where the server says them.
    prompt_tokens, answer_tokens
        As the server counts them; None where it does not.
    """

    text: str
    finish: str
    first: Mapping[str, float] = field(default_factory=dict)
    prompt_tokens: int | None = None
    answer_tokens: int | None = None


class _FaultError(Exception):
    """A call failed in a way that another try may mend."""

    def __init__(self, what: str, wait: float = 0.0, *, nonsense: bool = False) -> None:
        super().__init__(what)
        self.wait = wait
        self.nonsense = nonsense


class ChatClient:
    """Calls of ``POST …/chat/completions`` at one server.

    Parameters
    ----------
    base_url
        ``https://``, or ``http://`` on loopback, as its makers give it: with a path such as
        ``/v1``, which is the one used where there is none.
    model
        Its name at this server.
    key
        Sent to this server alone; a redirect is not followed.
    timing
        Clocks, chance and waiting.
    patience
        Seconds that an answer may take.
    on_wait
        Told the seconds and the reason before every wait.

    Raises
    ------
    UsageError
        `base_url` is refused (see `blueattr.sources.hosts.check_url`), or there is no model.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        key: ServerKey | None = None,
        *,
        timing: Timing | None = None,
        patience: float = 600.0,
        on_wait: Callable[[float, str], None] | None = None,
    ) -> None:
        parts = check_url(base_url, only_http=True)
        if parts.query or parts.fragment:
            raise UsageError(
                f"the address of {parts.hostname} has parts after ? or #; leave them out (a key "
                f"belongs in {KEY})"
            )
        path = parts.path.rstrip("/") or "/v1"
        self.url = f"{parts.scheme}://{parts.netloc}{path}/chat/completions"
        try:
            _ = httpx.URL(self.url).host
        except (httpx.InvalidURL, UnicodeError) as error:
            raise UsageError(f"not an address: {base_url!r} ({error})") from None
        if not model.strip():
            raise UsageError("name a model, as the server calls it")
        self.host = instance(parts)
        self.model = model
        self.calls = 0
        """Requests sent, those that failed included."""
        self._key = key
        self._direct = is_loopback(parts.hostname or "")
        self._timing = timing or Timing()
        self._patience = patience
        self._on_wait = on_wait or (lambda _seconds, _why: None)
        self._has_answered = False

    def post(self, messages: Sequence[Message], parameters: Mapping[str, Any]) -> Reply:
        """Send a conversation until there is a reply, or no hope for one.

        Parameters
        ----------
        messages
            The conversation.
        parameters
            What is asked for beside them, such as ``temperature`` and ``response_format``.

        Raises
        ------
        SourceError
            The server cannot be reached, fails or answers with nonsense again and again, refuses
            us, or wants us to wait for more than an hour.
        """
        request = {"model": self.model, "messages": list(messages), **parameters, "stream": False}
        body = json.dumps(request, allow_nan=False).encode()
        failed = nonsense = 0
        while True:
            try:
                reply = self._try(body)
            except _FaultError as fault:
                failed += 1
                nonsense += fault.nonsense
                if (
                    _BACKOFF.gives_up(failed, answered=self._has_answered)
                    or nonsense >= _ATTEMPTS_AT_NONSENSE
                ):
                    times = f"{failed} times in a row" if failed > 1 else "once"
                    raise SourceError(f"{self.host} {fault}, {times}; {_GO_ON}") from None
                wait = max(_BACKOFF.wait(failed, self._timing.jitter()), fault.wait)
                if wait > LONGEST_WAIT:
                    hours = wait / 3600
                    raise SourceError(
                        f"{self.host} asks to wait for {hours:.1f} hours; {_GO_ON}"
                    ) from None
                self._on_wait(wait, f"{self.host} {fault}")
                (self._timing.sleep or time.sleep)(wait)
            else:
                self._has_answered = True
                return reply

    def _try(self, body: bytes) -> Reply:
        self.calls += 1
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        sign = None if self._key is None else self._key.sign
        try:
            answer = post_small(
                self.url,
                body,
                limit=_LARGEST_ANSWER,
                patience=self._patience,
                headers=headers,
                sign=sign,
                direct=self._direct,
            )
        except NoAnswer as error:
            raise _FaultError(f"does not answer ({self._hidden(str(error))})") from None
        document = self._document(answer.body) if answer.complete else None
        words = self._hidden(_words(document))
        status = answer.status
        if status == httpx.codes.OK:
            self._check(answer, document)
            return Reply("completion", status, document)
        if status == _TOO_LARGE or (status in _REFUSED and _TOO_LONG.search(words)):
            return Reply("too long", status, document, words)
        if status in _REFUSED:
            return Reply("refused", status, document, words)
        raise self._failure(answer, words)

    def _check(self, answer: SmallAnswer, document: object) -> None:
        """Refuse what is no completion, and may be one at the next try."""
        if not answer.complete:
            raise _FaultError("answers with too much, or too slowly", nonsense=True)
        try:
            as_completion(document)
        except ValueError as error:
            raise _FaultError(f"answers with {error}", nonsense=True) from None

    def _failure(self, answer: SmallAnswer, words: str) -> Exception:
        """Return what a status means that is no reply: a fault, or the end."""
        status = answer.status
        said = f": {words}" if words else ""
        if status == TOO_MANY or status in TRANSIENT:
            asked = requested_wait(answer.headers, self._timing.now()) or 0.0
            what = "permits no more for now" if status == TOO_MANY else f"fails with {status}"
            return _FaultError(f"{what}{said}", asked)
        if status in _NO_ACCESS:
            return SourceError(f"{self.host} refuses us ({status}): {self._about_key()}")
        if 300 <= status < 400:
            return SourceError(
                f"{self.host} redirects to another address ({status}); blueattr does not follow, "
                "because the key and the prompts are for this host alone"
            )
        return SourceError(
            f"{self.url} answers with status {status}{said}; is it the address of an "
            f"OpenAI-compatible server, and does it have the model {self.model!r}?"
        )

    def _about_key(self) -> str:
        if self._key is None:
            return f"set {KEY} in the environment to a key for it"
        return f"it does not accept the key in {KEY}"

    def _document(self, body: bytes) -> Any:
        """Parse JSON, without the key wherever it stands in it; None where it is none."""
        try:
            return self._without_key(json.loads(body, parse_constant=str))
        except (ValueError, RecursionError):
            return None

    def _without_key(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._hidden(value)
        if isinstance(value, list):
            return [self._without_key(part) for part in value]
        if isinstance(value, dict):
            return {self._hidden(name): self._without_key(part) for name, part in value.items()}
        return value

    def _hidden(self, text: str) -> str:
        return text if self._key is None else self._key.hide(text)


def as_completion(document: object) -> Completion:
    """Read a chat completion; everything in it may be wrong.

    Parameters
    ----------
    document
        The JSON of a body.

    Raises
    ------
    ValueError
        It is none; says what it is, as in "something that is not JSON".

    Examples
    --------
    >>> message = {"role": "assistant", "content": "Yes"}
    >>> as_completion({"choices": [{"message": message, "finish_reason": "stop"}]}).text
    'Yes'
    """
    if not isinstance(document, dict):
        raise ValueError("something that is no JSON object")  # noqa: TRY004 - one error for all
    choices = document.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise ValueError("no choice that holds a message")  # noqa: TRY004 - the same
    content, finish = message.get("content"), choice.get("finish_reason")
    usage = document.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Completion(
        text=content if isinstance(content, str) else "",
        finish=finish if isinstance(finish, str) else "",
        first=_first_token(choice.get("logprobs")),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        answer_tokens=_count(usage.get("completion_tokens")),
    )


def _first_token(logprobs: object) -> dict[str, float]:
    """Return the log-probabilities of what could have been the first token; perhaps of none."""
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    first = tokens[0] if isinstance(tokens, list) and tokens else None
    listed = first.get("top_logprobs") if isinstance(first, dict) else None
    found = {}
    for item in listed if isinstance(listed, list) else ():
        if not isinstance(item, dict):
            continue
        token, value = item.get("token"), item.get("logprob")
        if isinstance(token, str) and isinstance(value, int | float) and not math.isnan(value):
            found[token] = min(float(value), 0.0)
    return found


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _words(document: object) -> str:
    """Return what an error says, on one line; empty where it says nothing."""
    found = document.get("error", document) if isinstance(document, dict) else document
    if isinstance(found, dict):
        parts = [found.get(name) for name in ("message", "detail", "code", "type")]
        found = " ".join(part for part in parts if isinstance(part, str))
    return describe(ValueError(found))[:_LONGEST_WORDS] if isinstance(found, str) and found else ""
