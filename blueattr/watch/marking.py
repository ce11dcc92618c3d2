"""Marks: the change points of what is watched, each with who contributed most."""

from collections import deque
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from blueattr.analysis.change import change_since
from blueattr.attribution.question import Question
from blueattr.errors import NoAnswerError, UsageError
from blueattr.provenance import Window
from blueattr.watch.change_points import ChangeFound, CountChanges, ShareChanges
from blueattr.watch.picture import Contribution, Mark, Picture
from blueattr.watch.reading import WatchReading

__all__ = ["Marker"]


_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Who contributed is told of as long before a change as after it: at least half an hour, and longer
# where too little happened in it.
_LENGTHS = tuple(timedelta(minutes=minutes) for minutes in (30, 6 * 60, 24 * 60))
_KEPT = 20
_BLAMED, _LOOKED_AT = 3, 50
_SHARE_OF = "share of the "


class Marker:
    """Looks at each picture for changes since the one before.

    Parameters
    ----------
    question
        What is attributed: one indicator.
    names
        Whether accounts are named.
    """

    def __init__(self, question: Question, *, names: bool) -> None:
        self._question = question
        self._names = names
        self._posts = CountChanges()
        self._shares: dict[str, ShareChanges] = {}
        self._next: int | None = None  # the first minute that was not looked at
        self._marks: deque[Mark] = deque(maxlen=_KEPT)
        self._unexplained: set[tuple[datetime, str]] = set()

    @property
    def is_done(self) -> bool:
        """Whether each mark says who contributed; else the next picture's say more."""
        return not self._unexplained

    def see(
        self, reading: WatchReading, picture: Picture, *, explain: bool = True
    ) -> tuple[Mark, ...]:
        """Return all marks, the newest first.

        Who contributed takes longer to find out than the picture itself: each picture brings it of
        one mark.

        Parameters
        ----------
        reading
            What the picture is of.
        picture
            Shares and gaps of a moment that is not before the last one.
        explain
            Whether to find out who contributed.
        """
        # What lies in a gap was not seen: no minute of it is taken for one without posts, and no
        # share is looked at while the window holds one.
        new = [("posts a minute", found, "") for found in self._see_posts(reading, picture)]
        if picture.total is not None and not picture.gaps:
            time = (picture.end - _EPOCH) / _MINUTE
            for one in picture.tiers:
                changes = self._shares.setdefault(one.tier, ShareChanges())
                change = changes.see(time, one.share)
                if change is not None:
                    new.append((f"{_SHARE_OF}{one.tier}", change, one.tier))
        for what, change, tier in new:
            began = _EPOCH + change.began * _MINUTE
            mark = Mark(began, what, change.before, change.after, "share" if tier else "count")
            self._marks.appendleft(mark)
            if self._names:
                self._unexplained.add(mark.key)
        if explain:
            self._explain_one(reading, picture)
        return tuple(self._marks)

    def _explain_one(self, reading: WatchReading, picture: Picture) -> None:
        """Say of the newest mark that does not who contributed."""
        for place, mark in enumerate(self._marks):
            if mark.key in self._unexplained:
                self._marks[place] = self._explained(reading, picture, mark)
                self._unexplained.remove(mark.key)
                return
        self._unexplained.clear()  # of marks that are kept no longer

    def _see_posts(self, reading: WatchReading, picture: Picture) -> list[ChangeFound]:
        """Look at the whole minutes since the last look; at first at those of the window."""
        last = (picture.end - _EPOCH) // _MINUTE - 1
        begin = -((_EPOCH - picture.start) // _MINUTE)
        first = begin if self._next is None else max(self._next, begin)
        if last < first:
            return []
        self._next = last + 1
        # The last one is not over.
        minutes = reading.minutes(last - first + 2, participants=False)
        found = []
        for minute, posts in enumerate(minutes.posts.tolist(), minutes.start // 60_000_000):
            start = _EPOCH + minute * _MINUTE
            inside = not any(g.start < start + _MINUTE and g.end > start for g in picture.gaps)
            if first <= minute <= last and inside:
                change = self._posts.see(minute, posts)
                found += [] if change is None else [change]
        return found

    def _explained(self, reading: WatchReading, picture: Picture, mark: Mark) -> Mark:
        tier = mark.what.removeprefix(_SHARE_OF) if mark.unit == "share" else ""
        since = picture.end - mark.time
        lengths = sorted({max(since, _LENGTHS[0]), *(one for one in _LENGTHS if one > since)})
        for length in lengths:
            with suppress(NoAnswerError, UsageError):  # such as nobody before
                contributed = self._contributed(reading, picture, length, tier)
                if contributed:
                    return replace(mark, contributed=contributed)
        return mark

    def _contributed(
        self, reading: WatchReading, picture: Picture, length: timedelta, tier: str
    ) -> tuple[Contribution, ...]:
        """Return who carried most of the indicator's change to the last stretch of some length."""
        middle = picture.end - length
        windows = Window(middle - length, middle), Window(middle, picture.end)
        (result,) = change_since(
            reading.store, reading.query, windows, self._question, top=_LOOKED_AT
        )
        return tuple(
            Contribution(mover.did, mover.handle, mover.value)
            for mover in result.movers
            if mover.tier == tier or not tier
        )[:_BLAMED]
