"""The commands of scenarios: what they print and write, and what they refuse."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import blueattr
from blueattr.errors import ExitCode
from blueattr.report.results.scenarios import scenario_attribution_report
from blueattr.report.tables import Report, Table
from blueattr.scenarios.record_file import read_record, record_digest, write_record
from blueattr.scenarios.shipped import run_scenario
from support import log_twin
from support.cli_world import ok, refused
from support.scenario_logs import write_econagent


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "record.json.zst"
    done = ok("scenario", "run", "opinion", "--agents", "6", "--steps", "5", "--out", path)
    assert "opinion" in done.text
    return path


def test_the_list_has_what_can_be_asked() -> None:
    listed = ok("scenario", "list", "--format", "json").json["scenarios"]
    assert [one["name"] for one in listed] == ["economy", "market", "opinion"]
    assert listed[0]["baselines"] == ["zero", "mean"]


def test_an_answer_is_the_same_in_every_format_and_in_the_library(
    record: Path, tmp_path: Path
) -> None:
    words = ("scenario", "attribute", record, "--step", "3")
    found = ok(*words, "--format", "json").json
    assert found["step"] == 3
    assert (found["game"], found["method"], found["other_game"]["game"]) == (
        "smooth", "path", "discrete",
    )  # fmt: skip
    assert found["change"] == found["total"] - found["v_empty"]
    assert [one["index"] for one in found["agents"]] == [*range(6)]
    values = [one["value"] for one in found["agents"]]
    assert sum(values) == pytest.approx(found["change"], rel=0.01)
    ours = blueattr.attribute_scenario(record, step=3)
    assert ours.values.tolist() == values
    rows = csv.DictReader(io.StringIO(ok(*words, "--format", "csv").text))
    by_index = {int(row["index"]): float(row["value"]) for row in rows}
    assert [by_index[k] for k in range(6)] == pytest.approx(values)
    ok(*words, "--out", tmp_path / "agents.parquet")
    assert pl.read_parquet(tmp_path / "agents.parquet").height == 6
    text = ok(*words).text
    assert "open loop" in text
    assert "answers for the smooth game" in text


def test_the_options_reach_the_question(record: Path) -> None:
    words = ("--window", "2", "--players", "cells", "--game", "discrete", "--method", "shapley",
             "--permutations", "30", "--seed", "4")  # fmt: skip
    found = ok("scenario", "attribute", record, *words, "--format", "json").json
    assert (found["window"], found["players"], found["game"]) == (2, "cells", "discrete")
    assert (found["method"], found["budget"], found["seed"]) == ("shapley", 30, 4)


def test_no_answer_is_written_over_what_was_read_for_it(record: Path, tmp_path: Path) -> None:
    record = record.rename(tmp_path / "record.json")
    (tmp_path / "same.json").symlink_to(record)
    before = record.read_bytes()
    for out in (record, tmp_path / "same.json"):
        for words in (
            ("scenario", "attribute", record, "--out", out),
            ("scenario", "attribute", record, "--agents", out),
            ("scenario", "compare", tmp_path / "x.json", "--judged", record, "--out", out),
            ("judge", record, "--export", "text", "--out", out),
        ):
            refused(ExitCode.USAGE, *words, says="would be written over")
    assert record.read_bytes() == before


def test_what_cannot_be_is_refused_with_its_exit_code(record: Path, tmp_path: Path) -> None:
    usage = ExitCode.USAGE
    out = tmp_path / "x.json"
    refused(usage, "scenario", "run", "ecnomy", "--out", out, says="did you mean 'economy'")
    table = tmp_path / "x.csv"
    refused(usage, "scenario", "run", "economy", "--out", table, says="not x.csv")
    assert not table.exists()
    large, alone = ("--seed", 2**64), ("--network", "ba:1", "--agents", 1)
    refused(usage, "scenario", "run", "economy", *large, "--out", out, says="seed of a record")
    refused(usage, "scenario", "run", "opinion", *alone, "--out", out, says="at least two agents")
    assert not out.exists()
    refused(usage, "scenario", "attribute", record, "--game", "", says="no game is called ''")
    refused(usage, "scenario", "attribute", record, "--step", "9", says="the steps are 1 to 5")
    refused(usage, "scenario", "attribute", record, "--method", "x", says="no method")
    missing = tmp_path / "none.json"
    refused(ExitCode.INPUT, "scenario", "attribute", missing, says="cannot read")
    (tmp_path / "bad.json").write_text(json.dumps({"kind": "x"}), "utf-8")
    refused(ExitCode.INPUT, "scenario", "attribute", tmp_path / "bad.json", says="is no record")
    economy = tmp_path / "economy.json"
    ok("scenario", "run", "economy", "--agents", "3", "--steps", "3", "--out", economy)
    lagged = ("--indicator", "lagged_inflation_risk")
    refused(ExitCode.NO_ANSWER, "scenario", "attribute", economy, *lagged, says="nobody moves")


def test_methods_are_compared_in_every_format_and_in_the_library(
    record: Path,
) -> None:
    words = ("scenario", "compare", record, "--step", "3", "--permutations", "20", "--seeds", "2")
    found = ok(*words, "--format", "json").json
    assert (found["schema_version"], found["seeds"], found["permutations"]) == (1, [0, 1], 20)
    (one,) = found["records"]
    assert (one["scenario"], one["step"], one["n_agents"]) == ("opinion", 3, 6)
    assert [game["game"] for game in one["games"]] == ["smooth", "discrete"]
    lines = {(line["method"], line["game"]): line for line in found["lines"]}
    for method in ("exact", "path", "shapley", "banzhaf", "leave-one-out", "random"):
        assert {"smooth", "discrete"} == {game for name, game in lines if name == method}
    ours = blueattr.compare_scenarios(record, step=3, permutations=20, seeds=2)
    theirs = lines["shapley", "smooth"]["relative_error"]["mean"]
    assert theirs == next(
        line.relative_error.mean for line in ours.lines() if line.method == "shapley"
    )
    rows = [*csv.DictReader(io.StringIO(ok(*words, "--format", "csv").text))]
    assert len(rows) == sum(len(one["runs"]) for one in found["records"])
    assert {row["game"] for row in rows} == {"smooth", "discrete"}
    text = ok(*words).text
    assert "reference" in text
    assert "answers for the smooth game" in text


def test_scores_of_a_judge_are_compared_with_their_record(record: Path, tmp_path: Path) -> None:
    about = {"scenario": "opinion", "record": record_digest(read_record(record)), "step": 3,
             "indicator": "polarisation", "baseline": "silent", "window": 1}  # fmt: skip
    names = read_record(record).agents
    scores = [{"index": k, "agent": name, "score": k + 1} for k, name in enumerate(names)]
    file = tmp_path / "scores.json"
    told = {"schema_version": 1, "kind": "judgement", "judge": "mast", "host": "h", "model": "m"}
    file.write_text(json.dumps({**told, **about, "agents": scores}), "utf-8")
    few = ("--step", "3", "--permutations", "20", "--seeds", "1", "--format", "json")
    found = ok("scenario", "compare", record, "--judged", file, *few).json
    lines = {(line["method"], line["game"]): line for line in found["lines"]}
    assert lines["judge mast (m)", "discrete"]["kendall_tau"]["mean"] is not None
    refused(
        ExitCode.INPUT, "scenario", "compare", record, "--judged", file, "--step", "2",
        says="another step",
    )  # fmt: skip


def test_logs_are_imported_and_their_replay_is_told(tmp_path: Path) -> None:
    log_twin.econagent(tmp_path / "logs", steps=6)
    out = tmp_path / "record.json.zst"
    told = ok("scenario", "import", "econagent", tmp_path / "logs", "--out", out).text
    assert "The rules reproduce these logs." in told
    assert "no timestep 0" in " ".join(told.split())
    assert blueattr.import_scenario("econagent", tmp_path / "logs").deviation["wealth"] < 1e-9
    found = ok("scenario", "attribute", out, "--format", "json").json
    assert found["scenario"] == "economy"
    (tmp_path / "logs" / "actions_json" / "all_actions.json").unlink()
    words = ("scenario", "import", "econagent", tmp_path / "logs", "--out", out)
    refused(ExitCode.INPUT, *words, says="has no actions_json")
    refused(ExitCode.USAGE, "scenario", "import", "x", tmp_path, "--out", out, says="there are")


def test_a_replay_that_misses_the_logs_is_a_warning(tmp_path: Path) -> None:
    log_twin.socialllm(tmp_path)
    path = tmp_path / "results.json"
    document = json.loads(path.read_text("utf-8"))
    document["timestep_results"][2]["beliefs"][0] += 0.25
    path.write_text(json.dumps(document), "utf-8")
    told = ok("scenario", "import", "socialllm", tmp_path, "--out", tmp_path / "r.json").text
    assert "do not reproduce these logs" in told
    assert "belief" in told


MINE = """
import numpy as np

