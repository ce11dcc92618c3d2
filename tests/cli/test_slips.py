"""What a user gets slightly wrong is understood, or the message says what to do."""

from pathlib import Path

import pytest

from blueattr.errors import ExitCode
from support.cli_world import ok, run, write_events, write_store

ONE_TOPIC = ("attribute", "bootstrap", "sensitivity", "convergence", "validate", "panel")
EMPTY = "agent,a,b,c\n"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return write_store(tmp_path / "s.duckdb")


@pytest.mark.slow
def test_letter_case_of_a_topic_does_not_matter(db: Path, tmp_path: Path) -> None:
    asked = ["--db", db, "--format", "json"]
    whole = ok("attribute", "--topic", "mythos", *asked).json
    for name in ("Mythos", "MYTHOS", " mythos "):
        assert ok("attribute", "--topic", name, *asked).json == whole
    assert ok("panel", "--topic", "ALL", *asked).json == ok("panel", "--topic", "all", *asked).json
    one, other = (ok("topics", "check", name, *asked).json for name in ("Mythos", "mythos"))
    assert one == other
    said = tmp_path / "blueattr.toml"
    said.write_text('[[sources]]\nread = ["events/"]\n[report]\ntopic = ["Mythos"]\n')
    ok("config", "show", "--config", said)


@pytest.mark.slow
def test_several_topics_are_named_by_commas_wherever_there_may_be_several(db: Path) -> None:
    asked = ["--db", db, "--format", "json"]
    sampled = ["--sizes", "2", "--seeds", "1"]
    both = "Mythos,trump-tariffs"
    apart = ok("topics", "check", "mythos", "trump-tariffs", *asked).json
    assert ok("topics", "check", both, *asked).json == apart
    every = ok("topics", "check", *asked).json
    assert ok("topics", "check", "all-topics", *asked).json == every
    grid = ok("compare-scales", "--all-topics", *sampled, *asked).json
    assert grid == ok("compare-scales", "--topic", "All-Topics", *sampled, *asked).json
    assert len(grid["topics"]) > 2


@pytest.mark.few(2)
@pytest.mark.parametrize("command", ONE_TOPIC)
def test_a_command_about_one_topic_says_which_ones_take_several(command: str, db: Path) -> None:
    for topic in ("mythos,trump-tariffs", "all-topics"):
        done = run(command, "--topic", topic, "--db", db)
        assert done.code == ExitCode.USAGE
        assert topic in done.stderr
        assert "compare-scales" in done.stderr
    done = run(command, "--all-topics", "--db", db)
    assert done.code == ExitCode.USAGE
    assert "compare-scales" in done.stderr


@pytest.mark.parametrize("command", ["compare-scales", "report"])
def test_all_topics_stands_alone(command: str, db: Path, tmp_path: Path) -> None:
    panel = tmp_path / "panel.csv"
    panel.write_text(EMPTY)
    for others in (["--topic", "mythos", "--db", db], ["--features", panel]):
        done = run(command, "--all-topics", *others)
        assert done.code == ExitCode.USAGE
        assert "--all-topics" in done.stderr


