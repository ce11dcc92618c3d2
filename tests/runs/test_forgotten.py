"""Forgetting by command: reports that name who is forgotten are made again without, or removed."""

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest

from blueattr.errors import ExitCode
from blueattr.report.figures.charts.drawing import Drawing
from blueattr.report.formats.tex import tex_bytes
from blueattr.report.mentions import mentions
from blueattr.report.tables import Column, Report, Table
from blueattr.runs.forgotten import naming_reports, remove_data
from blueattr.runs.history.record import RunRecord
from blueattr.runs.publish import faults, report_folders
from blueattr.store.lock import Lock
from support.cli_world import events, ok, refused, run
from support.events_builder import account, at, did, lines, post
from support.run_folder import EVENTS, SETTINGS, done, drop, write
from support.traces import traces

# Of those who carry most, and followed and answered by others.
WHO = did("agent001")
HANDLE = "user1.bsky.social"
NAMES = (WHO, HANDLE)
FEW = ("--indicator", "heat", "--sizes", "5", "--seeds", "1")


def naming(folder: Path) -> list[Path]:
    """Files that name who is forgotten."""
    kept = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in kept if traces(path, NAMES) & set(NAMES)]


@pytest.fixture
def store(here: Path, db: Path) -> Path:
    shutil.copy(db, here / "store.duckdb")
    return here / "store.duckdb"


@pytest.mark.slow
def test_what_is_forgotten_is_counted_and_nobody_is_named(store: Path) -> None:
    counted = ok("forget", WHO, "--dry-run", "--db", store, "--format", "json").json
    assert counted["dry_run"] is True
    assert counted["accounts"] == counted["handles"] == counted["asked"] == 1
    assert counted["records"] > counted["texts"] > 0
    assert counted["kept_of_others"] > 0
    before = ok("status", "--db", store, "--format", "json").json
    ended = ok("forget", WHO, "--db", store)
    assert "Forgot 1 account" in ended.text
    assert traces(ended.stdout, NAMES) == set()
    after = ok("status", "--db", store, "--format", "json").json
    assert before["events"] - after["events"] == counted["records"]
    again = ok("forget", WHO, "--dry-run", "--db", store, "--format", "json").json
    assert (again["accounts"], again["records"], again["kept_of_others"]) == (0, 0, 0)


@pytest.mark.slow
def test_answers_count_nothing_of_who_is_forgotten(store: Path) -> None:
    def agents() -> set[str]:
        ok("attribute", "--topic", "mythos", "--db", store, "--agents", "agents.json")
        return {one["did"] for one in json.loads(Path("agents.json").read_text())}

    before = agents()
    ok("forget", WHO, "--db", store)
    # Others may no longer be agents: those who did nothing but what is gone with them.
    assert agents() == before - {WHO}


def test_deleted_accounts_are_forgotten_together(store: Path) -> None:
    said = ok("forget", "--deleted", "--db", store, "--format", "json").json
    assert (said["asked"], said["accounts"]) == (1, 1)
    assert ok("forget", "--deleted", "--db", store, "--format", "json").json["asked"] == 0


@pytest.mark.slow
def test_a_stream_and_a_file_do_not_bring_it_back(store: Path, events_file: Path) -> None:
    ok("forget", WHO, "--db", store)
    before = ok("status", "--db", store, "--format", "json").json
    more = Path("more.jsonl")
    more.write_bytes(events_file.read_bytes() + lines(post("agent001", "n", rev=10**6, time=at(9))))
    ok("ingest", more, "--db", store)
    ok("ingest", "-", "--db", store, stdin=events_file.read_bytes())
    after = ok("status", "--db", store, "--format", "json").json
    assert after["events"] == before["events"]
    assert after["handles"] == before["handles"]
    assert after["profiles"] == before["profiles"]
    ok("features", "--db", store, "--out", "features.csv")
    assert traces(Path("features.csv"), NAMES) == set()


def test_who_is_no_did_and_nobody_are_refused(store: Path, here: Path) -> None:
    refused(ExitCode.USAGE, "forget", "--db", store, says="--deleted")
    refused(ExitCode.USAGE, "forget", HANDLE, "--db", store, says="is no DID")
    refused(ExitCode.STORE, "forget", WHO, "--db", here / "none.duckdb", says="no store")
    refused(ExitCode.OUTPUT, "forget", WHO, "--db", store, "--reports", "none", says="no folder")
    assert ok("forget", WHO, "--dry-run", "--db", store, "--format", "json").json["accounts"] == 1


