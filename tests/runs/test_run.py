"""Scheduled runs: reports that are whole or not there, a record that survives, one at a time."""

import json
import os
import shutil
import signal
import subprocess
import threading
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest

from blueattr.errors import ExitCode, RunGoingError
from blueattr.ingest.follow import follow
from blueattr.panel import query
from blueattr.runs import publish
from blueattr.runs import run as runs_run
from blueattr.runs.history.record import RunRecord, read_runs
from blueattr.runs.publish import faults, latest
from blueattr.sources.timing import Timing
from support.archive_past import fill_past, past_events
from support.archive_server import ArchiveServer
from support.cli_world import BLUEATTR, PANEL, Run, ok, run
from support.events_builder import did, lines, micros
from support.run_folder import EVENTS, HALF, SETTINGS, done, drop, write
from support.store_content import content, expected
from support.stream_server import StreamServer

pytestmark = pytest.mark.usefixtures("run_folder")


def current() -> str:
    return str(Path("reports/latest").readlink())


def comparison(topic: str = "mythos") -> Any:
    return json.loads(Path(f"reports/latest/{topic}-comparison.json").read_bytes())


def stages(ended: Run) -> list[str]:
    return [line.split()[2].rstrip(":") for line in ended.stderr.splitlines()]


# --- what a run does -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_week_of_runs_in_small() -> None:
    done(code=ExitCode.NOTHING_NEW)  # the folder is there, and empty
    assert not Path("reports/latest").exists()
    drop("1.jsonl", EVENTS[:HALF])
    first = done()
    assert stages(first) == ["start", "ingest", "look", "attribute", "publish", "end"]
    assert "1 of 1 read" in first.stderr
    name = current()
    before = comparison()

    # Nothing new: not even where a file is touched, or comes again under another name.
    done(code=ExitCode.NOTHING_NEW)
    os.utime("in/1.jsonl")
    shutil.copy("in/1.jsonl", "in/again.jsonl")
    quiet = done(code=ExitCode.NOTHING_NEW)
    assert stages(quiet) == ["start", "ingest", "look", "end"]
    assert current() == name

    drop("2.jsonl", EVENTS[HALF:])
    done()
    assert current() != name
    assert comparison() != before
    assert faults(Path("reports") / name) == []  # old ones stay

    # The numbers are those of the commands, from a store that was made in one go.
    everything = Path("all.jsonl")
    everything.write_bytes(lines(*EVENTS))
    ok("ingest", everything, "--db", "fresh.duckdb", "--quiet")
    fresh = ok("compare-scales", "--topic", "mythos", "--indicator", "heat", "--sizes", "10",
               "--seeds", "2", "--correct", "--db", "fresh.duckdb",
               "--format", "json").json  # fmt: skip
    assert same_numbers(comparison(), fresh)
    assert comparison()["n_agents"] == PANEL

    record = read_runs(Path("reports"))
    assert [r.exit_code for r in record] == [10, 0, 10, 10, 0]
    assert [r.end["report"] for r in record] == [None, name, None, None, current()]
    assert {r.outcome for r in record} == {"fine", "nothing new"}
    assert [s.name.split()[0] for s in record[-1].stages] == [
        "ingest", "look", "attribute", "publish",
    ]  # fmt: skip
    assert record[-1].start["versions"]["blueattr"]
    assert record[-1].end["window"][1] == comparison()["window"]["end"]

    listed = ok("runs", "--format", "json").json
    assert listed["kind"] == "runs"
    assert [r["exit_code"] for r in listed["runs"]] == [10, 0, 10, 10, 0]
    assert listed["runs"][1]["stages"][0]["message"].startswith("1 of 1 read")
    assert ok("runs", "--last", "2").text.count("nothing new") == 1
    assert len(ok("runs", "--reports", "reports", "--format", "csv").text.splitlines()) == 6


def same_numbers(one: Any, other: Any) -> bool:
    """Whether two comparisons agree in all but where they came from."""
    gone = {"source"}
    kept = [{k: v for k, v in x.items() if k not in gone} for x in (one, other)]
    assert kept[0].keys() == kept[1].keys()
    return kept[0] == kept[1]


@pytest.mark.slow
def test_other_settings_make_another_report_of_the_same_events() -> None:
    drop("1.jsonl", EVENTS)
    done()
    names = [current()]
    mine = Path("mine.toml")
    mine.write_text('[topics.mythos]\nkeywords = ["system card"]\n')
    for change in ("seeds = 3", 'topics = "mine.toml"'):
        write(SETTINGS.replace("seeds = 2", change))
        done()
        names.append(current())
    done(code=ExitCode.NOTHING_NEW)
    mine.write_text('[topics.mythos]\nkeywords = ["so true"]\n')
    done()
    assert len({*names, current()}) == 4


