"""The AppView: profiles of accounts asked for in small batches, at the pace that it permits."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import httpx

from blueattr.errors import SourceError
from blueattr.sources.xrpc import Fault, Response, XrpcClient, error_words, read_time

__all__ = ["APPVIEW", "BATCH", "AccountsAnswer", "AppView", "Profile", "read_profiles"]


APPVIEW = "https://public.api.bsky.app"
"""The public AppView."""


BATCH = 25
"""Accounts a call, as the lexicon permits."""


_METHOD = "/xrpc/app.bsky.actor.getProfiles"
_PARALLEL = 4
# More than there are people to follow anyone.
_MOST_FOLLOWERS = 10**9
_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
_CLOCK_ERROR = timedelta(days=1)


# The batch as it is cannot be answered; its parts may be.
_REFUSED = (400, 414, 431)
_NOT_ACCEPTED = "an identifier that is refused"


@dataclass(frozen=True, slots=True)
class Profile:
    """What an AppView says of an account; None where it says nothing that can be used.

    It is doubtful where the number of followers is none: then the next answer may have one.
    """

    followers: int | None
    created_at: datetime | None
    is_doubtful: bool = False


# What is wrong with an entry of an answer of which it is not known whom it is about.
_NO_PROFILE = "not a profile"
_NOT_ASKED = "an account not asked about"
_OF_NOBODY = (_NO_PROFILE, _NOT_ASKED)


@dataclass(frozen=True, slots=True)
class AccountsAnswer:
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
        """Who is to be asked about again.

        They are missing from an answer in which stands something that may have been about them, or
        what it says of them is doubtful.
        """
        doubtful = {did for did, profile in self.profiles.items() if profile.is_doubtful}
        if any(self.faults[fault] for fault in _OF_NOBODY):
            doubtful |= {*self.asked} - self.profiles.keys()
        return frozenset(doubtful)


class _RefusedError(Exception):
    """The server refuses the accounts asked about; says why in its own words."""


class AppView(XrpcClient):
    """An AppView's ``app.bsky.actor.getProfiles``.

    Parameters
    ----------
    url
        Of the host: ``https://``, or ``http://`` on loopback.
    options
        As for `blueattr.sources.xrpc.XrpcClient`, which says what is raised.

    Notes
    -----
    The rate limits of the public AppView are not published; it is asked for ten calls a second,
    the 3,000 in five minutes of the network's other services, and what its ``RateLimit-*`` and
    ``Retry-After`` headers say is kept to.
    """

    def __init__(self, url: str = APPVIEW, **options: Any) -> None:
        super().__init__(url, parallel=_PARALLEL, **options)

    @asynccontextmanager
    async def answers(self, dids: Iterable[str]) -> AsyncIterator[AsyncIterator[AccountsAnswer]]:
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
        waiting: deque[asyncio.Task[list[AccountsAnswer]]] = deque()
        everyone = iter(dids)
        batches = iter(lambda: tuple(islice(everyone, BATCH)), ())
        async with self:
            try:
                yield self._answer_in_turn(batches, waiting)
            finally:
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)

    async def _answer_in_turn(
        self, batches: Iterator[tuple[str, ...]], waiting: deque[asyncio.Task[list[AccountsAnswer]]]
    ) -> AsyncIterator[AccountsAnswer]:
        while True:
            for batch in islice(batches, _PARALLEL - len(waiting)):
                waiting.append(asyncio.create_task(self._ask(batch)))
            if not waiting:
                return
            answers = await waiting[0]
            waiting.popleft()
            for answer in answers:
                yield answer

    async def _ask(self, dids: tuple[str, ...]) -> list[AccountsAnswer]:
        """Ask about a batch; where it is refused, about its halves, to find whom it is about."""
        try:
            return [await self._call(dids)]
        except _RefusedError as refusal:
            why = str(refusal)
        if len(dids) == 1:
            return [AccountsAnswer(dids, self.now(), {}, Counter({_NOT_ACCEPTED: 1}))]
        half = len(dids) // 2
        answers = await self._ask(dids[:half]) + await self._ask(dids[half:])
        if not self.has_answered:
            raise SourceError(f"{self.url} refuses every account it is asked about: {why}")
        return answers

    async def _call(self, dids: tuple[str, ...]) -> AccountsAnswer:
        return await self.call(
            _METHOD, lambda reply: self._read(reply, dids), params=[("actors", did) for did in dids]
        )

    def _read(self, reply: Response, dids: tuple[str, ...]) -> AccountsAnswer:
        self._check(reply.status, reply.body)
        now = reply.answered_at
        try:
            profiles, faults = read_profiles(reply.body, dids, now)
        except ValueError as error:
            raise Fault(f"answers with {error}") from None
        return AccountsAnswer(dids, now, profiles, faults)

    def _check(self, status: int, body: bytes) -> None:
        if status == httpx.codes.OK:
            return
        words = error_words(body)
        if status in _REFUSED and (words or status != httpx.codes.BAD_REQUEST):
            raise _RefusedError(words or f"status {status}")
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
    ({'did:plc:x': Profile(followers=7, created_at=None, is_doubtful=False)}, Counter())
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
            count = _followers(followers)
            # Neither has to be there.
            is_junk = followers is not None and count is None
            profile = Profile(count, _creation(creation, now), is_junk)
            faults["an impossible follower count"] += is_junk
            if creation is not None and profile.created_at is None:
                faults["an impossible creation time"] += 1
            profiles[did] = profile
    if faults and not profiles:
        raise ValueError("profiles of nobody that it was asked about")
    return profiles, +faults


def _followers(value: object) -> int | None:
    # A truth value is an int to Python, not to JSON.
    return value if type(value) is int and 0 <= value <= _MOST_FOLLOWERS else None


def _creation(value: object, now: datetime) -> datetime | None:
    time = read_time(value)
    return time if time is not None and _EARLIEST <= time <= now + _CLOCK_ERROR else None
