"""The earlier moments of a watch: shares of tiers, and of groups by their names."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from blueattr.watch.picture import GroupShare, PastShares

__all__ = ["History"]


# Moments are kept this far apart, and so many.
_APART, _KEPT = timedelta(minutes=1), 360


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

    def beside(self, groups: Sequence[GroupShare]) -> tuple[PastShares, ...]:
        """Return all moments, with the shares of these groups; none where groups were not asked."""
        return tuple(
            replace(past, groups=tuple(shares.get(one.group, 0.0) for one in groups))
            if shares
            else past
            for past, shares in self._kept
        )
