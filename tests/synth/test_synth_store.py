"""Synthetic events straight into a store: it holds what ingesting their lines would have given."""

import io
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from blueattr.cli.progress import Bars
from blueattr.decode.account_events import SCHEMA, account_rows
from blueattr.decode.chunk import Chunk
from blueattr.decode.parser import layout
from blueattr.decode.parser.layout import ParsedLines
from blueattr.decode.parser.scanner import Scanner
from blueattr.errors import ExitCode
from blueattr.ingest import read
from blueattr.panel.topics import shipped_rules
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.synth import Names, SynthSpec, event_batches, source, write_lines
from blueattr.synth.columns import announcements
from blueattr.synth.extras import profile_labels
from blueattr.synth.lines import lines
from blueattr.synth.source import SynthSource
from blueattr.synth.stream import SyntheticStream
from support import crash, synth_child
from support.cli_world import ok, run
from support.effort import costly_law
from support.forked import processes
from support.store_content import content, rows, sources

RICH = SynthSpec(agents=150, days=4, seed=22, topic_share=0.5)
# Accounts that posted leave, each way.
LEFT = SynthSpec(agents=100, days=12, seed=14, activity=0.1, like_fraction=0.0, topic_share=1.0)
LAW = costly_law(5, suppress=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
specs = st.builds(
    SynthSpec,
    agents=st.integers(1, 120),
    days=st.integers(1, 5),
    seed=st.integers(0, 1 << 40),
    start=st.sampled_from([datetime(2026, 4, 9, tzinfo=UTC), datetime(2024, 2, 27, tzinfo=UTC)]),
    like_fraction=st.sampled_from([0.0, 0.3, 1.0]),
    topic_share=st.sampled_from([0.0, 0.06, 1.0]),
    activity=st.sampled_from([0.1, 1.0]),
)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_ROWS", 40)
    monkeypatch.setattr(read, "COMMIT_ROWS", 700)


def events_of(spec: SynthSpec) -> pl.DataFrame:
    return pl.concat(event_batches(spec))


# --- columns --------------------------------------------------------------------------------------


@pytest.mark.slow
@LAW
@example(RICH)
@given(specs)
def test_without_likes_the_other_events_are_the_same(spec: SynthSpec) -> None:
    every, some = SyntheticStream(spec), SyntheticStream(spec, likes=False)
    whole, rest = pl.concat(every.batches()), pl.concat(some.batches())
    assert rest.equals(whole.filter(pl.col("kind") != "like"))
    assert (some.seq, some.last_us) == (every.seq, every.last_us) == (
        whole.height + 1, whole["time_us"].max()
    )  # fmt: skip
    if spec is RICH:
        assert whole.height > 2 * rest.height > 2000


def arrays(parsed: ParsedLines) -> list[npt.NDArray[Any]]:
    ends = (parsed.word_ends, parsed.tag_ends, parsed.domain_ends)
    return [parsed.numbers, parsed.flags, *ends, parsed.mentions, *parsed.words]


def masked(parsed: ParsedLines) -> list[bytes]:
    """What of the numbers means something."""
    subject, root = parsed.flags & layout.HAS_SUBJECT != 0, parsed.flags & layout.HAS_ROOT != 0
    key = subject & (parsed.flags & layout.KIND_MASK != layout.FOLLOW)
    means = {layout.SUBJECT_RKEY: key, layout.SUBJECT_HIGH: subject,
             layout.SUBJECT_LOW: subject}  # fmt: skip
    means |= dict.fromkeys(range(layout.ROOT_HIGH, layout.OTHER_HIGH), root)
    other = parsed.flags & layout.HAS_OTHER != 0
    means |= dict.fromkeys(range(layout.OTHER_HIGH, layout.NUMBERS), other)
    every = np.ones(parsed.flags.size, np.bool_)
    return [row[means.get(k, every)].tobytes() for k, row in enumerate(parsed.numbers)]


def labelled(spec: SynthSpec) -> set[str]:
    """The accounts whose profiles have labels of their own."""
    agents = np.arange(SyntheticStream(spec).accounts.n)
    names = Names(spec.seed)
    return set(names.did(agents).filter(profile_labels(agents, names).is_not_null()))


@pytest.mark.slow
@LAW
@example(RICH)
@given(specs)
def test_columns_are_what_the_parser_makes_of_the_lines(spec: SynthSpec) -> None:
    data = bytes(lines(events_of(spec), Names(spec.seed)))
    parsed = Scanner().scan(np.frombuffer(data, np.uint8), 0, len(data), 1 << 23)
    (chunk,) = SynthSource(spec).chunks()
    (made,) = chunk.parsed
    for mine, its in zip(arrays(made), arrays(parsed), strict=True):
        assert mine.dtype == its.dtype
    assert made.flags.tobytes() == parsed.flags.tobytes()
    assert masked(made) == masked(parsed)
    assert [w.tobytes() for w in made.words] == [w.tobytes() for w in parsed.words]
    assert made.word_ends.tolist() == parsed.word_ends.tolist()
    assert made.tag_ends.tolist() == parsed.tag_ends.tolist()
    assert made.domain_ends.tolist() == parsed.domain_ends.tolist()
    assert made.mentions.tolist() == parsed.mentions.tolist()
    assert made.skipped == parsed.skipped
    # The parser leaves labelled profiles, the earliest and latest lines perhaps among them.
    assert chunk.account_events is not None
    events = (
        [] if parsed.account_events is None else account_rows(parsed.account_events).to_pylist()
    )
    told = labelled(spec)
    assert events == [
        row for row in chunk.account_events.to_pylist()
        if row["kind"] != "profile" or row["did"] not in told
    ]  # fmt: skip
    refused = sum(data[a:b].count(b"\n") for a, b in parsed.unparsed.tolist())
    assert len(chunk.account_events) == refused + len(events)
    assert chunk.account_events.schema == SCHEMA
    assert (
        chunk.resume
        == data.count(b"\n")
        == made.flags.size + made.skipped + len(chunk.account_events)
    )
    if spec is RICH:
        flags = parsed.flags
        assert {int(kind) for kind in np.unique(flags & layout.KIND_MASK)} == {0, 1, 2}
        for bit in (
            layout.IS_DELETE, layout.HAS_SUBJECT, layout.HAS_ROOT, layout.HAS_TITLE,
            layout.HAS_OTHER,
        ):  # fmt: skip
            assert np.count_nonzero(flags & bit) > 10
        assert min(parsed.tag_ends.size, parsed.domain_ends.size, parsed.mentions.size) > 10
        assert min(words.size for words in parsed.words) > 10
        assert len(events) > 50 > refused > 0
        assert len(chunk.account_events) > 50


@pytest.mark.slow
@pytest.mark.usefixtures("small_chunks")
def test_chunks_go_on_where_an_earlier_one_ended() -> None:
    chunks = list(SynthSource(RICH).chunks())
    assert len(chunks) > 20
    assert [c.position for c in chunks] == [0, *(c.resume for c in chunks[:-1])]
    assert chunks[-1].resume == events_of(RICH).height
    assert [c.read for c in chunks] == sorted(c.read for c in chunks)
    assert chunks[-1].read == SynthSource(RICH).size == 4 * 86400
    for k in (1, 7, len(chunks) - 1, len(chunks)):
        again = list(SynthSource(RICH).chunks(chunks[k - 1].resume))
        assert list(map(plain, again)) == list(map(plain, chunks[k:]))


def plain(chunk: Chunk) -> Any:
    (part,) = chunk.parsed
    assert chunk.account_events is not None
    return (
        [array.tolist() for array in arrays(part)], part.skipped, part.span,
        chunk.account_events.to_pylist(), chunk.position, chunk.resume,
    )  # fmt: skip


@pytest.mark.usefixtures("small_chunks")
def test_few_chunks_are_ahead_and_a_reader_that_stops_stops_the_drawing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = 0

    def counting(frame: pl.DataFrame, names: Names) -> pa.Table:
        nonlocal made
        made += 1
        return announcements(frame, names)

    monkeypatch.setattr(source, "announcements", counting)
    chunks = iter(SynthSource(replace(RICH, days=30)).chunks())
    next(chunks)
    before = threading.active_count()
    deadline = time.monotonic() + 60
    while made < source._AHEAD and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert source._AHEAD <= made <= source._AHEAD + 2
    chunks.close()  # type: ignore[attr-defined]
    while threading.active_count() >= before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() < before
    assert made <= source._AHEAD + 3


# --- stores ---------------------------------------------------------------------------------------

_DID = "(SELECT did FROM account AS a WHERE a.id = t.{0}) AS {0}_did"
_ROLLUPS = {
    "agent_day": ("account",),
    "given_day": ("account", "subject"),
    "watched": ("account",),
    "topic_event": ("account", "subject", "root", "quoted"),
    "stored_day": (),
    "pending": ("account",),
}


def rolled_up(db: Path) -> dict[str, list[Any]]:
    """Rows of the tables of rollups, by DID and not by the numbers of accounts."""
    with Store.open(db) as store:
        found = {}
        for table, numbers in _ROLLUPS.items():
            dids = "".join(f"{_DID.format(number)}, " for number in numbers)
            names = ", ".join(f"'{name}'" for name in ("", *numbers))
            others = f"COLUMNS(lambda name: name NOT IN ({names}))"
            query = f"SELECT {dids} {others} FROM (SELECT *, 0 FROM {table}) AS t"  # noqa: S608 - names of our own
            found[table] = sorted(rows(store, query), key=repr)
        return found


def row(db: Path) -> tuple[Any, ...]:
    """What a store says of its one source, but its kind, fingerprint and position, and spans."""
    (found,) = sources(db)[0].values()
    with Store.open(db) as store:
        spans = rows(store, "SELECT * EXCLUDE (source) FROM span")
    return (*found[3:], spans)


def ingested(folder: Path, spec: SynthSpec) -> Path:
    out = io.BytesIO()
    write_lines(spec, out)
    (folder / "x.jsonl").write_bytes(out.getvalue())
    lines_file = str(folder / "x.jsonl")
    read.ingest(folder / "ingested.duckdb", [lines_file], rules=shipped_rules())
    return folder / "ingested.duckdb"


@pytest.mark.slow
@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(
    "spec",
    [
        RICH,
        LEFT,
        SynthSpec(agents=1, days=2, seed=4),
        SynthSpec(agents=90, days=2, seed=1 << 40, like_fraction=0.2, activity=0.4),
    ],
    ids=["rich", "left", "one", "few likes"],
)
def test_a_store_is_what_ingesting_the_lines_makes_of_it(tmp_path: Path, spec: SynthSpec) -> None:
    there, here = ingested(tmp_path, spec), tmp_path / "made.duckdb"
    done = read.ingest_sources(here, [SynthSource(spec)], rules=shipped_rules())
    assert done.events_before == 0
    assert not done.failures
    found = content(here)
    assert found == content(there)
    assert rolled_up(here) == rolled_up(there)
    assert row(here) == row(there)
    ((name, told),) = sources(here)[0].items()
    assert name == SynthSource(spec).name
    assert told[2:4] == (events_of(spec).height, True)
    if spec is LEFT:
        # Texts of accounts that left are not kept; those of accounts that were taken down are.
        gone = {who: status for who, *_, status in found.statuses if status}
        assert set(gone.values()) >= {"deleted", "takendown"}
        texts = [
            (gone[key[1]], record[7]) for key, record in found.records.items()
            if key[0] == "post" and not record[1] and key[1] in gone
        ]  # fmt: skip
        assert {(status, text is None) for status, text in texts if status != "deactivated"} >= {
            ("deleted", True), ("takendown", False)
        }  # fmt: skip
        assert ("deleted", False) not in {(status, text is None) for status, text in texts}
    if spec is not RICH:
        return
    removed = [record for record in found.records.values() if record[1]]
    assert {key[0] for key in found.records} == {"post", "repost", "follow"}
    assert len(removed) > 50
    assert sum(record[2] is not None for record in removed) > 20  # seen before they were removed
    assert sum(record[5] is not None for record in found.records.values()) > 100  # replies
    assert sum(record[8] is not None for record in found.records.values()) > 20  # tags
    assert sum(record[9] is not None for record in found.records.values()) > 10  # titles
    assert len(found.handles) > 20
    assert {bot for _, _, bot, _ in found.profiles.values()} == {False, True}
    assert all(len(rolled_up(here)[table]) > 50 for table in ("agent_day", "topic_event"))


@pytest.mark.slow
@pytest.mark.usefixtures("small_chunks")
def test_the_same_again_adds_nothing_and_another_version_reads_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "made.duckdb"
    first = read.ingest_sources(db, [SynthSource(RICH)])
    before = content(db), rolled_up(db), sources(db)
    again = read.ingest_sources(db, [SynthSource(RICH)])
    assert again.unchanged == (SynthSource(RICH).name,)
    assert (content(db), rolled_up(db), sources(db)) == before
    monkeypatch.setattr(source, "__version__", "0")
    once_more = read.ingest_sources(db, [SynthSource(RICH)])
    assert (once_more.unchanged, once_more.events_after) == ((), first.events_after)
    assert content(db) == before[0]
    assert row(db)[:4] == (
        True,
        *(getattr(first.sources[0], n) for n in ("lines", "kept", "skipped")),
    )


def test_the_name_says_what_the_events_follow_from() -> None:
    assert SynthSource(SynthSpec(agents=5, days=3, seed=1)).name == (
        "synth:agents=5,days=3,seed=1,from=2026-04-09"
    )
    assert SynthSource(replace(RICH, like_fraction=0.25, activity=0.5)).name == (
        "synth:agents=150,days=4,seed=22,from=2026-04-09,like_fraction=0.25,topic_share=0.5,"
        "activity=0.5"
    )


# --- killed on the way ----------------------------------------------------------------------------


def child(target: Callable[..., None], *arguments: Any) -> int | None:
    process = processes.Process(target=target, args=arguments)
    process.start()
    process.join(120)
    return process.exitcode


@pytest.mark.slow
@pytest.mark.usefixtures("small_chunks")
@crash.EACH_POINT
def test_killed_and_run_again_it_is_the_same_store(points: tuple[str, ...], tmp_path: Path) -> None:
    whole = tmp_path / "whole.duckdb"
    read.ingest_sources(whole, [SynthSource(LEFT)])
    everything = content(whole), rolled_up(whole), sources(whole)
    positions: dict[bool, set[int]] = {True: set(), False: set()}
    for point in points:
        db = tmp_path / f"{point}.duckdb"
        Writer(db).close()
        assert child(synth_child.killed_at, db, LEFT, point) == -signal.SIGKILL
        ((_, _, position, complete, *_),) = sources(db)[0].values()
        positions[point in crash.BEFORE].add(position)
        assert not complete
        assert child(synth_child.fill, db, LEFT) == 0
        assert (content(db), rolled_up(db), sources(db)) == everything
    (first,), (second,) = positions[True], positions[False]
    assert 0 < first < second < events_of(LEFT).height


# --- the command ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_fills_a_store(tmp_path: Path) -> None:
    ask = ("synth", "--agents", 40, "--days", 2, "--seed", 5, "--db", tmp_path / "my.duckdb")
    done = ok(*ask)
    assert "my.duckdb holds" in done.text
    assert "synth:agents=40,days=2,seed=5,from=2026-04-09" in done.text
    assert "complete" in done.text
    assert "unchanged" in ok(*ask).text
    said = ok("status", "--db", tmp_path / "my.duckdb", "--format", "json").json
    (state,) = said["sources"]
    assert (state["kind"], state["complete"]) == ("synth", True)
    assert state["lines"] == state["position"] == state["kept"] + state["skipped"]


@pytest.mark.parametrize("where", [(), ("--db", "my.duckdb", "--out", "x.jsonl")])
def test_lines_or_a_store(where: tuple[str, ...], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("synth", "--agents", 5, *where)
    assert done.code == ExitCode.USAGE
    assert "--out FILE" in done.stderr
    assert "--db FILE" in done.stderr
    assert not list(tmp_path.iterdir())


class Terminal(io.StringIO):
    """What takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_is_shown_how_much_of_the_time_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with Bars(quiet=False, unit="time") as bars:
        assert bars.progress is not None
        bars.progress(SynthSource(RICH).name, 86400, SynthSource(RICH).size)
    assert isinstance(sys.stderr, Terminal)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", sys.stderr.getvalue())
    assert "synth " in shown
    assert "25%" in shown
    assert "bytes" not in shown
    monkeypatch.setattr("sys.stderr", Terminal())
    with Bars(quiet=True, unit="time") as bars:
        assert bars.progress is None


def test_account_events_have_columns_of_the_staging_table() -> None:
    (chunk,) = SynthSource(SynthSpec(agents=30, days=2)).chunks()
    assert isinstance(chunk.account_events, pa.Table)
    assert {"kind", "did", "event_time", "handle", "bot", "status"} <= set(
        chunk.account_events.column_names
    )
