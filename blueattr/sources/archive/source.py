"""Past windows from an archive's sealed segments: chosen by time, fetched in parallel, in order."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from blueattr.decode.chunk import Chunk
from blueattr.decode.transcode import Decoded
from blueattr.errors import SourceError, UsageError
from blueattr.provenance import Window
from blueattr.sources.archive.client import ArchiveClient, Changed
from blueattr.sources.archive.fetch import Range, Work, fetch_block, fetch_segment, read_contents
from blueattr.sources.archive.key import ArchiveKey
from blueattr.sources.archive.plans import Listed, list_segments, plan
from blueattr.sources.hosts import check_url, instance
from blueattr.sources.parallel import run_ahead
from blueattr.sources.timing import Timing

if TYPE_CHECKING:
    from blueattr.decode.segments import Block

__all__ = ["ArchiveSource"]


# Whole segments come in parts of this size, cut where a block ends.
_PART = 8 << 20
# Bytes of lines in one chunk.
_CHUNK = 16 << 20


# A compacted segment may still be planned as it was for a moment.
_STALLS = 6
_FIRST_WAIT = 1.0


_LARGEST = (1 << 63) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class ArchiveSource:
    """What a Jetstream's archive holds of a window of time, or of its own sequence.

    Parameters
    ----------
    url
        Of the host: ``wss://`` or ``https://``, on loopback and where `insecure` also plain.
    window
        Which time, by when the server saw the events; None for all.
    after, before
        Sequence numbers of this host: from the one after `after` up to `before`, or to where the
        sealed segments end.
    key
        See :meth:`blueattr.sources.archive.key.ArchiveKey.from_environment`.
    insecure
        Accept plain text elsewhere than on loopback; the key is then kept back.
    parallel
        Calls at a time.
    timing, on_wait
        As for :class:`blueattr.sources.archive.client.ArchiveClient`; `on_wait` may be called from
        another thread.
    part
        Bytes of a segment to fetch at a time; one block at least.
    chunk
        Bytes of lines after which a chunk ends, at the end of a block.

    Attributes
    ----------
    size
        About how many bytes have to be fetched; None until chunks are asked for.
    spent
        Bytes of segments and blocks that were fetched, those of failed tries included.
    remarks
        What of the window the archive does not hold, in sentences; empty until chunks are asked
        for.
    complete
        Whether all was read that will ever be there; or else the window's rest is not sealed yet,
        and can be read later from where this ended. Known after the last chunk.
    cutover
        Sequence number at which a live stream of this host takes up so that nothing is missing (it
        is sent again); None until the last chunk, and where the window ends before the archive.
    replans
        How many times segments were compacted while they were fetched.

    Raises
    ------
    UsageError
        `url` is refused (see `blueattr.sources.hosts.check_url`), or the window is empty.

    Notes
    -----
    Jetstream docs/README.md §3 and specs/client.md: ``listSegments`` tells each segment's time,
    ``planSnapshot`` which segments or blocks to fetch, ``getSegment`` gives parts of a segment,
    ``getBlock`` a block. They hold other events too, which are left out here.

    A part belongs to the planned generation of its segment by its ETag; header and footer are as
    their XXH3 checksum says, each block as the checksum of its zstd frame does, and events carry
    sequence numbers of their place.
    """

    kind = "archive"

    def __init__(
        self,
        url: str,
        window: Window | None = None,
        *,
        after: int = 0,
        before: int | None = None,
        key: ArchiveKey | None = None,
        insecure: bool = False,
        parallel: int = 4,
        timing: Timing | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        part: int = _PART,
        chunk: int = _CHUNK,
    ) -> None:
        self.host = instance(check_url(url, insecure=insecure))
        if window is not None and window.end <= window.start:
            raise UsageError(f"the window from {window.start} to {window.end} is empty")
        self._window = window
        self._after, self._before = after, before
        self._parallel, self._part, self._chunk = parallel, part, chunk
        self._open = partial(
            ArchiveClient,
            url,
            key,
            insecure=insecure,
            timing=timing,
            on_wait=on_wait,
            # Calls that were under way when a plan was given up may still be ending.
            connections=2 * parallel,
        )
        self._tip = 0
        # Of the segments in which the window begins and ends.
        self._contents: dict[str, tuple[Block, ...]] = {}
        self.size: int | None = None
        self.spent = 0
        self.remarks: tuple[str, ...] = ()
        self.complete = False
        self.cutover: int | None = None
        self.replans = 0

    @property
    def name(self) -> str:
        """``archive:``, the host, and what of it."""
        if self._window is not None:
            return f"archive:{self.host} {_short(self._window.start)}..{_short(self._window.end)}"
        return f"archive:{self.host} {self._after}..{self._before or ''}"

    @cached_property
    def fingerprint(self) -> str:
        """The first segment of the window as sealed: an archive made anew numbers events anew."""
        first = min(self._chosen, default=None, key=lambda segment: segment.index)
        return "" if first is None else f"{first.name}:{first.first_seq}:{first.first_us}"

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield lines after a sequence number; each chunk ends where a block does.

        Parameters
        ----------
        position
            Where the last chunk said to resume; 0 from the beginning.

        Raises
        ------
        SourceError
            After everything that came was yielded: the archive holds nothing of the window, cannot
            be reached, refuses us, or sends what is damaged, again and again.
        """
        self.complete, self.cutover, self._tip = False, None, 0
        gap = self._remark()
        client = self._open()
        try:
            wanted = self._range(client, position)
            yield from self._joined(client, wanted, gap if position == 0 else None)
        finally:
            client.close()

    # --- which segments --------------------------------------------------------------------------

    @cached_property
    def _segments(self) -> list[Listed]:
        client = self._open()
        try:
            found = list_segments(client)
        finally:
            client.close()
        if not found:
            raise SourceError(f"the archive of {self.host} holds nothing yet")
        return found

    @cached_property
    def _us(self) -> tuple[int, int]:
        """The window in µs since 1970."""
        if self._window is None:
            return -_LARGEST, _LARGEST
        return (
            (self._window.start - _EPOCH) // _MICROSECOND,
            (self._window.end - _EPOCH) // _MICROSECOND,
        )

    @property
    def _chosen(self) -> list[Listed]:
        start, end = self._us
        return [
            segment
            for segment in self._segments
            if segment.last_seq > self._after
            and (self._before is None or segment.first_seq <= self._before)
            and segment.last_us >= start
            and segment.first_us < end
        ]

    def _remark(self) -> str | None:
        """Remark on what the archive lacks; return why the time before it is missing, if so."""
        start, end = self._us
        first = min(segment.first_us for segment in self._segments)
        last = max(segment.last_us for segment in self._segments)
        holds = f"the archive of {self.host} holds {_moment(first)} to {_moment(last)}"
        remarks = []
        if end <= first:
            raise SourceError(f"{holds}: nothing of the window")
        if start > last:
            raise SourceError(
                f"{holds}: nothing of the window yet; blueattr ingest follows it live"
            )
        least = min(segment.first_seq for segment in self._segments)
        begins = start < first if self._window else self._after + 1 < least
        if begins:
            remarks.append(f"{holds}; what was before that it cannot give")
        if not self._chosen:
            remarks.append(f"{holds}, but no events of the window")
        if self._window and last < end:
            remarks.append(f"{holds}; blueattr ingest takes up there, live")
        self.remarks = tuple(remarks)
        return f"before the archive of {self.host} begins" if begins else None

    def _range(self, client: ArchiveClient, position: int) -> Range:
        """Find which sequence numbers the window has, to the block."""
        start, end = self._us
        after, before = max(self._after, position), self._before
        if self._window is not None:
            spans = [
                span
                for segment in self._chosen
                if segment.last_seq > after
                for span in self._spans(client, segment)
            ]
            after = max(after, min((first for first, _ in spans), default=0) - 1)
            last = max((last for _, last in spans), default=after)
            before = last if before is None else min(before, last)
        self.size = sum(_share(segment, after, before) for segment in self._chosen)
        return Range(after, before, start, end)

    def _spans(self, client: ArchiveClient, segment: Listed) -> list[tuple[int, int]]:
        """First and last sequence numbers of a segment's blocks that are in the window."""
        start, end = self._us
        whole = [(segment.first_seq, segment.last_seq)]
        if segment.first_us >= start and segment.last_us < end:
            return whole
        try:
            blocks = read_contents(client, segment.name, segment.checksum)
            self._contents[segment.checksum] = blocks
        except Changed:
            # Compacted since it was listed: its events are sorted out one by one.
            return whole
        return [
            (block.first_seq, block.last_seq)
            for block in blocks
            if block.last_us >= start and block.first_us < end
        ]

    # --- fetching --------------------------------------------------------------------------------

    def _joined(self, client: ArchiveClient, wanted: Range, gap: str | None) -> Iterator[Chunk]:
        """Join blocks to chunks that are worth the decoder's while."""
        waiting = _Waiting(wanted.after, wanted.after, gap)
        failure = None
        try:
            for decoded in self._sweep(client, wanted):
                waiting.add(decoded)
                if waiting.size >= self._chunk:
                    self.spent = client.spent
                    yield waiting.take(client.spent)
        except SourceError as error:
            failure = error
        else:
            waiting.resume = max(waiting.resume, self._tip)
        self.spent = client.spent
        reached = waiting.resume
        if reached > waiting.position:
            yield waiting.take(client.spent)
        if failure is not None:
            raise failure
        if self._window is None:
            self.complete = self._before is None or reached >= self._before
            self.cutover = reached
        else:
            self.complete = max(segment.last_us for segment in self._segments) >= self._us[1]
            self.cutover = None if self.complete else reached

    def _sweep(self, client: ArchiveClient, wanted: Range) -> Iterator[Decoded]:
        """Yield blocks in order; plan again from the last one where segments were compacted."""
        stalls = 0
        while wanted.before is None or wanted.after < wanted.before:
            try:
                for decoded in self._blocks(client, wanted):
                    if decoded.first_seq is None or decoded.last_seq is None:
                        continue
                    if decoded.first_seq <= wanted.after:
                        raise SourceError(f"the archive of {self.host} is out of order")
                    wanted = replace(wanted, after=decoded.last_seq)
                    stalls = 0
                    yield decoded
            except Changed:
                self.replans += 1
                stalls += 1
            else:
                return
            if stalls > _STALLS:
                raise SourceError(
                    f"the archive of {self.host} plans segments that it does not have, {stalls} "
                    "times in a row; what came before is kept: give the same command again later"
                )
            if stalls > 1:
                wait = _FIRST_WAIT * 2.0 ** (stalls - 2)
                client.pause(wait, f"{client.url} is compacting its archive")
            if wanted.before is None:
                wanted = replace(wanted, before=self._tip)

    def _blocks(self, client: ArchiveClient, wanted: Range) -> Iterator[Decoded]:
        with closing(run_ahead(self._work(client, wanted), self._parallel)) as groups:
            for fetched in groups:
                yield from fetched.blocks
                if fetched.failure is not None:
                    raise fetched.failure

    def _work(self, client: ArchiveClient, wanted: Range) -> Iterator[Work]:
        """Yield what fetches and decodes blocks, in order."""
        for units, tip in plan(client, wanted.after, wanted.before):
            self._tip = max(self._tip, tip)
            pinned = replace(wanted, before=tip)
            for unit in units:
                if unit.is_whole_segment:
                    blocks = self._contents.get(unit.checksum)
                    if blocks is None:
                        blocks = read_contents(client, unit.segment, unit.checksum)
                    yield from fetch_segment(client, unit, blocks, pinned, self._part)
                else:
                    for index in unit.blocks or ():
                        yield partial(fetch_block, client, unit, index, pinned)


