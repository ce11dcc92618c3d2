"""Posts, hours and days of a store: that they add up, and are those of a plain twin."""

import json
import math
import random
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import blueattr
from blueattr.analysis.carriers import everything
from blueattr.analysis.carriers.posts import posts_store
from blueattr.analysis.carriers.records import SPARE, listed
from blueattr.attribution.question import Question
from blueattr.attribution.tiered import PanelChoice
from blueattr.errors import ExitCode, NoAnswerError
from blueattr.kernels.record_sums import RecordSums
from blueattr.panel.influence import Kind
from blueattr.panel.query import PanelQuery
from blueattr.report.results.posts import posts_report
from blueattr.studies.carriers.posts import PostsResult
from support.cli_world import ok, refused, write_store
from support.effort import costly_law
from support.events_builder import (
    POST,
    REPOST,
    Event,
    at,
    delete,
    did,
    follow,
    post,
    repost,
    uri,
)
from support.record_world import END, INFLUENCES, START, TOPIC, Twin, ingested, split, world

INDICATORS = ("lin", "heat", "var", "gini")
HOW: list[tuple[PanelChoice, int]] = [("active", 0), ("active", 1_000), ("involved", 3)]


def asked(
    db: Path,
    about: bool,
    indicator: str,
    panel: PanelChoice,
    *,
    top: int,
    influence: tuple[Kind, ...] | None = None,
) -> PostsResult:
    query = PanelQuery(db, start=START, end=END, match=(TOPIC,) if about else (),
                       topic=None if about else "all", influence=influence)  # fmt: skip
    return posts_store(query, Question((indicator,), panel=panel), top=top)


def sizes_of_cascades(twin: Twin, panel: set[str]) -> tuple[int, int, int, int] | None:
    """Return how many there are, the depth and width of any, and the size of the largest."""
    parents: dict[str, str] = {}
    for address in twin.written:
        record = twin.known[address]["commit"]["record"]
        subject = record.get("reply", {}).get("parent") or record.get("subject")
        if subject and address.split("/")[2] in panel:
            parents[address] = subject["uri"]
    ways = {}
    for address, subject in parents.items():
        event = twin.known[address]
        via = event["commit"]["record"].get("via", {}).get("uri")
        # An earlier repost of the same post that counts, too.
        if (
            parents.get(via) == subject
            and via.split("/")[3] == REPOST
            and twin.known[via]["time_us"] < event["time_us"]
        ):
            ways[address] = via
    parents |= ways
    levels: Counter[tuple[str, int]] = Counter()
    for address in parents:
        at, distance = address, 0
        while at in parents and distance <= len(parents):
            at, distance = parents[at], distance + 1
        if at not in parents:
            levels[at, distance] += 1
    if not levels:
        return None
    sizes = Counter({root: 0 for root, _ in levels})
    for (root, _), count in levels.items():
        sizes[root] += count
    return (
        len(sizes), max(d for _, d in levels), max(levels.values()), max(sizes.values())
    )  # fmt: skip


def with_ways(seed: int, events: list[Event]) -> list[Event]:
    """Let many repost few posts, by reposts of the same post or another, unseen or later."""
    rng = random.Random(seed)  # noqa: S311 - the same ways every time
    made = [event for event in events if event.get("commit", {}).get("collection") == REPOST]
    addresses = [uri(e["did"].removeprefix("did:plc:"), e["commit"]["rkey"], REPOST) for e in made]
    texts = [
        e
        for e in events
        if e.get("commit", {}).get("collection") == POST and "record" in e["commit"]
    ]
    about = [e for e in texts if TOPIC in e["commit"]["record"]["text"]] or texts
    few = [
        uri(e["did"].removeprefix("did:plc:"), e["commit"]["rkey"])
        for e in rng.sample(about, min(2, len(about)))
    ]
    for event in made:
        if rng.random() < 0.7:
            event["commit"]["record"]["subject"]["uri"] = rng.choice(few)
    for event in made:
        if rng.random() < 0.8:
            post = event["commit"]["record"]["subject"]["uri"]
            alike = [
                address for other, address in zip(made, addresses, strict=True)
                if other["commit"]["record"]["subject"]["uri"] == post
            ]  # fmt: skip
            where = alike if rng.random() < 0.7 else [*addresses, uri("p0", "never", REPOST)]
            event["commit"]["record"]["via"] = {"cid": "x", "uri": rng.choice(where)}
    return events


