"""Jetstream, both versions: what is asked of it, and what its messages mean.

Version 2 is ``network.bsky.jetstream.subscribeEvents`` (docs/README.md 5.2 of
bluesky-social/jetstream): frames of JSON objects, a sequence number as cursor, compression by a
dictionary that the server hands out. Version 1 is ``/subscribe``: bare events, unix microseconds
as cursor, and a cursor that is too old is moved forward without a word.
"""

import re
import zlib
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import zstandard
from atproto_jetstream.compression import parse_dictionary_id
from atproto_jetstream.exceptions import JetstreamDecodingError
from atproto_subscription.websocket import build_websocket_uri

from blueattr.decode.binary.transcode import COLLECTIONS, Decoded, Notice, printable
from blueattr.errors import InputError
from blueattr.sources.hosts import as_http
from blueattr.sources.http import NoAnswer, get_small
from blueattr.sources.live.socket import MESSAGE_LIMIT, ConnectionRefused
from blueattr.sources.live.stream import (
    Missed,
    Resume,
    StreamPosition,
    as_object,
    from_microseconds,
    latest_us,
    microseconds,
)

__all__ = ["JetstreamV1", "JetstreamV2", "read_dictionary"]


_METHOD = "network.bsky.jetstream.subscribeEvents"
_DICTIONARY = "network.bsky.jetstream.getZstdDictionary"
_OK = 200
_DICTIONARY_LIMIT = 1 << 20
_ZSTD = b"\x28\xb5\x2f\xfd"
_DICTIONARY_PATIENCE = 10.0
# One call gives little more bytes of lines: a message may be a thousand times what it came as.
_ENOUGH = 32 << 20
# From 10¹⁵ on a server takes a cursor for a time.
_CURSOR_LIMITS = {"seq": 10**15, "time_us": 1 << 63}

# A replay may start this much later than the last event seen: the event itself may be gone.
_SLACK = timedelta(seconds=1)

# After a crash a server fetches events again and dates them anew: less than this much later.
_LATEST_REPEAT = timedelta(minutes=10)

# Of so many numbers in a row one is of an event of a kind that is asked for.
_MANY = 1000


@dataclass(slots=True)
class _Dictionary:
    """A zstd dictionary and the decompressor made of it."""

    id: int
    decompressor: zstandard.ZstdDecompressor

    @classmethod
    def of(cls, blob: bytes) -> "_Dictionary":
        """Load a dictionary (RFC 8878, section 5)."""
        try:
            number = parse_dictionary_id(blob)
            dictionary = zstandard.ZstdCompressionDict(blob)
            return cls(number, zstandard.ZstdDecompressor(dict_data=dictionary))
        except (JetstreamDecodingError, zstandard.ZstdError) as error:
            raise InputError(f"not a zstd dictionary: {error}") from None

    def plain(self, message: bytes) -> bytes:
        """Decompress, refusing what would be too large before it is made."""
        # A size in the frame's header would be allocated whatever limit is given beside it.
        if zstandard.frame_content_size(message) > MESSAGE_LIMIT:
            raise zstandard.ZstdError("too large")
        return self.decompressor.decompress(message, max_output_size=MESSAGE_LIMIT)


def read_dictionary(blob: bytes) -> _Dictionary:
    """Load a zstd dictionary for :class:`JetstreamV1`.

    Raises
    ------
    InputError
        It is none.
    """
    return _Dictionary.of(blob)


