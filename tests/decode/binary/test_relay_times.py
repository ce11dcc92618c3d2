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


@pytest.mark.parametrize("off", [-3653 * DAY, -400 * DAY])
def test_a_clock_of_before_this_program_bounds_not_even_the_first_frame(off: int) -> None:
    times = RelayTimes()
    for frame in story(3):
        assert bounded([frame], START + off, times)[0] == [frame[1]]


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
    lies, _ = bounded([("did:plc:evil", YEAR_2099)] * 40, START + SECOND, times)
    assert set(lies) == {START + SECOND + 5 * MINUTE}, "events alone do not make the clock wrong"
    (found,), _ = bounded([("did:plc:evil", YEAR_2021)], START + SECOND, times)
    assert found == START - 10 * MINUTE
    # A clock that is set back behind what was reached is wrong.
    (found,), _ = bounded(story(1), START - DAY, times)
    assert found == START


def test_a_time_that_is_dated_back_does_not_speak_for_a_clock_that_is_behind() -> None:
    times = RelayTimes()
    times.connected(START)
    clock = START - 3653 * DAY
    frames = [("did:plc:a", START + SECOND), ("did:plc:evil", clock - SECOND)]
    found, _ = bounded(frames, clock, times)
    assert found == [START + SECOND, START + SECOND - 10 * MINUTE]


def test_a_quiet_server_is_believed_that_time_has_passed() -> None:
    _, times = bounded(story(20, accounts=9), START + 20 * SECOND)
    later = START + DAY
    (found,), _ = bounded([("did:plc:0", later)], later, times)
    assert (found, times.reached_us) == (later, later)


@pytest.mark.parametrize("behind", [3 * MINUTE, 10 * MINUTE])
def test_a_time_of_the_last_ten_minutes_speaks_for_the_clock(behind: int) -> None:
    times = RelayTimes()
    times.connected(START)
    assert times.reached_us == START
    clock = START - behind - 4 * MINUTE
    frames = [("did:plc:a", START + SECOND), ("did:plc:b", START - behind)]
    found, _ = bounded(frames, clock, times)
    assert found == [clock + 5 * MINUTE, START - behind]


@pytest.mark.parametrize("first", [1, 2])
def test_the_first_frames_of_a_relay_that_come_alone_do_not_keep_a_time_ahead(first: int) -> None:
    times = RelayTimes()
    for k in range(first):
        now = START + k * SECOND
        assert bounded([("did:plc:evil", YEAR_2099)], now, times)[0] == [now + 5 * MINUTE]
    honest = START + first * SECOND
    assert bounded([("did:plc:a", honest)], honest, times)[0] == [honest]
    assert times.reached_us == honest


def test_a_clock_five_minutes_behind_what_was_reached_is_not_wrong() -> None:
    times = RelayTimes()
    times.connected(START)
    (found,), _ = bounded([("did:plc:a", START + 1)], START - 5 * MINUTE, times)
    assert found == START


def test_a_time_five_minutes_ahead_speaks_for_the_clock_and_votes() -> None:
    latest = START + 5 * MINUTE
    frames = [(f"did:plc:{k}", latest + k // 3) for k in range(6)]
    found, times = bounded(frames, START)
    assert found == [latest] * 6
    assert times.reached_us == latest


def test_a_clock_that_was_found_wrong_needs_many_to_be_right_again() -> None:
    _, times = bounded(story(40), START - DAY)
    frames = [("did:plc:0", START + MINUTE), ("did:plc:1", START - DAY)]
    found, _ = bounded(frames, START - DAY, times)
    assert found[0] == START + MINUTE


def test_where_accounts_disagree_and_none_is_ahead_now_the_clock_decides() -> None:
    _, times = bounded([("did:plc:evil", YEAR_2099)] * 3, START)
    assert times.reached_us == YEAR_2099
    bounded([("did:plc:a", START)], START, times)
    assert times.reached_us == START
    # What is ahead by as much as a clock may be off is not ahead.
    now = START + 10 * MINUTE
    _, times = bounded([("did:plc:a", START), ("did:plc:b", now + 5 * MINUTE)], now)
    assert times.reached_us == now + 5 * MINUTE


def lone(times: RelayTimes, votes: list[int], now_us: int) -> int | None:
    """Let one account after the other say what time it is, and return what was reached."""
    for k, vote in enumerate(votes):
        bounded([(f"did:plc:{vote}:{k}", vote)], now_us, times)
    return times.reached_us


def test_the_last_nine_accounts_have_a_vote() -> None:
    early, late, now = START, START + 2 * DAY, START + 3 * DAY
    # Four of nine; by the last eight, or the last ten, it would be half.
    assert lone(RelayTimes(), [late] + [early] * 5 + [late] * 4, now) == early


@pytest.mark.parametrize("late", [2 * DAY, 3 * DAY + MINUTE])
def test_a_time_that_three_accounts_say_is_not_taken_back(late: int) -> None:
    now = START + 3 * DAY
    for agreed, reached in ((2, START), (3, START + late)):
        times = RelayTimes()
        lone(times, [START + late] * agreed, now)
        assert lone(times, [START] * 9, now + 2 * MINUTE) == reached


def test_an_account_has_a_vote_for_a_minute() -> None:
    now = START + 3 * DAY
    for later, reached in ((60, START + DAY), (61, START)):
        times = RelayTimes()
        lone(times, [START + DAY], now)
        assert lone(times, [START], now + later * SECOND) == reached


def test_accounts_of_another_connection_have_no_vote() -> None:
    times = RelayTimes()
    lone(times, [START + DAY], START + 3 * DAY)
    times.connected(None)
    assert lone(times, [START], START + 3 * DAY) == START


def test_accounts_agree_that_differ_by_ten_minutes() -> None:
    late = START + 10 * MINUTE
    assert lone(RelayTimes(), [START, START, late], START + DAY) == late
    assert lone(RelayTimes(), [START, START, late + 1], START + DAY) == START
