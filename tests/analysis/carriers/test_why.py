"""One account explained: everything adds up, is that of plain twins, and absence has a reason."""

import math
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import blueattr
from blueattr.analysis.by_day import days_of
from blueattr.analysis.carriers.why import details, why_given, why_store
from blueattr.attribution.attribute import attribute
from blueattr.attribution.question import Question
from blueattr.attribution.tiered import PanelChoice
from blueattr.errors import (
    ExitCode,
    NoAnswerError,
    UnknownAccountError,
    UsageError,
    ZeroTotalError,
)
from blueattr.indicators.base import Aggregator
from blueattr.panel.lookup import bare_name
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.store.database import Store
from blueattr.studies.carriers.why import Partners, WhyResult
from support.cli_world import ok, refused, write_store
from support.effort import costly_law
from support.events_builder import at, did, follow, identity, post, quoted_in
from support.places import ROOT
from support.record_world import END, START, TOPIC, Twin, author, ingested, split, world

INDICATORS = ("lin", "heat", "var", "gini")
MYTHOS = ("--topic", "mythos")
PANEL = {"agent": ["Ann", "bob", "cat", "dan"], "a": [3.0, 0.0, 1.0, 0.0],
         "b": [1.0, 4.0, 0.0, 2.0], "c": [2.0, 0.0, 1.0, 0.0]}  # fmt: skip
FEW = details(resamples=100)
RECORDS = ROOT / "sql" / "analysis" / "carriers" / "records"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("why") / "world.duckdb")


def asked(db: Path, about: bool, indicator: str, panel: PanelChoice, name: str) -> WhyResult:
    query = PanelQuery(db, start=START, end=END, match=(TOPIC,) if about else (),
                       topic=None if about else "all")  # fmt: skip
    return why_store(
        query, Question((indicator,), panel=panel), name, details(top=2, resamples=100)
    )


def partners_of(twin: Twin, who: str) -> tuple[Counter[str], Counter[str], int]:
    """Whom an account addressed, who did so to it, and what it wrote to nobody else."""
    to: Counter[str] = Counter()
    by: Counter[str] = Counter()
    alone = 0
    for address in twin.written:
        record = twin.known[address]["commit"]["record"]
        subject = record.get("reply", {}).get("parent") or record.get("subject")
        mine = author(address) == who
        other = None if subject is None else author(subject["uri"])
        quoted = quoted_in(record)
        if mine and other in {None, who} and quoted is not None:
            other = author(quoted)
        if mine and other in {None, who}:
            alone += 1
        elif mine:
            to[str(other)] += 1
        elif other == who:
            by[author(address)] += 1
        if not mine and quoted is not None and author(quoted) == who:
            by[author(address)] += 1
    return to, by, alone


def counted(partners: Partners | None, expected: Counter[str]) -> None:
    assert partners is not None
    assert partners.accounts == len(expected)
    assert partners.replies + partners.reposts + partners.quotes == expected.total()
    assert len(partners.shown) == min(2, len(expected))
    largest = sorted(expected.values(), reverse=True)[:2]
    assert [one.replies + one.reposts + one.quotes for one in partners.shown] == largest
    for one in partners.shown:
        assert one.replies + one.reposts + one.quotes == expected[one.did]