@dataclass(slots=True)
class JetstreamV2:
    """``network.bsky.jetstream.subscribeEvents``.

    Parameters
    ----------
    compress
        Ask for frames compressed by the server's dictionary. Where it cannot be had, frames come
        as they are.
    """

    compress: bool = True
    kind: str = field(default="jetstream", init=False)
    # A server that crashed fetches up to a block of events again, in a slightly other order, and
    # numbers them anew: what was after the last event seen may then be before it.
    rewind: int = field(default=4096, init=False)
    by_time: bool = field(default=True, init=False)
    numbered: bool = field(default=True, init=False)
    _dictionary: _Dictionary | None = field(default=None, init=False)
    _rejected: int | None = field(default=None, init=False)

    def request(self, origin: str, resume: Resume) -> tuple[str, dict[str, str]]:
        """Name the collections, the cursor and the dictionary."""
        parameters: dict[str, Any] = {
            "kinds": ["commit", "identity", "account"],
            "collections": list(COLLECTIONS),
        }
        if resume.cursor is not None:
            parameters["cursor"] = resume.cursor
        elif resume.since is not None:
            parameters["cursor"] = microseconds(resume.since)
        if self.compress and self._dictionary is None:
            self._fetch_dictionary(origin)
        if self._dictionary is not None:
            parameters["zstdDictionary"] = self._dictionary.id
        url = build_websocket_uri(_METHOD, f"{origin}/xrpc", parameters)
        return url, {"Sec-WebSocket-Protocol": "xrpc.v1.json"}

    def adapts(self, refusal: ConnectionRefused) -> bool:
        """Forget a dictionary that the server no longer knows."""
        if refusal.error != "UnknownZstdDictionary" or self._dictionary is None:
            return False
        self._rejected = self._dictionary.id
        self._dictionary = None
        return True

    def _fetch_dictionary(self, origin: str) -> None:
        # Compression is a convenience: without a dictionary the stream comes as it is.
        with suppress(NoAnswer, InputError):
            answer = get_small(
                f"{as_http(urlsplit(origin))}/xrpc/{_DICTIONARY}",
                limit=_DICTIONARY_LIMIT,
                patience=_DICTIONARY_PATIENCE,
            )
            if answer.status != _OK or not answer.complete:
                return
            dictionary = _Dictionary.of(answer.body)
            if dictionary.id == self._rejected:
                # Servers behind one name may disagree; then they are asked for plain frames.
                self.compress = False
            else:
                self._dictionary = dictionary

    def read(
        self,
        messages: deque[bytes],
        position: int,
        now: float,  # noqa: ARG002 - its times are the server's
        *,
        is_behind: bool,  # noqa: ARG002 - likewise
    ) -> Decoded:
        """Make frames lines: the frames themselves, as the decoder reads them."""
        frames, refused = _plain(messages, self._dictionary, position)
        _put_back(frames, messages, "seq", position)
        notices = []
        if frames and (last := as_object(frames[-1])).get("$type") == "error":
            notices.append(_notice("error", last.get("error"), last.get("message")))
            frames.pop()
        while frames and str((payload := _payload(frames[0])).get("$type")).endswith("#info"):
            notices.append(_notice("info", payload.get("name"), payload.get("message")))
            frames.pop(0)
        first, last = _event(frames, "seq"), _event(reversed(frames), "seq")
        # The last, not the highest: after a crash a server numbers its newest events anew.
        first_seq, last_seq = first.get("seq"), last.get("seq")
        comes_by = bool(first) and first["seq"] <= position <= last["seq"]
        known = _numbered(frames, position) if comes_by else {}
        return Decoded(
            _joined(frames), len(frames), 0, refused, first_seq, last_seq, _time_us(first),
            _time_us(last), notices, known_mark=_mark(known), last_mark=_mark(last),
        )  # fmt: skip

    def missed(self, resume: Resume, seen: StreamPosition, first: Decoded) -> Missed | None:
        """Notice that the replay does not reach back to the last event seen.

        A cursor that the server has not, because it lost its end or keeps nothing, becomes the
        live end without a word.
        """
        if resume.cursor is None:
            return _missed_by_time(resume, first)
        if first.first_seq is None:
            return None
        if first.first_seq < resume.cursor:
            return Missed("the server's numbering has started over", renumbered=True)
        if resume.overlaps and resume.last is not None and first.first_seq > resume.last:
            # Events of kinds that are not asked for have numbers, too: all that are asked for again
            # may be such events, if these are few and the last is not known to be another.
            are_many = resume.last - resume.cursor >= _MANY
            if seen.mark is not None or are_many:
                reason = "the server's replay began after the last event seen"
                return Missed(reason, renumbered=resume.tries > 0)
        # It is after the newest event where the last one seen was rejected.
        is_known = seen.mark is not None and first.known_mark == seen.mark
        if resume.newest is not None and first.first_us is not None and not is_known:
            begun = from_microseconds(first.first_us)
            if begun > resume.newest + _LATEST_REPEAT:
                return Missed(
                    "the server numbers its events differently: "
                    f"it is at {begun:%Y-%m-%d %H:%M:%S}",
                    renumbered=resume.overlaps,
                )
        return None

    def renumbered(self, seen: StreamPosition, read: Decoded) -> bool:
        """Notice that a number seen before is another event's, by the event or its time."""
        if seen.mark is not None and read.known_mark is not None:
            return read.known_mark != seen.mark
        if seen.time is None or read.last_seq is None or read.last_us is None:
            return False
        late = from_microseconds(read.last_us) > seen.time + _LATEST_REPEAT
        return late and read.last_seq <= seen.position


