"""Forgetting accounts: nothing of them is left or comes back, and all else stays right."""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st

from blueattr.decode.chunk import Chunk
from blueattr.decode.cut_lines import LINE_LIMIT
from blueattr.decode.parse import Parser
from blueattr.errors import StoreError
from blueattr.ingest import read
from blueattr.store.commit import fold
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.committer import InlineCommitter
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.forget import (
    KnownAccount,
    deleted_accounts,
    forget,
    known_names,
    look_up,
    sources_naming,
)
from blueattr.store.rollups import roll_up
from support import crash
from support.effort import costly_law
from support.events_builder import (
    Event,
    account,
    at,
    delete,
    did,
    dumps,
    follow,
    identity,
    lines,
    plc,
    plc_did,
    post,
    profile,
    quoting,
    repost,
    tid,
    uri,
)
from support.rollup_checks import MYTHOS, WHO, WINDOWS, append, check, histories
from support.store_content import Content, content, expected, rows

ANN, BEA = did("ann"), did("bea")
# What Ann wrote, what was written to her, and what is about others.
EVENTS = [
    identity("ann", "ann.example.org", time=at(0)),
    profile("ann", rev=1, time=at(0)),
    post("ann", "own-key", "mythos of ann", rev=2, time=at(1), tags=["annstag"]),
    post("ann", "own-key-2", "never named", rev=3, time=at(2)),
    post("bea", "b", "an answer", rev=4, time=at(3), parent=uri("ann", "own-key")),
    post("ann", "c", "her answer", rev=5, time=at(4), parent=uri("bea", "b")),
    repost("cyd", "d", uri("ann", "own-key"), rev=6, time=at(5)),
    repost("ann", "e", uri("bea", "b"), rev=7, time=at(6)),
    follow("ann", "f", "bea", rev=8, time=at(7)),
    follow("bea", "g", "ann", rev=9, time=at(8)),
    post("cyd", "h", "mythos of cyd", rev=10, time=at(9)),
    delete("ann", "app.bsky.feed.post", "own-key-2", rev=11, time=at(10)),
    account("ann", "deleted", time=at(days=2)),
    account("dot", "takendown", time=at(days=2)),
    post("bea", "z", "later", rev=12, time=at(days=3)),
]
OWN = [one for one in EVENTS if one["did"] == ANN]
OTHERS = [one for one in EVENTS if one["did"] != ANN]


def as_servers_write(events: list[Event]) -> list[Event]:
    """Give accounts DIDs and records keys of the lengths that they have: the parser takes these."""
    text = "\n".join(map(dumps, events))
    text = re.sub(r"did:plc:([a-z]+)", lambda found: plc_did(found[1]), text)
    keys: dict[str, str] = {}

    def key(found: re.Match[str]) -> str:
        return found[1] + keys.setdefault(found[2], tid(1_000_000 + len(keys)))

    text = re.sub(r'("rkey":"|app\.bsky\.feed\.post/)(?!self)([\w-]+)', key, text)
    return [json.loads(line) for line in text.split("\n")]


def placeholder(store: Store, who: str) -> str:
    """What a store has instead of a DID: HMAC-SHA256 with its key."""
    ((inner, outer),) = rows(store, "FROM forgotten_key")
    inner_hash = hashlib.sha256(inner + who.encode()).digest()
    mark = hashlib.sha256(outer + inner_hash).hexdigest()
    key = bytes(byte ^ 0x36 for byte in inner)
    assert mark == hmac.new(key, who.encode(), hashlib.sha256).hexdigest()
    return f"forgotten:{mark[:32]}"


def renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, tuple) and not isinstance(value, Content):
        return tuple(renamed(one, names) for one in value)
    if isinstance(value, set):
        return {renamed(one, names) for one in value}
    if isinstance(value, dict):
        return {renamed(k, names): renamed(v, names) for k, v in value.items()}
    return value


