"""The panel: each filter on a store made by hand, what it says, and where the window ends."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from blueattr.analysis.panel import make_panel
from blueattr.errors import EmptyPanelError, InputError, UsageError
from blueattr.ingest import read
from blueattr.panel import bots, filters, query
from blueattr.panel.bots import BotRule, RateRule
from blueattr.panel.filters import FilteredPanel
from blueattr.provenance import PanelStep, Window
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from support.effort import costly_law
from support.events_builder import (
    POST,
    Event,
    account,
    at,
    delete,
    follow,
    identity,
    lines,
    plc,
    plc_name,
    post,
    profile,
    repost,
    uri,
)

START, END = at(0), at(days=14)
WINDOW = Window(START, END)
TICK = timedelta(microseconds=1)
GONE = "deleted, taken down or suspended at the window's end"
LABEL, NEW = "bot by its own label", "created inside the window"


def ingest(folder: Path, events: list[Event], directory: list[Event] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    db = folder / "store.duckdb"
    for kind, content in (("file", events), ("plc", directory)):
        if content:
            (folder / kind).write_bytes(lines(*content))
            done = read.ingest(db, [str(folder / kind)], kind=kind)
            assert done.failures == ()
            assert done.sources[0].kept == len(content)
    return db


def build(db: Path, window: Window = WINDOW, **options: object) -> FilteredPanel:
    with Store.open(db) as store:
        return filters.build(store, window, **options)  # type: ignore[arg-type]


def names(built: FilteredPanel) -> list[str]:
    return [d.removeprefix("did:plc:") for d in built.agents["did"]]


def active(*who: str, day: float = 5) -> list[Event]:
    return [post(w, "x", rev=1, time=at(days=day)) for w in who]


def step(built: FilteredPanel, name: str) -> PanelStep:
    (found,) = [s for s in built.steps if s.filter == name]
    return found


def test_filters_one_after_another(tmp_path: Path) -> None:
    events = [
        *active("zoe", "ann", "gone", "down", "susp", "off", "bot", "label", "fresh", "both"),
        account("gone", "deleted", time=at(days=6)),
        account("down", "takendown", time=at(days=6)),
        account("susp", "suspended", time=at(days=6)),
        account("off", "deactivated", time=at(days=6)),
        account("both", "deleted", time=at(days=6)),
        identity("ann", "ann.example.org", time=at(days=1)),
        identity("bot", "weather-bot.example.org", time=at(days=1)),
        identity("both", "weather-bot.example.org", time=at(days=1)),
        profile("label", rev=2, time=at(days=-9), bot=True),
        profile("fresh", rev=3, time=at(days=2)),
    ]
    built = build(ingest(tmp_path, events))
    # In the order of DIDs, with the store's numbers beside them.
    assert names(built) == ["ann", "off", "zoe"]
    assert built.agents.columns == ["account", "did", "asked_at", "followers", "followers_at"]
    shipped = [f"bot handle: {rule.name}" for rule in bots.bot_rules()]
    assert [s.filter for s in built.steps] == [GONE, *shipped, LABEL, NEW]
    assert (built.steps[0].before, built.steps[-1].after) == (10, 3)
    for one, following in pairwise(built.steps):
        assert one.after == following.before
    assert all(s.after == s.before - s.removed for s in built.steps)
    removed = {s.filter: s.removed for s in built.steps if s.removed}
    assert removed == {GONE: 4, "bot handle: bot-word": 1, LABEL: 1, NEW: 1}
    assert built.steps[1].note == "handles known for 3 of 10 active accounts"
    assert (
        step(built, NEW).note
        == "creation time from profiles seen for 1, unknown for 3, who are kept"
    )
    assert [s.note for s in built.steps if s.note] == [built.steps[1].note, built.steps[-1].note]


@pytest.mark.slow
def test_active_is_whoever_has_a_kept_event_in_the_window(tmp_path: Path) -> None:
    events = [
        post("a-post", "x", rev=1, time=START),
        post("b-reply", "x", rev=1, time=END - TICK, parent=uri("q-target", "x")),
        repost("c-repost", "x", uri("q-target", "x"), rev=1, time=at(1)),
        follow("d-follow", "x", "q-target", rev=1, time=at(1)),
        post("e-early", "x", rev=1, time=START - TICK),
        post("f-late", "x", rev=1, time=END),
        post("g-removed", "x", rev=1, time=at(1)),
        delete("g-removed", POST, "x", rev=2, time=at(days=20)),
        profile("h-profile", rev=1, time=at(1), operation="update"),
        identity("i-identity", "i.example.org", time=at(1)),
    ]
    db = ingest(tmp_path, events)
    assert names(build(db)) == ["a-post", "b-reply", "c-repost", "d-follow"]
    later = Window(START + TICK, END + TICK)
    assert names(build(db, later)) == ["b-reply", "c-repost", "d-follow", "f-late"]


@pytest.mark.few(1)
@pytest.mark.parametrize("status", ["deleted", "takendown", "suspended"])
def test_status_is_that_of_the_windows_end(tmp_path: Path, status: str) -> None:
    events = [
        *active("after", "at-end", "before", "back", "back-late", "twice"),
        account("after", status, time=END + TICK),
        account("at-end", status, time=END),
        account("before", status, time=END - TICK),
        account("back", status, time=at(days=6)),
        account("back", time=END - TICK),
        account("back-late", status, time=at(days=6)),
        account("back-late", time=END),
        account("twice", time=at(days=7)),
        account("twice", status, time=at(days=8)),
    ]
    built = build(ingest(tmp_path, events))
    assert names(built) == ["after", "at-end", "back"]
    assert step(built, GONE).removed == 3


@pytest.mark.slow
def test_of_two_statuses_at_one_time_the_account_is_gone(tmp_path: Path) -> None:
    for number, order in enumerate((1, -1)):
        events = [account("ann", time=at(9)), account("ann", "deleted", time=at(9))][::order]
        built = build(ingest(tmp_path / str(number), [*active("ann", "bea"), *events]))
        assert names(built) == ["bea"]


# --- bots ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_handles_are_the_latest_known_from_network_or_directory(tmp_path: Path) -> None:
    who = {name: plc_name(name) for name in ("ann", "bea", "cyd", "dot")}
    good, bad = "good.example.org", "my-bot.example.org"
    events = [
        *active(*who.values()),
        identity(who["ann"], bad, time=at(1)),
        identity(who["bea"], good, time=at(1)),
        identity(who["cyd"], bad, time=at(5)),
        identity(who["cyd"], good, time=at(3)),
    ]
    directory = [
        plc("ann", at(2, days=-9), good),
        plc("ann", at(2), good),
        plc("bea", at(2, days=-9), bad),
        plc("cyd", at(4, days=-9), good),
        plc("dot", at(0, days=-9), bad.upper()),
    ]
    built = build(ingest(tmp_path, events, directory))
    assert names(built) == [who["ann"], who["bea"]]
    assert built.steps[1].note == "handles known for 4 of 4 active accounts"


@pytest.mark.parametrize(
    ("handle", "rule"),
    [
        ("bot.example.org", "bot-word"), ("my-bot.bsky.social", "bot-word"),
        ("bot2.example.org", "bot-word"), ("x.bot", "bot-word"),
        ("weatherbot.bsky.social", "bot-suffix"), ("quotebot3.bsky.social", "bot-suffix"),
        ("botnews.example.org", "bot-prefix"), ("ann.example.org.ap.brid.gy", "bridge"),
        ("rss.example.org", "feed"), ("some-feed.example.org", "feed"),
        ("news-mirror.example.org", "mirror"), ("autoposter.example.org", "auto-poster"),
        ("user12345678.bsky.social", "digit-tail"),
        ("talbot.bsky.social", None), ("abbott.example.org", None), ("botanist.bsky.social", None),
        ("robots.example.org", None), ("ann1987.bsky.social", None), ("ann.bsky.social", None),
        ("black-mirror.example.org", None), ("feedback.example.org", None),
        ("chabot.example.org", None), ("ann19871231.example.org", "digit-tail"),
    ],
)  # fmt: skip
def test_shipped_rules_by_handle(handle: str, rule: str | None) -> None:
    fired = [
        r.name
        for r in bots.bot_rules()
        if pl.Series([handle]).str.contains(f"(?i){r.pattern}").item()
    ]
    assert (fired[0] if fired else None) == rule


@pytest.mark.slow
def test_own_rules_and_none(tmp_path: Path) -> None:
    events = [*active("ann", "bea", "cyd"), identity("ann", "Special.example.org", time=at(1)),
              identity("bea", "my-bot.example.org", time=at(1)),
              profile("cyd", rev=1, time=at(days=-1), bot=True)]  # fmt: skip
    db = ingest(tmp_path, events)
    own = build(db, rules=(BotRule("mine", "SPECIAL|nothing"),))
    assert (names(own), step(own, "bot handle: mine").removed) == (["bea"], 1)
    bare = build(db, rules=())
    assert names(bare) == ["ann", "bea"]
    assert step(bare, LABEL).note == "handles known for 2 of 3 active accounts"
    kept = build(db, keep_bots=True, rate=RateRule(0, 1))
    assert names(kept) == ["ann", "bea", "cyd"]
    assert [s.filter for s in kept.steps] == [GONE, NEW]


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of four, of whom three have handles."""
    who = {"ann": "ann.example", "bea": "bea.example", "bob": "bot.example"}
    events = [*active(*who, "zoe"), *(identity(k, v, time=at(1)) for k, v in who.items())]
    return ingest(tmp_path_factory.mktemp("named"), events)


