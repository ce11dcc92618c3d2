"""The command line as a shell sees it: streams, exit codes, help, and the JSON contract."""

import csv
import fcntl
import gzip
import io
import json
import math
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.errors import BlueattrError, ExitCode
from blueattr.store.database import Store
from blueattr.version import __version__
from support.cli_world import (
    AGENTS,
    BLUEATTR,
    BOTS,
    COMMANDS,
    LAST_EVENT,
    Run,
    harmless,
    ok,
    process,
    run,
    write_events,
)
from support.effort import law
from support.events_builder import at, did, follow, identity, lines, post
from support.places import ROOT

INDICATORS = ["lin", "heat", "var", "gini"]
PROTOCOLS = ["visibility", "top", "active", "random"]
TIERS = ["top", "middle", "tail"]
# One deleted, one new, the bots: see cli_world.
PANEL = AGENTS - 2


@pytest.fixture(scope="module")
def events_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_events(tmp_path_factory.mktemp("events") / "events.jsonl")


@pytest.fixture(scope="module")
def db(events_file: Path) -> Path:
    path = events_file.with_name("world.duckdb")
    ok("ingest", events_file, "--db", path)
    return path


@pytest.fixture(scope="module")
def panel_file(db: Path) -> Path:
    path = db.with_name("features.parquet")
    ok("features", "--topic", "mythos", "--db", db, "--out", path)
    assert len(pl.read_parquet(path)) == PANEL
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BLUEATTR_DB", raising=False)
    return tmp_path


def assert_clean(stderr: str) -> None:
    """Nothing that a terminal would act on, and no traceback."""
    assert "Traceback" not in stderr
    assert harmless(stderr), stderr


def refused(code: ExitCode, *arguments: object, says: str = "", stdin: bytes = b"") -> Run:
    """Call a command that must fail: nothing on stdout, a sentence on stderr."""
    done = run(*arguments, stdin=stdin)
    assert done.code == code, done.stderr
    assert done.stdout == b""
    assert done.stderr.startswith("blueattr: ")
    assert says in done.stderr
    assert_clean(done.stderr)
    return done


# --- help ----------------------------------------------------------------------------------------


def test_the_commands_are_those_of_the_issue() -> None:
    wanted = {"ingest", "status", "panel", "features", "attribute", "compare-scales", "demo",
              "topics list", "topics check"}  # fmt: skip
    assert wanted <= COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_that_parses(name: str) -> None:
    command = COMMANDS[name]
    first = command.help.splitlines()[0]
    assert first.endswith(".")
    assert first[0].isupper()
    examples = [x for x in command.help.splitlines() if x.strip().startswith("Example: ")]
    assert len(examples) == 1
    words = shlex.split(examples[0].split("Example: ")[1])
    assert words[: 1 + len(name.split())] == ["blueattr", *name.split()]
    context = command.make_context(name, words[1 + len(name.split()) :])
    assert context.params


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name: str) -> None:
    for parameter in COMMANDS[name].params:
        assert parameter.help, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"blueattr {name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_options_mean_the_same_everywhere() -> None:
    found: dict[str, set[tuple[Any, ...]]] = {}
    for name, command in COMMANDS.items():
        if name in {"demo", "synth"}:
            continue  # they ask no store
        for option in command.params:
            key = next((o for o in option.opts if o.startswith("--")), None)
            # What these write differs; how they are given does not. A topic has a default only
            # where the whole panel is a sensible one.
            if key in {None, "--out", "--agents", "--topic", "--seed"}:
                continue
            if (name, key) == ("convergence", "--steps"):
                continue  # several, as its table needs
            if name == "ingest" and key in {"--from", "--to"}:
                continue  # what is fetched, not a window
            if name == "report" and key in {"--format", "--indicator"}:
                continue  # it writes files, and shows all four indicators
            found.setdefault(str(key), set()).add((str(option.default), option.help))
    assert {"--db", "--from", "--to", "--window", "--indicator", "--tiers"} <= found.keys()
    assert [key for key, ways in found.items() if len(ways) > 1] == []


def test_defaults_are_those_of_the_issue() -> None:
    defaults = {o.opts[0]: o.default for o in COMMANDS["compare-scales"].params}
    expected = {
        "--db": Path("data/blueattr.duckdb"), "--scale": "log1p", "--tiers": "1,10",
        "--sizes": "100,1000", "--seeds": 10, "--seed": 0,
    }  # fmt: skip
    assert {k: v for k, v in defaults.items() if k in expected} == expected


def test_help_and_version_go_to_stdout() -> None:
    done = ok("--version")
    assert (done.text, done.stderr) == (f"blueattr {__version__}\n", "")
    for arguments in (["--help"], ["-h"], ["topics", "--help"], ["attribute", "-h"]):
        done = ok(*arguments)
        assert done.text.startswith("Usage: blueattr")
        assert done.stderr == ""


def test_the_exit_codes_are_documented() -> None:
    text = " ".join(ok("--help").text.split())
    table = text.split("Exit codes: ")[1].split(".")[0]
    codes = {int(part.split()[0]) for part in table.replace("(what could be read was kept)", "")
             .split(",")}  # fmt: skip
    assert codes == {int(code) for code in ExitCode}


