"""Addresses in place of files: named as they were typed, and never opened."""

import re
from pathlib import Path

import pytest

from blueattr.atomic import write
from blueattr.errors import ExitCode, OutputError, UsageError
from blueattr.scenarios.record_file import record_path
from blueattr.user_path import named_file, named_page
from support.cli_world import COMMANDS, run

WHERE = {
    "features": ["attribute", "--features"],
    "store": ["status", "--db"],
    "output": ["attribute", "--features", "x.csv", "--out"],
    "a source": ["ingest", "--db", "s.duckdb"],
    "a directory": ["ingest", "--db", "s.duckdb", "--plc"],
}


# Options with the name of a file that is made: `synth --agents` is a number.
WRITES = [
    (name, option)
    for name, command in COMMANDS.items()
    for option in ("--out", "--agents")
    if any(option in one.opts and one.metavar != "N" for one in command.params)
]

EVERYWHERE = pytest.mark.parametrize("command", WHERE.values(), ids=WHERE)


@EVERYWHERE
@pytest.mark.parametrize("address", ["s3://bucket/x.json", "https://example.org/x.json"])
def test_an_address_is_named_as_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*command, address)
    assert done.code != 0
    assert address in done.stderr
    assert list(tmp_path.iterdir()) == []


@EVERYWHERE
@pytest.mark.parametrize("scheme", ["s3", "https", "wss"])
def test_no_name_or_password_of_an_address_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], scheme: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for who in ("name:secret@", "secret@", "name:se@secret@"):
        done = run(*command, f"{scheme}://{who}example.org/x.json")
        assert done.code != 0
        assert "example.org" in done.stderr
        assert "secret" not in done.stderr + done.text


@pytest.mark.parametrize(("command", "option"), WRITES)
def test_no_command_writes_to_an_address_or_names_it_otherwise_than_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: Path, command: str, option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    needed = [one for one in COMMANDS[command].params if one.required]
    arguments = [word for one in needed for word in (*one.opts[:1], "x") if word != one.name]
    arguments += ["economy"] * (command == "scenario run")  # or a simulation of one's own
    if any("--db" in one.opts for one in COMMANDS[command].params) and command != "synth":
        arguments += ["--db", str(db)]
    for address in ("s3://bucket/x.json", "https://example.org/x.json", "md:x.json"):
        done = run(*command.split(), *arguments, option, address)
        assert done.code == ExitCode.OUTPUT
        assert done.stderr.startswith(f"blueattr: cannot write {address}: it is an address")
        assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# A slash at the end makes it a folder, and is lost with the first `Path`.
FILES = [
    (name, option)
    for name, command in COMMANDS.items()
    for one in command.params
    for option in one.opts
    if option in {"--out", "--agents", "--log-file", "--metrics", "--db"} and one.metavar == "FILE"
]


def test_no_command_makes_a_file_of_what_is_typed_as_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len({command for command, _ in FILES}) > 15
    for command, option in FILES:
        done = run(*command.split(), option, "new.json/")
        assert done.code in {ExitCode.OUTPUT, ExitCode.STORE}, (command, option, done.stderr)
        assert "new.json/" in done.stderr
        assert "is the path of a folder" in done.stderr
    done = run("report", "--out", "new.html/")
    assert (done.code, "new.html/: it is the path of a folder" in done.stderr) == (7, True)
    with pytest.raises(OutputError, match=r"r\.json/: it is the path of a folder"):
        record_path("r.json/")
    for folder in (".", "..", "new/."):
        with pytest.raises(OutputError, match=re.escape(f"{folder}: it is the path of a folder")):
            named_file(folder)
    assert list(tmp_path.iterdir()) == []


def test_no_command_takes_the_folder_that_it_is_in_for_an_empty_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = {
        (command, option)
        for command, known in COMMANDS.items()
        for one in known.params
        for option in one.opts
        if option.startswith("--") and one.metavar in {"FILE", "FOLDER", "PATH"}
    }
    assert {("report", "--out"), ("demo", "--out"), ("attribute", "--bots")} < paths
    for command, option in sorted(paths):
        for typed in ((option, ""), (f"{option}=",)):
            done = run(*command.split(), *typed)
            said = "the path of the store" if option == "--db" else option
            assert f"{said} is empty; name a f" in done.stderr, (command, option, done.stderr)
            assert done.code == (ExitCode.STORE if option == "--db" else ExitCode.USAGE)
    for name in (named_file, named_page):
        with pytest.raises(UsageError, match="is empty; name a f"):
            name("")
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_written_to_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:" / "bucket").mkdir(parents=True)
    for address in ("s3://bucket/x.json", "md:x.json"):
        with pytest.raises(OutputError, match=f"cannot write {address}: it is an address"):
            write(Path(address), b"x")
    assert list((tmp_path / "s3:" / "bucket").iterdir()) == []
