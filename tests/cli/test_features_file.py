"""Panels from a features file: those written by blueattr, those of a user, and wrong ones."""

from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blueattr.attribution.attribute import attribute
from blueattr.attribution.large import streaming
from blueattr.errors import ExitCode
from support.cli_world import COMMANDS, ok, refused

INDICATORS = ["lin", "heat", "var", "gini"]


def tiers_of(*arguments: object) -> Any:
    return ok("attribute", *arguments, "--format", "json").json["tiers"]


@pytest.mark.slow
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


def test_the_name_of_a_file_that_is_there_is_no_pattern(here: Path) -> None:
    Path("a[1]*.csv").write_text("did,a,b,c\nx,1,1,1\ny,2,2,2\n")
    Path("ab.csv").write_text("did,a,b,c\nz,1,1,1\n")
    assert ok("attribute", "--features", "a[1]*.csv", "--format", "json").json["n_agents"] == 2
    refused(ExitCode.INPUT, "attribute", "--features", "*.csv", says="a panel are Parquet files")


KINDS = ("comma.csv", "semicolon.csv", "tab.csv", "tab.tsv", "utf16.tsv", "commas.csv",
         "lines.jsonl", "lines.ndjson", "list.json", "file.arrow", "stream.arrow", "file.feather",
         "file.parquet")  # fmt: skip


def write_panel(frame: pl.DataFrame, path: Path) -> None:
    """Write features as one of many programs would."""
    match path.stem, path.suffix:
        case "semicolon", _:
            frame.write_csv(path, separator=";")
        case "commas", _:  # as a spreadsheet of most of Europe writes numbers
            frame.write_csv(path, separator=";", decimal_comma=True)
        case "utf16", _:  # as a spreadsheet writes "Unicode text"
            path.write_bytes(frame.write_csv(separator="\t").encode("utf-16"))
        case "tab", _:
            frame.write_csv(path, separator="\t", include_bom=True)
        case "stream", _:
            frame.write_ipc_stream(path)
        case _, ".csv":
            frame.write_csv(path)
        case _, ".json":
            frame.write_json(path)
        case _, ".jsonl" | ".ndjson":
            frame.write_ndjson(path)
        case _, ".parquet":
            frame.write_parquet(path)
        case _:
            frame.write_ipc(path)


@pytest.mark.parametrize("name", KINDS)
def test_a_panel_is_the_same_whatever_kind_of_file_holds_it(name: str, here: Path) -> None:
    frame = pl.DataFrame(
        {
            "did": [f"{k:03}" for k in range(40)],
            "a": [k % 3 + 0.5 for k in range(40)],
            "b": [float(100 - k) for k in range(40)],
            "c": [2.0] * 40,
            "word": ["x;y"] * 40,
        }
    )
    write_panel(frame, Path(name))
    expected, expected_agents = attribute(frame), attribute(frame).agents
    seen = ok(
        "attribute", "--features", name, "--agents", "agents.parquet", "--format", "json"
    ).json
    assert seen["total"] == expected.total > 0
    agents = pl.read_parquet("agents.parquet")
    assert agents.select(expected_agents.columns).equals(expected_agents)


def test_a_separator_within_quotes_separates_nothing(here: Path) -> None:
    Path("quoted.csv").write_text('"did";"a, of posts";b;c\n"x";1;1;1\n"y";2;1,5;1\n')
    ok("attribute", "--features", "quoted.csv", "--columns", "a=b", "--agents", "agents.csv")
    assert pl.read_csv("agents.csv").sort("did")["b"].to_list() == [1.0, 1.5]


RENAMED = {"user": "did", "posts": "a", "fans": "b", "answers": "c"}
COLUMNS = "did=user,a=posts,b=fans,c=answers,followers=fans"


@pytest.mark.parametrize("name", ["file.parquet", "comma.csv", "lines.jsonl"])
@pytest.mark.parametrize("large", [False, True])
def test_columns_of_other_names_play_their_parts(
    name: str, large: bool, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "STREAM_FROM", 1 if large else 1 << 22)
    rows = [(f"{k:03}", 1 + k % 3, 100 - k, k % 5) for k in range(39, -1, -1)]
    theirs = pl.DataFrame(rows, schema=[*RENAMED], orient="row")
    # Columns that have the names of parts, and play none, do no harm.
    write_panel(theirs.with_columns(pl.lit("x").alias("activity2"), did=pl.lit(7)), Path(name))
    ours = theirs.rename(RENAMED)
    ours.with_columns(followers="b").write_parquet("ours.parquet")
    asked = ["--indicator", "all", "--format", "json"]
    expected = ok("attribute", "--features", "ours.parquet", *asked).json
    seen = ok("attribute", "--features", name, "--columns", COLUMNS, *asked).json
    assert [one["tiers"] for one in seen["results"]] == [
        one["tiers"] for one in expected["results"]
    ]
    said = "Columns: did is user, a is posts, b is fans, c is answers, followers is fans."
    assert said in seen["results"][0]["notes"]
    agents = ["--agents", "agents.parquet"]
    ok("attribute", "--features", name, "--columns", COLUMNS.replace("did=", "agent="), *agents)
    assert set(pl.read_parquet("agents.parquet")["did"]) == set(theirs["user"])


