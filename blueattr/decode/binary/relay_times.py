"""The times of a relay's frames, which the accounts' own servers write: kept within bounds."""

from statistics import median_high, median_low

from blueattr.decode.clock import AHEAD, Evidence, Horizon

__all__ = ["RelayTimes"]


_SECOND = 10**6
# How far behind the time that a relay has reached an event may be dated, and how far accounts may
# disagree about that time.
_BEHIND_US = 600 * _SECOND
_AHEAD_US = int(AHEAD.total_seconds()) * _SECOND
# Accounts that have a vote on what time it is at the relay: those of the last frames.
_VOTES = 9
# So many of them make a time that later ones cannot take back; all of them one ahead of our clock,
# as two accounts that come first may be of one who lies.
_SURE = 3
# While little comes, older frames say nothing of the time.
_VOTE_LASTS_US = 60 * _SECOND


class RelayTimes:
    """Bounds the times of the frames of one relay.

    None is later than five minutes after its receipt, unless most are, or our clock shows a time of
    before this program was written: then it is our clock that is wrong. None is earlier than ten
    minutes before the time that the relay has reached. That is the newest time on which the
    accounts of the last few frames agree to ten minutes, one vote each.

    Attributes
    ----------
    reached_us
        µs since 1970; None while nothing was read.
    """

    def __init__(self) -> None:
        # One account that comes first, and alone, does not make our clock wrong.
        self._evidence = Evidence(needed=_SURE)
        self._now_us = 0
        self._latest_us: int | None = None
        # Of each account the time of its last frame and of its receipt, in the order of receipt.
        self._votes: dict[str, tuple[int, int]] = {}
        self._sure_us: int | None = None
        self.reached_us: int | None = None

    def connected(self, reached_us: int | None) -> None:
        """Forget what time it was at the relay, but for the one that it had reached for sure."""
        self._votes.clear()
        self._sure_us = self.reached_us = reached_us
        if reached_us is not None:
            self._evidence = Evidence(1 << 30)

    def receive(self, times_us: list[int], now: float) -> None:
        """Judge by the times of frames that came together whether the clock can be trusted.

        Parameters
        ----------
        now
            Our clock, in seconds since 1970.
        """
        self._now_us = round(now * _SECOND)
        latest = self._now_us + _AHEAD_US
        if self._sure_us is not None and self._sure_us > latest:
            self._evidence.doubt()
        ahead = sum(time_us > latest for time_us in times_us)
        # What is dated back says nothing of the clock.
        earliest = 0 if self._sure_us is None else self._sure_us - _BEHIND_US
        timely = sum(earliest <= time_us <= latest for time_us in times_us)
        is_wrong = ahead > 0 and (
            Horizon.of(now).is_wrong or self._evidence.against_clock(ahead, timely)
        )
        self._evidence.add(ahead, timely)
        self._latest_us = None if is_wrong else latest

    @property
    def is_clock_wrong(self) -> bool:
        """Whether our clock was wrong when the last frames came: most were ahead of it."""
        return self._latest_us is None

    def bound(self, account: str, time_us: int) -> int:
        """Return the time of a frame, or the bound that it exceeds."""
        if self._latest_us is not None and time_us > self._latest_us:
            return self._latest_us
        self._vote(account, time_us)
        return time_us if self.reached_us is None else max(time_us, self.reached_us - _BEHIND_US)

    def _vote(self, account: str, time_us: int) -> None:
        votes = self._votes
        votes.pop(account, None)
        votes[account] = time_us, self._now_us
        for other in list(votes):
            is_old = votes[other][1] < self._now_us - _VOTE_LASTS_US
            if len(votes) <= _VOTES and not is_old:
                break
            del votes[other]
        times = [voted for voted, _ in votes.values()]
        middle = median_high(times)
        if self._latest_us is not None and middle > self._latest_us:
            # Half of them may say one thing, and half another: the clock decides.
            middle = median_low(times)
        reached = max(voted for voted in times if voted <= middle + _BEHIND_US)
        self.reached_us = max(reached, self._sure_us or reached)
        is_ahead = reached > self._now_us + _AHEAD_US
        if len(times) >= (_VOTES if is_ahead else _SURE):
            self._sure_us = self.reached_us
