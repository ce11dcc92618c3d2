"""The times of a relay's frames: whoever writes them, they stay within bounds."""

from datetime import UTC, datetime

import pytest

from blueattr.decode.binary.relay_times import RelayTimes

SECOND = 10**6
MINUTE = 60 * SECOND
START = int(datetime(2026, 5, 1, tzinfo=UTC).timestamp()) * SECOND
YEAR_2099 = int(datetime(2099, 1, 1, tzinfo=UTC).timestamp()) * SECOND
YEAR_2021 = int(datetime(2021, 1, 1, tzinfo=UTC).timestamp()) * SECOND
DAY = 86_400 * SECOND


def bounded(
    frames: list[tuple[str, int]], now_us: int, times: RelayTimes | None = None
) -> tuple[list[int], RelayTimes]:
    times = times or RelayTimes()
    times.receive([time_us for _, time_us in frames], now_us / SECOND)
    return [times.bound(account, time_us) for account, time_us in frames], times


def story(count: int, start: int = START, accounts: int = 5) -> list[tuple[str, int]]:
    return [(f"did:plc:{k % accounts}", start + k * SECOND) for k in range(count)]


@pytest.mark.parametrize("place", [0, 1, 20, 39])
@pytest.mark.parametrize("accounts", [1, 2, 5, 40])
def test_a_time_is_not_later_than_five_minutes_after_its_receipt(place: int, accounts: int) -> None:
    frames = story(40, accounts=accounts)
    frames.insert(place, ("did:plc:evil", YEAR_2099))
    now = START + 40 * SECOND
    found, times = bounded(frames, now)
    assert found.pop(place) == now + 5 * MINUTE
    assert found == [time_us for _, time_us in story(40)]
    assert times.reached_us == START + 39 * SECOND


@pytest.mark.parametrize("place", [1, 20, 40])
@pytest.mark.parametrize("accounts", [1, 2, 5, 40])
def test_a_time_is_not_earlier_than_ten_minutes_before_what_was_reached(
    place: int, accounts: int
) -> None:
    frames = story(40, accounts=accounts)
    frames.insert(place, ("did:plc:evil", YEAR_2021))
    found, times = bounded(frames, START + 40 * SECOND)
    assert found.pop(place) == START + (place - 1) * SECOND - 10 * MINUTE
    assert found == [time_us for _, time_us in story(40)]
    assert times.reached_us == START + 39 * SECOND


def test_an_event_of_now_does_not_end_a_backlog_of_days() -> None:
    frames = story(60)
    frames.insert(30, ("did:plc:evil", START + 3 * DAY))
    found, times = bounded(frames, START + 3 * DAY)
    assert found == [time_us for _, time_us in frames]
    assert times.reached_us == START + 59 * SECOND


@pytest.mark.parametrize("off", [-3653 * DAY, -DAY, 400 * DAY])
def test_by_a_wrong_clock_no_time_is_bounded(off: int) -> None:
    found, times = bounded(story(40), START + off)
    assert found == [time_us for _, time_us in story(40)]
    assert times.reached_us == START + 39 * SECOND


@pytest.mark.parametrize("first", [1, 2, 4])
def test_accounts_that_lie_before_any_other_speaks_do_not_set_the_time_for_good(first: int) -> None:
    """Each frame comes alone: while nothing else is known, the clock may be wrong."""
    times = RelayTimes()
    for k in range(first):
        bounded([(f"did:plc:evil{k}", YEAR_2099)], START + k * SECOND, times)
    honest = story(40, start=START + first * SECOND, accounts=12)
    found = [bounded([frame], frame[1], times)[0][0] for frame in honest]
    # As many as lie must have spoken, too.
    assert found[first - 1 :] == [time_us for _, time_us in honest[first - 1 :]]
    assert times.reached_us == honest[-1][1]


def test_what_was_reached_before_holds_for_the_next_connection() -> None:
    times = RelayTimes()
    times.connected(START)
    (found,), _ = bounded([("did:plc:evil", YEAR_2099)], START + SECOND, times)
    assert found == START + SECOND + 5 * MINUTE, "one event does not make the clock wrong"
    (found,), _ = bounded([("did:plc:evil", YEAR_2021)], START + SECOND, times)
    assert found == START - 10 * MINUTE
    # A clock that is set back behind what was reached is wrong.
    (found,), _ = bounded(story(1), START - DAY, times)
    assert found == START


def test_a_time_that_is_dated_back_does_not_speak_for_a_clock_that_is_behind() -> None:
    times = RelayTimes()
    times.connected(START)
    frames = [("did:plc:a", START + SECOND), ("did:plc:evil", -1)]
    found, _ = bounded(frames, START - 3653 * DAY, times)
    assert found == [START + SECOND, START + SECOND - 10 * MINUTE]


def test_a_quiet_server_is_believed_that_time_has_passed() -> None:
    _, times = bounded(story(20, accounts=9), START + 20 * SECOND)
    later = START + DAY
    (found,), _ = bounded([("did:plc:0", later)], later, times)
    assert (found, times.reached_us) == (later, later)
