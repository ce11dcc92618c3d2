"""What a fresh interpreter imports: `--help` must answer at once, so the heavy packages wait."""

import ast
import gc
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

import blueattr
from blueattr.indicators import own_code
from blueattr.version import __version__
from support.cli_world import COMMANDS, write_events, write_store

HEAVY = ["polars", "duckdb", "numba", "llvmlite", "numpy", "atproto", "pyarrow", "rich",
         "zstandard", "scipy", "vl_convert", "jinja2"]  # fmt: skip


_CALLS = """
import contextlib, io, json, sys
from blueattr.cli.main import app
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["blueattr", *arguments]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            app()
        except SystemExit as done:
            assert done.code == 0, (arguments, done.code)
    assert out.getvalue(), arguments
print(json.dumps(sorted(sys.modules)))
"""


def fresh(code: str, *arguments: str) -> set[str]:
    """Run code in an interpreter of its own; it prints what it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return set(json.loads(done.stdout))


def test_help_and_version_import_nothing_heavy() -> None:
    """One after another in one interpreter: what all of them do not import, none does."""
    helps = [[*name.split(), "--help"] for name in ("", "topics", *COMMANDS)]
    assert len(helps) > 20
    imported = fresh(_CALLS, json.dumps([["--version"], *helps]))
    assert {"blueattr", "typer"} <= imported
    assert imported.intersection(HEAVY) == set()


def test_the_first_help_does_not_import_pydantic() -> None:
    # Typer imports it for the options of a command, and settings for theirs.
    assert "pydantic" not in fresh(_CALLS, json.dumps([["--version"], ["--help"]]))


def test_the_package_itself_imports_nothing_heavy() -> None:
    code = "import blueattr, json, sys; print(json.dumps([m.split('.')[0] for m in sys.modules]))"
    imported = fresh(code)
    assert "blueattr" in imported
    assert imported.intersection([*HEAVY, "typer"]) == set()


def test_the_check_would_see_a_heavy_import() -> None:
    code = "import polars, json, sys; print(json.dumps([m.split('.')[0] for m in sys.modules]))"
    assert "polars" in fresh(code).intersection(HEAVY)


@pytest.mark.slow
def test_the_arithmetic_needs_neither_store_nor_terminal_nor_network() -> None:
    code = """
import json, sys
from blueattr.attribution.attribute import attribute
from blueattr.studies.scales import compare_scales
panel = {"agent": [1, 2], "a": [1.0, 2.0], "b": [2.0, 1.0], "c": [3.0, 1.0]}
assert attribute(panel).total > 0
assert compare_scales(panel, sizes=[1]).indicators
print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))
"""
    imported = fresh(code)
    assert "numba" in imported
    assert imported.isdisjoint({"duckdb", "typer", "atproto"})


@pytest.mark.slow
def test_the_commands_never_open_a_socket(tmp_path: Path) -> None:
    # Sockets are refused by the interpreter itself, wherever in a library they would be opened.
    store, lines = str(tmp_path / "s.duckdb"), write_events(tmp_path / "events.jsonl")
    commands = [
        ["ingest", str(lines), "--db", store],
        ["status", "--db", store],
        ["topics", "check", "mythos", "--db", store],
        ["attribute", "--topic", "mythos", "--db", store],
        ["compare-scales", "--topic", "mythos", "--sizes", "5", "--seeds", "1", "--db", store],
    ]
    code = """
import contextlib, io, json, sys
commands = json.loads(sys.argv[1])
asked = []
def hook(event, arguments):
    if event.startswith(("socket.", "http.", "urllib.")):
        asked.append(event)
        raise OSError("no network here")
sys.addaudithook(hook)
with contextlib.suppress(OSError):
    import socket
    socket.create_connection(("127.0.0.1", 9))
assert asked, "the hook works"
asked.clear()
from blueattr.cli.main import app
for command in commands:
    sys.argv = ["blueattr", *command]
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        try:
            app()
        except SystemExit as done:
            assert done.code == 0, command
