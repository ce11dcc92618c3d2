"""The earlier moments of a watch: shares of tiers and groups, and of all agents."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from blueattr.watch.picture import GroupShare, PastShares

__all__ = ["History", "SharesAgo"]


# Moments are kept this far apart, and so many.
_APART, _KEPT = timedelta(minutes=1), 360

# Shares of all agents are kept this far apart; somebody rose since this long ago.
_AGENTS_APART, _AGO = timedelta(minutes=30), timedelta(hours=1)


class History:
    """Moments that were shown, for the bands."""

    def __init__(self) -> None:
        self._kept: deque[tuple[PastShares, Mapping[str, float]]] = deque(maxlen=_KEPT)
        self._places: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._kept)

    def in_order(self, groups: Iterable[GroupShare]) -> tuple[GroupShare, ...]:
        """Return groups in the order in which they were seen first: each keeps its colour."""
        given = tuple(groups)
        for one in given:
            self._places.setdefault(one.group, len(self._places))
        return tuple(sorted(given, key=lambda one: self._places[one.group]))

    def add(self, past: PastShares, groups: Sequence[GroupShare] = ()) -> None:
        """Keep a moment, unless one was kept shortly before."""
        if not self._kept or past.end - self._kept[-1][0].end >= _APART:
            self._kept.append((past, {one.group: one.share for one in groups}))

    def put_before(self, earlier: "History") -> None:
        """Add the moments of another history that are before those of this one."""
        first = self._kept[0][0].end if self._kept else None
        before = [one for one in earlier if first is None or first - one[0].end >= _APART]
        self._kept = deque([*before, *self._kept], _KEPT)

    def __iter__(self) -> Iterator[tuple[PastShares, Mapping[str, float]]]:
        """Yield each moment with its shares by group, the oldest first."""
        return iter(self._kept)

    def beside(self, groups: Sequence[GroupShare]) -> tuple[PastShares, ...]:
        """Return all moments, with the shares of these groups; none where groups were not asked."""
        return tuple(
            replace(past, groups=tuple(shares.get(one.group, 0.0) for one in groups))
            if shares
            else past
            for past, shares in self._kept
        )


class SharesAgo:
    """Shares of all agents of about an hour ago, by which those that rose are told."""

    def __init__(self) -> None:
        self._kept: deque[tuple[datetime, pl.DataFrame]] = deque()

    def add(self, end: datetime, shares: pl.DataFrame) -> None:
        """Keep a moment, unless one was kept shortly before; forget what is older than need be.

        Parameters
        ----------
        end
            The end of its window, not before that of the last one.
        shares
            ``did`` and ``share``.
        """
        if not self._kept or end - self._kept[-1][0] >= _AGENTS_APART:
            self._kept.append((end, shares))
        while len(self._kept) > 1 and end - self._kept[1][0] >= _AGO:
            self._kept.popleft()

    def put_before(self, earlier: "SharesAgo") -> None:
        """Add the moments of another that are before those of this one."""
        first = self._kept[0][0] if self._kept else None
        before = [one for one in earlier if first is None or first - one[0] >= _AGENTS_APART]
        self._kept.extendleft(reversed(before))

    def __iter__(self) -> Iterator[tuple[datetime, pl.DataFrame]]:
        """Yield each moment that is kept, the oldest first."""
        return iter(self._kept)

    def at(self, end: datetime) -> pl.DataFrame | None:
        """Return the shares an hour before a time, or up to two; None where none were kept."""
        if not self._kept or end - self._kept[0][0] < _AGO:
            return None
        return self._kept[0][1]
