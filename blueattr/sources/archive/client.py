"""Calls to an archive: bounded, retried, metered."""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import httpx

from blueattr.errors import SourceError, UsageError
from blueattr.sources.archive.key import KEY, ArchiveKey
from blueattr.sources.backoff import LONGEST_WAIT, Backoff
from blueattr.sources.hosts import as_http, check_url, instance, is_loopback
from blueattr.sources.http import (
    TOO_MANY,
    TRANSIENT,
    USER_AGENT,
    certificates,
    describe,
    requested_wait,
)
from blueattr.sources.timing import Timing

__all__ = ["ArchiveClient", "Changed", "Damaged", "FilePart", "Stopped"]


_METHODS = "/xrpc/network.bsky.jetstream."
# A plan of a hundred thousand entries, as long as a server makes them, is an eighth of that.
_LARGEST_JSON = 64 << 20
# Seconds that a call may be silent, and may take in all: a slice of 8 MB at 14 kB/s.
_SILENCE = 30.0
_LONGEST_CALL = 600.0


_BACKOFF = Backoff(first=0.5, ceiling=30.0, attempts=10, attempts_at_first=4)
# What is damaged on the server's disk stays so, and each try is paid for.
_ATTEMPTS_DAMAGED = 3
# A quota refills all the time; the server says when to come again, and if not, in five seconds.
_QUOTA_WAIT = 5.0
_QUOTA_WAITS = 40


_REFUSED = (401, 403)
# The file is another than the one that was planned for, or gone.
_CHANGED = (404, 410, 412, 416)


_T = TypeVar("_T")


class FilePart(NamedTuple):
    """Bytes of a file, and how many it has in all."""

    data: bytes
    size: int


class Changed(Exception):  # noqa: N818 - no error: it asks for another plan
    """A file is not the one that was planned for: compacted in the meantime, or gone."""


class Damaged(Exception):  # noqa: N818 - what it says is what the host does
    """What came is not what it should be, as in "sends a block..."; another try may bring it."""


class Stopped(Exception):  # noqa: N818 - no error: it unwinds a thread
    """The client was closed while a call was under way."""


class _FaultError(Exception):
    """A call failed in a way that another try may mend."""


