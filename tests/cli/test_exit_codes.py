"""Exit codes: what a user can cause ends in a sentence on stderr and a documented code."""

import fcntl
import gzip
import importlib
import json
import os
import py_compile
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import typer

import blueattr
from blueattr.cli import main
from blueattr.errors import BlueattrError, ExitCode, StoreError
from blueattr.store.database import Store
from support.cli_world import BLUEATTR, ok, process, refused, run
from support.events_builder import at, identity, like, lines, uri

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
    "two formats": ["status", "--out", "a.json", "--format", "csv"],
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


def test_one_day_asked_for_by_its_date_twice_is_told_its_end(db: Path) -> None:
    asked = ["panel", "--db", db, "--from", "2026-05-03", "--to", "2026-05-03"]
    refused(ExitCode.USAGE, *asked, says="does not include its end; for this day: --to 2026-05-04")
    asked[-1] = "2026-05-02"
    refused(ExitCode.USAGE, *asked, says="before it starts")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/events.jsonl.gz",
        "https://example.org/a%20b.zst",
        "http://127.0.0.1/x.json",
    ],
)
def test_the_address_of_a_file_leads_to_a_pipe(url: str, here: Path) -> None:
    says = f"curl -fsSL {url} | blueattr ingest -"
    refused(ExitCode.USAGE, "ingest", url, "--db", here / "s.duckdb", says=says)
    secret = url.replace("://", "://me:secret@")
    assert "secret" not in run("ingest", secret, "--db", here / "s.duckdb").stderr
    plc = ("ingest", "--db", here / "s.duckdb", "--plc")
    refused(ExitCode.INPUT, *plc, url, says=f"curl -fsSL {url} | blueattr ingest --plc -")
    assert "secret" not in run(*plc, secret).stderr


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("good", "bad", "likes", "code"),
    [
        (9, 10, 0, ExitCode.MOSTLY_REJECTED),
        (10, 10, 0, ExitCode.MOSTLY_REJECTED),
        (11, 10, 0, ExitCode.OK),
        (1, 1, 90, ExitCode.MOSTLY_REJECTED),
        (0, 5, 90, ExitCode.INPUT),
        (1000, 1, 0, ExitCode.OK),
        (0, 5, 0, ExitCode.INPUT),
        (0, 0, 5, ExitCode.OK),
        (0, 0, 0, ExitCode.OK),
    ],
)
def test_half_of_the_lines_that_are_not_skipped_rejected_ends_with_12(
    good: int, bad: int, likes: int, code: ExitCode, here: Path
) -> None:
    path, store = here / "x.jsonl", here / "s.duckdb"
    events = [identity(f"a{k}", "a.example", time=at(k)) for k in range(good)]
    liked = [like("b", f"k{k}", uri("a", "x"), rev=k, time=at(k)) for k in range(likes)]
    path.write_bytes(lines(*events, *liked) + b"no\n" * bad)
    for state in ["mostly rejected", "unchanged"][: 1 + bool(good)]:
        done = run("ingest", path, "--db", store, "--format", "json")
        assert done.code == code
        assert ("mostly rejected" in done.stderr) == (code == ExitCode.MOSTLY_REJECTED)
        if code == ExitCode.MOSTLY_REJECTED:
            assert done.json["sources"][0]["state"] == state
            (said,) = done.json["failures"]
            assert f"{bad} of its {good + bad} lines" in said
            assert f"blueattr: {said}" in done.stderr
        assert done.json["sources"][0]["kept"] == good


@pytest.mark.slow
def test_each_source_is_judged_by_itself_and_bad_input_is_more_serious(here: Path) -> None:
    whole, mostly, nothing = here / "whole.jsonl", here / "mostly.jsonl", here / "nothing.jsonl"
    events = [identity(f"a{k}", "a.example", time=at(k)) for k in range(100)]
    whole.write_bytes(lines(*events))
    mostly.write_bytes(lines(events[0]) + b"no\n")
    nothing.write_bytes(b"no\n")
    done = run("ingest", whole, mostly, "--db", here / "s.duckdb")
    assert done.code == ExitCode.MOSTLY_REJECTED
    assert str(mostly) in done.stderr
    assert str(whole) not in done.stderr
    done = run("ingest", whole, mostly, nothing, "--db", here / "t.duckdb")
    assert done.code == ExitCode.INPUT
    assert str(mostly) in done.stderr
    assert str(nothing) in done.stderr


