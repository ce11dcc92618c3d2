"""Panels from a features file: those written by blueattr, those of a user, and wrong ones."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blueattr.errors import ExitCode
from support.cli_world import COMMANDS, ok, refused

INDICATORS = ["lin", "heat", "var", "gini"]


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
