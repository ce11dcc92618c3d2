"""A Jetstream that disappears, stalls, forgets, and numbers its last events anew."""

import random
import time
from typing import Literal, TypeAlias

from support.events_builder import Event
from support.stream_server import Asked, Fault, StreamServer

__all__ = ["Absence", "WeekServer"]


Absence: TypeAlias = Literal["", "refuses", "resets", "hangs", "stalls"]
"""How it is gone; empty where it is there. One that stalls is connected, and sends nothing."""


# A restarted server dates what it fetches again by its own clock.
LATER = 3_000_000
_DAY = 86_400_000_000


class WeekServer(StreamServer):
    """The server.

    Parameters
    ----------
    chance
        Draws the numbers of events: those between are of others, not asked for.
    """

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance
        self.absence: Absence = ""
        self.lost: list[Event] = []
        self.script = self._answer
        self._life = 0
        self._lives: dict[int, int] = {}

    def bring(self, events: list[Event]) -> None:
        """Have more events."""
        for event in events:
            last = self.log[-1][0] if self.log else 0
            self.add(event, first=last + self.chance.randint(1, 3))

    def go(self, absence: Absence) -> None:
        """Be gone; connections end as soon as something would be sent."""
        self.absence = absence
        if absence != "stalls":
            self._life += 1

    def forget(self, count: int) -> None:
        """Have nothing any more but the last so many events; the others since are lost."""
        self.floor = self.log[-count][0]

    def number_anew(self, count: int) -> bool:
        """Crash, and fetch the last events again: each has another number and a later time.

        The first number that there is stays, and the last is not before where it was: so it is
        with the real one. Return whether it could.
        """
        begin = len(self.log) - count
        if begin < 1 or self.log[begin - 1][0] < self.floor:
            return False
        old = self.log[begin:]
        for _ in range(100):
            numbers = [self.log[begin - 1][0] + self.chance.randint(1, 3)]
            while len(numbers) < count:
                numbers.append(numbers[-1] + self.chance.randint(1, 3))
            if numbers[-1] >= old[-1][0] and numbers != [number for number, _ in old]:
                self._life += 1
                again = [_dated_later(event) for _, event in old]
                self.replace([*self.log[:begin], *zip(numbers, again, strict=True)])
                return True
        return False

    def last_wanted(self) -> int:
        """Return the number of the last event that the last subscriber asked for."""
        asked = self.subscriptions()[-1]
        return next((n for n, event in reversed(self.log) if self._wanted(asked, event)), 0)

    def message(self, asked: Asked, seq: int, event: Event) -> bytes:
        while self.absence == "stalls" and not self._stopping:
            time.sleep(0.02)
        if self.absence or self._lives.get(asked.number) != self._life:
            raise ConnectionResetError
        return super().message(asked, seq, event)

    def _answer(self, asked: Asked) -> Fault | None:
        self._lives[asked.number] = self._life
        match self.absence:
            case "refuses":
                return Fault("refuse", status=self.chance.choice((500, 502, 503)))
            case "resets":
                return Fault("raw")
            case "hangs":
                return Fault("drip", status=200)
        return None


def _dated_later(event: Event) -> Event:
    """Date an event later, but on the same day: reports are of days."""
    later = event["time_us"] + LATER
    return {**event, "time_us": later} if later // _DAY == event["time_us"] // _DAY else event
