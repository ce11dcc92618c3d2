"""A deposit: what is in it, what is not, what other programs read of it, and that it is whole."""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import blueattr
from blueattr.analysis.asked.naming import VARIABLE
from blueattr.analysis.deposit.names import Cleaner, marked, words
from blueattr.errors import ExitCode, OutputError
from blueattr.report.deposit import readback
from support.cli_world import AGENTS, TOPIC_TEXT, events, ok, refused, write_store
from support.traces import names_of, traces, words_of

EVERYONE, WORDS = names_of(events()), words_of(events())
LICENCE = ("--license", "CC-BY-4.0")
ALL_READERS = dict(readback.READERS)
KEY = "a key that nobody guesses"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("deposits") / "world.duckdb")


@pytest.fixture(scope="module", autouse=True)
def without_readers() -> Iterator[None]:
    """They take a second to import: a slow test lets them read."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(readback, "READERS", {})
        yield


@pytest.fixture(scope="module")
def plain(store: Path) -> Path:
    ok("deposit", "--topic", "mythos", "--indicator", "all", "--db", store, *LICENCE,
       "--out", store.parent / "plain")  # fmt: skip
    return store.parent / "plain"


@pytest.fixture(scope="module")
def hidden(store: Path) -> Path:
    """A deposit under pseudonyms, whose topic names accounts in every way that it can."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(VARIABLE, KEY)
        topics = store.parent / "topics.toml"
        topics.write_text(HOSTILE)
        done = ok("deposit", "--topic", "hostile", "--topics", topics, "--db", store, *LICENCE,
                  "--out", store.parent / "hidden", "--pseudonyms", "--verbose",
                  "--title", "On User1.bsky.social and did:plc:agent002")  # fmt: skip
    (store.parent / "said").write_text(done.text + done.stderr)
    return store.parent / "hidden"


HOSTILE = rf"""
[topics.hostile]
title = "What @user3.bsky.social and did:plc:agent004 said"
category = "=cmd|' /C calc'!A0 from user5.bsky.social"
keywords = ["{TOPIC_TEXT}", "user6.bsky.social", "did:plc:agent007", "例え.example"]
hashtags = ["did:plc:agent008", "zed.bsky.social"]
patterns = ['\bUSER9\.bsky\.social\b', 'did%3Aplc%3Aagent010', 'bsky\.app/profile/(user1|x)']
"""


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(folder / name)


# --- what is in it, and what is not ---------------------------------------------------------------


def test_it_holds_no_text_and_no_handle(plain: Path) -> None:
    handles = {name for name in EVERYONE if not name.startswith("did:")}
    files = sorted(plain.iterdir())
    assert len(files) == 9
    assert len(handles) > 50
    for path in files:
        assert traces(path, handles | WORDS) - {"at://"} == set(), path
        assert b"/tmp" not in path.read_bytes()
        assert str(plain.parent).encode() not in path.read_bytes()


def test_with_pseudonyms_nobody_is_in_it_whatever_the_topic_says(hidden: Path) -> None:
    everyone = EVERYONE | WORDS | {"user9", "agent010", "zed"}
    files = [*sorted(hidden.iterdir()), hidden.parent / "said"]
    assert len(files) == 10
    for path in files:
        if path.name in {"topic.toml", "study.json"}:
            # What is matched is the topic's own, a text that several wrote.
            assert TOPIC_TEXT in path.read_text()
        assert {t.lower() for t in traces(path, everyone)} - {TOPIC_TEXT.lower()} == set(), path
        assert "did:" not in path.read_text().replace("did:`", "")
        assert KEY not in path.read_text()
    records, agents = table(hidden, "records.csv"), table(hidden, "agents.csv")
    assert records["record"].str.contains("^record-[a-z2-7]{12}$").all()
    assert agents["agent"].str.contains("^agent-[a-z2-7]{12}$").all()
    assert records["text_sha256"].null_count() == records.height > 100
    assert records["time"].str.ends_with(":00:00.000000Z").all()
    # Nothing is in the order of addresses, which would tell who is who.
    assert records.equals(records.sort("time", "record"))
    assert agents["agent"].to_list() == sorted(agents["agent"])
    said = json.loads((hidden / "study.json").read_text())
    assert said["hidden"] >= 5
    assert "(a handle)" in said["title"]
    assert "(an account)" in said["title"]