@pytest.mark.slow
@costly_law(9)
@given(
    st.integers(0, 10_000), st.booleans(), st.sampled_from(INDICATORS),
    st.sampled_from(["active", "involved"]),
)  # fmt: skip
def test_features_records_days_and_partners_each_add_up_to_the_value(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    about: bool,
    indicator: str,
    panel: PanelChoice,
) -> None:
    events = world(seed)
    db = ingested(tmp_path_factory.mktemp("why"), events)
    try:
        _, result, frame = split(db, about, indicator, panel)
    except NoAnswerError:
        with pytest.raises(NoAnswerError):
            asked(db, about, indicator, panel, did("p0"))
        return
    twin = Twin(events, about=about)
    values = dict(zip(result.agents["did"], result.agents["value"], strict=True))
    size = sum(map(abs, values.values()))
    for who in frame["did"].to_list()[seed % 2 :: 2]:
        if who not in values:
            with pytest.raises(NoAnswerError, match="was not involved"):
                asked(db, about, indicator, panel, who)
            continue
        made = asked(db, about, indicator, panel, who)

        def same(one: float, other: float) -> bool:
            return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12 * size)

        assert made.value == values[who]
        assert made.rank == 1 + sum(v > values[who] + 1e-12 * size for v in values.values())
        a, b, c = (part.value for part in made.by_feature)
        assert same(a + b + c, made.value)
        assert made.rest is not None
        shown = made.account.records
        assert len(shown) <= 2
        assert same(math.fsum(one.value for one in shown) + made.rest.value + b, made.value)
        assert same(math.fsum(day.value or 0.0 for day in made.days) + b, made.value)
        assert len(made.days) == (END - START).days
        to, by, alone = partners_of(twin, who)
        counted(made.addressed, to)
        counted(made.amplified, by)
        assert made.addressed is not None
        assert made.amplified is not None
        assert made.alone is not None
        assert made.alone.records == alone
        assert same((made.addressed.value or 0) + (made.alone.value or 0), a)
        assert same(made.amplified.value or 0.0, c)
        assert sum(day.written for day in made.days) == to.total() + alone
        assert sum(day.received for day in made.days) == by.total()
        parts = [part.part for part in made.by_feature]
        if made.value:
            assert sum(part or 0.0 for part in parts) == pytest.approx(1)
        else:
            assert parts == [None] * 3


@pytest.mark.slow
@pytest.mark.parametrize("indicator", ["heat", "gini", "lin", "var", "hill"])
def test_without_it_is_the_indicator_of_that_panel(db: Path, indicator: str) -> None:
    """Silent: a panel on which it did nothing. Absent: a panel that it is not on."""
    frame = blueattr.open(db).features("mythos")
    for who in frame["did"].to_list()[:2]:
        made = blueattr.open(db).why(who, "mythos", indicator, resamples=100)
        others = frame.filter(pl.col("did") != who)
        nothing = frame.with_columns(
            pl.when(pl.col("did") == who).then(0.0).otherwise(pl.col(x)).alias(x) for x in "abc"
        )
        without_work, whole = attribute(nothing, indicator), attribute(frame, indicator)
        silent, absent = without_work.total, attribute(others, indicator).total
        if indicator == "gini":  # the mean that it is divided by is that of the whole panel
            silent *= sum(without_work.means) / sum(whole.means)
        assert made.without.silent == pytest.approx(silent, rel=1e-9)
        assert made.without.absent == pytest.approx(absent, rel=1e-9)
        assert made.total == pytest.approx(whole.total, rel=1e-12)


@pytest.mark.slow
def test_the_interval_of_a_rank_is_that_of_attributing_every_resample_to_everyone(db: Path) -> None:
    with Store.open(db) as store:
        view = StoreView.of(store, PanelQuery(db, topic="mythos"))
        daily = days_of(view, view.agent_days(view.topic()))
        dids = view.built.agents["did"].to_list()
    draws = np.random.default_rng(np.random.SeedSequence(4)).multinomial(
        14, np.full(14, 1 / 14), size=100
    )
    often = [dict(zip(daily.days, times, strict=True)) for times in draws.tolist()]
    wanted = dids[20:60:13]
    ranks: dict[str, list[int]] = {who: [] for who in wanted}
    for times in often:
        sums: Counter[tuple[str, str]] = Counter()
        for agent, day, *counts in daily.counts.iter_rows():
            who = dids[agent]
            for x, count in zip("abc", counts, strict=True):
                sums[who, x] += times[day] * count
        frame = {"did": dids, **{x: [math.log1p(sums[who, x]) for who in dids] for x in "abc"}}
        try:
            agents = attribute(frame, "heat").agents
        except ZeroTotalError:
            continue
        values = dict(zip(agents["did"], agents["value"], strict=True))
        margin = 1e-12 * max(values.values())
        for who in wanted:
            ranks[who].append(1 + sum(v > values[who] + margin for v in values.values()))
    assert 50 < len(ranks[wanted[0]]) < 100
    for who in wanted:
        made = blueattr.open(db).why(who, "mythos", resamples=100, seed=4)
        low, high = np.quantile(ranks[who], [0.025, 0.975], method="inverted_cdf")
        assert (made.account.rank_low, made.account.rank_high) == (low, high)
        assert made.intervals.undefined_resamples == 100 - len(ranks[who])


