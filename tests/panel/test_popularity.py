"""What an AppView said of agents: times of creation in the panel, follower counts as popularity."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.analysis import features
from blueattr.analysis.attribute import shares_by_day
from blueattr.analysis.panel import make_panel
from blueattr.attribution.attribute import attribute
from blueattr.attribution.inputs import Panel
from blueattr.attribution.question import Question
from blueattr.attribution.tiers import assign_tiers
from blueattr.errors import EmptyPanelError, NoAnswerError
from blueattr.ingest import read
from blueattr.panel import filters
from blueattr.panel.query import PanelQuery
from blueattr.provenance import PanelStep, Window
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from support.cli_world import COMMANDS, Run, ok, run, write_store
from support.effort import law
from support.events_builder import (
    Event,
    account,
    at,
    did,
    follow,
    identity,
    lines,
    plc,
    plc_did,
    plc_name,
    post,
    profile,
    uri,
)

START, END = at(0), at(days=14)
WINDOW = Window(START, END)
NEW = "created inside the window"
ASKED = datetime(2026, 6, 1, 12, tzinfo=UTC)
INSIDE, BEFORE = at(days=3), at(days=-100)


def ingest(db: Path, events: list[Event], kind: str = "file") -> Path:
    path = db.with_suffix(f".{kind}")
    path.write_bytes(lines(*events))
    done = read.ingest(db, [str(path)], kind=kind)
    assert done.failures == ()
    return db


def say(
    db: Path,
    said: dict[str, tuple[int | None, datetime | None] | None],
    when: datetime = ASKED,
) -> Path:
    """Let an AppView have said followers and creation of accounts by DID; None: not known to it."""
    with Store.open(db) as store:
        numbers = dict(store.frame("ingest/accounts").select("did", "account").iter_rows())
    rows = [
        {
            "account": numbers[who],
            "did": who,
            "asked_at": when.replace(tzinfo=None),
            "found": told is not None,
            "followers": told and told[0],
            "created_at": told and told[1] and told[1].replace(tzinfo=None),
        }
        for who, told in said.items()
    ]
    times = {k: pl.Datetime("us") for k in ("asked_at", "created_at")}
    with Writer(db) as writer:
        writer.hydrate(pl.DataFrame(rows, schema_overrides={**times, "followers": pl.Int64}))
    return db


def step(steps: tuple[PanelStep, ...], name: str) -> PanelStep:
    (found,) = [s for s in steps if s.filter == name]
    return found


# --- creation ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_creation_is_by_directory_then_appview_then_profile(tmp_path: Path) -> None:
    """Each of three sources says inside, before or nothing: the first that says anything counts."""
    says = {"i": INSIDE, "b": BEFORE, "n": None}
    names = [a + b + c for a in says for b in says for c in "in"]
    events = [post(plc_name(name), "x", rev=1, time=at(days=5)) for name in names]
    events += [profile(plc_name(n), rev=1, time=INSIDE) for n in names if n[2] == "i"]
    db = ingest(tmp_path / "store.duckdb", events)
    directory = [plc(n, when) for n in names if (when := says[n[0]])]
    ingest(db, directory, "plc")
    say(db, {plc_did(n): (1, when) for n in names if (when := says[n[1]])})
    with Store.open(db) as store:
        built = filters.build(store, WINDOW)
        asked = filters.candidates(store, WINDOW)
    deciding = {name: name.replace("n", "")[:1] for name in names}
    kept = sorted(plc_did(n) for n in names if deciding[n] != "i")
    assert built.agents["did"].to_list() == kept
    assert step(built.steps, NEW).note == (
        "creation time from the PLC directory for 12, from the AppView for 4, from profiles seen "
        "for 1, unknown for 1, who are kept"
    )
    # Nothing that an AppView could say would bring in whom the directory keeps out; all others may
    # be brought in, or kept out.
    assert asked["did"].to_list() == sorted(plc_did(n) for n in names if n[0] != "i")


@pytest.mark.slow
def test_an_appview_may_bring_somebody_back_and_keep_somebody_out(tmp_path: Path) -> None:
    events = [post(w, "x", rev=1, time=at(days=5)) for w in ("ann", "bea", "cyd")]
    events.append(profile("ann", rev=2, time=INSIDE))
    db = ingest(tmp_path / "store.duckdb", events)
    query = PanelQuery(db, start=START, end=END)
    assert make_panel(query).agents["did"].to_list() == [did("bea"), did("cyd")]
    say(db, {did("ann"): (1, BEFORE), did("bea"): (1, INSIDE), did("cyd"): None})
    assert make_panel(query).agents["did"].to_list() == [did("ann"), did("cyd")]


def test_candidates_pass_the_other_filters(tmp_path: Path) -> None:
    events = [post(w, "x", rev=1, time=at(days=5)) for w in ("ann", "gone", "bot", "label")]
    events += [
        account("gone", "deleted", time=at(days=6)),
        identity("bot", "my-bot.example.org", time=at(1)),
        profile("label", rev=2, time=at(days=-9), bot=True),
        post("early", "x", rev=1, time=at(days=-1)),
        follow("ann", "f", "silent", rev=3, time=at(1)),
    ]
    db = ingest(tmp_path / "store.duckdb", events)
    with Store.open(db) as store:
        assert filters.candidates(store, WINDOW)["did"].to_list() == [did("ann")]
        every = filters.candidates(store, WINDOW, keep_bots=True)["did"].to_list()
        assert every == [did("ann"), did("bot"), did("label")]
        assert store.frame("ingest/accounts")["did"].to_list() == sorted(
            did(w) for w in ("ann", "bot", "early", "gone", "label", "silent")
        )


# --- popularity ----------------------------------------------------------------------------------

PEOPLE = ("ann", "bea", "cyd", "dot")


@pytest.fixture(scope="module")
def unasked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of which no AppView said anything."""
    mine = uri("ann", "p")
    events = [post(who, "p", rev=k, time=at(k)) for k, who in enumerate(PEOPLE)]
    events += [post(w, "r", rev=9, time=at(days=1), parent=mine) for w in ("bea", "cyd")]
    # ann is followed most in the window, dot least.
    for k, who in enumerate(PEOPLE):
        events += [
            follow(other, f"f{k}", who, rev=20 + k, time=at(20 + k)) for other in PEOPLE[k + 1 :]
        ]
    return ingest(tmp_path_factory.mktemp("network") / "store.duckdb", events)