@pytest.mark.slow
@costly_law(9)
@given(
    st.integers(0, 10_000), st.booleans(), st.sampled_from(INDICATORS),
    st.sampled_from([(*how, kinds) for how in HOW for kinds in INFLUENCES]),
)  # fmt: skip
def test_posts_hours_and_days_each_give_the_total_with_what_popularity_carries(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    about: bool,
    indicator: str,
    how: tuple[PanelChoice, int, tuple[Kind, ...]],
) -> None:
    panel, top, influence = how
    events = with_ways(seed, world(seed))
    db = ingested(tmp_path_factory.mktemp("posts"), events)
    try:
        made, result, frame = split(db, about, indicator, panel, influence)
    except NoAnswerError:
        with pytest.raises(NoAnswerError):
            asked(db, about, indicator, panel, top=top, influence=influence)
        return
    found = asked(db, about, indicator, panel, top=top, influence=influence)
    size = float(max(abs(result.attributed), result.agents["value"].abs().sum()))
    shown = [(one.record.uri, one.record.value) for one in found.posts]
    for parts in (
        [*(value for _, value in shown), found.rest.value],
        [one.value for one in found.hours],
        [one.value for one in found.days],
    ):
        assert math.fsum([*parts, found.popularity]) == pytest.approx(
            result.attributed, abs=1e-12 * size
        )
    # The records are those that the report has.
    expected = listed(made.records).head(top)
    assert shown == list(zip(expected["uri"], expected["value"], strict=True))
    assert found.rest.records == len(made.records) - len(shown)
    hours = made.hours.group_by("hour").agg(pl.col("value").sum()).sort("hour")
    by_hour = {one.hour: one.value for one in found.hours if one.value}
    for hour, value in hours.iter_rows():
        assert by_hour.get(hour, 0.0) == pytest.approx(value, abs=1e-12 * size)
    twin = Twin(events, about=about, influence=influence)
    dids = set(frame["did"]) if panel == "active" else set(result.agents["did"])
    assert sum(one.events for one in found.hours) == sum(
        count for address, count in twin.written.items() if address.split("/")[2] in dids
    )
    if about:
        trees = sizes_of_cascades(twin, dids)
        has = found.cascades
        assert trees == (
            None if has is None else (has.count, has.depth, has.width, has.largest.records)
        )
    else:
        assert found.cascades is None


@pytest.mark.slow
@costly_law(7)
@given(
    st.integers(0, 10_000), st.sampled_from(INDICATORS),
    st.sampled_from([(*how, kinds) for how in HOW for kinds in INFLUENCES]),
)  # fmt: skip
def test_of_all_events_what_is_summed_in_memory_is_what_statements_sum_up(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    indicator: str,
    how: tuple[PanelChoice, int, tuple[Kind, ...]],
) -> None:
    panel, top, influence = how
    db = ingested(tmp_path_factory.mktemp("posts"), with_ways(seed, world(seed)))
    for count in {top, 2}:
        both = in_both_ways(
            db, indicator, panel, top=count, influence=influence, start=START, end=END
        )
        assert both[0] == both[1]


@pytest.mark.slow
def test_sums_in_memory_are_those_of_statements_for_all_events_of_a_small_store(db: Path) -> None:
    for indicator in INDICATORS[:2]:
        in_memory, by_statements = in_both_ways(db, indicator, "active", top=3)
        assert in_memory == by_statements
        assert isinstance(in_memory, PostsResult)
        assert in_memory.rest.records
        assert any(one.record.replies_received for one in in_memory.posts)