@pytest.mark.slow
def test_files_of_a_folder_that_are_passed_over_are_counted(here: Path) -> None:
    folder = here / "in"
    folder.mkdir()
    event = lines(identity("a", "a.example", time=at(0)))
    for name in ("A.JSONL", "b.Json", "c.NDJSON.GZ"):
        packed = gzip.compress(event) if name.endswith("GZ") else event
        (folder / name).write_bytes(packed)
    done = ok("ingest", folder, "--db", here / "s.duckdb", "--format", "json")
    assert len(done.json["sources"]) == 3
    assert done.json["passed_over"] == []
    for name in ("d.csv", "e.jsonl.part", "sub/f.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(event)
    os.mkfifo(folder / "z.jsonl")  # nobody may ever write to it
    text = ok("ingest", folder, "--db", here / "s.duckdb").stdout.decode()
    assert f"Passed over 4 of 7 files in {folder}, such as 'd.csv'" in text
    for name in ("A.JSONL", "b.Json", "c.NDJSON.GZ"):
        (folder / name).unlink()
    refused(ExitCode.INPUT, "ingest", folder, "--db", here / "s.duckdb", says="4 of other names")


@pytest.mark.slow
def test_many_sources_are_summed_up(here: Path) -> None:
    folder = here / "in"
    folder.mkdir()
    for k in range(30):
        good = lines(identity(f"a{k}", "a.example", time=at(k)))
        (folder / f"{k:02}.jsonl").write_bytes(good if k < 25 else b"no\n")
    done = run("ingest", folder, "--db", here / "s.duckdb")
    assert done.code == ExitCode.INPUT
    text = done.stdout.decode()
    assert "30 sources: 25 complete, 5 all rejected." in text
    assert "30 lines: 25 kept, 0 skipped, 5 rejected." in text
    assert "The first 20 of 30" in text
    assert all(f"{k}.jsonl" in text for k in range(25, 30))  # what went wrong comes first
    assert text.count(str(folder)) == 20
    assert "The first 20 of 30" in ok("status", "--db", here / "s.duckdb").stdout.decode()


@pytest.mark.few(1)
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


@pytest.mark.slow
def test_a_question_without_answer_ends_with_4(db: Path, panel_file: Path, here: Path) -> None:
    at_db = ["--db", db]
    no = ExitCode.NO_ANSWER
    refused(no, "attribute", "--topic", "mytos", *at_db, says="did you mean mythos?")
    refused(no, "attribute", "--topic", "zzz", *at_db, says="blueattr topics list")
    refused(no, "topics", "check", "wrestle-mania", *at_db, says="wrestlemania")
    refused(no, "panel", "--from", "2030-01-01", *at_db, says="nobody was active")
    refused(no, "attribute", "--topic", "all", "--to", "2020-01-01", *at_db, says="nobody")
    nothing = "no post matched the expression 'xyzzy' in 2 to 15 May 2026 (UTC)"
    for indicator in ("heat", "lin", "var", "gini"):
        asked = ("attribute", "--match", "xyzzy", "--indicator", indicator)
        refused(no, *asked, *at_db, says=nothing)
    for command in ("attribute", "compare-scales", "bootstrap", "sensitivity", "convergence"):
        refused(no, command, "--topic", "wrestlemania", *at_db, says="no post matched")
    refused(no, "report", "--topic", "wrestlemania", *at_db, says="no post matched")
    refused(no, "features", "--match", "xyzzy", "--out", here / "f.csv", *at_db, says=nothing)
    refused(no, "compare-scales", "--topic", "all", "--sizes", "1000", *at_db,
            says="larger than the panel of 58")  # fmt: skip
    refused(no, "compare-scales", "--features", panel_file, "--sizes", "59", says="larger")
    headed = here / "headed.csv"
    headed.write_text("did,a,b,c\n")
    refused(no, "attribute", "--features", headed, says="no agents")
    empty = here / "empty.duckdb"
    ok("ingest", "-", "--db", empty)
    refused(no, "attribute", "--topic", "all", "--db", empty, says="holds no events")


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2, 3, 20, 100, 300])
def test_a_small_panel_gets_an_answer_from_every_command(n: int, here: Path) -> None:
    path = here / "small.csv"
    rows = [f"x{k},{k % 3 + 1},{k % 5 + 1},{k % 2 + 1}" for k in range(n)]
    path.write_text("\n".join(["agent,a,b,c", *rows]))
    for command in ("attribute", "compare-scales", "sensitivity", "validate", "convergence",
                    "bootstrap"):  # fmt: skip
        report = ok(command, "--features", path, "--format", "json").json
        assert report["n_agents"] == n
    sizes = ok("compare-scales", "--features", path, "--format", "json").json["sizes"]
    assert sizes == ([100] if n == 300 else [max(1, n // 2)])
    ok("report", "--features", path, "--out", here / "small.html")
    refused(ExitCode.NO_ANSWER, "compare-scales", "--features", path, "--sizes", n + 1,
            says="larger than the panel")  # fmt: skip


@pytest.mark.slow
def test_a_store_in_use_ends_with_5(events_file: Path, here: Path) -> None:
    store = here / "s.duckdb"
    with (here / "s.duckdb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        refused(ExitCode.STORE_BUSY, "ingest", events_file, "--db", store, says="process 4711")
    ok("ingest", events_file, "--db", store)


@pytest.mark.slow
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


@pytest.mark.few(2)
@pytest.mark.parametrize("name", ["loop", "loop/x", "x" * 300, f"{'x' * 300}/x"])
def test_where_no_file_can_be_a_store_ends_with_6_and_output_with_7(
    name: str, panel_file: Path, events_file: Path, here: Path
) -> None:
    (here / "loop").symlink_to("loop")
    (here / "loop.csv").symlink_to("loop.csv")
    says = "symbolic links" if name.startswith("loop") else "File name too long"
    for asked in (
        ["status"],
        ["compact"],
        ["attribute", "--topic", "all"],
        ["ingest", events_file],
    ):
        refused(ExitCode.STORE, *asked, "--db", here / name, says=says)
    out = here / f"{name}.csv"
    for option in ("--out", "--agents"):
        refused(ExitCode.OUTPUT, "attribute", "--features", panel_file, option, out)
    refused(ExitCode.OUTPUT, "synth", "--out", here / name, says=says)
    refused(ExitCode.OUTPUT, "report", "--features", panel_file, "--out", here / name)
    assert (here / "loop").is_symlink()


@pytest.mark.slow
def test_a_wrong_file_does_not_take_away_a_store_in_the_folder_of_the_user(
    events_file: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "home").mkdir()
    monkeypatch.setenv("HOME", str(here / "home"))
    (here / "bad.jsonl").write_text("[1]\n")
    assert run("ingest", here / "bad.jsonl", "--db", "~/x.duckdb").code == ExitCode.INPUT
    assert not list((here / "home").iterdir())
    ok("ingest", events_file, "--db", "~/x.duckdb")
    before = ok("status", "--db", "~/x.duckdb").stdout
    done = run("ingest", here / "bad.jsonl", "--db", "~/x.duckdb")
    assert done.code == ExitCode.INPUT
    assert b"there is no store" not in done.stdout
    assert ok("status", "--db", "~/x.duckdb").stdout != before  # with a line that was rejected
    assert not (here / "~").exists()


@pytest.mark.parametrize(
    ("typed", "says"),
    [("", "the path of the store is empty; name a file"),
     ("new/", "new/ is the path of a folder; a store is a file")],
)  # fmt: skip
def test_a_store_without_a_name_or_named_as_a_folder_is_refused_as_it_was_typed(
    here: Path, typed: str, says: str
) -> None:
    (here / "x.jsonl").write_bytes(b"{}\n")
    for command in (["status"], ["ingest", "x.jsonl"]):
        refused(ExitCode.STORE, *command, "--db", typed, says=says)
    with pytest.raises(StoreError, match=f"^{says}"):
        blueattr.open(typed)
    assert [each.name for each in here.iterdir()] == ["x.jsonl"]


@pytest.mark.parametrize("option", ["-v", "-d"])
def test_little_address_space_is_refused_before_work(option: str) -> None:
    for kilobytes in (1_000_000, 1_500_000, (2 << 20) - 1):
        done = subprocess.run(
            ["sh", "-c", f"ulimit {option} {kilobytes}; exec {BLUEATTR} topics list"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == ExitCode.FAILURE
        assert f"2048 MB; raise the limit (ulimit {option})" in done.stderr
        assert done.stderr.count("\n") == 1


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
        ExitCode.FAILURE,  # there is not enough memory
    }  # fmt: skip


def test_a_module_that_a_full_disk_has_cut_is_no_interruption(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "cut_by_a_full_disk.py").write_text("a = 1\n")
    compiled = Path(py_compile.compile(str(here / "cut_by_a_full_disk.py"), doraise=True) or "")
    compiled.write_bytes(compiled.read_bytes()[:20])
    monkeypatch.syspath_prepend(here)
    broken = typer.Typer()
    broken.command()(lambda: importlib.import_module("cut_by_a_full_disk"))
    monkeypatch.setattr(main, "_app", broken)
    monkeypatch.setattr("sys.argv", ["blueattr"])
    with pytest.raises(SystemExit) as ended:
        main.app()
    assert ended.value.code == ExitCode.FAILURE
    assert f"blueattr: {compiled} is cut, as a full disk leaves" in capsys.readouterr().err


@pytest.mark.slow
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
    time.sleep(1.5)  # now it waits for more lines
    child.send_signal(signal.SIGINT)
    # Its input stays open: it must not wait for the end of it.
    assert child.wait(timeout=30) == ExitCode.INTERRUPTED
    assert child.stdout is not None
    assert child.stderr is not None
    assert child.stdout.read() == b""
    said = child.stderr.read().decode().splitlines()
    assert said == [
        "blueattr: everything committed is kept; run the same command again to continue",
        "blueattr: interrupted",
    ]
    for stream in (child.stdin, child.stdout, child.stderr):
        stream.close()
    with Store.open(store) as opened:
        assert opened.frame("analysis/upkeep/totals")["events"][0] == 0
    ok("ingest", events_file, "--db", store)


def test_ctrl_c_in_a_query_ends_with_130(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What DuckDB raises then, which nothing but a race could bring about for real.
    def interrupted(*_: object, **__: object) -> None:
        raise RuntimeError(message)

    monkeypatch.setattr("blueattr.analysis.upkeep.status.status", interrupted)
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
