"""What a watch tells: each thing once, over restarts and beside others, and no picture waits."""

import base64
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from blueattr.attribution.question import Question
from blueattr.decode.chunk import Chunk
from blueattr.errors import ExitCode
from blueattr.notify.condition import MEASURES, Condition
from blueattr.notify.notice import Notification
from blueattr.notify.told_record import ToldRecord, read_lines
from blueattr.notify.webhook import SECRET, Webhook
from blueattr.panel.query import PanelQuery
from blueattr.report.numbers import gap_words
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.watch import teller as watch_teller
from blueattr.watch.asked import WatchAsked
from blueattr.watch.follow import Follow
from blueattr.watch.picture import Mark, Picture
from blueattr.watch.teller import WatchTeller, WhoIsTold
from support.cli_world import BLUEATTR, ok, refused
from support.events_builder import at, lines, post
from support.receiver import Receiver, receiving
from support.run_folder import EVENTS, SETTINGS, drop, write
from support.scripted_stream import FakeClock
from support.watch_pictures import BEGUN, CHOICE, picture

if TYPE_CHECKING:
    from blueattr.watch.reading import WindowAnswer, WindowReading

TAIL = Condition("share", "mythos", tier="tail", below=50)
AGENTS = Condition("agents", "mythos", above=2000)
CONDITIONS = (
    TAIL,
    AGENTS,
    Condition("total", "mythos", indicator="heat", above=39),
    Condition("involved", "mythos", below=1),
    Condition("agents", "election", above=0),
    Condition("total", "mythos", indicator="cascade", above=0),
)
NOTHING = cast("WindowReading", None), cast("WindowAnswer", None)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv(SECRET, "whsec_" + base64.b64encode(bytes(32)).decode())
    with receiving() as there:
        yield there


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(BEGUN.timestamp())


Make = Callable[..., WatchTeller]


@pytest.fixture
def make(receiver: Receiver, clock: FakeClock, tmp_path: Path) -> Make:
    """Start the teller of another process, which knows only what the last one left."""

    def made(*conditions: Condition, kinds: tuple[str, ...] = (), **more: Any) -> WatchTeller:
        hook = Webhook(f"{receiver.url}/hook", clock.timing)
        folder = tmp_path / "reports"
        who = WhoIsTold(
            [hook], kinds, conditions, folder / "watch.jsonl", folder / "runs.jsonl"
        )  # fmt: skip
        given = {"choice": CHOICE, "db": tmp_path / "x.duckdb", **more}
        return WatchTeller(who, timing=clock.timing, **given)

    return made


def with_tail(percent: float, base: Picture | None = None) -> Picture:
    made = base or picture()
    *first, tail = made.tiers
    return replace(made, tiers=(*first, replace(tail, share=percent / 100)))


def look(teller: WatchTeller, *pictures: Picture) -> None:
    for one in pictures:
        teller.see(*NOTHING, one)
        teller.look()


def sent(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(one.body)["data"] for one in receiver.received]


def titles(receiver: Receiver) -> list[str]:
    return [one["title"].removeprefix("blueattr: mythos: ") for one in sent(receiver)]


def test_each_condition_is_told_once_over_restarts(make: Make, receiver: Receiver) -> None:
    for _ in range(2):
        teller = make(*CONDITIONS)
        look(teller, with_tail(49), with_tail(48))
    assert titles(receiver) == [
        "the share of the tail", MEASURES["agents"], f"{MEASURES['total']} (heat)"
    ]  # fmt: skip
    first = sent(receiver)[0]
    assert first["value"] == pytest.approx(49)
    assert first["bound"] == "below 50 %"
    assert first["start"] == "2026-04-08T12:00:00.000001Z"
    assert first["end"] == "2026-04-09T12:00:00.000001Z"
    assert "report" not in first


