"""A clock that several processes live by: a number in a file, which a test sets."""

import ctypes
import gc
import mmap
import random
import struct
import time
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from blueattr.sources.timing import Timing

__all__ = ["ClockFile", "live_by"]


_SIZE = mmap.PAGESIZE
_SECONDS = struct.Struct("d")
# Of longer pauses, a process waits so long, and of what is beyond so much less.
_AS_IT_IS = 1.0
_FASTER = 100.0


class ClockFile:
    """The clock.

    Parameters
    ----------
    path
        The file, made by whoever sets it first.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SIZE)

    def now(self) -> float:
        """Seconds since 1970."""
        return float(_SECONDS.unpack_from(self._memory)[0])

    def set(self, moment: datetime) -> None:
        """Let it be another time."""
        _SECONDS.pack_into(self._memory, 0, moment.timestamp())


def live_by(path: Path) -> None:
    """Let this process live by a clock: `time.time`, `datetime.now`, and `Timing` from now on.

    What counts seconds, `time.monotonic`, goes on as it does; long pauses are over soon.
    """
    clock = ClockFile(path)
    time.time = clock.now
    time.time_ns = lambda: int(clock.now() * 1e9)

    def now(_kind: type[datetime], zone: tzinfo | None = None) -> datetime:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=clock.now())
        return moment.replace(tzinfo=None) if zone is None else moment.astimezone(zone)

    # Modules have the class itself, whose methods Python does not let anybody set.
    (methods,) = gc.get_referents(datetime.__dict__)
    methods["now"] = classmethod(now)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime))
    Timing.__init__.__defaults__ = (clock.now, time.monotonic, _sleep, random.random)


def _sleep(seconds: float) -> None:
    time.sleep(min(seconds, _AS_IT_IS) + max(seconds - _AS_IT_IS, 0.0) / _FASTER)
