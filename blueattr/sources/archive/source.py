"""Past windows from an archive's sealed segments: chosen by time, fetched in parallel, in order."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING

from blueattr.decode.binary.transcode import Decoded
from blueattr.decode.chunk import Chunk
from blueattr.errors import SourceError, UsageError
from blueattr.provenance import Window
from blueattr.sources.archive.accounts import DidSet
from blueattr.sources.archive.bootstrap import BootstrapEnd
from blueattr.sources.archive.client import ArchiveClient, Changed
from blueattr.sources.archive.cost import (
    ReadingStage,
    by_stage,
    planned_size,
    share,
    too_dear,
)
from blueattr.sources.archive.fetch import Range, Work, fetch_block, fetch_segment, read_contents
from blueattr.sources.archive.key import ArchiveKey
from blueattr.sources.archive.plans import Listed, list_segments, plan
from blueattr.sources.archive.waiting import Waiting
from blueattr.sources.archive.words import spell_bytes, spell_end, spell_moment, to_us
from blueattr.sources.hosts import check_url, instance
from blueattr.sources.parallel import run_ahead
from blueattr.sources.timing import Timing

if TYPE_CHECKING:
    from blueattr.decode.binary.segments import Block

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


class ArchiveSource:
    """What a Jetstream's archive holds of a window of time, or of its own sequence.

    Parameters
    ----------
    url
        Of the host: ``wss://`` or ``https://``, on loopback and where `insecure` also plain.
    window
        Which time; None for all. What the archive saw is chosen by when it did. What was written
        before it began is looked for in what it fetched then, by imported times, else record keys.
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
    accounts
        Of these accounts alone; of all by default.
    most
        Bytes to fetch at most; None for any number.
    scan
        Whether to look for what was written before the archive began.

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
        `url` is refused (see `blueattr.sources.hosts.check_url`), or the window is empty. When
        chunks are asked for: more than `most` bytes would be fetched.

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
        accounts: DidSet | None = None,
        most: int | None = None,
        scan: bool = True,
    ) -> None:
        self.host = instance(check_url(url, insecure=insecure))
        if window is not None and window.end <= window.start:
            raise UsageError(f"the window from {window.start} to {window.end} is empty")
        self._window = window
        self._after, self._before = after, before
        self._parallel, self._part, self._chunk = parallel, part, chunk
        self._accounts, self.most, self._scan = accounts, most, scan
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
        what = f"{self._after}..{self._before or ''}"
        if self._window is not None:
            what = f"{spell_end(self._window.start)}..{spell_end(self._window.end)}"
        of = "" if self._accounts is None else f" of {self._accounts.label}"
        return f"archive:{self.host} {what}{of}"

    @property
    def accounts(self) -> DidSet | None:
        """The accounts that it is limited to; None for all."""
        return self._accounts

    @property
    def window(self) -> Window:
        """Its window; of its own sequence, all of time."""
        return self._window or Window(
            datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        )

    @property
    def fingerprint(self) -> str:
        """The first segment as sealed, since an archive made anew numbers events anew, and a mark.

        The mark says that what was written before the archive began is looked for.
        """
        return self._fingerprint(scans=self._scans)

    def _fingerprint(self, *, scans: bool) -> str:
        segments = self._segments if scans else self._chosen
        first = min(segments, default=None, key=lambda segment: segment.index)
        if first is None:
            return ""
        return f"{first.name}:{first.first_seq}:{first.first_us}{':bootstrap' if scans else ''}"

    def covered_by(self, fingerprint: str) -> Window | None:
        """Return what of the window a reading of it with a fingerprint covers; None for nothing."""
        if fingerprint == self.fingerprint:
            return self._window
        began = _EPOCH + timedelta(microseconds=self._begins_us)
        # Before 0.3.0, or to fill a gap: without what was written before the archive began.
        if fingerprint == self._fingerprint(scans=False) != "" and began < self.window.end:
            return Window(max(began, self.window.start), self.window.end)
        return None

    def part(self, window: Window, accounts: DidSet | None, after: int = 0) -> "ArchiveSource":
        """Return another reading of the same archive, which is not asked again what it holds."""
        held = self._segments, self._begins_us
        other = copy(self)
        vars(other).pop("_us", None)
        new = {"_window": window, "_accounts": accounts, "_after": after}
        vars(other).update(new, _segments=held[0], _begins_us=held[1])
        return other

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
        self._found = False
        gap = self._remark()
        self._check_cost(position)
        with closing(self._open()) as client:
            begins = position == 0 and (self._window is None or self._after == 0)
            yield from self._joined(client, position, gap if begins else None)

    # --- what it costs ---------------------------------------------------------------------------

    def stages(self, position: int = 0) -> list[ReadingStage]:
        """Return what is to be fetched after a sequence number, stage by stage; nothing is spent.

        Raises
        ------
        SourceError
            The archive cannot be reached, or refuses us.
        """
        after = max(self._after, position)
        sizes = {segment.name: share(segment, after, self._before) for segment in self._segments}
        if self._accounts is not None:
            with closing(self._open()) as client:
                pages = list(plan(client, after, self._before, self._accounts.dids))
            sizes = planned_size(chain(*(page for page, _ in pages)), self._segments, after)
        return by_stage(sizes, {segment.name for segment in self._chosen}, scans=self._scans)

    def _check_cost(self, position: int) -> None:
        if self.most is None:
            return
        size = sum(stage.size for stage in self.stages(position))
        if size > self.most:
            raise UsageError(too_dear(self.host, size, self.most))

    def _check_spent(self, client: ArchiveClient) -> None:
        if self.most is not None and client.spent > self.most:
            raise SourceError(
                f"{client.url} has sent the {spell_bytes(self.most)} that --max-bytes permits; "
                "everything so far is kept: run the same command again to continue"
            )

    # --- which segments --------------------------------------------------------------------------

    @cached_property
    def _segments(self) -> list[Listed]:
        with closing(self._open()) as client:
            segments = list_segments(client)
        if not segments:
            raise SourceError(f"the archive of {self.host} holds nothing yet")
        return segments

    @cached_property
    def _us(self) -> tuple[int, int]:
        """The window in µs since 1970."""
        if self._window is None:
            return -_LARGEST, _LARGEST
        return to_us(self._window.start), to_us(self._window.end)

    @cached_property
    def _begins_us(self) -> int:
        """When the archive began to see events; µs since 1970."""
        return min(segment.first_us for segment in self._segments)

    @property
    def _scans(self) -> bool:
        """Whether a part of the window is before the archive began, and to be looked for."""
        return self._scan and self._window is not None and self._us[0] < self._begins_us

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
        first = self._begins_us
        last = max(segment.last_us for segment in self._segments)
        holds = f"the archive of {self.host} holds {spell_moment(first)} to {spell_moment(last)}"
        remarks = []
        if end <= first and not self._scans:
            raise SourceError(f"{holds}: nothing of the window")
        if start > last:
            raise SourceError(
                f"{holds}: nothing of the window yet; blueattr ingest follows it live"
            )
        least = min(segment.first_seq for segment in self._segments)
        begins = start < first if self._window else self._after + 1 < least
        if self._scans:
            remarks.append(
                f"{holds}; of what was written before that it has what was still there then, with "
                "imported times or those of record keys"
            )
        elif begins:
            remarks.append(f"{holds}; it cannot serve what came before that")
        if not self._chosen and not self._scans:
            remarks.append(f"{holds}, but no events of the window")
        if self._window and last < end:
            remarks.append(f"{holds}; blueattr ingest continues from there, live")
        self.remarks = tuple(remarks)
        return f"before the archive of {self.host} begins" if begins else None

    def _events(self, after: int, before: int | None) -> Range:
        """Return which events are wanted, in a range of sequence numbers."""
        begins = self._begins_us if self._scan and self._window is not None else None
        dids = None if self._accounts is None else self._accounts.array
        return Range(after, before, *self._us, begins, dids)

    def _range(self, client: ArchiveClient, after: int) -> Range:
        """Find which sequence numbers the window has, to the block."""
        before = self._before
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
        if self.size is None:
            self.size = sum(share(segment, after, before) for segment in self._chosen)
        return self._events(after, before)

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

    def _joined(self, client: ArchiveClient, position: int, gap: str | None) -> Iterator[Chunk]:
        """Join blocks to chunks that are worth the decoder's while."""
        after = max(self._after, position)
        spans = None if self._scans else self._range(client, after)
        begin = after if spans is None else spans.after
        waiting = Waiting(begin, begin, gap, for_rows=self._scans)
        blocks = self._scanned(client, after) if spans is None else self._sweep(client, spans)
        failure = None
        try:
            for decoded in blocks:
                waiting.add(decoded)
                self._found |= decoded.first_seq is not None
                # What is before the archive begins is no gap if some of it was there.
                if self._scans and (decoded.first_us or self._begins_us) < self._begins_us:
                    waiting.gap = None
                unsaid = client.spent - self.spent
                if waiting.size >= self._chunk or (not waiting.size and unsaid >= self._chunk):
                    self.spent = client.spent
                    yield waiting.take(client.spent)
                self._check_spent(client)
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
        if self._scans and not self._found and self._us[1] <= self._begins_us:
            raise SourceError(f"{self.remarks[0].partition(';')[0]}: nothing of the window")
        if self._window is None:
            self.complete = self._before is None or reached >= self._before
            self.cutover = reached
        else:
            self.complete = max(segment.last_us for segment in self._segments) >= self._us[1]
            self.cutover = None if self.complete else reached

    def _scanned(self, client: ArchiveClient, after: int) -> Iterator[Decoded]:
        """Yield blocks from the archive's beginning on, then those that it saw in the window."""
        self.size = sum(stage.size for stage in self.stages(after))
        ends = BootstrapEnd([segment.last_seq for segment in self._segments])
        with closing(self._sweep(client, self._events(after, self._before))) as blocks:
            for decoded in blocks:
                after = decoded.through_seq or after
                yield decoded
                if ends.with_block(decoded):
                    break
            else:
                return
        self._tip = 0
        if any(segment.last_seq > after for segment in self._chosen):
            yield from self._sweep(client, self._range(client, after))

    def _sweep(self, client: ArchiveClient, span: Range) -> Generator[Decoded]:
        """Yield blocks in order; plan again from the last one where segments were compacted."""
        stalls = 0
        while span.before is None or span.after < span.before:
            try:
                for decoded in self._blocks(client, span):
                    if decoded.through_seq is None:
                        continue
                    first = decoded.through_seq if decoded.first_seq is None else decoded.first_seq
                    if first <= span.after:
                        raise SourceError(f"the archive of {self.host} is out of order")
                    span = replace(span, after=decoded.through_seq)
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
                    "times in a row; everything before that is kept: run the same command "
                    "again later"
                )
            if stalls > 1:
                wait = _FIRST_WAIT * 2.0 ** (stalls - 2)
                client.pause(wait, f"{client.url} is compacting its archive")
            if span.before is None:
                span = replace(span, before=self._tip)

    def _blocks(self, client: ArchiveClient, span: Range) -> Iterator[Decoded]:
        with closing(run_ahead(self._work(client, span), self._parallel)) as groups:
            for fetched in groups:
                yield from fetched.blocks
                if fetched.failure is not None:
                    raise fetched.failure

    def _work(self, client: ArchiveClient, span: Range) -> Iterator[Work]:
        """Yield what fetches and decodes blocks, in order."""
        dids = () if self._accounts is None else self._accounts.dids
        for units, tip in plan(client, span.after, span.before, dids):
            self._tip = max(self._tip, tip)
            pinned = replace(span, before=tip)
            for unit in units:
                if unit.is_whole_segment:
                    blocks = self._contents.get(unit.checksum)
                    if blocks is None:
                        blocks = read_contents(client, unit.segment, unit.checksum)
                    yield from fetch_segment(client, unit, blocks, pinned, self._part)
                else:
                    for index in unit.blocks or ():
                        yield partial(fetch_block, client, unit, index, pinned)
