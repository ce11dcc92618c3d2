"""Collecting a past topic: what is asked, what is kept, how it goes on, and how complete it is."""

import asyncio
import json
import pickle
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

import blueattr
from blueattr.analysis.upkeep.collect import means as settled_means
from blueattr.analysis.upkeep.collect import read_uris
from blueattr.analysis.upkeep.status import status
from blueattr.errors import ExitCode, UsageError
from blueattr.ingest import asking
from blueattr.ingest.collect import collect
from blueattr.ingest.collection import Collection, Means, Wanted
from blueattr.ingest.hydrate import hydrate
from blueattr.ingest.pace import Pace
from blueattr.panel import topics
from blueattr.provenance import Window
from blueattr.report import render
from blueattr.report.inventory.collections import collect_report
from blueattr.report.inventory.status import status_report
from blueattr.report.results.attributions import attribution_report
from blueattr.sources.appview import AppView
from blueattr.sources.collect.backlinks import PATHS, Backlinks
from blueattr.sources.collect.login import Credentials
from blueattr.sources.collect.posts import RecordName
from blueattr.sources.collect.search import queries
from blueattr.sources.collect.service import Service
from blueattr.sources.collect.threads import NO_FURTHER_PAGE, Threads
from blueattr.sources.timing import Timing
from blueattr.sources.xrpc import RequestBudget, XrpcClient
from blueattr.store import coverage
from blueattr.store.collected import known_posts
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from support import collect_child, crash
from support.appview_server import serving as profiles
from support.cli_world import Run, run
from support.collect_checks import features, of_stream
from support.collect_world import (
    APP_PASSWORD,
    END,
    HANDLE,
    POST,
    REPOST,
    START,
    Request,
    Services,
    World,
    busy,
    serving,
)
from support.events_builder import plc_did
from support.forked import run as run_forked

WINDOW = Window(START, END)
TOPIC = topics.Topic("mythos", "Mythos", keywords=("mythos",))


def wanted(**changes: Any) -> Wanted:
    asked = tuple(queries(TOPIC.keywords, TOPIC.hashtags))
    return replace(Wanted(TOPIC.name, TOPIC.rule, asked, WINDOW), **changes)


async def _no_sleep(_seconds: float) -> None:
    await asyncio.sleep(0)


def means(services: Services, *, links: bool = True, **changes: Any) -> Means:
    options = {"rate": 1000.0, "sleep": _no_sleep}
    index = services.url if links else None
    return replace(Means(services.url, index, directory=services.url, options=options), **changes)


@pytest.fixture
def services() -> Iterator[Services]:
    with serving(busy()) as found:
        yield found


def posts_of(db: Path) -> list[tuple[str, str]]:
    with Store.open(db) as store:
        return [(each.did, each.rkey) for each in known_posts(store, WINDOW)]


def shares(done: Collection) -> dict[str, tuple[int, int, int]]:
    """Of each kind: found, counted, and the surplus."""
    kinds: dict[str, tuple[int, int, int]] = {}
    for day in done.completeness.values():
        for kind, one in day.items():
            before = kinds.get(kind, (0, 0, 0))
            kinds[kind] = (before[0] + one.found, before[1] + one.counted, before[2] + one.surplus)
    return kinds


def test_a_collected_topic_has_the_features_that_the_networks_events_give(
    tmp_path: Path, services: Services
) -> None:
    db = tmp_path / "c.duckdb"
    done = collect(db, wanted(), means(services))
    assert done.is_whole
    assert done.posts == 15
    assert done.closed == done.posts
    expected = of_stream(tmp_path, services.world)
    assert len(expected) > 12
    assert features(db).equals(expected)
    found = shares(done)
    assert found["replies"][:2] == (6, 6)
    assert found["reposts"][0] == found["reposts"][1] > 5
    assert found["quotes"][:2] == (6, 6)
    with Store.open(db) as store:
        assert coverage.covered(store) == (WINDOW,)
    stands = json.loads(render(status_report(status(db)), "json"))
    assert [(one["kind"], one["complete"]) for one in stands["sources"]] == [("collect", True)]
    assert stands["streams"] == []  # it has an end, and is behind nobody
    answer = blueattr.open(db).attribute(match=["mythos"], indicator="lin", start=START, end=END)
    said = json.loads(render(attribution_report(answer), "json"))
    assert said["completeness"] == {
        kind: {"found": one[0], "counted": one[1]} for kind, one in found.items()
    }
    assert said["drawn"] == ["keywords"]
    assert said["panel_of"] == "involved"  # nobody chose it: there is nobody else
    assert "100 % were found" in " ".join(attribution_report(answer).warnings)


