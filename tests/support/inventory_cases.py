"""Small inventories with numbers made by hand, for the tests of reports."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from blueattr.analysis.panel import PanelResult
from blueattr.analysis.upkeep.status import Status
from blueattr.ingest.result import Ingested
from blueattr.panel.topics import Topic, TopicDays
from blueattr.provenance import FoundShare, Gap, Provenance, TimeShare, Window
from blueattr.report import Report
from blueattr.report.inventory.ingests import ingest_report
from blueattr.report.inventory.panel import panel_report, topic_days_report, topics_report
from blueattr.report.inventory.status import status_report
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.engine.rows import Rows
from support.report_cases import ORIGIN

DB = Path("data/blueattr.duckdb")


def source(name: str, **fields: object) -> SourceState:
    state = SourceState(name, "file", complete=True, position=9_000, lines=100, kept=60, skipped=37,
                        rejected={"not JSON": 2, "bad DID": 1})  # fmt: skip
    for field, value in fields.items():
        setattr(state, field, value)
    return state


WHOLE = source("/data/2026-05-01.jsonl.zst")
CLEAN = source("/data/2026-05-02.jsonl.zst", skipped=40, rejected={})
CUT = source("/data/2026-05-03.jsonl.zst", complete=False)
WRONG = source("/data/notes.jsonl", kept=0, skipped=0, rejected={"not JSON": 100})
EMPTY = source("/data/empty.jsonl", lines=0, kept=0, skipped=0, rejected={})
INGESTED = (
    Ingested((replace(CLEAN, name="/data/plc.jsonl", kind="plc"),), (), (), 5, 5),
    Ingested(
        sources=(WHOLE, CLEAN, CUT, WRONG, EMPTY),
        unchanged=(WHOLE.name,),
        failures=(
            f"{CUT.name} is truncated: everything before that is kept",
            f"{WRONG.name} holds nothing that blueattr reads",
        ),
        events_before=5,
        events_after=1_234,
    ),
)


_NAIVE = datetime(2026, 5, 1, 0, 0, 0, 123_456)  # noqa: DTZ001 - the store's times are naive UTC
NOW = datetime(2026, 5, 2, 3, 2, 30, tzinfo=UTC)
SOURCES = pl.DataFrame(
    [
        ("/data/2026-05-01.jsonl.zst", "file", "9:1", 9_000, True, 100, 60, 37,
         _NAIVE, _NAIVE + timedelta(days=1), True, 3),
        ("-", "stdin", "", 0, False, 0, 0, 0, None, None, False, 0),
        ("archive:jetstream.example 2026-04-09..2026-04-23", "archive", "seg_1:1:1", 7_000_000,
         True, 300, 120, 180, _NAIVE - timedelta(days=20), _NAIVE - timedelta(days=8), False, 0),
        ("collect:mythos 2026-04-09..2026-04-11 0123456789abcdef", "collect", "", 40, True, 40, 40,
         0, _NAIVE - timedelta(days=22), _NAIVE - timedelta(days=20), False, 0),
        ("jetstream:jetstream.example", "jetstream", "", 123_456_789, False, 90, 80, 10,
         _NAIVE, _NAIVE + timedelta(days=1, hours=3), False, 0),
        ("firehose:relay.example", "firehose", "", 0, False, 0, 0, 0, None, None, False, 0),
    ],
    schema={
        "name": pl.String, "kind": pl.String, "fingerprint": pl.String, "position": pl.Int64,
        "complete": pl.Boolean, "lines": pl.Int64, "kept": pl.Int64, "skipped": pl.Int64,
        "first_event": pl.Datetime("us"), "last_event": pl.Datetime("us"),
        "synthetic": pl.Boolean, "rejected": pl.Int64,
    },
    orient="row",
).with_columns(
    pl.when(pl.col("kind") == "firehose").then(12).otherwise(0).cast(pl.Int64).alias("bounded"),
    pl.lit(0, pl.Int64).alias("ahead"),
)  # fmt: skip
REJECTED_SCHEMA = {
    "reason": pl.String, "lines": pl.Int64, "source": pl.String, "position": pl.Int64,
    "sample": pl.String,
}  # fmt: skip
REJECTED = pl.DataFrame(
    [
        ("bad DID", 1, "/data/2026-05-01.jsonl.zst", 1_234, '{"did":"=1+1","time_us":1}\n'),
        ("not JSON", 2, "/data/2026-05-01.jsonl.zst", 17, "\x1b[31mred\u202e"),
        ("not JSON", 2, "/data/2026-05-01.jsonl.zst", 2_345, "[bold]x[/]"),
    ],
    schema=REJECTED_SCHEMA,
    orient="row",
)
DAYS = pl.DataFrame(
    {
        "day": [date(2026, 5, 1), date(2026, 5, 2)],
        "posts": [700, 20],
        "replies": [300, 1],
        "reposts": [200, 0],
        "follows": [13, 0],
        "accounts": [1_000, 12],
    }
)


def rows(frame: pl.DataFrame) -> Rows:
    """The rows of a frame as a store returns them."""
    types = {pl.Int64: "BIGINT", pl.String: "VARCHAR", pl.Boolean: "BOOLEAN", pl.Date: "DATE",
             pl.Datetime: "TIMESTAMP"}  # fmt: skip
    names = tuple(types[dtype.base_type()] for dtype in frame.dtypes)
    return Rows(tuple(frame.columns), names, frame.rows())


STATUS = Status(
    path=DB,
    size=3_456_789,
    totals={"events": 1_234, "removed": 56, "accounts": 1_007, "handles": 800, "profiles": 1,
            "status_changes": 3, "directory": 0},
    rows={"days": rows(DAYS), "sources": rows(SOURCES), "rejected": rows(REJECTED)},
    coverage=(Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, 3, tzinfo=UTC)),),
    gaps=(
        Gap(datetime(2026, 5, 1, 4, tzinfo=UTC), datetime(2026, 5, 1, 6, tzinfo=UTC),
            "no source covers it"),
    ),
)  # fmt: skip
NOTHING = Status(
    path=DB,
    size=1_024,
    totals=dict.fromkeys(STATUS.totals, 0),
    rows={name: rows(getattr(STATUS, name).clear()) for name in STATUS.rows},
    coverage=(),
    gaps=(),
)


MYTHOS = Topic(
    "mythos", "Mythos", "technology", ("claude mythos", "mythos ai"), ("mythosai",),
    (r"\bmythos\b",),
)  # fmt: skip
MINE = Topic("mine", "=cmd|'/c calc'!A0", "", (), ("ünïcode",), (), "/home/me/topics.toml")
WINDOW = Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 3, tzinfo=UTC))
TOPIC_DAYS = [
    TopicDays(
        topic,
        WINDOW,
        pl.DataFrame({"day": DAYS["day"], "participants": [1_200, 3], "events": [5_000, k]}),
        1,
        provenance=Provenance(
            source=str(DB),
            window=WINDOW,
            gaps=STATUS.gaps,
            drawn=("keywords",),
            is_searched=True,
            time_from=(TimeShare("server", 3, 0.75), TimeShare("key", 1, 0.25)),
            completeness=(FoundShare("replies", 2, 3),),
        ),
    )
    for k, topic in enumerate((MYTHOS, MINE), 4)
]


PANEL = Provenance(
    source=ORIGIN.source, window=ORIGIN.window, gaps=ORIGIN.gaps, panel=ORIGIN.panel,
    version=ORIGIN.version,
)  # fmt: skip


AGENTS = pl.DataFrame({"did": ["did:plc:x", "did:plc:y", "did:plc:z"]})


INVENTORIES: dict[str, Report] = {
    "store-ingest": ingest_report(INGESTED, DB),
    "store-status": status_report(STATUS, NOW),
    "store-status-empty": status_report(NOTHING, NOW),
    "topics": topics_report([MYTHOS, MINE]),
    "topic-days": topic_days_report(TOPIC_DAYS),
    "panel": panel_report(PanelResult(AGENTS, PANEL)),
    "panel-of-topic": panel_report(
        PanelResult(
            AGENTS.with_columns(involved=pl.Series([True, False, True])),
            replace(PANEL, topic=MYTHOS.info),
        )
    ),
}
