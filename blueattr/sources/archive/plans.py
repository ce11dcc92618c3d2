"""What an archive says that it holds, and where: lists and plans, checked against nonsense."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from blueattr.decode.binary.transcode import COLLECTIONS
from blueattr.sources.archive.client import ArchiveClient

if TYPE_CHECKING:
    from atproto_client import models
    from atproto_jetstream.archive.planner import WorkUnit

__all__ = ["Listed", "list_segments", "plan"]


# Jetstream lexicons/network/bsky/jetstream/planSnapshot.json: collections constrain commits only.
_KINDS = ("commit", "identity", "account")


_NAME = re.compile(r"seg_[0-9a-z]{10}\.jss")
_CHECKSUM = re.compile(r"[0-9a-f]{16}")
_PAGE = 1000
# DIDs that one plan may name; what more of them select is put together from several.
_MOST_DIDS = 10_000
_MOST_BLOCKS = 1 << 22
_LARGEST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Listed:
    """A sealed segment as ``listSegments`` has it; times in µs since 1970, size in bytes."""

    name: str
    index: int
    checksum: str
    size: int
    first_seq: int
    last_seq: int
    first_us: int
    last_us: int
    events: int = 0


def list_segments(client: ArchiveClient) -> list[Listed]:
    """List all sealed segments that ever held events, in the order of their indexes.

    Raises
    ------
    SourceError
        As :meth:`blueattr.sources.archive.client.ArchiveClient.ask`; a list that does not advance
        is nonsense.
    """
    segments: list[Listed] = []
    cursor: str | None = None
    last = -1
    while True:
        params: dict[str, str | int] = {"limit": _PAGE}
        if cursor is not None:
            params["cursor"] = cursor
        page, cursor, last = client.ask("listSegments", partial(_read_list, last), params=params)
        segments += page
        if cursor is None:
            return segments


def _read_list(last: int, answer: Any) -> tuple[list[Listed], str | None, int]:
    from atproto_client import models  # noqa: PLC0415 - a second that only an archive's user pays

    page = models.NetworkBskyJetstreamListSegments.Response.model_validate(answer)
    segments = []
    for s in page.segments:
        _check_segment(s.name, s.checksum, s.min_seq, s.max_seq)
        if not last < s.index <= _LARGEST or not 0 <= s.size_bytes <= _LARGEST:
            raise ValueError("segments out of order, or of no size")
        if not 0 <= s.event_count <= _LARGEST:
            raise ValueError("an invalid number of events")
        if not 0 <= s.min_witnessed_at <= s.max_witnessed_at <= _LARGEST:
            raise ValueError("invalid times")
        last = s.index
        if s.max_seq == 0:
            # A segment that was sealed before anything was in it; it has no time.
            continue
        segments.append(
            Listed(
                s.name,
                s.index,
                s.checksum,
                s.size_bytes,
                s.min_seq,
                s.max_seq,
                s.min_witnessed_at,
                s.max_witnessed_at,
                s.event_count,
            )
        )
    if page.cursor and not page.segments:
        raise ValueError("an empty page of a list that goes on")
    return segments, page.cursor or None, last


def plan(
    client: ArchiveClient, after: int, before: int | None, dids: Sequence[str] = ()
) -> Iterator[tuple[list["WorkUnit"], int]]:
    """Page through a plan for the collections and kinds of events that are kept.

    Parameters
    ----------
    after, before
        Sequence numbers after the one, up to and with the other or to where the sealed segments
        end.
    dids
        Of these accounts; of all by default.

    Yields
    ------
    units
        Segments, or blocks of them, in order; a segment's blocks may be spread over pages.
    tip
        Where the sealed segments end, or `before`, if that is earlier; the same for all pages.

    Raises
    ------
    SourceError
        As :meth:`blueattr.sources.archive.client.ArchiveClient.ask`; a plan that does not advance
        is nonsense.
    """
    if len(dids) > _MOST_DIDS:
        yield _together(client, after, before, dids)
        return
    # A second that only an archive's user pays.
    from atproto_client import models  # noqa: PLC0415
    from atproto_jetstream.archive.planner import PlanFilters, SnapshotPlan  # noqa: PLC0415

    filters = PlanFilters(kinds=list(_KINDS), dids=list(dids), collections=list(COLLECTIONS))
    pages = SnapshotPlan(filters, after, before)
    while not pages.is_complete:
        query = models.NetworkBskyJetstreamPlanSnapshot.Data(**pages.next_page_input())
        page = client.ask(
            "planSnapshot",
            partial(_read_plan, pages.planned_through_seq, query.before_seq),
            body=query.model_dump(by_alias=True, exclude_none=True),
        )
        units = pages.consume_page(page)
        yield units, pages.sealed_tip_seq or 0


def _together(
    client: ArchiveClient, after: int, before: int | None, dids: Sequence[str]
) -> tuple[list["WorkUnit"], int]:
    """Plan for more accounts than one plan may name: all pages in one, each block once."""
    found: dict[tuple[int, str, str], WorkUnit] = {}
    tip = before
    for begin in range(0, len(dids), _MOST_DIDS):
        for units, tip_of_page in plan(client, after, tip, dids[begin : begin + _MOST_DIDS]):
            tip = tip_of_page
            for unit in units:
                key = unit.min_seq, unit.segment, unit.checksum
                known = found.setdefault(key, unit)
                if known.blocks is not None:
                    both = {*known.blocks, *(unit.blocks or ())}
                    known.blocks = None if unit.blocks is None else sorted(both)
    return [found[key] for key in sorted(found)], tip or 0


def _read_plan(
    after: int, before: int | None, answer: Any
) -> "models.NetworkBskyJetstreamPlanSnapshot.Response":
    from atproto_client import models  # noqa: PLC0415 - a second that only an archive's user pays

    page = models.NetworkBskyJetstreamPlanSnapshot.Response.model_validate(answer)
    tip, through = page.sealed_tip_seq, page.planned_through_seq
    if max(tip, through) > _LARGEST or (before is not None and tip > before):
        raise ValueError("a plan beyond what was asked for")
    if through < tip and (through <= after or not page.segments):
        raise ValueError("a plan that does not advance")
    index, blocks = -1, 0
    for segment in page.segments:
        _check_segment(segment.name, segment.checksum, segment.min_seq, segment.max_seq)
        if not index < segment.index <= _LARGEST:
            raise ValueError("segments out of order")
        if segment.max_seq <= after or segment.min_seq > tip:
            raise ValueError("a segment that was not asked for")
        index = segment.index
        if segment.mode not in ("segment", "blocks"):
            raise ValueError("an unknown mode")
        if (segment.mode == "blocks") != bool(segment.blocks):
            raise ValueError("blocks where there are none, or none where there are")
        last = -1
        for span in segment.blocks or ():
            if not last < span.first <= span.last:
                raise ValueError("blocks out of order")
            last = span.last
            blocks += span.last - span.first + 1
            if blocks > _MOST_BLOCKS:
                raise ValueError("too many blocks")
    return page


def _check_segment(name: str, checksum: str, first: int, last: int) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError("a name that is not a segment's")
    if not _CHECKSUM.fullmatch(checksum):
        raise ValueError("an invalid checksum")
    if not 0 <= first <= last <= _LARGEST:
        raise ValueError("invalid sequence numbers")