@pytest.mark.slow
def test_another_panel_makes_another_report_of_the_same_events() -> None:
    drop("1.jsonl", EVENTS)
    done()
    everyone = comparison()
    write(SETTINGS.replace("seeds = 2", 'seeds = 2\npanel = "involved"'))
    done()
    assert (comparison()["panel_of"], everyone["panel_of"]) == ("involved", "active")
    assert comparison()["n_agents"] == everyone["n_involved"]


@pytest.mark.slow
def test_a_day_that_ends_by_the_clock_alone_makes_a_new_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last = datetime.fromtimestamp(max(event["time_us"] for event in EVENTS) / 1e6, UTC)
    now = last

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return now

    monkeypatch.setattr(query, "datetime", Clock)
    write(SETTINGS.replace("seeds = 2", "seeds = 2\ncomplete = true"))
    drop("1.jsonl", EVENTS)
    done()
    assert comparison()["window"]["end"] == f"{last:%Y-%m-%d}T00:00:00Z"
    done(code=ExitCode.NOTHING_NEW)
    now = last + timedelta(days=1)
    done()
    assert comparison()["window"]["end"] == f"{now:%Y-%m-%d}T00:00:00Z"
    done(code=ExitCode.NOTHING_NEW)


_OWN = """\
import numpy as np

names = ("a", "b", "c")

def statistics(a, b, c):
    return np.column_stack([a, b, c])

def value(m):
    return np.log1p(m[0] * m[1] * m[2])
"""


@pytest.mark.slow
def test_what_can_change_no_number_makes_no_new_report() -> None:
    files = {
        "mine.toml": '[topics.mythos]\nkeywords = ["so true"]\n',
        "bots.toml": '[[rules]]\nname = "bot"\npattern = "bot$"\n',
        "own.py": _OWN,
    }
    for name, text in files.items():
        Path(name).write_text(text)
    drop("1.jsonl", EVENTS)
    here = SETTINGS.replace("heat", "own.py").replace(
        "[report]\n", '[report]\ntopics = "mine.toml"\nbots = "bots.toml"\n'
    )
    write(here)
    done()
    report = current()
    # Everything is elsewhere; and there is more memory, another log, and reports are kept.
    elsewhere = here
    Path("else").mkdir()
    for name in ("store.duckdb", *files):
        Path(name).rename(f"else/{name}")
        elsewhere = elsewhere.replace(name, f"else/{name}")
    write(f'memory-limit = "2GB"\n{elsewhere}keep = 3\n[log]\nform = "json"\n')
    done(code=ExitCode.NOTHING_NEW)
    assert current() == report
    Path("else/own.py").write_text(_OWN.replace("* m[2]", "+ m[2]"))
    done()
    assert current() != report, "the content of a file counts"


@pytest.mark.slow
def test_a_report_that_is_damaged_is_made_anew() -> None:
    drop("1.jsonl", EVENTS)
    done()
    first = current()
    Path("reports/latest/mythos-comparison.json").unlink()
    assert latest(Path("reports")) is None
    assert run("run").code == ExitCode.OK
    assert current() != first
    assert faults(Path("reports/latest")) == []


@pytest.mark.slow
def test_a_topic_that_nobody_took_part_in_keeps_no_other_out() -> None:
    drop("1.jsonl", EVENTS)
    write(SETTINGS.replace('["mythos"]', '["wrestlemania", "mythos"]'))
    ended = done()
    assert "warning attribute: no answer on wrestlemania: no post matched" in ended.stderr
    assert comparison()["indicators"][0]["full"]["total"] > 0
    assert latest(Path("reports"))["topics"] == ["wrestlemania", "mythos"]  # type: ignore[index]


@pytest.mark.slow
def test_a_panel_that_has_no_answer_is_said_and_leaves_the_latest() -> None:
    drop("1.jsonl", EVENTS)
    name = "2026-05-01T000000Z"
    Path("reports").mkdir()
    publish.publish(Path("reports"), name, lambda part: (part / "a").write_text("a"), {})
    write(SETTINGS.replace("[10]", f"[{PANEL + 1}]"))
    ended = done(code=ExitCode.NO_ANSWER)
    assert f"larger than the panel of {PANEL}" in ended.stderr
    assert current() == name
    last = read_runs(Path("reports"))[-1]
    assert (last.outcome, last.exit_code) == ("failed", 4)
    assert "larger than the panel" in last.end["message"]


