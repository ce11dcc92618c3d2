"""Topics: what a keyword, a hashtag and a pattern match, and what follows from a match."""

import dataclasses
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blueattr.analysis.topics import check_topics, count_events
from blueattr.errors import InputError, PatternError, UnknownTopicError, UsageError
from blueattr.ingest import read
from blueattr.panel import topics
from blueattr.panel.query import PanelQuery
from blueattr.panel.topics import Topic
from blueattr.provenance import Window
from blueattr.store.database import Store
from support.events_builder import POST, Event, account, at, delete, lines, post, repost, uri

WINDOW = Window(at(0), at(days=14))
HOME, DAY = 1000, timedelta(days=1)


# None of the keys here is a TID.
KEYS = "SELECT key.rkey AS key FROM matching_post AS post JOIN record_key AS key ON id = post.rkey"


def ingest(folder: Path, *events: Event) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "x.jsonl").write_bytes(lines(*events))
    done = read.ingest(folder / "store.duckdb", [str(folder / "x.jsonl")])
    assert sum(s.kept for s in done.sources) == len(events)
    return folder / "store.duckdb"


def counted(db: Path, topic: Topic, window: Window = WINDOW) -> list[tuple[str, str]]:
    """Who did what that belongs to the topic."""
    with Store.open(db) as store:
        count_events(store, topic, window)
        query = "SELECT did, kind FROM window_event JOIN account ON id = account ORDER BY ALL"
        found = store._connection.execute(query).fetchall()
    return [(did.removeprefix("did:plc:"), kind) for did, kind in found]


# --- what a post's own words match ---------------------------------------------------------------

KEY = Topic("t", "t", keywords=("earth day", "wm42", "straße", "café", "μετρό", "istanbul"))
TAG = Topic("t", "t", hashtags=("EarthDay", "İzmir", "Ελλάδας"))
CJK = Topic("t", "t", keywords=("トランプ関税", "気候変動", "กรุงเทพ", "트럼프"))
PATTERN = Topic("t", "t", patterns=(r"\bmythos\b", "colou?rs"))
NFD = unicodedata.normalize("NFD", "café straße")