def test_two_watches_at_once_tell_once_between_them(
    make: Make, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_slowly(path: Path) -> list[dict[str, Any]]:
        """Give others the time to read the same, if they may."""
        found = read_lines(path)
        time.sleep(0.02)
        return found

    monkeypatch.setattr(watch_teller, "read_lines", read_slowly)
    tellers = [make(*CONDITIONS) for _ in range(2)]
    for teller in tellers:
        teller.see(*NOTHING, with_tail(49))
    threads = [threading.Thread(target=teller.look) for teller in tellers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receiver.received) == 3
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 3


def test_what_is_crossed_back_and_forth_is_told_each_time_it_begins(
    make: Make, receiver: Receiver, clock: FakeClock
) -> None:
    teller = make(TAIL)
    look(teller, *map(with_tail, (51, 49, 48, 52, 50, 49)))
    assert [one["value"] for one in sent(receiver)] == pytest.approx([49, 49])
    # Put off by at_most_every, it comes when the time is over, though no other picture came.
    rare = make(replace(TAIL, below=40, at_most_every=timedelta(hours=1)))
    look(rare, *map(with_tail, (39, 41, 38)))
    assert len(receiver.received) == 3
    clock.sleep(3600)
    rare.look()
    assert len(receiver.received) == 4


def test_watches_of_other_windows_each_have_a_crossing_of_their_own(
    make: Make, receiver: Receiver
) -> None:
    hour = replace(CHOICE, window=timedelta(hours=1))
    day, short = make(TAIL), make(TAIL, choice=hour)
    for _ in range(3):
        look(day, with_tail(49))
        look(short, with_tail(51, picture(0, hour)))
    assert len(receiver.received) == 1


def test_while_something_else_is_shown_nobody_is_told_of_it(make: Make, receiver: Receiver) -> None:
    teller = make(TAIL, AGENTS)
    other = picture(0, replace(CHOICE, topic="election"))
    assert teller.see(*NOTHING, other) == ()
    teller.look()
    assert receiver.received == []
    look(teller, with_tail(51))
    assert len(receiver.received) == 1


def test_what_has_no_answer_yet_crosses_no_bound(make: Make, receiver: Receiver) -> None:
    teller = make(Condition("agents", "mythos", below=5), TAIL)
    nobody = replace(picture(), total=None, n_agents=0, n_involved=0, tiers=())
    notes = teller.see(*NOTHING, nobody)
    teller.look()
    assert receiver.received == []
    assert notes[1] == "There is no value of mythos: the share of the tail."


def test_who_is_down_is_asked_again_under_the_same_id_and_pictures_say_so(
    make: Make, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.statuses = [410, 410]
    teller = make(TAIL)
    look(teller, with_tail(49))
    (note,) = teller.see(*NOTHING, with_tail(49))
    assert note.startswith("A notice was not delivered: webhook 127.0.0.1")
    assert note.endswith("status 410.")
    teller.look()
    assert len(receiver.received) == 1  # not yet
    clock.sleep(60)
    make(TAIL).look()  # another process tries
    assert len(receiver.received) == 2
    clock.sleep(300)
    teller.look()
    clock.sleep(3600)
    teller.look()
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert len(receiver.received) == 3
    assert teller.see(*NOTHING, with_tail(49)) == ()


def test_a_change_is_told_once_though_another_process_finds_it_anew(
    make: Make, receiver: Receiver
) -> None:
    teller = make(kinds=("change-point",))
    first = picture()  # its change of seven hours ago is no news
    look(teller, first, first)
    (one,) = sent(receiver)
    assert one["title"] == "blueattr: mythos: a change"
    assert one["text"] == "9 Apr 10:30 posts a minute rose from 21 to 35.4"
    assert (one["before"], one["after"], one["what"]) == (21, 35.4, "posts a minute")
    assert "mossy" not in json.dumps(read_lines(teller._record.path))  # a record names nobody
    posts = first.marks[0]
    again = replace(first, marks=(replace(posts, time=posts.time - timedelta(minutes=7)),))
    look(make(kinds=("change-point",)), again)
    assert len(receiver.received) == 1
    # Another share that changes at the same time, and the same posts later, are other changes; a
    # change that is found late, but while it is watched, is one.
    later = picture(24)
    share = Mark(posts.time, "share of tail", 0.5, 0.6, "share")
    next_posts = replace(posts, time=posts.time + timedelta(hours=3), after=70.0)
    look(teller, replace(later, marks=(next_posts, share, *first.marks)))
    assert [one["what"] for one in sent(receiver)[1:]] == ["share of tail", "posts a minute"]


def test_a_change_is_not_told_where_nobody_asked_for_it(make: Make, receiver: Receiver) -> None:
    look(make(TAIL, kinds=("gap", "failure")), with_tail(60))
    assert receiver.received == []


def test_a_record_that_cannot_be_written_ends_no_watch_and_tells_nobody_twice(
    make: Make, receiver: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "reports").write_bytes(b"")
    teller = make(TAIL)
    look(teller, with_tail(49), with_tail(49))
    assert receiver.received == []
    (note,) = teller.see(*NOTHING, with_tail(49))
    assert note.startswith("Nobody could be told: cannot write ")
    (tmp_path / "reports").unlink()
    look(teller, with_tail(49))
    assert len(receiver.received) == 1
    assert teller.see(*NOTHING, with_tail(49)) == ()


def test_no_picture_waits_for_who_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_teller, "_GLANCE", 0.001)
    asked, answer = threading.Event(), threading.Event()

    class Slow:
        name = "slow"

        def deliver(self, notice: Notification) -> str:
            assert notice.kind == "condition"
            asked.set()
            assert answer.wait(60)
            raise OSError("gone")

    who = WhoIsTold([Slow()], (), (TAIL,), tmp_path / "watch.jsonl", tmp_path / "runs.jsonl")
    teller = WatchTeller(who, CHOICE, tmp_path / "x.duckdb")
    with teller.telling():
        teller.see(*NOTHING, with_tail(49))
        assert asked.wait(60)
        for _ in range(3):
            assert teller.see(*NOTHING, with_tail(49)) == ()
        with teller._record.held():  # nor does another watch
            pass
        answer.set()
    assert "gone" in teller.see(*NOTHING, with_tail(49))[0]


def append(writer: Writer, state: SourceState, *events: Any) -> SourceState:
    data = lines(*events)
    state = writer.stage(Chunk(data, 0, 0, len(data)), state)
    writer.commit(state)
    return state


@pytest.mark.slow
def test_what_a_store_says_is_measured_as_a_run_does_and_a_gap_told_once(
    make: Make, receiver: Receiver, tmp_path: Path, clock: FakeClock
) -> None:
    db = tmp_path / "store.duckdb"
    conditions = (
        Condition("participants", "mythos", above=2),
        Condition("new-accounts", "mythos", below=1),
    )
    choice = replace(CHOICE, indicator="lin")
    asked = WatchAsked(
        PanelQuery(db, topic="mythos", keep_bots=True), Question(("lin",)),
        teller=make(*conditions, kinds=("gap",), choice=choice),
    )  # fmt: skip
    assert asked.choice == choice
    names = ("ann", "bea", "cyd")

    def posts(first: int, second: int) -> list[Any]:
        return [
            post(name, f"p{first + k}", "mythos ai", rev=first + k, time=at(second + k))
            for k, name in enumerate(names)
        ]

    with Writer(db) as writer:
        append(writer, SourceState("a", "file"), *posts(1, 0))
        pictures = Follow(asked, timing=clock.timing).pictures()
        shown = next(pictures)
        assert any(gap.end == at(0) for gap in shown.gaps)  # before the store begins
        assert shown.notes == (), shown.notes
        assert asked.teller is not None
        asked.teller.look()
        assert titles(receiver) == [MEASURES["participants"], MEASURES["new-accounts"]]
        assert sent(receiver)[0]["value"] == 3
        clock.sleep(60)
        append(writer, SourceState("b", "file"), *posts(11, 7200))
        shown = next(pictures)
        assert len(shown.gaps) == 2
        asked.teller.look()
        (gap,) = sent(receiver)[2:]
        assert gap["title"] == "blueattr: a new gap"
        assert gap["gaps"] == [gap_words(shown.gaps[1])]
        # The window has slid on, and a run has told of another gap.
        record = ToldRecord(tmp_path / "reports" / "runs.jsonl")
        told = f"gap {at(7300).isoformat()} to {at(14000).isoformat()}: why"
        notice = next(line for line in read_lines(asked.teller._record.path)
                      if line["what"] == "notice")  # fmt: skip
        notice |= {"about": [told], "levels": {}}
        record.note(str(notice.pop("what")), **notice)
        clock.sleep(60)
        append(writer, SourceState("c", "file"), *posts(21, 14400))
        assert len(next(pictures).gaps) == 3
        asked.teller.look()
    assert len(receiver.received) == 3


@pytest.mark.usefixtures("run_folder")
@pytest.mark.parametrize(
    ("notify", "words", "says"),
    [
        ('webhook = "URL"', ("--replay", "60x"), "leave it out with --replay"),
        ("", (), "tells nobody"),
        ('webhook = "URL"\non = ["report"]', (), "a watch of mythos has nothing to tell"),
        ('webhook = "URL"\non = "change-points"', (), "is none of"),
        ('webhook = "URL"\non = "report"\n[[notify.when]]\nmeasure = "agents"\nabove = 1',
         ("--topic", "all"), "a watch of all has nothing to tell"),
    ],
)  # fmt: skip
def test_a_watch_that_could_tell_nothing_is_refused(
    notify: str, words: tuple[str, ...], says: str, receiver: Receiver
) -> None:
    write(f"{SETTINGS}[notify]\n{notify.replace('URL', receiver.url)}\n")
    refused(ExitCode.USAGE, "watch", "--topic", "mythos", *words, "--notify", "blueattr.toml",
            says=says)  # fmt: skip
    assert receiver.received == []
    refused(ExitCode.USAGE, "watch", "--topic", "mythos", "--notify", "none.toml")


@pytest.mark.slow
@pytest.mark.usefixtures("run_folder")
def test_a_watch_that_is_killed_and_started_again_tells_each_thing_once(
    receiver: Receiver,
) -> None:
    write(
        f'{SETTINGS}[notify]\nwebhook = "{receiver.url}/hook"\non = ["change-point"]\n'
        '[[notify.when]]\nmeasure = "share"\ntier = "top"\nabove = 1\n'
        '[[notify.when]]\nmeasure = "participants"\nabove = 2\n'
        '[[notify.when]]\nmeasure = "agents"\nabove = 100\n'
    )
    drop("1.jsonl", EVENTS)
    ok("ingest", "in/1.jsonl", "--db", "store.duckdb")
    words = [str(BLUEATTR), "watch", "--topic", "mythos", "--indicator", "lin", "--keep-bots",
             "--notify", "blueattr.toml", "--format", "jsonl"]  # fmt: skip
    with Writer(Path("store.duckdb")):  # the watch follows it
        for _ in range(2):
            with subprocess.Popen(words, stdout=subprocess.PIPE) as watch:
                assert watch.stdout is not None
                assert json.loads(watch.stdout.readline())["mode"] == "follows"
                deadline = time.monotonic() + 60
                while len(receiver.received) < 2:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
                for _ in range(2):
                    watch.stdout.readline()
                watch.kill()
    assert titles(receiver) == ["the share of the top", MEASURES["participants"]]