LARGE = r"\pL{200}"  # accepted once, but not twice in one expression


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("patterns", "removed"),
    [
        (["^a", "B"], [1, 2]),
        (["(?x) a n # who", "(?x)bo t"], [1, 1]),  # as one expression, all would be a comment
        (["(?x) a n", "(?x) b e"], [1, 1]),
        (["(?-i)^A|^B", "an"], [0, 1]),
        (["(?P<x>an)", "(?P<x>be)"], [1, 1]),  # one name twice is refused
        ([f"{LARGE}|ann", f"{LARGE}1|bea"], [1, 1]),
        (["", "a"], [3, 0]),
    ],
)
def test_rules_together_do_what_each_does_alone(
    named: Path, patterns: list[str], removed: list[int]
) -> None:
    rules = tuple(BotRule(f"{k}", pattern) for k, pattern in enumerate(patterns))
    for rule in rules:  # each is accepted by itself
        pl.Series([""]).str.contains(f"(?i){rule.pattern}")
    built = build(named, rules=rules)
    assert [step(built, f"bot handle: {rule.name}").removed for rule in rules] == removed


def test_label_is_that_of_the_latest_profile(tmp_path: Path) -> None:
    events = [
        *active("off", "on", "none"),
        profile("off", rev=1, time=at(days=-2), bot=True),
        profile("off", rev=2, time=at(days=-1), operation="update"),
        profile("on", rev=1, time=at(days=-2)),
        profile("on", rev=2, time=at(days=-1), operation="update", bot=True),
    ]
    built = build(ingest(tmp_path, events))
    assert names(built) == ["none", "off"]