@pytest.mark.parametrize("command", [["status"], ["attribute", "--topic", "mythos"], ["hydrate"]])
def test_a_missing_store_can_be_named_in_two_ways(command: list[str], tmp_path: Path) -> None:
    done = run(*command, "--db", tmp_path / "none.duckdb")
    assert done.code == ExitCode.STORE
    for way in ("--db", "BLUEATTR_DB", "blueattr ingest"):
        assert way in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["attribute", "--scale", "xml"], "'xml' is not one of 'log1p', 'raw'"),
        (["attribute", "--format", "xml"], "'xml' is not one of 'text', 'json'"),
        (["attribute", "--top", "x"], "whole number"),
        (["compare-scales", "--seed", "1.5"], "whole number"),
        (["hydrate", "--rate", "fast"], "it should be a number"),
        (["synth", "--agents", "many"], "whole number"),
    ],
)
def test_a_wrong_value_is_explained_in_plain_words(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert done.code == ExitCode.USAGE
    assert says in done.stderr
    for jargon in ("Value error", "Input should", "parse string", "valid integer"):
        assert jargon not in done.stderr


@pytest.mark.slow
def test_a_wrong_file_leaves_no_store_behind(tmp_path: Path) -> None:
    db = tmp_path / "new.duckdb"
    wrong = {
        "notes.jsonl": b"hello\nworld\n",
        "noise.jsonl.zst": b"\x00\x01\x02 no zstd data" * 9,
        "text.jsonl.gz": b"no gzip data either",
    }
    for name, content in wrong.items():
        (tmp_path / name).write_bytes(content)
        for option in ([], ["--plc"]):
            done = run("ingest", *option, tmp_path / name, "--db", db)
            assert done.code == ExitCode.INPUT
            assert name in done.stderr
            assert "there is no store at" in done.text
            assert "blueattr status" not in done.text
    assert {path.name for path in tmp_path.iterdir()} == set(wrong)


@pytest.mark.slow
def test_a_wrong_file_beside_a_right_one_or_an_old_store_removes_nothing(
    db: Path, tmp_path: Path
) -> None:
    wrong, right = tmp_path / "wrong.jsonl", write_events(tmp_path / "right.jsonl")
    wrong.write_text("hello\n")
    before = ok("status", "--db", db, "--format", "json").json["events"]
    assert run("ingest", wrong, "--db", db).code == ExitCode.INPUT
    assert ok("status", "--db", db, "--format", "json").json["events"] == before > 0
    new = tmp_path / "new.duckdb"
    done = run("ingest", wrong, right, "--db", new)
    assert done.code == ExitCode.INPUT
    assert ok("status", "--db", new, "--format", "json").json["events"] > 0
    nothing = tmp_path / "empty.jsonl"
    nothing.touch()
    ok("ingest", nothing, "--db", tmp_path / "other.duckdb")
    assert (tmp_path / "other.duckdb").exists(), "nothing went wrong"


FEATURES = {
    "nan.csv": (b"agent,a,b,c\nq,1,2,3\nr,nan,2,3\n", "agent 'r': column 'a' is nan"),
    "inf.csv": (b"agent,a,b,c\nq,1,2,3\nr,2,-inf,3\n", "agent 'r': column 'b' is -inf"),
    "word.csv": (b"agent,a,b,c\nq,1,2,3\nr,many,2,3\n", "agent 'r': column 'a' is 'many'"),
    "latin.csv": (b"agent,a,b,c\nq\xe9,1,2,3\n", "not text in UTF-8"),
    "cut.jsonl": (
        b'{"agent":"q","a":1,"b":2,"c":3}\n\n{oops\n', "line 3 is not a JSON object"
    ),
    "no.parquet": (b"oops", "no Parquet file in spite of its name"),
    "no.arrow": (b"oops", "no Arrow file in spite of its name"),
}  # fmt: skip


@pytest.mark.parametrize("name", FEATURES)
def test_the_culprit_in_a_features_file_is_named(name: str, tmp_path: Path) -> None:
    content, says = FEATURES[name]
    path = tmp_path / name
    path.write_bytes(content)
    done = run("attribute", "--features", path)
    assert done.code == ExitCode.INPUT
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    for jargon in ("out-of-spec", "ErrorLocation", "dtype", "Consider", "infer_schema"):
        assert jargon not in done.stderr


def test_spaces_around_names_and_numbers_do_not_matter(tmp_path: Path) -> None:
    plain, spaced = tmp_path / "plain.csv", tmp_path / "spaced.csv"
    plain.write_text("agent,a,b,c\nq,1,2,3\nr,2,0.5,1\n")
    spaced.write_text("agent, a , b, c\nq, 1, 2, 3\nr, 2 , 0.5, 1\n")
    one, other = (
        ok("attribute", "--features", path, "--format", "csv").text.replace(path.name, "")
        for path in (plain, spaced)
    )
    assert one == other