@pytest.fixture
def network(unasked: Path, tmp_path: Path) -> Path:
    return copied(unasked, tmp_path / "store.duckdb")


def copied(db: Path, to: Path) -> Path:
    to.write_bytes(db.read_bytes())
    return to


FOLLOWERS = {did("ann"): 5, did("bea"): 0, did("cyd"): 800, did("dot"): 90_000}


def follower_query(db: Path, missing: filters.MissingFollowers = "error") -> PanelQuery:
    return PanelQuery(db, start=START, end=END, popularity="followers", missing_followers=missing)


@pytest.mark.slow
def test_b_is_follower_counts_only_where_asked_to(network: Path) -> None:
    plain = PanelQuery(network, start=START, end=END)
    before, origin = features.make_features(plain)
    say(network, {who: (n, None) for who, n in FOLLOWERS.items()})
    after, same = features.make_features(plain)
    assert after.equals(before)
    assert same == origin
    assert origin.popularity == "follows received in the window"
    frame, origin = features.make_features(follower_query(network))
    assert frame["followers"].to_list() == list(FOLLOWERS.values())
    assert frame["b"].to_list() == [math.log1p(n) for n in FOLLOWERS.values()]
    untouched = ["did", "a", "c", "activity", "follows_received", "posts", "replies"]
    assert frame.select(untouched).equals(before.select(untouched))
    assert frame.schema == before.schema
    assert origin.popularity == "follower counts of 2026-06-01"
    assert origin.notes == (
        "Follower counts, which also set the tiers, date from when the AppView was asked.",
    )
    raw, _ = features.make_features(
        PanelQuery(network, start=START, end=END, popularity="followers", scale="raw")
    )
    assert raw["b"].to_list() == list(FOLLOWERS.values())