def test_rate_rule_counts_days_over_the_rate(tmp_path: Path) -> None:
    def busy(who: str, per_day: dict[int, int]) -> list[Event]:
        return [
            post(who, f"{d}-{k}", rev=k, time=at(k, days=d))
            for d, count in per_day.items()
            for k in range(count)
        ]

    events = [
        *busy("over", {1: 4, 2: 4}),
        *busy("exact", {1: 3, 2: 3, 3: 3}),
        *busy("once", {1: 50}),
        *busy("outside", {1: 4, 14: 4, -1: 4}),
        *[
            follow("mixed", f"f{d}{k}", "ann", rev=k, time=at(k, days=d))
            for d in (1, 2)
            for k in (0, 1)
        ],
        *busy("mixed", {1: 2, 2: 2}),
    ]
    db = ingest(tmp_path, events)
    built = build(db, rate=RateRule(3, 2))
    assert names(built) == ["exact", "once", "outside"]
    found = step(built, "bot by rate: over 3 records a day on 2 days or more")
    assert (found.before, found.removed) == (5, 2)
    assert [s.filter for s in built.steps][-3:] == [LABEL, found.filter, NEW]
    assert names(build(db)) == ["exact", "mixed", "once", "outside", "over"]


WRONG_RULES = [
    ("not toml", ":1: not TOML at 'not toml'"),
    ("", "has no list of tables"),
    ("[[rule]]\nname = 'x'\npattern = 'y'", "has no list of tables"),
    ("rules = 5", "has no list of tables"),
    ("rules = 'text'", "has no list of tables"),
    ("[rules]\nname = 'x'", "has no list of tables"),
    ("rules = [5]", "rule 1 needs a name and a pattern"),
    ("[[rules]]\nname = 'x'", "rule 1 needs a name and a pattern"),
    ("[[rules]]\nname = 'x'\npattern = 'a'\n[[rules]]\npattern = 'a'", "rule 2 needs"),
    ("[[rules]]\nname = 'x'\npattern = 5", "rule 1 needs"),
    ("[[rules]]\nname = 'x'\npattern = '('", "'x' is refused: unclosed group$"),
    ("[[rules]]\nname = 'x'\npattern = '(a)\\1'", "is refused: backreferences are not supported$"),
    (
        "[[rules]]\nname = 'x'\npattern = 'a{1000}{1000}{1000}'",
        "refused: Compiled regex exceeds",
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG_RULES)
def test_errors_in_a_file_of_rules(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bots.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        bots.bot_rules(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_files_of_rules(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(InputError, match="cannot read"):
            bots.bot_rules(path)
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="this is not text in UTF-8"):
        bots.bot_rules(tmp_path / "x")
    (tmp_path / "x").write_text("rules = []")
    assert bots.bot_rules(tmp_path / "x") == ()
    (tmp_path / "x").write_text("[[rules]]\nname = 'n'\npattern = 'p'\nwhy = 'because'")
    assert bots.bot_rules(tmp_path / "x") == (BotRule("n", "p"),)
    assert len(bots.bot_rules()) > 5


# --- creation ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_creation_by_directory_before_profile(tmp_path: Path) -> None:
    n = {k: plc_name(k) for k in ("old", "new", "first", "last", "end", "just", "seen", "un")}
    events = [
        *active(*n.values()),
        # The directory knows better than a profile that was made late, and the other way round.
        profile(n["old"], rev=1, time=at(days=3)),
        profile(n["new"], rev=1, time=at(days=-3)),
        profile(n["seen"], rev=1, time=at(days=3)),
        profile(n["un"], rev=1, time=at(days=3), operation="update"),
    ]
    directory = [
        plc("old", at(days=-100)), plc("new", at(days=3)), plc("first", START),
        plc("last", END - TICK), plc("end", END), plc("just", START - TICK),
    ]  # fmt: skip
    built = build(ingest(tmp_path, events, directory))
    assert names(built) == sorted(n[k] for k in ("old", "end", "just", "un"))
    assert step(built, NEW) == PanelStep(
        NEW, 8, 4, 4,
        "creation time from the PLC directory for 6, from profiles seen for 1, unknown for 1, "
        "who are kept",
    )  # fmt: skip


# --- nobody, gaps, windows -----------------------------------------------------------------------


def test_nobody_is_an_answer_with_a_reason(tmp_path: Path) -> None:
    db = ingest(tmp_path, [*active("ann"), account("ann", "deleted", time=at(days=6))])
    with pytest.raises(EmptyPanelError, match=r"most \(1\) as: deleted"):
        build(db)
    with pytest.raises(EmptyPanelError, match="nobody was active"):
        build(db, Window(at(days=30), at(days=31)))


@pytest.mark.slow
def test_window_follows_from_what_is_given(tmp_path: Path) -> None:
    db = ingest(tmp_path, active("ann", day=20))
    last, two = at(days=20) + TICK, timedelta(days=2)
    with Store.open(db) as store:
        assert query.PanelQuery(db).window(store) == Window(at(days=7), at(days=21))
        assert query.PanelQuery(db, length=two).window(store) == Window(at(days=19), at(days=21))
        hours = query.PanelQuery(db, length=two, whole_days=False)
        assert hours.window(store) == Window(last - two, last)
        assert query.PanelQuery(db, start=START, length=two).window(store) == Window(
            START, at(days=2)
        )
        assert query.PanelQuery(db, end=END, length=two).window(store) == Window(at(days=12), END)
        for end, wrong in ((START, "is empty"), (START - TICK, "before it starts")):
            with pytest.raises(UsageError, match=wrong):
                query.PanelQuery(db, start=START, end=end).window(store)
    empty = ingest(tmp_path / "empty", [profile("ann", rev=1, time=at(1))])
    with Store.open(empty) as store, pytest.raises(EmptyPanelError, match="no events"):
        query.PanelQuery(empty).window(store)


@pytest.mark.few(1)
@pytest.mark.parametrize(("now", "days"), [(at(days=20.5), 20), (at(days=21), 21)])
def test_complete_leaves_out_a_day_only_while_the_clock_is_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: datetime, days: int
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return now

    monkeypatch.setattr(query, "datetime", Clock)
    db = ingest(tmp_path, active("ann", day=20))
    with Store.open(db) as store:
        window = query.PanelQuery(db, complete=True).window(store)
    assert window == Window(at(days=days - 14), at(days=days))


@pytest.mark.slow
def test_what_lies_after_the_last_event_of_the_last_day_is_no_gap(tmp_path: Path) -> None:
    events = [post("ann", "a", rev=1, time=at(days=2)), post("ann", "b", rev=2, time=at(days=5.5))]
    db = ingest(tmp_path, events)
    result = make_panel(query.PanelQuery(db, length=timedelta(days=4)))
    assert result.provenance.window == Window(at(days=2), at(days=6))
    assert (result.provenance.gaps, result.provenance.so_far) == ((), at(days=5.5))
    earlier = make_panel(query.PanelQuery(db, start=at(days=2), end=at(days=5))).provenance
    assert (earlier.gaps, earlier.so_far) == ((), None)
    later = make_panel(query.PanelQuery(db, start=at(days=2), end=at(days=7))).provenance
    assert [(gap.start, gap.end) for gap in later.gaps] == [(at(days=5.5), at(days=7))]
    assert later.so_far is None


def test_gaps_of_a_window(tmp_path: Path) -> None:
    events = [post("ann", "a", rev=1, time=at(days=2)), post("ann", "b", rev=2, time=at(days=5))]
    result = make_panel(query.PanelQuery(ingest(tmp_path, events), start=START, end=END))
    found = [(g.start, g.end) for g in result.provenance.gaps]
    assert found == [(START, at(days=2)), (at(days=5), END)]
    inside = query.PanelQuery(tmp_path / "store.duckdb", start=at(days=2), end=at(299, days=5))
    assert make_panel(inside).provenance.gaps == ()
    assert result.provenance.panel[0].before == 1


# --- any store -----------------------------------------------------------------------------------

TIMES = st.sampled_from([START - TICK, START, at(days=5), END - TICK, END]).map(
    lambda time: time.replace(tzinfo=None)
)
RULES = (BotRule("first", "^BO"), BotRule("second", "t$"))
SOMETIMES = st.booleans()


@dataclass(frozen=True)
class Known:
    """What a store knows of one account: rows of its tables, without the account's number."""

    did: str
    records: list[datetime]
    statuses: list[tuple[datetime, bool, str]]
    handle: tuple[datetime, str] | None
    profile: tuple[datetime | None, bool] | None
    plc: tuple[datetime, str | None, datetime | None] | None
    hydration: tuple[datetime, int | None, datetime | None] | None


HANDLES = st.sampled_from(["bot", "Bo", "at", "none"])
STATUSES = st.one_of(
    st.tuples(TIMES, st.just(True), st.just("")),
    st.tuples(
        TIMES, st.just(False), st.sampled_from(["deleted", "takendown", "suspended", "deactivated"])
    ),
)  # fmt: skip
STORES = st.lists(
    st.builds(
        Known,
        st.from_regex(r"did:(plc|web|aaa):(abcdefgh?)?[ab]{0,3}", fullmatch=True),
        st.lists(TIMES, max_size=2),
        st.lists(STATUSES, max_size=3),
        st.none() | st.tuples(TIMES, HANDLES),
        st.none() | st.tuples(st.none() | TIMES, SOMETIMES),
        st.none() | st.tuples(TIMES, st.none() | HANDLES, st.none() | TIMES),
        st.none() | st.tuples(TIMES, st.none() | st.integers(0, 9), st.none() | TIMES),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda known: known.did,
)
WORDS = {"plc": "the PLC directory", "appview": "the AppView", "profile": "profiles seen"}


def creation(known: Known) -> tuple[str | None, datetime | None]:
    if known.plc:
        return "plc", known.plc[0]
    if known.hydration and known.hydration[2]:
        return "appview", known.hydration[2]
    if known.profile and known.profile[0]:
        return "profile", known.profile[0]
    return None, None


def plain_handle(known: Known) -> str | None:
    """Take the later of the two, and the directory's where it does not say since when."""
    of_plc = known.plc[1] if known.plc else None
    if known.handle is None or of_plc is None:
        return known.handle[1] if known.handle else of_plc
    assert known.plc is not None
    since = known.plc[2]
    return known.handle[1] if since is None or known.handle[0] >= since else of_plc


def plainly_gone(known: Known) -> bool:
    before = [s for s in known.statuses if s[0] < END.replace(tzinfo=None)]
    latest = max(before, key=lambda s: (s[0], not s[1]), default=None)
    same = [s for s in before if latest and s[:2] == latest[:2]]
    return latest is not None and max(s[2] for s in same) in {"deleted", "takendown", "suspended"}


def inside(time: datetime | None) -> bool:
    return time is not None and START <= time.replace(tzinfo=UTC) < END


def write(writer: Writer, content: list[Known]) -> None:
    """Put rows into the tables as they are, numbered in the order given."""
    writer.tables_of = None  # they are of what the store held before
    execute = writer._connection.execute
    for table in ("account", "record", "account_status", "handle", "profile", "plc", "hydration"):
        execute(f"DELETE FROM {table}")  # noqa: S608 - named above
    for number, known in enumerate(content, 1):
        execute("INSERT INTO account VALUES ($1, $2)", [number, known.did])
        for k, time in enumerate(known.records):
            execute(
                "INSERT INTO record (collection, account, rkey, rev, removed, event_time) "
                "VALUES ('post', $1, $2, 1, false, $3)",
                [number, k, time],
            )
        for status in known.statuses:
            execute("INSERT INTO account_status VALUES ($1, $2, $3, $4)", [number, *status])
        if known.handle:
            execute("INSERT INTO handle VALUES ($1, $2, $3)", [number, *known.handle])
        if known.profile:
            execute("INSERT INTO profile VALUES ($1, 'x', $2, $3, NULL)", [number, *known.profile])
        if known.plc:
            execute(
                "INSERT INTO plc (did, created_at, handle, handle_time) VALUES ($1, $2, $3, $4)",
                [known.did, *known.plc],
            )
        if known.hydration:
            asked, followers, created = known.hydration
            execute(
                "INSERT INTO hydration VALUES ($1, $2, true, $3, $4, $5)",
                [number, asked, followers, asked if followers is not None else None, created],
            )


def plain_steps(left: dict[int, Known]) -> list[PanelStep]:
    """Filter one account after another, taking who goes out of `left`."""
    handles = {number: plain_handle(known) for number, known in left.items()}
    steps = []

    def remove(name: str, hit: Callable[[Known], bool], note: str = "") -> None:
        before, gone = len(left), [number for number, known in left.items() if hit(known)]
        for number in gone:
            del left[number]
        steps.append(PanelStep(name, before, len(gone), len(left), note))

    known = sum(handle is not None for handle in handles.values())
    note = f"handles known for {known} of {len(left)} active accounts"
    remove(GONE, plainly_gone)
    for rule, hits in zip(RULES, (("bot", "Bo"), ("bot", "at")), strict=True):
        remove(f"bot handle: {rule.name}", lambda k, hits=hits: plain_handle(k) in hits, note)  # type: ignore[misc]
        note = ""
    remove(LABEL, lambda k: k.profile is not None and k.profile[1])
    return steps


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """Open a store whose tables may be written to."""
    path = tmp_path_factory.mktemp("blank") / "store.duckdb"
    with Writer(path) as writer, writer.transaction():
        yield writer


@given(STORES, SOMETIMES)
@costly_law(50)
def test_the_panel_is_that_of_one_account_after_another(
    blank: Writer, content: list[Known], keep: bool
) -> None:
    left = {
        number: known
        for number, known in enumerate(content, 1)
        if any(inside(time) for time in known.records)
    }
    write(blank, content)
    if not left:
        with pytest.raises(EmptyPanelError, match="nobody was active"):
            filters.build(blank, WINDOW, rules=RULES)
        return
    everyone = dict(left)
    plain = plain_steps(left)
    if keep:
        plain = plain[:1]
        left = {n: k for n, k in everyone.items() if not plainly_gone(k)}
    options: dict[str, Any] = {"rules": RULES, "keep_bots": keep}
    # Whom an AppView can bring back in: all but those of whom the directory knows better.
    sure = {n for n, k in left.items() if creation(k)[0] == "plc" and inside(creation(k)[1])}
    asked = {n: k.hydration[0] if k.hydration else None for n, k in left.items() if n not in sure}
    found = filters.candidates(blank, WINDOW, **options)
    assert found.rows() == sorted(
        ((n, left[n].did, time) for n, time in asked.items()), key=lambda row: row[1]
    )
    kept = {n: k for n, k in left.items() if not inside(creation(k)[1])}
    by = Counter(creation(k)[0] for k in left.values())
    parts = [f"from {words} for {by[name]}" for name, words in WORDS.items() if by[name]]
    parts.append(f"unknown for {by[None]}, who are kept" if by[None] else "unknown for nobody")
    note = "creation time " + ", ".join(parts)
    plain.append(PanelStep(NEW, len(left), len(left) - len(kept), len(kept), note))
    event(f"{sum(step.removed > 0 for step in plain)} filters removed somebody")
    if not kept:
        with pytest.raises(EmptyPanelError, match="filters remove all"):
            filters.build(blank, WINDOW, **options)
        return
    built = filters.build(blank, WINDOW, **options)
    assert list(built.steps) == plain
    rows = [
        (n, k.did, *((k.hydration[0], k.hydration[1], k.hydration[0] if k.hydration[1] is not None
                      else None) if k.hydration else (None, None, None)))
        for n, k in sorted(kept.items(), key=lambda item: item[1].did)
    ]  # fmt: skip
    assert built.agents.rows() == rows