def test_records_are_those_that_count_with_what_they_hang_on(plain: Path) -> None:
    """By a plain recount of the events: every deposit's row, its time and its hash."""
    salt = json.loads((plain / "study.json").read_text())["salt"]
    gone = next(e["did"] for e in events() if e.get("account", {}).get("active") is False)
    expected: dict[str, tuple[str, str | None, str, str | None]] = {}
    on_topic: set[str] = set()
    for event in events():
        commit = event.get("commit")
        if commit is None or event["did"] == gone:
            continue
        uri = f"at://{event['did']}/{commit['collection']}/{commit['rkey']}"
        record = commit.get("record", {})
        text = record.get("text")
        time = datetime.fromtimestamp(event["time_us"] / 1e6, UTC)
        stamp = time.isoformat(timespec="microseconds").replace("+00:00", "Z")
        if time < datetime(2026, 5, 2, tzinfo=UTC):
            continue
        digest = None if text is None else hashlib.sha256((salt + text).encode()).hexdigest()
        parent = record.get("reply", {}).get("parent", {}).get("uri")
        if commit["collection"].endswith("repost"):
            expected[uri] = "repost", record["subject"]["uri"], stamp, None
        elif text is not None:
            if text == TOPIC_TEXT:
                on_topic.add(uri)
            expected[uri] = "post" if parent is None else "reply", parent, stamp, digest
    counted = {uri: row for uri, row in expected.items() if uri in on_topic or row[1] in on_topic}
    assert len(counted) > 200
    found = {
        row["record"]: (row["kind"], row["subject"], row["time"], row["text_sha256"])
        for row in table(plain, "records.csv").iter_rows(named=True)
    }
    assert found == counted


def test_values_follow_from_the_agents_alone(plain: Path) -> None:
    agents = table(plain, "agents.csv")
    for indicator in ("lin", "heat", "var", "gini"):
        again = blueattr.attribute(plain / "agents.csv", indicator).agents
        both = agents.join(again, left_on="agent", right_on="did")
        assert both.height == agents.height == AGENTS - 2
        differences = (both[f"{indicator}_value"] - both["value"]).abs()
        assert max(differences.to_list()) < 1e-15
        assert both["tier"].to_list() == both["tier_right"].cast(pl.String).to_list()


def test_times_can_be_cut_to_the_day(store: Path, tmp_path: Path) -> None:
    made = blueattr.deposit(tmp_path / "d", "mythos", license="CC0-1.0", coarsen="day", db=store)
    times = table(made.folder, "records.csv")["time"]
    assert times.str.ends_with("T00:00:00.000000Z").all()
    assert times.n_unique() > 5


# --- what other programs read of it ---------------------------------------------------------------


def graph(folder: Path) -> dict[str, dict[str, Any]]:
    crate = json.loads((folder / "ro-crate-metadata.json").read_text())
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    entities = crate["@graph"]
    by_id = {one["@id"]: one for one in entities}
    assert len(by_id) == len(entities)
    return by_id


