"""Change points: steady streams have none, changes are found soon, and where another finds them."""

import numpy as np
import pytest

from blueattr.watch.change_points import LEARNED, ChangeFound, CountChanges, ShareChanges

WEEK = 7 * 24 * 60
CHANGED = 600


def counts(seed: int, rate: float, minutes: int, dispersion: float = 1.0) -> list[int]:
    """Counts of minutes: Poisson, or in clusters by a negative binomial distribution."""
    rng = np.random.default_rng(seed)
    if dispersion == 1.0:
        return [int(n) for n in rng.poisson(rate, minutes)]
    size, chance = rate / (dispersion - 1), 1 / dispersion
    return [int(n) for n in rng.negative_binomial(size, chance, minutes)]


def found_in(series: list[int]) -> list[tuple[int, ChangeFound]]:
    """Return what is found, each with the minute in which it is."""
    changes = CountChanges()
    seen = [(minute, changes.see(minute, count)) for minute, count in enumerate(series)]
    return [(minute, change) for minute, change in seen if change is not None]


def walk(
    seed: int, wander: float, minutes: int, *, jump: float = 0.0, over: int = 1
) -> list[float]:
    """Shares that wander by so much a minute, and move by `jump` from `CHANGED` on."""
    steps = np.random.default_rng(seed).normal(0, wander, minutes)
    steps[CHANGED : CHANGED + over] += jump / over
    return [float(share) for share in 0.5 + np.cumsum(steps)]


def moved(shares: list[float]) -> list[tuple[int, ChangeFound]]:
    changes = ShareChanges()
    seen = [(minute, changes.see(minute, share)) for minute, share in enumerate(shares)]
    return [(minute, change) for minute, change in seen if change is not None]


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("rate", "dispersion", "weeks"), [(8, 1, 0.3), (0.5, 1, 2), (4, 1, 2), (30, 1, 2), (20, 3, 2)]
)
def test_a_steady_stream_has_at_most_one_false_alarm_a_week(
    rate: float, dispersion: float, weeks: float
) -> None:
    found = found_in(counts(1, rate, int(weeks * WEEK), dispersion))
    assert len(found) <= weeks


@pytest.mark.parametrize(("rate", "dispersion"), [(10, 1), (60, 1), (40, 3)])
def test_half_as_much_again_is_found_within_half_an_hour(rate: float, dispersion: float) -> None:
    for seed in range(3):
        series = counts(seed, rate, CHANGED, dispersion)
        series += counts(seed + 9, 1.5 * rate, 60, dispersion)
        ((minute, change),) = found_in(series)
        assert CHANGED <= minute < CHANGED + 30
        assert abs(change.began - CHANGED) <= 10
        assert change.before == pytest.approx(rate, rel=0.1)
        assert 1.2 < change.after / change.before < 2.2


def test_a_stream_that_falls_silent_is_a_change_and_then_usual() -> None:
    series = counts(2, 12, CHANGED) + [0] * 300
    ((minute, change),) = found_in(series)
    assert CHANGED <= minute < CHANGED + 15
    assert change.after < 1


def test_nothing_is_told_before_it_is_known_what_is_usual() -> None:
    """Else the beginning of each stream, and what follows each change, is a change."""
    assert found_in([0] * (LEARNED - 30) + [100] * 29) == []
    assert moved([0.1] * 60 + [0.9] * 29) == []


def test_a_change_is_told_once_and_the_next_one_from_its_level() -> None:
    series = counts(3, 10, CHANGED) + counts(4, 20, CHANGED) + counts(5, 40, 200)
    (_, first), (minute, second) = found_in(series)
    assert 2 * CHANGED <= minute < 2 * CHANGED + 30
    assert second.before == pytest.approx(20, rel=0.15)
    assert first.after < second.after


@pytest.mark.few(1)
@pytest.mark.parametrize(("wander", "minutes"), [(0.001, 3000), (0.0001, WEEK), (0.002, WEEK)])
def test_a_share_that_wanders_as_ever_is_no_change(wander: float, minutes: int) -> None:
    assert len(moved(walk(1, wander, minutes))) <= 1


@pytest.mark.parametrize("over", [1, 10, 30])
@pytest.mark.parametrize("jump", [0.05, -0.05])
def test_five_points_of_a_share_are_found_within_half_an_hour(over: int, jump: float) -> None:
    for seed in range(3):
        ((minute, change),) = moved(walk(seed, 0.0008, 700, jump=jump, over=over))
        assert CHANGED <= minute < CHANGED + 30
        assert abs(change.began - CHANGED) <= 15
        assert (change.after - change.before) * jump > 0


def test_shares_seen_seldom_are_found_to_change_when_they_are_seen() -> None:
    """As in a fast replay, where a picture may be an hour after the one before."""
    changes = ShareChanges()
    rng = np.random.default_rng(0)
    seen = [changes.see(60.0 * k, 0.5 + 0.2 * (k >= 40) + rng.normal(0, 0.004)) for k in range(60)]
    assert [k for k, change in enumerate(seen) if change is not None] == [40]


def test_changes_are_where_another_detector_finds_them() -> None:
    ruptures = pytest.importorskip("ruptures", reason="the other detector is not installed")
    levels = [20, 34, 18, 40]
    series = [n for k, level in enumerate(levels) for n in counts(k + 20, level, CHANGED)]
    signal = np.sqrt(np.array(series, float))  # of equal variance
    search = ruptures.Binseg(model="l2", min_size=30, jump=1).fit(signal)
    *theirs, _ = search.predict(n_bkps=len(levels) - 1)
    ours = [change.began for _, change in found_in(series)]
    assert len(ours) == len(theirs) == len(levels) - 1
    assert all(abs(a - b) <= 10 for a, b in zip(ours, theirs, strict=True)), (ours, theirs)