@pytest.mark.slow
def test_the_page_is_there_under_a_name_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blueattr.report.pages.page.Drawing", _NoDrawing)
    drop("1.jsonl", EVENTS)
    write(SETTINGS.replace('["json"]', '["html", "csv"]').replace('["mythos"]', '["all"]'))
    done("--reports", "elsewhere")
    found = {path.name for path in Path("elsewhere/latest").iterdir()}
    assert {"index.html", "manifest.json", "all-comparison.json"} <= found
    assert sum(name.endswith(".csv") for name in found) >= 4
    assert not Path("reports").exists()


class _NoDrawing:
    def __init__(self, _spec: object) -> None:
        pass

    def svg(self) -> str:
        return "<svg></svg>"


# --- sources that fail ---------------------------------------------------------------------------


@pytest.mark.slow
def test_a_source_that_is_down_keeps_nothing_out() -> None:
    down = '[[sources]]\nread = ["ws://127.0.0.1:9"]\nfor = "1s"\n[[sources]]'
    write(SETTINGS.replace("[[sources]]", down, 1))
    ended = done(code=ExitCode.SOURCE)  # nothing is there to report on
    assert "error ingest: " in ended.stderr
    assert not Path("reports/latest").exists()
    drop("1.jsonl", EVENTS)
    done(code=ExitCode.SOURCE)
    name = current()
    done(code=ExitCode.SOURCE)
    assert current() == name
    assert {r.outcome for r in read_runs(Path("reports"))} == {"a source was unreachable"}


@pytest.mark.slow
def test_a_stream_is_followed_until_there_is_no_more_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    older, newer = EVENTS[:-300], EVENTS[-300:]
    seen = list(older)
    # A quiet stream is live if its newest event is of now.
    timing = Timing(now=lambda: max(event["time_us"] for event in seen) / 1e6 + 60)
    monkeypatch.setattr(
        runs_run, "follow", lambda *given, **named: follow(*given, **named | {"timing": timing})
    )
    with StreamServer(older).running() as server:
        source = f'read = ["jetstream"]\nhost = ["{server.url}"]\nfrom = 2026-04-30\nfor = '
        write(SETTINGS.replace('read = ["in/"]', f'{source}"60s"'))
        ended = done()
        assert "live, +" in ended.stderr
        first = comparison()["window"]
        quiet = done(code=ExitCode.NOTHING_NEW)
        assert "live, +0 events" in quiet.stderr
        server.add(*newer)
        seen += newer
        done()
        assert comparison()["window"]["end"] > first["end"]
        assert comparison()["n_agents"] == PANEL
    write(SETTINGS.replace('read = ["in/"]', f'{source}"2s"'))
    done(code=ExitCode.SOURCE)
    last = read_runs(Path("reports"))[-1]
    assert (last.outcome, last.end["report"]) == ("a source was unreachable", None)


@pytest.mark.slow
def test_a_past_of_some_accounts_is_fetched_if_it_costs_no_more_than_was_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BLUEATTR_JETSTREAM_KEY", raising=False)
    Path("some.csv").write_text(f"did\n{did('a')}\n{did('d')}\n")
    with ArchiveServer().running() as server:
        fill_past(server)
        source = (
            f'read = ["archive"]\nhost = ["{server.url}"]\nfrom = 2026-03-01\nto = 2026-05-20\n'
            'accounts = "some.csv"\nmax-bytes = "{}"'
        )
        write(SETTINGS.replace('read = ["in/"]', source.format("1KB")))
        ended = done(code=ExitCode.USAGE)
        assert "--max-bytes permits 1.0 kB" in ended.stderr
        assert not server.fetched()
        write(SETTINGS.replace('read = ["in/"]', source.format("1MB")))
        ended = done(code=ExitCode.NO_ANSWER)
        assert server.fetched()
    begin, end = (
        micros(datetime(2026, month, day, tzinfo=UTC)) for month, day in ((3, 1), (5, 20))
    )
    wanted = [event for event in past_events("ad") if begin <= event["time_us"] < end]
    assert len(wanted) > 5
    assert content(Path("store.duckdb")) == expected(wanted)


@pytest.mark.slow
def test_a_file_that_is_damaged_or_gone_keeps_nothing_out() -> None:
    drop("1.jsonl", EVENTS)
    torn = Path("in/2.jsonl")
    torn.write_bytes(lines(*EVENTS)[:-10])
    write(SETTINGS.replace('["in/"]', '["in/", "none.jsonl", "in/*.zst"]'))
    ended = done(code=ExitCode.INPUT)
    assert "is truncated" in ended.stderr
    assert "no such file" in ended.stderr
    assert ended.stderr.count(" error ingest: ") == 2  # files of a pattern may still come
    assert comparison()["n_agents"] == PANEL