class _QuotaError(Exception):
    """The server permits no more for some seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    limit: int
    params: dict[str, str | int] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    etag: str | None = None
    span: tuple[int, int | None] | None = None

    @property
    def where(self) -> str:
        what = "".join(f" {value}" for value in self.params.values()) if self.etag else ""
        if self.span is not None:
            what += f" from byte {self.span[0]:,}"
        return f"{self.method}{what}"


class ArchiveClient:
    """Calls of an archive's methods, from any thread.

    Parameters
    ----------
    url
        Of the host: ``https://`` or ``wss://``, on loopback and where `insecure` also plain.
    key
        Its key. It is sent over https or on loopback, to this host alone.
    insecure
        Accept plain text elsewhere too; the key is then kept back.
    timing
        Clocks, chance and waiting.
    on_wait
        Told the seconds and the reason before every wait, from whichever thread waits.
    connections
        The most connections at a time.

    Raises
    ------
    UsageError
        `url` is refused; see `blueattr.sources.hosts.check_url`.

    Notes
    -----
    Jetstream specs/client.md, "Writing a third-party client": one ``Authorization: Bearer`` header
    on each of the archive's methods (listSegments, of which it does not speak, among them), and
    nowhere else. Redirects are not followed.
    """

    def __init__(
        self,
        url: str,
        key: ArchiveKey | None = None,
        *,
        insecure: bool = False,
        timing: Timing | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        connections: int = 4,
    ) -> None:
        parts = check_url(url, insecure=insecure)
        self.url = as_http(parts)
        self.host = instance(parts)
        try:
            self._base = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise UsageError(f"not an address: {url!r} ({error})") from None
        encrypted = self._base.scheme == "https"
        self._key = key
        self._sends_key = key is not None and (encrypted or is_loopback(parts.hostname or ""))
        self._timing = timing or Timing()
        self._on_wait = on_wait or (lambda _seconds, _why: None)
        self._lock = threading.Lock()
        self._spent = 0
        self._refusals = 0
        self._has_answered = False
        self._not_before = float("-inf")
        self._stop = threading.Event()
        self._client = httpx.Client(
            base_url=self._base,
            headers={
                "User-Agent": USER_AGENT,
                # What is bounded and metered is what comes over the wire.
                "Accept-Encoding": "identity",
            },
            timeout=_SILENCE,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
            verify=certificates(),
            # A proxy would get in plain text what is meant for this machine.
            trust_env=encrypted,
        )

    @property
    def spent(self) -> int:
        """Bytes of segments and blocks that came, those of failed tries included: the meter."""
        return self._spent

    def close(self) -> None:
        """Let calls end with :class:`Stopped`: those that wait at once, others with what comes."""
        self._stop.set()
        self._client.close()

    def ask(
        self,
        method: str,
        parse: Callable[[Any], _T],
        *,
        params: dict[str, str | int] | None = None,
        body: dict[str, Any] | None = None,
    ) -> _T:
        """Call a method that answers with JSON.

        Parameters
        ----------
        method
            The last part of its name, such as ``"planSnapshot"``.
        parse
            Makes the answer of the JSON, or raises ValueError.
        params, body
            For a query, or for a procedure.

        Raises
        ------
        SourceError
            The host cannot be reached, refuses us, or answers with nonsense again and again.
        """

        def read(raw: bytes) -> _T:
            try:
                return parse(json.loads(raw))
            except (ValueError, RecursionError) as error:
                raise Damaged(f"gives an invalid answer ({describe(error)})") from None

        call = _Call(method, _LARGEST_JSON, params or {}, body)
        return self.persist(lambda: read(self._try(call).data), call.where)

    def fetch(
        self,
        method: str,
        params: dict[str, str | int],
        parse: Callable[[FilePart], _T],
        *,
        etag: str,
        limit: int,
        span: tuple[int, int | None] | None = None,
    ) -> _T:
        """Fetch a block, or a part of a segment, and make something of it.

        Parameters
        ----------
        method
            ``"getBlock"`` or ``"getSegment"``.
        params
            Its parameters.
        parse
            Makes the result of what came, or raises :class:`Damaged`.
        etag
            Which generation of the file is meant, without quotation marks.
        limit
            Bytes at most.
        span
            First byte and the one after the last, or None for all to the end.

        Raises
        ------
        Changed
            There is no such file any more, or it is another generation.
        SourceError
            The host cannot be reached, refuses us, or what comes is damaged again and again.
        """
        call = _Call(method, limit, params, None, etag, span)
        return self.persist(lambda: parse(self._try(call)), call.where)

    # --- trying again ----------------------------------------------------------------------------

    def persist(self, attempt: Callable[[], _T], where: str) -> _T:
        """Attempt something until it succeeds, or there is no hope that it will.

        Parameters
        ----------
        attempt
            May call other methods, and raise :class:`Damaged`.
        where
            What is attempted, for the message.

        Raises
        ------
        SourceError
            It failed too often.
        """
        failed = damaged = 0
        while True:
            self._turn()
            try:
                result = attempt()
            except _QuotaError as error:
                self._hold(error.wait)
            except (_FaultError, Damaged) as error:
                fault = self._hidden(str(error))
                failed += 1
                damaged += isinstance(error, Damaged)
                hopeless = _BACKOFF.gives_up(failed, answered=self._has_answered)
                if hopeless or damaged >= _ATTEMPTS_DAMAGED:
                    raise SourceError(
                        f"{self.url} {fault}, {failed} times in a row ({where}); everything "
                        "before that is kept: run the same command again to continue"
                    ) from None
                wait = _BACKOFF.wait(failed, self._timing.jitter())
                self.pause(wait, f"{self.url} {fault}")
            else:
                with self._lock:
                    self._has_answered = True
                    self._refusals = 0
                return result

    def _turn(self) -> None:
        """Wait while the server permits nobody."""
        while (wait := self._not_before - self._timing.monotonic()) > 0:
            self._pause(wait)
        if self._stop.is_set():
            raise Stopped

    def _hold(self, wait: float) -> None:
        """Delay all calls for this many seconds."""
        wait = max(wait, _BACKOFF.first)
        until = self._timing.monotonic() + wait
        with self._lock:
            self._refusals += 1
            announced = until <= self._not_before + 1.0
            self._not_before = max(self._not_before, until)
        if wait > LONGEST_WAIT or self._refusals > _QUOTA_WAITS:
            asks = (
                f"asks to wait for {wait / 3600:.1f} hours"
                if wait > LONGEST_WAIT
                else f"permitted nothing, {self._refusals} times in a row"
            )
            raise SourceError(
                f"{self.url} {asks}: the quota of the key is used up; everything before that is "
                "kept: run the same command again later to continue"
            )
        if not announced:
            self._on_wait(wait, f"{self.url} permits no more for now: its quota is used up")

    def pause(self, seconds: float, why: str) -> None:
        """Wait, and say so; not longer than until the client is closed."""
        self._on_wait(seconds, why)
        self._pause(seconds)

    def _pause(self, seconds: float) -> None:
        if self._timing.sleep is None:
            self._stop.wait(seconds)
        else:
            self._timing.sleep(seconds)
        if self._stop.is_set():
            raise Stopped

    # --- one try ---------------------------------------------------------------------------------

    def _try(self, call: _Call) -> FilePart:
        headers = {}
        if call.span is not None:
            first, end = call.span
            headers["Range"] = f"bytes={first}-{'' if end is None else end - 1}"
            headers["If-Range"] = f'"{call.etag}"'
        request = self._client.build_request(
            "GET" if call.body is None else "POST",
            _METHODS + call.method,
            params=call.params,
            json=call.body,
            headers=headers,
        )
        if self._key is not None and self._sends_key:
            self._key.sign(request)
        try:
            response = self._client.send(request, stream=True)
            try:
                size = self._check_status(response.status_code, response, call)
                raw = self._body(response, call)
                return FilePart(raw, len(raw) if size is None else size)
            finally:
                response.close()
        except (httpx.TransportError, httpx.StreamError) as error:
            if self._stop.is_set():
                raise Stopped from None
            raise _FaultError(f"cannot be reached ({describe(error)})") from None
        except RuntimeError:
            # What httpx says of a client that was closed under a call.
            if self._stop.is_set():
                raise Stopped from None
            raise

    def _check_status(self, status: int, response: httpx.Response, call: _Call) -> int | None:
        """Return the size of the whole where a part comes; raise where nothing useful does."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if status == (200 if call.span is None else 206):
            if encoding != "identity":
                raise _FaultError(f"sends {encoding!r} where nothing but plain bytes was asked for")
            if call.etag is not None:
                self._check_generation(response, call.etag)
            return None if call.span is None else self._check_part(response, call.span)
        if status == 200 and call.etag is not None:
            self._check_generation(response, call.etag)
            raise SourceError(f"{self.url} does not serve parts of a segment, as Jetstream does")
        if status in _CHANGED and call.etag is not None:
            raise Changed
        if status == TOO_MANY:
            wait = requested_wait(response.headers, self._timing.now())
            raise _QuotaError(_QUOTA_WAIT if wait is None else wait)
        if status in TRANSIENT:
            raise _FaultError(f"answers with {status}")
        if status in _REFUSED:
            raise SourceError(f"{self.url} refuses us ({status}): {self._about_key()}")
        if 300 <= status < 400:
            raise SourceError(
                f"{self.url} redirects to another address ({status}); blueattr does not "
                "follow, because the key is for this host alone"
            )
        if status == 404:
            raise SourceError(f"{self.url} has no archive: it does not know {call.method} (404)")
        raise SourceError(f"{self.url} refuses {call.method}: {status}{self._said(response)}")

    def _about_key(self) -> str:
        if self._key is None:
            return f"set {KEY} in the environment to a key for its archive"
        if not self._sends_key:
            return f"the key in {KEY} is not sent in plain text; use https://"
        return f"it does not accept the key in {KEY}"

    def _said(self, response: httpx.Response) -> str:
        """Name the error, as the lexicons do; a server's sentences are not repeated."""
        try:
            said = json.loads(self._body(response, _Call("", 1 << 16)))["error"]
        except (ValueError, LookupError, TypeError, RecursionError, _FaultError):
            return ""
        if not isinstance(said, str) or not re.fullmatch(r"[A-Za-z]{1,40}", said):
            return ""
        return self._hidden(f" {said}")

    def _check_generation(self, response: httpx.Response, etag: str) -> None:
        tag = response.headers.get("etag", "").strip().removeprefix("W/")
        if not tag:
            raise SourceError(
                f"{self.url} does not say which generation of a segment it sends, as Jetstream does"
            )
        if tag != f'"{etag}"':
            raise Changed

    @staticmethod
    def _check_part(response: httpx.Response, span: tuple[int, int | None]) -> int:
        match = re.fullmatch(
            r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", response.headers.get("content-range", "")
        )
        if match is None:
            raise Damaged("does not say which part it sends")
        first, last, size = (int(n) for n in match.groups())
        if first != span[0] or last + 1 != (span[1] or size) or last >= size:
            raise Damaged("sends a part that was not asked for")
        return size

    def _body(self, response: httpx.Response, call: _Call) -> bytes:
        limit = call.limit
        if call.span is not None and call.span[1] is not None:
            limit = min(limit, call.span[1] - call.span[0])
        deadline = self._timing.monotonic() + _LONGEST_CALL
        raw = bytearray()
        for part in response.iter_raw():
            raw += part
            if call.etag is not None:
                with self._lock:
                    self._spent += len(part)
            if len(raw) > limit:
                raise Damaged(f"sends more than {limit:,} bytes")
            if self._timing.monotonic() > deadline:
                raise _FaultError("is too slow")
            if self._stop.is_set():
                raise Stopped
        if call.span is not None and call.span[1] is not None and len(raw) < limit:
            raise _FaultError("ends before the end of the part that it announced")
        return bytes(raw)

    def _hidden(self, text: str) -> str:
        return text if self._key is None else self._key.hide(text)
