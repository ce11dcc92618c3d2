"""Documentation that is run: doctests, the README's console, docstrings, the invariants' tests."""

import ast
import doctest
import importlib.util
import inspect
import json
import operator
import os
import pkgutil
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import blueattr
from support.cli_world import BLUEATTR, COMMANDS
from support.pages import HOME, abridged, short_folder, typed
from support.places import ROOT

README = ROOT / "README.md"
DOCS = ROOT / "docs"
INVARIANTS = DOCS / "invariants.md"
WRITE = os.environ.get("BLUEATTR_WRITE_GOLDEN") == "1"


_BELOW = sorted(found.name for found in pkgutil.walk_packages(blueattr.__path__, "blueattr."))
MODULES = ["blueattr", *_BELOW]


# --- doctests ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_examples_of_every_module_are_true() -> None:
    attempted = {}
    for name in MODULES:
        result = doctest.testmod(importlib.import_module(name))
        assert result.failed == 0, name
        attempted[name] = result.attempted
    assert len(attempted) > 30
    assert attempted["blueattr"] > 1
    assert sum(attempted.values()) > 20


# --- the README's console ------------------------------------------------------------------------

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with short_folder() as path:
        yield path


def seen(command: str, home: Path) -> list[str]:
    """Run a command of the README as its reader would, both streams on one terminal."""
    words = shlex.split(command)
    assert words[0] == "blueattr", command
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BLUEATTR")}
    done = subprocess.run(
        [str(BLUEATTR), *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, timeout=300, cwd=home, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert len(str(home.resolve())) == len(HOME) or str(home.resolve()) not in done.stdout, (
        "the folder's real name is longer than its own: tables cannot be compared"
    )
    return done.stdout.replace(str(home), HOME).rstrip("\n").split("\n")


@pytest.mark.slow
def test_the_readme_shows_what_its_commands_print(home: Path) -> None:
    text = README.read_text(encoding="utf-8")
    blocks = [match[1] for match in _BLOCK.finditer(text)]
    commands = [command for block in blocks for command, _ in typed(block)]
    assert any(command.startswith("blueattr attribute ") for command in commands)
    assert any(command.startswith("blueattr compare-scales ") for command in commands)
    actual = []
    for block in blocks:
        lines = []
        for command, shown in typed(block):
            lines += [f"$ {command}", *abridged(seen(command, home), shown)]
        actual.append("\n".join(lines) + "\n")
    if WRITE:
        rest = iter(actual)
        written = _BLOCK.sub(lambda _: f"```console\n{next(rest)}```", text)
        README.write_text(written, encoding="utf-8")
    else:
        assert blocks == actual


def test_every_command_of_the_readme_is_shown_or_only_named() -> None:
    # A command line anywhere else would not be run, and could go out of date unseen.
    text = _BLOCK.sub("", README.read_text(encoding="utf-8"))
    assert not re.search(r"^\$ ", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("lines", "shown", "expected"),
    [
        (["a", "b", "c"], ["a", "b"], ["a", "b", "c"]),
        (["a", "b", "c"], ["x", "..."], ["a", "..."]),
        (["a", "b", "c"], ["...", "x"], ["...", "c"]),
        (["a", "b", "c", "d"], ["a", "...", "d"], ["a", "...", "d"]),
    ],
)
def test_leaving_out_lines(lines: list[str], shown: list[str], expected: list[str]) -> None:
    assert abridged(lines, shown) == expected


def test_the_python_example_of_the_readme_runs() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - our own example


def test_the_links_of_the_documentation_lead_somewhere() -> None:
    """As files, for who reads them without the site; headings are for the site's build to check."""
    generated = {"index.md", *(f"{name.replace(' ', '-')}.md" for name in COMMANDS)}
    commands = DOCS / "commands"
    pages = [README, *(page for page in sorted(DOCS.rglob("*.md")) if page.parent != commands)]
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    ]
    assert len(links) > 60
    broken = []
    for page, target in links:
        path = (page.parent / target).resolve()
        there = path.name in generated if path.parent == commands else path.exists()
        if not there:
            broken.append((page.name, target))
    assert broken == []


# --- docstrings ----------------------------------------------------------------------------------

_SECTION = re.compile(r"^([A-Z][A-Za-z ]+)\n(-{3,})$", re.MULTILINE)
_SECTIONS = ["Parameters", "Attributes", "Returns", "Yields", "Raises", "See Also", "Notes",
             "References", "Examples"]  # fmt: skip


def public() -> Iterator[tuple[str, Any]]:
    """Every function, class and method that a module offers, by its full name."""
    for name in MODULES:
        module = importlib.import_module(name)
        for item in _offered(module):
            thing = getattr(module, item)
            if not (inspect.isfunction(thing) or inspect.isclass(thing)):
                continue
            if thing.__module__ != name:
                continue
            yield f"{name}.{item}", thing
            for member, value in vars(thing).items() if inspect.isclass(thing) else ():
                function = getattr(value, "__func__", getattr(value, "fget", value))
                named = inspect.isfunction(function) and function.__name__ == member
                if named and not member.startswith("_"):
                    yield f"{name}.{item}.{member}", function


def _offered(module: ModuleType) -> list[str]:
    default = [item for item in vars(module) if not item.startswith("_")]
    return list(getattr(module, "__all__", default))


PUBLIC = dict(public())


def sections(thing: Any) -> dict[str, str]:
    parts = _SECTION.split(inspect.cleandoc(thing.__doc__))
    return {name: body for name, _, body in zip(*[iter(parts[1:])] * 3, strict=True)}


def documented(thing: Any) -> list[str]:
    """The names of a Parameters section."""
    heads = re.findall(r"^(\S.*)$", sections(thing).get("Parameters", ""), re.MULTILINE)
    return [name.strip().lstrip("*") for head in heads for name in head.split(":")[0].split(",")]


def parameters(thing: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(thing).parameters if name not in {"self", "cls"}]


def test_every_public_name_has_a_docstring_in_numpy_style() -> None:
    assert len(PUBLIC) > 150
    wrong = []
    for name, thing in PUBLIC.items():
        text = thing.__doc__ or ""
        first = inspect.cleandoc(text).split("\n\n", maxsplit=1)[0]
        if not text or "\n" in first or not first.rstrip("`").endswith((".", "…")):
            wrong.append(f"{name}: no summary in one line")
            continue
        found = list(sections(thing))
        if found != sorted(found, key=lambda s: _SECTIONS.index(s) if s in _SECTIONS else -1):
            wrong.append(f"{name}: sections {found}")
        if any(underline != "-" * len(title) for title, underline in _SECTION.findall(text)):
            wrong.append(f"{name}: an underline of another length")
    assert wrong == []


def test_documented_parameters_are_those_of_the_signature() -> None:
    checked, wrong = 0, []
    for name, thing in PUBLIC.items():
        described = documented(thing)
        if not described:
            continue
        checked += 1
        # Not all need words; none may have words and not be there.
        if unknown := set(described) - set(parameters(thing)):
            wrong.append(f"{name} does not take {unknown}")
    assert checked > 40
    assert wrong == []


_OF_STORE = [name for name in vars(blueattr.Store) if not name.startswith("_") and name != "close"]
_LIBRARY = [name for name in blueattr.__all__ if name != "Store"] + [
    f"Store.{n}" for n in _OF_STORE
]


@pytest.mark.parametrize("name", _LIBRARY)
def test_the_library_documents_every_parameter_and_error(name: str) -> None:
    function = operator.attrgetter(name)(blueattr)
    assert documented(function) == parameters(function)
    assert {"Returns", "Raises"} <= sections(function).keys() or not parameters(function)


# --- invariants ----------------------------------------------------------------------------------


@cache
def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_performance_page_says_what_was_measured() -> None:
    spec = importlib.util.spec_from_file_location("performance", ROOT / "bench" / "performance.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    measured, asked = (
        json.loads((DOCS / name).read_text(encoding="utf-8"))
        for name in ("performance.json", "questions.json")
    )
    page = (DOCS / "performance.md").read_text(encoding="utf-8")
    assert page == module.page(measured, asked, figures=False)
    # The readme tells some of it.
    told = README.read_text(encoding="utf-8").partition("## At the network's size")[2]
    told = told.partition("\n## ")[0]
    numbers = re.findall(r"[\d.,]*\d (?:s|GB|million)\b", told)
    assert len(numbers) > 3
    for number in numbers:
        assert number in page, number
    # Whoever reads them knows which version they are of.
    assert f"version {measured['machine']['blueattr']};" in told


@pytest.mark.slow
def test_every_invariant_names_tests_that_exist() -> None:
    rules = re.split(r"^\*\*", INVARIANTS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(rules) > 15
    for rule in rules:
        named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", rule)
        assert named, f"no test holds: {rule[:60]}"
        for file, test in named:
            path = next((ROOT / "tests").rglob(file), None)
            assert path is not None, file
            assert test in names_in(path), f"{file}::{test}"
    assert len(INVARIANTS.read_text(encoding="utf-8").split()) < 2_000, "one page"


def test_every_make_target_of_the_pages_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    pages = [README, ROOT / "CONTRIBUTING.md", DOCS / "tutorial.md"]
    named = {
        target
        for page in pages
        for target in re.findall(
            r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert {"run", "test", "test-all", "lint"} <= named
    assert named <= targets


def test_every_place_that_the_architecture_names_is_there() -> None:
    """Paths, and the functions and classes beside them; a stale map misleads a newcomer."""
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.(?:py|sql|toml|md)|[\w/]+/)`(?:: `(\w+)`)?", page)
    assert len(named) > 30
    for path, name in named:
        place = next((p / path for p in (ROOT, ROOT / "blueattr") if (p / path).exists()), None)
        assert place is not None, path
        if name:
            tree = ast.parse(place.read_text(encoding="utf-8"))
            bound = {
                getattr(target, "id", getattr(target, "name", None))
                for node in tree.body
                for target in [node, *getattr(node, "targets", [getattr(node, "target", node)])]
            }
            assert name in bound, f"{path}: {name}"
    rooms = re.search(r"```text\nblueattr/\n(.*?)\ncli/", page, re.DOTALL)
    assert rooms is not None
    drawn = set(re.findall(r"^ +(\w+)/ ", rooms[1], re.MULTILINE))
    packages = {p.parent.name for p in (ROOT / "blueattr").rglob("__init__.py")}
    assert drawn == packages - {"blueattr", "cli", "commands", "data", "sql"}