@pytest.mark.slow
def test_tiers_and_visibility_go_by_follower_counts(network: Path) -> None:
    say(network, {who: (n, None) for who, n in FOLLOWERS.items()})
    received, _ = features.make_features(PanelQuery(network, start=START, end=END))
    counted, _ = features.make_features(follower_query(network))
    for frame, top in ((received, "ann"), (counted, "dot")):
        made = Panel.of(frame)
        tiers = assign_tiers(made.order, (25.0, 50.0))
        assert made.dids.filter(pl.Series(tiers) == 0).to_list() == [did(top)]
        assert made.followers.tolist() == frame["followers"].to_list()
        best = attribute(frame, "lin", cutoffs=(25.0, 50.0)).agents
        assert best.filter(pl.col("tier") == "top")["did"].to_list() == [did(top)]


def test_an_unknown_count_is_an_error_that_says_what_to_do(network: Path) -> None:
    with pytest.raises(NoAnswerError) as caught:
        features.make_features(follower_query(network))
    assert str(caught.value) == (
        "follower counts are unknown for 4 of 4 agents: 4 were never asked about; get them with: "
        "blueattr hydrate --only panel --from 2026-05-01T00:00:00Z --to 2026-05-15T00:00:00Z; or "
        "say what to do with them: --missing-followers drop, or received"
    )
    say(network, {did("ann"): (5, None), did("bea"): None, did("cyd"): (None, BEFORE)})
    with pytest.raises(NoAnswerError, match="unknown for 3 of 4 agents: 1 were never asked about, "
                       "for 2 the AppView gave none; get them with"):  # fmt: skip
        features.make_features(follower_query(network))
    say(network, {did("dot"): None})
    with pytest.raises(NoAnswerError, match="for 3 the AppView gave none; say what to do"):
        features.make_features(follower_query(network))


def test_agents_without_a_count_are_dropped_as_a_step(network: Path) -> None:
    with pytest.raises(EmptyPanelError, match="no follower count is known for any of 4 agents"):
        features.make_features(follower_query(network, "drop"))
    say(network, {did("ann"): (5, None), did("bea"): None, did("cyd"): (800, None)})
    frame, origin = features.make_features(follower_query(network, "drop"))
    assert frame.select("did", "followers").rows() == [(did("ann"), 5), (did("cyd"), 800)]
    assert origin.panel[-1] == PanelStep("follower count unknown", 4, 2, 2)
    # What the others did to those who stay still counts.
    assert frame["c"].to_list() == [math.log1p(2), 0]
    assert origin.popularity == "follower counts of 2026-06-01"


def test_follows_received_stand_in_where_told_to(network: Path) -> None:
    query = follower_query(network, "received")
    frame, origin = features.make_features(query)
    assert frame["followers"].to_list() == [3, 2, 1, 0]
    known = "because no follower count is known"
    assert origin.popularity == f"follows received in the window, {known}"
    say(network, {did("ann"): (5, None), did("bea"): None})
    say(network, {did("cyd"): (800, None)}, when=ASKED + timedelta(days=2))
    frame, origin = features.make_features(query)
    assert frame["followers"].to_list() == [5, 2, 800, 0]
    assert origin.popularity == (
        "follower counts of 2026-06-01 to 2026-06-03; for 2 agents whose count is unknown, follows "
        "received in the window"
    )


counts = st.none() | st.integers(0, 10**9)


