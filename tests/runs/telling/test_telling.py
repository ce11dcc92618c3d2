"""Who is told of runs: once, across restarts, and no run fails because of it."""

import base64
import json
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from blueattr.errors import ExitCode
from blueattr.notify.condition import MEASURES
from blueattr.notify.metrics import write_metrics
from blueattr.notify.notice import new_notice
from blueattr.notify.told_record import WATCH_RECORD, ToldRecord
from blueattr.notify.webhook import SECRET, Webhook
from blueattr.runs import run as runs_run
from blueattr.runs.history.record import RunRecord
from blueattr.runs.plan_file import SECTIONS, make_plan
from blueattr.runs.settings import Document, settle
from blueattr.runs.telling import tell as runs_tell
from support.cli_world import harmless, run
from support.events_builder import at, post
from support.receiver import Receiver, receiving
from support.run_folder import EVENTS, SETTINGS, done, drop, write

pytestmark = pytest.mark.usefixtures("run_folder")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv(SECRET, "whsec_" + base64.b64encode(bytes(32)).decode())
    with receiving() as there:
        yield there


def told(receiver: Receiver) -> list[tuple[str, str]]:
    """Return kinds and titles of what came."""
    sent: list[Any] = [json.loads(one.body) for one in receiver.received if one.body]
    return [(one["type"].removeprefix("blueattr."), one["data"]["title"]) for one in sent]


def notify(receiver: Receiver, rest: str) -> None:
    write(f'{SETTINGS}[notify]\nwebhook = "{receiver.url}/hook"\n{rest}')


WHEN = """on = ["report", "failure"]
[[notify.when]]
measure = "share"
tier = "top"
above = 0.001
[[notify.when]]
measure = "agents"
below = 3
[[notify.when]]
measure = "participants"
above = 1
[[notify.when]]
measure = "new-accounts"
below = 0.5
"""
CONDITIONS = [
    ("condition", f"blueattr: mythos: {what}")
    for what in ("the share of the top", MEASURES["participants"], MEASURES["new-accounts"])
]


@pytest.mark.slow
def test_a_report_and_what_crosses_a_bound_are_told_once_over_all_runs(receiver: Receiver) -> None:
    notify(receiver, WHEN)
    drop("1.jsonl", EVENTS)
    done()
    assert told(receiver) == [("report", "blueattr: a new report"), *CONDITIONS]
    share = json.loads(receiver.received[1].body)["data"]
    made = json.loads(Path("reports/latest/mythos-comparison.json").read_bytes())
    top = made["indicators"][0]["full"]["tiers"][0]["share"]
    assert share["value"] == pytest.approx(100 * top)
    done(code=ExitCode.NOTHING_NEW)
    assert len(told(receiver)) == 4
    # Another report of the same: bounds that are still crossed are not told again.
    drop("2.jsonl", [post("ann", "later", "mythos once more", rev=90_000, time=at(90, days=0))])
    done()
    assert told(receiver)[4:] == [("report", "blueattr: a new report")]


@pytest.mark.slow
def test_what_cannot_be_delivered_fails_no_run_and_comes_later_under_the_same_id(
    receiver: Receiver,
) -> None:
    notify(receiver, 'on = ["report"]\n')
    drop("1.jsonl", EVENTS)
    receiver.statuses = [410]
    ended = done()
    assert "a notice was not delivered: webhook 127.0.0.1" in ended.stderr
    done(code=ExitCode.NOTHING_NEW)
    done(code=ExitCode.NOTHING_NEW)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_killed_while_it_tells_tells_nobody_twice(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    notify(receiver, 'on = ["report"]\n')
    drop("1.jsonl", EVENTS)
    deliver = Webhook.deliver

    def killed(self: Webhook, notice: Any) -> str:
        if when == "after":
            deliver(self, notice)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Webhook, "deliver", killed)
        assert run("run").code == ExitCode.INTERRUPTED
    sent = len(receiver.received)
    assert sent == (when == "after")
    done(code=ExitCode.NOTHING_NEW)
    assert len(receiver.received) == sent