def test_its_crate_holds_what_ro_crate_1_1_says_must_be_there(plain: Path) -> None:
    known = graph(plain)
    descriptor, root = known["ro-crate-metadata.json"], known["./"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["@type"] == "Dataset"
    assert root["name"]
    assert root["description"]
    assert datetime.fromisoformat(root["datePublished"]).year >= 2026
    assert known[root["license"]["@id"]]["name"] == "CC-BY-4.0"
    parts = {part["@id"] for part in root["hasPart"]}
    assert parts | {"ro-crate-metadata.json"} == {path.name for path in plain.iterdir()}
    for name in parts:
        entity, data = known[name], (plain / name).read_bytes()
        assert entity["@type"] == "File"
        assert entity["contentSize"] == str(len(data))
        assert entity["sha256"] == hashlib.sha256(data).hexdigest()
    # Flat: every object that is named is an entity of its own, and nothing is nested.
    for entity in known.values():
        assert entity["@type"]
        for value in entity.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    assert one.keys() == {"@id"}
                    assert one["@id"] in known or one["@id"].startswith("https://w3id.org/")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph")  # of what mlcroissant rests on
def test_rocrate_and_mlcroissant_read_it_without_a_network(
    plain: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="the extra deposit is not installed")
    crates = pytest.importorskip("rocrate.rocrate", reason="the extra deposit is not installed")
    monkeypatch.setattr(readback, "READERS", ALL_READERS)
    made = blueattr.deposit(tmp_path / "d", "mythos", license="CC0-1.0", db=store)
    assert made.read_by == ("rocrate", "mlcroissant")
    crate = crates.ROCrate(plain)
    assert crate.root_dataset["license"].id == "https://spdx.org/licenses/CC-BY-4.0"
    dataset = mlcroissant.Dataset(jsonld=plain / "croissant.json")
    assert not dataset.metadata.issues.errors
    for name in ("records", "agents"):
        rows, kept = [*dataset.records(name)], table(plain, f"{name}.csv")
        assert len(rows) == kept.height
        assert {key.split("/")[1] for key in rows[0]} == set(kept.columns)
    assert rows[0]["agents/heat_value"] == kept["heat_value"][0]


def test_who_has_read_the_metadata_is_told_and_a_refusal_leaves_nothing(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("deposit", "--topic", "mythos", "--db", store, *LICENCE, "--out", tmp_path / "d")
    monkeypatch.setattr(readback, "find_spec", lambda _: None)
    assert "were not read back" in ok(*asked, "--format", "text").text
    monkeypatch.setattr(readback, "find_spec", lambda _: True)

    def refuse(_: Path) -> set[str]:
        raise ValueError("odd")

    readers = {"one": lambda folder: {path.name for path in folder.iterdir()}, "two": refuse}
    monkeypatch.setattr(readback, "READERS", readers)
    refused(ExitCode.OUTPUT, *asked[:-1], tmp_path / "e", says="two does not read the metadata")
    readers["two"] = lambda _: {"agents.csv"}
    refused(ExitCode.OUTPUT, *asked[:-1], tmp_path / "e", says="two does not find CODEBOOK.md")
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_checksums_are_those_of_the_files_and_the_codebook_has_every_column(plain: Path) -> None:
    lines = (plain / "manifest-sha256.txt").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert len(sums) == 7
    for name, digest in sums.items():
        assert hashlib.sha256((plain / name).read_bytes()).hexdigest() == digest
    book = (plain / "CODEBOOK.md").read_text()
    for name in ("records.csv", "agents.csv"):
        for column in table(plain, name).columns:
            assert f"| `{column}` |" in book


def test_its_topic_matches_what_the_topic_matched(plain: Path, store: Path) -> None:
    ours = ok("topics", "check", "mythos", "--db", store, "--format", "json").json
    again = ok("topics", "check", "mythos", "--topics", plain / "topic.toml", "--db", store,
               "--format", "json").json  # fmt: skip
    assert again == ours


# --- whole, or not there --------------------------------------------------------------------------


def test_what_is_there_is_not_overwritten(plain: Path, store: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in plain.iterdir()}
    empty, link = tmp_path / "empty", tmp_path / "link"
    empty.mkdir()
    link.symlink_to("nowhere")
    for there in (plain, plain / "agents.csv", empty, link):
        refused(ExitCode.OUTPUT, "deposit", "--topic", "mythos", "--db", store, *LICENCE,
                "--out", there, says="is there already")  # fmt: skip
    assert {path: path.read_bytes() for path in plain.iterdir()} == before
    refused(ExitCode.OUTPUT, "deposit", "--topic", "mythos", "--db", store, *LICENCE,
            "--out", tmp_path / "no" / "folder", says="there is no folder")  # fmt: skip


def test_a_failure_on_the_way_leaves_nothing(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def fail(path: Path, data: bytes) -> int:
        written.append(path.name)
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        with path.open("wb") as file:
            return file.write(data)

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OutputError, match="No space left"):
        blueattr.deposit(tmp_path / "d", "mythos", license="CC0-1.0", db=store)
    assert len(written) == 5
    assert [*tmp_path.iterdir()] == []


def test_a_licence_must_be_named_and_be_one(store: Path, here: Path) -> None:
    asked = ("deposit", "--topic", "mythos", "--db", store)
    refused(ExitCode.USAGE, *asked, says="--license")
    for bad in ("", "my own", "http://x.example", "x" * 99, "CC-BY\n4.0"):
        refused(ExitCode.USAGE, *asked, "--license", bad, says="SPDX")
    refused(ExitCode.USAGE, *asked, *LICENCE, "--coarsen", "week")
    refused(ExitCode.NO_ANSWER, *asked, "--topic", "nothing", *LICENCE)
    assert [*here.iterdir()] == []


def test_the_same_question_makes_the_same_deposit(plain: Path, store: Path) -> None:
    again = store.parent / "again"
    blueattr.deposit(again, "mythos", "all", license="CC-BY-4.0", db=store)
    for path in plain.iterdir():
        # The day on which it is made is in some.
        if path.suffix != ".json" and path.name != "manifest-sha256.txt":
            assert (again / path.name).read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_accounts_that_are_known_by_their_handles_alone_get_pseudonyms(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("t.csv").write_text(
        "author,text,time\nann.example.org,mythos ai,2026-05-01\nben,mythos ai,2026-05-01\n"
        "ben,mythos ai,2026-05-02\n"
    )
    ok("import", "t.csv", "--db", "t.duckdb")
    asked = ("deposit", "--topic", "mythos", "--indicator", "var", "--db", "t.duckdb", *LICENCE)
    refused(ExitCode.USAGE, *asked, says="1 accounts of an import are known by their handles")
    monkeypatch.setenv(VARIABLE, KEY)
    ok(*asked, "--pseudonyms")
    assert not any(b"example.org" in path.read_bytes() for path in Path("deposit").iterdir())


# --- names ----------------------------------------------------------------------------------------


def test_a_handle_is_found_however_a_pattern_spells_it() -> None:
    for text in (
        "@Alice.example",
        r"\balice\.example\b",
        r"a|alice\\.example",
        "https://alice.example/x",
    ):
        assert "alice.example" in words([text])
        cleaned = Cleaner(frozenset({"alice.example"}), dids=False).text(text)
        assert "alice" not in cleaned.lower()
    for text in ("did:plc:abc", r"did\:plc\:abc", "DID%3Aplc%3Aabc", "did:web:a.example"):
        assert Cleaner(frozenset(), dids=True).text(f"x {text} y") == "x (an account) y"
        assert Cleaner(frozenset(), dids=False).text(text) == text
    assert words(["no handle here", "1.5"]) == {"1.5"}


def test_a_handle_that_no_account_of_the_store_has_is_one_all_the_same() -> None:
    for text in (
        "by @eve.example",
        r"(?i)@eve\.example\b",
        "https://bsky.app/profile/Eve.example/x",
    ):
        assert marked([text]) == {"eve.example"}
        cleaned = Cleaner(frozenset(marked([text])), dids=False).text(text)
        assert "eve" not in cleaned.lower()
    for text in ("eve.bsky.social", r"\bEve\.bsky\.social\b"):
        assert marked([text]) == {"eve.bsky.social"}
    # Which a topic may be about.
    for text in ("example.org", "https://bsky.social/about", "claude 4.5", "did:web:eve.example"):
        assert marked([text]) == set()


@pytest.mark.slow
def test_a_name_of_an_import_that_a_spreadsheet_would_run_is_harmless(here: Path) -> None:
    rows = (f"{k},=cmd{k},mythos ai,{k - 1},2026-05-01T0{k}:00" for k in range(9))
    Path("t.csv").write_text("\n".join(["record,author,text,reply_to,time", *rows]))
    ok("import", "t.csv", "--db", "t.duckdb")
    ok("deposit", "--topic", "mythos", "--indicator", "var", "--db", "t.duckdb", *LICENCE)
    found = pl.read_csv(io.BytesIO(Path("deposit/records.csv").read_bytes()))
    assert found.height == 9
    # They have no address on the network, and pretend to none.
    assert not found["record"].str.contains("at://").any()
    assert found["record"].n_unique() == 9
    assert {one for one in found["subject"] if one is not None} <= set(found["record"])
    assert not re.search(r"^[=+@-]", Path("deposit/records.csv").read_text(), re.MULTILINE)
