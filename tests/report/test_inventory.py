"""Reports on a store: what they add up to, and what hostile lines and names do to them."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.ingest.result import Ingested
from blueattr.provenance import Gap, Window
from blueattr.report import Report, render
from blueattr.report.escape import HIDDEN
from blueattr.report.formats.text import Terminal
from blueattr.report.inventory.ingests import ingest_report
from blueattr.report.inventory.panel import topic_days_report, topics_report
from blueattr.report.inventory.status import status_report
from support.cli_world import harmless
from support.effort import law
from support.inventory_cases import (
    CLEAN,
    DB,
    INGESTED,
    INVENTORIES,
    MYTHOS,
    NOTHING,
    NOW,
    REJECTED_SCHEMA,
    STATUS,
    TOPIC_DAYS,
    WHOLE,
    rows,
    source,
)

LAW = law(40)


def document(report: Report) -> Any:
    return json.loads(render(report, "json"), parse_constant=pytest.fail)


def table(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render(report, "csv").decode()), strict=True))


def text(report: Report) -> str:
    return render(report, "text").decode()


def assert_harmless(report: Report) -> None:
    assert harmless(text(report))
    assert harmless(render(report, "text", Terminal(width=80)).decode())
    for data in (render(report, "json").decode(), render(report, "csv").decode()):
        assert not re.search(HIDDEN, data.replace("\n", ""))
    document(report)
    for row in table(report):
        assert not [cell for cell in row.values() if cell.startswith(("=", "+", "@", "\t", "\r"))]


@pytest.mark.parametrize("name", INVENTORIES)
def test_every_inventory_is_harmless_and_complete(name: str) -> None:
    report = INVENTORIES[name]
    assert_harmless(report)
    kind = document(report)
    assert kind["schema_version"] == 1
    assert kind["kind"] == report.kind
    if name != "store-status-empty":
        assert table(report)


def test_an_ingest_says_of_each_source_what_became_of_it() -> None:
    rows = table(ingest_report(INGESTED, DB))
    assert [row["state"] for row in rows] == [
        "complete", "unchanged", "complete", "incomplete", "all rejected", "complete",
    ]  # fmt: skip
    for row in rows:
        parts = (int(row[k]) for k in ("kept", "skipped", "rejected"))
        assert int(row["lines"]) == sum(parts)
    content = document(ingest_report(INGESTED, DB))
    assert [s["state"] for s in content["sources"]] == [row["state"] for row in rows]
    assert content["failures"] == list(INGESTED[1].failures)
    assert (content["events_before"], content["events_after"]) == (5, 1_234)


def test_a_failure_of_a_longer_name_is_not_that_of_a_shorter_one() -> None:
    short, long = source("/data/a"), source("/data/a b", complete=False)
    done = Ingested((short, long), (), ("/data/a b is truncated",), 0, 1)
    assert [row["state"] for row in table(ingest_report([done], DB))] == ["complete", "incomplete"]


def test_rejected_lines_are_hinted_at_only_where_there_are_some() -> None:
    hint = "Why lines were rejected"
    assert hint in text(ingest_report([Ingested((WHOLE,), (), (), 0, 1)], DB))
    assert hint not in text(ingest_report([Ingested((CLEAN,), (), (), 0, 1)], DB))


def test_rejected_lines_of_a_status_add_up() -> None:
    content = document(status_report(STATUS))
    assert content["rejected"] == [
        {"reason": "bad DID", "lines": 1}, {"reason": "not JSON", "lines": 2},
    ]  # fmt: skip
    counted = sum(row["lines"] for row in content["rejected"])
    assert counted == sum(row["rejected"] for row in content["sources"]) == 3
    assert [row["position"] for row in content["rejected_samples"]] == [1_234, 17, 2_345]


def test_a_status_of_an_empty_store_says_so() -> None:
    shown = text(status_report(NOTHING))
    assert "covers         nothing" in shown
    assert "events         0" in shown
    assert document(status_report(NOTHING))["days"] == []


def test_times_of_a_status_are_utc() -> None:
    (row, unread, *_) = document(status_report(STATUS))["sources"]
    assert row["first_event"] == "2026-05-01T00:00:00.123456Z"
    assert unread["last_event"] is None


def test_a_status_tells_streams_from_what_ends() -> None:
    report = status_report(STATUS, NOW)
    streams, read = (table for table in report.tables if table.name in ("streams", "sources"))
    assert [row[1] for row in streams.rows] == ["jetstream", "firehose"]
    assert [row[1] for row in read.rows] == ["file", "stdin", "archive", "collect"]
    content = document(report)
    assert len(content["sources"]) == 6
    live, new = content["streams"]
    assert (live["cursor"], live["behind_seconds"]) == (123_456_789, pytest.approx(150, abs=1))
    assert (new["cursor"], new["behind_seconds"]) == (0, None)
    assert "2.5 min" in text(report)
    # A clock that is slow makes nothing of the future.
    early = document(status_report(STATUS, NOW - timedelta(days=1)))["streams"][0]
    assert early["behind_seconds"] == 0


def test_a_long_list_of_gaps_says_how_many_are_not_shown() -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    gaps = tuple(
        Gap(start + timedelta(hours=2 * k), start + timedelta(hours=2 * k + 1), "none covers it")
        for k in range(33)
    )
    report = status_report(replace(STATUS, gaps=gaps))
    assert text(report).count("none covers it") == 20
    assert "and 13 more" in text(report)
    assert len(document(report)["gaps"]) == 33


def test_topics_show_every_match_in_every_form() -> None:
    words = tuple(f"keyword number {k:03d}" for k in range(60))
    report = topics_report([replace(MYTHOS, keywords=words)])
    matches = [row["matches"] for row in table(report)]
    assert len(matches) == 60 + 2
    for shown in (text(report), render(report, "json").decode()):
        assert [word for word in words if word not in shown] == []
    assert "#mythosai" in text(report)
    assert r"/\bmythos\b/" in text(report)


def test_topic_days_hold_by_the_published_criterion() -> None:
    days = TOPIC_DAYS[0].days
    window = Window(TOPIC_DAYS[0].window.start, TOPIC_DAYS[0].window.start + timedelta(days=14))
    ten, nine = (replace(TOPIC_DAYS[0], days_over=k, window=window) for k in (10, 9))
    verdicts = document(topic_days_report([ten, nine]))["topics"]
    assert [verdict["holds"] for verdict in verdicts] == [True, False]
    assert verdicts[0]["events"] == int(days["events"].sum()) == 5_004


@LAW
@given(st.text(), st.text(), st.text())
def test_hostile_lines_and_names_are_harmless(sample: str, name: str, reason: str) -> None:
    encodable = [s.encode("utf-8", "replace").decode() for s in (reason, name, sample)]
    rejected = pl.DataFrame(
        [(encodable[0], 7, encodable[1], 0, encodable[2])], schema=REJECTED_SCHEMA, orient="row"
    )
    report = status_report(replace(STATUS, rows={**STATUS.rows, "rejected": rows(rejected)}))
    assert_harmless(report)
    (row,) = document(report)["rejected_samples"]
    assert [row["reason"], row["source"], row["sample"]] == encodable
    assert_harmless(ingest_report([Ingested((source(name),), (), (), 0, 1)], DB))
    assert_harmless(topics_report([replace(MYTHOS, title=sample, keywords=(name,))]))


def test_formulas_are_guarded_in_every_text_column() -> None:
    evil = "=HYPERLINK(1)"
    report = topics_report(
        [replace(MYTHOS, name=evil, title=evil, category=evil, keywords=(evil,), origin=evil)]
    )
    row = table(report)[0]
    assert {k for k, v in row.items() if v == "'" + evil} == set(row) - {"kind"}
    (state,) = table(ingest_report([Ingested((source(evil),), (), (), 0, 1)], DB))
    assert state["source"] == "'" + evil
