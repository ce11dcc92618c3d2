"""Inputs that real collectors and tools make, small and made up: each is read, or named.

Each stands for a kind of input that failed once. Of those whose number is missing here others hold
what is right:

- 16, nobody has popularity: `test_equals.py::test_a_store_of_posts_alone_says_so_beside_its_answers`
- 18, many small files: `test_many_files.py::test_many_files_take_as_many_commits_and_statements_as_one_and_one_more_at_most`
- 22, small messages: `test_exit_codes.py::test_one_day_asked_for_by_its_date_twice_is_told_its_end`,
  `test_exit_codes.py::test_the_address_of_a_file_leads_to_a_pipe`,
  `test_features_file.py::test_features_written_in_any_format_can_be_given_back`
"""  # noqa: E501 - names of tests

import contextlib
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blueattr.errors import ExitCode
from support.cli_world import BLUEATTR, assert_clean, ok, refused
from support.events_builder import at, follow, lines, post, tid, uri
from support.places import ROOT

INPUTS = ROOT / "tests" / "inputs"
EVENTS = INPUTS / "21-files-passed-over-in-a-folder" / "ev.jsonl"


def ingested(*arguments: object, db: Path) -> list[dict[str, Any]]:
    done = ok("ingest", *arguments, "--db", db, "--format", "json").json
    assert done["failures"] == []
    found: list[dict[str, Any]] = done["sources"]
    return found