def test_each_record_is_of_one_partner_and_posts_that_quote_are_of_whom_they_quote() -> None:
    records = [
        ("post", "plain", None, None), ("post", "quote", None, "b"), ("post", "itself", None, "a"),
        ("post", "thread", "a", "b"), ("post", "answer", "b", "c"), ("repost", "r", "c", None),
    ]  # fmt: skip
    ids: dict[str | None, int | None] = {"a": 1, "b": 2, "c": 3, None: None}
    rows = [(kind, key, 1, ids[to], ids[quoted]) for kind, key, to, quoted in records]
    found = {}
    for influence in (["replies", "reposts", "quotes"], ["replies", "reposts"]):
        with duckdb.connect() as base:
            base.execute(
                "CREATE TABLE account AS SELECT unnest([1, 2, 3])::UINTEGER AS id, "
                "unnest(['did:a', 'did:b', 'did:c']) AS did"
            )
            base.execute("CREATE TABLE named AS SELECT 1::UINTEGER AS account, 'did:a' AS did")
            base.execute(
                "CREATE TYPE collection AS ENUM ('post', 'repost'); "
                "CREATE TABLE counted_record (collection collection, rkey VARCHAR, "
                "account UINTEGER, subject UINTEGER, quoted UINTEGER, quoted_rkey VARCHAR, "
                "subject_rkey VARCHAR, event_time TIMESTAMP)"
            )
            base.executemany(
                "INSERT INTO counted_record SELECT ?, ?, ?, ?, ?, 'x', 'x', TIMESTAMP '2026-05-01'",
                rows,
            )
            base.execute((RECORDS / "halves.sql").read_text())
            partners = base.execute(
                (RECORDS / "partners.sql").read_text(), {"influence": influence}
            ).fetchall()
        own = {did: tuple(counts[:4]) for is_own, _, did, *counts in partners if is_own}
        assert sum(map(sum, own.values())) == len(records)
        found[len(influence)] = own
    assert found[3] == {
        None: (2, 0, 0, 0), "did:b": (0, 1, 0, 2), "did:c": (0, 0, 1, 0),
    }  # fmt: skip
    assert found[2] == {
        None: (3, 0, 0, 0), "did:a": (0, 1, 0, 0), "did:b": (0, 1, 0, 0), "did:c": (0, 0, 1, 0),
    }  # fmt: skip


# --- who is meant ---------------------------------------------------------------------------------


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "name",
    ["user3.bsky.social", "@user3.bsky.social", "USER3.BSKY.Social", "did:plc:agent003",
     "at://did:plc:agent003", "https://bsky.app/profile/user3.bsky.social/",
     "https://bsky.app/profile/did:plc:agent003", "  @User3.bsky.social "],
)  # fmt: skip
def test_an_account_is_found_by_however_people_write_it(db: Path, name: str) -> None:
    made = ok("why", name, *MYTHOS, "--db", db, "--resamples", 100, "--format", "json").json
    assert (made["did"], made["handle"]) == ("did:plc:agent003", "user3.bsky.social")


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("user7.bsky.social", "it is deleted, taken down or suspended at the window's end"),
        ("did:plc:agent007", "it is deleted, taken down or suspended at the window's end"),
        ("weather-bot-60.bsky.social", "the filter “bot handle: bot-word” removes it; --keep-bots"),
        ("user8.bsky.social", "the filter “created inside the window” removes it"),
        ("user33.bsky.socail", "user33.bsky.socail; did you mean user33.bsky.social?"),
        ("did:plc:nobody", "the store knows no account did:plc:nobody; see what the store has"),
    ],
)  # fmt: skip
def test_an_account_that_is_not_on_the_panel_has_a_reason(db: Path, name: str, says: str) -> None:
    refused(ExitCode.NO_ANSWER, "why", name, *MYTHOS, "--db", db, says=says)