def without(db: Path, gone: list[str]) -> Content:
    """What a store holds, with the DIDs of forgotten accounts back where others name them."""
    with Store.open(db) as store:
        names = {placeholder(store, who): who for who in gone}
        stored = [name for (name,) in rows(store, "SELECT did FROM account")]
    assert not set(stored) & set(gone)
    return Content(*(renamed(part, names) for part in content(db)))


def same(db: Path, events: list[Event], gone: list[str]) -> None:
    """A store holds what others wrote, as if those who are forgotten had written nothing."""
    found = without(db, gone)
    wanted = expected([one for one in events if one["did"] not in gone])
    assert found[1:] == wanted[1:]
    # Accounts that only forgotten ones named keep their numbers.
    assert wanted.accounts <= found.accounts | set(gone)


def day(number: int) -> date:
    return at(days=number).date()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with Writer(tmp_path / "store.duckdb") as opened:
        yield opened


# --- the law --------------------------------------------------------------------------------------


@st.composite
def lives(draw: st.DrawFn) -> list[Event]:
    """Histories of few accounts with handles and profiles."""
    events = draw(histories())
    for rev in range(100, 100 + draw(st.integers(0, 4))):
        who, time = draw(st.sampled_from(WHO)), at(days=draw(st.integers(0, 4)))
        events.append(identity(who, f"{who}{rev}.example.org", time=time))
        events.append(profile(who, rev=rev, time=time, bot=draw(st.booleans())))
    return events