assert asked == [], asked
print(json.dumps(sorted(sys.modules)))
"""
    imported = fresh(code, json.dumps(commands))
    assert {"duckdb", "numba"} <= imported
    assert imported.isdisjoint({"atproto", "httpx", "websockets", "requests"})


@pytest.fixture(scope="module")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("small")
    store = str(folder / "s.duckdb")
    lines = write_events(folder / "events.jsonl")
    assert "polars" in imported_by(["ingest", str(lines), "--db", store])
    return store


def imported_by(*commands: list[str], before: str = "") -> set[str]:
    """Run commands in a fresh interpreter, and return what they have imported."""
    code = before + _CALLS.replace("io.StringIO()", "io.TextIOWrapper(io.BytesIO())")
    code = code.replace("    assert out.getvalue(), arguments\n", "")
    # What a command says to people is not of interest here.
    return fresh(
        "import os, sys\nsys.stderr = open(os.devnull, 'w')\n" + code, json.dumps(commands)
    )


def test_a_list_of_topics_opens_no_store_and_makes_no_frame() -> None:
    imported = imported_by(["topics", "list"])
    assert "rich" in imported
    assert imported.isdisjoint({"duckdb", "polars", "pyarrow", "numba", "numpy", "scipy"})
    assert "blueattr.report.tables" in imported
    assert below("blueattr.report.results", imported) == set()


def below(package: str, imported: set[str]) -> set[str]:
    return {name for name in imported if name.startswith(f"{package}.")}


def test_a_command_imports_no_module_of_another() -> None:
    imported = imported_by(["topics", "list"])
    assert below("blueattr.cli.commands", imported) == {"blueattr.cli.commands.panel"}
    alone = fresh(_CALLS, json.dumps([["--version"]]))
    assert below("blueattr.cli.commands", alone) == set()


@pytest.mark.slow
def test_status_makes_no_frame_and_compiles_nothing(small_store: str) -> None:
    imported = imported_by(["status", "--db", small_store])
    assert "duckdb" in imported
    assert imported.isdisjoint({"polars", "pyarrow", "numba", "numpy", "scipy"})


@pytest.mark.slow
def test_a_small_panel_is_attributed_without_machine_code(small_store: str) -> None:
    imported = imported_by(
        ["panel", "--topic", "mythos", "--db", small_store],
        ["attribute", "--topic", "mythos", "--db", small_store],
    )
    assert {"polars", "pyarrow"} <= imported
    assert imported.isdisjoint({"numba", "llvmlite", "scipy", "vl_convert", "ssl"})
    assert "pyarrow.compute" not in imported


@pytest.mark.slow
def test_an_import_of_a_table_loads_no_machine_code(tmp_path: Path) -> None:
    """It takes a hundred megabytes, beside five hundred that an import of an archive may have."""
    table = tmp_path / "posts.csv"
    table.write_text("author,created_at,text\nann,2024-01-02,hello\nann,2024-01-02,hello\n")
    imported = imported_by(["import", str(table), "--db", str(tmp_path / "s.duckdb")])
    assert {"pyarrow", "duckdb"} <= imported
    assert imported.isdisjoint({"numba", "llvmlite"})


@pytest.mark.slow
def test_no_command_imports_pandas_where_it_is_installed(tmp_path: Path) -> None:
    """Arrow imports it to make arrays of lists or numbers, and to make numbers of arrays."""
    fake, store = tmp_path / "fake", str(tmp_path / "s.duckdb")
    (fake / "pandas").mkdir(parents=True)
    # One so old that Arrow only warns of it.
    (fake / "pandas" / "__init__.py").write_text("__version__ = '0.1'\n")
    lines, panel = write_events(tmp_path / "events.jsonl"), str(tmp_path / "panel.parquet")
    about = ["--topic", "mythos", "--db", store]
    finder = f"import sys, warnings\nsys.path.insert(0, {str(fake)!r})\n"
    finder += "warnings.simplefilter('ignore')\n"
    array = "import json, pyarrow\npyarrow.array([1])\nprint(json.dumps([*sys.modules]))"
    assert "pandas" in fresh(finder + array), "the trap works"
    imported = imported_by(
        ["ingest", str(lines), "--db", store],
        ["topics", "check", "--db", store],
        ["panel", *about],
        ["features", "--out", panel, *about],
        ["attribute", *about, "--by", "day", "--agents", str(tmp_path / "agents.csv")],
        ["compare-scales", *about, "--sizes", "2", "--seeds", "1"],
        ["sensitivity", *about, "--size", "2", "--seeds", "1"],
        ["bootstrap", "--features", panel, "--resamples", "100"],
        ["synth", "--agents", "300", "--db", str(tmp_path / "synth.duckdb")],
        before=finder,
    )
    assert {"pyarrow", "polars", "numba"} <= imported
    assert "pandas" not in imported


def test_every_public_name_resolves() -> None:
    assert len(blueattr.__all__) > 5
    for name in blueattr.__all__:
        assert getattr(blueattr, name).__name__ == name
    assert set(blueattr.__all__) <= set(dir(blueattr))
    assert blueattr.__version__ == __version__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        blueattr.nothing  # noqa: B018 - the look-up is the test


PACKAGE = Path(blueattr.__file__).parent
# It imports modules of the user's own, which no contract can know.
MAY_IMPORT_BY_NAME = {Path(own_code.__file__)}


def hidden_imports(tree: ast.AST) -> Iterator[str]:
    """Find imports that are no statements: the contract does not see them."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="import_module" | "__import__" as name):
                yield name
            case ast.Attribute(attr="import_module" | "__import__" as name):
                yield name
            case ast.alias(name="import_module" | "__import__" as name):
                yield name


