"""Hostile arguments and names: they end in a sentence, and nothing in them acts on a terminal."""

import csv
import io
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.errors import ExitCode
from support.cli_world import assert_clean, harmless, ok, run
from support.effort import law
from support.events_builder import at, follow, identity, lines, post

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
    assert done.code in {ExitCode.OK, ExitCode.USAGE, ExitCode.INPUT, ExitCode.NO_ANSWER,
                         ExitCode.STORE, ExitCode.OUTPUT}, done.stderr  # fmt: skip
    assert (done.code == ExitCode.OK) == bool(done.stdout)
    assert_clean(done.stderr)
    assert len(done.stderr) < 20_000
    assert b"\x1b" not in done.stdout


@pytest.mark.few(1)
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
    for option in ("--before", "--after", "--since"):
        others = {"--before": ("--after", "2026-05-08"), "--after": ("--before", "2026-05-08")}
        survives("change", "--topic", "mythos", option, text, *others.get(option, ()), "--db", db)
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_hostile_names_in_events_and_files_are_harmless(here: Path) -> None:
    # Of a rejected line the shape is shown; a file's name is quoted, with whatever it holds.
    bell = "\x1b[31m\x07[red]\u202e=HYPERLINK(1)"
    file = here / "=cmd\x1b[2J[bold].jsonl"
    file.write_bytes(
        lines(
            identity("evil", "=cmd.example", time=at(1)),
            post("evil", "p1", bell, rev=1, time=at(2)),
            follow("other", "f1", "evil", rev=2, time=at(3)),
            post("other", "p1", "most lines are good", rev=3, time=at(4)),
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
    assert all(row["sample"].isascii() or "…" in row["sample"] for row in samples)
    assert {row["sample"][:9] for row in samples} == {'{"did":"…', "32 bytes,", "13 bytes,"}
    assert not any(word in str(samples) for word in ("red", "HYPERLINK", "raw", "1+1"))
    assert {row["source"] for row in samples} == {str(file)}
