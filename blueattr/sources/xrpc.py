"""Calls of XRPC methods: bounded, retried, and at the pace that a host permits."""

import asyncio
import json
import re
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from blueattr.errors import SourceError, UsageError
from blueattr.sources.backoff import LONGEST_WAIT, Backoff
from blueattr.sources.hosts import as_http, check_url, is_loopback
from blueattr.sources.http import TOO_MANY, TRANSIENT, USER_AGENT, describe, requested_wait
from blueattr.sources.timing import Timing

__all__ = [
    "BudgetSpent",
    "Fault",
    "RequestBudget",
    "Response",
    "XrpcClient",
    "error_words",
    "read_time",
]


# Twenty-five profiles with the longest texts that the lexicon permits are an eighth of that.
_LARGEST_BODY = 4 << 20
_LONGEST_CALL = 30.0
_BACKOFF = Backoff(first=1.0, ceiling=60.0, attempts=8, attempts_at_first=4)
_GO_ON = "its earlier answers are kept: run the same command again to continue"


# atproto.com/specs/lexicon, datetime.
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,20})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


_T = TypeVar("_T")


class Fault(Exception):  # noqa: N818 - what it says is what the host does
    """A call failed in a way that another try may mend, as in "answers with nonsense".

    Parameters
    ----------
    what
        What the host does.
    wait
        Seconds that it asks everyone to wait.
    """

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


class BudgetSpent(Exception):  # noqa: N818 - no error: it ends a run that goes on later
    """As many requests were sent as are permitted."""


class RequestBudget:
    """How many requests may be sent, and how many were.

    Parameters
    ----------
    most
        To all hosts together, those that fail included.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.spent = 0

    def take(self) -> None:
        """Count a request that is about to be sent.

        Raises
        ------
        BudgetSpent
            It would be one too many.
        """
        if self.spent >= self.most:
            raise BudgetSpent
        self.spent += 1


@dataclass(frozen=True, slots=True)
class Response:
    """What a host answers.

    Parameters
    ----------
    status
        The HTTP status: neither 429 nor one that may be gone at the next try.
    body
        Decompressed.
    answered_at
        By this machine's clock; UTC.
    """

    status: int
    body: bytes
    answered_at: datetime

    def document(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises
        ------
        Fault
            It is none.
        """
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Fault("answers with something that is not JSON") from None
        if not isinstance(found, dict):
            raise Fault("answers with something that is not a JSON object")
        return found

    @property
    def error(self) -> str:
        """The name of the XRPC error; empty where the body is none."""
        return error_words(self.body).partition(":")[0]


