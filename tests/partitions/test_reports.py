"""Reports of partitions: those of the store of the same events, in every field and byte."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st

import blueattr
from blueattr.analysis.asked.naming import OPEN, Naming
from blueattr.analysis.groups.grouping import grouping
from blueattr.analysis.parted_reports import report_partitions
from blueattr.analysis.topic_reports import report_topic, report_topics
from blueattr.attribution.question import Question, Sampling
from blueattr.cluster.engine import InProcess
from blueattr.errors import ExitCode, NoAnswerError
from blueattr.panel.bots import RateRule
from blueattr.panel.query import PanelQuery
from blueattr.partitions import driver
from blueattr.partitions.export import export_partitions
from blueattr.provenance import Window
from blueattr.store.commit.writer import Writer
from blueattr.store.rollups import roll_up
from blueattr.studies.topic import TopicReport
from support.cli_world import ok, refused, write_store
from support.effort import costly_law
from support.events_builder import at
from support.rollup_checks import MYTHOS, USUAL, WINDOWS, append, histories

QUESTION, SAMPLING = Question(("heat", "lin")), Sampling(sizes=(2,), seeds=2)


@pytest.fixture(autouse=True)
def _each_bucket_is_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "joined", lambda *_: 1)


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Name what differs of two reports, but for the store's name."""
    if type(one) is not type(other):
        yield f"{where}: {type(one)} and {type(other)}"
    elif isinstance(one, pl.DataFrame):
        if not one.equals(other):
            yield where
    elif is_dataclass(one):
        for field in fields(one):
            if field.name not in {"source", "command"}:
                mine, theirs = getattr(one, field.name), getattr(other, field.name)
                yield from differences(mine, theirs, f"{where}.{field.name}")
    elif isinstance(one, Mapping):
        yield from differences([*one.items()], [*other.items()], where)
    elif isinstance(one, tuple | list):
        if len(one) != len(other):
            yield f"{where}: {len(one)} and {len(other)}"
        for k, (mine, theirs) in enumerate(zip(one, other, strict=False)):
            yield from differences(mine, theirs, f"{where}[{k}]")
    elif repr(one) != repr(other):
        yield f"{where}: {one!r} and {other!r}"


def asked_both_ways(
    db: Path, events: Path, query: PanelQuery, names: tuple[str, ...] = (), **told: Any
) -> tuple[tuple[TopicReport, ...] | str, tuple[TopicReport, ...] | str]:
    """Report on a store and on its partitions, or say why not."""

    def theirs() -> tuple[TopicReport, ...]:
        asked = replace(query, db=db)
        if names:
            return report_topics(asked, names, QUESTION, SAMPLING, **told)
        return (report_topic(asked, QUESTION, SAMPLING, **told),)

    def ours() -> tuple[TopicReport, ...]:
        return report_partitions(
            events, query, names, QUESTION, SAMPLING, beside=events / "report",
            **({"naming": OPEN} | told),
        )  # fmt: skip

    return answered(theirs), answered(ours)


def answered(
    ask: Callable[[], tuple[TopicReport, ...]],
) -> tuple[TopicReport, ...] | str:
    try:
        return ask()
    except NoAnswerError as error:
        return str(error)