@pytest.mark.slow
def test_with_follower_counts_the_values_are_those_that_the_networks_events_give(
    tmp_path: Path, services: Services
) -> None:
    """Of those involved: `--popularity followers`, and the same answers of the AppView."""
    db, streamed = tmp_path / "c.duckdb", tmp_path / "all.duckdb"
    assert collect(db, wanted(), means(services)).is_whole
    of_stream(tmp_path, services.world)
    accounts = sorted({one.who for one in services.world.there})
    known = {
        who: {"followersCount": 7 * k + 1, "createdAt": "2024-01-01T00:00:00Z"}
        for k, who in enumerate(accounts)
    }
    values = []
    with profiles(known) as appview:
        for store in (db, streamed):
            assert hydrate(store, AppView(appview.url, rate=1000.0)).with_followers > 10
            answer = blueattr.open(store).attribute(
                match=["mythos"], indicator="all", start=START, end=END, panel="involved",
                popularity="followers", keep_bots=True,
            )  # fmt: skip
            values.append(
                [one.agents.select("did", "a", "b", "c", "value").sort("did") for one in answer]
            )
    collected, expected = values
    assert len(expected) == 4
    assert expected[0].height > 12
    for ours, theirs in zip(collected, expected, strict=True):
        assert ours.equals(theirs)


# --- the search -----------------------------------------------------------------------------------


def crowd(posts: int, *, seconds: float) -> World:
    """Many posts of the topic in a short time."""
    world = World()
    for k in range(posts):
        world.post("abcdefgh"[k % 8], f"mythos {k}", k * seconds / posts)
    return world


@pytest.mark.few(1)
@pytest.mark.parametrize("has_v2", [True, False])
def test_a_hashtag_is_asked_for_as_one_and_its_posts_are_found(
    tmp_path: Path, has_v2: bool
) -> None:
    topic = topics.Topic("m", "M", keywords=("claude mythos", "mythos!", "a 1 !"), hashtags=("ai",))
    world = World()
    for k, tag in enumerate(("ClaudeMythos", "AI", "other")):
        world.post("a", "see below", 10 * k, tags=[tag])
    with serving(world) as services:
        services.has_v2 = has_v2
        asked = tuple(queries(topic.keywords, topic.hashtags))
        done = collect(
            tmp_path / "c.duckdb", wanted(rule=topic.rule, queries=asked), means(services)
        )
        assert done.is_whole
        sent = [one.query for one in services.requests if "search" in one.method]
    assert [one.hits for one in done.queries] == [0, 0, 0, 1, 1]
    assert done.posts == 2
    name, mark = ("hashtags", "") if has_v2 else ("q", "#")
    tags = {one.get(name, "").removeprefix(mark) for one in sent}
    assert {"ai", "claudemythos"} <= tags


def test_no_hashtag_is_asked_for_that_cannot_be_one() -> None:
    long = "x" * 65
    found = queries(("what now?", "19 84", "a b", "a \u00ad b", f"{long} y"), ("ai", long, "1984"))
    assert [one.words for one in found if one.is_tag] == ["ai", "1984", "ab"]
    # What people named themselves is still searched for.
    assert f'"{long}"' in [one.text for one in found]
    assert len(found) == 9
    marks = "\u0915\u093f" * 64  # 64 characters with a mark each
    assert [one.is_tag for one in queries((), (marks, marks + "\u0915"))] == [True, False]


@pytest.mark.slow
def test_without_a_login_slices_are_halved_and_no_post_is_lost(tmp_path: Path) -> None:
    with serving(crowd(250, seconds=3600)) as services:
        services.may_page = False
        done = collect(tmp_path / "c.duckdb", wanted(), means(services))
        assert done.is_whole
        assert done.posts == 250
        pages = [request for request in services.requests if "cursor" in request.query]
        assert len(pages) == 1  # it is not asked for again where it is refused once


