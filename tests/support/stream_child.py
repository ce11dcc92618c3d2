"""What tests of streams run in a process of its own: to be killed on the way."""

import os
import resource
import signal
import threading
import time
from pathlib import Path
from typing import Any

import atproto_jetstream.compression
import atproto_subscription.websocket

from blueattr.errors import StoreError
from blueattr.ingest import follow as ingest_follow
from blueattr.ingest.pace import Pace
from blueattr.sources.find import find_streams
from blueattr.sources.live import jetstream, relay
from blueattr.sources.live.stream import Transport
from blueattr.sources.timing import Timing
from blueattr.store.commit.writer import Writer
from support import crash
from support.live_world import START, hurried

# Imported where they are needed, they would be imported anew by every child.
PRELOADED = (jetstream, relay, atproto_jetstream.compression, atproto_subscription.websocket)


def follow(db: Path, arguments: list[str], hosts: list[str], now: float) -> None:
    """Follow until the last event has come; a chunk every few events, a commit after each."""
    # Only the last event ends it, however slow the machine is.
    pace = Pace(commit_seconds=0.0, commit_multiple=0.0, quiet=60.0)
    timing = Timing(now=lambda: now, jitter=lambda: 0.0)
    streams = hurried(find_streams(arguments, hosts), Transport(seconds=0.02, size=2500))
    done = ingest_follow.follow(db, streams, until="live", start=START, timing=timing, pace=pace)
    assert done.outcome == "live", done


def killed_at(point: str, *arguments: Any) -> None:
    """Die at that point of the second commit (:mod:`crash`)."""
    with crash.killing(point):
        follow(*arguments)


def killed_after(seconds: float, *arguments: Any) -> None:
    """Die some time after the store was opened, wherever that is."""
    made = Writer.__init__

    def opened(self: Writer, *given: Any, **named: Any) -> None:
        made(self, *given, **named)

        def die() -> None:
            time.sleep(seconds)
            os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=die, daemon=True).start()

    Writer.__init__ = opened  # type: ignore[method-assign]
    follow(*arguments)


def full_disk(size: int | None, *arguments: Any) -> None:
    """Exit with 7 if it says that it cannot write; `size` bounds each file."""
    if size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        follow(*arguments)
    except StoreError:
        os._exit(7)
