"""Files of agents: they add up to the tiers of the report, in every format."""

import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blueattr.report.formats.tabular import write_frame
from support.cli_world import AGENTS, BOTS, PANEL, ok
from support.events_builder import did

INDICATORS = ["lin", "heat", "var", "gini"]
TIERS = ["top", "middle", "tail"]


BY_FEATURE = ["share_a", "share_b", "share_c"]
COUNTED = ["posts", "replies", "reposts", "replies_received", "reposts_received",
           "quotes_received", "follows_received", "followers"]  # fmt: skip


READERS: dict[str, Any] = {
    "parquet": pl.read_parquet,
    "csv": pl.read_csv,
    "json": pl.read_json,
    "jsonl": pl.read_ndjson,
}


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("indicator", INDICATORS)
def test_agents_add_up_to_the_tiers(
    ending: str, indicator: str, panel_file: Path, here: Path
) -> None:
    file = here / f"agents.{ending}"
    done = ok("attribute", "--features", panel_file, "--indicator", indicator, "--tiers", "2,25",
              "--agents", file, "--format", "json")  # fmt: skip
    assert done.stderr == f"written: {file}\n"
    result = done.json
    frame = READERS[ending](file)
    assert frame.columns[:7] == ["did", "tier", "a", "b", "c", "value", "share"]
    assert frame.columns[7:10] == BY_FEATURE
    assert len(frame) == result["n_agents"] == PANEL
    assert math.isclose(math.fsum(frame["value"]), result["total"], rel_tol=1e-12)
    assert math.isclose(math.fsum(frame["share"]), 1.0, rel_tol=1e-12)
    for *parts, share in frame.select(*BY_FEATURE, "share").iter_rows():
        assert math.isclose(math.fsum(parts), share, rel_tol=1e-9, abs_tol=1e-15)
    magnitude = math.fsum(abs(v) for v in frame["value"])
    assert [tier["tier"] for tier in result["tiers"]] == TIERS
    for tier in result["tiers"]:
        mine = frame.filter(pl.col("tier") == tier["tier"])
        assert len(mine) == tier["agents"] > 0
        for name, expected in (
            ("value", math.fsum(mine["value"])),
            ("share", math.fsum(mine["share"])),
            ("abs_share", math.fsum(abs(v) for v in mine["value"]) / magnitude),
        ):
            assert math.isclose(tier[name], expected, rel_tol=1e-9, abs_tol=1e-15), name
    # The features beside the values are those that were given.
    given = pl.read_parquet(panel_file).select("did", "a", "b", "c").sort("did")
    assert frame.select("did", "a", "b", "c").sort("did").equals(given)


def test_attribute_and_its_agents_as_parquet_carry_their_report(
    panel_file: Path, here: Path
) -> None:
    asked = ["attribute", "--features", panel_file]
    ok(*asked, "--out", "tiers.parquet", "--agents", "agents.parquet")
    report = ok(*asked, "--format", "json").json
    for name in ("tiers.parquet", "agents.parquet"):
        assert json.loads(pl.read_parquet_metadata(name)["blueattr"]) == report
    tiers = pl.read_parquet("tiers.parquet")
    assert tiers["tier"].to_list() == TIERS
    assert tiers["share"].to_list() == [tier["share"] for tier in report["tiers"]]


@pytest.mark.parametrize("more", [(), ("--by", "day")])
def test_agents_of_a_store_have_all_that_is_known_of_them(
    more: tuple[str, ...], db: Path, here: Path
) -> None:
    asked = ["attribute", "--topic", "mythos", "--db", db, "--indicator", "lin", *more]
    result = ok(*asked, "--agents", "all.parquet", "--format", "json").json
    result = result["results"][0]["whole"] if more else result
    frame = pl.read_parquet("all.parquet")
    assert frame.columns == ["did", "handle", "tier", "a", "b", "c", "value", "share", *BY_FEATURE,
                             *COUNTED, "link"]  # fmt: skip
    for leader, row in zip(result["leaders"], frame.iter_rows(named=True), strict=False):
        for name in frame.columns:
            assert row[name] == leader[name], name
    assert frame["handle"].null_count() < len(frame)
    ok("features", "--topic", "mythos", "--db", db, "--out", "features.parquet")
    features = pl.read_parquet("features.parquet").sort("did")
    assert frame.select("did", *COUNTED).sort("did").equals(features.select("did", *COUNTED))


@pytest.mark.parametrize("how", [("--top", 0), ("--pseudonyms",)])
def test_agents_that_are_not_named_have_no_handle_and_no_link(
    how: tuple[object, ...], db: Path, here: Path
) -> None:
    asked = ["attribute", "--topic", "mythos", "--db", db, "--agents", "all.parquet", *how]
    ok(*asked)
    frame = pl.read_parquet("all.parquet")
    assert {"handle", "link"}.isdisjoint(frame.columns)
    assert {*BY_FEATURE, *COUNTED} <= {*frame.columns}
    assert not frame["did"].str.contains("did:").any()


def test_agents_without_a_split_by_feature_have_no_such_columns(db: Path, here: Path) -> None:
    asked = ["attribute", "--topic", "mythos", "--db", db, "--agents", "all.csv"]
    ok(*asked, "--indicator", "hill")
    assert {*BY_FEATURE}.isdisjoint(pl.read_csv("all.csv").columns)


def test_a_handle_in_a_file_of_agents_does_nothing(here: Path) -> None:
    """A spreadsheet would take it for a formula, a terminal for a command."""
    frame = pl.DataFrame({"did": ["x"], "handle": ["=1+1\x1b[2J"], "share": [1.0]})
    for form in ("csv", "jsonl"):
        with Path(f"x.{form}").open("wb") as file:
            write_frame(frame, form, file)
        text = Path(f"x.{form}").read_text()
        assert "\x1b" not in text
        assert form == "jsonl" or "'=1+1" in text


def test_panel_writes_its_agents(db: Path, here: Path) -> None:
    done = ok("panel", "--db", db, "--agents", "panel.csv", "--format", "json")
    dids = pl.read_csv("panel.csv")["did"].to_list()
    assert dids == sorted(dids)
    assert len(dids) == done.json["panel"][-1]["after"] == PANEL
    gone = {did(f"agent{k:03d}") for k in (7, 8, *range(AGENTS, AGENTS + BOTS))}
    assert gone.isdisjoint(dids)
    ok("panel", "--db", db, "--keep-bots", "--agents", "bots.csv")
    assert len(pl.read_csv("bots.csv")) == PANEL + BOTS