@pytest.mark.parametrize("arguments", [[], ["topics"]])
def test_without_a_command_the_help_goes_to_stderr(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.code == ExitCode.USAGE
    assert done.stdout == b""
    assert done.stderr.startswith("Usage: blueattr")
    assert "--help" in done.stderr


# --- stdout is data ------------------------------------------------------------------------------

REPORTS = {
    "status": ["status"],
    "panel": ["panel"],
    "topics list": ["topics", "list"],
    "topics check": ["topics", "check", "mythos"],
    "attribute": ["attribute", "--topic", "mythos"],
    "attribute all": ["attribute", "--indicator", "all"],
    "compare-scales": ["compare-scales", "--sizes", "5,20", "--seeds", "2"],
}


@pytest.mark.parametrize("name", REPORTS)
def test_stdout_is_data_and_nothing_else_and_a_file_holds_the_same(
    name: str, db: Path, panel_file: Path, here: Path
) -> None:
    asked: list[object] = [*REPORTS[name]]
    if name in {"attribute all", "compare-scales"}:
        asked += ["--features", panel_file]
    elif name != "topics list":
        asked += ["--db", db]
    for form, ending in (("text", "txt"), ("json", "json"), ("csv", "csv")):
        done = ok(*asked, "--format", form)
        assert done.stderr == ""
        assert done.stdout.endswith(b"\n")
        if form == "text":
            assert b"\x1b" not in done.stdout
            assert len(done.text.splitlines()) > 3
        elif form == "json":
            assert done.json["schema_version"] == 1
            assert done.json["kind"]
        else:
            rows = list(csv.reader(io.StringIO(done.text), strict=True))
            assert len(rows) > 1
            assert {len(row) for row in rows} == {len(rows[0])}
        file = here / f"r.{ending}"
        written = ok(*asked, "--out", file)
        assert written.stdout == b""
        assert written.stderr == f"written: {file}\n"
        assert file.read_bytes() == done.stdout
    ok(*asked, "--out", "r.parquet")
    frame = pl.read_parquet("r.parquet")
    assert frame.columns == next(csv.reader(io.StringIO(Path("r.csv").read_text())))
    assert len(frame)
    report = json.loads(Path("r.json").read_text())
    assert json.loads(pl.read_parquet_metadata("r.parquet")["blueattr"]) == report


def test_a_run_repeats_itself_to_the_byte(db: Path) -> None:
    asked = ["compare-scales", "--topic", "all", "--sizes", "7", "--protocol", "all", "--db", db]
    assert ok(*asked, "--format", "json").stdout == ok(*asked, "--format", "json").stdout
    other = ok(*asked, "--format", "json", "--seed", "1").json
    assert other["indicators"] != ok(*asked, "--format", "json").json["indicators"]


def test_ingest_reports_what_it_did(events_file: Path, here: Path) -> None:
    asked = ["ingest", events_file, "--db", here / "new" / "s.duckdb", "--format", "json"]
    first = ok(*asked).json
    assert first["events_before"] == 0
    assert first["events_after"] > 500
    assert first["failures"] == []
    (source,) = first["sources"]
    assert source["state"] == "complete"
    assert (
        source["lines"]
        == source["kept"] + source["skipped"]
        == len(events_file.read_bytes().splitlines())
    )
    again = ok(*asked).json
    assert again["events_before"] == again["events_after"] == first["events_after"]
    assert again["sources"][0]["state"] == "unchanged"


def test_ingest_reads_standard_input(events_file: Path, here: Path, db: Path) -> None:
    store = here / "s.duckdb"
    ok("ingest", "-", "--db", store, stdin=gzip.compress(events_file.read_bytes()))
    days = ok("status", "--db", store, "--format", "csv").stdout
    assert days == ok("status", "--db", db, "--format", "csv").stdout
    assert days.count(b"\n") == 16


# --- exit codes ----------------------------------------------------------------------------------

BAD_OPTIONS = {
    "unknown option": ["status", "--bogus"],
    "unknown command": ["attribut"],
    "no value": ["attribute", "--indicator"],
    "too many arguments": ["status", "x"],
    "no topic": ["attribute"],
    "window of nothing": ["attribute", "--topic", "all", "--window", "0d"],
    "window without a unit": ["attribute", "--topic", "all", "--window", "14"],
    "window in another script": ["attribute", "--topic", "all", "--window", "\u0661\u0664d"],
    "window given thrice": ["attribute", "--topic", "all", "--from", "2026-05-02", "--to",
                            "2026-05-03", "--window", "1d"],
    "not a date": ["attribute", "--topic", "all", "--from", "yesterday"],
    "no such day": ["panel", "--from", "2026-02-30"],
    "before the calendar": ["panel", "--from", "0001-01-01T00:00+14:00"],
    "after the calendar": ["panel", "--from", "9999-12-31"],
    "from after to": ["attribute", "--topic", "all", "--from", "2026-05-03", "--to", "2026-05-02"],
    "from equal to to": ["panel", "--from", "2026-05-03", "--to", "2026-05-03"],
    "sizes no numbers": ["compare-scales", "--topic", "all", "--sizes", "1e3"],
    "sizes of nothing": ["compare-scales", "--topic", "all", "--sizes", ""],
    "size 0": ["compare-scales", "--topic", "all", "--sizes", "0"],
    "size twice": ["compare-scales", "--topic", "all", "--sizes", "5,5"],
    "size of many digits": ["compare-scales", "--topic", "all", "--sizes", "9" * 5000],
    "no seeds": ["compare-scales", "--topic", "all", "--seeds", "0"],
    "seeds without end": ["compare-scales", "--topic", "all", "--seeds", "9" * 20],
    "seed below 0": ["compare-scales", "--topic", "all", "--seed", "-1"],
    "two weights": ["attribute", "--topic", "all", "--weights", "0.5,0.5"],
    "weights of 3": ["attribute", "--topic", "all", "--weights", "1,1,1"],
    "weight NaN": ["attribute", "--topic", "all", "--weights", "nan,0,1"],
    "tiers down": ["attribute", "--topic", "all", "--tiers", "10,1"],
    "tier NaN": ["attribute", "--topic", "all", "--tiers", "nan"],
    "tier of all": ["attribute", "--topic", "all", "--tiers", "100"],
    "steps of a closed form": ["attribute", "--topic", "all", "--steps", "5"],
    "steps 0": ["attribute", "--topic", "all", "--method", "quadrature", "--steps", "0"],
    "unknown method": ["attribute", "--topic", "all", "--method", "magic"],
    "unknown format": ["status", "--format", "xml"],
    "memory of nothing": ["status", "--memory-limit", "0"],
    "memory without end": ["status", "--memory-limit", "9" * 400],
    "memory beyond the engine": ["status", "--memory-limit", "999999999999TB"],
    "rate without days": ["panel", "--max-rate", "500"],
    "rate on no day": ["panel", "--max-rate", "5/0"],
    "indicator twice": ["attribute", "--topic", "all", "--indicator", "lin,lin"],
    "agents of two indicators": ["attribute", "--topic", "all", "--indicator", "lin,var",
                                 "--agents", "a.csv"],
    "one file for two": ["attribute", "--topic", "all", "--out", "a.csv", "--agents", "a.csv"],
    "unknown extension": ["status", "--out", "a.docx"],
    "unknown extension of agents": ["panel", "--agents", "a.txt"],
    "bad expression": ["attribute", "--match", "("],
    "empty expression": ["attribute", "--match", ""],
    "look-around": ["attribute", "--match", "(?=x)"],
    "names and expressions": ["topics", "check", "mythos", "--match", "x"],
    "topic all cannot be checked": ["topics", "check", "all"],
    "two services": ["ingest", "jetstream", "firehose"],
    "addresses of two kinds": ["ingest", "wss://a.example/subscribe", "wss://b.example"],
    "an address in plain text": ["ingest", "ws://example.org/subscribe"],
    "an address with a password": ["ingest", "wss://me:secret@example.org/subscribe"],
    "a file and a stream": ["ingest", "x.jsonl", "wss://example.org/subscribe"],
    "a host for a file": ["ingest", "x.jsonl", "--host", "wss://example.org"],
    "no length of time": ["ingest", "jetstream", "--for", "soon"],
    "stdin and a file": ["ingest", "-", "x.jsonl"],
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_a_bad_option_ends_with_2(
    case: str, db: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEATTR_DB", str(db))
    refused(ExitCode.USAGE, *BAD_OPTIONS[case])
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (["attribute", "--topic", "all", "--indicator", "hat"], "heat"),
        (["compare-scales", "--topic", "all", "--protocol", "visibilty"], "visibility"),
        (["attribut"], "attribute"),
        (["status", "--databse", "x"], "--db"),
        (["attribute", "--topic", "all", "--scale", "log"], "log1p"),
    ],
)
def test_a_misspelt_name_gets_the_nearest(arguments: list[str], nearest: str) -> None:
    done = run(*arguments)
    assert done.code == ExitCode.USAGE
    assert nearest in done.stderr or "see: blueattr status --help" in done.stderr


def test_bad_options_are_found_before_the_store_is_opened(here: Path) -> None:
    missing = here / "missing.duckdb"
    for arguments in (
        ["attribute", "--topic", "all", "--indicator", "foo"],
        ["attribute", "--topic", "all", "--tiers", "10,1"],
        ["attribute", "--topic", "all", "--out", "a.docx"],
        ["compare-scales", "--topic", "all", "--protocol", "foo"],
        ["ingest", "big.jsonl", "--out", "a.docx"],
    ):
        refused(ExitCode.USAGE, *arguments, "--db", missing)


def test_a_missing_input_ends_with_3(here: Path) -> None:
    store = here / "s.duckdb"
    refused(ExitCode.INPUT, "ingest", "nothere.jsonl", "--db", store, says="nothere.jsonl")
    refused(ExitCode.INPUT, "ingest", "--plc", "nothere", "--db", store, says="nothere")
    refused(ExitCode.INPUT, "ingest", here, "--db", store, says=str(here))
    refused(ExitCode.INPUT, "ingest", "*.gz", "--db", store, says="*.gz")
    refused(ExitCode.INPUT, "attribute", "--features", "nothere.csv", says="nothere.csv")
    refused(ExitCode.INPUT, "topics", "list", "--topics", "nothere.toml", says="nothere.toml")


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_a_truncated_input_ends_with_3_and_is_kept(
    ending: str, events_file: Path, here: Path
) -> None:
    data = events_file.read_bytes()
    whole = here / "whole.jsonl"
    whole.write_bytes(lines(identity("late", "late.example", time=at(5))))
    cut = here / f"cut.{ending}"
    packed = gzip.compress(data) if ending.endswith("gz") else data
    cut.write_bytes(packed[: len(packed) * 2 // 3])
    store = here / "s.duckdb"
    done = run("ingest", cut, whole, "--db", store, "--format", "json")
    assert done.code == ExitCode.INPUT
    assert done.json["events_after"] > 100
    assert [s["state"] for s in done.json["sources"]] == ["incomplete", "complete"]
    (failure,) = done.json["failures"]
    assert f"blueattr: {failure}" in done.stderr
    assert str(cut) in failure
    assert "truncated" in failure
    kept = ok("status", "--db", store, "--format", "json").json
    assert kept["events"] == done.json["events_after"]
    assert [s["complete"] for s in kept["sources"] if s["source"] == str(cut)] == [False]


def test_a_file_of_something_else_ends_with_3(here: Path) -> None:
    wrong = here / "wrong.jsonl"
    wrong.write_text("hello\nworld\n")
    done = run("ingest", wrong, "--db", here / "s.duckdb")
    assert done.code == ExitCode.INPUT
    assert "2 lines were rejected" in done.stderr
    assert b"all rejected" in done.stdout


def test_a_question_without_answer_ends_with_4(db: Path, panel_file: Path, here: Path) -> None:
    at_db = ["--db", db]
    no = ExitCode.NO_ANSWER
    refused(no, "attribute", "--topic", "mytos", *at_db, says="did you mean mythos?")
    refused(no, "attribute", "--topic", "zzz", *at_db, says="blueattr topics list")
    refused(no, "topics", "check", "wrestle-mania", *at_db, says="wrestlemania")
    refused(no, "panel", "--from", "2030-01-01", *at_db, says="nobody was active")
    refused(no, "attribute", "--topic", "all", "--to", "2020-01-01", *at_db, says="nobody")
    refused(no, "attribute", "--match", "xyzzy", *at_db, says="M = 0")
    refused(no, "attribute", "--topic", "wrestlemania", *at_db, says="'heat' is 0")
    refused(no, "compare-scales", "--topic", "all", *at_db, says="larger than the panel of 58")
    refused(no, "compare-scales", "--features", panel_file, "--sizes", "59", says="larger")
    headed = here / "headed.csv"
    headed.write_text("did,a,b,c\n")
    refused(no, "attribute", "--features", headed, says="no agents")
    empty = here / "empty.duckdb"
    ok("ingest", "-", "--db", empty)
    refused(no, "attribute", "--topic", "all", "--db", empty, says="holds no events")


def test_a_store_in_use_ends_with_5(events_file: Path, here: Path) -> None:
    store = here / "s.duckdb"
    with (here / "s.duckdb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        refused(ExitCode.STORE_BUSY, "ingest", events_file, "--db", store, says="process 4711")
    ok("ingest", events_file, "--db", store)


def test_what_is_no_store_ends_with_6(events_file: Path, here: Path) -> None:
    text = here / "text.duckdb"
    text.write_text("hello\n" * 5000)
    foreign = here / "foreign.duckdb"
    with duckdb.connect(str(foreign)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS x")
    folder = here / "folder.duckdb"
    folder.mkdir()
    for path in (text, foreign, folder):
        before = path.read_bytes() if path.is_file() else b""
        for asked in (["status"], ["attribute", "--topic", "all"], ["ingest", events_file]):
            refused(ExitCode.STORE, *asked, "--db", path, says=str(path))
        assert before == (path.read_bytes() if path.is_file() else b"")
    refused(ExitCode.STORE, "status", "--db", "none.duckdb", says="blueattr ingest")
    assert not Path("none.duckdb").exists()
    refused(ExitCode.STORE, "ingest", events_file, "--db", text / "s.duckdb")


def test_an_unwritable_file_ends_with_7(db: Path, panel_file: Path, here: Path) -> None:
    (here / "folder.json").mkdir()
    out = ExitCode.OUTPUT
    for path in ("folder.json", "nowhere/x.json"):
        refused(out, "status", "--db", db, "--out", path, says=path)
        refused(out, "attribute", "--features", panel_file, "--out", path, says=path)
        refused(out, "attribute", "--features", panel_file, "--agents", path, says=path)
        refused(out, "features", "--db", db, "--out", path, says=path)
    assert [path.name for path in here.rglob("*")] == ["folder.json"]


def test_every_error_has_an_exit_code_of_its_own_kind() -> None:
    def below(kind: type[BlueattrError]) -> Iterator[type[BlueattrError]]:
        yield kind
        for sub in kind.__subclasses__():
            yield from below(sub)

    kinds = [kind for kind in below(BlueattrError) if kind is not BlueattrError]
    assert len(kinds) > 10
    assert {kind.exit_code for kind in kinds} == {
        ExitCode.USAGE, ExitCode.INPUT, ExitCode.NO_ANSWER, ExitCode.STORE_BUSY, ExitCode.STORE,
        ExitCode.OUTPUT, ExitCode.SOURCE, ExitCode.RUN_GOING,
    }  # fmt: skip


# --- hostile arguments ---------------------------------------------------------------------------

HOSTILE = [
    "",
    "-",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "a\rb\nc",
    "[bold red]x[/]",
    "\u202egnp.exe",
    "a\0b",
    "\udcff\udc80",
    "..",
    "*",
    "'; DROP TABLE event; --",
    "%s%n{0}",
    "9" * 5000,
    "1e999",
    "nan",
    "日本語🦋",
    "A" * 100_000,
]
_TAKES_TEXT = [
    "--topic", "--match", "--topics", "--db", "--features", "--indicator", "--from", "--to",
    "--window", "--scale", "--tiers", "--method", "--steps", "--aggregator", "--weights", "--bots",
    "--max-rate", "--memory-limit", "--format", "--sizes", "--protocol", "--seeds", "--seed",
]  # fmt: skip


def survives(*arguments: object) -> None:
    done = run(*arguments)
    if "File name too long" in done.stderr:  # wherever the system first says so
        assert done.code != ExitCode.OK
        assert_clean(done.stderr)
        return
    assert done.code in {ExitCode.OK, ExitCode.USAGE, ExitCode.INPUT, ExitCode.NO_ANSWER,
                         ExitCode.STORE, ExitCode.OUTPUT}, done.stderr  # fmt: skip
    assert (done.code == ExitCode.OK) == bool(done.stdout)
    assert_clean(done.stderr)
    assert len(done.stderr) < 20_000
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_hostile_arguments_end_in_a_sentence(
    text: str, db: Path, panel_file: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "empty" / "folder").mkdir(parents=True)
    monkeypatch.chdir(here / "empty" / "folder")
    survives(text)
    survives("ingest", text, "--db", here / "s.duckdb")
    survives("status", text)
    survives("topics", "check", text, "--db", db)
    for option in _TAKES_TEXT:
        if option in {"--topic", "--match"}:
            survives("attribute", option, text, "--db", db)
        elif option == "--features":
            survives("attribute", option, text)
        else:
            asks_a_store = option in {"--topics", "--db", "--from", "--to", "--window", "--scale",
                                      "--bots", "--max-rate", "--memory-limit"}  # fmt: skip
            topic = "mythos" if option == "--topics" else "all"
            panel = ["--topic", topic, "--db", db] if asks_a_store else ["--features", panel_file]
            survives("compare-scales", *panel, "--sizes", "5", "--seeds", "1", option, text)


@law(60, suppress=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(_TAKES_TEXT), st.text() | st.integers().map(str) | st.floats().map(str))
def test_any_text_ends_in_a_sentence(panel_file: Path, here: Path, option: str, text: str) -> None:
    if option == "--seeds" and text.lstrip("0").isdecimal() and 50 < int(text) < 10_001:
        return  # it would be done, and take its time
    survives("compare-scales", "--features", panel_file, "--sizes", "5", "--seeds", "1",
             option, text)  # fmt: skip


@pytest.mark.slow
def test_a_store_may_be_called_anything(events_file: Path, here: Path) -> None:
    for name in ("with space.duckdb", "quote'; --.duckdb", 'double".duckdb', "ünï日🦋.duckdb",
                 "[red]markup[/].duckdb", "new\nline.duckdb", "$HOME `x` %s.duckdb"):  # fmt: skip
        store = here / name
        ok("ingest", events_file, "--db", store)
        assert store.is_file()
        done = ok("panel", "--db", store, "--format", "json")
        assert done.json["source"] == str(store)
        assert ok("status", "--db", store).text.count("\x1b") == 0


def test_a_source_may_be_called_anything(events_file: Path, here: Path) -> None:
    for name in (b"\xc3\xbc\xf0\x9f\xa6\x8b.jsonl", b"a b'\";$.jsonl", b"*[x]?.jsonl", b"-.jsonl"):
        source = here / os.fsdecode(name)
        shutil.copy(events_file, source)
        store = here / "s.duckdb"
        done = ok("ingest", source, "--db", store, "--format", "json").json
        assert done["sources"][0]["state"] == "complete"
        again = ok("ingest", source, "--db", store, "--format", "json").json
        assert again["sources"][0]["state"] == "unchanged"
    assert len(ok("status", "--db", store, "--format", "json").json["sources"]) == 4
    assert harmless(ok("status", "--db", store).text)


def test_hostile_names_in_events_and_files_are_harmless(here: Path) -> None:
    # A rejected line is quoted, with whatever it holds; so is the file's name.
    bell = "\x1b[31m\x07[red]\u202e=HYPERLINK(1)"
    file = here / "=cmd\x1b[2J[bold].jsonl"
    file.write_bytes(
        lines(
            identity("evil", "=cmd.example", time=at(1)),
            post("evil", "p1", bell, rev=1, time=at(2)),
            follow("other", "f1", "evil", rev=2, time=at(3)),
        )
        + f"=1+1 {bell}\n".encode()
        + b'{"did":"=1+1\\u001b[31m","time_us":1,"kind":"commit"}\n'
        + b"\xff\xfe\x00 raw bytes\n"
    )
    store = here / "s.duckdb"
    for asked in (["ingest", file], ["status"]):
        for form in ("text", "json", "csv"):
            done = ok(*asked, "--db", store, "--format", form)
            assert harmless(done.text)
            assert_clean(done.stderr)
            if form == "csv":
                cells = [c for row in csv.reader(io.StringIO(done.text)) for c in row]
                assert not [c for c in cells if c.startswith(("=", "+", "@", "\t", "\r"))]
    status = ok("status", "--db", store, "--format", "json").json
    assert sum(row["lines"] for row in status["rejected"]) == 3
    samples = status["rejected_samples"]
    assert len(samples) == 3
    assert any(bell in row["sample"] for row in samples)
    assert {row["source"] for row in samples} == {str(file)}


# --- what only a process shows -------------------------------------------------------------------


def test_a_reader_that_has_enough_is_no_reason_to_complain() -> None:
    asked = shlex.join([str(BLUEATTR), "topics", "list"])
    # The reader is gone before anything is written.
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; (sleep 0.2; {asked}) | true"],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == b""
    assert done.returncode == ExitCode.OUTPUT
    head = subprocess.run(
        ["bash", "-c", f"{asked} | head -1"], capture_output=True, check=True, timeout=60
    )
    assert head.stdout.startswith(b"Topics")
    assert head.stderr == b""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_and_closed_streams() -> None:
    asked = shlex.join([str(BLUEATTR), "topics", "list"])
    for redirection, says in ((">/dev/full", b"No space left"), (">&-", b"is closed")):
        done = subprocess.run(
            ["bash", "-c", f"{asked} {redirection}"], capture_output=True, check=False, timeout=60
        )
        assert done.returncode == ExitCode.OUTPUT
        assert done.stderr.startswith(b"blueattr: cannot write the result: ")
        assert says in done.stderr
        assert done.stderr.count(b"\n") == 1
    quiet = subprocess.run(
        ["bash", "-c", f"{BLUEATTR} status --bogus 2>&-"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (quiet.returncode, quiet.stdout) == (ExitCode.USAGE, b"")


def test_ctrl_c_ends_with_130_and_keeps_the_store(events_file: Path, here: Path) -> None:
    store = here / "s.duckdb"
    child = subprocess.Popen(
        [str(BLUEATTR), "ingest", "-", "--db", str(store)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None
    child.stdin.write(events_file.read_bytes()[:10_000])
    child.stdin.flush()
    deadline = time.monotonic() + 50
    while not store.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)  # now it waits for more lines
    child.send_signal(signal.SIGINT)
    # Its input stays open: it must not wait for the end of it.
    assert child.wait(timeout=30) == ExitCode.INTERRUPTED
    assert child.stdout is not None
    assert child.stderr is not None
    assert child.stdout.read() == b""
    assert child.stderr.read() == b"blueattr: interrupted\n"
    for stream in (child.stdin, child.stdout, child.stderr):
        stream.close()
    with Store.open(store) as opened:
        assert opened.frame("analysis/totals")["events"][0] == 0
    ok("ingest", events_file, "--db", store)


def test_ctrl_c_in_a_query_ends_with_130(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What DuckDB raises then, which nothing but a race could bring about for real.
    def interrupted(*_: object) -> None:
        raise RuntimeError(message)

    monkeypatch.setattr("blueattr.analysis.status.status", interrupted)
    message = "Query interrupted"
    done = run("status", "--db", db)
    assert (done.code, done.stderr) == (ExitCode.INTERRUPTED, "blueattr: interrupted\n")
    message = "a defect, which is not hidden"
    with pytest.raises(RuntimeError, match="a defect"):
        run("status", "--db", db)


def test_the_environment_names_the_store(
    db: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEATTR_DB", str(db))
    assert ok("status", "--format", "json").json["db"] == str(db)
    # What is typed wins.
    refused(ExitCode.STORE, "status", "--db", "other.duckdb", says="other.duckdb")
    monkeypatch.delenv("BLUEATTR_DB")
    refused(ExitCode.STORE, "status", says="data/blueattr.duckdb")
    done = process("status", "--format", "json", env={**os.environ, "BLUEATTR_DB": str(db)})
    assert done.returncode == 0
    assert json.loads(done.stdout)["db"] == str(db)


def test_a_process_says_the_same_in_any_locale() -> None:
    asked = ["topics", "list"]
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
             "PYTHONIOENCODING": "ascii"}  # fmt: skip
    done = process(*asked, env=plain)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert rb"\u95a2\u7a0e" in done.stdout
    data = process(*asked, "--format", "json", env=plain)
    assert data.stdout == ok(*asked, "--format", "json").stdout


# --- a panel of one's own ------------------------------------------------------------------------


def tiers_of(*arguments: object) -> Any:
    return ok("attribute", *arguments, "--format", "json").json["tiers"]


def test_features_given_back_are_the_same_panel(db: Path, panel_file: Path, here: Path) -> None:
    for indicator in INDICATORS:
        asked = ["--indicator", indicator]
        expected = tiers_of("--topic", "mythos", "--db", db, *asked)
        assert tiers_of("--features", panel_file, *asked) == expected
    text = here / "f.csv"
    ok("features", "--topic", "mythos", "--db", db, "--out", text)
    assert tiers_of("--features", text) == tiers_of("--topic", "mythos", "--db", db)
    sampled = ["--sizes", "5,20", "--protocol", "all", "--format", "json"]
    ours = ok("compare-scales", "--features", panel_file, *sampled).json
    theirs = ok("compare-scales", "--topic", "mythos", "--db", db, *sampled).json
    assert ours["indicators"] == theirs["indicators"]
    assert ours["feature_scale"] == "as given"
    assert theirs["feature_scale"] == "log1p"
    assert any("unscaled" in note for note in ours["notes"])


def test_raw_features_are_whole_numbers(db: Path, here: Path) -> None:
    raw, log = here / "raw.parquet", here / "log.parquet"
    ok("features", "--topic", "all", "--scale", "raw", "--db", db, "--out", raw)
    ok("features", "--topic", "all", "--db", db, "--out", log)
    columns = ["a", "b", "c"]
    counts = pl.read_parquet(raw).select("did", *columns)
    assert counts.select(pl.col(columns) % 1).sum().row(0) == (0, 0, 0)
    assert min(counts.select(columns).sum().row(0)) > 0
    scaled = counts.with_columns(pl.col(columns).log1p())
    assert pl.read_parquet(log).select("did", *columns).equals(scaled)


def test_a_file_may_name_agents_by_number_and_leave_followers_out(here: Path) -> None:
    rows = [(k, 1 + k % 3, 100 - k, 2, 5 * k) for k in range(1, 41)]
    frame = pl.DataFrame(rows, schema=["agent", "a", "b", "c", "followers"], orient="row")
    without = frame.drop("followers")
    frame.write_csv("with.csv")
    without.write_csv("without.csv")
    frame.write_parquet("with.parquet")
    ok("attribute", "--features", "with.csv", "--agents", "agents.csv")
    ok("attribute", "--features", "without.csv", "--agents", "agents2.csv")
    names = {"did": pl.String}
    top = pl.read_csv("agents.csv", schema_overrides=names).filter(tier="top")["did"].to_list()
    top2 = pl.read_csv("agents2.csv", schema_overrides=names).filter(tier="top")["did"].to_list()
    # Tiers are by followers; without them by b.
    assert (top, top2) == (["40"], ["1"])
    assert tiers_of("--features", "with.csv") == tiers_of("--features", "with.parquet")


def test_numbers_of_a_csv_may_turn_fractional_late(here: Path) -> None:
    text = "did,a,b,c\n" + "".join(f"x{k},1,1,1\n" for k in range(500)) + "y,1.5,2,3\n"
    Path("late.csv").write_text(text)
    assert ok("attribute", "--features", "late.csv", "--format", "json").json["n_agents"] == 501


def test_the_name_of_a_file_is_no_pattern(here: Path) -> None:
    Path("a[1]*.csv").write_text("did,a,b,c\nx,1,1,1\ny,2,2,2\n")
    Path("ab.csv").write_text("did,a,b,c\nz,1,1,1\n")
    assert ok("attribute", "--features", "a[1]*.csv", "--format", "json").json["n_agents"] == 2
    refused(ExitCode.INPUT, "attribute", "--features", "*.csv", says="No such file")


WRONG_FILES = {
    "empty.csv": (b"", "empty"),
    "gap.csv": (b"did,a,b,c\nx,1,2\ny,1,1,1\n", "agent 'x': column 'c' has no value"),
    "nan.csv": (b"did,a,b,c\nx,1,2,NaN\ny,1,1,1\n", "agent 'x'"),
    "negative.csv": (b"did,a,b,c\nx,1,2,-1\ny,1,1,1\n", "agent 'x': column 'c' is -1"),
    "infinite.csv": (b"did,a,b,c\nx,1,2,inf\ny,1,1,1\n", "agent 'x'"),
    "large.csv": (b"did,a,b,c\nx,1,2,1e200\ny,1,1,1\n", "beyond 1e-90 to 1e90"),
    "twice.csv": (b"did,a,b,c\nx,1,2,1\nx,1,1,1\n", "agent 'x' occurs more than once"),
    "text.csv": (b"did,a,b,c\nx,1,2,many\ny,1,1,1\n", "column 'c' is 'many'"),
    "followers.csv": (b"did,a,b,c,followers\nx,1,2,1,-3\ny,1,1,1,1\n", "column 'followers' is -3"),
    "column.csv": (b"did,a,b\nx,1,1\n", "no column c"),
    "nobody.csv": (b"who,a,b,c\nx,1,1,1\n", "no column did (or agent)"),
    "semicolon.csv": (b"did;a;b;c\nx;1;1;1\n", "no column did (or agent), a, b, c"),
    "latin.csv": (b"did,a,b,c\nx\xe9,1,1,1\n", "utf-8"),
    "fake.parquet": (b"did,a,b,c\nx,1,2,1\n", "cannot read the features"),
    "table.xlsx": (b"PK", ".parquet or .csv"),
    "escape.csv": (b"did,a,b,c\n\x1b[31m[red],1,1,-1\n", "\\x1b[31m[red]"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_features_file_ends_with_3_and_names_what(name: str, here: Path) -> None:
    data, says = WRONG_FILES[name]
    Path(name).write_bytes(data)
    refused(ExitCode.INPUT, "attribute", "--features", name, says=says)
    refused(ExitCode.INPUT, "compare-scales", "--features", name, "--sizes", "1")


def test_a_cut_parquet_file_ends_with_3(panel_file: Path, here: Path) -> None:
    Path("cut.parquet").write_bytes(panel_file.read_bytes()[:-100])
    refused(ExitCode.INPUT, "attribute", "--features", "cut.parquet", says="cut.parquet")
    Path("folder.csv").mkdir()
    refused(ExitCode.INPUT, "attribute", "--features", "folder.csv", says="folder.csv")


@pytest.mark.parametrize(
    "ignored",
    [
        ["--topic", "mythos"], ["--match", "x"], ["--topics", "t.toml"], ["--db", "s.duckdb"],
        ["--from", "2026-05-01"], ["--to", "2026-05-01"], ["--window", "14d"], ["--scale", "log1p"],
        ["--bots", "b.toml"], ["--keep-bots"], ["--max-rate", "5/3"],
    ],
)  # fmt: skip
def test_what_asks_a_store_is_not_ignored_beside_a_file(
    ignored: list[str], panel_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes_both = [
        name for name, command in COMMANDS.items()
        if {"--features", ignored[0]} <= {option for p in command.params for option in p.opts}
    ]  # fmt: skip
    assert {"attribute", "compare-scales"} <= set(takes_both)
    for name in takes_both:
        refused(ExitCode.USAGE, name, "--features", panel_file, *ignored, says=ignored[0])
    # The environment is not a question.
    monkeypatch.setenv("BLUEATTR_DB", "s.duckdb")
    ok("attribute", "--features", panel_file)


# --- the per-agent file --------------------------------------------------------------------------

READERS: dict[str, Any] = {
    "parquet": pl.read_parquet,
    "csv": pl.read_csv,
    "json": pl.read_json,
    "jsonl": pl.read_ndjson,
}


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("indicator", INDICATORS)
def test_agents_add_up_to_the_tiers(
    ending: str, indicator: str, panel_file: Path, here: Path
) -> None:
    file = here / f"agents.{ending}"
    done = ok("attribute", "--features", panel_file, "--indicator", indicator, "--tiers", "2,25",
              "--agents", file, "--format", "json")  # fmt: skip
    assert done.stderr == f"written: {file}\n"
    result = done.json
    frame = READERS[ending](file)
    assert frame.columns == ["did", "tier", "a", "b", "c", "value", "share"]
    assert len(frame) == result["n_agents"] == PANEL
    assert math.isclose(math.fsum(frame["value"]), result["total"], rel_tol=1e-12)
    assert math.isclose(math.fsum(frame["share"]), 1.0, rel_tol=1e-12)
    magnitude = math.fsum(abs(v) for v in frame["value"])
    assert [tier["tier"] for tier in result["tiers"]] == TIERS
    for tier in result["tiers"]:
        mine = frame.filter(pl.col("tier") == tier["tier"])
        assert len(mine) == tier["agents"] > 0
        for name, expected in (
            ("value", math.fsum(mine["value"])),
            ("share", math.fsum(mine["share"])),
            ("abs_share", math.fsum(abs(v) for v in mine["value"]) / magnitude),
        ):
            assert math.isclose(tier[name], expected, rel_tol=1e-9, abs_tol=1e-15), name
    # The features beside the values are those that were given.
    given = pl.read_parquet(panel_file).select("did", "a", "b", "c").sort("did")
    assert frame.select("did", "a", "b", "c").sort("did").equals(given)


def test_attribute_and_its_agents_as_parquet_carry_their_report(
    panel_file: Path, here: Path
) -> None:
    asked = ["attribute", "--features", panel_file]
    ok(*asked, "--out", "tiers.parquet", "--agents", "agents.parquet")
    report = ok(*asked, "--format", "json").json
    for name in ("tiers.parquet", "agents.parquet"):
        assert json.loads(pl.read_parquet_metadata(name)["blueattr"]) == report
    tiers = pl.read_parquet("tiers.parquet")
    assert tiers["tier"].to_list() == TIERS
    assert tiers["share"].to_list() == [tier["share"] for tier in report["tiers"]]


def test_panel_writes_its_agents(db: Path, here: Path) -> None:
    done = ok("panel", "--db", db, "--agents", "panel.csv", "--format", "json")
    dids = pl.read_csv("panel.csv")["did"].to_list()
    assert dids == sorted(dids)
    assert len(dids) == done.json["panel"][-1]["after"] == PANEL
    gone = {did(f"agent{k:03d}") for k in (7, 8, *range(AGENTS, AGENTS + BOTS))}
    assert gone.isdisjoint(dids)
    ok("panel", "--db", db, "--keep-bots", "--agents", "bots.csv")
    assert len(pl.read_csv("bots.csv")) == PANEL + BOTS


# --- the JSON contract ---------------------------------------------------------------------------


def is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)


def check_origin(report: dict[str, Any], db: Path) -> None:
    assert report["source"] == str(db)
    assert report["feature_scale"] == "log1p"
    assert report["popularity"] == "follows received in the window"
    assert report["topic"]["name"] == "mythos"
    assert "claude mythos" in report["topic"]["keywords"]
    assert set(report["window"]) == {"start", "end"}
    assert report["version"] == __version__
    steps = report["panel"]
    assert len(steps) > 5
    for step in steps:
        assert {"filter", "before", "removed", "after"} <= step.keys()
        assert step["before"] - step["removed"] == step["after"]
    for one, next_one in pairwise(steps):
        assert one["after"] == next_one["before"]
    assert steps[0]["before"] == AGENTS + BOTS
    assert steps[-1]["after"] == report["n_agents"] == PANEL
    assert sum(step["removed"] for step in steps if "bot" in step["filter"]) == BOTS
    assert report["gaps"] == []


@pytest.mark.parametrize("indicator", INDICATORS)
@pytest.mark.parametrize("steps", [None, 7])
def test_json_of_attribute(indicator: str, steps: int | None, db: Path) -> None:
    how = [] if steps is None else ["--method", "quadrature", "--steps", str(steps)]
    report = ok("attribute", "--topic", "mythos", "--indicator", indicator, *how, "--db", db,
                "--format", "json").json  # fmt: skip
    assert (report["schema_version"], report["kind"]) == (1, "attribution")
    assert report["indicator"] == indicator
    assert report["method"] == ("closed form" if steps is None else "quadrature")
    assert report["steps"] == steps
    assert report["n_agents"] == PANEL
    assert is_number(report["total"])
    assert report["total"] > 0
    check_origin(report, db)
    assert report["aggregator"] == {"name": "mean", "weights": [1 / 3, 1 / 3, 1 / 3]}
    assert [tier["tier"] for tier in report["tiers"]] == TIERS
    for tier in report["tiers"]:
        assert tier.keys() == {"tier", "agents", "value", "share", "abs_share"}
        assert isinstance(tier["agents"], int)
        assert all(is_number(tier[key]) for key in ("value", "share", "abs_share"))
    assert sum(tier["agents"] for tier in report["tiers"]) == PANEL
    for key in ("share", "abs_share"):
        assert math.isclose(sum(tier[key] for tier in report["tiers"]), 1, rel_tol=1e-12)
    total = sum(tier["value"] for tier in report["tiers"])
    assert math.isclose(total, report["attributed"], rel_tol=1e-12)
    assert math.isclose(total, report["total"], rel_tol=1e-12 if steps is None else 0.02)


def test_json_of_all_indicators_holds_one_report_for_each(db: Path) -> None:
    asked = ["attribute", "--topic", "mythos", "--db", db, "--format", "json", "--indicator"]
    report = ok(*asked, "all").json
    assert report["kind"] == "attributions"
    assert [one["indicator"] for one in report["results"]] == INDICATORS
    for one in report["results"]:
        assert one == ok(*asked, one["indicator"]).json
    two = ok(*asked, "gini,lin").json
    assert [one["indicator"] for one in two["results"]] == ["gini", "lin"]


def test_json_of_compare_scales(db: Path) -> None:
    asked = ["--topic", "mythos", "--db", db, "--format", "json", "--indicator", "all"]
    report = ok("compare-scales", *asked, "--protocol", "all", "--sizes", "10,30",
                "--seeds", "3", "--seed", "5").json  # fmt: skip
    assert (report["schema_version"], report["kind"]) == (1, "scale_comparison")
    check_origin(report, db)
    assert (report["seeds"], report["seed"]) == (3, 5)
    assert [one["indicator"] for one in report["indicators"]] == INDICATORS
    alone = {one["indicator"]: one for one in ok("attribute", *asked).json["results"]}
    for one in report["indicators"]:
        assert one["full"]["tiers"] == alone[one["indicator"]]["tiers"]
        cases = [(s["protocol"], s["size"]) for s in one["samples"]]
        assert cases == [(p, size) for p in PROTOCOLS for size in (10, 30)]
        for sample in one["samples"]:
            assert sample["seeds"] == (1 if sample["protocol"] == "top" else 3)
            assert [tier["tier"] for tier in sample["tiers"]] == TIERS
            for tier in sample["tiers"]:
                assert tier.keys() == {"tier", "share_mean", "share_std"}
                assert is_number(tier["share_mean"])
                assert is_number(tier["share_std"])
            shares = [tier["share_mean"] for tier in sample["tiers"]]
            assert math.isclose(sum(shares), 1, rel_tol=1e-9)
            lost = sum(tier["share"] for tier in one["full"]["tiers"][1:]) - sum(shares[1:])
            assert math.isclose(sample["flip_mean"], lost, rel_tol=1e-9, abs_tol=1e-12)
            assert is_number(sample["flip_std"])
            test = sample["rescaling"]
            assert {"lambda", "relative_residual", "cosine", "kendall_tau", "spearman_rho",
                    "ratio_spread"} <= test.keys()  # fmt: skip
            assert all(is_number(test[key]) for key in ("lambda", "relative_residual", "cosine"))
            assert test["ratio_spread"] is None or test["ratio_spread"] >= 1 - 1e-12
            if one["indicator"] == "lin":
                assert math.isclose(test["ratio_spread"], 1, rel_tol=1e-9)
                assert math.isclose(test["lambda"], PANEL / sample["size"], rel_tol=1e-9)


def test_json_of_status_and_topics(db: Path, events_file: Path) -> None:
    status = ok("status", "--db", db, "--format", "json").json
    assert status["db"] == str(db)
    assert status["accounts"] == AGENTS + BOTS
    assert status["bytes"] == db.stat().st_size
    assert len(status["days"]) == 15
    kinds = ("posts", "replies", "reposts", "follows")
    assert sum(day[kind] for day in status["days"] for kind in kinds) == status["events"] > 500
    (source,) = status["sources"]
    assert source["source"] == str(events_file)
    assert source["position"] == events_file.stat().st_size
    assert status["rejected"] == []
    assert len(status["coverage"]) == 1
    topics = ok("topics", "list", "--format", "json").json["topics"]
    assert [topic["topic"] for topic in topics] == [
        "mythos", "trump-tariffs", "the-masters", "earth-day-climate", "wrestlemania",
    ]  # fmt: skip
    checked = ok("topics", "check", "--db", db, "--format", "json").json
    assert [topic["topic"] for topic in checked["topics"]] == [t["topic"] for t in topics]
    assert checked["topics"][0]["events"] > 100
    assert [t["events"] for t in checked["topics"][1:]] == [0, 0, 0, 0]
    assert not any(topic["holds"] for topic in checked["topics"])


# --- windows -------------------------------------------------------------------------------------


def window_of(*arguments: object) -> tuple[str, str]:
    window = ok("panel", *arguments, "--format", "json").json["window"]
    return window["start"], window["end"]


def test_a_window_is_14_days_up_to_the_last_event(db: Path) -> None:
    end = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=LAST_EVENT + 1)
    start = end - timedelta(days=14)

    def iso(moment: datetime) -> str:
        return moment.isoformat().replace("+00:00", "Z")

    at_db = ["--db", db]
    assert window_of(*at_db) == (iso(start), iso(end))
    assert window_of("--window", "36h", *at_db) == (iso(end - timedelta(hours=36)), iso(end))
    assert window_of("--window", "2w", *at_db) == (iso(start), iso(end))
    assert window_of("--from", "2026-05-02", *at_db) == (
        "2026-05-02T00:00:00Z", "2026-05-16T00:00:00Z",
    )  # fmt: skip
    assert window_of("--to", "2026-05-08", "--window", "3d", *at_db) == (
        "2026-05-05T00:00:00Z", "2026-05-08T00:00:00Z",
    )  # fmt: skip
    assert window_of("--from", "2026-05-02", "--window", "1d", *at_db) == (
        "2026-05-02T00:00:00Z", "2026-05-03T00:00:00Z",
    )  # fmt: skip


def test_times_are_utc_unless_they_say_otherwise(db: Path) -> None:
    expected = ("2026-05-02T22:00:00Z", "2026-05-04T10:30:00.000001Z")
    for start, end in (
        ("2026-05-03T00:00+02:00", "2026-05-04T12:30:00.000001+02:00"),
        ("2026-05-02T22:00:00Z", "2026-05-04T10:30:00.000001Z"),
        ("2026-05-02 22:00", "2026-05-04T10:30:00.000001"),
        ("2026-05-02T12:00-10:00", "2026-05-04T20:30:00.000001+10:00"),
    ):
        assert window_of("--from", start, "--to", end, "--db", db) == expected


def test_a_window_holds_its_start_and_not_its_end(db: Path, here: Path) -> None:
    # Agent 0 posts on the day after the base, 100 s in.
    moment = at(100, days=1)

    def posts(start: datetime, end: datetime) -> int:
        ok("features", "--from", start.isoformat(), "--to", end.isoformat(), "--scale", "raw",
           "--db", db, "--out", "f.parquet")  # fmt: skip
        return int(pl.read_parquet("f.parquet")["posts"].sum())

    tick = timedelta(microseconds=1)
    assert posts(moment, moment + tick) == 1
    assert posts(moment - tick, moment + tick) == 1
    bounds = ["--from", (moment - tick).isoformat(), "--to", moment.isoformat()]
    refused(ExitCode.NO_ANSWER, "panel", *bounds, "--db", db, says="nobody was active")
    bounds = ["--from", (moment + tick).isoformat(), "--to", (moment + 2 * tick).isoformat()]
    refused(ExitCode.NO_ANSWER, "panel", *bounds, "--db", db, says="nobody was active")


def test_a_window_beyond_the_events_warns_of_the_gap(db: Path) -> None:
    done = ok("attribute", "--topic", "mythos", "--from", "2026-05-01", "--to", "2026-05-20",
              "--db", db, "--format", "json")  # fmt: skip
    (gap,) = done.json["gaps"]
    assert gap["end"] == "2026-05-20T00:00:00Z"
    text = ok("attribute", "--topic", "mythos", "--from", "2026-05-01", "--to", "2026-05-20",
              "--db", db).text  # fmt: skip
    assert "! The window has 1 gap" in text


# --- topics --------------------------------------------------------------------------------------


def test_a_topic_of_ones_own(db: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.toml").write_text(
        '[topics.card]\ntitle = "Cards"\nkeywords = ["system card"]\n', encoding="utf-8"
    )
    asked = ["attribute", "--db", db, "--format", "json"]
    mine = ok(*asked, "--topic", "card", "--topics", "mine.toml").json
    assert mine["topic"]["title"] == "Cards"
    matched = ok(*asked, "--match", r"\bsystem\s+card\b").json
    assert matched["topic"]["patterns"] == [r"\bsystem\s+card\b"]
    assert mine["tiers"] == matched["tiers"]
    assert mine["total"] == ok(*asked, "--topic", "mythos").json["total"]
    monkeypatch.setenv("BLUEATTR_TOPICS", "mine.toml")
    assert ok(*asked, "--topic", "card").json == mine
    assert "card" in ok("topics", "list").text


def test_the_text_of_topics_names_everything_they_match() -> None:
    text = ok("topics", "list").text
    matches = list(csv.DictReader(io.StringIO(ok("topics", "list", "--format", "csv").text)))
    assert len(matches) > 80
    assert [row["matches"] for row in matches if row["matches"] not in text] == []
