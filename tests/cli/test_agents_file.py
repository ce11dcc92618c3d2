"""Files of agents: they add up to the tiers of the report, in every format."""

import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from support.cli_world import AGENTS, BOTS, PANEL, ok
from support.events_builder import did

INDICATORS = ["lin", "heat", "var", "gini"]
TIERS = ["top", "middle", "tail"]


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
    assert frame.columns == ["did", "tier", "a", "b", "c", "value", "share"]
    assert len(frame) == result["n_agents"] == PANEL
    assert math.isclose(math.fsum(frame["value"]), result["total"], rel_tol=1e-12)
    assert math.isclose(math.fsum(frame["share"]), 1.0, rel_tol=1e-12)
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


def test_panel_writes_its_agents(db: Path, here: Path) -> None:
    done = ok("panel", "--db", db, "--agents", "panel.csv", "--format", "json")
    dids = pl.read_csv("panel.csv")["did"].to_list()
    assert dids == sorted(dids)
    assert len(dids) == done.json["panel"][-1]["after"] == PANEL
    gone = {did(f"agent{k:03d}") for k in (7, 8, *range(AGENTS, AGENTS + BOTS))}
    assert gone.isdisjoint(dids)
    ok("panel", "--db", db, "--keep-bots", "--agents", "bots.csv")
    assert len(pl.read_csv("bots.csv")) == PANEL + BOTS