def borrowed_privates(tree: ast.AST, package: str) -> Iterator[str]:
    """Find private names that a module of `package` takes from another package of ours."""
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not str(node.module).startswith("blueattr"):
            continue
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            if is_module(whole):
                modules[alias.asname or alias.name] = whole
            elif is_private(alias.name) and package_of(str(node.module)) != package:
                yield whole
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in modules:
                if is_private(attribute) and package_of(modules[name]) != package:
                    yield f"{modules[name]}.{attribute}"


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def place_of(module: str) -> Path:
    return PACKAGE.joinpath(*module.split(".")[1:])


def is_module(name: str) -> bool:
    return place_of(name).is_dir() or place_of(name).with_suffix(".py").is_file()


def package_of(module: str) -> str:
    return module if place_of(module).is_dir() else module.rpartition(".")[0]


@cache
def sources() -> dict[Path, ast.Module]:
    # rglob alone does not follow the links to the command line.
    folders = (PACKAGE, *(p for p in PACKAGE.iterdir() if p.is_symlink()))
    paths = {path for folder in folders for path in folder.rglob("*.py")}
    # The trees are millions of objects that stay: a collector would go over them again and again.
    gc.disable()
    try:
        found = {path: ast.parse(path.read_bytes()) for path in sorted(paths)}
    finally:
        gc.enable()
    assert len(found) > 100
    assert PACKAGE / "cli" / "main.py" in found
    return found


def test_no_import_is_hidden_from_the_contract() -> None:
    found = {path: list(hidden_imports(tree)) for path, tree in sources().items()}
    assert {path for path, names in found.items() if names} == MAY_IMPORT_BY_NAME


@pytest.mark.slow
def test_no_private_name_is_taken_from_another_package() -> None:
    found = []
    for path, tree in sources().items():
        package = ".".join(["blueattr", *path.relative_to(PACKAGE).parent.parts])
        found += [f"{path}: {name}" for name in borrowed_privates(tree, package)]
    assert found == []


def test_the_walk_sees_hidden_imports_and_borrowed_privates() -> None:
    for code in ("from importlib import import_module", "importlib.import_module('x')",
                 "__import__('x')"):  # fmt: skip
        assert list(hidden_imports(ast.parse(code)))
    for code in ("from blueattr.errors import _x", "from blueattr import errors\nerrors._x"):
        assert list(borrowed_privates(ast.parse(code), "blueattr.report"))
        assert list(borrowed_privates(ast.parse(code), "blueattr")) == []
    assert list(borrowed_privates(ast.parse("from blueattr.report import _x"), "blueattr"))


def public_names(tree: ast.Module) -> set[str]:
    """Return the public names that a module defines at its top level."""
    found: set[str] = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
    return {name for name in found if not is_private(name)}


def modules_of(names: Callable[[ast.Module], Iterable[str]]) -> dict[str, set[str]]:
    """Return where each name is defined, of those that `names` finds in a module."""
    places: defaultdict[str, set[str]] = defaultdict(set)
    for path, tree in sources().items():
        for name in names(tree):
            places[name].add(path.relative_to(PACKAGE).as_posix())
    return places


# Functions and constants that once had the names of others.
ONCE_SHARED = {"in_order", "DEFAULT_STEPS", "TOP"}
TWO_MEANINGS = {
    # What `blueattr.open` returns, whose name users read. It asks one of the other.
    "Store": {"library/store.py", "store/database.py"},
}


def test_no_public_class_has_the_name_of_another() -> None:
    places = modules_of(
        lambda tree: {
            node.name
            for node in tree.body
            if isinstance(node, ast.ClassDef) and not is_private(node.name)
        }
    )
    assert len(places) > 300
    assert {name: found for name, found in places.items() if len(found) > 1} == TWO_MEANINGS


def test_no_name_that_once_meant_several_things_means_two() -> None:
    places = modules_of(lambda tree: public_names(tree) & ONCE_SHARED)
    assert {"in_order", "DEFAULT_STEPS"} <= places.keys()
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.slow
def test_results_in_a_notebook_need_no_import_of_the_report_package() -> None:
    code = """
import json, sys
import blueattr
result = blueattr.attribute({"agent": [1, 2], "a": [1.0, 2.0], "b": [2.0, 1.0], "c": [3.0, 1.0]})
assert not any(name.startswith("blueattr.report") for name in sys.modules)
assert "<table" in result._repr_html_()
assert result.to_polars().height
print(json.dumps(sorted(sys.modules)))
"""
    assert "blueattr.report" in {*fresh(code)}


_ASKS = """
import json, sys
import blueattr
with blueattr.open(sys.argv[1]) as store:
    store.export(topic="mythos")
    store.attribute("mythos", by=sys.argv[2])
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


@pytest.mark.slow
def test_the_extra_is_imported_only_where_communities_are_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("networkit", reason="the extra graph is not installed")
    db = str(write_store(tmp_path / "world.duckdb"))
    imported = fresh(_ASKS, db, "tier")
    assert "duckdb" in imported
    assert imported.isdisjoint({"networkit", "networkx", "scipy", "distributed", "dask"})
    assert "networkit" in fresh(_ASKS, db, "community")
