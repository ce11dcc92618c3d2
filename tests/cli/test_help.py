"""Help and options: every command explains itself, and options mean the same everywhere."""

import re
import shlex
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from blueattr.cli.help import SECTIONS, sections
from blueattr.errors import ExitCode
from blueattr.version import __version__
from support.cli_world import COMMANDS, ok, run
from support.places import ROOT


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


def questions() -> list[str]:
    """The commands that ask about the panel of a window."""
    found = [
        name for name, one in COMMANDS.items() if {"bots", "start"} <= {p.name for p in one.params}
    ]
    assert {"attribute", "report", "panel", "validate"} <= set(found)
    return found


@pytest.mark.parametrize("name", questions())
def test_options_of_a_question_stand_in_sections(name: str) -> None:
    options = [p for p in COMMANDS[name].params if p.param_type_name == "option"]
    found = sections(options)
    assert {"What", "Window", "Panel", "Output"} <= set(found) <= set(SECTIONS)
    assert sum(map(len, found.values())) == len(options)
    text = ok(*name.split(), "--help").text
    titles = [line[:-1] for line in text.splitlines() if line[:-1] in SECTIONS]
    assert titles == [title for title in SECTIONS if title in found]


def test_no_option_is_in_two_sections_and_none_is_lost() -> None:
    names = [name for section in SECTIONS.values() for name in section]
    assert len(set(names)) == len(names)
    params = {p.name for name in COMMANDS for p in COMMANDS[name].params}
    assert set(names) - params <= {"help", "topics_file"}
    others = [p for p in COMMANDS["run"].params if p.param_type_name == "option"]
    assert sections(others) == {"Options": others}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_no_types_and_names_every_choice(name: str) -> None:
    text = ok(*name.split(), "--help").text
    assert "<" not in text
    for parameter in COMMANDS[name].params:
        for choice in getattr(parameter.type_descriptor.annotation, "__args__", ()):
            if isinstance(choice, str):
                said = f"{parameter.help} {parameter.default}"
                assert re.search(rf"\b{choice}\b", said), (parameter.name, choice)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_can_be_copied_at_80_columns(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    example = next(x for x in COMMANDS[name].help.splitlines() if "Example: " in x)
    assert example.strip() in [
        line.strip() for line in ok(*name.split(), "--help").text.splitlines()
    ]


@pytest.mark.parametrize("width", [60, 80])
def test_help_fits_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for name in ("", *COMMANDS):
        text = ok(*name.split(), "--help").text
        assert max(map(len, text.splitlines())) <= width, name
    # Nor are the summaries of commands cut.
    for name in ("", "topics", "config"):
        assert "..." not in ok(*name.split(), "--help").text.partition("Commands:")[2]


def test_no_help_speaks_of_an_option_that_its_command_does_not_have() -> None:
    every = {key for one in COMMANDS.values() for p in one.params for key in p.opts}
    found = 0
    for name, command in COMMANDS.items():
        own = {key for p in command.params for key in (*p.opts, *p.secondary_opts)}
        for parameter in command.params:
            spoken = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", parameter.help or "")) & every
            found += len(spoken)
            assert spoken <= own, (name, parameter.name, spoken - own)
    assert found > 10


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name: str) -> None:
    for parameter in COMMANDS[name].params:
        assert parameter.help, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"blueattr {name}" in (ROOT / "README.md").read_text(encoding="utf-8")


# Options of a name that another command gives another meaning, and what they mean there.
OTHERWISE = {
    ("convergence", "--steps"),  # several, as its table needs
    *product(("posts", "why"), ("--top",)),  # posts, not agents
    *product(("ingest", "collect"), ("--from", "--to")),  # what is fetched, not a window
    *product(("import",), ("--format", "--columns")),  # the layout, and the parts of columns
    *product(("report",), ("--format", "--indicator")),  # it writes files, and shows all four
    *product(("correct", "design"), ("--size", "--protocol")),  # a column, and one protocol
    # A window that slides, lines of JSON alone, and no groups by day.
    *product(("watch",), ("--from", "--window", "--format", "--by")),
    *product(("attribute", "features", "report"), ("--insecure",)),  # of a cluster, not of a stream
    *product(("ingest",), ("--events", "--buckets")),  # written, not read; as many as there are
    ("schedule", "--serve"),  # a service that does it
    *product(("attribute", "change"), ("--by",)),  # also by day; not by two levels or columns
}


def test_options_mean_the_same_everywhere() -> None:
    found: dict[str, set[tuple[Any, ...]]] = {}
    for name, command in COMMANDS.items():
        if name in {"demo", "synth", "judge"} or name.startswith("scenario "):
            continue  # they ask no store
        for option in command.params:
            key = next((o for o in option.opts if o.startswith("--")), None)
            # What these write or resample differs; how they are given does not. A topic has a
            # default only where the whole panel is a sensible one.
            if key in {None, "--out", "--agents", "--topic", "--seed", "--resamples"}:
                continue
            if (name, key) not in OTHERWISE:
                found.setdefault(str(key), set()).add((str(option.default), option.help))
    assert {"--db", "--from", "--to", "--window", "--indicator", "--tiers"} <= found.keys()
    assert [key for key, ways in found.items() if len(ways) > 1] == []


def test_defaults_are_those_of_the_issue() -> None:
    defaults = {o.opts[0]: o.default for o in COMMANDS["compare-scales"].params}
    expected = {
        "--db": Path("data/blueattr.duckdb"), "--scale": "log1p", "--tiers": "1,10",
        "--sizes": None, "--seeds": 10, "--seed": 0,
    }  # fmt: skip
    assert {k: v for k, v in defaults.items() if k in expected} == expected


def test_help_and_version_go_to_stdout() -> None:
    done = ok("--version")
    assert (done.text, done.stderr) == (f"blueattr {__version__}\n", "")
    for arguments in (["--help"], ["-h"], ["topics", "--help"], ["attribute", "-h"]):
        done = ok(*arguments)
        assert done.text.startswith("Usage: blueattr")
        assert done.stderr == ""


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("why", "blueattr why [OPTIONS] ACCOUNT"),
        ("forget", "blueattr forget [OPTIONS] [DID]..."),
        ("topics check", "blueattr topics check [OPTIONS] [TOPIC]..."),
    ],
)
def test_a_usage_line_writes_arguments_as_is_usual(command: str, usage: str) -> None:
    assert ok(*command.split(), "--help").text.splitlines()[0] == f"Usage: {usage}"


def test_the_exit_codes_are_documented() -> None:
    text = " ".join(ok("--help").text.split())
    table = text.split("Exit codes: ")[1].split(".")[0]
    codes = {int(part.split()[0]) for part in table.replace("(everything readable was kept)", "")
             .split(",")}  # fmt: skip
    assert codes == {int(code) for code in ExitCode}


@pytest.mark.parametrize("arguments", [[], ["topics"]])
def test_without_a_command_the_help_goes_to_stderr(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.code == ExitCode.USAGE
    assert done.stdout == b""
    assert done.stderr.startswith("Usage: blueattr")
    assert "--help" in done.stderr