@pytest.mark.slow
@law(6, suppress=[HealthCheck.function_scoped_fixture])
@given(st.tuples(counts, counts, counts, counts), st.integers(0, 10**6))
def test_the_three_ways_agree_where_they_should(
    network: Path, said: tuple[int | None, ...], second: int
) -> None:
    db = copied(network, network.with_name("copy.duckdb"))
    when = ASKED + timedelta(seconds=second)
    say(db, {did(w): (n, None) for w, n in zip(PEOPLE, said, strict=True)}, when)
    known = {did(w): n for w, n in zip(PEOPLE, said, strict=True) if n is not None}
    received, _ = features.make_features(follower_query(db, "received"))
    for row in received.to_dicts():
        assert row["followers"] == known.get(row["did"], row["follows_received"])
        assert row["b"] == math.log1p(row["followers"])
    if known:
        dropped, _ = features.make_features(follower_query(db, "drop"))
        assert dropped.equals(received.filter(pl.col("did").is_in(list(known))))
    if len(known) == len(PEOPLE):
        every, _ = features.make_features(follower_query(db))
        assert every.equals(received)
    else:
        with pytest.raises(NoAnswerError, match=f"for {4 - len(known)} of 4 agents"):
            features.make_features(follower_query(db))


# --- the commands --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network of the command line's tests; who is followed least has the most followers."""
    db = write_store(tmp_path_factory.mktemp("world") / "store.duckdb")
    with Store.open(db) as store:
        everyone = store.frame("ingest/accounts")["did"].to_list()
    return say(db, {who: (1000 * k, BEFORE) for k, who in enumerate(everyone)})


@pytest.fixture
def world(asked: Path, tmp_path: Path) -> Path:
    return copied(asked, tmp_path / "store.duckdb")


def answer(*options: object) -> Run:
    return ok("attribute", "--match", "mythos", *options, "--format", "json")


@pytest.mark.slow
def test_reports_say_which_popularity_they_used(world: Path) -> None:
    plain = answer("--db", world).json
    counted = answer("--db", world, "--popularity", "followers").json
    assert plain["popularity"] == "follows received in the window"
    assert counted["popularity"] == "follower counts of 2026-06-01"
    assert counted["means"] != plain["means"]
    assert counted["n_agents"] == plain["n_agents"]
    text = ok("attribute", "--match", "mythos", "--db", world, "--popularity", "followers",
              "--verbose").text  # fmt: skip
    assert "follower counts of 2026-06-01" in text
    assert "stand-in" not in text


@pytest.mark.slow
def test_every_command_that_asks_for_a_panel_takes_the_choice(network: Path) -> None:
    asking = [name for name, c in COMMANDS.items() if "--max-rate" in opts(c) and name != "hydrate"]
    assert len(asking) >= 8
    assert [name for name in asking if "--missing-followers" not in opts(COMMANDS[name])] == []
    for name in asking:
        given = ["--db", network, "--popularity", "followers"]
        given += ["--topic", "all"] * ("--topic" in opts(COMMANDS[name]))
        given += ["--out", network.with_suffix(".csv")] * (name == "features")
        if name == "change":
            days = [f"{START + timedelta(days=day):%Y-%m-%d}" for day in (0, 6, 7, 13)]
            given += ["--before", "..".join(days[:2]), "--after", "..".join(days[2:])]
        given += [did("ann")] * (name == "why")
        if name == "deposit":
            given += ["--license", "CC0-1.0", "--out", network.with_suffix(".deposit")]
        if name == "watch":  # which says so in each line, as counts may come
            done = run(name, *given, "--replay", "1000000x", "--format", "jsonl")
            assert (done.code, done.stderr) == (0, "")
            said = json.loads(done.stdout.splitlines()[-1])["undefined"]
            assert "follower counts are unknown for" in said
            continue
        done = run(name, *given)
        assert (name, done.code) == (name, 4)
        assert "follower counts are unknown for 4 of 4 agents" in done.stderr


