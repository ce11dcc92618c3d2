"""Published formats, from made-up files in their layout: every value by a plain twin."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blueattr.errors import InputError
from blueattr.ingest.tables import import_tables, plan_import
from blueattr.sources.tables.formats import Format, formats
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.studies.carriers.records import RecordValue
from support.events_builder import FOLLOW, POST, mixed, tid
from support.store_content import content, expected, rows
from support.table_rows import Row, by_key, own_key, write

ANN, BOB, CY = (f"did:plc:{name * 8}" for name in ("ann", "bob", "cyy"))


def imported(db: Path, *files: Path | str, **options: Any) -> Any:
    done = import_tables(db, plan_import([str(file) for file in files], db, **options))
    assert done.ingested.failures == ()
    return done


def held(db: Path) -> list[Row]:
    """The records of a store, without what is the same for all that are imported."""
    left_out = ("rev", "removed", "repeats")
    found = by_key(content(db).records)
    assert all(row["rev"] == "2" * 13 and not row["removed"] for row in found)
    return in_order({k: v for k, v in row.items() if k not in left_out} for row in found)


def in_order(found: Iterator[Row] | Sequence[Row]) -> list[Row]:
    """Rows without what is None, in the order of their keys."""
    some = [{k: v for k, v in row.items() if v is not None} for row in found]
    return sorted(some, key=lambda row: (row["kind"], row["actor"], row["rkey"]))


def clock(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def accounts(db: Path) -> list[tuple[Any, ...]]:
    with Store.open(db) as store:
        return sorted(
            rows(
                store,
                "SELECT did, followers, followers_at, created_at FROM hydration "
                "JOIN account ON id = account "
                "WHERE followers IS NOT NULL OR created_at IS NOT NULL",
            )
        )


def counts(db: Path) -> list[tuple[Any, ...]]:
    with Store.open(db) as store:
        return sorted(
            rows(
                store,
                "SELECT did, replies, reposts, quotes FROM imported_count "
                "JOIN account ON id = account",
            )
        )


# --- failla ---------------------------------------------------------------------------------------


FAILLA: list[Row] = [
    {"post_id": 1, "user_id": 10, "date": 202304010900, "text": "Hello", "langs": ["eng", "qaa"]},
    {"post_id": 2, "user_id": 11, "date": 202304010905, "text": "oui", "langs": ["fra", "deu"],
     "reply_to": 1, "replied_author": 10, "thread_root": 1, "thread_root_author": 10,
     "labels": ["spam"]},
    # Of a repost the date is that of the original; JSON from tables may have numbers with a point.
    {"post_id": 1, "user_id": 12, "date": 202304010900, "text": "Hello", "langs": ["eng"],
     "repost_from": 1.0, "reposted_author": 10.0},
    {"post_id": 4, "user_id": 12, "date": 202304020000, "text": "see", "quotes": 1,
     "quoted_author": 10},
    {"post_id": 5, "user_id": 12, "date": 202304020001, "text": "and", "reply_to": 2,
     "replied_author": 11, "thread_root": 1, "thread_root_author": 10, "quotes": 4,
     "quoted_author": 12},
]  # fmt: skip
INTERACTIONS = [
    "11,10,10,,,202304010905", "12,,,10,,202304010900", "12,,,,10,202304020000",
    "12,11,10,,12,202304020001",
]  # fmt: skip
LETTERS = {"eng": "en", "fra": "fr", "deu": "de", "qaa": "qaa"}


def failla_twin() -> Iterator[Row]:
    def who(number: Any) -> str | None:
        return None if number is None else f"x:failla:{int(number)}"

    def key(number: Any) -> str | None:
        return None if number is None else own_key("x:failla:", str(int(number)))

    for row in FAILLA:
        get = row.get
        kind = "repost" if get("repost_from") else "post"
        text = {"text": row["text"],
                "langs": " ".join(LETTERS[tag] for tag in get("langs", ())) or None,
                "labels": " ".join(get("labels", ())) or None}  # fmt: skip
        own = (
            own_key("x:failla:", f"repost:{int(row['repost_from'])}") if kind == "repost" else None
        )
        yield {
            "kind": kind,
            "actor": who(row["user_id"]),
            "rkey": own or key(row["post_id"]),
            "time": datetime.strptime(str(row["date"]), "%Y%m%d%H%M")
            .replace(tzinfo=UTC)
            .replace(tzinfo=None),
            "time_from": "claimed",
            "subject": who(get("reposted_author") or get("replied_author")),
            "subject_rkey": key(get("repost_from") or get("reply_to")),
            "root": who(get("thread_root_author")),
            "root_rkey": key(get("thread_root")),
            "quoted": who(get("quoted_author")),
            "quoted_rkey": key(get("quotes")),
            **(text if kind == "post" else {}),
        }


@pytest.mark.few(1)
@pytest.mark.parametrize("form", ["tar", "jsonl"])
def test_posts_of_failla_are_what_their_rows_say(form: str, tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    imported(db, write(tmp_path / f"user_posts.{form}", FAILLA, form), format="failla")
    assert held(db) == in_order(failla_twin())


@pytest.mark.slow
def test_interactions_of_failla_check_the_posts_and_stand_alone(tmp_path: Path) -> None:
    posts = write(tmp_path / "user_posts.jsonl", FAILLA, "jsonl")
    both = tmp_path / "interactions.csv"
    both.write_text("\n".join([*INTERACTIONS, "13,10,10,,,202304020002"]) + "\n")
    done = imported(tmp_path / "x.duckdb", posts, both, format="failla")
    assert done.differences == ("interactions has 3 replies, and posts 2: those of posts are kept",)
    assert held(tmp_path / "x.duckdb") == in_order(failla_twin())
    db = tmp_path / "y.duckdb"
    imported(db, both, format="failla")
    found = held(db)
    assert [row["kind"] for row in found] == ["post"] * 4 + ["repost"]
    acts = {(row["actor"], row.get("subject"), row.get("quoted")) for row in found}
    assert acts == {
        ("x:failla:11", "x:failla:10", None),
        ("x:failla:12", "x:failla:10", None),
        ("x:failla:12", None, "x:failla:10"),
        ("x:failla:12", "x:failla:11", "x:failla:12"),
        ("x:failla:13", "x:failla:10", None),
    }
    with pytest.raises(InputError, match="same acts"):
        imported(db, posts, format="failla")


@pytest.mark.slow
def test_followers_of_failla_are_counts_of_its_last_day(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    path = tmp_path / "followers.csv"
    path.write_text("11,10\n12,10\n12,10\n10,12\n")
    imported(db, path, format="failla")
    day = clock("2024-03-18")
    # Who is followed by nobody has no follower, which is not an unknown number of them.
    counts = {"x:failla:10": 2, "x:failla:11": 0, "x:failla:12": 1}
    assert accounts(db) == [(name, count, day, None) for name, count in counts.items()]
    assert content(db).records == {}


# --- snapshot -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_snapshot_is_the_network_with_its_own_keys(tmp_path: Path) -> None:
    keys = [tid(k) for k in range(1, 9)]
    files: dict[str, list[Row]] = {
        "actors": [{"did_id": k, "did": who} for k, who in enumerate((ANN, BOB, CY))],
        "posts_from_records": [
            {"uri_id": 7, "author_did_id": 0, "rkey": keys[0], "created_at": "2024-01-01 10:00:00",
             "reply_root_uri_id": None, "reply_parent_uri_id": None, "quote_uri_id": None},
            {"uri_id": 8, "author_did_id": 1, "rkey": keys[1], "created_at": "2024-01-01 11:00:00",
             "reply_root_uri_id": 7, "reply_parent_uri_id": 7, "quote_uri_id": None},
            {"uri_id": 9, "author_did_id": 2, "rkey": keys[2], "created_at": "2024-01-01 12:00:00",
             "reply_root_uri_id": None, "reply_parent_uri_id": None, "quote_uri_id": 8},
            {"uri_id": 10, "author_did_id": 2, "rkey": keys[3], "created_at": "2024-01-01 13:00:00",
             "reply_root_uri_id": 99, "reply_parent_uri_id": 99, "quote_uri_id": None},
        ],
        "reposts": [{"actor_did_id": 1, "subject_uri_id": 7, "rkey": keys[4],
                     "created_at": "2024-01-02"}],
        "follows": [{"src_did_id": 0, "dst_did_id": 1, "rkey": keys[5],
                     "created_at": "2024-01-03"}],
        "actor_aggs": [{"did_id": 0, "followers": 12, "following": 3}],
    }  # fmt: skip
    paths = [write(tmp_path / f"{name}.parquet", made, "parquet") for name, made in files.items()]
    db = tmp_path / "x.duckdb"
    done = imported(db, *paths, format="snapshot")
    day = {"time_from": "claimed"}
    assert held(db) == in_order(
        [
            {"kind": "post", "actor": ANN, "rkey": keys[0], "time": clock("2024-01-01 10:00"),
             "text": "", **day},
            {"kind": "post", "actor": BOB, "rkey": keys[1], "time": clock("2024-01-01 11:00"),
             "text": "", "subject": ANN, "subject_rkey": keys[0], "root": ANN,
             "root_rkey": keys[0], **day},
            {"kind": "post", "actor": CY, "rkey": keys[2], "time": clock("2024-01-01 12:00"),
             "text": "", "quoted": BOB, "quoted_rkey": keys[1], **day},
            {"kind": "post", "actor": CY, "rkey": keys[3], "time": clock("2024-01-01 13:00"),
             "text": "", **day},
            {"kind": "repost", "actor": BOB, "rkey": keys[4], "time": clock("2024-01-02"),
             "subject": ANN, "subject_rkey": keys[0], **day},
            {"kind": "follow", "actor": ANN, "rkey": keys[5], "time": clock("2024-01-03"),
             "subject": BOB, **day},
        ]
    )  # fmt: skip
    assert [row[:2] for row in accounts(db)] == [(ANN, 12)]
    assert done.unknown == (1, 0)
    with pytest.raises(InputError, match="without actors"):
        plan_import([str(paths[2])], db, format="snapshot")


# --- sinitaivas -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_sinitaivas_is_the_same_as_an_ingest_of_its_events(tmp_path: Path) -> None:
    events = [
        e for e in mixed(160)
        if e["kind"] == "commit" and e["commit"]["collection"] in {POST, FOLLOW}
        and " " not in e["commit"]["rkey"]
    ]  # fmt: skip
    assert any(e["commit"]["operation"] == "delete" for e in events)
    lines = []
    for event in events:
        commit = event["commit"]
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event["time_us"])
        line = {
            "author": event["did"],
            "rev": commit["rev"],
            "seq": 1,
            "commit_time": moment.isoformat(),
            "collected_at": "2026-06-01T00:00:00Z",
            "action": commit["operation"],
            "type": commit["collection"],
            "uri": f"at://{event['did']}/{commit['collection']}/{commit['rkey']}",
            **{k: v for k, v in commit.get("record", {}).items() if k != "$type"},
        }
        lines.append(json.dumps(line) + "\n")
    path = tmp_path / "2026-05-01T00.ndjson"
    path.write_text("".join(lines))
    db = tmp_path / "x.duckdb"
    imported(db, path, format="sinitaivas")
    assert content(db).records == expected(events).records


@pytest.mark.slow
def test_sinitaivas_keeps_what_posts_are_sliced_by(tmp_path: Path) -> None:
    line = {
        "author": ANN, "rev": tid(5), "commit_time": "2024-01-01T10:00:00Z", "action": "create",
        "uri": f"at://{ANN}/{POST}/{tid(1)}", "text": "x", "langs": ["en", "pt-BR"], "tags": ["b"],
        "embed": {"external": {"uri": "https://www.example.org/a", "title": "A title"},
                  "record": {"record": {"uri": f"at://{BOB}/{POST}/{tid(2)}"}}},
        "facets": [{"features": [{"tag": "a"}, {"uri": "http://b.example/x"}, {"did": CY}]}],
        "labels": {"values": [{"val": "porn"}]},
    }  # fmt: skip
    path = tmp_path / "h.ndjson"
    path.write_text(json.dumps(line))
    db = tmp_path / "x.duckdb"
    imported(db, path, format="sinitaivas")
    (found,) = by_key(content(db).records)
    assert found == {
        "kind": "post", "actor": ANN, "rkey": tid(1), "rev": tid(5), "removed": False,
        "time": clock("2024-01-01 10:00"), "time_from": "server", "text": "x", "langs": "en pt-br",
        "tags": ("a", "b"), "title": "A title", "domains": ("b.example", "example.org"),
        "mentions": (CY,), "labels": "porn", "quoted": BOB, "quoted_rkey": tid(2),
        "repeats": False,
    }  # fmt: skip


# --- widesky --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_widesky_knows_its_records_by_their_contents(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    files: dict[str, list[Row]] = {
        "users": [{"did": ANN, "first_known_as": "old.example", "also_known_as": "{https://me.example,at://-x.example,at://Ann.example}"}],
        "posts": [
            {"cid": "bafy1", "created_at": "2024-01-01 10:00:00+00", "did": ANN, "text": "one",
             "langs": "{en,pt}", "facets": '[{"features": [{"tag": "x"}]}]', "is_reply": "f",
             "reply_root_uri": None, "reply_parent_uri": None},
            {"cid": "bafy2", "created_at": "2024-01-01 11:00:00+00", "did": BOB, "text": "two",
             "langs": "{}", "facets": None, "is_reply": "t",
             "reply_root_uri": f"at://{ANN}/{POST}/{tid(1)}",
             "reply_parent_uri": f"at://{ANN}/{POST}/{tid(2)}"},
        ],
        "reposts": [{"cid": "bafy3", "created_at": "2024-01-01 12:00:00+00", "did": CY,
                     "subject_uri": f"at://{ANN}/{POST}/{tid(1)}"}],
    }  # fmt: skip
    paths = [write(tmp_path / f"{name}.csv", made, "csv") for name, made in files.items()]
    imported(db, *paths, format="widesky")
    made = {"time_from": "claimed"}
    assert held(db) == in_order(
        [
            {"kind": "post", "actor": ANN, "rkey": own_key("x:widesky:", "bafy1"), "text": "one",
             "time": clock("2024-01-01 10:00"), "langs": "en pt", "tags": ("x",), **made},
            {"kind": "post", "actor": BOB, "rkey": own_key("x:widesky:", "bafy2"), "text": "two",
             "time": clock("2024-01-01 11:00"), "subject": ANN, "subject_rkey": tid(2),
             "root": ANN, "root_rkey": tid(1), **made},
            {"kind": "repost", "actor": CY, "rkey": own_key("x:widesky:", "bafy3"),
             "time": clock("2024-01-01 12:00"), "subject": ANN, "subject_rkey": tid(1), **made},
        ]
    )  # fmt: skip
    assert content(db).handles[ANN][1] == "ann.example"


def test_a_record_without_a_key_of_the_network_has_no_link() -> None:
    network, made = tid(1), own_key("x:widesky:", "bafy1")
    links = [
        RecordValue(f"at://{ANN}/{POST}/{key}", "post", "counted", None, 0, 0, 0, 0, 0, 0, 0).link
        for key in (network, made)
    ]
    assert links == [f"https://bsky.app/profile/{ANN}/post/{network}", None]


# --- minet ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_row_of_minet_may_be_a_post_and_a_repost_of_it(tmp_path: Path) -> None:
    post, parent = f"at://{ANN}/{POST}/{tid(1)}", f"at://{BOB}/{POST}/{tid(2)}"
    row = {
        "uri": post, "user_did": ANN, "timestamp_utc": "2024-01-01T09:00:00",
        "indexed_at_utc": "2024-01-01T10:00:00", "text": "one", "to_post_uri": parent,
        "to_user_did": BOB, "to_root_post_uri": parent, "repost_by_user_did": CY,
        "repost_timestamp_utc": "2024-01-01T11:00:00", "quoted_uri": parent, "quoted_user_did": BOB,
        "domains": "example.org|b.example", "hashtags": "x|y", "mentioned_user_dids": f"{BOB}|{CY}",
        "user_langs": "en|fr",
    }  # fmt: skip
    alone = {"uri": f"at://{BOB}/{POST}/{tid(3)}", "user_did": BOB,
             "timestamp_utc": "2024-01-02T09:00:00", "text": "two"}  # fmt: skip
    db = tmp_path / "x.duckdb"
    imported(db, write(tmp_path / "minet.csv", [row, alone], "csv"), format="minet")
    assert held(db) == in_order(
        [
            {"kind": "post", "actor": ANN, "rkey": tid(1), "time": clock("2024-01-01 10:00"),
             "time_from": "imported", "text": "one", "subject": BOB, "subject_rkey": tid(2),
             "root": BOB, "root_rkey": tid(2), "quoted": BOB, "quoted_rkey": tid(2),
             "tags": ("x", "y"), "langs": "en fr", "domains": ("b.example", "example.org"),
             "mentions": (BOB, CY)},
            {"kind": "repost", "actor": CY, "rkey": own_key("x:minet:", f"repost:{post}"),
             "time": clock("2024-01-01 11:00"), "time_from": "imported", "subject": ANN,
             "subject_rkey": tid(1)},
            {"kind": "post", "actor": BOB, "rkey": tid(3), "time": clock("2024-01-02 09:00"),
             "time_from": "claimed", "text": "two"},
        ]
    )  # fmt: skip


# --- 4cat, posts ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_posts_of_4cat_have_the_keys_of_the_network(tmp_path: Path) -> None:
    row = {
        "id": tid(1), "created_at": "2024-01-01T10:00:00.123Z", "author": "ann",
        "author_id": ANN, "body": "one", "tags": "x,y", "like_count": 5, "reply_count": 2,
        "repost_count": 4, "quote_count": 0,
        "quoted_post": f"https://bsky.app/profile/{BOB}/post/{tid(2)}",
        "replied_to_post": f"at://{CY}/{POST}/{tid(3)}", "mentions": BOB,
        "links": "https://www.example.org/a", "labels": "porn", "languages": "en,de",
        "timestamp": 1704103200,
    }  # fmt: skip
    late = {"id": "17", "author_id": "dan", "body": "two", "timestamp": 1704103200,
            "reply_count": 7}  # fmt: skip
    db = tmp_path / "x.duckdb"
    imported(db, write(tmp_path / "x.ndjson", [row, late], "jsonl"), format="4cat")
    assert held(db) == in_order(
        [
            {"kind": "post", "actor": ANN, "rkey": tid(1), "time": clock("2024-01-01 10:00:00.123"),
             "time_from": "claimed", "text": "one", "tags": ("x", "y"), "langs": "en de",
             "quoted": BOB, "quoted_rkey": tid(2), "subject": CY, "subject_rkey": tid(3),
             "root": CY, "root_rkey": tid(3), "mentions": (BOB,), "domains": ("example.org",),
             "labels": "porn"},
            {"kind": "post", "actor": "x:4cat:dan", "rkey": own_key("x:4cat:", "17"),
             "time": clock("2024-01-01 10:00"), "time_from": "claimed", "text": "two"},
        ]
    )  # fmt: skip

    assert counts(db) == [(ANN, 2, 4, 0), ("x:4cat:dan", 7, None, None)]


@pytest.mark.slow
def test_an_address_alone_gives_author_and_time(tmp_path: Path) -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    letters = "234567abcdefghijklmnopqrstuvwxyz"
    key = "".join(letters[(micros << 10) >> shift & 31] for shift in range(60, -1, -5))
    some: list[Row] = [
        {"uri": f"at://{ANN}/{POST}/{key}", "text": "mythos", "reply_count": 3, "handle": "a.b"},
        {"uri": "", "text": "x", "handle": "bob.example", "created_at": "2024-01-02"},
    ]
    db = tmp_path / "x.duckdb"
    done = imported(db, write(tmp_path / "t.csv", some, "csv"), format="posts")
    found = held(db)
    assert found[0] == {"kind": "post", "actor": ANN, "rkey": key, "text": "mythos",
                        "time": moment.replace(tzinfo=None), "time_from": "key"}  # fmt: skip
    assert (found[1]["actor"], found[1]["time_from"]) == ("x:posts:bob.example", "claimed")
    assert done.plan.remarks == ()
    assert counts(db) == [(ANN, 3, None, None)]


KNOWN = [each for each in formats() if not each.name.startswith("table")]


def test_every_format_is_tried_here_and_told_on_the_page_with_its_examples() -> None:
    page = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    own = Path(__file__).read_text(encoding="utf-8")
    for each in KNOWN:
        assert f'format="{each.name}"' in own
        section = page.partition(f"\n### {each.name}\n")[2].partition("\n##")[0]
        examples = [row for layout in each.layouts for row in layout.example]
        assert "```text\n" + "\n".join(examples) + "\n```" in section
        assert each.title


@pytest.mark.slow
@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_the_example_of_a_format_is_what_it_reads(known: Format, tmp_path: Path) -> None:
    """Each has all columns that there must be, and makes what its table gives."""
    files = []
    for layout in known.layouts:
        if layout.of:
            assert not layout.example
            continue
        assert layout.example
        if layout.has_header:
            made = [json.loads(row) for row in layout.example]
            assert all({*layout.required} <= {*row} for row in made)
            path = write(tmp_path / f"{layout.name}.parquet", made, "parquet")
        else:
            path = tmp_path / f"{layout.name}.csv"
            path.write_text("\n".join(layout.example) + "\n")
        files.append(f"{layout.name}={path}")
    db = tmp_path / "x.duckdb"
    done = imported(db, *files, format=known.name)
    assert done.differences == ()
    assert all(not state.rejected and state.kept for state in done.ingested.sources)
    assert {who[:8] for _, who, _ in content(db).records} <= {"did:plc:", "x:failla"}
    has_accounts = any(layout.gives == "accounts" for layout in known.layouts)
    assert bool(accounts(db) or content(db).handles) == has_accounts


@pytest.mark.slow
@pytest.mark.parametrize("table_first", [True, False])
def test_an_age_of_a_table_and_an_answer_of_the_appview_are_kept_in_either_order(
    tmp_path: Path, table_first: bool
) -> None:
    made: list[Row] = [
        {"uri": f"at://{ANN}/{POST}/{tid(1)}", "created_at": "2024-01-02", "created": "2023-05-06"}
    ]
    db = tmp_path / "x.duckdb"
    post = [{"uri": f"at://{ANN}/{POST}/{tid(2)}", "created_at": "2024-01-03"}]
    imported(db, write(tmp_path / "first.csv", post, "csv"), columns={})
    asked = datetime(2024, 6, 1, tzinfo=UTC).replace(tzinfo=None)

    def table() -> None:
        imported(db, write(tmp_path / "x.csv", made, "csv"), columns={"created": "created"})

    def appview() -> None:
        with Store.open(db) as store:
            numbers = {who: number for number, who, _ in store.rows("ingest/accounts")}
        times = {k: pl.Datetime("us") for k in ("asked_at", "created_at")}
        row = {"account": numbers[ANN], "did": ANN, "asked_at": asked, "found": True,
               "followers": 5, "created_at": None}  # fmt: skip
        with Writer(db) as writer:
            writer.hydrate(pl.DataFrame([row], schema_overrides=times))

    for step in (table, appview) if table_first else (appview, table):
        step()
    age = datetime(2023, 5, 6, tzinfo=UTC).replace(tzinfo=None)
    assert accounts(db) == [(ANN, 5, asked, age)]
    with Store.open(db) as store:
        assert [at for _, did, at in store.rows("ingest/accounts") if did == ANN] == [asked]


@pytest.mark.slow
def test_what_a_table_says_of_accounts_is_no_follower_count_that_was_asked_for(
    tmp_path: Path,
) -> None:
    """So that everybody whose handle or age a table has can still be asked about."""
    made: list[Row] = [
        {"uri": f"at://{who}/{POST}/{tid(1)}", "created_at": "2024-01-02", "handle": handle,
         "created": "2023-05-06"}
        for who, handle in ((ANN, "Ann.example"), (BOB, None))
    ]  # fmt: skip
    db = tmp_path / "x.duckdb"
    for form, ages in (
        ("posts", []),
        (None, [datetime(2023, 5, 6, tzinfo=UTC).replace(tzinfo=None)] * 2),
    ):
        columns = {} if form else {"created": "created"}
        imported(db, write(tmp_path / f"{form}.csv", made, "csv"), format=form, columns=columns)
        assert [age for *_, age in accounts(db)] == ages
        with Store.open(db) as store:
            asked = [(did, at) for _, did, at in store.rows("ingest/accounts")]
        assert asked == [(ANN, None), (BOB, None)]
        assert [(did, one[1]) for did, one in content(db).handles.items()] == [(ANN, "ann.example")]
