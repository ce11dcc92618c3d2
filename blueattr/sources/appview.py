"""The AppView: profiles of accounts asked for in small batches, at the pace that it permits."""

import asyncio
import json
import re
import zlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

import httpx

from blueattr.errors import SourceError, UsageError
from blueattr.sources.backoff import LONGEST_WAIT, Backoff
from blueattr.sources.hosts import as_http, check_url, is_loopback
from blueattr.sources.http import TOO_MANY, TRANSIENT, USER_AGENT, describe, requested_wait
from blueattr.sources.timing import Timing

__all__ = ["APPVIEW", "BATCH", "Answer", "AppView", "Profile", "read_profiles"]


APPVIEW = "https://public.api.bsky.app"
"""The public AppView."""


BATCH = 25
"""Accounts a call, as the lexicon permits."""


_METHOD = "/xrpc/app.bsky.actor.getProfiles"
_PARALLEL = 4
# Twenty-five profiles with the longest texts that the lexicon permits are an eighth of that.
_LARGEST_BODY = 4 << 20
_LONGEST_CALL = 30.0
# More than there are people to follow anyone.
_MOST_FOLLOWERS = 10**9
# atproto.com/specs/lexicon, datetime.
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,20})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
_CLOCK_ERROR = timedelta(days=1)


_BACKOFF = Backoff(first=1.0, ceiling=60.0, attempts=8, attempts_at_first=4)


_GO_ON = "its earlier answers are kept: run the same command again to continue"
# The batch as it is cannot be answered; its parts may be.
_REFUSED = (400, 414, 431)
_NOT_ACCEPTED = "an identifier that is refused"


@dataclass(frozen=True, slots=True)
class Profile:
    """What an AppView says of an account; None where it says nothing that can be used."""

    followers: int | None
    created_at: datetime | None