@pytest.mark.slow
def test_what_is_mostly_rejected_is_bad_input_and_what_was_passed_over_is_told() -> None:
    drop("1.jsonl", EVENTS)
    Path("in/2.jsonl").write_bytes(lines(EVENTS[0]) + b"no\n")
    Path("in/3.csv").touch()
    write(SETTINGS)
    ended = done(code=ExitCode.INPUT)
    assert "2.jsonl was mostly rejected: 1 of its 2 lines" in ended.stderr
    assert "Passed over 1 of 3 files" in ended.stderr
    assert comparison()["n_agents"] == PANEL


@pytest.mark.slow
def test_gaps_are_told_but_for_what_was_before_the_store() -> None:
    hole = [e for e in EVENTS if not HALF <= EVENTS.index(e) < HALF + 200]
    middle = EVENTS[HALF]["time_us"]
    drop("1.jsonl", [e for e in hole if e["time_us"] < middle])
    write(SETTINGS.replace("seeds", 'window = "40d"\nseeds'))
    done()
    drop("2.jsonl", [e for e in hole if e["time_us"] > EVENTS[HALF + 200]["time_us"]])
    done(code=ExitCode.GAPS)
    last = read_runs(Path("reports"))[-1]
    assert last.end["gaps"] == len(last.end["first_gaps"]) == 1
    assert len(comparison()["gaps"]) == 2
    manifest = json.loads(Path("reports/latest/manifest.json").read_bytes())
    assert manifest["all_gaps"] == last.end["first_gaps"]


# --- one at a time, and ended early --------------------------------------------------------------


def test_a_second_run_ends_at_once_and_names_the_first() -> None:
    with RunRecord(Path("reports")) as record:
        record.note("start", "now", started=datetime.now(UTC).isoformat(), pid=os.getpid())
        ended = run("run", "--log", "json")
        assert ended.code == ExitCode.RUN_GOING
        entry = json.loads(ended.stderr)
        assert (entry["level"], entry["run"]) == ("warning", None)
        assert f"process {os.getpid()}" in entry["message"]
        assert [r.outcome for r in read_runs(Path("reports"))] == ["going"]
        with pytest.raises(RunGoingError):
            RunRecord(Path("reports"))
    assert [r.outcome for r in read_runs(Path("reports"))] == ["killed"]
    done(code=ExitCode.NOTHING_NEW)


@pytest.mark.slow
def test_a_run_that_is_told_to_stop_ends_between_stages() -> None:
    drop("1.jsonl", EVENTS)
    stop = threading.Event()
    said = []

    def log(
        _level: str, _run: str, stage: str, message: str, _seconds: float | None = None
    ) -> None:
        said.append((stage, message))
        if stage == "look":
            stop.set()

    from blueattr.runs.plan_file import SECTIONS, make_plan  # noqa: PLC0415 - as the command does
    from blueattr.runs.settings import Document, settle  # noqa: PLC0415

    plan = make_plan(settle(SECTIONS, Document(Path("blueattr.toml")), {}))
    with pytest.raises(KeyboardInterrupt):
        runs_run.run(plan, log, stop)
    assert said[-1] == ("end", "interrupted")
    last = read_runs(Path("reports"))[-1]
    assert (last.outcome, last.exit_code) == ("interrupted", 130)
    assert [s.name.split()[0] for s in last.stages] == ["ingest", "look"]
    done()  # what was ingested is not yet reported on


@pytest.mark.slow
def test_a_signal_ends_a_run_with_130() -> None:
    drop("1.jsonl", EVENTS)
    child = subprocess.Popen(
        [str(BLUEATTR), "run"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert child.stderr is not None
    child.stderr.readline()
    child.send_signal(signal.SIGTERM)
    rest = child.stderr.read()
    child.stderr.close()
    assert child.wait(30) == ExitCode.INTERRUPTED, rest
    assert b"Traceback" not in rest
    assert read_runs(Path("reports"))[-1].outcome == "interrupted"
    assert b"blueattr: stopping after this stage; once more to stop at once\n" in rest


def test_a_folder_that_cannot_be_written_to_ends_a_run_with_7() -> None:
    Path("reports").write_text("a file")
    ended = run("run")
    assert ended.code == ExitCode.OUTPUT
    assert "error start: cannot write reports/runs.jsonl" in ended.stderr.replace(
        f"{Path.cwd()}/", ""
    )
