"""What a run compares with: the last report of the same method, on as many other days."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blueattr.analysis.asked.windows import spell_period
from blueattr.provenance import Window
from blueattr.runs.earlier import last_window
from blueattr.runs.history.record import Run, read_runs
from blueattr.runs.history.shares import RunShares
from blueattr.version import METHOD_VERSION
from support.run_folder import EVENTS, HALF, SETTINGS, done, drop, write

TITLE = "What carried the change"


@pytest.mark.slow
@pytest.mark.usefixtures("run_folder")
def test_a_run_says_what_carried_the_change_since_the_last_report_on_other_days() -> None:
    week = SETTINGS.replace('["heat"]', '["lin"]\nwindow = "7d"').replace('["json"]', '["html"]')
    write(week)
    drop("1.jsonl", EVENTS[:HALF])
    done()
    (page,) = Path("reports/latest").glob("*.html")
    assert TITLE not in page.read_text("utf-8")
    drop("2.jsonl", EVENTS[HALF:])
    done()
    first, second = (
        Window(*map(datetime.fromisoformat, run.end["window"]))
        for run in read_runs(Path("reports"))
    )
    assert first.start < second.start
    text = page.read_text("utf-8")
    assert TITLE in text
    assert f"--against {spell_period(first)}" in text
    write(week.replace("[output]", "change = false\n[output]"))
    done()
    assert TITLE not in page.read_text("utf-8")


def ran(start: int, end: int, version: int = METHOD_VERSION) -> Run:
    found = RunShares("x", version, 1, "", ())
    bounds = [f"2026-05-{day:02}T00:00:00Z" for day in (start, end)]
    began = datetime(2026, 5, end, tzinfo=UTC)
    return Run("x", began, 1, "fine", 0, 1.0, (), {}, {"window": bounds}, found)


def days(start: int, end: int) -> Window:
    return Window(datetime(2026, 5, start, tzinfo=UTC), datetime(2026, 5, end, tzinfo=UTC))


def test_the_last_report_is_one_of_the_same_method_on_as_many_other_days() -> None:
    runs = [ran(1, 8), ran(2, 9, METHOD_VERSION - 1), ran(3, 10)]
    assert last_window([], days(3, 10)) is None
    assert last_window(runs, days(4, 11)) == days(3, 10)
    # Neither one of the same days nor one of another method.
    assert last_window(runs, days(3, 10)) == days(1, 8)
    assert last_window(runs, days(4, 12)) is None
    hours = Window(days(4, 11).start, days(4, 11).end + timedelta(hours=1))
    assert last_window(runs, hours) is None
    assert last_window([replace(runs[0], shares=None)], days(4, 11)) is None


@pytest.mark.parametrize(
    "bounds", [None, [], ["x", "y"], ["2026-05-02T00:00:00Z"] * 2, {"a": 1}, [None, 1]]
)
def test_a_record_that_says_no_window_is_no_obstacle(bounds: object) -> None:
    assert last_window([replace(ran(1, 8), end={"window": bounds})], days(4, 11)) is None