def shell(command: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a line of bash; $0 is the installed program."""
    return subprocess.run(
        ["bash", "-c", command, str(BLUEATTR)], capture_output=True, check=False, timeout=120
    )


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "name",
    [
        "07-zstd-long-window/ev.jsonl.zst",
        "09-not-lines-called-truncated/ev.jsonl.xz",
        "09-not-lines-called-truncated/pretty.json",
        "09-not-lines-called-truncated/utf16.jsonl",
        "10-json-array/array.json",
        "11-jetstream-of-2024/old.jsonl",
    ],
)
def test_eight_events_are_eight_events_whatever_their_form(name: str, here: Path) -> None:
    (source,) = ingested(INPUTS / name, db=here / "x.duckdb")
    assert (source["lines"], source["kept"], source["rejected"]) == (8, 8, {})
    status = ok("status", "--db", here / "x.duckdb", "--format", "json").json
    (day,) = status["days"]
    assert [day[kind] for kind in ("posts", "follows")] == [4, 4]


@pytest.mark.slow
def test_upper_case_endings_of_a_folder_are_read(here: Path) -> None:
    folder = here / "f"
    folder.mkdir()
    shutil.copy(EVENTS, folder / "A.JSONL")
    shutil.copy(EVENTS, folder / "b.jsonl")
    assert len(ingested(folder, db=here / "x.duckdb")) == 2
    (folder / "b.jsonl").unlink()
    assert len(ingested(folder, db=here / "y.duckdb")) == 1


# --- streams and stores --------------------------------------------------------------------------


@pytest.mark.slow
def test_01_closed_standard_input_is_said_and_leaves_no_store(here: Path) -> None:
    for typed in ("-", "/dev/stdin", "--plc -"):
        done = shell(f'"$0" ingest {typed} --db x.duckdb <&-')
        said = b"blueattr: standard input is closed; name a file\n"
        assert (done.returncode, done.stdout, done.stderr) == (3, b"", said)
        assert list(here.iterdir()) == []


def test_01_closed_standard_input_is_no_empty_file(here: Path) -> None:
    done = shell('"$0" topics list --topics /dev/stdin <&-')
    assert done.returncode == ExitCode.INPUT
    assert done.stderr.startswith(b"blueattr: cannot read the topics in /dev/stdin: ")


def test_01_a_pipe_called_parquet_is_refused_as_it_would_be_read_twice(here: Path) -> None:
    done = shell('mkfifo f.parquet; timeout 20 "$0" attribute --features f.parquet')
    assert done.returncode == ExitCode.INPUT
    says = b"blueattr: cannot read the features in f.parquet: a pipe is read once"
    assert done.stderr.startswith(says)


def test_01_standard_input_that_cannot_be_read_is_called_by_its_name(here: Path) -> None:
    done = shell('"$0" ingest - --db x.duckdb 0>sink')
    assert done.returncode == ExitCode.INPUT
    assert done.stderr == b"blueattr: cannot read standard input: Bad file descriptor\n"


def test_02_what_means_more_to_the_engine_than_a_path_is_no_store(here: Path) -> None:
    sqlite = here / "notes.sqlite"
    with contextlib.closing(sqlite3.connect(sqlite)) as connection:
        connection.execute("CREATE TABLE note (text)")
    before = sqlite.read_bytes()
    for db in (":memory:", "md:", "sqlite:notes.sqlite"):
        refused(ExitCode.STORE, "ingest", EVENTS, "--db", db, says=f"{db} is no file")
    says = "notes.sqlite is not a blueattr store"
    refused(ExitCode.STORE, "ingest", EVENTS, "--db", "notes.sqlite", says=says)
    assert list(here.iterdir()) == [sqlite]
    assert sqlite.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        '"$0" ingest <(cat {events}) --db x.duckdb',
        'cat {events} | "$0" ingest /dev/stdin --db x.duckdb',
        '"$0" ingest <(head -n 4 {events}) <(gzip -c <(tail -n 4 {events})) --db x.duckdb',
        '"$0" ingest /dev/fd/9 --db x.duckdb 9< {events}',
    ],
)
def test_08_a_pipe_is_read_by_the_name_that_the_shell_gave_it(command: str, here: Path) -> None:
    # Quickly: `test_files.py::test_a_pipe_is_read_by_the_name_that_was_typed`.
    done = shell(command.format(events=EVENTS))
    assert done.returncode == 0, done.stderr
    assert ok("status", "--db", "x.duckdb", "--format", "json").json["events"] == 8


# --- times, revisions, relations, handles, hashtags ----------------------------------------------


@pytest.mark.few(1)
@pytest.mark.parametrize("first", [True, False])
def test_12_a_time_of_2098_moves_neither_window_nor_coverage(here: Path, *, first: bool) -> None:
    events = []
    for k in range(30):
        who, rev = f"a{k}", 10 * k + 1
        events += [
            post(who, tid(rev), "claude mythos", rev=rev, time=at(k)),
            follow(who, tid(rev + 1), f"a{k // 2}", rev=rev + 1, time=at(60 + k)),
            post(who, tid(rev + 2), "so", rev=rev + 2, time=at(99 + k), parent=uri("a0", tid(1))),
        ]
    far = events[-1] | {"time_us": 4_039_372_800_000_000}
    (here / "ev.jsonl").write_bytes(lines(*([far, *events] if first else [*events, far])))
    (source,) = ingested("ev.jsonl", db=here / "x.duckdb")
    assert (source["kept"], source["rejected"]) == (90, {"bad time": 1})
    status = ok("status", "--db", "x.duckdb", "--format", "json").json
    day = f"{at():%Y-%m-%d}"
    assert [(one["start"][:10], one["end"][:10]) for one in status["coverage"]] == [(day, day)]
    window = ok("attribute", "--topic", "mythos", "--db", "x.duckdb", "--format", "json").json
    assert window["window"]["end"][:10] == f"{at(days=1):%Y-%m-%d}"


def features_of(name: str, *arguments: object) -> list[dict[str, Any]]:
    ingested(INPUTS / name / "ev.jsonl", *arguments, db=Path("x.duckdb"))
    topic = INPUTS / name / "t.toml"
    asked = ["--topic", "t", "--topics", topic] if topic.exists() else ["--topic", "all"]
    ok("features", *asked, "--scale", "raw", "--db", "x.duckdb", "--out", "f.csv")
    return pl.read_csv("f.csv").to_dicts()


def test_13_five_follow_records_of_a_pair_are_one_follower(here: Path) -> None:
    found = {row["did"]: row["b"] for row in features_of("13-same-follow-counted-again")}
    assert found == {
        "did:plc:577renkh4evtrwl43rxosvef": 0, "did:plc:c6kbzwyshaz3sv2wliao3332": 1,
    }  # fmt: skip


def test_14_a_revision_of_2255_pins_nothing(here: Path) -> None:
    (source,) = ingested(INPUTS / "14-revision-from-the-future" / "ev.jsonl", db=here / "x.duckdb")
    assert (source["kept"], source["rejected"]) == (2, {"bad rev": 1})
    status = ok("status", "--db", "x.duckdb", "--format", "json").json
    assert (status["events"], status["removed"]) == (1, 1)


@pytest.mark.slow
def test_15_the_handle_is_found_behind_the_address_of_a_site(here: Path) -> None:
    name = "15-handle-not-first-alias"
    (here / "plc.jsonl").write_bytes((INPUTS / name / "plc.jsonl").read_bytes())
    ingested(INPUTS / name / "ev.jsonl", "--plc", "plc.jsonl", db=here / "x.duckdb")
    panel = ok("panel", "--db", "x.duckdb", "--format", "json").json
    steps = {step["filter"]: step["removed"] for step in panel["panel"]}
    assert steps["bot handle: bot-word"] == sum(steps.values()) == 1


@pytest.mark.slow
def test_19_a_hashtag_within_a_word_or_an_address_is_none(here: Path) -> None:
    rows = features_of("19-hashtag-within-a-word")
    assert [row["did"] for row in rows if row["a"] > 0] == ["did:plc:cn7lndwnifhhovumrsissipo"]
    assert len(rows) == 3


# --- tables of others ----------------------------------------------------------------------------


@pytest.mark.slow
def test_03_a_column_twice_is_said_of_four_million_rows(here: Path) -> None:
    # Quickly: `test_tables.py::test_a_column_that_occurs_twice_is_refused_on_every_way`.
    n = (1 << 22) + 5
    ones = pa.array(np.ones(n, np.int8))
    table = pa.table({"agent": pa.array(np.arange(n)), "a": ones, "b": ones, "c": ones})
    pq.write_table(table.append_column("a", ones), "big.parquet", compression="zstd")
    refused(ExitCode.INPUT, "attribute", "--features", "big.parquet",
            says="the column 'a' occurs twice")  # fmt: skip


def test_04_the_bad_cell_is_named_and_none_of_its_neighbours(here: Path) -> None:
    path = INPUTS / "04-bad-cell-blames-wrong-agent" / "na.csv"
    done = refused(ExitCode.INPUT, "attribute", "--features", path)
    said = "blueattr: agent 'agent5': column 'a' is 'NA', which is not a number (line 7)\n"
    assert done.stderr == said


TABLES = {
    "05-csv-blank-line/p.csv": (8, "p.csv: 1 empty line was passed over"),
    "06-library-advice-leaks/netlogo.csv": (8, "netlogo.csv: 3 lines before the header were"),
    "20-agent-names-in-other-text-types/cat.parquet": (300, ""),
}


@pytest.mark.parametrize("name", TABLES)
def test_05_06_20_a_table_is_read_and_what_was_passed_over_is_said(name: str, here: Path) -> None:
    agents, said = TABLES[name]
    done = ok("attribute", "--features", INPUTS / name, "--format", "json")
    assert done.json["n_agents"] == agents
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == bool(said)
    assert_clean(done.stderr)


@pytest.mark.slow
def test_17_default_sizes_that_do_not_fit_are_left_out_and_said(here: Path) -> None:
    path = INPUTS / "17-default-sizes-do-not-fit" / "p.csv"
    left_out = "Samples of 1,000 are left out: the panel has 101 agents."
    assert left_out in ok("compare-scales", "--features", path, "--seeds", "1").text
    ok("report", "--features", path, "--out", "page.html", "--seeds", "2")
    assert left_out in Path("page.html").read_text()
    refused(ExitCode.NO_ANSWER, "compare-scales", "--features", path, "--sizes", "1000",
            says="with --sizes")  # fmt: skip