@pytest.mark.slow
@costly_law(8, suppress=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_a_store_is_what_the_events_of_all_others_make_of_it(
    fresh: Callable[[], Path], data: st.DataObject
) -> None:
    """Whenever who is forgotten, and whatever of theirs comes again."""
    history, full = data.draw(lives()), data.draw(st.booleans(), label="as servers write")
    who = {name: plc_did(name) if full else did(name) for name in WHO}
    if full:
        history = as_servers_write(history)
        event(f"parsed: {len(Parser().parse(lines(*history))[1]) == 0}")
    events = data.draw(st.permutations(history))
    gone: list[str] = []
    db, patch = fresh() / "store.duckdb", pytest.MonkeyPatch()
    window = data.draw(st.sampled_from(WINDOWS))
    with Writer(db) as writer, patch.context() as patched:
        patched.setattr(fold, "SLACK", data.draw(st.sampled_from([1000, 1])))
        while events:
            size = data.draw(st.integers(1, len(events)))
            part, events = events[:size], events[size:]
            append(writer, *part)
            if data.draw(st.booleans(), label="roll up"):
                roll_up(writer, [MYTHOS], at(days=data.draw(st.sampled_from([1, 2, 4]))).date())
            if data.draw(st.booleans(), label="forget"):
                some = data.draw(st.sets(st.sampled_from(WHO), min_size=1))
                new = [who[name] for name in sorted(some)]
                forget(writer, new)
                gone += new
        if data.draw(st.booleans(), label="read again"):
            append(writer, *history)
        if not gone:
            gone = [who["ann"]]
            forget(writer, gone)
    event(f"forgotten: {len(set(gone))}")
    same(db, history, sorted(set(gone)))
    check(db, window, (None, MYTHOS))


# --- by hand --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_an_account_wrote_and_is_goes_and_what_others_wrote_stays(writer: Writer) -> None:
    append(writer, *EVENTS)
    roll_up(writer, [MYTHOS], day(4))
    db = writer.path
    with Store.open(db) as store:
        counted = look_up(store, [ANN, did("nobody")])
    assert (counted.accounts, counted.records, counted.texts, counted.handles) == (1, 5, 0, 1)
    assert (counted.profiles, counted.status_changes, counted.kept_of_others) == (1, 1, 3)
    assert counted.names == ("ann.example.org", ANN, did("nobody"))
    before = content(db)
    assert forget(writer, [ANN, did("nobody")]) == counted
    same(db, EVENTS, [ANN, did("nobody")])
    check(db, WINDOWS[0], (None, MYTHOS))
    check(db, WINDOWS[1], (None, MYTHOS))
    assert len(content(db).records) == len(before.records) - 5
    # Keys of hers that nobody names are gone, too; one that others name stays with them.
    with Store.open(db) as store:
        keys = {key for (key,) in rows(store, "SELECT rkey FROM record_key")}
        tables = rows(store, "SELECT table_name FROM duckdb_tables() "
                      "WHERE database_name = 'store'")  # fmt: skip
        text = str([rows(store, f"FROM {name}") for (name,) in tables])
    assert "own-key" in keys
    assert "own-key-2" not in keys
    for word in (ANN, "ann.example.org", "mythos of ann", "her answer", "annstag", did("nobody")):
        assert word not in text, word
    assert "an answer" in text


@pytest.mark.slow
def test_who_is_quoted_mentioned_or_found_by_is_known_by_a_mark_alone(writer: Writer) -> None:
    quoted, found = uri("ann", "own-key"), uri("ann", "own-repost", "app.bsky.feed.repost")
    events = [
        post("ann", "own-key", "mythos", rev=2, time=at(1), langs=["tlh"]),
        repost("ann", "own-repost", uri("bea", "b"), rev=3, time=at(2)),
        post("bea", "q", "a quote", rev=4, time=at(3), embed={"record": {"uri": quoted}}),
        post("cyd", "m", "a mention", rev=5, time=at(4), facets=[{"features": [{"did": ANN}]}]),
        repost("cyd", "v", uri("bea", "b"), rev=6, time=at(5), via={"uri": found}),
    ]
    append(writer, *events)
    forget(writer, [ANN])
    same(writer.path, events, [ANN])
    with Store.open(writer.path) as store:
        mark = placeholder(store, ANN)
        named = rows(
            store, "SELECT did FROM account JOIN record ON id IN (quoted, via, mentions[1])"
        )
        keys = {key for (key,) in rows(store, "SELECT rkey FROM record_key")}
        languages = rows(store, "SELECT langs FROM record WHERE langs IS NOT NULL")
    assert named == [(mark,)] * 3
    assert keys >= {"own-key", "own-repost"}
    assert languages == []


@pytest.mark.slow
def test_quotes_by_a_forgotten_account_go_and_those_of_it_stay(writer: Writer) -> None:
    events = [
        post("ann", "p", "mythos", rev=1, time=at(1)),
        post("bea", "q", "so", rev=2, time=at(2), embed=quoting(uri("ann", "p"))),
        post("ann", "r", "so", rev=3, time=at(3), embed=quoting(uri("bea", "q"))),
        post("cyd", "s", "so", rev=4, time=at(4), embed=quoting(uri("ann", "p"))),
    ]
    append(writer, *events)
    roll_up(writer, [MYTHOS], day(4))
    assert forget(writer, [BEA]).kept_of_others == 1
    with writer._attached():
        sums = rows(writer, "SELECT did, sum(quotes_received) FROM agent_day "
                    "JOIN account ON id = account GROUP BY did")  # fmt: skip
    received = {who.split(":")[0 if who.startswith("forgotten") else -1]: n for who, n in sums}
    assert received == {"ann": 1, "forgotten": 1, "cyd": 0}
    same(writer.path, events, [BEA])
    check(writer.path, WINDOWS[0], (None, MYTHOS))


@pytest.mark.slow
def test_an_account_does_not_come_back_by_reading_a_file_again(tmp_path: Path) -> None:
    db, file, export = tmp_path / "x.duckdb", tmp_path / "x.jsonl", tmp_path / "plc.jsonl"
    file.write_bytes(lines(*EVENTS, identity("bea", "bea.example.org", time=at(0))))
    export.write_bytes(
        lines(plc("ann", handle="ann.example.org", created=at(0)), plc("cyd", created=at(0)))
    )
    read.ingest(db, [str(file)])
    read.ingest(db, [str(export)], kind="plc")
    assert plc_did("ann") in content(db).plc
    with Writer(db) as writer:
        forget(writer, [ANN, plc_did("ann")])
    once = content(db)
    assert len(once.plc) == 1
    file.write_bytes(file.read_bytes() + lines(post("dot", "new", rev=90, time=at(20))))
    export.write_bytes(export.read_bytes() + lines(plc("dot", created=at(0))))
    read.ingest(db, [str(file)])
    read.ingest(db, [str(export)], kind="plc")
    again = content(db)
    assert len(again.records) == len(once.records) + 1
    assert len(again.plc) == 2
    assert ANN not in str(again)
    assert "ann.example.org" not in str(again)
    hidden = {name for name in again.accounts if name.startswith("forgotten:")}
    assert len(hidden) == 1
    assert hidden < once.accounts


def test_an_account_is_found_by_the_handles_that_it_had_earlier_and_they_go(tmp_path: Path) -> None:
    db, export = tmp_path / "x.duckdb", tmp_path / "plc.jsonl"
    earlier = ("ann.example.org", "annie.example.org")
    others = [plc("cyd", at(0), "cyd.example.org"), plc("cyd", at(1), "cydney.example.org")]
    hers = [plc("ann", at(k), name) for k, name in enumerate((*earlier, "anna.example.org"))]
    export.write_bytes(lines(*hers, *others))
    read.ingest(db, [str(export)], kind="plc")
    with Store.open(db) as store:
        (known,) = known_names(store, [plc_did("ann")])
        assert known.names == (*sorted([*earlier, "anna.example.org"]), plc_did("ann"))
        assert set(rows(store, "SELECT handle FROM plc_handle")) > {(name,) for name in earlier}
    with Writer(db) as writer:
        assert set(forget(writer, [plc_did("ann")]).names) == set(known.names)
    export.write_bytes(export.read_bytes() + lines(*hers[::-1]))
    read.ingest(db, [str(export)], kind="plc")
    with Store.open(db) as store:
        assert rows(store, "SELECT did, handle FROM plc_handle") == [
            (plc_did("cyd"), "cyd.example.org")
        ]
        assert rows(store, "SELECT did FROM plc") == [(plc_did("cyd"),)]


@pytest.mark.slow
def test_an_account_that_was_never_seen_does_not_come_in(writer: Writer) -> None:
    append(writer, *OTHERS[-1:])
    forget(writer, [ANN])
    append(writer, *EVENTS)
    same(writer.path, EVENTS, [ANN])
    assert ANN not in str(content(writer.path))


@pytest.mark.slow
def test_lines_that_the_compiled_parser_reads_are_kept_away(writer: Writer) -> None:
    events = as_servers_write(EVENTS)
    own = [one for one in events if one["did"] == plc_did("ann")]
    parsed, left = Parser().parse(lines(*own))
    assert sum(len(part.flags) for part in parsed) >= 6
    assert len(left) == 0
    append(writer, *events)
    forget(writer, [plc_did("ann")])
    before = content(writer.path)
    append(writer, *own)
    assert content(writer.path) == before
    append(writer, *events)
    same(writer.path, events, [plc_did("ann")])


@pytest.mark.slow
def test_lines_that_it_leaves_to_the_engine_are_kept_away(writer: Writer) -> None:
    append(writer, *OTHERS)
    forget(writer, [ANN])
    before = content(writer.path).records
    unusual = lines(*OWN).replace(b'{"did"', b'{ "did"').replace(b'"kind"', b'\t"kind"')
    state = SourceState("unusual", "file")
    writer.commit(writer.stage(Chunk(unusual, 0, 0, len(unusual)), state))
    assert content(writer.path).records == before
    assert ANN not in str(content(writer.path))


@pytest.mark.slow
def test_samples_of_rejected_lines_keep_no_words(writer: Writer) -> None:
    """Whether or not a line names somebody, and whatever cuts or decodes it."""
    words = "secret words of ann.example.org"
    bad_rev = post("ann", tid(1), words, rev=1, time=at(1))
    bad_rev["commit"]["rev"] = "oops"
    cases = {
        "beyond the cut": f'{{"text":"{words}{"x" * 250}","did":"{ANN}"}}',
        "cut in two": ('{"text":"' + words + "x" * 250)[:195] + ANN,
        "escaped": f'{{"text":"{words}","did":"did\\u003aplc\\u003aann"}}',
        "upper case": f'{{"text":"{words}","did":"{ANN.upper()}"}}',
        "trailing dot": f"{words} {ANN}.",
        "no name": "{oops secret words",
        "not UTF-8": f'{{"text":"{words}\udcff","did":"{ANN}"}}',
        "too long": f'{{"text":"{words}{"x" * LINE_LIMIT}","did":"{ANN}"}}',
        "bad rev": dumps(bad_rev),
        "plc": f'{{"did":"{ANN}","operation":{{"handle":"secret"}},"createdAt":"secret"}}',
    }

    def commit(name: str, case: str) -> None:
        data = f"{cases[case]}\n".encode(errors="surrogateescape")
        kind = "plc" if case == "plc" else "file"
        writer.commit(writer.stage(Chunk(data, 0, 0, len(data)), SourceState(name, kind)))

    def samples() -> list[tuple[str, str]]:
        with writer._attached():
            return rows(writer, "SELECT source, sample FROM rejected_sample ORDER BY source")

    for case in cases:
        commit(case, case)
    before = samples()
    assert len(before) == len(cases)
    assert all(sample for _, sample in before)
    held = str(before).lower()
    assert [word for word in ("secret", "words", "xxx", "ann", "oops") if word in held] == []
    forget(writer, [ANN])
    assert samples() == before
    for case in cases:
        commit(case, case)
    assert samples() == before
    with writer._attached():
        assert rows(writer, "SELECT sum(lines) FROM rejected") == [(len(cases),)]
    assert b"secret" not in writer.path.read_bytes()


SPELLED = (
    "{}",
    "export-{}.jsonl",
    "{}.jsonl.gz",
    "x_{}_2026",
    "did%3Aplc%3Aann.json",
    "DID_PLC_ANN.json",
)


@pytest.mark.slow
@pytest.mark.parametrize("spelled", SPELLED)
def test_no_name_of_a_source_has_the_did(spelled: str, writer: Writer) -> None:
    name, other = f"/data/{spelled.format(ANN)}", f"/data/{BEA} {ANN}more"
    bad = b'{"oops\n'

    def commit(name: str) -> None:
        data = lines(*EVENTS) + bad
        state = SourceState(name, "file", position=len(data))
        writer.commit(writer.stage(Chunk(data, 0, 0, len(data)), state))

    def names() -> list[set[str]]:
        statements = (
            "SELECT name FROM source",
            "SELECT source FROM span",
            "SELECT source FROM rejected",
            "SELECT source FROM rejected_sample",
        )
        with writer._attached():
            return [{one for (one,) in rows(writer, statement)} for statement in statements]

    commit(name)
    commit(other)
    assert names() == [{name, other}] * 4
    with Store.open(writer.path) as store:
        assert sources_naming(store, [ANN]) == (name,)
    forget(writer, [ANN])
    with Store.open(writer.path) as store:
        mark = placeholder(store, ANN)
        assert sources_naming(store, [ANN]) == ()
    (changed,) = names()[0] - {other}
    assert mark in changed
    assert names() == [{changed, other}] * 4
    commit(name)
    assert names() == [{changed, other}] * 4
    forget(writer, [BEA])
    assert not any(BEA in one for part in names() for one in part)


@pytest.mark.slow
def test_it_is_known_who_is_forgotten_already_and_by_what_names(writer: Writer) -> None:
    append(writer, *EVENTS)

    def known() -> list[KnownAccount]:
        with Store.open(writer.path) as store:
            return known_names(store, [ANN, BEA])

    assert known() == [
        KnownAccount(ANN, ("ann.example.org", ANN), False),
        KnownAccount(BEA, (BEA,), False),
    ]
    forget(writer, [ANN])
    assert known() == [KnownAccount(ANN, (ANN,), True), KnownAccount(BEA, (BEA,), False)]


@pytest.mark.slow
def test_answers_of_an_appview_that_come_late_are_left_out(writer: Writer) -> None:
    append(writer, *EVENTS)

    def answers() -> pl.DataFrame:
        with writer._attached():
            asked = writer.frame("ingest/accounts")
        return asked.select(
            "account", "did", asked_at=pl.lit(at(0).replace(tzinfo=None)), found=True,
            followers=pl.lit(7, pl.Int64), created_at=pl.lit(None, pl.Datetime("us")),
        )  # fmt: skip

    old = answers()
    writer.hydrate(old)
    forget(writer, [ANN])
    assert len(answers()) == len(old) - 1
    writer.hydrate(old)
    with writer._attached():
        ((hydrated,),) = rows(writer, "SELECT count(*) FROM hydration")
    assert hydrated == len(old) - 1


def test_deleted_accounts_are_those_whose_last_status_is_deleted(writer: Writer) -> None:
    append(
        writer, *EVENTS, account("bea", "deleted", time=at(0)), account("bea", time=at(1)),
        account("cyd", "deleted", time=at(5)), account("cyd", "deactivated", time=at(6)),
    )  # fmt: skip
    with Store.open(writer.path) as store:
        assert deleted_accounts(store) == [ANN]
    forget(writer, [ANN])
    with Store.open(writer.path) as store:
        assert deleted_accounts(store) == []


@pytest.mark.slow
def test_forgetting_twice_and_in_parts_is_forgetting_once(writer: Writer) -> None:
    append(writer, *EVENTS)
    forget(writer, [ANN])
    first = content(writer.path)
    assert forget(writer, [ANN, ANN]).records == 0
    assert content(writer.path) == first
    forget(writer, [BEA, ANN])
    same(writer.path, EVENTS, [ANN, BEA])
    with writer._attached():
        assert len(rows(writer, "FROM forgotten")) == 2
        assert len(rows(writer, "FROM forgotten_key")) == 1


@pytest.mark.slow
def test_a_new_account_does_not_get_the_number_of_a_forgotten_one(writer: Writer) -> None:
    append(writer, post("bea", "p", rev=1, time=at(1)), post("ann", "q", rev=2, time=at(2)))
    forget(writer, [ANN])
    append(writer, post("eve", "r", rev=3, time=at(3)))
    same(writer.path, [post("bea", "p", rev=1, time=at(1)), post("eve", "r", rev=3, time=at(3))],
         [ANN])  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("apart", [40, pytest.param(3, marks=pytest.mark.slow)])
def test_a_fault_at_any_statement_changes_nothing(apart: int, tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    with Writer(db) as opened:
        append(opened, *EVENTS)
        roll_up(opened, [MYTHOS], day(4))

    def everything() -> Any:
        with Store.open(db) as store:
            tables = rows(store, "SELECT table_name FROM duckdb_tables() "
                          "WHERE database_name = 'store' ORDER BY 1")  # fmt: skip
            return {name: rows(store, f"FROM {name} ORDER BY ALL") for (name,) in tables}

    before, failed = everything(), 0
    for step in range(0, 200, apart):
        with Writer(db, committer=InlineCommitter) as writer:
            pass
        with crash.failing(step), Writer(db, committer=InlineCommitter) as writer:
            try:
                forget(writer, [ANN])
            except StoreError as error:
                assert "the disk is gone" in str(error)  # noqa: PT017 - or it did not fail
                failed += 1
            else:
                break
        assert everything() == before
    assert failed >= 40 // apart
    same(db, EVENTS, [ANN])


def test_a_time_of_forgetting_is_kept_and_no_more(writer: Writer) -> None:
    append(writer, *EVENTS)
    forget(writer, [ANN])
    with writer._attached():
        ((mark, when),) = rows(writer, "FROM forgotten")
    assert len(mark) == 32
    assert abs(when - datetime.now(UTC).replace(tzinfo=None)) < timedelta(hours=1)
