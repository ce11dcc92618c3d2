"""Made-up pictures of a watched topic, one a second, and a watching that shows them."""

import gc
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from blueattr.attribution.value import TierShare
from blueattr.errors import StoreError
from blueattr.provenance import Gap
from blueattr.watch.picture import (
    BesideSample,
    Contribution,
    GroupShare,
    Mark,
    MovingPost,
    PastShares,
    Picture,
    RisingAccount,
    Series,
    WatchChoice,
    WatchChoices,
)

BEGUN = datetime(2026, 4, 9, 12, tzinfo=UTC)
WINDOW = timedelta(hours=24)
CHOICE = WatchChoice("mythos", "heat", "active", WINDOW)
CHOICES = WatchChoices(
    topics=("mythos", "election", "all"),
    indicators=("heat", "cascade", "polarization", "inequality"),
    windows=(timedelta(hours=1), timedelta(hours=6), WINDOW, timedelta(days=7)),
    groupings=("", "lang"),
)
WORDS = ("mossy-harbour", "ninth-lantern", "quiet-orbit", "paper-comet", "salt-engine",
         "green-index", "late-signal", "copper-field", "open-ledger", "small-weather")  # fmt: skip
NASTY = "\x1b[2J\x1b]0;owned\x07<script>alert(1)</script> \u202egnp.exe\u202c [red]x[/red] %s"


def _shares(k: int) -> tuple[float, float, float]:
    top = 0.11 + 0.06 * math.sin(k / 9)
    middle = 0.33 + 0.05 * math.cos(k / 7)
    return top, middle, 1 - top - middle


def picture(k: int = 0, choice: WatchChoice = CHOICE) -> Picture:
    """The picture of a second; the same for the same `k`."""
    end = BEGUN + timedelta(minutes=5 * k, microseconds=1)
    names, sizes = ("top", "middle", "tail"), (23, 203, 2031)
    shares = _shares(k)
    tiers = tuple(TierShare(name, n, 40 * share, share, share, n // 4, share * 0.7)
                  for name, n, share in zip(names, sizes, shares, strict=True))  # fmt: skip
    groups = () if not choice.by else tuple(
        GroupShare(name, n, 40 * share, share, n // 4, share * 0.7)
        for name, n, share in (("en", 1500, 0.64), ("de", 400, 0.2), ("ja", 357, 0.2)))  # fmt:skip
    history = tuple(
        PastShares(end - timedelta(minutes=5 * (120 - j)), 40.0, _shares(k - 120 + j),
               tuple(group.share for group in groups))
        for j in range(121))  # fmt: skip
    minutes = 180
    counts = [int(20 + 14 * math.sin((k + j) / 17) + 6 * ((k + j) % 5)) for j in range(minutes)]
    leaders = tuple(
        RisingAccount(f"did:plc:{word.replace('-', ''):x<24}", f"{word}.test", 4.0 / (i + 1),
                      0.0141 / (i + 1), 0.012 / (i + 1) if i % 3 else None)
        for i, word in enumerate(WORDS))  # fmt: skip
    posts = tuple(
        MovingPost(one.did, one.handle, f"at://{one.did}/app.bsky.feed.post/3k{i}",
                   end - timedelta(minutes=7 * i + 1),
                   f"What is said in post number {i} of this topic, long", 0.004 / (i + 1))
        for i, one in enumerate(leaders[:8]))  # fmt: skip
    return Picture(
        choice=choice,
        title="Mythos" if choice.topic == "mythos" else choice.topic,
        start=end - choice.window,
        end=end,
        total=40.0 + k / 10,
        n_agents=2257,
        n_involved=423,
        tiers=tiers,
        groups=groups,
        history=history,
        series=Series(end.replace(second=0, microsecond=0) - timedelta(minutes=minutes),
                      tuple(counts), tuple(c + c // 3 for c in counts)),
        leaders=leaders,
        risers=tuple(replace(one, before=one.share / 3) for one in leaders[::-1][:6]),
        posts=posts,
        sample=BesideSample(100, 10, (0.45, 0.42, 0.13), shares, end - timedelta(seconds=20)),
        rate=612.0,
        lag=1.4,
        gaps=(),
        mode="follows",
        marks=(Mark(end - timedelta(minutes=90), "posts a minute", 21, 35.4, "count",
                    (Contribution(leaders[0].did, leaders[0].handle, 3.2),)),
               Mark(end - timedelta(hours=7), "share of tail", 0.52, 0.58, "share")),
        notes=("No follower counts for 12 accounts.",),
        events=10_000 * k,
    )  # fmt: skip


def hostile(k: int = 0) -> Picture:
    """A picture whose every text by a stranger is an attack."""
    base = picture(k, replace(CHOICE, by="lang"))
    return replace(
        base,
        title=NASTY,
        groups=tuple(replace(one, group=NASTY) for one in base.groups),
        leaders=tuple(replace(one, handle=NASTY * 3) for one in base.leaders),
        risers=tuple(replace(one, handle=None, did=NASTY) for one in base.risers),
        posts=tuple(replace(one, text=NASTY * 20, handle=NASTY) for one in base.posts),
        marks=tuple(replace(one, contributed=(Contribution(NASTY, NASTY, 1.0),))
                    for one in base.marks),
        gaps=(Gap(base.start, base.end, NASTY),),
        notes=(NASTY,),
    )  # fmt: skip


def empty() -> Picture:
    """A picture of a topic that nobody has written about."""
    base = picture()
    return replace(
        base, total=None, n_agents=0, n_involved=0, tiers=(), history=(), series=None, leaders=(),
        risers=(), posts=(), sample=None, lag=None, mode="replay", marks=(), notes=(), rate=0.0,
        undefined="nobody wrote about Mythos in this window",
    )  # fmt: skip


class Scripted:
    """A watching whose pictures are made up: so many, one each so many seconds."""

    choices = CHOICES

    def __init__(
        self, pictures: Sequence[Picture] | None = None, every: float = 0.0, hold: bool = True
    ) -> None:
        self.asked: list[WatchChoice] = []
        self.stopped = threading.Event()
        self._pictures = [picture(k) for k in range(3)] if pictures is None else list(pictures)
        self._every, self._hold = every, hold
        self._changed = threading.Event()

    def pictures(self) -> Iterator[Picture]:
        for one in self._pictures:
            if self.stopped.is_set():
                return
            yield one
            time.sleep(self._every)
        k = len(self._pictures)
        while self._hold and not self.stopped.is_set():
            if self._changed.wait(0.01):
                self._changed.clear()
                yield picture(k, self.asked[-1])
                k += 1

    def choose(self, choice: WatchChoice) -> None:
        self.asked.append(choice)
        self._changed.set()

    def stop(self) -> None:
        self.stopped.set()


class Failing(Scripted):
    """A watching that fails while it holds something, as the engine holds a store."""

    class Open:
        pass

    def __init__(self) -> None:
        super().__init__()
        self.open: weakref.ref[object] | None = None

    def pictures(self) -> Iterator[Picture]:
        store = self.Open()
        self.open = weakref.ref(store)
        yield picture()
        raise StoreError("the store is gone")


def assert_lets_go(show: Callable[[Failing], None]) -> None:
    """Check that what is open is let go with the error, before the interpreter ends."""
    watching = Failing()
    gc.disable()
    try:
        with suppress(StoreError):
            show(watching)
            raise AssertionError("it did not fail")
        assert watching.open is not None
        assert watching.open() is None
    finally:
        gc.enable()
