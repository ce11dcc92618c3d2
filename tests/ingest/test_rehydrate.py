"""Asking for the records of a deposit again: what is found, changed, deleted; how it goes on."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

import blueattr
from blueattr.analysis.asked.naming import VARIABLE
from blueattr.errors import ExitCode, InputError, SourceError
from blueattr.ingest import read
from blueattr.ingest.rehydrate import Rehydrated, rehydrate
from blueattr.report import render
from blueattr.report.deposit import readback
from blueattr.report.inventory.rehydrations import rehydrate_report
from blueattr.sources.collect.identity import own_server
from blueattr.sources.collect.posts import RecordName
from blueattr.sources.collect.repos import Repos
from blueattr.sources.deposits import read_deposit
from blueattr.sources.xrpc import RequestBudget, XrpcClient
from blueattr.store import coverage
from blueattr.store.database import Store
from support.cli_world import refused, run
from support.collect_checks import features, of_stream
from support.collect_world import END, POST, START, Services, busy, serving
from support.events_builder import lines, plc_did


@pytest.fixture
def services() -> Iterator[Services]:
    with serving(busy()) as found:
        yield found


@pytest.fixture
def folder(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deposit of all that is said of the topic on the network."""
    monkeypatch.setattr(readback, "READERS", {})
    return deposited(services, tmp_path)


def deposited(services: Services, tmp_path: Path, **options: Any) -> Path:
    db, path = tmp_path / "live.duckdb", tmp_path / "live.jsonl"
    path.write_bytes(lines(*(one.event for one in services.world.there)))
    read.ingest(db, [str(path)])
    made = blueattr.deposit(
        tmp_path / "deposit", match=["mythos"], license="CC0-1.0", db=db, start=START, end=END,
        indicator="var", keep_bots=True, **options,
    )  # fmt: skip
    return made.folder


async def _no_sleep(_seconds: float) -> None:
    await asyncio.sleep(0)


def asked(db: Path, folder: Path, services: Services, **options: Any) -> Rehydrated:
    usual: dict[str, Any] = {"appview": services.url, "most": 1000, "directory": services.url,
                             "rate": 1000.0, "sleep": _no_sleep}  # fmt: skip
    return rehydrate(db, read_deposit(folder), **(usual | options))