# --- reports --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_pages_are_made_again_and_data_is_removed(store: Path, here: Path) -> None:
    about = ("--topic", "mythos", "--db", store)
    ok("report", *about, *FEW, "--out", "out")
    ok("report", "--topic", "mythos,trump-tariffs", "--db", store, *FEW, "--out", "out")
    for form in ("json", "parquet", "tex", "svg", "datasette"):
        ok("report", *about, *FEW, "--format", form, "--out", "out")
    ok("attribute", *about, "--agents", "out/agents.jsonl", "--out", "out/answer.parquet")
    ok("report", *about, *FEW, "--top", 0, "--out", "out/nobody.html")
    nobody = Path("out/nobody.html").read_bytes()
    Path("out/events.jsonl").write_bytes(lines(*events()))
    Path("out/notes.docx").write_text(WHO)
    named = {path.name for path in naming(here / "out")}
    assert {"mythos.html", "all-topics.html", "agents.jsonl", "answer.parquet"} <= named
    assert len(named) >= 8
    dry = ok("forget", WHO, "--reports", "out", "--dry-run", "--db", store, "--format", "json").json
    mine = {"events.jsonl", "notes.docx"}  # not written by blueattr
    assert {Path(path).name for path in dry["reports_naming"]} == named - mine
    assert {path.name for path in naming(here / "out")} == named
    said = ok("forget", WHO, "--reports", "out", "--db", store, "--format", "json").json
    assert {path.name for path in naming(here / "out")} == mine
    again = {Path(path).name for path in said["reports_made_again"]}
    assert again == {"mythos.html", "all-topics.html"}
    assert {Path(path).name for path in said["reports_removed"]} == named - mine - again
    assert Path("out/nobody.html").read_bytes() == nobody
    assert Path("out/mythos-answer.svg").exists()
    for name in again:
        page = Path("out", name)
        ok("report", "--topic", "mythos" if name.startswith("m") else "mythos,trump-tariffs",
           "--db", store, *FEW, "--out", "fresh")  # fmt: skip
        assert page.read_text().count("blueattr report") == Path("fresh", name).read_text().count(
            "blueattr report"
        )
        assert "user2.bsky.social" in page.read_text()


FORMS = 'format = ["html", "json", "csv", "datasette"]'


def published(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())  # type: ignore[no-any-return]