@dataclass(slots=True)
class _Waiting:
    """Blocks that wait to be handed on together."""

    position: int
    resume: int
    gap: str | None
    size: int = 0
    blocks: list[Decoded] = field(default_factory=list)

    def add(self, decoded: Decoded) -> None:
        self.blocks.append(decoded)
        self.size += len(decoded.lines)
        self.resume = decoded.last_seq or self.resume

    def take(self, spent: int) -> Chunk:
        chunk = Chunk(
            data=b"".join(decoded.lines for decoded in self.blocks),
            position=self.position,
            read=spent,
            resume=self.resume,
            gap=self.gap,
            skipped=sum(decoded.skipped for decoded in self.blocks),
            refused=tuple(refused for decoded in self.blocks for refused in decoded.refused),
        )
        self.position, self.gap, self.size, self.blocks = self.resume, None, 0, []
        return chunk


def _share(segment: Listed, after: int, before: int | None) -> int:
    """About how many bytes of a segment are in a range of its sequence numbers."""
    last = segment.last_seq if before is None else min(segment.last_seq, before)
    events = segment.last_seq - segment.first_seq + 1
    return segment.size * max(last - max(after, segment.first_seq - 1), 0) // events


def _moment(us: int) -> str:
    try:
        return (_EPOCH + us * _MICROSECOND).strftime("%Y-%m-%d %H:%M:%S UTC")
    except OverflowError:
        return "a time that is none"


def _short(moment: datetime) -> str:
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return text.removesuffix("T00:00:00")