def change(services: Services) -> dict[str, str]:
    """Let people delete and edit; return what became of each record that is not as it was."""
    there = services.world.there
    posts = [one for one in there if one.collection == POST and "mythos" in one.record["text"]]
    answers = [one for one in there if "reply" in one.record]
    # Nobody's who reposts a post again: that of a deleted first one would count.
    reposts = [one for one in there if one.collection != POST and one.who != plc_did("r")]
    gone = [posts[3], answers[1], reposts[0], reposts[2]]
    for one in gone:
        one.gone = True
    for one in (posts[5], answers[2]):
        one.record = {**one.record, "text": one.record["text"] + ", on second thought"}
    # What tells of an edit is the text alone.
    posts[6].record = {**posts[6].record, "langs": ["pt"]}
    return {
        **{one.uri: "deleted" for one in gone},
        **{one.uri: "changed" for one in (posts[5], answers[2])},
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "way", [{}, pytest.param({"appview": None}, marks=pytest.mark.slow)], ids=["AppView", "servers"]
)
def test_exactly_what_was_deleted_or_edited_is_reported_and_the_rest_is_kept(
    folder: Path, services: Services, tmp_path: Path, way: dict[str, Any]
) -> None:
    db, truth = tmp_path / "again.duckdb", change(services)
    done = asked(db, folder, services, **way)
    assert done.is_whole
    study = done.study
    assert len(study.records) > 40
    assert {one.name.uri: done.fates[one.name] for one in study.records} == {
        one.name.uri: truth.get(one.name.uri, "found") for one in study.records
    }
    assert truth.keys() <= {one.name.uri for one in study.records}
    # By an answer that was edited, and by what is there, as a stream of that would give it.
    assert features(db).equals(of_stream(tmp_path, services.world))
    with Store.open(db) as store:
        assert coverage.covered(store)[0].start == START
    assert services.asked["app.bsky.feed.getPosts"] == (0 if way else -(-_posts(study) // 25))


def _posts(study: Any) -> int:
    return sum(one.name.collection == POST for one in study.records)


@pytest.mark.slow
def test_what_is_left_is_told_by_kind_day_and_tier(
    folder: Path, services: Services, tmp_path: Path
) -> None:
    truth = Counter(change(services).values())
    done = asked(tmp_path / "again.duckdb", folder, services)
    said = json.loads(render(rehydrate_report(done), "json"))
    assert {name: said[name] for name in ("deleted", "changed")} == truth
    for rows in ("kinds", "days", "tiers"):
        assert len(said[rows]) >= 2
        for name in ("records", "found", "changed", "deleted", "unknown", "left"):
            assert sum(row[name] for row in said[rows]) == said[name]
    tiers = {one.name: one.tier for one in done.study.records}
    by_tier = Counter(tiers[name] for name, fate in done.fates.items() if fate == "deleted")
    assert {row["tier"]: row["deleted"] for row in said["tiers"] if row["deleted"]} == by_tier
    assert not re.search("did:|at://", render(rehydrate_report(done), "text").decode())


@pytest.mark.slow
def test_nothing_is_deleted_and_nothing_is_missing(
    folder: Path, services: Services, tmp_path: Path
) -> None:
    done = asked(tmp_path / "again.duckdb", folder, services)
    assert {*done.fates.values()} == {"found"}
    assert features(tmp_path / "again.duckdb").equals(features(tmp_path / "live.duckdb"))
    # The same again asks nobody.
    before = len(services.requests)
    again = asked(tmp_path / "again.duckdb", folder, services)
    assert (len(services.requests), again.fates) == (before, done.fates)


@pytest.mark.slow
def test_records_of_accounts_of_whom_nothing_is_left_are_not_asked_for_again(
    folder: Path, services: Services, tmp_path: Path
) -> None:
    db = tmp_path / "again.duckdb"
    for one in services.world.there:
        one.gone = True
    done = asked(db, folder, services)
    assert (done.is_whole, {*done.fates.values()}) == (True, {"deleted"})
    before = len(services.requests)
    again = asked(db, folder, services)
    assert (len(services.requests), again.fates) == (before, done.fates)


@pytest.mark.slow
def test_at_the_limit_it_ends_and_the_same_command_goes_on(
    folder: Path, services: Services, tmp_path: Path
) -> None:
    truth = change(services)
    whole = asked(tmp_path / "whole.duckdb", folder, services)
    db, runs = tmp_path / "again.duckdb", 0
    while True:
        before = len(services.requests)
        done = asked(db, folder, services, most=6)
        assert len(services.requests) - before <= 6
        runs += 1
        if done.is_whole:
            break
        assert runs < 10
    assert runs > 1
    assert done.fates == whole.fates
    assert "deleted" in truth.values()
    assert features(db).equals(features(tmp_path / "whole.duckdb"))


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_told_and_no_deletion(
    folder: Path, services: Services, tmp_path: Path
) -> None:
    services.script = lambda request: (
        (403, {"error": "Forbidden"}) if request.method == "com.atproto.repo.getRecord" else None
    )
    done = asked(tmp_path / "again.duckdb", folder, services)
    reposts = len(done.study.records) - _posts(done.study)
    assert Counter(done.fates.values())["unknown"] == reposts > 5
    assert sum(done.reasons.values()) == reposts
    assert "nobody says" in " ".join(rehydrate_report(done).warnings)
    # It is asked again by the same command.
    services.script = lambda _request: None
    assert {*asked(tmp_path / "again.duckdb", folder, services).fates.values()} == {"found"}


@pytest.mark.slow
def test_an_account_that_is_gone_took_its_records_along(
    folder: Path, services: Services, tmp_path: Path
) -> None:
    repost = next(one for one in services.world.there if one.collection != POST)
    services.script = lambda request: (
        (404, {"message": "DID not registered"}) if request.path == f"/{repost.who}" else None
    )
    done = asked(tmp_path / "again.duckdb", folder, services)
    theirs = {
        f for name, f in done.fates.items() if name.did == repost.who and name.collection != POST
    }
    assert theirs == {"deleted"}
    assert Counter(done.fates.values())["deleted"] < len(done.fates) / 2


@pytest.mark.slow
def test_times_that_were_cut_come_from_the_records_themselves(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readback, "READERS", {})
    folder = deposited(services, tmp_path, coarsen="day")
    done = asked(tmp_path / "again.duckdb", folder, services)
    assert {*done.fates.values()} == {"found"}
    with Store.open(tmp_path / "again.duckdb") as store:
        times = store._connection.execute(
            "SELECT time_from::VARCHAR, count(DISTINCT event_time) FROM event GROUP BY ALL"
        ).fetchall()
    assert times == [("key", len(done.study.records))]


_BAD = ["a%40b.example", "a%20b", "%5B", "xn--a", "localhost%3A8443", "127.0.0.1", "x" * 70]


@pytest.mark.parametrize("host", _BAD)
def test_an_account_whose_address_nobody_may_ask_is_unknown_and_ends_nothing(host: str) -> None:
    async def ask() -> Any:
        async with AsyncExitStack() as stack:
            budget = RequestBudget(0)
            repos = Repos(stack, lambda url: XrpcClient(url, budget=budget))
            return await repos.record(RecordName(f"did:web:{host}", POST, "3k"))

    held = asyncio.run(ask())
    assert held.outcome == "unknown"
    assert "not an address" in held.why or "cannot be used" in held.why


@pytest.mark.parametrize("server", ["http://127.0.0.1:80", "http://localhost", "https://[::1]:8"])
def test_a_document_leads_to_nothing_on_this_machine(server: str) -> None:
    did = plc_did("eve")
    named = [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": server}]
    document = {"id": did, "service": named}
    with pytest.raises(SourceError, match="is this machine"):
        own_server(document, did)
    # Unless the directory is here as well, as in a network of one's own.
    assert own_server(document, did, directory="http://127.0.0.1:2582") == server


# --- what is refused ------------------------------------------------------------------------------


def test_a_deposit_under_pseudonyms_is_refused_in_a_sentence(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readback, "READERS", {})
    monkeypatch.setenv(VARIABLE, "a key that nobody guesses")
    folder = deposited(services, tmp_path, pseudonyms=True)
    refused(ExitCode.INPUT, "rehydrate", folder, "--db", tmp_path / "again.duckdb",
            says="has pseudonyms in place of addresses")  # fmt: skip
    assert not (tmp_path / "again.duckdb").exists()
    assert services.requests == []


@pytest.mark.slow
def test_what_is_no_deposit_or_damaged_is_refused(folder: Path, tmp_path: Path) -> None:
    for there, says in ((tmp_path, "is no deposit"), (tmp_path / "no", "is no deposit")):
        refused(ExitCode.INPUT, "rehydrate", there, "--db", tmp_path / "x.duckdb", says=says)
    records = folder / "records.csv"
    good = records.read_bytes()
    records.write_bytes(good.replace(b"reply", b"reqly", 1))
    refused(ExitCode.INPUT, "rehydrate", folder, "--db", tmp_path / "x.duckdb",
            says="is not what its checksum")  # fmt: skip
    records.write_bytes(good)
    for name, old, new in (
        ("study.json", b'"blueattr_deposit": 1', b'"blueattr_deposit": 2'),
        ("study.json", b'"results"', b'"nothing"'),
        ("records.csv", b",server,", b",clock,"),
        ("records.csv", b"2026-04", b"2026-99"),
        ("records.csv", b"2026-04-09T", b"0001-01-01T00:00:00+14:00,"),
        ("records.csv", b"Z,server,", b",server,"),  # of no zone
        ("records.csv", b",server,", b"," + b"x" * 200_000 + b","),  # no reader of CSV takes it
        ("study.json", b"{", b"["),
    ):
        path = folder / name
        kept, sums = path.read_bytes(), (folder / "manifest-sha256.txt").read_text()
        assert old in kept
        path.write_bytes(kept.replace(old, new))
        _sum(folder, name)
        with pytest.raises(InputError):
            read_deposit(folder)
        path.write_bytes(kept)
        (folder / "manifest-sha256.txt").write_text(sums)
    assert len(read_deposit(folder).records) > 40


def _sum(folder: Path, name: str) -> None:
    import hashlib  # noqa: PLC0415

    sums = folder / "manifest-sha256.txt"
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    sums.write_text(
        re.sub(rf"^\w+  {name}$", f"{digest}  {name}", sums.read_text(), flags=re.MULTILINE)
    )


@pytest.mark.slow
def test_the_command_ends_with_8_where_nobody_answers_and_9_at_its_limit(
    folder: Path, services: Services, tmp_path: Path
) -> None:
    db = tmp_path / "again.duckdb"
    usual = ("rehydrate", folder, "--db", db, "--pace", 1000, "--appview", services.url)
    services.script = lambda _request: (400, {"error": "InvalidRequest"})
    done = run(*usual)
    assert (done.code, "refuses getPosts" in done.stderr) == (ExitCode.SOURCE, True)
    refused(ExitCode.USAGE, *usual, "--max-requests", 3, says="too few")
