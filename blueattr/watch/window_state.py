"""A window that slides over records: what it counts changes by what comes in and what falls out."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.kernels import sliding
from blueattr.kernels.tallies import (
    FOLLOW,
    RECEIVED,
    REPOST,
    WRITTEN,
    AccountNumbers,
    Codes,
    Sums,
)
from blueattr.panel.counts import WindowLayout
from blueattr.panel.features import COUNTS
from blueattr.watch.rows import Statuses, Times, TopicEvents, WindowRecords

__all__ = ["Minutes", "TopicState", "WindowState", "microseconds", "moment"]


Flags = npt.NDArray[np.bool_]
Table = npt.NDArray[np.int32]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MINUTE = 60_000_000
_DAY = 86_400_000_000
_COLUMNS = (*WRITTEN, *RECEIVED)
_FOLLOWS = _COLUMNS.index("follows_received")
# Of a topic, in the order of the kernel.
_OF_TOPIC = (
    "posts",
    "replies",
    "reposts",
    "replies_received",
    "reposts_received",
    "quotes_received",
)


def microseconds(time: datetime) -> int:
    """Return a time in microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def moment(time: int) -> datetime:
    """Return the time that is so many microseconds after 1970, in UTC."""
    return _EPOCH + time * _MICROSECOND


@dataclass(frozen=True, slots=True, eq=False)
class Minutes:
    """Who took part, and what was written, in consecutive minutes.

    Parameters
    ----------
    start
        When the first begins, in microseconds since 1970.
    participants
        How many accounts wrote a post, a reply or a repost in each; int64 (n,).
    posts
        How many posts and replies there were; int64 (n,).
    """

    start: int
    participants: npt.NDArray[np.int64]
    posts: npt.NDArray[np.int64]


class _Chunk:
    """Records, of which those from `first` to before `past` are in the window."""

    def __init__(self, records: WindowRecords) -> None:
        self.records = records
        self.first = self.past = 0
        self.size = records.time.size

    def place(self, time: int) -> int:
        """Return how many are before a time."""
        return int(np.searchsorted(self.records.time, time))


class TopicState:
    """What of a topic is in a window.

    Parameters
    ----------
    events
        What may belong to it in all windows that are asked for.
    past
        Above the numbers of all accounts.
    """

    def __init__(self, events: TopicEvents, past: int) -> None:
        self.events = events
        self.first = self.past = 0
        """The places of the events in the window: from the one, to before the other."""
        self._present = np.zeros(events.time.size, np.bool_)
        self._hooks = np.zeros(events.time.size, np.int32)
        self._counts = np.zeros((past, len(_OF_TOPIC)), np.int32)

    def _set(
        self, stretch: tuple[int, int], gone: Flags, changed: Flags | None, *, inside: bool
    ) -> None:
        e = self.events
        columns = (e.account, e.subject, e.quoted, e.kind, e.own, e.hung, e.hanging)
        sliding.set_present(
            stretch, changed=changed, inside=inside, events=columns, gone=gone,
            present=self._present, hooks=self._hooks, counts=self._counts,
        )  # fmt: skip

    def slide(self, start: int, end: int, gone: Flags, changed: Flags | None) -> None:
        """Move the window.

        Parameters
        ----------
        start, end
            Microseconds since 1970, half-open.
        gone, changed
            bool (past,): who is gone at the end, and for whom that has changed; None for nobody.
        """
        first, past = np.searchsorted(self.events.time, [start, end]).tolist()
        self._set((self.first, min(first, self.past)), gone, None, inside=False)
        kept = max(first, self.first), self.past
        if changed is not None and kept[0] < kept[1]:
            self._set(kept, gone, changed, inside=True)
        self._set((max(first, self.past), past), gone, None, inside=True)
        self.first, self.past = first, past

    @property
    def counted(self) -> Flags:
        """Which events of the window belong to the topic: bool, from `first` to before `past`."""
        part = slice(self.first, self.past)
        return self._present[part] & (self.events.own[part] | (self._hooks[part] > 0))

    def since(self, time: int) -> tuple[Times, AccountNumbers, Codes]:
        """Return when, by whom and what the events are that count from a time on."""
        begin = max(self.first, int(np.searchsorted(self.events.time, time)))
        part = slice(begin, max(begin, self.past))
        kept = self.counted[part.start - self.first :]
        return (
            self.events.time[part][kept],
            self.events.account[part][kept],
            self.events.kind[part][kept],
        )

    def accounts(self) -> AccountNumbers:
        """Return who has any count, uint32, ascending."""
        return np.flatnonzero(self._counts.any(axis=1)).astype(np.uint32)

    def column(self, name: str, accounts: AccountNumbers) -> Sums:
        """Return a count of some accounts."""
        counts: Sums = self._counts[accounts, _OF_TOPIC.index(name)].astype(np.int64)
        return counts