@pytest.mark.slow
def test_every_command_that_takes_a_file_takes_the_names_of_its_columns(here: Path) -> None:
    taking = [
        name for name, command in COMMANDS.items()
        if "--features" in {option for p in command.params for option in p.opts}
    ]  # fmt: skip
    assert len(taking) > 5
    rows = [(f"u{k:03}", 1 + k % 3, 100 - k, k % 5) for k in range(40)]
    pl.DataFrame(rows, schema=[*RENAMED], orient="row").write_csv("theirs.csv")
    less = {"report": ["--sizes", "5", "--seeds", "1"], "compare-scales": ["--sizes", "5"],
            "sensitivity": ["--size", "5"], "bootstrap": ["--resamples", "100"]}  # fmt: skip
    for name in taking:
        asked = [name, "u000"] if name == "why" else [name]
        ok(*asked, "--features", "theirs.csv", "--columns", COLUMNS, *less.get(name, []))
        refused(ExitCode.USAGE, *asked, "--columns", COLUMNS, says="--features FILE")
    page = Path("report/theirs-csv.html").read_text()
    assert f"--columns {COLUMNS}" in page


WRONG_COLUMNS = {
    "a": (ExitCode.USAGE, "such as a=posts,b=followers"),
    "a=": (ExitCode.USAGE, "such as a=posts,b=followers"),
    "a=posts,a=fans": (ExitCode.USAGE, "names a twice"),
    "posts=a": (ExitCode.USAGE, "not 'posts'. Write a=posts"),
    "did=user,agent=user": (ExitCode.USAGE, "did or agent, not both"),
    "a=post": (ExitCode.INPUT, "no column 'post' to be a; did you mean 'posts'?"),
    "a=posts,b=fans": (ExitCode.INPUT, "no column did (or agent), c; they have 'a', 'b', 'user'"),
}


@pytest.mark.parametrize("columns", WRONG_COLUMNS)
@pytest.mark.parametrize("name", ["theirs.csv", "theirs.parquet"])
def test_wrong_names_of_columns_are_refused_with_a_hint(
    columns: str, name: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "STREAM_FROM", 1)
    write_panel(pl.DataFrame([("x", 1, 2, 3)], schema=[*RENAMED], orient="row"), Path(name))
    code, says = WRONG_COLUMNS[columns]
    refused(code, "attribute", "--features", name, "--columns", columns, says=says)