@pytest.mark.slow
def test_a_run_killed_before_it_tells_is_made_up_for_by_the_next(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify(receiver, WHEN)
    drop("1.jsonl", EVENTS)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs_run, "tell", killed)
        assert run("run").code == ExitCode.INTERRUPTED
    assert receiver.received == []
    done(code=ExitCode.NOTHING_NEW)
    assert told(receiver) == [("report", "blueattr: a new report"), *CONDITIONS]


def test_a_gap_that_a_window_cuts_off_or_of_which_a_watch_told_is_not_told_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window of a run slides by whole days, and so do the ends of what it lacks."""
    notify(receiver, 'on = "gap"\n')
    plan = make_plan(settle(SECTIONS, Document(Path("blueattr.toml")), {}))
    end = {"run": "x", "exit_code": int(ExitCode.GAPS), "outcome": "fine, with gaps"}
    watched = "2026-04-08T00:00:00Z to 2026-04-08T03:00:00Z"
    watch = ToldRecord(plan.reports / WATCH_RECORD)
    with watch.held():
        notice = asdict(new_notice("gap", "a new gap", watched, {}))
        watch.note("notice", notice=notice, about=[f"gap {watched}: no source covers it"],
                   levels={}, to=["webhook"], at="2026-04-08T04:00:00+00:00")  # fmt: skip
        watch.note("delivery", key=notice["key"], to="webhook", problem="is down")
    for gap in ("2026-04-01T05:00:00Z to 2026-04-04T00:00:00Z",
                "2026-04-02T00:00:00Z to 2026-04-04T00:00:00Z",
                "2026-04-03T00:00:00Z to 2026-04-04T00:00:00Z"):  # fmt: skip
        shown = {
            "run": "r",
            "first_gaps": [f"{one}: no source covers it" for one in (gap, watched)],
        }
        monkeypatch.setattr(runs_tell, "latest", lambda _, shown=shown: shown)
        with RunRecord(plan.reports) as record:
            runs_tell.tell(plan, record, end, pytest.fail)
    assert told(receiver) == [("gap", "blueattr: a new gap")]


def test_every_new_gap_is_told_and_none_of_which_a_watch_tells_just_now(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify(receiver, 'on = "gap"\n')
    plan = make_plan(settle(SECTIONS, Document(Path("blueattr.toml")), {}))
    gaps = [
        f"2026-04-{day:02}T00:00:00Z to 2026-04-{day:02}T03:00:00Z: none" for day in range(1, 31)
    ]

    class Raced(ToldRecord):
        """A watch told of the first one after the run had looked, and before it tells."""

        @contextmanager
        def held(self) -> Iterator[None]:
            with super().held():
                notice = asdict(new_notice("gap", "a new gap", gaps[0], {}))
                self.note("notice", notice=notice, about=[f"gap {gaps[0]}"], levels={}, to=[],
                          at="2026-05-01T00:00:00+00:00")  # fmt: skip
                yield

    monkeypatch.setattr(runs_tell, "ToldRecord", Raced)
    shown = {"run": "r", "first_gaps": gaps[:20], "all_gaps": gaps}
    monkeypatch.setattr(runs_tell, "latest", lambda _: shown)
    for _ in range(2):
        with RunRecord(plan.reports) as record:
            runs_tell.tell(plan, record, {"run": "x", "exit_code": 9, "outcome": "-"}, pytest.fail)
    (came,) = receiver.received
    assert json.loads(came.body)["data"]["gaps"] == gaps[1:]


def test_a_failure_is_told_again_only_after_a_run_that_succeeded(receiver: Receiver) -> None:
    notify(receiver, 'on = ["failure", "source-down"]\n')
    plan = make_plan(settle(SECTIONS, Document(Path("blueattr.toml")), {}))
    codes = (7, 130, 7, 8, 7, 130, 8, 0, 8, 6)
    for number, code in enumerate(codes):
        end = {"run": str(number), "exit_code": code, "outcome": "-"}
        with RunRecord(plan.reports) as record:
            runs_tell.tell(plan, record, end, pytest.fail)
    sent = [json.loads(one.body) for one in receiver.received]
    assert [(one["type"].removeprefix("blueattr."), one["data"]["exit_code"]) for one in sent] == [
        ("failure", 7), ("source-down", 8), ("source-down", 8), ("failure", 6)
    ]  # fmt: skip


@pytest.mark.slow
def test_a_failure_is_told_once_until_it_is_mended(receiver: Receiver) -> None:
    notify(receiver, 'on = ["failure", "source-down"]\n')
    Path("in/1.jsonl").write_bytes(b"no line\n" * 3)
    for _ in range(2):
        assert run("run").code == ExitCode.INPUT
    assert told(receiver) == [("failure", "blueattr: a run failed")]
    Path("in/1.jsonl").unlink()
    drop("2.jsonl", EVENTS)
    done()
    Path("in/3.jsonl").write_bytes(b"no line either\n")
    assert run("run").code == ExitCode.INPUT
    assert told(receiver) == [("failure", "blueattr: a run failed")] * 2


@pytest.mark.slow
def test_pings_say_how_a_run_ended_whatever_becomes_of_them(receiver: Receiver) -> None:
    write(f'{SETTINGS}[ping]\nurl = "{receiver.url}/check"\n')
    done(code=ExitCode.NOTHING_NEW)
    assert receiver.paths == ["/check/start", "/check/0"]
    write(f'{SETTINGS}[ping]\nurl = "{receiver.url}/check"\nfine = 9\n')
    receiver.statuses = [404, 404]
    ended = done(code=ExitCode.NOTHING_NEW)
    assert receiver.paths[2:] == ["/check/start", "/check/10"]
    assert ended.stderr.count("answers with status 404") == 2
    Path("in/1.jsonl").write_bytes(b"no line\n")
    assert run("run").code == ExitCode.INPUT
    assert receiver.paths[4:] == ["/check/start", "/check/3"]


@pytest.mark.slow
def test_metrics_are_those_of_the_run_the_store_and_the_report() -> None:
    write(f'{SETTINGS}[metrics]\nfile = "blueattr.prom"\n')
    drop("1.jsonl", EVENTS)
    done()
    text = Path("blueattr.prom").read_text()
    values = dict(re.findall(r"^(blueattr_[a-z_]+(?:\{.*\})?) (\S+)$", text, re.MULTILINE))
    assert values["blueattr_run_exit_code"] == "0"
    shown = json.loads(run("status", "--db", "store.duckdb", "--format", "json").stdout)
    assert int(values["blueattr_store_events"]) == shown["events"]
    made = json.loads(Path("reports/latest/mythos-comparison.json").read_bytes())
    top = made["indicators"][0]["full"]["tiers"][0]["share"]
    label = '{topic="mythos",indicator="heat",tier="top 1 %"}'
    assert float(values[f"blueattr_tier_share_ratio{label}"]) == top
    # How a run ended is there, whatever became of its store.
    Path("store.duckdb").write_bytes(b"no store")
    assert run("run").code == ExitCode.STORE
    text = Path("blueattr.prom").read_text()
    assert f"blueattr_run_exit_code {int(ExitCode.STORE)}\n" in text
    assert "blueattr_store_events" not in text


def test_metrics_that_a_full_disk_refuses_are_the_old_ones_or_none_and_fail_no_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = Path("blueattr.prom")

    def on_a_full_disk(*given: Any) -> None:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
        try:
            write_metrics(*given)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    monkeypatch.setattr("blueattr.runs.run.write_metrics", on_a_full_disk)
    write(f'{SETTINGS}[metrics]\nfile = "{path}"\n')
    for content in (None, b"# those of before\n"):
        if content is not None:
            path.write_bytes(content)
        ended = done(code=ExitCode.NOTHING_NEW)
        assert f"{path}: File too large" in ended.stderr
        assert (path.read_bytes() if path.exists() else None) == content
        assert not [*Path().glob(".blueattr-*")]


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ('measure = "agnts"\nabove = 1', "did you mean agents?"),
        ('measure = "share"\ntier = "tial"\nabove = 1', "did you mean tail?"),
        ('measure = "agents"\ntopic = "mytos"\nabove = 1', "did you mean mythos?"),
        ('measure = "agents"\nabve = 1', "did you mean above?"),
        ('measure = "share"\nabove = 1', "of a tier or of a group"),
        ('measure = "agents"\ntier = "top"\nabove = 1', "makes no sense for agents"),
        ('measure = "agents"\nabove = 1\nbelow = 2', "set one of above"),
        ('measure = "agents"', "set one of above"),
        ('measure = "share"\ngroup = "de"\nabove = 1', "set by in [report]"),
        ('measure = "agents"\nchanged_by = 0', "more than 0"),
        ('measure = "agents"\nabove = 1\nat_most_every = "x"', "at_most_every"),
        ('measure = "total"\nindicator = "gini"\nabove = 1', "no 'gini'"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused_with_its_line(
    keys: str, why: str, receiver: Receiver
) -> None:
    notify(receiver, f"[[notify.when]]\n{keys}\n")
    refused(why, receiver)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ('[[notify.when]]\nmeasure = "agents"\nabove = 1', "tells nobody"),
        ('[notify]\nwebhook = "http://example.org/"', "is not encrypted"),
        ('[notify]\nwebhook = "URL"\non = ["gaps"]', "is none of"),
        ('[notify]\nwebhook = "URL"\n[[notify.wen]]\nmeasure = "x"', "did you mean when?"),
        ("[notify]\nwhen = 3", "should be tables, [[notify.when]]"),
        ("notify = 3", "should be a table"),
        ('[ping]\nurl = "https://example.org/?x"', "after ? or #"),
    ],
)
def test_settings_that_tell_nobody_are_refused_with_their_line(
    settings: str, why: str, receiver: Receiver
) -> None:
    before = SETTINGS if settings.startswith("[") else f"{settings}\n{SETTINGS}"
    after = settings if settings.startswith("[") else ""
    write(f"{before}{after.replace('URL', receiver.url)}\n")
    refused(why, receiver)


def refused(why: str, receiver: Receiver) -> None:
    ended = run("run")
    assert ended.code == ExitCode.USAGE
    assert why in ended.stderr
    assert re.search(r"blueattr\.toml:\d+: ", ended.stderr)
    assert harmless(ended.stderr)
    assert not receiver.received


def test_a_dry_run_says_all_of_it_and_does_none(receiver: Receiver) -> None:
    write(
        f'{SETTINGS}keep = 5\n[ping]\nurl = "{receiver.url}/secret"\n[metrics]\nfile = "x.prom"\n'
        f'[notify]\nwebhook = "{receiver.url}/hidden"\non = ["gap", "change-point", "failure"]\n'
        '[[notify.when]]\nmeasure = "share"\ntier = "tail"\nbelow = 50\n'
    )
    drop("1.jsonl", EVENTS)
    ended = run("run", "--dry-run")
    assert ended.code == ExitCode.OK, ended.stderr
    said = ended.stdout.decode()
    for words in (
        "read     what is new in 1 file of ",
        "store.duckdb, which it makes",
        "on mythos, by heat",
        "the 5 latest reports",
        f"ping     {receiver.url.removeprefix('http://')}\n",
        "metrics to ",
        "of gap and failure\n",
        "if mythos: the share of the tail is below 50 %",
    ):
        assert words in said, (words, said)
    assert "secret" not in said
    assert "hidden" not in said
    assert not receiver.received
    assert not [path for path in Path().iterdir() if path.name not in {"in", "blueattr.toml"}]
