"""The firehose of a relay or of one PDS: what is asked of it, and what its frames mean."""

from collections import deque
from dataclasses import dataclass, field

from atproto_subscription.websocket import build_websocket_uri

from blueattr.decode.binary.firehose import decode_frames
from blueattr.decode.binary.relay_times import RelayTimes
from blueattr.decode.binary.transcode import Decoded
from blueattr.sources.live.socket import ConnectionRefused
from blueattr.sources.live.stream import Missed, Resume, StreamPosition, microseconds

__all__ = ["Firehose"]


_METHOD = "com.atproto.sync.subscribeRepos"


@dataclass(slots=True)
class Firehose:
    """``com.atproto.sync.subscribeRepos`` (atproto.com/specs/sync)."""

    kind: str = field(default="firehose", init=False)
    rewind: int = field(default=0, init=False)
    by_time: bool = field(default=False, init=False)
    numbered: bool = field(default=True, init=False)
    _times: RelayTimes = field(default_factory=RelayTimes, init=False)

    def request(self, origin: str, resume: Resume) -> tuple[str, dict[str, str]]:
        """Name the cursor; a relay cannot be asked by time, nor for some collections only."""
        reached_us = None
        if resume.last is not None and resume.newest is not None:
            reached_us = microseconds(resume.newest)
        self._times.connected(reached_us)
        parameters = {} if resume.cursor is None else {"cursor": resume.cursor}
        return build_websocket_uri(_METHOD, f"{origin}/xrpc", parameters), {}

    def read(
        self,
        messages: deque[bytes],
        position: int,  # noqa: ARG002 - frames tell
        now: float,
        *,
        is_behind: bool,  # noqa: ARG002 - the votes of accounts tell
    ) -> Decoded:
        """Make frames lines."""
        frames = list(messages)
        messages.clear()
        return decode_frames(frames, self._times, now)

    def adapts(self, refusal: ConnectionRefused) -> bool:  # noqa: ARG002 - nothing is negotiated
        """Change nothing."""
        return False

    def missed(
        self,
        resume: Resume,
        seen: StreamPosition,  # noqa: ARG002 - its first number tells
        first: Decoded,
    ) -> Missed | None:
        """Notice that a relay's numbering is not the one that the cursor is of."""
        if resume.cursor is None:
            return Missed("the stream resumed at its live end") if resume.newest else None
        if first.first_seq is not None and first.first_seq < resume.cursor:
            return Missed("the server's numbering has started over", renumbered=True)
        return None

    def renumbered(self, seen: StreamPosition, read: Decoded) -> bool:  # noqa: ARG002 - its first number tells
        """Return False: a relay says so itself, or shows it by its first number."""
        return False