@pytest.mark.slow
@costly_law(3, suppress=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_whatever_happened_the_report_is_that_of_the_store(
    fresh: Callable[[], Path], data: st.DataObject
) -> None:
    folder = fresh()
    db, events = folder / "store.duckdb", folder / "events"
    with Writer(db) as writer:
        append(writer, *data.draw(st.permutations([*data.draw(histories()), *USUAL])))
        if data.draw(st.booleans(), label="summarised"):
            roll_up(writer, [MYTHOS])
    export_partitions(db, events, data.draw(st.sampled_from([1, 3])))
    window = data.draw(st.sampled_from(WINDOWS))
    match = data.draw(st.sampled_from([("mythos",), ()]))
    query = PanelQuery(db, match=match, start=window.start, end=window.end)
    length = window.end - window.start
    against = data.draw(st.sampled_from([None, Window(window.start - length, window.start)]))
    theirs, ours = asked_both_ways(db, events, query, against=against, accounts=True)
    assert not [*differences(theirs, ours)]
    assert not (events / "report.work").exists()
    if not isinstance(theirs, str):
        event("a report of " + ("a topic" if match else "all events"))
        event(f"records of {len(theirs[0].posts if theirs[0].posts is not None else ())} posts")


# --- of people ------------------------------------------------------------------------------------

SAID = """
    INSERT INTO hydration BY NAME
    SELECT
        id AS account, TIMESTAMP '2026-06-01' AS asked_at, true AS found, 7 * k AS followers,
        asked_at AS followers_at,
        if(k % 4 = 3, TIMESTAMP '2026-05-10', TIMESTAMP '2024-01-01') AS created_at
    FROM (SELECT id, right(did, 3)::INTEGER AS k FROM account)
    WHERE k % 3 <> 0;
    INSERT INTO plc BY NAME
    SELECT did, TIMESTAMP '2025-05-02' AS created_at, 'name.example' AS handle,
        'pds' || (k % 3) || '.example' AS host
    FROM (SELECT did, right(did, 3)::INTEGER AS k FROM account)
    WHERE k % 5 = 0;
    UPDATE record SET time_from = 'claimed' WHERE rkey % 7 = 0;
    UPDATE record SET langs = if(account % 2 = 0, 'en de', 'fr') WHERE text IS NOT NULL
"""
"""What others say of accounts, and what the made-up events lack; who is gone says nothing."""


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_store(tmp_path_factory.mktemp("store") / "people.duckdb")
    with Writer(path) as writer, writer.transaction():
        writer._connection.execute(SAID)
        writer._changes |= {"record": False}
        writer.run("store/integrity/sums/sum_records")
    return path


@pytest.fixture(scope="module")
def parted(db: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("parted") / "events"
    export_partitions(db, place, 3)
    return place


NOON = {"start": at(40_000, days=7), "end": at(25_000, days=12)}
BEFORE = Window(*(time - timedelta(days=5) for time in NOON.values()))
HIDDEN = Naming(nobody=True)
ASKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a topic": ({"topic": "mythos"}, {}),
    "all events of parts of days": ({"topic": "all", **NOON}, {"accounts": True}),
    "a change of parts of days, by language": (
        {"topic": "mythos", **NOON, "popularity": "followers", "missing_followers": "drop",
         "rate": RateRule(2, 3)},
        {"against": BEFORE, "by": grouping("lang,age"), "accounts": True},
    ),
    "two days by the hour, by hosts": (
        {"topic": "mythos", "start": at(1, days=1), "end": at(1, days=3), "keep_bots": True,
         "influence": ("replies", "reposts")},
        {"by": grouping("host")},
    ),
}  # fmt: skip
"""Questions to the store: of its query, and of the report."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ASKED)
def test_each_report_is_that_of_the_store_in_every_field(name: str, db: Path, parted: Path) -> None:
    asked, told = ASKED[name]
    theirs, ours = asked_both_ways(db, parted, PanelQuery(db, **asked), **told)
    assert not [*differences(theirs, ours)]
    assert not isinstance(theirs, str)
    (report,) = theirs
    assert report.headline is not None
    assert {one.kind for one in report.provenance.time_from} == {"server", "claimed"}
    assert (report.change is not None) == ("against" in told)
    assert (report.groups is not None) == ("by" in told)
    assert (report.posts is not None) == ("accounts" in told and asked["topic"] != "all")
    # In the days of `NOON` nobody follows anybody, so that heat is 0.
    assert (report.days is None) == ("start" in asked and asked["start"] == NOON["start"])
    assert bool(report.days and report.days.hours) == name.startswith("two days")


@pytest.mark.slow
def test_the_command_writes_the_page_of_the_store(db: Path, parted: Path, here: Path) -> None:
    options = ("--topic", "mythos,earth-day-climate", "--indicator", "heat", "--seeds", 2)
    ok("report", *options, "--db", db, "--out", "theirs")
    ok("report", *options, "--events", parted, "--out", "ours")
    for theirs in Path("theirs").iterdir():
        made = (Path("ours") / theirs.name).read_text()
        assert made.replace(f"--events {parted}", f"--db {db}").replace(str(parted), str(db)) == (
            theirs.read_text()
        )
    assert {one.name for one in Path().iterdir()} == {"ours", "theirs"}


@pytest.mark.slow
def test_without_words_a_report_without_posts_is_answered(db: Path, here: Path) -> None:
    blueattr.open(db).export_partitions("bare", buckets=2, no_text=True)
    theirs, ours = asked_both_ways(db, Path("bare"), PanelQuery(db, "mythos"), naming=HIDDEN)
    assert not isinstance(theirs, str)
    assert not [*differences(theirs, ours)]
    refusal = refused(ExitCode.NO_ANSWER, "report", "--events", "bare", "--topic", "mythos")
    assert "a report shows posts by their words" in refusal.stderr
    refusal = refused(
        ExitCode.NO_ANSWER, "report", "--events", "bare", "--match", "card", "--top", "0"
    )
    assert "is none of them as it is defined now" in refusal.stderr
    assert {one.name for one in Path().iterdir()} == {"bare"}


class KilledError(Exception):
    pass


@pytest.mark.slow
def test_who_is_killed_in_any_stage_goes_on_with_what_is_done(
    db: Path, parted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, run, done = Path(parted / "report.work"), InProcess.run, list[str]()

    def falls(self: InProcess, stage: str, task: Any, arguments: Any) -> Iterator[Any]:
        for place, answer in run(self, stage, task, arguments):
            if stage not in done:
                done.append(stage)
                raise KilledError
            yield place, answer

    monkeypatch.setattr(InProcess, "run", falls)
    query = PanelQuery(db, "mythos")
    for k in range(4):
        with pytest.raises(KilledError):
            asked_both_ways(db, parted, query)
        assert len(done) == k + 1
        assert work.exists()
    assert done == ["folding", "matching", "counting", "gathering"]
    monkeypatch.setattr("blueattr.partitions.tasks.fold_bucket", None)  # all are folded
    theirs, ours = asked_both_ways(db, parted, query)
    assert not [*differences(theirs, ours)]
    assert not work.exists()


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        (2, ("--events", "x", "--db", "y"), "--db cannot be combined with --events"),
        (2, ("--events", "x", "--features", "y"), "would change nothing"),
        (2, ("--cluster", "local:2"), "name them by --events"),
        (3, ("--events", "x"), "it has no meta.json"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    code: int, arguments: tuple[str, ...], words: str, here: Path
) -> None:
    assert words in refused(ExitCode(code), "report", "--topic", "mythos", *arguments).stderr


@pytest.mark.slow
def test_a_topic_that_nothing_matches_leaves_nothing(db: Path, parted: Path) -> None:
    query = PanelQuery(db, None, match=("nothing has these words",))
    theirs, ours = asked_both_ways(db, parted, query)
    assert isinstance(theirs, str)
    assert theirs == ours
    assert not (parted / "report.work").exists()


@pytest.mark.slow
def test_what_partitions_do_not_have_of_a_collected_topic_is_not_left_out(
    db: Path, here: Path
) -> None:
    copy = Path("collected.duckdb")
    copy.write_bytes(db.read_bytes())
    with Writer(copy) as writer, writer.transaction():
        writer._connection.execute("UPDATE source SET kind = 'collect', drawn = 'keywords'")
        writer._changes |= {"source": False}
    export_partitions(copy, Path("events"), 2)
    refusal = refused(ExitCode.NO_ANSWER, "report", "--events", "events", "--topic", "mythos")
    assert "was exported from a store with a collected topic" in refusal.stderr
    assert not [*Path().glob("report*")]
