"""What a reading of an archive costs: about how many bytes each stage of it fetches."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blueattr.sources.archive.words import spell_bytes

if TYPE_CHECKING:
    from atproto_jetstream.archive.planner import WorkUnit

    from blueattr.sources.archive.plans import Listed

__all__ = [
    "BOOTSTRAP",
    "DEFAULT_MOST",
    "WITNESSED",
    "ReadingStage",
    "by_stage",
    "planned_size",
    "share",
    "too_dear",
]


DEFAULT_MOST = 20 * 10**9
"""Bytes that a reading may fetch unless more are permitted."""


WITNESSED, BOOTSTRAP = "witnessed", "bootstrap"
"""The stages: what the archive saw happen, and what was there before that."""


# Events of a block, unless an operator chose another number.
_ROWS = 4096


@dataclass(frozen=True, slots=True)
class ReadingStage:
    """A part of a reading.

    Parameters
    ----------
    name
        `WITNESSED` or `BOOTSTRAP`.
    segments
        Segments that it reads, or parts of them.
    size
        Bytes to fetch: for the first about so many, for the second at most.
    """

    name: str
    segments: int
    size: int


def share(segment: "Listed", after: int, before: int | None) -> int:
    """Return about how many bytes of a segment are in a range of its sequence numbers."""
    last = segment.last_seq if before is None else min(segment.last_seq, before)
    events = segment.last_seq - segment.first_seq + 1
    return segment.size * max(last - max(after, segment.first_seq - 1), 0) // events


def planned_size(
    units: Iterable["WorkUnit"], segments: Sequence["Listed"], after: int
) -> dict[str, int]:
    """Return about how many bytes of each segment a plan fetches, by the segment's name.

    Parameters
    ----------
    units
        The plan.
    segments
        Those that it may name; others are left out.
    after
        What comes after this sequence number.
    """
    listed = {segment.name: segment for segment in segments}
    sizes: dict[str, int] = {}
    for unit in units:
        segment = listed.get(unit.segment)
        if segment is None:
            continue
        size = share(segment, after, None)
        if unit.blocks is not None:
            blocks = max(-(-segment.events // _ROWS), max(unit.blocks) + 1)
            size = min(size, len(unit.blocks) * segment.size // blocks)
        sizes[segment.name] = min(sizes.get(segment.name, 0) + size, segment.size)
    return sizes


def by_stage(
    sizes: Mapping[str, int], witnessed: Collection[str], *, scans: bool
) -> list[ReadingStage]:
    """Sum up bytes by stage.

    Parameters
    ----------
    sizes
        To fetch of each segment, by its name.
    witnessed
        Segments in which the archive saw the window.
    scans
        Whether others are read, too.
    """
    out = []
    for name, inside in ((BOOTSTRAP, False), (WITNESSED, True)):
        if inside or scans:
            sized = [
                size for segment, size in sizes.items() if size and (segment in witnessed) == inside
            ]
            out.append(ReadingStage(name, len(sized), sum(sized)))
    return out


def too_dear(host: str, size: int, most: int) -> str:
    """Say that more would be fetched than may be."""
    return (
        f"the archive of {host} would send up to {spell_bytes(size)}, and --max-bytes permits "
        f"{spell_bytes(most)}: permit more, ask for a shorter time, or for fewer accounts with "
        "--accounts; --dry-run says what costs how much"
    )
