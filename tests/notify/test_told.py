"""What was told is told once, whoever tells it, whatever becomes of the program or the disk."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blueattr.errors import OutputError
from blueattr.file_lock import FileLock
from blueattr.notify import told_record
from blueattr.notify.condition import Condition, Standing, cross
from blueattr.notify.notice import Notification, new_notice
from blueattr.notify.teller import Teller
from blueattr.notify.told import Told, read_told
from blueattr.notify.told_record import ToldRecord, read_lines
from support.cli_world import harmless
from support.hostile_text import HOSTILE

NOW = datetime(2026, 4, 9, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def gap(start: str, end: str) -> str:
    return f"2026-04-{start}Z to 2026-04-{end}Z: no source covers it"


def test_a_gap_that_a_window_cuts_off_or_that_grew_is_not_told_again() -> None:
    told = Told(about={f"gap {gap('03T05:00:00', '05T00:00:00')}", "report x", "gap of old"})
    for again in (
        gap("03T05:00:00", "05T00:00:00"),
        gap("04T00:00:00", "05T00:00:00"),
        gap("03T05:00:00", "06T07:00:00.000001"),
        gap("03T00:00:00", "06T00:00:00"),
        "of old",
    ):
        assert told.new_gaps([again]) == [], again
    for new in (
        gap("05T00:00:00", "05T01:00:00"), gap("01T00:00:00", "03T05:00:00"), "now to then: no time"
    ):  # fmt: skip
        assert told.new_gaps([new]) == [new]


def entries(*lines: dict[str, Any]) -> Told:
    notice = asdict(new_notice("gap", "a", "b", {}))
    first = {"what": "notice", "notice": {**notice, "key": "k"}, "about": [], "levels": {},
             "to": ["hook"], "at": NOW.isoformat()}  # fmt: skip
    return read_told([first, *lines])


def delivery(problem: str, after: int) -> dict[str, Any]:
    at = (NOW + after * MINUTE).isoformat()
    return {"what": "delivery", "key": "k", "to": "hook", "problem": problem, "at": at}


def test_who_does_not_answer_is_asked_less_and_less_often_for_two_hours() -> None:
    lines: list[dict[str, Any]] = []
    tried = []
    for minute in range(24 * 60):
        if minute == 0 or entries(*lines).undelivered(NOW + minute * MINUTE, MINUTE):
            tried.append(minute)
            lines.append(delivery("is down", minute))
    assert tried == [0, 1, 6, 31, 156]
    # A clock that was ahead when it tried last holds nothing back.
    assert entries(delivery("is down", 600)).undelivered(NOW, MINUTE)
    assert entries(delivery("is down", 0), delivery("", 1)).undelivered(NOW + 9 * MINUTE) == []


def test_a_retry_of_which_nobody_knows_what_became_is_not_repeated() -> None:
    retry = {"what": "retry", "key": "k", "to": "hook"}
    assert entries(delivery("is down", 0)).undelivered(NOW)
    assert entries(delivery("is down", 0), retry).undelivered(NOW) == []
    again = entries(delivery("is down", 0), retry, delivery("is down", 1))
    assert again.undelivered(NOW + 2 * MINUTE)


def test_a_clock_that_was_ahead_silences_no_condition() -> None:
    condition = Condition("agents", "mythos", above=1, at_most_every=timedelta(days=1))
    ahead = Standing(is_met=False, value=0, told_at=NOW + timedelta(days=900))
    assert cross(condition, 2, ahead, NOW)[1]
    recent = Standing(is_met=False, value=0, told_at=NOW - timedelta(hours=3))
    assert not cross(condition, 2, recent, NOW)[1]


def telling(told: Told) -> tuple[Teller, list[dict[str, Any]], list[Notification]]:
    noted: list[dict[str, Any]] = []
    sent: list[Notification] = []

    def note(what: str, /, **fields: Any) -> None:
        noted.append({"what": what, **fields})

    def send(notice: Notification, to: Sequence[str]) -> None:
        assert to == ["hook"]
        assert noted[-1]["notice"]["key"] == notice.key  # it is noted before it is sent
        sent.append(notice)

    return Teller(["hook"], told, note, send, NOW), noted, sent


def test_a_value_that_moves_within_its_bound_adds_nothing_to_a_record() -> None:
    condition = Condition("share", "mythos", tier="tail", below=50)
    told = Told()
    lines: list[dict[str, Any]] = []
    for value in (60, 61, 62, 49, 48, 47, 51, 52, 49):
        teller, noted, _ = telling(told)
        teller.tell_condition(condition, value, {})
        lines += noted
        told = read_told(lines)
    assert [line["what"] for line in lines] == ["levels", "notice", "levels", "notice"]


def test_a_bound_that_is_set_twice_is_told_once() -> None:
    condition = Condition("share", "mythos", tier="tail", below=50)
    teller, _, sent = telling(Told())
    for every in (None, timedelta(days=1)):
        teller.tell_condition(replace(condition, at_most_every=every), 40, {})
    assert len(sent) == 1


def test_a_change_counts_from_the_first_value_and_then_from_what_was_told() -> None:
    condition = Condition("total", "mythos", changed_by=10)
    lines: list[dict[str, Any]] = []
    said = []
    for value in (100, 105, 109, 111, 118, 100):
        teller, noted, sent = telling(read_told(lines))
        teller.tell_condition(condition, value, {})
        lines += noted
        said += [one.data["value"] for one in sent]
    assert said == [111, 100]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_reasons_of_gaps_are_harmless_in_a_notice(text: str) -> None:
    teller, noted, (*_,) = telling(Told())
    teller.tell_gaps([f"{gap('03T00:00:00', '04T00:00:00')} {text}"], {})
    (line,) = noted
    said = line["notice"]["text"]
    assert "no source covers it" in said
    assert harmless(said)
    assert not set("@<>`*[]|") & set(said)
    json.dumps(line, allow_nan=False)


def test_what_a_full_disk_tore_is_passed_over_and_spoils_no_other_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = ToldRecord(tmp_path / "reports" / "watch.jsonl")
    with record.held():
        record.note("levels", levels={})
        with monkeypatch.context() as patch:
            write = os.write
            patch.setattr(os, "write", lambda file, data: write(file, data[:7]))
            patch.setattr(os, "ftruncate", lambda *_: None)
            with pytest.raises(OutputError, match="the disk is full"):
                record.note("levels", levels={"a": 1})
        assert not record.path.read_bytes().endswith(b"\n")
        record.note("retry", key="k", to="x")
    assert [line["what"] for line in read_lines(record.path)] == ["levels", "retry"]


def test_a_record_that_another_holds_for_long_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(told_record, "_PATIENCE", 0.05)
    record = ToldRecord(tmp_path / "watch.jsonl")
    with (
        FileLock(tmp_path / ".watch.jsonl.lock"),
        pytest.raises(OutputError, match="keeps"),
        record.held(),
    ):
        pass
    with record.held():
        record.note("retry", key="k", to="x")


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "reports").write_bytes(b"")
    record = ToldRecord(tmp_path / "reports" / "watch.jsonl")
    with pytest.raises(OutputError, match="cannot write"), record.held():
        pass
    with pytest.raises(OutputError, match="cannot read"):
        read_lines(record.path)