WRONG_FILES = {
    "empty.csv": (b"", "empty"),
    "gap.csv": (b"did,a,b,c\nx,1,2\ny,1,1,1\n", "agent 'x': column 'c' has no value"),
    "nan.csv": (b"did,a,b,c\nx,1,2,NaN\ny,1,1,1\n", "agent 'x'"),
    "negative.csv": (b"did,a,b,c\nx,1,2,-1\ny,1,1,1\n", "agent 'x': column 'c' is -1"),
    "infinite.csv": (b"did,a,b,c\nx,1,2,inf\ny,1,1,1\n", "agent 'x'"),
    "large.csv": (b"did,a,b,c\nx,1,2,1e200\ny,1,1,1\n", "outside the range from 1e-90 to 1e90"),
    "twice.csv": (b"did,a,b,c\nx,1,2,1\nx,1,1,1\n", "agent 'x' occurs more than once"),
    "text.csv": (b"did,a,b,c\nx,1,2,many\ny,1,1,1\n", "column 'c' is 'many'"),
    "last.csv": (b"did,a,b,c\nx,1,1,1\ny,1,many,1\n", "agent 'y': column 'b' is 'many', which is"),
    "last.jsonl": (
        b'{"did":"x","a":1,"b":1,"c":1}\n{"did":"y","a":1,"b":1,"c":"many"}\n',
        "agent 'y': column 'c' is 'many', which is not a number",
    ),
    "ragged.csv": (b"did,a,b,c\nx,1,1,1\ny,1,5,1,1\n", "line 3 has 5 values, and the header has 4"),
    "cut16.tsv": (b"\xff\xfed\0i", "cannot read the features in cut16.tsv"),
    "nul.csv": (b"did,a,b,c\n\0,1,1,1,1\nx,1,1,1\n", "nul.csv"),
    "broken.jsonl": (b"nonsense\n", "cannot read the features in broken.jsonl"),
    "broken.arrow": (b"ARROW1\0\0", "cannot read the features in broken.arrow"),
    "stream.arrow": (b"", "cannot read the features in stream.arrow"),
    "followers.csv": (b"did,a,b,c,followers\nx,1,2,1,-3\ny,1,1,1,1\n", "column 'followers' is -3"),
    "column.csv": (b"did,a,b\nx,1,1\n", "no column c"),
    "nobody.csv": (b"who,a,b,c\nx,1,1,1\n", "no column did (or agent)"),
    "semicolon.csv": (b"did;a;b;c\nx;1;1;1\ny;2;1;1,x\n", "agent 'y': column 'c' is '1,x'"),
    "latin.csv": (b"did,a,b,c\nx\xe9,1,1,1\n", "UTF-8"),
    "fake.parquet": (b"did,a,b,c\nx,1,2,1\n", "cannot read the features"),
    "/dev/stdin": (b"", "write it to a file, whose name should end in .parquet, .csv, .tsv"),
    "table.xlsx": (b"PK", "its name should end in .parquet, .csv, .tsv"),
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
        asked = [name, "u000"] if name == "why" else [name]
        refused(ExitCode.USAGE, *asked, "--features", panel_file, *ignored, says=ignored[0])
    # The environment is not a question.
    monkeypatch.setenv("BLUEATTR_DB", "s.duckdb")
    ok("attribute", "--features", panel_file)


def test_a_result_does_not_write_over_the_features_or_another_result(here: Path) -> None:
    text = "did,a,b,c\nx,1,1,1\ny,2,2,2\n"
    Path("f.csv").write_text(text)
    Path("link.csv").symlink_to("f.csv")
    for option, target in product(("--out", "--agents"), ("f.csv", "./f.csv", "link.csv")):
        refused(ExitCode.USAGE, "attribute", "--features", "f.csv", option, target,
                says="would write over the features")  # fmt: skip
    # Where letter case makes no difference, these are one file.
    refused(ExitCode.USAGE, "attribute", "--features", "f.csv", "--out", "o.csv", "--agents",
            "O.csv", says="name two different files")  # fmt: skip
    assert Path("f.csv").read_text() == text


def panel_of(agents: int) -> Path:
    path = Path(f"p{agents}.csv")
    rows = "".join(f"x{k},{k % 3 + 1},{k + 1},{k % 5 + 1}\n" for k in range(agents))
    path.write_text(f"agent,a,b,c\n{rows}")
    return path


@pytest.mark.parametrize("agents", [1, 2, 9, 99, 100, 101])
def test_default_sizes_are_those_that_fit_the_panel(agents: int, here: Path) -> None:
    path = panel_of(agents)
    shown = ok("compare-scales", "--features", path, "--seeds", "1", "--format", "json").json
    sizes = {one["size"] for one in shown["indicators"][0]["samples"]}
    assert sizes == {1: {1}, 2: {1}, 9: {4}, 99: {49}, 100: {50}, 101: {100}}[agents]
    text = ok("compare-scales", "--features", path, "--seeds", "1").text
    assert agents == 1 or f"The panel has {agents}" in text or "Samples of 1,000 are left" in text


SIZE_OPTIONS = {"compare-scales": "--sizes", "report": "--sizes", "sensitivity": "--size",
                "validate": "--n"}  # fmt: skip


@pytest.mark.parametrize("command", SIZE_OPTIONS)
def test_a_size_asked_for_that_does_not_fit_is_an_error_that_names_the_option(
    command: str, here: Path
) -> None:
    path, option = panel_of(101), SIZE_OPTIONS[command]
    for typed in ([option, "1000"], [f"{option}=1000"]):
        refused(ExitCode.NO_ANSWER, command, "--features", path, *typed, says=f"with {option}\n")


THEIRS = """agent,a,b,c,followers
agent0,1,2,1,0
agent1,2,3,2,3
agent2,3,4,3,6
agent3,4,5,1,9
agent4,5,6,2,12
agent5,6,7,3,15
"""


def test_tables_of_others_are_read_or_refused_in_one_line(here: Path) -> None:
    Path("na.csv").write_text(THEIRS.replace("agent5,6", "agent5,NA"))
    refused(ExitCode.INPUT, "attribute", "--features", "na.csv",
            says="agent 'agent5': column 'a' is 'NA', which is not a number (line 7)")  # fmt: skip
    Path("netlogo.csv").write_text(f'"BehaviorSpace results (NetLogo 6.4)"\n"x.nlogo"\n{THEIRS}\n')
    done = ok("attribute", "--features", "netlogo.csv", "--format", "json")
    assert done.json["n_agents"] == 6
    assert "2 lines before the header were passed over." in done.json["notes"]
    assert "blueattr: netlogo.csv: 2 lines before the header were passed over\n" in done.stderr
    assert "blueattr: netlogo.csv: 1 empty line was passed over\n" in done.stderr


@pytest.mark.slow
def test_features_written_in_any_format_can_be_given_back(db: Path, here: Path) -> None:
    expected = tiers_of("--topic", "mythos", "--db", db)
    for suffix in ("json", "jsonl", "csv", "parquet"):
        ok("features", "--topic", "mythos", "--db", db, "--out", f"f.{suffix}")
        assert tiers_of("--features", f"f.{suffix}") == expected, suffix