def test_a_bot_that_is_kept_is_explained(db: Path) -> None:
    name = "weather-bot-60.bsky.social"
    made = ok("why", name, *MYTHOS, "--keep-bots", "--db", db, "--format", "json").json
    assert made["did"] == "did:plc:agent060"


def test_who_did_nothing_in_the_window_is_told_so(db: Path) -> None:
    says = "it wrote, reposted and followed nothing in 15 May 2026"
    few = ["--from", "2026-05-15", "--to", "2026-05-16"]
    refused(ExitCode.NO_ANSWER, "why", "user6.bsky.social", "--topic", "all", *few, "--db", db,
            says=says)  # fmt: skip


def test_who_has_no_follower_count_is_told_so(db: Path) -> None:
    refused(ExitCode.NO_ANSWER, "why", "user3.bsky.social", *MYTHOS, "--db", db,
            "--popularity", "followers", says="follower counts are unknown")  # fmt: skip


@pytest.mark.parametrize("name", ["", "  ", "@", "at://"])
def test_an_empty_name_is_refused_before_the_store_is_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="whose value"):
        bare_name(name)
    refused(ExitCode.USAGE, "why", name, *MYTHOS, "--db", tmp_path / "none", says="whose value")


@pytest.mark.slow
def test_of_two_accounts_with_one_handle_the_one_that_has_it_now_is_meant(tmp_path: Path) -> None:
    def one(who: str, handle: str, day: float) -> list[Any]:
        text = f"{TOPIC} {who}"
        return [identity(who, handle, time=at(days=day)),
                post(who, who, text, rev=int(day * 100) + ord(who), time=at(days=day))]  # fmt: skip

    events = [*one("a", "x.test", 3), *one("b", "y.test", 4), *one("c", "x.test", 5)]
    db = ingested(tmp_path, events)
    query = PanelQuery(db, start=START, end=END, topic="all")
    with pytest.raises(UnknownAccountError, match=r"2 accounts have the handle x\.test.*did:plc:a"):
        why_store(query, Question(("lin",)), "x.test", FEW)
    moved = [*events, identity("a", "z.test", time=at(days=6))]
    later = ingested_again(tmp_path / "later", moved)
    query = PanelQuery(later, start=START, end=END, topic="all")
    assert why_store(query, Question(("lin",)), "X.test", FEW).account.did == "did:plc:c"
    assert why_store(query, Question(("lin",)), "z.test", FEW).account.did == "did:plc:a"


def ingested_again(folder: Path, events: list[Any]) -> Path:
    folder.mkdir()
    return ingested(folder, sorted(events, key=lambda event: event["time_us"]))


# --- what is said ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_json_has_the_value_and_its_parts_where_scripts_look_for_them(db: Path) -> None:
    asked = ["why", "user1.bsky.social", *MYTHOS, "--db", db, "--resamples", 200, "--seed", 3,
             "--top", 3]  # fmt: skip
    made = ok(*asked, "--choices", "--format", "json").json
    assert (made["schema_version"], made["kind"]) == (1, "why")
    parts = made["by_feature"]
    assert parts["kind"] == "exact"
    assert sum(parts[x] for x in "abc") == pytest.approx(made["value"], rel=1e-12)
    by_name = {
        one["did"]: one for one in
        ok("attribute", *MYTHOS, "--db", db, "--top", 60, "--format", "json").json["leaders"]
    }  # fmt: skip
    same = by_name[made["did"]]
    assert [made[x] for x in ("value", "share", "a", "b", "c", "tier")] == [
        same[x] for x in ("value", "share", "a", "b", "c", "tier")
    ]
    assert made["counts"]["written"] == same["written"]
    choices = {(one["choice"], one["setting"]): one["rank"] for one in made["choices"]}
    assert choices["default", ""] == made["rank"]
    assert {"scale", "panel", "bots"} <= {choice for choice, _ in choices}
    assert ok(*asked, "--format", "json").json["choices"] == []
    assert len(made["posts"]) == 3
    assert sum(one["value"] for one in made["posts"]) + made["rest"]["value"] + made["no_post"][
        "value"
    ] == pytest.approx(made["value"])
    rows = pl.read_csv(ok(*asked, "--format", "csv").stdout)
    assert rows["feature"].to_list() == ["a", "b", "c", "value"]
    assert rows["feature_value"].to_list() == [*(parts[x] for x in "abc"), made["value"]]