TEXTS: list[tuple[Topic, bool, str]] = [
    (KEY, True, "earth day"),
    (KEY, True, "It's EARTH DAY!"),
    (KEY, True, "(Earth Day)"),
    (KEY, True, "earth\nday"),
    (KEY, True, "earth \t\r\n  day"),
    (KEY, True, "earth\u00a0day"),
    (KEY, True, "earth\u3000day"),
    (KEY, True, "#earth day"),
    (KEY, True, "“earth day”"),
    (KEY, True, "happy🌍earth day🌍"),
    (KEY, True, "I ❤️wm42"),
    (KEY, True, "1️⃣wm42"),
    (KEY, True, "wm42❤️"),
    (KEY, True, "👩‍👩‍👧wm42👍🏽"),
    (KEY, True, "wm42's"),
    (KEY, True, "x.com/wm42/y"),
    (KEY, True, "今日はWM42です"),
    (KEY, True, "วันนี้wm42"),
    (KEY, True, "wm42입니다"),
    (KEY, False, "earthday"),
    (KEY, False, "earth-day"),
    (KEY, False, "earth days"),
    (KEY, False, "unearth day"),
    (KEY, False, "wm421"),
    (KEY, False, "swm42"),
    (KEY, False, "wm42_x"),
    (KEY, False, "éwm42"),
    (KEY, False, "e\u0301wm42"),
    (KEY, False, "wm42é"),
    (KEY, False, "wm42\u0301"),
    (KEY, False, "дwm42"),
    (KEY, False, "٣wm42"),
    (KEY, False, "wm 42"),
    (KEY, False, ""),
    (KEY, True, NFD),
    (KEY, True, "CAFÉ"),
    (KEY, True, "STRAẞE"),
    (KEY, False, "cafe"),
    (KEY, False, "cafés"),
    (KEY, True, "ΜΕΤΡΌ"),
    (KEY, True, "Istanbul"),
    (TAG, True, "#earthday"),
    (TAG, True, "\uff03EARTHDAY と"),
    (TAG, True, "so #EarthDay."),
    (TAG, True, "so\n#EarthDay!?»"),
    (TAG, True, "so\u3000\uff03EarthDay_"),
    (TAG, True, "so\u00a0#earthday\u200bthis"),
    (TAG, True, "\ufeff#earthday\u2028and"),
    (TAG, True, "#earthday #earthday"),
    (TAG, True, "#other, #earthday"),
    (TAG, True, "#ΕΛΛΆΔΑΣ"),
    (TAG, False, "earthday"),
    (TAG, False, "#earthday2026"),
    (TAG, False, "#earth day"),
    (TAG, False, "#earthday最高"),
    # Within an address or a word, or a longer hashtag.
    (TAG, False, "read https://example.com/page#earthday now"),
    (TAG, False, "example.com/#earthday"),
    (TAG, False, "abc#earthday"),
    (TAG, False, "so#EarthDay."),
    (TAG, False, "最高#earthday"),
    (TAG, False, "(#earthday)"),
    (TAG, False, "##earthday"),
    (TAG, False, "#other#earthday"),
    (TAG, False, "#earthday#other"),
    (TAG, False, "#earthday-2026"),
    (TAG, False, "#earthday's"),
    (TAG, False, "#earthday🌍"),
    (TAG, False, "# earthday"),
    (CJK, True, "今日のトランプ関税について"),
    (CJK, True, "トランプ関税"),
    (CJK, True, "気候変動xyz"),
    (CJK, True, "ไปกรุงเทพกัน"),
    (CJK, True, "트럼프는"),
    (CJK, False, "トランプの関税"),
    (PATTERN, True, "the MYTHOS here"),
    (PATTERN, True, "discolours"),
    (PATTERN, False, "mythology"),
]
TAGS: list[tuple[Topic, bool, str]] = [
    (TAG, True, "earthday"),
    (TAG, True, "EARTHDAY"),
    (TAG, True, "İzmir"),
    (TAG, True, unicodedata.normalize("NFD", "İzmir")),
    (TAG, True, "ΕΛΛΆΔΑΣ"),
    (TAG, True, "ελλάδας"),
    (TAG, False, "earthday2026"),
    (TAG, False, "theearthday"),
    (KEY, True, "EarthDay"),
    (KEY, True, "CAFÉ"),
    (KEY, True, unicodedata.normalize("NFD", "café")),
    (KEY, False, "day"),
    (CJK, True, "トランプ関税"),
    (PATTERN, True, "mythos"),
    (PATTERN, True, "watercolors"),
    (PATTERN, False, "mythology"),
]


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Each text as a text and as a link title, each tag as a tag and as a facet."""
    events: list[Event] = []

    def add(text: str, **fields: Any) -> None:
        events.append(post("ann", f"p{len(events)}", text, rev=len(events), time=at(1), **fields))

    for _, _, text in TEXTS:
        add(text)
        add("no words", embed={"external": {"title": text}})
        add("no words", embed={"media": {"external": {"title": text}}})
    for _, _, tag in TAGS:
        add("no words", tags=["other", tag])
        add("no words", facets=[{"features": [{"did": "x"}, {"tag": tag}]}])
    with Store.open(ingest(tmp_path_factory.mktemp("words"), *events)) as store:
        store.run("panel/inactive", end=WINDOW.end)
        yield store


@pytest.mark.slow
def test_words_that_match(words: Store) -> None:
    matched: dict[str, set[int]] = {}
    for topic in (KEY, TAG, CJK, PATTERN):
        count_events(words, topic, WINDOW)
        found = words._connection.execute(KEYS).fetchall()
        matched[topic.pattern] = {int(rkey[1:]) for (rkey,) in found}
    cases = [case for case in TEXTS for _ in range(3)] + [case for case in TAGS for _ in range(2)]
    wrong = [
        (wanted, text, number)
        for number, (topic, wanted, text) in enumerate(cases)
        if (number in matched[topic.pattern]) != wanted
    ]
    assert wrong == []


def test_whatever_normalization_changes_is_normalized(words: Store) -> None:
    # What is left alone as being in NFC already must be so: each letter, alone and after another.
    words.run("store/rollups/compare_words")
    letters = [chr(n) for n in range(1, 0x110000) if not 0xD800 <= n < 0xE000]
    words.register("letters", pl.DataFrame({"letter": letters}))
    query = (
        "SELECT count(*) FILTER (nfc(text) <> nfc_normalize(text)), "
        "count(*) FILTER (text <> nfc_normalize(text)) FROM "
        "(SELECT letter AS text FROM letters UNION ALL SELECT 'a' || letter FROM letters)"
    )
    ((wrong, changed),) = words._connection.execute(query).fetchall()
    assert wrong == 0
    assert changed > 2000
    # The second of two that are put together into one: after no other would it show.
    seconds = {
        chr(int(parts[1], 16))
        for parts in (unicodedata.decomposition(letter).split() for letter in letters)
        if len(parts) == 2 and not parts[0].startswith("<")
    }
    assert len(seconds) > 50
    pairs = [f"{first}{second}" for second in seconds for first in "aeiou\u0391\u1100\uac00"]
    kept = words._connection.execute(
        "SELECT t FROM unnest($1) AS x(t) WHERE nfc(t) <> nfc_normalize(t)", [pairs]
    ).fetchall()
    assert kept == []


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        (
            "mythos",
            ["Claude Mythos is out", "anthropic\u2019s mythos", "Mythos Preview", "#ClaudeMythos"],
            ["Cthulhu mythos", "ein Mythos", "the mythos of Rome", "claude is a myth"],
        ),
        (
            "trump-tariffs",
            ["Trump's tariffs", "trump tariff", "a trade war", "#Tariffs", "Trump-Zölle",
             "今日のトランプ関税", "reciprocal tariffs"],
            ["my electricity tariff", "trump said", "phone tariffs", "tradewars"],
        ),
        (
            "the-masters",
            ["watching The Masters", "Augusta National", "a green jacket!", "#TheMasters"],
            ["my masters degree", "remasters", "master class", "the masterson"],
        ),
        (
            "earth-day-climate",
            ["Happy Earth Day", "climate change", "Klimawandel", "気候変動について",
             "mudanças climáticas", "#ClimateAction"],
            ["political climate", "earth", "a day on earth", "earthdays"],
        ),
        (
            "wrestlemania",
            ["WrestleMania!", "wrestle mania", "WM42", "#WrestleMania42", "今日はWrestleManiaだ"],
            ["wrestling", "wrestlemaniacs", "wm420", "mania"],
        ),
    ],
)  # fmt: skip
def test_shipped_topics(tmp_path: Path, name: str, yes: list[str], no: list[str]) -> None:
    events = [post("ann", f"{k}", text, rev=k, time=at(k)) for k, text in enumerate([*yes, *no])]
    with Store.open(ingest(tmp_path, *events)) as store:
        topic = topics.choose(store, name)
        assert topic is not None
        count_events(store, topic, WINDOW)
        found = store._connection.execute(f"SELECT key::INT FROM ({KEYS}) ORDER BY 1").fetchall()  # noqa: S608 - ours
    assert [(yes + no)[k] for (k,) in found] == yes


@pytest.mark.slow
def test_five_topics_are_shipped_and_each_keyword_matches_itself(tmp_path: Path) -> None:
    shipped = topics.shipped()
    assert {t.category for t in shipped.values()} == {
        "technology", "politics", "sports", "society", "entertainment"
    }  # fmt: skip
    assert len(shipped) == 5
    events: list[Event] = []
    wanted: dict[str, str] = {}
    for topic in shipped.values():
        for form in (*topic.keywords, *(f"#{tag}" for tag in topic.hashtags)):
            for text in (form, f"x {form.upper()}, y"):
                wanted[f"p{len(events)}"] = topic.name
                events.append(post("ann", f"p{len(events)}", text, rev=1, time=at(1)))
    assert len(events) > 100
    with Store.open(ingest(tmp_path, *events)) as store:
        for topic in shipped.values():
            count_events(store, topic, WINDOW)
            found = store._connection.execute(KEYS).fetchall()
            assert {r for (r,) in found} >= {r for r, name in wanted.items() if name == topic.name}


# --- what follows from a match -------------------------------------------------------------------

MYTHOS = Topic("t", "t", keywords=("mythos",))


def test_replies_and_reposts_belong_by_what_they_answer(tmp_path: Path) -> None:
    source = uri("ann", "hit")
    events = [
        post("ann", "hit", "mythos", rev=1, time=at(1)),
        post("ann", "miss", "nothing", rev=2, time=at(1)),
        # By the parent, by the root, by its own words, by neither.
        post("bea", "a", "yes", rev=3, time=at(2), parent=source),
        post("cyd", "b", "deep", rev=4, time=at(3), parent=uri("bea", "a"), root=source),
        post("dot", "c", "mythos?", rev=5, time=at(3), parent=uri("ann", "miss")),
        post("eve", "d", "no", rev=6, time=at(3), parent=uri("ann", "miss")),
        # Not by what its parent answers: that reply's own words do not match.
        post("fay", "e", "no", rev=7, time=at(4), parent=uri("bea", "a"), root=uri("bea", "a")),
        # Reposts by the post they repost; of a reply only if its own words match.
        repost("gus", "r", source, rev=8, time=at(5)),
        repost("hal", "r", uri("dot", "c"), rev=9, time=at(5)),
        repost("ida", "r", uri("bea", "a"), rev=10, time=at(5)),
        # A repost whose key is that of a post that matches is not that post.
        repost("ann", "hit", uri("ann", "miss"), rev=11, time=at(5)),
        # Something of the same key that is no post.
        repost("jay", "r", uri("ann", "hit", "app.bsky.feed.generator"), rev=12, time=at(5)),
        # Answering what was never seen.
        post("kim", "f", "no", rev=13, time=at(5), parent=uri("zoe", "mythos")),
    ]
    db = ingest(tmp_path, *events)
    wanted = [
        ("ann", "post"), ("bea", "reply"), ("cyd", "reply"), ("dot", "reply"), ("gus", "repost"),
        ("hal", "repost"),
    ]  # fmt: skip
    assert counted(db, MYTHOS) == wanted


@pytest.mark.slow
def test_what_is_answered_must_be_seen_in_the_window_and_still_be_there(tmp_path: Path) -> None:
    events = [
        post("ann", "early", "mythos", rev=1, time=at(-1)),
        post("ann", "late", "mythos", rev=2, time=at(days=14)),
        post("ann", "removed", "mythos", rev=3, time=at(1)),
        post("ann", "edited", "mythos", rev=4, time=at(1)),
        post("ann", "gained", "nothing", rev=5, time=at(1)),
        post("gone", "x", "mythos", rev=6, time=at(1)),
        *(
            post(f"r{k}", "x", "yes", rev=10 + k, time=at(2), parent=uri(who, rkey))
            for k, (who, rkey) in enumerate(
                [("ann", "early"), ("ann", "late"), ("ann", "removed"), ("ann", "edited"),
                 ("ann", "gained"), ("gone", "x")]
            )
        ),
        delete("ann", POST, "removed", rev=20, time=at(3)),
        post("ann", "edited", "nothing", rev=21, time=at(3), operation="update"),
        post("ann", "gained", "mythos", rev=22, time=at(3), operation="update"),
        account("gone", "takendown", time=at(4)),
        post("eve", "first", "mythos", rev=23, time=at(0)),
        post("eve", "last", "mythos", rev=24, time=at(days=14) - timedelta(microseconds=1)),
    ]  # fmt: skip
    db = ingest(tmp_path, *events)
    assert counted(db, MYTHOS) == [
        ("ann", "post"),
        ("eve", "post"),
        ("eve", "post"),
        ("r4", "reply"),
    ]
    wider = Window(at(-1), at(days=14, seconds=1))
    assert ("r0", "reply") in counted(db, MYTHOS, wider)
    assert ("r1", "reply") in counted(db, MYTHOS, wider)


@pytest.mark.slow
def test_check_counts_participants_by_day(tmp_path: Path) -> None:
    events = [
        post("ann", f"{d}{k}", "mythos", rev=1, time=at(k, days=d))
        for d in (0, 2)
        for k in range(3)
    ]
    events += [repost("bea", "r", uri("ann", "00"), rev=2, time=at(days=2))]
    query = PanelQuery(ingest(tmp_path, *events), None, ("mythos",), start=at(0), end=at(days=3))
    (found,) = check_topics(query, [])
    assert found.days.select("participants", "events").rows() == [(1, 3), (0, 0), (2, 4)]
    assert found.days["day"].to_list() == [(at(days=d)).date() for d in range(3)]
    assert (found.days_over, found.holds) == (0, False)
    assert dataclasses.replace(found, days_over=10).holds
    names = [f.topic.name for f in check_topics(dataclasses.replace(query, match=()), [])]
    assert names == list(topics.shipped())


# --- choosing ------------------------------------------------------------------------------------


def test_choosing(tmp_path: Path) -> None:
    with Store.open(ingest(tmp_path, post("ann", "x", rev=1, time=at(1)))) as store:
        assert topics.choose(store, "all") is None
        for name, hint in (("mythoss", "did you mean mythos?"), ("zzz", "topics list")):
            with pytest.raises(UnknownTopicError, match=hint):
                topics.choose(store, name)
        with pytest.raises(UsageError, match="name a topic"):
            topics.choose(store, None)
        match = topics.choose(store, None, ["a+", "b"])
        assert match is not None
        assert (match.name, match.patterns) == ("match", ("a+", "b"))
        named = topics.choose(store, "mine", ["a"])
        assert named is not None
        assert named.name == "mine"
        for bad in (r"(a)\1", "a{1000}{1000}{1000}", "(", "a)|(b", "(?=x)", "\udcff"):
            with pytest.raises(PatternError, match="is refused"):
                topics.choose(store, None, ["fine", bad])


def test_hostile_patterns_run_in_linear_time(tmp_path: Path) -> None:
    events = [
        post("ann", "x", "a" * 3000 + "!", rev=1, time=at(1)),
        post("bea", "x", "a" * 60_000 + "!", rev=2, time=at(1)),
        post("cyd", "x", "aaa", rev=3, time=at(1)),
    ]
    db = ingest(tmp_path, *events)
    # On an engine that backtracks this would outlast the universe.
    for pattern in ("(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*)*$"):
        found = counted(db, Topic("t", "t", patterns=(pattern,)))
        assert ("cyd", "post") in found


GOOD = '[topics.mine]\nkeywords = ["a"]\n'
WRONG: list[tuple[str, str]] = [
    ("", "defines no topics"),
    ("topics = 3", "defines no topics"),
    ("[topics]", "defines no topics"),
    ("[topic.mine]\nkeywords = ['a']", "defines no topics"),
    ("not toml", ":1: not TOML at 'not toml'"),
    ("[topics.mine]\nkeywords = ['a'", "not TOML at the end of the file"),
    ("[topics]\nmine = 3", "is not a table"),
    ("[topics.mine]\nkeyword = ['a']", "did you mean keywords"),
    ("[topics.mine]\nzzz = ['a']", "known: category"),
    ("[topics.mine]\ntitle = 'x'", "matches nothing"),
    ("[topics.mine]\nkeywords = []", "matches nothing"),
    ("[topics.mine]\nkeywords = 'a'", "must be a list"),
    ("[topics.mine]\nkeywords = [1]", "must be a list"),
    ("[topics.mine]\nkeywords = ['']", "must be a list"),
    ("[topics.mine]\nkeywords = [' ']", "must be a list"),
    ('[topics.mine]\nkeywords = ["\\u00a0"]', "must be a list"),
    ('[topics.mine]\nkeywords = ["\\u3000\\r"]', "must be a list"),
    ("[topics.mine]\nhashtags = ['#']", "must be a list"),
    ('[topics.mine]\nhashtags = ["# \\u3000"]', "must be a list"),
    ('[topics.mine]\nhashtags = ["\uff03"]', "must be a list"),
    ("[topics.mine]\npatterns = [['a']]", "must be a list"),
    ("[topics.all]\nkeywords = ['a']", "a name is"),
    ("[topics.Mine]\nkeywords = ['a']", "a name is"),
    ("[topics.'a b']\nkeywords = ['a']", "a name is"),
    ("[topics.\"mine\\n\"]\nkeywords = ['a']", "a name is"),
    ("[topics.mine]\ntitle = 3\nkeywords = ['a']", "must be texts"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_errors_in_a_file_of_topics(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "topics.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        topics.load(path)
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.toml", tmp_path):
        with pytest.raises(InputError, match="cannot read"):
            topics.load(path)
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="this is not text in UTF-8"):
        topics.load(tmp_path / "x.toml")


def test_own_topics_join_the_shipped_ones_and_win(tmp_path: Path) -> None:
    path = tmp_path / "topics.toml"
    path.write_text(
        GOOD + "[topics.mythos]\nhashtags = [' #One ', '\uff03two']\npatterns = ['x y']\n"
        "title = 'T'\ncategory = 'c'\n"
    )
    loaded = topics.load(path)
    assert set(loaded) == {*topics.shipped(), "mine"}
    assert loaded["mine"].title == "mine"
    mythos = loaded["mythos"]
    assert (mythos.hashtags, mythos.patterns, mythos.title) == (("One", "two"), ("x y",), "T")
    assert mythos.origin == str(path)
    assert mythos.info.hashtags == ("One", "two")
    db = ingest(tmp_path, post("ann", "x", "#two", rev=1, time=at(1)))
    assert counted(db, mythos) == [("ann", "post")]