# What is wrong with an entry of an answer of which it is not known whom it is about.
_NO_PROFILE = "not a profile"
_NOT_ASKED = "an account not asked about"
_OF_NOBODY = (_NO_PROFILE, _NOT_ASKED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an AppView says of a batch of accounts.

    Parameters
    ----------
    asked
        Their DIDs.
    answered_at
        When, by this machine's clock; UTC.
    profiles
        By DID; who is missing is not known to it, unless it is `unclear`.
    faults
        What was wrong with the answer, counted by reason.
    """

    asked: tuple[str, ...]
    answered_at: datetime
    profiles: dict[str, Profile]
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def unclear(self) -> frozenset[str]:
        """Who is missing from an answer in which stands something that may have been about them."""
        if any(self.faults[fault] for fault in _OF_NOBODY):
            return frozenset(self.asked) - self.profiles.keys()
        return frozenset()


class _FaultError(Exception):
    """A call failed in a way that another try may mend."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait
        """Seconds that the server asks everyone to wait."""


class _RefusedError(Exception):
    """The server refuses the accounts asked about; says why in its own words."""


class AppView:
    """An AppView's ``app.bsky.actor.getProfiles``.

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

    Raises
    ------
    UsageError
        `url` is refused (see `blueattr.sources.hosts.check_url`), or `rate` is not above 0.

    Notes
    -----
    The rate limits of the public AppView are not published; it is asked for ten calls a second,
    the 3,000 in five minutes of the network's other services, and what its ``RateLimit-*`` and
    ``Retry-After`` headers say is kept to.
    """

    def __init__(
        self,
        url: str = APPVIEW,
        *,
        insecure: bool = False,
        rate: float = 10.0,
        timing: Timing | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        patience: float = _LONGEST_CALL,
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
        self._timing = timing or Timing()
        self.monotonic = self._timing.monotonic
        self.sleep = sleep
        self._patience = patience
        self._interval = 1 / rate
        # No proxy stands between this machine and itself.
        self._trust_env = not is_loopback(parts.hostname or "")
        self._next_call = self._not_before = float("-inf")
        self._has_answered = False
        self._client: httpx.AsyncClient

    def now(self) -> datetime:
        """Return the time by the clock that answers are dated by."""
        return datetime.fromtimestamp(self._timing.now(), UTC)

    @asynccontextmanager
    async def answers(self, dids: Iterable[str]) -> AsyncIterator[AsyncIterator[Answer]]:
        """Ask about accounts, a few calls at a time; answers come in the order asked.

        Parameters
        ----------
        dids
            Each once.

        Yields
        ------
        AsyncIterator of Answer
            Together they are about all of `dids`; one about a single account where the host refuses
            to be asked about it.

        Raises
        ------
        SourceError
            While iterating: the host cannot be reached, fails again and again, refuses every
            account of a batch, or wants us to wait for more than an hour.
        """
        waiting: deque[asyncio.Task[list[Answer]]] = deque()
        everyone = iter(dids)
        batches = iter(lambda: tuple(islice(everyone, BATCH)), ())
        async with httpx.AsyncClient(
            base_url=self.url,
            headers={
                "User-Agent": USER_AGENT,
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
            },
            timeout=self._patience,
            limits=httpx.Limits(max_connections=_PARALLEL, max_keepalive_connections=_PARALLEL),
            trust_env=self._trust_env,
        ) as self._client:
            try:
                yield self._answer_in_turn(batches, waiting)
            finally:
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)

    async def _answer_in_turn(
        self, batches: Iterator[tuple[str, ...]], waiting: deque[asyncio.Task[list[Answer]]]
    ) -> AsyncIterator[Answer]:
        while True:
            for batch in islice(batches, _PARALLEL - len(waiting)):
                waiting.append(asyncio.create_task(self._ask(batch)))
            if not waiting:
                return
            answers = await waiting[0]
            waiting.popleft()
            for answer in answers:
                yield answer

    async def _ask(self, dids: tuple[str, ...]) -> list[Answer]:
        """Ask about a batch; where it is refused, about its halves, to find whom it is about."""
        try:
            return [await self._call(dids)]
        except _RefusedError as refusal:
            why = str(refusal)
        if len(dids) == 1:
            return [Answer(dids, self.now(), {}, Counter({_NOT_ACCEPTED: 1}))]
        half = len(dids) // 2
        answers = await self._ask(dids[:half]) + await self._ask(dids[half:])
        if not self._has_answered:
            raise SourceError(f"{self.url} refuses every account it is asked about: {why}")
        return answers

    async def _call(self, dids: tuple[str, ...]) -> Answer:
        """Call until there is an answer, or no hope for one."""
        after = float("-inf")
        attempts = 0
        while True:
            await self._turn(after)
            try:
                answer = await self._try(dids)
            except _FaultError as fault:
                attempts += 1
                if _BACKOFF.gives_up(attempts, answered=self._has_answered):
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
                self._has_answered = True
                return answer

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

    async def _try(self, dids: tuple[str, ...]) -> Answer:
        self.calls += 1
        try:
            async with asyncio.timeout(self._patience):
                response, body = await self._get(dids)
        except (httpx.TransportError, TimeoutError) as error:
            raise _FaultError(f"cannot be reached: {describe(error)}") from None
        status, headers = response.status_code, response.headers
        now = self.now()
        wait = requested_wait(headers, now.timestamp())
        if status == TOO_MANY:
            raise _FaultError("permits no more calls for now", wait or 0.0)
        self._check(status, body)
        try:
            profiles, faults = read_profiles(body, dids, now)
        except ValueError as error:
            raise _FaultError(f"answers with {error}") from None
        if wait and headers.get("ratelimit-remaining", "").strip() == "0":
            self._hold(wait)
            self.on_wait(wait, f"{self.url} permits no more calls for now")
        return Answer(dids, now, profiles, faults)

    async def _get(self, dids: tuple[str, ...]) -> tuple[httpx.Response, bytes]:
        raw = bytearray()
        actors = httpx.QueryParams([("actors", did) for did in dids])
        async with self._client.stream("GET", _METHOD, params=actors) as response:
            async for part in response.aiter_raw():
                raw += part
                if len(raw) > _LARGEST_BODY:
                    raise _FaultError(f"answers with more than {_LARGEST_BODY:,} bytes")
        match response.headers.get("content-encoding", "identity").strip().lower():
            case "identity":
                return response, bytes(raw)
            case "gzip":
                return response, _unzip(bytes(raw))
            case other:
                raise _FaultError(f"answers in an encoding not asked for: {other[:40]!r}")

    def _check(self, status: int, body: bytes) -> None:
        if status == httpx.codes.OK:
            return
        words = _error_words(body)
        if status in _REFUSED and (words or status != httpx.codes.BAD_REQUEST):
            raise _RefusedError(words or f"status {status}")
        if status in TRANSIENT:
            raise _FaultError(f"fails with status {status}")
        raise SourceError(
            f"{self.url} answers with status {status}{words and ': '}{words}; is it an AppView?"
        )


def read_profiles(
    body: bytes, asked: Collection[str], now: datetime
) -> tuple[dict[str, Profile], Counter[str]]:
    """Read the answer to ``app.bsky.actor.getProfiles``; everything in it may be wrong.

    Parameters
    ----------
    body
        JSON.
    asked
        DIDs; nothing is taken of anyone else.
    now
        A creation after it, give or take a day, has not happened.

    Returns
    -------
    dict of Profile, Counter
        By DID, and what was wrong, by reason.

    Raises
    ------
    ValueError
        It is no answer at all.

    Examples
    --------
    >>> body = b'{"profiles": [{"did": "did:plc:x", "handle": "x.y", "followersCount": 7}]}'
    >>> read_profiles(body, ["did:plc:x", "did:plc:y"], datetime.now(UTC))
    ({'did:plc:x': Profile(followers=7, created_at=None)}, Counter())
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("something that is not JSON") from None
    listed = document.get("profiles") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no list of profiles")  # noqa: TRY004 - one error for a bad answer
    dids_asked = set(asked)
    profiles: dict[str, Profile] = {}
    faults: Counter[str] = Counter()
    for item in listed:
        did = item.get("did") if isinstance(item, dict) else None
        if not isinstance(did, str):
            faults[_NO_PROFILE] += 1
        elif did not in dids_asked:
            faults[_NOT_ASKED] += 1
        elif did in profiles:
            faults["an account listed twice"] += 1
        else:
            followers, creation = item.get("followersCount"), item.get("createdAt")
            profile = Profile(_followers(followers), _creation(creation, now))
            # Neither has to be there.
            if followers is not None and profile.followers is None:
                faults["an impossible follower count"] += 1
            if creation is not None and profile.created_at is None:
                faults["an impossible creation time"] += 1
            profiles[did] = profile
    if faults and not profiles:
        raise ValueError("profiles of nobody that it was asked about")
    return profiles, faults


def _followers(value: object) -> int | None:
    # A truth value is an int to Python, not to JSON.
    return value if type(value) is int and 0 <= value <= _MOST_FOLLOWERS else None


def _creation(value: object, now: datetime) -> datetime | None:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:  # such as a 30th of February
        return None
    return time.astimezone(UTC) if _EARLIEST <= time <= now + _CLOCK_ERROR else None


def _unzip(data: bytes) -> bytes:
    inflate = zlib.decompressobj(wbits=31)
    try:
        plain = inflate.decompress(data, _LARGEST_BODY + 1)
    except zlib.error:
        raise _FaultError("answers with broken gzip") from None
    if len(plain) > _LARGEST_BODY:
        raise _FaultError(f"answers with more than {_LARGEST_BODY:,} bytes")
    if not inflate.eof:
        raise _FaultError("answers with gzip that is cut off")
    return plain


def _error_words(body: bytes) -> str:
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
