"""The earlier moments of a watch."""

from datetime import timedelta

from blueattr.watch.history import History
from blueattr.watch.picture import GroupShare, PastShares
from support.watch_pictures import BEGUN


def _groups(history: History, **shares: float) -> tuple[GroupShare, ...]:
    return history.in_order(
        GroupShare(name, 1, share, share, 1, share) for name, share in shares.items()
    )


def _past(minute: int) -> PastShares:
    return PastShares(BEGUN + timedelta(minutes=minute), 1.0, (0.25, 0.75))


def test_a_groups_band_is_its_own_when_the_order_of_groups_changes() -> None:
    history = History()
    history.add(_past(0), _groups(history, en=0.6, de=0.4))
    now = _groups(history, ja=0.1, de=0.5, en=0.4)
    history.add(_past(1), now)
    assert [one.group for one in now] == ["en", "de", "ja"]
    assert [past.groups for past in history.beside(now)] == [(0.6, 0.4, 0.0), (0.4, 0.5, 0.1)]
    # A group that is there no longer has no band.
    last = _groups(history, de=1.0)
    assert [past.groups for past in history.beside(last)] == [(0.4,), (0.5,)]


def test_moments_without_groups_have_none_and_moments_close_by_are_kept_once() -> None:
    history = History()
    assert not history
    history.add(_past(0))
    history.add(PastShares(BEGUN + timedelta(seconds=30), 2.0, (1.0,)))
    groups = _groups(history, en=1.0)
    history.add(_past(1), groups)
    assert [past.end for past in history.beside(groups)] == [_past(0).end, _past(1).end]
    assert [past.groups for past in history.beside(groups)] == [(), (1.0,)]
    assert history