@dataclass(slots=True)
class JetstreamV1:
    """``/subscribe``.

    Parameters
    ----------
    dictionary
        Ask for compressed messages; the dictionary is published, not handed out by the server.
    """

    dictionary: _Dictionary | None = None
    kind: str = field(default="jetstream-v1", init=False)
    # In microseconds: it shows that the server still has the last event seen.
    rewind: int = field(default=10_000_000, init=False)
    by_time: bool = field(default=True, init=False)
    numbered: bool = field(default=False, init=False)

    def request(self, origin: str, resume: Resume) -> tuple[str, dict[str, str]]:
        """Name the collections, the time to resume from, and compression."""
        parameters: dict[str, Any] = {"wantedCollections": list(COLLECTIONS)}
        if resume.cursor is not None:
            parameters["cursor"] = resume.cursor
        elif resume.since is not None:
            parameters["cursor"] = microseconds(resume.since)
        if self.dictionary is not None:
            parameters["compress"] = "true"
        base, _, method = origin.rpartition("/")
        return build_websocket_uri(method, base, parameters), {}

    def read(
        self, messages: deque[bytes], position: int, now: float, *, is_behind: bool
    ) -> Decoded:
        """Make messages lines; they are lines but for their ends.

        A time ahead of the clock is no cursor, once an event was seen that is not.
        """
        frames, refused = _plain(messages, self.dictionary, position)
        _put_back(frames, messages, "time_us", position)
        limit = latest_us(now)
        if is_behind or not 0 < position <= limit:
            limit = _CURSOR_LIMITS["time_us"]
        begun = _event(frames, "time_us", limit).get("time_us")
        ended = _event(reversed(frames), "time_us", limit).get("time_us")
        if position == 0:
            # Nothing is known that a time which lies far back would have to get beyond.
            times = (_event([frame], "time_us", limit).get("time_us", 0) for frame in frames)
            ended = max(times, default=0) or None
        return Decoded(_joined(frames), len(frames), 0, refused, begun, ended, begun, ended)

    def adapts(self, refusal: ConnectionRefused) -> bool:  # noqa: ARG002 - nothing is negotiated
        """Change nothing."""
        return False

    def missed(
        self,
        resume: Resume,
        seen: StreamPosition,  # noqa: ARG002 - its cursors are times
        first: Decoded,
    ) -> Missed | None:
        """Notice that the server moved the cursor forward, of which it says nothing.

        The replay was asked for from before the last event seen; where it begins after that
        event, what lies between was not sent.
        """
        return _missed_by_time(resume, first)

    def renumbered(self, seen: StreamPosition, read: Decoded) -> bool:  # noqa: ARG002 - as it is for any
        """Return False: times are not numbered anew."""
        return False