@pytest.mark.parametrize("what", ["written", "received"])
def test_a_store_with_other_records_than_its_summaries_say_is_called_damaged(
    db: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fewer(RecordSums):
        """Sums of a store whose summaries say that there is less."""

        def __post_init__(self) -> None:
            setattr(self, what, getattr(self, what) // 2)
            super().__post_init__()

    monkeypatch.setattr(everything, "_LARGE", -1)
    monkeypatch.setattr(everything, "RecordSums", Fewer)
    refused(ExitCode.STORE, "posts", "--topic", "all", "--db", db, says="other records than")


def in_both_ways(
    db: Path,
    indicator: str,
    panel: PanelChoice,
    *,
    top: int,
    influence: tuple[Kind, ...] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[PostsResult | str]:
    """Ask about all events, summed in memory and by statements; or why there is no answer."""
    found: list[PostsResult | str] = []
    for largest in (-1, 1 << 40):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(everything, "_LARGE", largest)
            query = PanelQuery(db, start=start, end=end, topic="all", influence=influence)
            try:
                question = Question((indicator,), panel=panel)
                found.append(posts_store(query, question, top=top))
            except NoAnswerError as error:
                found.append(str(error))
    return found


@pytest.mark.slow
def test_a_cascade_goes_by_the_reposts_that_led_to_reposts(tmp_path: Path) -> None:
    def by(who: str, second: int, via: str | None, of: str = "first") -> Event:
        made = repost(who, f"r{who}{of}", uri("p0", of), rev=second, time=at(second, days=3))
        if via is not None:
            made["commit"]["record"]["via"] = {"cid": "x", "uri": via}
        return made

    def of(who: str, post: str = "first") -> str:
        return uri(who, f"r{who}{post}", REPOST)

    events = [
        post("p0", "first", TOPIC, rev=1, time=at(1, days=3)),
        post("p0", "other", TOPIC, rev=2, time=at(2, days=3)),
        by("p1", 10, None),
        by("p2", 11, of("p1")),
        by("p3", 12, of("p2")),
        by("p4", 13, of("p3")),
        by("p5", 14, of("p1")),
        # Each of these is the other's: the later one came by the earlier one.
        by("p6", 20, of("p7")),
        by("p7", 21, of("p6")),
        by("p8", 22, of("p8")),  # by itself
        by("p9", 23, of("nobody")),
        by("q1", 24, of("p1", "other")),
        by("q2", 25, uri("p0", "first")),  # by a post
        by("p1", 30, None, "other"),
        by("p2", 31, of("p1"), "other"),  # by a repost of another post
    ]  # fmt: skip
    # The longest chain: p1, p2, p3, p4. One step from the post: p1, p6, p8, p9, q1, q2.
    for number, order in enumerate((events, events[::-1])):
        (tmp_path / str(number)).mkdir()
        found = asked(
            ingested(tmp_path / str(number), order), True, "lin", "active", top=1
        ).cascades
        assert found is not None
        assert (found.count, found.depth, found.width) == (2, 4, 6)
        assert (found.largest.records, found.largest.depth, found.largest.width) == (11, 4, 6)


@pytest.mark.slow
def test_the_largest_cascade_is_the_same_in_whatever_order_events_came(tmp_path: Path) -> None:
    events = world(7)
    found = []
    for name, order in (("one", events), ("other", events[::-1])):
        folder = tmp_path / name
        folder.mkdir()
        found.append(asked(ingested(folder, order), True, "heat", "active", top=5))
    assert found[0].cascades == found[1].cascades or (
        found[0].largest is not None
        and found[1].largest is not None
        and found[0].largest.record.uri == found[1].largest.record.uri
    )
    assert [one.record.uri for one in found[0].posts] == [one.record.uri for one in found[1].posts]


@pytest.fixture
def with_deleted(tmp_path: Path) -> tuple[Any, ...]:
    """Return options about a store in which more posts are deleted than are looked up at first.

    Each of them has three answers and a larger value than the one that stays, which has one.
    """
    gone = [f"gone{k}" for k in range(3 * SPARE + 1)]
    events = [
        post("a", "stays", TOPIC, rev=1, time=at(days=3)),
        *(post("a", key, TOPIC, rev=2 + k, time=at(days=3)) for k, key in enumerate(gone)),
        *(
            post(f"b{j}", f"r{k}", TOPIC, rev=20 + 3 * j + k, time=at(3 * j + k, days=4),
                 parent=uri("a", key))
            for j, key in enumerate(gone)
            for k in range(3)
        ),
        post("b0", "s", TOPIC, rev=80, time=at(days=5), parent=uri("a", "stays")),
        follow("b0", "f", "a", rev=81, time=at(days=3)),
        *(delete("a", POST, key, rev=90 + k, time=at(days=6)) for k, key in enumerate(gone)),
    ]  # fmt: skip
    db = ingested(tmp_path, events)
    return "--match", TOPIC, "--from", START.isoformat(), "--to", END.isoformat(), "--db", db


@pytest.mark.slow
def test_a_deleted_post_is_no_row_and_what_it_received_still_counts(
    with_deleted: tuple[Any, ...],
) -> None:
    options = with_deleted
    for command in (["posts", "--top", "1"], ["why", did("a")]):
        text = ok(*command, *options, "--format", "json").text
        assert uri("a", "gone") not in text
        made = json.loads(text)
        assert [one["uri"] for one in made["posts"]][:1] == [uri("a", "stays")]
        parts = [one["value"] for one in (*made["posts"], made["rest"], made["no_post"])]
        whole = made["total"] if command[0] == "posts" else made["value"]
        assert math.fsum(parts) == pytest.approx(whole, rel=1e-12)
        assert made["rest"]["records"] >= 1
        largest = made.get("shape", {}).get("largest", {"uri": None, "state": None, "records": 3})
        assert (largest["uri"], largest["state"], largest["records"]) == (None, None, 3)
    of_each = split(options[-1], True, "heat", most=1)[0].records
    assert of_each.filter(pl.col("did") == did("a"))["uri"].to_list() == [uri("a", "stays")]


@pytest.mark.slow
def test_a_report_names_no_deleted_post(with_deleted: tuple[Any, ...], tmp_path: Path) -> None:
    ok("report", *with_deleted, "--out", tmp_path / "out")
    (page,) = (tmp_path / "out").glob("*.html")
    assert uri("a", "stays") in page.read_text(encoding="utf-8")
    assert uri("a", "gone") not in page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("posts") / "store.duckdb")


def test_json_has_what_scripts_rely_on_and_adds_up_to_the_total_of_attribute(db: Path) -> None:
    words = ("--topic", "mythos", "--db", db, "--format", "json")
    found = ok("posts", *words, "--top", "4").json
    total = ok("attribute", *words).json["total"]
    assert found["total"] == pytest.approx(total, rel=1e-12)
    keys = {"did", "uri", "kind", "time", "text", "link", "value", "share", "replies_received",
            "reposts_received", "quotes_received"}  # fmt: skip
    assert len(found["posts"]) == 4
    assert all(keys <= post.keys() for post in found["posts"])
    sums: list[Any] = [
        [*(post["value"] for post in found["posts"]), found["rest"]["value"]],
        [hour["value"] for hour in found["hours"]],
        [day["value"] for day in found["days"]],
    ]
    for values in sums:
        assert math.fsum([*values, found["no_post"]["value"]]) == pytest.approx(total, rel=1e-12)
    assert max(hour["events"] for hour in found["hours"]) == found["shape"]["peak_events"]
    assert json.dumps(found["shape"])


def test_what_cannot_be_split_by_record_is_refused_in_words(db: Path) -> None:
    about = ("--topic", "mythos", "--db", db)
    refused(ExitCode.NO_ANSWER, "posts", *about, "--indicator", "hill", says="cannot be split")
    refused(ExitCode.NO_ANSWER, "posts", *about, "--indicator", "var", "--aggregator", "log",
            says="cannot be split")  # fmt: skip
    refused(ExitCode.USAGE, "posts", *about, "--indicator", "all", says="one indicator")
    refused(ExitCode.USAGE, "posts", *about, "--top", "-1", says="--top shows")


def test_no_post_is_shown_where_none_was_asked_for(db: Path) -> None:
    shown = ok("posts", "--topic", "mythos", "--db", db, "--top", "0")
    assert b"did:plc" not in shown.stdout
    assert b"other records" in shown.stdout


def test_what_c_does_not_count_is_none_and_no_column_of_zeros(db: Path) -> None:
    with blueattr.open(db) as store:
        result = store.posts("all", influence="replies,reposts", top=3)
    assert result.posts
    for one in result.posts:
        assert one.record.quotes_received is None
        assert one.record.replies_received is not None
    (table,) = posts_report(result).lists
    assert "quotes_received" not in {column.name for column in table.columns}
    assert "replies_received" in {column.name for column in table.columns}