def test_a_short_window_has_no_interval_and_says_so(db: Path) -> None:
    asked = ["why", "user1.bsky.social", *MYTHOS, "--db", db, "--window", "3d", "--indicator",
             "lin"]  # fmt: skip
    why = "only 3 days of the window were seen, and an interval needs 7"
    made = ok(*asked, "--format", "json").json
    assert (made["rank_low"], made["intervals"]["why"]) == (None, why)
    assert f"Its rank has no interval: {why}." in ok(*asked).text
    assert len(made["days"]) == 3


@pytest.mark.slow
def test_who_had_no_part_carries_by_popularity_alone_and_only_on_the_active_panel(
    tmp_path: Path,
) -> None:
    events = [
        post("a", "one", TOPIC, rev=1, time=at(days=3)),
        follow("a", "f", "b", rev=2, time=at(1, days=3)),
        post("b", "two", "lunch", rev=3, time=at(2, days=3)),
    ]
    db = ingested(tmp_path, events)
    query = PanelQuery(db, start=START, end=END, match=(TOPIC,), topic=None)
    made = why_store(query, Question(("lin",)), did("b"), FEW)
    assert not made.is_involved
    assert [part.part for part in made.by_feature] == [0.0, 1.0, 0.0]
    assert "It was not involved: it wrote nothing of the topic" in str(made)
    two = replace(query, influence=("replies", "reposts"))
    text = " ".join(str(why_store(two, Question(("lin",)), did("b"), FEW)).split())
    assert "wrote nothing of the topic, and was not answered or reposted on it. What it" in text
    with pytest.raises(NoAnswerError, match="--panel active"):
        why_store(query, Question(("lin",), panel="involved"), did("b"), FEW)


def test_of_who_does_nothing_in_a_file_nothing_is_said_of_topics_and_posts() -> None:
    panel = {"agent": ["x", "y"], "a": [1.0, 0.0], "b": [1.0, 1.0], "c": [1.0, 0.0]}
    text = str(blueattr.why(panel, "y"))
    assert "It was not involved: its a and c are 0. What it carries, it carries through b" in text
    with pytest.raises(NoAnswerError, match=r"y was not involved: its a and c are 0\. What"):
        blueattr.why(panel, "y", panel="involved")


def test_parts_of_a_negative_value_are_parts_of_it(db: Path) -> None:
    agents = blueattr.open(db).attribute("mythos", "var").agents
    who = agents.filter(pl.col("value") < 0)["did"][0]
    made = blueattr.open(db).why(who, "mythos", "var", resamples=100)
    assert made.value < 0
    assert sum(part.part or 0.0 for part in made.by_feature) == pytest.approx(1)
    assert all((part.part or 0.0) >= 0 for part in made.by_feature)
    assert "\u2212" in str(made).splitlines()[1]


def test_gini_says_that_its_parts_are_a_convention(db: Path) -> None:
    text = ok("why", "user1.bsky.social", *MYTHOS, "--db", db, "--indicator", "gini").text
    assert "(by convention)" in text
    assert "that each is what it is, is a convention" in text