@pytest.mark.slow
def test_a_search_that_ends_its_paging_is_halved(tmp_path: Path) -> None:
    with serving(crowd(450, seconds=3600)) as services:
        services.paging_ends_at, services.total_factor, services.has_v2 = 200, 0.1, False
        done = collect(tmp_path / "c.duckdb", wanted(), means(services))
        assert done.posts == 450
        assert services.asked["app.bsky.feed.searchPosts"] > 5


@pytest.mark.slow
def test_a_second_with_too_many_posts_is_told(tmp_path: Path) -> None:
    with serving(crowd(150, seconds=0.5)) as services:
        services.may_page = False
        done = collect(tmp_path / "c.duckdb", wanted(), means(services))
        assert done.posts == 100
        assert [query.cut for query in done.queries] == [1]


def test_a_search_that_is_refused_says_how_to_log_in(tmp_path: Path, services: Services) -> None:
    services.needs_login = True
    done = collect(tmp_path / "c.duckdb", wanted(), means(services))
    assert "BLUEATTR_HANDLE" in done.failure
    assert services.asked["app.bsky.feed.searchPosts"] == 1  # the older search was tried


# --- going on -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("links", [True, False])
def test_at_the_limit_it_ends_and_the_same_command_goes_on(
    tmp_path: Path, services: Services, links: bool
) -> None:
    db = tmp_path / "c.duckdb"
    services.key_page = 2
    whole = collect(tmp_path / "whole.duckdb", wanted(), means(services, links=links))
    runs = 0
    while True:
        before = len(services.requests)
        done = collect(db, wanted(), means(services, links=links, most=9))
        assert done.requests == len(services.requests) - before <= 9
        runs += 1
        if done.is_whole:
            break
        assert done.is_limited
        assert runs < 40
    assert runs > 1
    assert features(db).equals(features(tmp_path / "whole.duckdb"))
    assert done.completeness == whole.completeness
    again = collect(db, wanted(), means(services, links=links))
    assert again.requests == 0


@pytest.mark.slow
def test_killed_at_each_point_of_a_commit_it_goes_on(tmp_path: Path, services: Services) -> None:
    expected = of_stream(tmp_path, services.world)
    for point in (*crash.BEFORE[1:], "committed"):
        db = tmp_path / f"{point}.duckdb"
        Writer(db).close()
        killed = run_forked(collect_child.killed_at, db, services.url, point)
        assert killed == -signal.SIGKILL, point
        done = collect(db, wanted(), means(services))
        assert done.is_whole, point
        assert features(db).equals(expected), point


@pytest.mark.slow
def test_a_failure_on_the_way_keeps_what_came(tmp_path: Path, services: Services) -> None:
    db = tmp_path / "c.duckdb"
    services.script = lambda request: (
        (400, {"error": "InvalidRequest"}) if request.method == "app.bsky.feed.getPosts" else None
    )
    done = collect(db, wanted(), means(services))
    assert "getPosts" in done.failure
    assert done.posts > 10
    services.script = lambda _request: None
    assert collect(db, wanted(), means(services)).is_whole
    assert features(db).equals(of_stream(tmp_path, services.world))


@pytest.mark.slow
def test_answers_are_committed_together_and_kept_where_somebody_interrupts(
    tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_PACE", Pace(commit_seconds=1e9))
    commits: list[int] = []
    commit = Writer.commit

    def counted(writer: Writer, *states: Any, **options: Any) -> Any:
        commits.append(len(services.requests))
        return commit(writer, *states, **options)

    def interrupt(_so_far: Collection) -> None:
        if len(services.requests) > 5 and not commits:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Writer, "commit", counted)
    db = tmp_path / "c.duckdb"
    with pytest.raises(KeyboardInterrupt):
        collect(db, wanted(), means(services), progress=interrupt)
    (asked,) = commits
    assert asked == len(services.requests) > 5
    assert len(posts_of(db)) > 10
    done = collect(db, wanted(), means(services))
    assert done.is_whole
    assert len(commits) == 3  # the rest, and how complete it is
    assert features(db).equals(of_stream(tmp_path, services.world))


