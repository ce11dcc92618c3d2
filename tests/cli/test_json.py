"""The JSON contract: which keys and numbers each report has."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from blueattr.version import __version__
from support.cli_world import AGENTS, BOTS, PANEL, ok

INDICATORS = ["lin", "heat", "var", "gini"]
PROTOCOLS = ["visibility", "top", "active", "random"]
TIERS = ["top", "middle", "tail"]


def is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)


def check_origin(report: dict[str, Any], db: Path) -> None:
    assert report["source"] == str(db)
    assert report["feature_scale"] == "log1p"
    assert report["popularity"] == "follows received in the window"
    assert report["topic"]["name"] == "mythos"
    assert "claude mythos" in report["topic"]["keywords"]
    assert set(report["window"]) == {"start", "end"}
    assert report["version"] == __version__
    steps = report["panel"]
    assert len(steps) > 5
    for step in steps:
        assert {"filter", "before", "removed", "after"} <= step.keys()
        assert step["before"] - step["removed"] == step["after"]
    for one, next_one in pairwise(steps):
        assert one["after"] == next_one["before"]
    assert steps[0]["before"] == AGENTS + BOTS
    assert steps[-1]["after"] == report["n_agents"] == PANEL
    assert sum(step["removed"] for step in steps if "bot" in step["filter"]) == BOTS
    assert report["gaps"] == []


@pytest.mark.few(2)
@pytest.mark.parametrize("indicator", INDICATORS)
@pytest.mark.parametrize("steps", [None, 7])
def test_json_of_attribute(indicator: str, steps: int | None, db: Path) -> None:
    how = [] if steps is None else ["--method", "quadrature", "--steps", str(steps)]
    report = ok("attribute", "--topic", "mythos", "--indicator", indicator, *how, "--db", db,
                "--format", "json").json  # fmt: skip
    assert (report["schema_version"], report["kind"]) == (1, "attribution")
    assert report["indicator"] == indicator
    assert report["method"] == ("closed form" if steps is None else "quadrature")
    assert report["steps"] == steps
    assert report["n_agents"] == PANEL
    assert is_number(report["total"])
    assert report["total"] > 0
    check_origin(report, db)
    assert report["aggregator"] == {"name": "mean", "weights": [1 / 3, 1 / 3, 1 / 3]}
    assert [tier["tier"] for tier in report["tiers"]] == TIERS
    for tier in report["tiers"]:
        assert tier.keys() == {
            "tier", "agents", "value", "share", "abs_share", "agents_involved", "share_involved"
        }  # fmt: skip
        assert isinstance(tier["agents"], int)
        assert 0 <= tier["agents_involved"] <= tier["agents"]
        assert all(is_number(tier[key]) for key in ("value", "share", "abs_share"))
    assert sum(tier["agents"] for tier in report["tiers"]) == PANEL
    involved = sum(tier["agents_involved"] for tier in report["tiers"])
    assert 0 < involved == report["n_involved"] <= PANEL
    for key in ("share", "abs_share"):
        assert math.isclose(sum(tier[key] for tier in report["tiers"]), 1, rel_tol=1e-12)
    total = sum(tier["value"] for tier in report["tiers"])
    assert math.isclose(total, report["attributed"], rel_tol=1e-12)
    assert math.isclose(total, report["total"], rel_tol=1e-12 if steps is None else 0.02)


@pytest.mark.slow
def test_json_of_all_indicators_holds_one_report_for_each(db: Path) -> None:
    asked = ["attribute", "--topic", "mythos", "--db", db, "--format", "json", "--indicator"]
    report = ok(*asked, "all").json
    assert report["kind"] == "attributions"
    assert [one["indicator"] for one in report["results"]] == INDICATORS
    for one in report["results"]:
        assert one == ok(*asked, one["indicator"]).json
    two = ok(*asked, "gini,lin").json
    assert [one["indicator"] for one in two["results"]] == ["gini", "lin"]


def test_json_of_compare_scales(db: Path) -> None:
    asked = ["--topic", "mythos", "--db", db, "--format", "json", "--indicator", "all"]
    report = ok("compare-scales", *asked, "--protocol", "all", "--sizes", "10,30",
                "--seeds", "3", "--seed", "5").json  # fmt: skip
    assert (report["schema_version"], report["kind"]) == (1, "scale_comparison")
    check_origin(report, db)
    assert (report["seeds"], report["seed"]) == (3, 5)
    assert [one["indicator"] for one in report["indicators"]] == INDICATORS
    alone = {one["indicator"]: one for one in ok("attribute", *asked).json["results"]}
    for one in report["indicators"]:
        assert one["full"]["tiers"] == alone[one["indicator"]]["tiers"]
        cases = [(s["protocol"], s["size"]) for s in one["samples"]]
        assert cases == [(p, size) for p in PROTOCOLS for size in (10, 30)]
        for sample in one["samples"]:
            assert sample["seeds"] == (1 if sample["protocol"] == "top" else 3)
            assert [tier["tier"] for tier in sample["tiers"]] == TIERS
            for tier in sample["tiers"]:
                assert tier.keys() == {"tier", "share_mean", "share_std"}
                assert is_number(tier["share_mean"])
                assert is_number(tier["share_std"])
            shares = [tier["share_mean"] for tier in sample["tiers"]]
            assert math.isclose(sum(shares), 1, rel_tol=1e-9)
            lost = sum(tier["share"] for tier in one["full"]["tiers"][1:]) - sum(shares[1:])
            assert math.isclose(sample["flip_mean"], lost, rel_tol=1e-9, abs_tol=1e-12)
            assert is_number(sample["flip_std"])
            test = sample["rescaling"]
            assert {"lambda", "relative_residual", "cosine", "kendall_tau", "spearman_rho",
                    "ratio_spread"} <= test.keys()  # fmt: skip
            assert all(is_number(test[key]) for key in ("lambda", "relative_residual", "cosine"))
            assert test["ratio_spread"] is None or test["ratio_spread"] >= 1 - 1e-12
            if one["indicator"] == "lin":
                assert math.isclose(test["ratio_spread"], 1, rel_tol=1e-9)
                assert math.isclose(test["lambda"], PANEL / sample["size"], rel_tol=1e-9)


def test_json_of_status_and_topics(db: Path, events_file: Path) -> None:
    status = ok("status", "--db", db, "--format", "json").json
    assert status["db"] == str(db)
    assert status["accounts"] == AGENTS + BOTS
    assert status["bytes"] == db.stat().st_size
    assert len(status["days"]) == 15
    kinds = ("posts", "replies", "reposts", "follows")
    assert sum(day[kind] for day in status["days"] for kind in kinds) == status["events"] > 500
    (source,) = status["sources"]
    assert source["source"] == str(events_file)
    assert source["position"] == events_file.stat().st_size
    assert status["rejected"] == []
    assert len(status["coverage"]) == 1
    topics = ok("topics", "list", "--format", "json").json["topics"]
    assert [topic["topic"] for topic in topics] == [
        "mythos", "trump-tariffs", "the-masters", "earth-day-climate", "wrestlemania",
    ]  # fmt: skip
    checked = ok("topics", "check", "--db", db, "--format", "json").json
    assert [topic["topic"] for topic in checked["topics"]] == [t["topic"] for t in topics]
    assert checked["topics"][0]["events"] > 100
    assert [t["events"] for t in checked["topics"][1:]] == [0, 0, 0, 0]
    assert not any(topic["holds"] for topic in checked["topics"])
