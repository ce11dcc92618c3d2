"""Fill the gap of a Jetstream from its own archive."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from blueattr.provenance import Window
from blueattr.sources.archive.key import ArchiveKey
from blueattr.sources.archive.source import ArchiveSource
from blueattr.sources.live.stream import Stream

__all__ = ["gap_filler"]


def gap_filler(
    stream: Stream, *, insecure: bool = False
) -> Callable[[Stream, datetime], ArchiveSource] | None:
    """Return what makes the source that fetches what a stream no longer has, from a time on.

    Parameters
    ----------
    stream
        The preferred stream.
    insecure
        Accept plain text elsewhere than on loopback; the key is then kept back.

    Returns
    -------
    callable or None
        None where no archive can fill gaps: the servers are no Jetstreams (v2), or no key of an
        archive is set in the environment.

    Raises
    ------
    UsageError
        The key in the environment is malformed.
    """
    key = ArchiveKey.from_environment() if stream.kind == "jetstream" else None
    if key is None:
        return None

    def fill(stream: Stream, since: datetime) -> ArchiveSource:
        # To the end of the archive, even if its clock is ahead of ours.
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        window = Window(since, max(midnight, since) + timedelta(days=2))
        return ArchiveSource(stream.origin, window, key=key, insecure=insecure, scan=False)

    return fill
