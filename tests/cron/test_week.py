"""Two days of what `python -m cron.week` plays: it needs no cron, only time."""

from pathlib import Path

import pytest

from blueattr.runs.history.record import read_runs
from cron.week import Week


@pytest.mark.slow
def test_days_of_runs_give_the_numbers_of_one_go(tmp_path: Path) -> None:
    week = Week(tmp_path, agents=600, days=2, topics=("mythos",), forms=("json",), kill_every=3)
    codes = week.run()
    assert sum(codes.values()) == 8
    assert sum(count for code, count in codes.items() if code < 0) >= 1
    assert len(read_runs(tmp_path / "reports")) >= 6  # one may be killed before it begins
