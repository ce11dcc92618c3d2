"""A stream without a server: scripted connections, on a clock that only waiting moves."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Self
from urllib.parse import parse_qs, urlsplit

from blueattr.sources.live.jetstream import JetstreamV1, JetstreamV2
from blueattr.sources.live.relay import Firehose
from blueattr.sources.live.socket import ConnectionLost, ConnectionRefused
from blueattr.sources.live.stream import Dialect, Stream, Transport
from blueattr.sources.timing import Timing
from support.events_builder import Event
from support.stream_protocols import Log, beginning, error_of, message_of


@dataclass
class FakeClock:
    """Time passes while somebody waits, and not otherwise.

    `started` is its time at first, in seconds since 1970; `waits` the waits before connecting. It
    is `wrong` by so many seconds.
    """

    started: float
    seconds: float = 0.0
    wrong: float = 0.0
    waits: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> float:
        return self.started + self.seconds + self.wrong

    def happened(self, event: Event) -> None:
        """Set the time of day: it is not before an event."""
        self.started = max(self.started, event["time_us"] / 1e6 - self.seconds)

    def reach(self, moment: float) -> None:
        """Let it be at least this time, in seconds since 1970, though nobody waited."""
        self.started += max(moment - self.now(), 0)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds

    @property
    def timing(self) -> Timing:
        return Timing(self.now, self.monotonic, self.sleep, lambda: 0.5)


Step = bytes | float | Exception | Callable[[], object]
"""A message; seconds of silence; the end of the connection; or something to do."""


class ScriptedSocket:
    """A connection that follows a script; after the last step it is silent.

    A first step that is an exception is raised by the handshake. Pings are answered, unless it is
    `deaf`.
    """

    def __init__(self, script: Iterable[Step], clock: FakeClock, *, deaf: bool = False) -> None:
        self._deaf = deaf
        self._script = iter(script)
        self._step = next(self._script, None)
        self._clock = clock
        self._silent_until: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def is_open(self, patience: float) -> bool:
        del patience
        if isinstance(self._step, Exception):
            raise self._step
        return True

    def take(self, patience: float, most: int) -> list[bytes]:
        deadline = self._clock.seconds + patience
        messages: list[bytes] = []
        while sum(map(len, messages)) < most:
            step = self._step
            if isinstance(step, bytes):
                messages.append(step)
            elif messages:
                break  # they are taken before anything else happens
            elif isinstance(step, Exception):
                raise step
            elif callable(step):
                step()
            elif not self._is_over(step, deadline):
                break
            self._step = next(self._script, None)
        return messages

    def answers(self) -> bool:
        return not self._deaf

    def _is_over(self, silence: float | None, deadline: float) -> bool:
        """Let time pass to the end of a silence, or to the deadline."""
        if self._silent_until is None:
            self._silent_until = self._clock.seconds + (inf if silence is None else silence)
        self._clock.seconds = min(self._silent_until, deadline)
        if self._silent_until > deadline:
            return False
        self._silent_until = None
        return True


class ScriptedServer:
    """A Jetstream (v2) whose connections follow scripts, one after the other.

    Where no script is left, connecting fails. `asked` are the addresses connected to.
    """

    def __init__(
        self, clock: FakeClock, *scripts: Iterable[Step], host: str = "scripted.example"
    ) -> None:
        self._scripts = iter(scripts)
        self._clock = clock
        self._host = host
        self.asked: list[str] = []

    def _connect(self, url: str, headers: dict[str, str]) -> ScriptedSocket:
        del headers
        self.asked.append(url)
        script = next(self._scripts, [ConnectionLost("nobody is there")])
        return ScriptedSocket(script, self._clock)

    def stream(self, *, seconds: float = 0.5, size: int = 4 << 20) -> Stream:
        transport = Transport(self._connect, self._clock.monotonic, seconds, size)
        return Stream(f"wss://{self._host}", self._host, _dialect("v2"), transport)


def message(seq: int, event: Event) -> bytes:
    """Write the event as a Jetstream (v2) sends it."""
    return message_of("v2", seq, event)


def _dialect(protocol: str) -> Dialect:
    if protocol == "v2":
        return JetstreamV2(compress=False)
    return JetstreamV1() if protocol == "v1" else Firehose()


class LogServer:
    """A server of a log of events, by one of the protocols, that misbehaves as it is told.

    Each item of `plan` is for one connection: after how many messages something happens, and what.
    Later connections are served well. A subscriber that begins at the live end is sent the next
    event of `coming`. Numbers begin with `first`. `delivered` are the events that clients took, and
    `fired` counts the items of the plan that happened. `asked` are the cursors asked for, `write`
    makes a message of an event, and `counts` says which events are counted as messages. Pings are
    answered, unless it is `deaf`.
    """

    def __init__(
        self, protocol: str, clock: FakeClock, events: list[Event], coming: list[Event], first: int
    ) -> None:
        self.protocol = protocol
        self.log: Log = []
        self.floor = first
        self.coming = coming
        self.add(events)
        self.delivered: list[Event] = []
        self.plan: deque[tuple[int, Disturbance]] = deque()
        self.fired = 0
        self.deaf = False
        self.asked: list[int | None] = []
        self.write: Callable[[str, int, Event], bytes] = message_of
        self.counts: Callable[[Event], bool] = lambda _event: True
        self._clock = clock
        self._host = f"from-{first}.example"

    def add(self, events: Iterable[Event]) -> None:
        """Append events to the log; the first of all has the number given."""
        for event in events:
            self.log.append((self.log[-1][0] + 1 if self.log else self.floor, event))

    def stream(self, *, seconds: float, size: int) -> Stream:
        path = "/subscribe" if self.protocol == "v1" else ""
        transport = Transport(self._connect, self._clock.monotonic, seconds, size)
        return Stream(f"wss://{self._host}{path}", self._host, _dialect(self.protocol), transport)

    def _connect(self, url: str, headers: dict[str, str]) -> ScriptedSocket:
        del headers
        cursor = parse_qs(urlsplit(url).query).get("cursor")
        self.asked.append(int(cursor[0]) if cursor else None)
        return ScriptedSocket(self._steps(self.asked[-1]), self._clock, deaf=self.deaf)

    def _steps(self, cursor: int | None) -> Iterator[Step]:
        count, disturbance = self.plan.popleft() if self.plan else (0, None)
        if count == 0 and disturbance is not None:
            yield from self._disturb(disturbance)
            disturbance = None
        start = beginning(self.protocol, self.log, self.floor, cursor)
        if start.refusal is not None:
            status, body = start.refusal
            told = json.loads(body)
            yield ConnectionRefused(status, told["error"], told["message"])
        yield from start.notices
        if start.error:
            yield error_of(self.protocol, start.error)
        log = self.log
        index = start.index
        sent = 0
        while True:
            if index == len(log):
                if index > start.index or not self.coming or log is not self.log:
                    yield 1.0
                    continue
                coming = self.coming.pop(0)
                self._clock.reach(coming["time_us"] / 1e6)
                self.add([coming])
            seq, event = log[index]
            self._clock.happened(event)
            yield self.write(self.protocol, seq, event)
            # It goes on here once the message was taken.
            self.delivered.append(event)
            index += 1
            sent += self.counts(event)
            if disturbance is not None and sent == count and self.counts(event):
                yield from self._disturb(disturbance)
                disturbance = None

    def _disturb(self, disturbance: "Disturbance") -> Iterator[Step]:
        self.fired += 1
        yield from disturbance(self)


Disturbance = Callable[[LogServer], Iterable[Step]]
"""Something that goes wrong: it may change the server, and returns steps of the connection."""