class XrpcClient:
    """Calls a host's methods.

    Parameters
    ----------
    url
        Of the host: ``https://``, or ``http://`` on loopback.
    insecure
        Accept ``http://`` elsewhere too.
    rate
        Calls a second at most, on average; the server's own limits come on top.
    timing
        Clocks and chance.
    sleep
        Waits for a number of seconds.
    patience
        Seconds that a call may take.
    parallel
        Connections at a time.
    budget
        Counts every request before it is sent.
    user_agent
        What the host is told of who asks.

    Raises
    ------
    UsageError
        `url` is refused (see `blueattr.sources.hosts.check_url`), or `rate` is not above 0.

    Notes
    -----
    Redirects are not followed. What the ``RateLimit-*`` and ``Retry-After`` headers say holds for
    all calls at once.
    """

    def __init__(
        self,
        url: str,
        *,
        insecure: bool = False,
        rate: float = 10.0,
        timing: Timing | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        patience: float = _LONGEST_CALL,
        parallel: int = 4,
        budget: RequestBudget | None = None,
        user_agent: str = USER_AGENT,
    ) -> None:
        parts = check_url(url, insecure=insecure)
        try:
            _ = httpx.URL(as_http(parts)).host  # which it may fail to decode
        except (httpx.InvalidURL, UnicodeError) as error:
            raise UsageError(f"not an address: {url!r} ({error})") from None
        if not 0 < rate <= 1000:
            raise UsageError(f"calls a second are more than 0 and at most 1000, not {rate:g}")
        self.url = as_http(parts)
        self.calls = 0
        """Made so far, those that failed included."""
        self.on_wait: Callable[[float, str], None] = lambda _seconds, _why: None
        """Told the seconds and the reason before a wait that is not for the pace alone."""
        self.has_answered = False
        """Whether a call was ever answered."""
        self._timing = timing or Timing()
        self.monotonic = self._timing.monotonic
        self.sleep = sleep
        self._patience = patience
        self._parallel = parallel
        self._interval = 1 / rate
        self._budget = budget
        self._user_agent = user_agent
        # No proxy stands between this machine and itself.
        self._trust_env = not is_loopback(parts.hostname or "")
        self._next_call = self._not_before = float("-inf")
        self._client: httpx.AsyncClient
        self._open: AsyncExitStack

    def now(self) -> datetime:
        """Return the time by the clock that answers are dated by."""
        return datetime.fromtimestamp(self._timing.now(), UTC)

    async def __aenter__(self) -> Self:
        client = httpx.AsyncClient(
            base_url=self.url,
            headers={
                "User-Agent": self._user_agent,
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
            },
            timeout=self._patience,
            limits=httpx.Limits(
                max_connections=self._parallel, max_keepalive_connections=self._parallel
            ),
            follow_redirects=False,
            trust_env=self._trust_env,
        )
        async with AsyncExitStack() as stack:
            self._client = await stack.enter_async_context(client)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    async def call(
        self,
        path: str,
        read: Callable[[Response], _T],
        *,
        params: Sequence[tuple[str, str]] = (),
        body: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _T:
        """Call a method until there is an answer, or no hope for one.

        Parameters
        ----------
        path
            Such as ``/xrpc/app.bsky.feed.getPosts``.
        read
            Makes something of an answer, or raises `Fault` for another try.
        params
            In the query, one name perhaps several times.
        body
            Sent as JSON by POST; None for GET.
        headers
            Sent beside the usual ones.

        Raises
        ------
        SourceError
            The host cannot be reached, fails again and again, or wants us to wait for more than an
            hour.
        BudgetSpent
            No more requests may be sent.
        """
        after = float("-inf")
        attempts = 0
        while True:
            await self._turn(after)
            try:
                result = read(await self._try(path, params, body, headers))
            except Fault as fault:
                attempts += 1
                if _BACKOFF.gives_up(attempts, answered=self.has_answered):
                    raise SourceError(
                        f"{self.url} {fault}, {attempts} times in a row; {_GO_ON}"
                    ) from None
                wait = _BACKOFF.wait(attempts, self._timing.jitter())
                if fault.wait is not None:
                    wait = max(wait, fault.wait)
                    self._hold(wait)
                after = self.monotonic() + wait
                if wait <= LONGEST_WAIT:
                    self.on_wait(wait, f"{self.url} {fault}")
            else:
                self.has_answered = True
                return result

    async def _turn(self, after: float) -> None:
        """Wait until a call may be made, and take its place in the sequence of all calls."""
        now = self.monotonic()
        while (start := max(after, self._next_call, self._not_before)) > now:
            if start - now > LONGEST_WAIT:
                hours = (start - now) / 3600
                raise SourceError(f"{self.url} asks to wait for {hours:.1f} hours; {_GO_ON}")
            await self.sleep(start - now)
            now = self.monotonic()
        self._next_call = now + self._interval

    def _hold(self, seconds: float) -> None:
        """Delay all calls for this many seconds."""
        self._not_before = max(self._not_before, self.monotonic() + seconds)

    async def _try(
        self,
        path: str,
        params: Sequence[tuple[str, str]],
        content: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> Response:
        if self._budget is not None:
            self._budget.take()
        self.calls += 1
        request = self._client.build_request(
            "GET" if content is None else "POST",
            path,
            params=httpx.QueryParams([*params]),
            json=None if content is None else dict(content),
            headers=None if headers is None else dict(headers),
        )
        try:
            async with asyncio.timeout(self._patience):
                response, body = await self._send(request)
        except (httpx.TransportError, TimeoutError) as error:
            raise Fault(f"cannot be reached: {describe(error)}") from None
        now = self.now()
        wait = requested_wait(response.headers, now.timestamp())
        if response.status_code == TOO_MANY:
            raise Fault("permits no more calls for now", wait or 0.0)
        if response.status_code in TRANSIENT:
            # When a quota begins anew says nothing of when a failure ends.
            asked = wait if "retry-after" in response.headers else None
            raise Fault(f"fails with status {response.status_code}", asked)
        if wait and response.headers.get("ratelimit-remaining", "").strip() == "0":
            self._hold(wait)
            self.on_wait(wait, f"{self.url} permits no more calls for now")
        return Response(response.status_code, body, now)

    async def _send(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        raw = bytearray()
        response = await self._client.send(request, stream=True)
        try:
            async for part in response.aiter_raw():
                raw += part
                if len(raw) > _LARGEST_BODY:
                    raise Fault(f"answers with more than {_LARGEST_BODY:,} bytes")
        finally:
            await response.aclose()
        match response.headers.get("content-encoding", "identity").strip().lower():
            case "identity":
                return response, bytes(raw)
            case "gzip":
                return response, _unzip(bytes(raw))
            case other:
                raise Fault(f"answers in an encoding not asked for: {other[:40]!r}")


def error_words(body: bytes) -> str:
    """Return what an XRPC error says; empty where the body is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(document, dict) or not isinstance(document.get("error"), str):
        return ""
    message = document.get("message")
    parts = [document["error"]] + [message] * isinstance(message, str)
    return ": ".join(str(part)[:100] for part in parts)


def read_time(value: object) -> datetime | None:
    """Return a lexicon's datetime, in UTC; None where it is none."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):  # such as a 30th of February, or the first day of all
        return None


def _unzip(data: bytes) -> bytes:
    inflate = zlib.decompressobj(wbits=31)
    try:
        plain = inflate.decompress(data, _LARGEST_BODY + 1)
    except zlib.error:
        raise Fault("answers with broken gzip") from None
    if len(plain) > _LARGEST_BODY:
        raise Fault(f"answers with more than {_LARGEST_BODY:,} bytes")
    if not inflate.eof:
        raise Fault("answers with gzip that is cut off")
    return plain