def _missed_by_time(resume: Resume, first: Decoded) -> Missed | None:
    if resume.newest is None:
        return None
    asked = resume.since if resume.cursor is None else from_microseconds(resume.cursor)
    if asked is None:
        return Missed("the stream resumed at its live end")
    if first.first_us is None:
        return None
    begun = from_microseconds(first.first_us)
    slack = _LATEST_REPEAT if resume.last is not None and not resume.overlaps else _SLACK
    if begun <= resume.newest + slack:
        return None
    return Missed(
        f"the server's replay began at {begun:%Y-%m-%d %H:%M:%S}, not at "
        f"{asked:%Y-%m-%d %H:%M:%S} as asked: it keeps no more"
    )


def _numbered(frames: list[bytes], number: int) -> dict[str, Any]:
    """Return the event that has a sequence number; empty where none has."""
    key = re.compile(rb'"seq"\s*:\s*%d(?!\d)' % number)
    for frame in frames:
        if key.search(frame) and (event := _payload(frame)).get("seq") == number:
            return event
    return {}


def _mark(event: dict[str, Any]) -> int | None:
    """Make a number of what an event is about, so short that it names nobody."""
    if not event:
        return None
    names = ("$type", "did", "rev", "operation", "collection", "rkey")
    return zlib.crc32(repr([event.get(name) for name in names]).encode(errors="replace"))


def _plain(
    messages: deque[bytes], dictionary: _Dictionary | None, position: int
) -> tuple[list[bytes], list[tuple[str, int, bytes]]]:
    """Take messages until there is enough, and decompress them."""
    frames, size = list[bytes](), 0
    refused = list[tuple[str, int, bytes]]()
    while messages and size < _ENOUGH:
        message = messages.popleft()
        if message[:4] == _ZSTD:
            try:
                if dictionary is None:
                    raise zstandard.ZstdError("not asked for")  # noqa: TRY301 - both are one case
                message = dictionary.plain(message)
            except zstandard.ZstdError:
                refused.append(("undecodable frame", position, message))
                continue
        frames.append(message)
        size += len(message)
    return frames, refused


def _put_back(frames: list[bytes], messages: deque[bytes], cursor: str, position: int) -> None:
    """Put frames back that are new, from the first one on, if others come before it."""
    if _event(frames, cursor).get(cursor, position + 1) > position:
        return
    for place, frame in enumerate(frames):
        if _event([frame], cursor).get(cursor, position) > position:
            messages.extendleft(reversed(frames[place:]))
            del frames[place:]
            return


def _payload(frame: bytes) -> dict[str, Any]:
    payload = as_object(frame).get("payload")
    return payload if isinstance(payload, dict) else {}


def _event(
    frames: Iterable[bytes], cursor: str, latest: int = _CURSOR_LIMITS["time_us"]
) -> dict[str, Any]:
    """Return the first event that has a cursor, not beyond the latest; empty where none has."""
    limit = min(_CURSOR_LIMITS[cursor], latest + 1)
    for frame in frames:
        message = as_object(frame)
        event = message.get("payload", message)
        if isinstance(event, dict):
            value = event.get(cursor)
            if type(value) is int and 0 < value < limit:
                return event
    return {}


def _time_us(event: dict[str, Any]) -> int | None:
    try:
        time = datetime.fromisoformat(str(event.get("time")))
    except ValueError:
        return None
    return microseconds(time if time.tzinfo else time.replace(tzinfo=UTC))


def _notice(kind: str, name: object, message: object) -> Notice:
    return Notice(kind, printable(name), "" if message is None else printable(message))


def _joined(frames: list[bytes]) -> bytes:
    if not frames:
        return b""
    lines = b"\n".join(frames)
    if lines.count(b"\n") >= len(frames):
        # JSON may hold line ends between its tokens; a message is a line all the same.
        lines = b"\n".join(frame.replace(b"\n", b" ") for frame in frames)
    return lines + b"\n"
