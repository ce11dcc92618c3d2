"""The firehose of a relay or of one PDS: what is asked of it, and what its frames mean."""

from collections import deque
from dataclasses import dataclass, field

from atproto_subscription.websocket import build_websocket_uri

from blueattr.decode.firehose import decode_frames
from blueattr.decode.transcode import Decoded
from blueattr.sources.live.socket import ConnectionRefused
from blueattr.sources.live.stream import Resume

__all__ = ["Firehose"]


_METHOD = "com.atproto.sync.subscribeRepos"


@dataclass(slots=True)
class Firehose:
    """``com.atproto.sync.subscribeRepos`` (atproto.com/specs/sync)."""

    kind: str = field(default="firehose", init=False)
    rewind: int = field(default=0, init=False)
    by_time: bool = field(default=False, init=False)

    def request(self, origin: str, resume: Resume) -> tuple[str, dict[str, str]]:
        """Name the cursor; a relay cannot be asked by time, nor for some collections only."""
        parameters = {} if resume.cursor is None else {"cursor": resume.cursor}
        return build_websocket_uri(_METHOD, f"{origin}/xrpc", parameters), {}

    def read(self, messages: deque[bytes], position: int) -> Decoded:  # noqa: ARG002 - frames tell
        """Make frames lines."""
        frames = list(messages)
        messages.clear()
        return decode_frames(frames)

    def adapts(self, refusal: ConnectionRefused) -> bool:  # noqa: ARG002 - nothing is negotiated
        """Change nothing."""
        return False

    def missed(self, resume: Resume, first: Decoded) -> str | None:
        """Notice that a relay's numbering is not the one that the cursor is of."""
        if resume.cursor is None:
            return "the stream was taken up at its live end" if resume.newest else None
        if first.first_seq is not None and first.first_seq < resume.cursor:
            return "the server's numbering has started over"
        return None