class WindowState:
    """What accounts did and received in a window that slides forward.

    Its numbers are those of `blueattr.panel.counts.WindowCounts` on a store with the same records.

    Parameters
    ----------
    past
        Above the numbers of all accounts.
    length
        Of the window, in microseconds.
    statuses
        Who went and came back, when.
    topic
        Events of a topic; None for all events.
    by_day
        Whether to count the records of each account and UTC day, which the filter by rate asks for.
    """

    def __init__(
        self,
        past: int,
        length: int,
        statuses: Statuses,
        topic: TopicEvents | None = None,
        *,
        by_day: bool = False,
    ) -> None:
        self.length = length
        self.past_account = past
        self.start = self.end = 0
        self.events_read = 0
        """How many records came into the window since it began."""
        self._statuses = statuses
        self._status = 0  # the place of the first status that does not count yet
        self._gone = np.zeros(past, np.bool_)
        self._counts = np.zeros((past, len(_COLUMNS)), np.int32)
        self._days: dict[int, npt.NDArray[np.int32]] | None = {} if by_day else None
        # What is in the window or ahead of it, in the order of time.
        self._chunks: deque[_Chunk] = deque()
        self.topic = None if topic is None else TopicState(topic, past)

    def feed(self, records: WindowRecords) -> None:
        """Give what follows the records that were given before; none is earlier than their last."""
        if records.time.size:
            self._chunks.append(_Chunk(records))

    def watch(self, topic: TopicEvents | None) -> None:
        """Count another topic from now on."""
        self.topic = None if topic is None else TopicState(topic, self.past_account)
        if self.topic is not None:
            self.topic.slide(self.start, self.end, self._gone, None)

    def slide(self, end: int) -> None:
        """Let the window end at a time, not before it did.

        Parameters
        ----------
        end
            Microseconds since 1970, not included.
        """
        if end < self.end:
            raise ValueError("a window slides forward")
        start = end - self.length
        self._drop(start)
        changed = self._settle_statuses(end)
        if changed is not None:
            for part in self._inside():
                sliding.change_givers(
                    part.account, part.subject, part.code, changed=changed, gone=self._gone,
                    counts=self._counts,
                )  # fmt: skip
        self._take_in(end)
        if self.topic is not None:
            self.topic.slide(start, end, self._gone, changed)
        self.start, self.end = start, end

    def _drop(self, start: int) -> None:
        """Take what is before a time off the counts."""
        for chunk in self._chunks:
            past = chunk.place(start)
            self._add(chunk.records.part(chunk.first, min(past, chunk.past)), -1)
            chunk.first, chunk.past = max(chunk.first, past), max(chunk.past, past)
            if past < chunk.size:
                break
        while self._chunks and self._chunks[0].first == self._chunks[0].size:
            self._chunks.popleft()
        if self._days is not None:
            for day in [day for day in self._days if (day + 1) * _DAY <= start]:
                del self._days[day]

    def _take_in(self, end: int) -> None:
        """Count what comes before a time."""
        for chunk in self._chunks:
            if chunk.past == chunk.size:
                continue
            past = max(chunk.place(end), chunk.past)
            self._add(chunk.records.part(chunk.past, past), 1)
            self.events_read += past - chunk.past
            chunk.past = past
            if past < chunk.size:
                break

    def _inside(self) -> list[WindowRecords]:
        """Return what is in the window."""
        return [chunk.records.part(chunk.first, chunk.past) for chunk in self._chunks]

    def _add(self, part: WindowRecords, sign: int) -> None:
        if not part.time.size:
            return
        sliding.add_rows(
            part.account, part.subject, part.code, sign=sign, gone=self._gone, counts=self._counts
        )
        if self._days is None:
            return
        first, last = part.time[0] // _DAY, part.time[-1] // _DAY
        for day in range(int(first), int(last) + 1):
            one = slice(*np.searchsorted(part.time, [day * _DAY, (day + 1) * _DAY]))
            if day not in self._days:
                self._days[day] = np.zeros(self.past_account, np.int32)
            sliding.add_records(part.account[one], part.code[one], sign, self._days[day])

    def _settle_statuses(self, end: int) -> Flags | None:
        """Take in the statuses before a time; return for whom they change it, None for nobody."""
        past = int(np.searchsorted(self._statuses.time, end))
        if past == self._status:
            return None
        before = self._gone.copy()
        part = slice(self._status, past)
        # The last of an account counts: numpy assigns in order.
        self._gone[self._statuses.account[part]] = self._statuses.gone[part]
        self._status = past
        changed = before != self._gone
        return changed if changed.any() else None

    # --- what the window counts ------------------------------------------------------------------

    def lay_out(self) -> WindowLayout:
        """Return what `blueattr.panel.counts.WindowCounts.lay_out` does; no day is summarised."""
        active = np.flatnonzero(self._counts[:, 0] > 0).astype(np.uint32)
        inactive = np.flatnonzero(self._gone).astype(np.uint32)
        follows = self._counts[:, _FOLLOWS].astype(np.int64)
        follows[inactive] = 0
        followed = np.flatnonzero(follows).astype(np.uint32)
        return WindowLayout(
            date.max, date.min, self.past_account, active, inactive, followed, follows[followed]
        )

    def totals(self) -> pl.DataFrame:
        """Count what each account did and received, of the topic or at all.

        Returns
        -------
        pl.DataFrame
            ``account``, ascending, and `blueattr.panel.features.COUNTS`; accounts that are gone are
            not in it, and follows are global.
        """
        if self.topic is None:
            some = self._counts[:, 1:].any(axis=1) & ~self._gone
            who = np.flatnonzero(some).astype(np.uint32)
            counts = {
                name: self._counts[who, _COLUMNS.index(name)].astype(np.int64) for name in COUNTS
            }
            return pl.DataFrame({"account": who, **counts})
        some = self._counts[:, _FOLLOWS] != 0
        some[self.topic.accounts()] = True
        who = np.flatnonzero(some & ~self._gone).astype(np.uint32)
        counts = {
            name: self._counts[who, _FOLLOWS].astype(np.int64)
            if _COLUMNS.index(name) == _FOLLOWS
            else self.topic.column(name, who)
            for name in COUNTS
        }
        return pl.DataFrame({"account": who, **counts})

    def minutes(self, most: int) -> "Minutes":
        """Count participants and posts in each of the last minutes of the window.

        Parameters
        ----------
        most
            How many minutes, the last of which is that of the window's end.
        """
        last = (self.end - 1) // _MINUTE
        first = max(last - most + 1, self.start // _MINUTE)
        since = max(first * _MINUTE, self.start)
        if self.topic is None:
            parts = [
                part.part(int(np.searchsorted(part.time, since)), part.time.size)
                for part in self._inside()
                if part.time.size and part.time[-1] >= since
            ]
            columns = [(p.time, p.account, p.code) for p in parts]
        else:
            columns = [self.topic.since(since)]
        participants = np.zeros(last - first + 1, np.int64)
        posts = np.zeros(last - first + 1, np.int64)
        seen = []
        for time, account, code in columns:
            kept = (code < FOLLOW) & ~self._gone[account]
            minute = (time[kept] // _MINUTE - first).astype(np.int64)
            posts += np.bincount(minute[code[kept] < REPOST], minlength=posts.size)
            seen.append(minute << 32 | account[kept])
        # Those of one minute may be in two parts.
        for minute in [np.unique(np.concatenate(seen)) >> 32] if seen else []:
            participants += np.bincount(minute, minlength=posts.size)
        return Minutes(first * _MINUTE, participants, posts)

    def busy_days(self, rate: int) -> pl.DataFrame:
        """Count the UTC days of the window on which accounts made more than `rate` records.

        Returns
        -------
        pl.DataFrame
            ``account`` and ``busy_days``; those that have none are not in it.
        """
        if self._days is None:
            raise ValueError("records were not counted by day")
        days = np.zeros(self.past_account, np.int64)
        for records in self._days.values():
            days += records > rate
        who = np.flatnonzero(days)
        return pl.DataFrame({"account": who.astype(np.uint32), "busy_days": days[who]})