def test_an_own_indicator_has_everything_but_parts(db: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine.py"
    source.write_text(
        "import numpy as np\n"
        "names = ['a', 'c']\n"
        "def statistics(a, b, c):\n"
        "    return np.stack([a, c], axis=1)\n"
        "def value(means):\n"
        "    return means[0] * means[1] + means[1]\n"
    )
    asked = ["why", "user1.bsky.social", *MYTHOS, "--db", db, "--indicator", source,
             "--resamples", 100]  # fmt: skip
    made = ok(*asked, "--format", "json").json
    assert made["by_feature"]["a"] is None
    assert made["by_feature"]["kind"] is None
    assert made["by_feature"]["why"] == made["no_record"] == "mine is no sum of parts of a, b and c"
    assert (made["posts"], made["rest"], made["no_post"]) == ([], None, None)
    assert 1 <= made["rank_low"] <= made["rank"]
    assert made["without_silent"] < made["total"]
    assert sum(day["written"] for day in made["days"]) == made["counts"]["written"]
    assert {day["part"] for day in made["days"]} == {None}
    assert made["amplified_by"]["accounts"] > 0
    text = ok(*asked).text
    assert "Its value is not split by feature" in text
    assert "What each day carries of it" in text


# --- panels of one's own --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Ann", "@Ann", "ann", " ANN "])
def test_an_agent_of_a_file_has_what_features_alone_say(name: str, tmp_path: Path) -> None:
    panel = tmp_path / "panel.csv"
    pl.DataFrame(PANEL).write_csv(panel)
    made = ok("why", name, "--features", panel, "--choices", "--format", "json").json
    assert made["did"] == "Ann"
    assert sum(made["by_feature"][x] for x in "abc") == pytest.approx(made["value"])
    assert made["rank"] == 1
    assert made["intervals"]["why"] == "there are no days to resample"
    assert made["no_record"] == "features from a file have no records, days and partners"
    assert (made["posts"], made["days"], made["replied_to"], made["counts"]) == ([], [], None, None)
    assert made["choices"][0]["rank"] == 1
    text = ok("why", name, "--features", panel).text
    assert "Its rank has no interval: there are no days to resample." in text


def test_an_agent_that_a_file_has_not_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownAccountError, match="no agent bop; did you mean bob"):
        blueattr.why(PANEL, "bop")
    with pytest.raises(UnknownAccountError, match="it has 4 agents, such as Ann"):
        blueattr.why(PANEL, "zzz")
    assert blueattr.why(PANEL, "bob").account.did == "bob"


def test_who_did_nothing_has_a_value_of_0_and_no_parts_of_it() -> None:
    panel = {**PANEL, "b": [1.0, 4.0, 0.0, 0.0]}
    made = blueattr.why(panel, "dan")
    assert made.value == 0
    assert [part.part for part in made.by_feature] == [None] * 3
    assert "Its value is 0, and so are its parts." in str(made)
    assert made.without.silent == pytest.approx(made.total)
    alone = blueattr.why(pl.DataFrame(PANEL).head(1), "Ann")
    assert (alone.without.silent, alone.without.absent) == (0, None)
    assert "on the panel without it, there is no answer" in " ".join(str(alone).split())


def test_aggregators_without_a_split_say_so() -> None:
    question = Question(("lin",), aggregator=Aggregator("log"))
    made = why_given(PANEL, question, "Ann", FEW)
    assert made.by_feature == ()
    assert "with the aggregator log" in str(made)


def test_several_indicators_at_once_are_refused(db: Path) -> None:
    refused(ExitCode.USAGE, "why", "user1.bsky.social", *MYTHOS, "--db", db, "--indicator", "all",
            says="why explains one indicator; name it with --indicator")  # fmt: skip
    refused(ExitCode.USAGE, "why", "user1.bsky.social", *MYTHOS, "--db", db, "--top", -1,
            says="--top shows 0 to 100,000")  # fmt: skip
    refused(ExitCode.USAGE, "why", "x", "--features", "f.csv", *MYTHOS, says="--topic is about")


def test_days_of_a_window_that_ends_within_one_are_all_there(db: Path) -> None:
    """The last day counts, and a day that the window does not reach does not."""
    query = PanelQuery(db, topic="mythos", length=timedelta(hours=60), whole_days=False)
    made = why_store(query, Question(("lin",)), "user1.bsky.social", FEW)
    window = made.provenance.window
    assert window is not None
    assert made.days[0].day == window.start.date()
    assert made.days[-1].day == window.end.date()