def opts(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def test_every_day_has_the_same_follower_counts(network: Path) -> None:
    say(network, {who: (n, None) for who, n in FOLLOWERS.items()})
    query = PanelQuery(network, start=START, end=END, scale="raw", popularity="followers")
    (shares,) = shares_by_day(query, Question(indicators=("lin",)))
    # Nothing was said after the second day; b is still there.
    assert len(shares.days) == 14
    for day in shares.days[2:]:
        assert day.participants == 0
        assert day.total == pytest.approx(sum(FOLLOWERS.values()) / 3 / 4)


def without_followers(db: Path, which: str) -> None:
    """Take follower counts out of a store, past its sums, which the next writer takes anew."""
    with Writer(db) as writer, writer._attached():
        writer._connection.execute(
            f"UPDATE hydration SET followers = NULL WHERE {which}"  # noqa: S608 - of ours
        )
        writer._connection.execute("DELETE FROM row_hash")


def test_the_panel_and_the_features_can_be_written(world: Path, tmp_path: Path) -> None:
    with Store.open(world) as store:
        someone = store.frame("ingest/accounts")["did"][0]
    db = world
    without_followers(db, f"account = (SELECT id FROM account WHERE did = '{someone}')")  # noqa: S608
    options = ["--db", db, "--popularity", "followers"]
    refused = run("features", "--out", tmp_path / "f.csv", *options)
    assert (refused.code, "unknown for 1 of" in refused.stderr) == (4, True)
    options += ["--missing-followers", "drop"]
    ok("features", "--out", tmp_path / "f.csv", *options)
    assert someone not in pl.read_csv(tmp_path / "f.csv")["did"]
    report = ok("panel", *options, "--format", "json").json
    assert report["panel"][-1]["filter"] == "follower count unknown"
    assert report["panel"][-1]["removed"] == 1


def test_options_that_would_change_nothing_are_refused(world: Path, tmp_path: Path) -> None:
    done = run("attribute", "--match", "x", "--db", world, "--missing-followers", "drop")
    assert (done.code, "would change nothing" in done.stderr) == (2, True)
    path = tmp_path / "f.csv"
    path.write_text("did,a,b,c\nx,1,2,1\ny,1,1,1\n")
    done = run("attribute", "--features", path, "--popularity", "followers")
    assert (done.code, "--popularity is about a store" in done.stderr) == (2, True)


def sensitivity(db: Path, *options: object) -> dict[str, dict[str, object]]:
    found = ok("sensitivity", "--match", "mythos", "--db", db, "--size", 10, "--seeds", 2,
               "--indicator", "lin", *options, "--format", "json").json  # fmt: skip
    return {r["setting"]: r for r in found["indicators"][0]["rows"] if r["choice"] == "popularity"}


@pytest.mark.slow
def test_sensitivity_has_the_other_popularity(world: Path) -> None:
    followers = ["--indicator", "lin", "--popularity", "followers"]
    (row,) = sensitivity(world).items()
    assert (row[0], row[1]["effect"]) == ("followers", "computed")
    assert row[1]["tiers"] == answer("--db", world, *followers).json["tiers"]
    (row,) = sensitivity(world, "--popularity", "followers").items()
    assert row[0] == "follows received"
    assert row[1]["tiers"] == answer("--db", world, "--indicator", "lin").json["tiers"]
    without_followers(world, "account % 3 = 0")
    rows = sensitivity(world)
    assert list(rows) == [
        "followers, agents without left out", "followers, else follows received",
    ]  # fmt: skip
    for found, missing in zip(rows.values(), ("drop", "received"), strict=True):
        expected = answer("--db", world, *followers, "--missing-followers", missing).json
        assert found["tiers"] == expected["tiers"]
        assert found["n_agents"] == expected["n_agents"]
    without_followers(world, "true")
    (row,) = sensitivity(world).items()
    assert (row[0], row[1]["effect"]) == ("followers", "not available")
    assert "no follower counts" in str(row[1]["why"])
