"""Partitions: however events are parted, they fold and count as one store does."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st

import blueattr
from blueattr.analysis.features import make_features
from blueattr.errors import ExitCode, NoAnswerError
from blueattr.panel import topics
from blueattr.panel.counts import WindowCounts
from blueattr.panel.query import PanelQuery
from blueattr.partitions import driver, tasks
from blueattr.partitions.driver import make_agent_days, make_parts, one_after_another, run_by
from blueattr.partitions.export import export_partitions
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.meta import Meta, WrittenPart
from blueattr.partitions.rows import bucket_of
from blueattr.provenance import Window
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.matching import Rule
from support.cli_world import PANEL, ok, refused, write_store
from support.effort import costly_law
from support.rollup_checks import USUAL, WINDOWS, append, histories


@pytest.fixture(autouse=True)
def _buckets_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three buckets are a task, though there are few events; else each is one."""
    monkeypatch.setattr(driver, "joined", lambda meta, *_: 2 if meta.buckets == 3 else 1)


# --- the law -------------------------------------------------------------------------------------


TASKS = ((3, 2), (2, 1), (1, 1), (3, 1))
"""How many buckets there are, and how many of them are a task."""
JOINED = driver.joined


@pytest.mark.slow
@costly_law(3, suppress=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_any_events_in_any_order_and_number_of_buckets_count_as_in_one_store(
    fresh: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    """Of several stores, each with some of the events, the rows are as raw as they come."""
    folder = fresh()
    events = data.draw(st.permutations([*data.draw(histories()), *USUAL]))
    whole, stores = folder / "whole.duckdb", data.draw(st.integers(1, 3), label="stores")
    pieces = [events[k::stores] for k in range(stores)]
    for db, some in ((whole, events), *((folder / f"{k}.duckdb", p) for k, p in enumerate(pieces))):
        with Writer(db) as writer:
            append(writer, *some)
    buckets, in_a_task = data.draw(st.sampled_from(TASKS), label="buckets, of a task")
    parts = [folder / str(k) for k in range(stores)]
    for k, place in enumerate(parts):
        export_partitions(folder / f"{k}.duckdb", place, buckets)
    together = joined(folder / "together", parts)
    window = data.draw(st.sampled_from(WINDOWS))
    match = data.draw(st.sampled_from([("mythos",), ()]))
    query = PanelQuery(whole, match=match, start=window.start, end=window.end)
    monkeypatch.setattr(driver, "joined", lambda *_: in_a_task)
    days = answered(lambda: make_agent_days(together, query, folder / "panel.work"))
    if not isinstance(days, str):
        assert days.equals(agent_days(whole, window, query))
    ours = answered(lambda: parts_of(together, query, folder / "panel", in_a_task))
    theirs = answered(lambda: make_features(query)[0])
    assert same(ours, theirs)
    if not isinstance(theirs, str):
        event("features of " + ("a topic" if match else "all events"))


def joined(place: Path, parts: Sequence[Path]) -> Path:
    """Put the rows of several folders into one."""
    metas = [Meta.read(PartitionFolder(part)) for part in parts]
    for part in parts:
        shutil.copytree(part / "events", place / "events", dirs_exist_ok=True)
    rows = [part for meta in metas for part in meta.parts]
    assert len({part.name for part in rows}) == len(rows)
    replace(metas[0], parts=tuple(rows)).write(PartitionFolder(place))
    return place


def parts_of(events: Path, query: PanelQuery, out: Path, joined: int) -> pl.DataFrame:
    made, buckets = make_parts(events, query, out), Meta.read(PartitionFolder(events)).buckets
    files = sorted(out.iterdir())
    assert len(files) == made.parts
    frames = [pl.read_parquet(file) for file in files]
    assert all(frame["did"].is_sorted() for frame in frames)
    for bucket, frame in enumerate(frames):
        assert {bucket_of(did, buckets) // joined for did in frame["did"]} <= {bucket}
    assert sum(map(len, frames)) == made.agents
    return pl.concat(frames).sort("did")


@pytest.mark.parametrize(
    ("buckets", "rows", "workers", "expected"),
    [
        (1024, 0, 1, 1024), (1024, 400_000, 1, 1024), (1024, 50_000_000, 1, 10),
        (1024, 10**10, 1, 1), (1, 9, 1, 1), (1024, 400_000, 2, 512), (1024, 90_000, 256, 568),
        (1024, 50_000_000, 2, 10), (1024, 50_000_000, 256, 3),
    ],
)  # fmt: skip
def test_buckets_of_few_rows_are_taken_together_and_large_ones_apart(
    buckets: int, rows: int, workers: int, expected: int
) -> None:
    assert driver.ROWS_OF_A_TASK == 500_000
    assert JOINED(Meta(buckets, parts=(WrittenPart("part", 1, rows, 1),)), workers) == expected


def answered(ask: Callable[[], pl.DataFrame]) -> pl.DataFrame | str:
    try:
        return ask()
    except NoAnswerError as error:
        return str(error)


def same(ours: pl.DataFrame | str, theirs: pl.DataFrame | str) -> bool:
    if isinstance(ours, str) or isinstance(theirs, str):
        return type(ours) is type(theirs) and str(ours) == str(theirs)
    return ours.equals(theirs)


def agent_days(db: Path, window: Window, query: PanelQuery) -> pl.DataFrame:
    with Store.open(db) as store:
        rule = None if not query.match else _rule(store, query)
        days = WindowCounts.of(store, window).agent_days(rule)
        dids = store.frame("partitions/export/accounts").rename({"id": "account"})
    named = days.join(dids, on="account").drop("account")
    counts = [name for name in named.columns if name not in {"did", "day"}]
    named = named.select("did", "day", pl.col(counts).cast(pl.Int64))
    return named.sort("did", "day")


def _rule(store: Store, query: PanelQuery) -> Rule:
    topic = topics.choose(store, query.topic, list(query.match), None)
    assert topic is not None
    return topic.rule


# --- commands ------------------------------------------------------------------------------------


SAID = """
    INSERT INTO hydration BY NAME
    SELECT
        id AS account, TIMESTAMP '2026-06-01' AS asked_at, true AS found, 7 * id AS followers,
        asked_at AS followers_at,
        if(id % 4 = 0, TIMESTAMP '2026-05-02', TIMESTAMP '2024-01-01') AS created_at
    FROM account
    WHERE id % 3 <> 0;
    INSERT INTO plc BY NAME
    SELECT did, TIMESTAMP '2026-05-02' AS created_at, 'name.example' AS handle
    FROM account
    WHERE id % 5 = 0
"""
"""What an AppView and a directory said: follower counts of two thirds, and who is new."""
ASKED: dict[str, Any] = {"popularity": "followers", "missing_followers": "drop"}
OPTIONS = ("--popularity", "followers", "--missing-followers", "drop")
FORGOTTEN = tuple(f"did:plc:agent{k:03}" for k in (1, 2, 4))
"""Whose keys and numbers are gone from between those of others."""


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_store(tmp_path_factory.mktemp("store") / "some forgotten.duckdb")
    assert ok("forget", *FORGOTTEN, "--db", path).text
    with Writer(path) as writer, writer.transaction():
        writer._connection.execute(SAID)
    return path


@pytest.fixture(scope="module")
def panel_file(db: Path) -> Path:
    path = db.with_name("features.parquet")
    ok("features", "--topic", "mythos", *OPTIONS, "--db", db, "--out", path)
    made = pl.read_parquet(path)
    assert 20 < len(made) < PANEL / 2
    assert made["followers"].n_unique() == len(made)
    return path


@pytest.fixture(scope="module")
def parted(db: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("parted") / "events"
    done = ok("export", "--partitioned", place, "--buckets", 3, "--db", db)
    assert f"written: {place} (" in done.stderr
    assert "3 buckets)" in done.stderr
    return place


def test_the_commands_write_what_a_store_says_and_attribute_reads_it(
    parted: Path, panel_file: Path, here: Path
) -> None:
    ok("features", "--events", parted, "--topic", "mythos", *OPTIONS, "--out", "panel/")
    theirs = pl.read_parquet(panel_file)
    assert (
        pl.concat([pl.read_parquet(f) for f in sorted(Path("panel").iterdir())])
        .sort("did")
        .equals(theirs)
    )
    assert not Path("panel.work").exists()
    # Some of the topic's events hang on a match in another bucket.
    assert (theirs["reposts_received"] > 0).any()
    assert (theirs["replies_received"] > 0).any()
    assert len({bucket_of(did, 3) for did in theirs["did"]}) == 3


def test_who_is_forgotten_is_in_no_file(parted: Path) -> None:
    files = [*parted.rglob("*.parquet")]
    texts = [repr(pl.read_parquet(file).cast({pl.Categorical: pl.String}).rows()) for file in files]
    assert "did:plc:agent003" in "".join(texts)
    assert not [did for did in FORGOTTEN for text in texts if did in text]


@pytest.mark.slow
def test_without_words_a_kept_topic_is_answered_and_another_one_refused(
    db: Path, panel_file: Path, here: Path
) -> None:
    done = blueattr.open(db).export_partitions("bare", buckets=2, no_text=True)
    bare = blueattr.open_partitions("bare")
    assert {topic.digest for topic in bare.meta.topics} == {t.digest for t in done.meta.topics}
    rows = pl.concat([pl.read_parquet(f) for f in Path("bare/events").rglob("*records.parquet")])
    assert len(rows)
    assert rows["text"].null_count() == rows["title"].null_count() == len(rows)
    made = bare.features("panel", "mythos", **ASKED)
    ours = pl.concat([pl.read_parquet(f) for f in sorted(made.path.iterdir())]).sort("did")
    assert ours.equals(pl.read_parquet(panel_file))
    refusal = refused(
        ExitCode.NO_ANSWER, "features", "--events", "bare", "--match", "card", "--out", "other"
    )
    assert "was written with --no-text" in refusal.stderr
    assert not [*Path().glob("other*")]


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        (2, ("export", "--buckets", "4"), "--buckets is for --partitioned"),
        (2, ("export", "--partitioned", "x", "--topic", "mythos"), "--topic would change nothing"),
        (2, ("export", "--partitioned", "x", "--buckets", "0"), "from 1 to 9,999"),
        (2, ("features", "--events", "x", "--db", "y", "--out", "z"), "--db cannot be combined"),
        (3, ("features", "--events", "x", "--out", "z"), "it has no meta.json"),
        (2, ("status", "--events", "x", "--check"), "--check cannot be combined with --events"),
        (3, ("topics", "check", "--events", "x"), "it has no meta.json"),
        (2, ("features", "--cluster", "local:2", "--out", "z"), "name them by --events"),
        (2, ("features", "--insecure", "--out", "z"), "--insecure is about a cluster"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    code: int, arguments: tuple[str, ...], words: str, db: Path, here: Path
) -> None:
    where = () if "--db" in arguments or "--events" in arguments else ("--db", db)
    assert words in refused(ExitCode(code), *arguments, *where).stderr


# --- who is killed -------------------------------------------------------------------------------


class KilledError(Exception):
    pass


@pytest.mark.slow
def test_who_is_killed_in_any_task_goes_on_with_what_is_done(
    parted: Path, panel_file: Path, here: Path
) -> None:
    query, out = PanelQuery(parted, "mythos", **ASKED), Path("panel")
    done: list[str] = []

    def run(task: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        if task.__name__ == falls:
            one_after_another(task, arguments[-1:])
            raise KilledError
        return one_after_another(task, arguments)

    falls = "gather"
    with pytest.MonkeyPatch.context() as patch:
        # In more parts, as on more workers: none of them comes into the panel.
        patch.setattr(driver, "joined", lambda *_: 1)
        with pytest.raises(KilledError):
            make_parts(parted, query, out, run)
    for falls in ("fold", "match_own", "count", "gather"):
        with pytest.raises(KilledError):
            make_parts(parted, query, out, run)
        assert not out.exists()
        done.append(falls)
    assert len(done) == 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "fold_bucket", None)  # all are folded
        make_parts(parted, query, out)
    ours = pl.concat([pl.read_parquet(f) for f in sorted(out.iterdir())]).sort("did")
    theirs = pl.read_parquet(panel_file)
    assert ours.equals(theirs.select(ours.columns))
    assert [*here.iterdir()] == [here / "panel"]


class Doubled:
    """Runs each task twice, as of a worker that was thought lost; gives what the first gave."""

    def __init__(self, work: Path) -> None:
        self._work, self.stages = work, set[str]()

    def run(
        self, stage: str, task: Callable[[Any], Any], arguments: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        self.stages.add(stage)
        for place in reversed(range(len(arguments))):
            answer = task(arguments[place])
            for file in self._work.glob("answers/*"):
                file.unlink()
            task(arguments[place])
            yield place, answer


@pytest.mark.slow
def test_what_a_worker_does_that_was_thought_lost_changes_no_answer(
    parted: Path, panel_file: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows may be in another order than those that the answer is about."""
    engine, totals, order = Doubled(Path("panel.work")), WindowCounts.totals, count()

    def shuffled(*arguments: Any, **options: Any) -> pl.DataFrame:
        frame = totals(*arguments, **options)
        return frame.sample(fraction=1, shuffle=True, seed=next(order))

    monkeypatch.setattr(WindowCounts, "totals", shuffled)
    made = make_parts(parted, PanelQuery(parted, "mythos", **ASKED), Path("panel"), run_by(engine))
    ours = pl.concat([pl.read_parquet(f) for f in sorted(made.path.iterdir())]).sort("did")
    assert ours.equals(pl.read_parquet(panel_file).select(ours.columns))
    assert engine.stages == {"folding", "matching", "counting", "gathering"}
    assert next(order) > 2
    assert not Path("panel.work").exists()


def test_files_of_an_export_that_was_killed_do_not_count(db: Path, here: Path) -> None:
    first = export_partitions(db, Path("events"), 2)
    left = min(Path("events/events").rglob("*.parquet"))
    left.rename(left.with_name("part-store-0000-records.parquet"))
    with pytest.raises(blueattr.BlueattrError, match="holds partitions already"):
        export_partitions(db, Path("events"), 2)
    Path("events/meta.json").unlink()  # it is written last
    again = export_partitions(db, Path("events"), 2)
    assert again.meta == first.meta
    files = [*Path("events/events").rglob("*.parquet")]
    assert len(files) == again.files
    assert json.loads(Path("events/meta.json").read_text())["buckets"] == 2
