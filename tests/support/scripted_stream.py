"""A stream without a server: scripted connections, on a clock that only waiting moves."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Self

from blueattr.sources.live.jetstream import JetstreamV2
from blueattr.sources.live.socket import ConnectionLost
from blueattr.sources.live.stream import Stream, Transport
from blueattr.sources.timing import Timing
from support.events_builder import Event, as_v2, dumps


@dataclass
class FakeClock:
    """Time passes while somebody waits, and not otherwise.

    `started` is its time at first, in seconds since 1970; `waits` the waits before connecting.
    """

    started: float
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> float:
        return self.started + self.seconds

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

    A first step that is an exception is raised by the handshake.
    """

    def __init__(self, script: Iterable[Step], clock: FakeClock) -> None:
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
        dialect = JetstreamV2(compress=False)
        return Stream(f"wss://{self._host}", self._host, dialect, transport)


def message(seq: int, event: Event) -> bytes:
    """The event as a Jetstream (v2) sends it."""
    frame = as_v2(event)
    frame["payload"]["seq"] = seq
    return dumps(frame).encode()