class Clock:
    """Time passes while one sleeps, and not otherwise."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return END.timestamp() + 86_400 + self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)

    @property
    def options(self) -> dict[str, Any]:
        return {"rate": 1000.0, "sleep": self.sleep,
                "timing": Timing(self.now, lambda: self.seconds)}  # fmt: skip


# What a service says where it permits no more, of the wait in seconds and of the time by its clock.
LIMITS: dict[str, Callable[[float, float], Any]] = {
    "Retry-After": lambda wait, _now: (429, {"headers": {"Retry-After": f"{wait:.0f}"}}),
    "RateLimit-Reset": lambda wait, now: (
        429, {"headers": {"RateLimit-Remaining": "0", "RateLimit-Reset": f"{now + wait:.0f}"}}
    ),
    "HTML": lambda _wait, _now: (429, b"<html>Too many requests</html>"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("limit", LIMITS)
def test_a_service_that_permits_no_more_is_asked_again_when_it_says_and_nothing_is_lost(
    limit: str, tmp_path: Path, services: Services
) -> None:
    clock, refused, early = Clock(), Counter[str](), []
    until = 0.0

    def script(request: Any) -> Any:
        nonlocal until
        if clock.seconds < until:
            early.append(request.method)
        if refused[request.method] or request.path.startswith("/did"):
            return None
        refused[request.method] += 1
        # Of one that does not say how long, the client's own waits begin with a second or less.
        until = clock.seconds + (0 if limit == "HTML" else 100)
        return LIMITS[limit](100, clock.now())

    services.script = script
    db = tmp_path / "c.duckdb"
    done = collect(db, wanted(), means(services, options=clock.options))
    assert done.is_whole
    assert len(refused) >= 3
    assert early == []
    assert clock.seconds >= (0.1 if limit == "HTML" else 100) * len(refused)
    # Each that was refused was a request that was sent.
    assert done.requests == len(services.requests)
    assert {one.uri for one in services.world.there if "mythos" in one.record.get("text", "")} <= {
        f"at://{did}/{POST}/{key}" for did, key in posts_of(db)
    }


@pytest.mark.slow
def test_a_service_that_asks_to_wait_for_hours_ends_it_and_the_same_command_goes_on(
    tmp_path: Path, services: Services
) -> None:
    clock = Clock()
    services.script = lambda request: (
        (429, {"headers": {"Retry-After": "9000"}}) if "getBacklinks" in request.method else None
    )
    db = tmp_path / "c.duckdb"
    done = collect(db, wanted(), means(services, options=clock.options))
    assert "asks to wait for 2.5 hours" in done.failure
    assert clock.seconds < 60
    assert done.posts > 10
    services.script = lambda _request: None
    asked = len(services.requests)
    assert collect(db, wanted(), means(services, options=clock.options)).is_whole
    # What was found stays found.
    assert not any("search" in request.method for request in services.requests[asked:])


# --- interactions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fails", ["refuses", "goes round"])
@pytest.mark.parametrize("before", [None, "7"], ids=["new", "of an earlier run"])
def test_no_further_page_is_asked_for_again_and_again_where_none_comes(
    services: Services, fails: str, before: str | None
) -> None:
    def page(request: Request) -> Any:
        if fails == "refuses" and "cursor" in request.query:
            return 403, {"error": "Forbidden"}
        following = "1" if request.query.get("cursor") == "2" else "2"
        return 200, {"cursor": following, "posts": [], "repostedBy": [{"did": plc_did("a")}],
                     "records": [{"did": plc_did("a"), "rkey": "3k"}]}  # fmt: skip

    async def ask() -> list[int]:
        sent = []
        async with XrpcClient(services.url, rate=1000.0, budget=RequestBudget(99)) as client:
            view, index = Threads(Service(client)), Backlinks(client)
            for pages in (
                view.quotes(name, before),
                view.reposters(name, before),
                index.pages(name, PATHS["reposts"][0], before),
            ):
                earlier = client.calls
                ends = [each async for each in pages]
                sent.append(client.calls - earlier)
                is_told = getattr(ends[-1], "is_refused", ends[-1].faults)
                assert bool(is_told) == (fails == "refuses")
                # The next run asks from there.
                assert ends[-1].cursor or not is_told
        return sent

    services.script, name = page, RecordName(plc_did("a"), POST, "3k")
    assert max(asyncio.run(ask())) <= 4


@pytest.mark.slow
def test_a_page_that_was_refused_once_is_asked_for_by_the_next_run(tmp_path: Path) -> None:
    with serving(busy(4)) as services:
        means_of = means(services, links=False)
        services.key_page = 1
        whole = collect(tmp_path / "whole.duckdb", wanted(), means_of)
        services.script = lambda request: (
            (403, {"error": "Forbidden"})
            if "search" not in request.method and "cursor" in request.query
            else None
        )
        db = tmp_path / "c.duckdb"
        first = collect(db, wanted(), means_of)
        assert first.faults[NO_FURTHER_PAGE] > 1
        # It ends, and says of which posts it does not know all.
        assert first.is_whole
        assert (whole.closed, first.closed < first.posts) == (whole.posts, True)
        services.script = lambda _request: None
        again = collect(db, wanted(), means_of)
        assert (again.closed, again.faults[NO_FURTHER_PAGE]) == (whole.closed, 0)
        assert shares(again) == shares(whole) != shares(first)


@pytest.mark.slow
def test_an_index_that_knows_half_is_told_by_kind_and_day(
    tmp_path: Path, services: Services
) -> None:
    reposts = [one for one in services.world.there if one.collection == REPOST]
    known = {one.uri for one in reposts[::2]}
    services.index_knows = lambda one: one.collection == POST or one.uri in known
    services.has_new_links = False  # an older index
    done = collect(tmp_path / "c.duckdb", wanted(), means(services))
    assert shares(done)["replies"][0] == shares(done)["replies"][1] > 0
    truth: dict[Any, list[int]] = {}
    for one in services.world.there:
        reposts = services.world.linking(one.uri, REPOST, "subject.uri")
        pairs = {(each.who, each.uri in known) for each in reposts}
        day = truth.setdefault(one.time.date(), [0, 0])
        day[0] += len({who for who, is_known in pairs if is_known})
        day[1] += len({who for who, _ in pairs})
    assert {day: [kinds["reposts"].found, kinds["reposts"].counted]
            for day, kinds in done.completeness.items()} == truth  # fmt: skip
    assert 0 < sum(found for found, _ in truth.values()) < sum(n for _, n in truth.values())


@pytest.mark.slow
def test_without_an_index_reposts_count_at_the_time_of_their_post_and_it_is_told(
    tmp_path: Path, services: Services
) -> None:
    db = tmp_path / "c.duckdb"
    done = collect(db, wanted(), means(services, links=False))
    assert done.untimed > 5
    (source,) = done.ingested.sources
    assert f"Of {done.untimed} of the reposts only the account is known" in (source.remarks or "")
    assert features(db).equals(of_stream(tmp_path, services.world))
    # An index that is asked later brings the reposts themselves in their place.
    linked = collect(db, wanted(), means(services))
    assert linked.is_whole
    assert "only the account" not in (linked.ingested.sources[0].remarks or "")
    with Store.open(db) as store:
        sources = store._connection.execute(
            "SELECT DISTINCT time_from::VARCHAR FROM event WHERE kind = 'repost'"
        ).fetchall()
    assert sources == [("key",)]
    assert features(db).equals(of_stream(tmp_path, services.world))


@pytest.mark.slow
def test_a_reply_that_is_deleted_between_two_calls_is_missing_and_counted(
    tmp_path: Path, services: Services
) -> None:
    gone: list[str] = []

    def script(request: Any) -> None:
        if request.method == "app.bsky.feed.getPosts" and not gone:
            gone.append(dict(parse_qsl(request.query["*"]))["uris"])
            one = services.world.named(gone[0])
            assert one is not None
            one.gone = True

    services.script = script
    done = collect(tmp_path / "c.duckdb", wanted(), means(services))
    assert done.is_whole
    assert done.faults["a post that is gone"] == 1
    kinds = shares(done).values()
    assert sum(counted - found for found, counted, _ in kinds) == 1


# --- logging in -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_token_that_expires_is_renewed_and_nothing_is_lost(
    tmp_path: Path, services: Services
) -> None:
    services.needs_login, services.token_calls = True, 4
    by = means(services, credentials=Credentials(HANDLE, APP_PASSWORD))
    done = collect(tmp_path / "c.duckdb", wanted(), by)
    assert done.is_whole
    assert services.logins == 1
    assert services.refreshes > 1
    assert features(tmp_path / "c.duckdb").equals(of_stream(tmp_path, services.world))


@pytest.mark.slow
def test_a_login_that_cannot_be_renewed_is_made_anew(tmp_path: Path, services: Services) -> None:
    services.needs_login, services.token_calls = True, 9
    services.script = lambda request: (
        (400, {"error": "ExpiredToken"}) if "refreshSession" in request.method else None
    )
    by = means(services, credentials=Credentials(HANDLE, APP_PASSWORD))
    assert collect(tmp_path / "c.duckdb", wanted(), by).is_whole
    assert services.logins > 1
    assert services.refreshes == 0


def test_the_password_is_nowhere_but_in_the_login(
    tmp_path: Path, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    credentials = Credentials(HANDLE, APP_PASSWORD)
    db = tmp_path / "c.duckdb"
    done = collect(db, wanted(), means(services, credentials=credentials))
    assert done.is_whole
    sent = [request for request in services.requests if APP_PASSWORD.encode() in request.body]
    assert [request.method for request in sent] == ["com.atproto.server.createSession"]
    said = [repr(done), repr(credentials), caplog.text]
    said.append(render(collect_report(done), "json").decode())
    said += [*(request.path + str(request.query) for request in services.requests)]
    assert not any(APP_PASSWORD in text or "access-1" in text for text in said)
    stored = db.read_bytes()
    assert APP_PASSWORD.encode() not in stored
    assert b"access-1" not in stored
    # Nor where the login fails, whatever the server answers.
    other = means(services, credentials=Credentials(HANDLE, "wrong-pass-word"))
    wrong = collect(tmp_path / "d.duckdb", wanted(), other)
    assert "refuses the login (401)" in wrong.failure
    assert "wrong-pass" not in wrong.failure
    with pytest.raises(TypeError):
        pickle.dumps(credentials)


def test_a_redirect_never_gets_the_password(tmp_path: Path, services: Services) -> None:
    with serving(World()) as stranger:
        services.script = lambda request: (
            (307, {"headers": {"Location": f"{stranger.url}{request.path}"}})
            if "server" in request.method
            else None
        )
        by = means(services, credentials=Credentials(HANDLE, APP_PASSWORD))
        done = collect(tmp_path / "c.duckdb", wanted(), by)
        assert "does not follow" in done.failure
        assert stranger.requests == []


@pytest.mark.parametrize("url", ["http://appview.example", "https://me:secret@appview.example"])
def test_an_address_that_is_not_encrypted_or_holds_a_password_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        settled_means(appview=url)
    assert "secret" not in str(refused.value)


# --- posts that are given -------------------------------------------------------------------------


@pytest.mark.slow
def test_posts_that_are_given_stand_for_a_search(tmp_path: Path, services: Services) -> None:
    file = tmp_path / "seeds.csv"
    posts = [one for one in services.world.there if one.collection == POST]
    file.write_text("uri\n" + "".join(f"{one.uri},x\n" for one in posts) + "nothing\n")
    done = collect(tmp_path / "c.duckdb", wanted(uris=read_uris(file)), means(services))
    assert done.is_whole
    assert services.asked["app.bsky.feed.searchPostsV2"] == 0
    assert features(tmp_path / "c.duckdb").equals(of_stream(tmp_path, services.world))


# --- the command ----------------------------------------------------------------------------------


def command(services: Services, db: Path, *more: object) -> Run:
    return run("collect", "--topic", "mythos", "--from", "2026-04-09", "--to", "2026-04-11",
               "--appview", services.url, "--links", services.url, "--pace", 1000, "--db", db,
               "--max-requests", 20, *more)  # fmt: skip


@pytest.mark.slow
def test_the_command_ends_with_9_at_its_limit_and_with_0_once_nothing_is_left(
    tmp_path: Path, services: Services
) -> None:
    db, codes = tmp_path / "c.duckdb", []
    for _ in range(20):
        before = len(services.requests)
        done = command(services, db, "--format", "json")
        assert len(services.requests) - before <= 20
        codes.append(done.code)
        assert done.json["is_limited"] == (done.code == ExitCode.GAPS)
        assert ("run the same command again" in done.stderr) == (done.code == ExitCode.GAPS)
        if done.code == ExitCode.OK:
            break
    assert codes == [ExitCode.GAPS] * (len(codes) - 1) + [ExitCode.OK]
    assert len(codes) > 1
    found = done.json["completeness"]["replies"]
    assert found["found"] == found["counted"] > 0


def test_the_command_ends_with_8_where_a_service_lets_nobody_search(
    tmp_path: Path, services: Services
) -> None:
    services.needs_login = True
    done = command(services, tmp_path / "c.duckdb")
    assert done.code == ExitCode.SOURCE
    assert "BLUEATTR_APP_PASSWORD" in done.stderr
    assert "Traceback" not in done.stderr