agents, steps, baselines = ["ann", "=bob|"], [1, 2], ["nothing"]
pushed = np.array([[1.0, 2.0], [3.0, 5.0]])
channels = {"push": (pushed, "scaled")}
indicators = {"grown": lambda before, after, step: after["level"] - before["level"]}


def baseline(kind):
    return {"push": 0 * pushed}


def start(step):
    return {"level": pushed[:step].sum()}


def transition(state, actions, step, smooth):
    return {"level": state["level"] + actions["push"].sum(axis=1)}
"""


def test_a_simulation_of_ones_own_is_replayed_attributed_and_compared(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE, "utf-8")
    replayed = ok("scenario", "run", "--scenario", file).text
    assert "keeps the protocol" in replayed
    assert "at most 0 from the recorded states (level)" in replayed
    words = ("--scenario", file, "--format", "json")
    found = ok("scenario", "attribute", *words).json
    assert (found["step"], found["origin"]) == (2, str(file))
    assert found["sha256"] in replayed
    assert [one["value"] for one in found["agents"]] == pytest.approx([3, 5])
    ours = blueattr.attribute_scenario(scenario=str(file))
    assert ours.values.tolist() == [one["value"] for one in found["agents"]]
    compared = ok("scenario", "compare", *words, "--permutations", "4", "--seeds", "1").json
    (path,) = (
        one for one in compared["lines"] if (one["method"], one["game"]) == ("path", "smooth")
    )
    assert path["relative_error"]["mean"] == pytest.approx(0, abs=1e-12)


def test_a_simulation_of_ones_own_is_refused_with_its_exit_code(
    record: Path, tmp_path: Path
) -> None:
    usage, file = ExitCode.USAGE, tmp_path / "mine.py"
    file.write_text(MINE.replace("axis=1", "axis=0"), "utf-8")
    refused(usage, "scenario", "attribute", "--scenario", file, says="could not be broadcast")
    refused(usage, "scenario", "attribute", record, "--scenario", file, says="ask a record, or")
    refused(usage, "scenario", "attribute", says="ask a record, or")
    refused(usage, "scenario", "compare", says="no record to compare")
    refused(usage, "scenario", "run", says="name economy, market or opinion")
    refused(usage, "scenario", "run", "economy", says="--out record.json")
    words = ("scenario", "run", "--scenario", file, "--seed", "1")
    refused(usage, *words, says="leave out --agents")


@pytest.mark.parametrize("write", ["ours", "twin"])
def test_logs_of_econagent_become_a_page_in_three_commands(write: str, tmp_path: Path) -> None:
    logs, record, page = tmp_path / "logs", tmp_path / "record.json.zst", tmp_path / "page.html"
    if write == "ours":
        write_econagent(run_scenario("economy", agents=6, steps=12, seed=2), logs)
    else:
        log_twin.econagent(logs)
    ok("scenario", "import", "econagent", logs, "--out", record)
    told = ok("scenario", "attribute", record, "--agents", tmp_path / "agents.csv").text
    assert "drove it most" in told
    said = ok("report", record, "--out", page)
    assert f"written: {page}" in said.stderr
    html = page.read_text("utf-8")
    assert "Who drove inflation at step" in html
    assert "logs of econagent" in html
    assert pl.read_csv(tmp_path / "agents.csv").height == (6 if write == "ours" else 5)
    ok("scenario", "attribute", record, "--out", tmp_path / "same.html")
    assert (tmp_path / "same.html").read_text("utf-8") == html


def test_a_page_has_no_format_and_a_record_no_topic(record: Path, tmp_path: Path) -> None:
    usage, page = ExitCode.USAGE, tmp_path / "page.html"
    words = ("scenario", "attribute", record, "--out", page)
    refused(usage, *words, "--format", "json", says="name two formats")
    refused(usage, "report", record, "--topic", "mythos", says="not --topic")
    refused(usage, "report", record, "--format", "datasette", says="no dataset")
    refused(ExitCode.INPUT, "report", tmp_path / "none.json", "--out", page, says="cannot read")
    assert not page.exists()


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "jsonl"])
def test_the_values_of_all_agents_are_written_beside_the_answer(form: str, tmp_path: Path) -> None:
    path, agents = tmp_path / "r.json", tmp_path / f"agents.{form}"
    few = ("--permutations", "2", "--format", "json")
    write_record(run_scenario("opinion", agents=30, steps=2, seed=1), path)
    found = ok("scenario", "attribute", path, "--agents", agents, *few).json
    read: dict[str, Any] = {
        "parquet": pl.read_parquet, "csv": pl.read_csv, "json": pl.read_json,
        "jsonl": pl.read_ndjson,
    }  # fmt: skip
    frame = read[form](agents)
    assert frame.columns[:4] == ["index", "agent", "value", "share"]
    values = {row["index"]: row["value"] for row in frame.iter_rows(named=True)}
    assert [values[k] for k in range(30)] == [one["value"] for one in found["agents"]]


def test_a_larger_regulariser_lets_a_path_value_converge(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    run = run_scenario("economy", agents=12, steps=14, seed=2026)
    write_record(replace(run, parameters={"reserve": 1e-8}), path)
    words = ("scenario", "attribute", path, "--step", "12", "--method", "path", "--game", "smooth")
    refused(ExitCode.NO_ANSWER, *words, says="a larger --regulariser")
    found = ok(*words, "--regulariser", "0.1", "--format", "json").json
    assert found["regulariser"] == 0.1
    assert found["total"] == pytest.approx(0.027686336, rel=1e-7)
    ours = blueattr.attribute_scenario(path, step=12, regulariser=0.25)
    assert ours.total < found["total"]
    for wrong in ("0", "nan", "1e9"):
        refused(ExitCode.USAGE, *words, "--regulariser", wrong, says="--regulariser of the economy")


def test_who_moves_an_indicator_most_is_named_and_shown_whichever_way() -> None:
    record = run_scenario("economy", agents=24, steps=6, seed=6)
    asked: dict[str, Any] = {"indicator": "pressure", "baseline": "mean", "permutations": 2}
    found = blueattr.attribute_scenario(record, **asked)
    most = int(abs(found.values).argmax())
    assert found.values[most] < 0
    assert (found.values > found.values[most]).sum() > 20
    report = scenario_attribution_report(found)
    table = _table(report)
    assert f"{record.agents[most]} drove it most, down." in _summary(report)
    assert most in [row[0] for row in table.rows]
    values = np.array([row[2] for row in table.rows], float)
    assert values.size == 20
    assert (np.diff(values) <= 0).all()


def test_discrete_values_of_the_market_stand_before_those_of_the_smooth_game() -> None:
    record = run_scenario("market", agents=5, steps=4, seed=3, stocks=2)
    smooth, discrete = (blueattr.attribute_scenario(record, game=g) for g in ("smooth", "discrete"))
    report = scenario_attribution_report(smooth)
    names = [column.name for column in _table(report).columns]
    assert names.index("discrete_shapley") < names.index("value")
    leads = {row[0]: row[names.index("discrete_shapley")] for row in _table(report).rows}
    assert [leads[k] for k in range(5)] == discrete.values.tolist()
    assert "by the discrete Shapley value, which leads" in _summary(report)
    own = [column.name for column in _table(scenario_attribution_report(discrete)).columns]
    assert "discrete_shapley" not in own


def test_where_the_other_game_is_not_computed_the_answer_says_so() -> None:
    record = run_scenario("market", agents=101, steps=3, seed=1, stocks=1)
    said = scenario_attribution_report(blueattr.attribute_scenario(record, game="smooth")).warnings
    assert any("ask --game discrete" in line for line in said)
    assert any("agree is not computed for 101 players" in line for line in said)


def test_values_of_cells_say_when_and_sum_to_those_of_agents(record: Path) -> None:
    words = ("scenario", "attribute", record, "--window", "2", "--players", "cells")
    found = ok(*words, "--format", "json").json
    assert {cell["step"] for cell in found["cells"]} == {found["step"], found["step"] - 1}
    for agent in found["agents"]:
        own = [cell["value"] for cell in found["cells"] if cell["index"] == agent["index"]]
        assert len(own) == 2
        assert sum(own) == pytest.approx(agent["value"], rel=1e-12)
    assert "who drove it, and when" in ok(*words).text
    assert "cells" not in ok("scenario", "attribute", record, "--format", "json").json


def test_sampled_values_have_standard_errors_and_others_have_none(record: Path) -> None:
    words = ("scenario", "attribute", record, "--permutations", "50")
    found = ok(*words, "--method", "shapley", "--format", "json").json
    exact = ok(*words, "--method", "exact", "--format", "json").json
    for sampled, true in zip(found["agents"], exact["agents"], strict=True):
        assert 0 < sampled["standard_error"] < abs(found["change"])
        assert abs(sampled["value"] - true["value"]) < 5 * sampled["standard_error"]
        assert "standard_error" not in true
    assert "standard error" in ok(*words, "--method", "shapley").text


def test_an_answer_names_the_record_it_is_of_and_what_its_replay_missed(tmp_path: Path) -> None:
    run, path = run_scenario("opinion", agents=4, steps=3, seed=5), tmp_path / "r.json.zst"
    write_record(replace(run, deviation={"belief": 0.25}), path)
    words = ("scenario", "attribute", path)
    found = ok(*words, "--format", "json").json
    digest = record_digest(read_record(path))
    assert (found["origin"], found["record"]) == ("scripted", digest)
    text = " ".join(ok(*words).text.split())
    assert digest in text
    assert "a scripted run of seed 5" in text
    assert "they miss belief by up to 0.25" in text


def _summary(report: Report) -> str:
    return " ".join(report.summary)


def _table(report: Report) -> Table:
    return report.tables[0]
