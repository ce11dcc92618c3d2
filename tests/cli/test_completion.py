"""What Tab offers: names of topics, indicators, protocols and sizes, without a store."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blueattr.analysis.asked import parse
from blueattr.analysis.asked.windows import two_windows
from blueattr.cli import completion
from blueattr.indicators.find import find_indicator
from blueattr.panel.topics import shipped

BLUEATTR = Path(sys.executable).with_name("blueattr")
MINE = '[topics.moon]\nkeywords = ["moon"]\n'


def offered(*words: str, imported: Path | None = None, **environment: str) -> list[str]:
    """Return what bash is offered for the last word."""
    command = [sys.executable, "-X", "importtime"] if imported else [sys.executable]
    asked = {
        "_BLUEATTR_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["blueattr", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [*command, BLUEATTR], capture_output=True, text=True, check=True, timeout=60,
        env=os.environ | asked | environment,
    )  # fmt: skip
    if imported is None:
        assert done.stderr == ""
    else:
        imported.write_text(done.stderr)
    return done.stdout.split()


@pytest.mark.slow
def test_topics_are_offered_and_all_of_them_where_several_may_be_named() -> None:
    names = [*shipped()]
    assert len(names) > 3
    assert set(offered("attribute", "--topic", "m")) == {n for n in names if n.startswith("m")}
    assert set(offered("compare-scales", "--topic", "a")) >= {"all", "all-topics"}
    assert "all-topics" not in offered("attribute", "--topic", "a")
    started = f"{names[0]},"
    assert set(offered("report", "--topic", started)) == {started + name for name in names[1:]}


@pytest.mark.slow
def test_topics_of_the_users_own_file_are_offered(tmp_path: Path) -> None:
    mine, wrong = tmp_path / "mine.toml", tmp_path / "wrong.toml"
    mine.write_text(MINE)
    wrong.write_text("[topics")
    assert offered("attribute", "--topics", str(mine), "--topic", "mo") == ["moon"]
    assert offered("attribute", "--topic", "mo", BLUEATTR_TOPICS=str(mine)) == ["moon"]
    for path in (wrong, tmp_path / "none.toml"):
        assert "mythos" in offered("attribute", "--topics", str(path), "--topic", "m")


def test_windows_that_have_names_are_offered() -> None:
    assert offered("change", "--since", "") == ["yesterday", "last-week"]
    assert offered("change", "--since", "l") == ["last-week"]
    for name in offered("change", "--since", ""):
        assert two_windows(since=name).days


@pytest.mark.slow
def test_indicators_protocols_and_sizes_are_offered() -> None:
    assert offered("attribute", "--indicator", "h") == ["heat", "hill"]
    assert set(offered("bootstrap", "--indicator", "heat,")) == {
        f"heat,{name}" for name in ("lin", "var", "gini", "hill", "entropy", "threshold")
    }
    assert offered("compare-scales", "--protocol", "a") == ["active", "all"]
    assert offered("compare-scales", "--protocol", "top,a") == ["top,active"]
    assert offered("report", "--sizes", "100,") == ["100,1000", "100,10000", "100,100000"]


@pytest.mark.slow
def test_a_broken_store_and_none_at_all_do_not_matter(tmp_path: Path) -> None:
    broken = tmp_path / "broken.duckdb"
    broken.write_bytes(b"not a store" * 99)
    for path in (broken, tmp_path / "none.duckdb"):
        assert "mythos" in offered("attribute", "--db", str(path), "--topic", "m")
        assert "mythos" in offered("attribute", "--topic", "m", BLUEATTR_DB=str(path))
    assert sorted(tmp_path.iterdir()) == [broken]


@pytest.mark.parametrize("words", [("attribute", "--topic", "m"), ("report", "--sizes", "1")])
def test_tab_loads_nothing_heavy(words: tuple[str, ...], tmp_path: Path) -> None:
    told = tmp_path / "imported.txt"
    assert offered(*words, imported=told)
    modules = {
        line.rpartition("|")[2].strip().split(".")[0] for line in told.read_text().splitlines()
    }
    assert "typer" in modules
    assert modules.isdisjoint({"duckdb", "polars", "pyarrow", "numba", "numpy", "rich"})


def test_what_is_offered_is_accepted() -> None:
    for name in completion.indicators(""):
        assert name == "all" or find_indicator(name).name == name
    for name in completion.protocols(""):
        assert name == "all" or parse.sampling(protocol=name).protocols == (name,)
    sizes = completion.sizes("")
    assert parse.sampling(sizes=",".join(sizes)).sizes == tuple(map(int, sizes))