@pytest.mark.slow
def test_reports_of_runs_are_made_again_with_a_new_manifest(run_folder: Path) -> None:
    write(SETTINGS.replace('format = ["json"]', FORMS))
    drop("1.jsonl", EVENTS[: len(EVENTS) // 2])
    done()
    drop("2.jsonl", EVENTS[len(EVENTS) // 2 :])
    done()
    reports = run_folder / "reports"
    first, second = report_folders(reports)
    assert naming(first)
    assert naming(second)
    old = published(second)
    said = ok("forget", WHO, "--db", "store.duckdb", "--format", "json").json
    assert len(said["reports_made_again"]) == 2
    assert said["reports_removed"] == []
    assert naming(reports) == []
    new = report_folders(reports)
    assert len(new) == 2
    assert {path.name for path in new} & {first.name, second.name} == set()
    for folder in new:
        assert faults(folder) == []
    assert (reports / "latest").resolve() == new[1].resolve()
    made = published(new[1])
    assert made["run"] == old["run"]
    assert made["forgotten_at"]
    assert made["state"]["events"] < old["state"]["events"]
    assert {one["name"] for one in made["files"]} == {one["name"] for one in old["files"]}
    ok(*made["commands"][0].split()[1:], "--out", "fresh.html")
    assert Path("fresh.html").read_bytes() == (new[1] / "index.html").read_bytes()
    # The list of runs leads to them, and the next run goes on.
    assert f"{new[1].name}/index.html" in (reports / "index.html").read_text()
    done()
    assert naming(reports) == []
    done(code=ExitCode.NOTHING_NEW)


@pytest.mark.slow
def test_a_report_that_cannot_be_made_again_is_removed_and_latest_leads_to_a_whole_one(
    run_folder: Path,
) -> None:
    drop("1.jsonl", EVENTS[: len(EVENTS) // 2])
    write(SETTINGS.replace("[output]", "top = 0\n[output]"))
    done()
    write(SETTINGS)
    drop("2.jsonl", EVENTS[len(EVENTS) // 2 :])
    done()
    reports = run_folder / "reports"
    first, second = report_folders(reports)
    assert naming(first) == []
    manifest = published(second)
    manifest["commands"] = ["blueattr report --option-of-tomorrow 1 --db store.duckdb"]
    (second / "manifest.json").write_text(json.dumps(manifest))
    ended = ok("forget", WHO, "--db", "store.duckdb")
    assert "cannot be made again, and is removed" in ended.stderr
    assert report_folders(reports) == (first,)
    assert (reports / "latest").resolve() == first.resolve()
    assert faults(first) == []
    assert naming(reports) == []


@pytest.mark.slow
def test_a_run_that_is_going_keeps_its_reports(run_folder: Path) -> None:
    drop("1.jsonl", EVENTS)
    done()
    with RunRecord(run_folder / "reports"):
        refused(ExitCode.RUN_GOING, "forget", WHO, "--db", "store.duckdb", says="another run")
    # It is forgotten in the store; once more, and its reports are, too.
    ok("forget", WHO, "--db", "store.duckdb")
    assert naming(run_folder / "reports") == []


@pytest.mark.slow
def test_after_a_kill_the_same_command_finishes(store: Path, here: Path) -> None:
    about = ("--topic", "mythos", "--db", store)
    ok("report", *about, *FEW, "--out", "out")
    ok("attribute", *about, "--out", "out/answer.txt")  # with nothing of it but the handle
    answer = Path("out/answer.txt").read_text()
    assert HANDLE in answer
    assert WHO not in answer
    with patch("blueattr.runs.forgotten.purge", side_effect=KeyboardInterrupt):
        run("forget", WHO, "--reports", "out", "--db", store)
    assert {path.name for path in naming(here / "out")} == {"mythos.html"}
    again = ok("forget", WHO, "--reports", "out", "--db", store, "--format", "json").json
    assert again["records"] == 0
    assert [Path(path).name for path in again["reports_made_again"]] == ["mythos.html"]
    assert naming(here / "out") == []


@pytest.mark.few(1)
@pytest.mark.parametrize("whom", [WHO, "--deleted"])
def test_after_a_kill_the_same_command_finds_what_shows_only_the_handle(
    whom: str, store: Path, here: Path
) -> None:
    """A page of which everything else was taken out, as of a run's report in TeX."""
    Path("more.jsonl").write_bytes(lines(account("agent001", "deleted", time=at(days=9))))
    if whom != WHO:
        ok("ingest", "more.jsonl", "--db", store)
    Path("out").mkdir()
    page = Path("out/page.html")
    page.write_text(f"by {HANDLE} alone")
    with patch("blueattr.runs.forgotten.purge", side_effect=KeyboardInterrupt):
        run("forget", whom, "--reports", "out", "--db", store)
    assert page.exists()
    assert Path(f"{store}.forgetting").exists()
    ended = ok("forget", whom, "--reports", "out", "--db", store)
    assert "warning" not in ended.stderr
    assert not page.exists()
    assert not Path(f"{store}.forgetting").exists()


@pytest.mark.slow
def test_folders_that_an_interrupted_forget_did_not_finish_are_named(store: Path) -> None:
    for folder in ("one", "two"):
        Path(folder).mkdir()
        Path(folder, "page.html").write_text(f"by {HANDLE}")
    with patch("blueattr.runs.forgotten.purge", side_effect=KeyboardInterrupt):
        run("forget", WHO, "--reports", "one", "--db", store)
    other = ok("forget", did("agent002"), "--reports", "two", "--db", store)
    assert not Path("two/page.html").exists()  # it named the first
    assert f"--reports {Path('one').resolve()}" in other.stderr
    ok("forget", WHO, "--reports", "one", "--db", store)
    assert not Path("one/page.html").exists()
    assert not Path(f"{store}.forgetting").exists()


def test_who_stops_before_anything_is_erased_can_think_again(store: Path) -> None:
    Path("out").mkdir()
    Path("out/page.html").write_text(f"by {HANDLE}")
    with patch("blueattr.runs.forgotten.remove_data", side_effect=KeyboardInterrupt):
        run("forget", WHO, "--reports", "out", "--db", store)
    ok("forget", did("agent002"), "--reports", "out", "--db", store)
    assert Path("out/page.html").exists()
    assert not Path(f"{store}.forgetting").exists()


def test_a_damaged_list_of_names_is_said(store: Path) -> None:
    Path(f"{store}.forgetting").write_text('{"accounts": []}')
    refused(ExitCode.OUTPUT, "forget", WHO, "--db", store, says="is damaged")


@pytest.mark.slow
def test_it_warns_of_reports_that_it_cannot_find_any_more(store: Path, here: Path) -> None:
    ok("attribute", "--topic", "mythos", "--db", store, "--out", "out.txt")
    assert HANDLE in Path("out.txt").read_text()
    first = ok("forget", WHO, "--db", store)
    assert "no reports are looked through" in first.stderr
    second = ok("forget", WHO, "--reports", here, "--db", store)
    assert "the handle of 1 account is not known" in second.stderr
    assert "by hand" in second.stderr
    with_handle = ok("forget", did("agent002"), "--reports", here, "--db", store)
    assert "warning" not in with_handle.stderr


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "command", ['"unclosed', "--seed x", "--top y", "--steps", "again", "--db a\0b"]
)
def test_a_page_whose_command_makes_no_sense_is_removed_and_the_others_follow(
    command: str, store: Path, here: Path
) -> None:
    Path("bad").mkdir()
    Path("bad/x.html").write_text(f"{HANDLE} <code>blueattr report {command}</code>")
    Path("bad/y.html").write_text(f"{HANDLE}")
    ended = ok("forget", WHO, "--reports", "bad", "--db", store)
    assert ended.stderr.count("cannot be made again, and is removed") == 2
    assert list(Path("bad").iterdir()) == []


@pytest.mark.slow
def test_files_whose_names_have_the_did_are_named(store: Path) -> None:
    export = Path(f"export-{WHO}.jsonl")
    export.write_bytes(lines(post("agent002", "n", rev=10**6, time=at(9))))
    ok("ingest", export, "--db", store)
    assert WHO in ok("status", "--db", store, "--format", "json").text
    assert export.name in ok("forget", WHO, "--db", store).stderr
    assert WHO not in ok("status", "--db", store, "--format", "json").text
    ok("ingest", export, "--db", store)
    assert WHO not in ok("status", "--db", store, "--format", "json").text


@pytest.mark.slow
def test_where_another_process_writes_nothing_is_removed(store: Path, here: Path) -> None:
    ok("attribute", "--topic", "mythos", "--db", store, "--agents", "out.csv")
    lock = Lock(store)
    try:
        refused(ExitCode.STORE_BUSY, "forget", WHO, "--reports", ".", "--db", store)
    finally:
        lock.close()
    assert WHO in Path("out.csv").read_text()


@pytest.mark.parametrize("ending", ["pdf", "png", "svg", "gexf", "graphml"])
def test_figures_and_graphs_that_name_who_is_forgotten_are_removed(
    ending: str, tmp_path: Path
) -> None:
    named, other = tmp_path / f"named.{ending}", tmp_path / f"other.{ending}"
    for path, who in ((named, HANDLE), (other, "another")):
        if ending in {"gexf", "graphml"}:
            path.write_text(f'<node id="1" label="{who}"/>')
        else:
            Drawing({"mark": "point"}, {"Description": f"The rank of {who}."}).save(path)
    found = naming_reports([tmp_path], NAMES)
    assert [path.name for path in found.files] == [named.name]
    remove_data(found)
    assert [path.name for path in tmp_path.iterdir()] == [other.name]


# --- finding names --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("did:plc:abc", True),
        ("at://did:plc:abc/app.bsky.feed.post/x", True),
        ('{"did": "did:plc:abc"}', True),
        ("did:plc:abcd", False),
        ("did:plc:ab", False),
        ("by did:plc:abc.", True),
        ("ann.example.org", True),
        ("@Ann.Example.org!", True),
        ("joann.example.org", False),
        ("ann.example.org.uk", False),
        ("ann.example.org.", True),
        ("mailto:x@ann.example.org", True),
    ],
)
def test_whole_names_are_found(text: str, named: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(f"before {text} after")
    few = frozenset({"did:plc:abc", "ann.example.org"})
    for names in (few, few | {f"did:plc:other{k}" for k in range(200)}):
        assert bool(mentions(path, names)) == named


ODD_NAMES = frozenset({"did:plc:abc", "xn--80ak.example", "exa_mple.org", "did:web:a.org%3a300"})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"x & xn-{}-80ak.example & 1", "xn--80ak.example"),
        (r"x \textbar{}xn-{}-80ak.example", "xn--80ak.example"),
        (r"did:web:a.org\%3a300", "did:web:a.org%3a300"),
        ("did:web:a.org%3a300", "did:web:a.org%3a300"),
        (r'"did\u003aplc\u003Aabc"', "did:plc:abc"),
        (r'"{\"did\":\"did\\u003aplc\\u003aabc\"}"', "did:plc:abc"),
        (r'"first\nxn--80ak.example"', "xn--80ak.example"),
        (r'"\u00e9xn--80ak.example"', "xn--80ak.example"),
        (r"by xn\-\-80ak\.example", "xn--80ak.example"),
        (r"\x1bxn--80ak.example", "xn--80ak.example"),
        ("did&#58;plc&#x3A;abc", "did:plc:abc"),
        ("href=x?did=did%3Aplc%3Aabc&y", "did:plc:abc"),
        ("XN-{}-80AK.EXAMPLE", "xn--80ak.example"),
    ],
)
def test_names_are_found_in_the_spellings_of_formats(text: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text)
    assert mentions(path, ODD_NAMES) == {name}


def test_names_are_found_in_what_latex_output_makes_of_them(tmp_path: Path) -> None:
    table = Table("t", "", (Column("n", "n"),), (("xn--80ak.example",), ("did:web:a.org%3a300",)))
    path = tmp_path / "x.tex"
    path.write_bytes(tex_bytes(Report(kind="x", summary=(), tables=(table,), facts=(), content={})))
    assert "xn-{}-80ak" in path.read_text()
    assert mentions(path, ODD_NAMES) == {"xn--80ak.example", "did:web:a.org%3a300"}


@pytest.mark.few(2)
@pytest.mark.parametrize("header", [b"PAR1", b"PK", b"PK\3\4", b"SQLite format 3\0"])
def test_a_file_that_is_not_what_it_says_is_searched_as_it_is(
    header: bytes, store: Path, here: Path
) -> None:
    Path("odd").mkdir()
    for name, text in (("a.csv", f"junkx{HANDLE}xjunk"), ("b.csv", "of nobody")):
        Path("odd", name).write_bytes(header + text.encode())
    ended = ok("forget", WHO, "--reports", "odd", "--db", store)
    assert [path.name for path in Path("odd").iterdir()] == ["b.csv"]
    assert "a.csv is damaged" in ended.stderr
    assert "b.csv is damaged" in ended.stderr


@pytest.mark.parametrize("text", ["base64,abcde", "base64,a", "base64,ab=c", "base64,===="])
def test_what_only_looks_like_base64_stops_nothing(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(f"{text} by did:plc:abc")
    assert mentions(path, ODD_NAMES) == {"did:plc:abc"}


@pytest.mark.parametrize("form", ["parquet", "zip", "sqlite"])
def test_a_damaged_file_raises_nothing(form: str, tmp_path: Path) -> None:
    whole, path = tmp_path / f"whole.{form}", tmp_path / f"damaged.{form}"
    if form == "parquet":
        pl.DataFrame({"did": ["did:plc:abc"] * 9, "n": range(9)}).write_parquet(whole)
    elif form == "zip":
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.txt", "by did:plc:abc " * 9)
    else:
        with closing(sqlite3.connect(whole)) as database:
            database.executescript("CREATE TABLE t (did); INSERT INTO t VALUES ('did:plc:abc')")
    data, said, random = whole.read_bytes(), list[str](), np.random.default_rng(1)
    assert mentions(whole, ODD_NAMES, said.append) == {"did:plc:abc"}
    assert said == []
    for _ in range(150):
        cut = int(random.integers(20, len(data))) if random.random() < 0.5 else len(data)
        broken = bytearray(data[:cut])
        broken[random.integers(4, len(broken))] ^= int(random.integers(1, 256))
        path.write_bytes(broken)
        mentions(path, ODD_NAMES, said.append)
    assert len(said) > 20


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_each_handle_of_an_sqlite_file_is_found_by_itself(journal: str, tmp_path: Path) -> None:
    handles = [f"user{number}.bsky.social" for number in range(300)]
    path = tmp_path / "x.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {journal}")
        database.execute('CREATE TABLE "an ""odd"" name" (a, handle, b)')
        rows = [("word", handle, "2026-01-01") for handle in handles]
        database.executemany('INSERT INTO "an ""odd"" name" VALUES (?, ?, ?)', rows)
        database.commit()
    before = path.read_bytes()
    assert mentions(path, frozenset([*handles, "bsky.social"])) == set(handles)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["x.sqlite"]


@pytest.mark.slow
def test_names_are_found_in_what_is_compressed(here: Path, db: Path) -> None:
    ok("attribute", "--topic", "mythos", "--db", db, "--agents", "agents.parquet")
    ok("report", "--topic", "mythos", "--db", db, *FEW, "--out", "page.html")
    shutil.make_archive("all", "zip", here, "agents.parquet")
    for name in ("agents.parquet", "page.html", "all.zip"):
        assert WHO in mentions(here / name, frozenset(NAMES)), name
