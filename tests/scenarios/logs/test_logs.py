"""Logs of the original systems: what is imported, how far a replay is from it, what is refused."""

import json
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blueattr.errors import InputError, UsageError
from blueattr.scenarios.logs.importing import import_logs
from blueattr.scenarios.record_file import read_record, write_record
from blueattr.scenarios.shipped import run_scenario
from support import log_twin
from support.scenario_logs import write_econagent, write_socialllm, write_twinmarket

EXACT = 1e-9


# --- records of our own runs, written as logs ----------------------------------------------------


def by_stock(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Orders of each agent by stock, and without their times, of which logs keep the ranks."""
    if "stock" not in arrays:
        return dict(arrays)
    order = np.argsort(np.where(arrays["quantity"] > 0, arrays["stock"], 99), axis=2)
    return {
        name: np.take_along_axis(array, order, axis=2)
        for name, array in arrays.items()
        if name != "time"
    }


@pytest.mark.parametrize(
    ("system", "scenario", "write"),
    [
        ("econagent", "economy", write_econagent),
        ("twinmarket", "market", write_twinmarket),
        ("socialllm", "opinion", write_socialllm),
    ],
)
def test_logs_of_a_run_become_the_record_of_that_run(
    tmp_path: Path, system: str, scenario: str, write: Callable[..., Path]
) -> None:
    run = run_scenario(scenario, agents=7, steps=6, seed=4)
    found = import_logs(system, write(run, tmp_path / "logs"))
    assert max(found.deviation.values()) < EXACT
    for kind in ("states", "actions", "noise"):
        ours, theirs = by_stock(getattr(found, kind)), by_stock(getattr(run, kind))
        assert [*ours] == [*theirs]
        for name in ours:
            np.testing.assert_allclose(ours[name], theirs[name], atol=1e-7, err_msg=name)
    assert found.origin == system
    assert all(len(file.sha256) == 64 for file in found.imported)
    write_record(found, tmp_path / "record.json")
    again = read_record(tmp_path / "record.json")
    assert (again.deviation, again.remarks) == (found.deviation, found.remarks)
    assert again.imported == found.imported


def test_the_start_of_an_economy_is_found_from_the_first_incomes(tmp_path: Path) -> None:
    run = run_scenario("economy", agents=7, steps=6, seed=4)
    found = import_logs("econagent", write_econagent(run, tmp_path, start=False))
    assert max(found.deviation.values()) < EXACT
    np.testing.assert_allclose(found.states["wage"], run.states["wage"])
    assert any("no timestep 0" in one for one in found.remarks)


# --- a second twin, written from the description of the logs -------------------------------------


@pytest.mark.parametrize("period", [1, 12])
def test_an_economy_of_the_twin_is_replayed(tmp_path: Path, period: int) -> None:
    truth = log_twin.econagent(tmp_path, period=period)
    found = import_logs("econagent", tmp_path)
    assert found.parameters["period"] == period
    assert max(found.deviation.values()) < EXACT
    np.testing.assert_allclose(found.states["goods"], truth["stocks"], atol=1e-6)
    assert (found.actions["work"] == 0).any()
    np.testing.assert_allclose(found.noise["price_response"], [u for u, _ in truth["responses"]])
    np.testing.assert_allclose(found.noise["wage_response"], [us for _, us in truth["responses"]])
    shares = [truth["actions"]["step_2"][str(k)][1] * 0.02 for k in range(5)]
    np.testing.assert_allclose(found.actions["consumption"][1], shares)
    assert any(share * 50 % 1 for share in shares)


def test_a_market_of_the_twin_is_replayed_without_the_copies_of_the_engine(tmp_path: Path) -> None:
    truth = log_twin.twinmarket(tmp_path)
    found = import_logs("twinmarket", tmp_path)
    assert found.deviation == {"price": 0.0, "quantity": 0.0}
    assert found.steps == log_twin.DAYS
    assert found.agents == tuple(f"user {k}" for k in range(6))
    np.testing.assert_array_equal(found.states["price"][1:], truth["prices"])
    for step, orders in enumerate(truth["orders"]):
        if step != 3:
            assert np.count_nonzero(found.actions["quantity"][step]) == len(orders)
    assert not found.actions["quantity"][3].any()
    told = " ".join(found.remarks)
    assert "engine's own copies" in told
    assert "Days without trading records, which count as without orders: 1 (" in told
    assert "2 of 10 stocks" in told


@pytest.mark.parametrize(
    ("naming", "how"),
    [
        ("{author}", "the author"),
        ("{author}_{step}", "author and step"),
        ("post-{step}-{author}", "step and author"),
        ("{number}", "from 0"),
        ("({author}, {step})", "author and step"),
    ],
)
def test_opinions_of_the_twin_are_replayed_however_posts_are_named(
    tmp_path: Path, naming: str, how: str
) -> None:
    truth = log_twin.socialllm(tmp_path, naming=naming)
    found = import_logs("socialllm", tmp_path)
    assert max(found.deviation.values()) < EXACT
    assert found.steps == tuple(range(6))
    assert any(how in one for one in found.remarks)
    beliefs = [entry["beliefs"] for entry in truth["entries"]]
    np.testing.assert_array_equal(found.states["belief"], beliefs)
    own = np.arange(5)[:, None]
    assert (found.actions["author"] == own).any()


def test_what_is_off_by_a_step_shows_in_the_deviation(tmp_path: Path) -> None:
    log_twin.socialllm(tmp_path)
    path = tmp_path / "results.json"
    document = json.loads(path.read_text("utf-8"))
    document["timestep_results"].insert(0, document["timestep_results"][0])
    path.write_text(json.dumps(document), "utf-8")
    found = import_logs("socialllm", tmp_path)
    assert found.deviation["said"] > 0.001
    assert found.deviation["belief"] > 0.001


# --- traps ---------------------------------------------------------------------------------------


def change(path: Path, how: Callable[[Any], Any]) -> None:
    document = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(how(document)), "utf-8")


def swap(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_a_price_that_no_random_number_explains_is_refused(tmp_path: Path) -> None:
    run = run_scenario("economy", agents=4, steps=4, seed=1)
    write_econagent(run, tmp_path)
    price = run.states["price"][3]
    swap(tmp_path / "metrics_csv" / "world_metrics.csv", str(price), str(price * 1.2))
    with pytest.raises(InputError, match=r"step 3: the price goes from .* from 0 to 1"):
        import_logs("econagent", tmp_path)


def test_goods_that_are_served_in_another_order_are_told_and_deviate(tmp_path: Path) -> None:
    run = run_scenario("economy", agents=6, steps=24, seed=1)
    write_econagent(run, tmp_path)
    path = tmp_path / "metrics_csv" / "agent_metrics.csv"
    lines = path.read_text("utf-8").splitlines()
    last = [line.split(",") for line in lines[-6:]]
    last[0][2], last[5][2] = last[5][2], last[0][2]  # whoever was first is last
    path.write_text("\n".join([*lines[:-6], *(",".join(one) for one in last)]), "utf-8")
    found = import_logs("econagent", tmp_path)
    assert found.deviation["wealth"] > 1
    assert found.deviation["price"] < EXACT


def test_rounded_logs_are_replayed_within_their_rounding(tmp_path: Path) -> None:
    run = run_scenario("economy", agents=5, steps=8, seed=2)
    write_econagent(run, tmp_path)
    for name in ("agent_metrics.csv", "world_metrics.csv"):
        path = tmp_path / "metrics_csv" / name
        head, *lines = path.read_text("utf-8").splitlines()
        rounded = [",".join(f"{float(x):.4f}".removesuffix(".0000") for x in one.split(","))
                   for one in lines]  # fmt: skip
        path.write_text("\n".join([head, *rounded]), "utf-8")
    found = import_logs("econagent", tmp_path)
    assert 1e-6 < found.deviation["wealth"] < 5  # the rate is rounded, too


def test_an_earlier_summary_has_the_first_prices(tmp_path: Path) -> None:
    log_twin.twinmarket(tmp_path)
    for path in (tmp_path / "trading_records").glob(f"{log_twin.DAYS[0]}*"):
        path.unlink()
    found = import_logs("twinmarket", tmp_path)
    assert found.steps == log_twin.DAYS[1:]
    assert found.deviation["price"] == 0.0


def test_first_orders_far_from_the_first_price_are_refused(tmp_path: Path) -> None:
    log_twin.twinmarket(tmp_path)
    for path in (tmp_path / "trading_records").glob("2023*"):
        if path.stem.startswith(log_twin.DAYS[0]):
            path.write_text(path.read_text("utf-8").replace('"price": ', '"price": 9'), "utf-8")
    with pytest.raises(InputError, match="put the daily summary of the day before"):
        import_logs("twinmarket", tmp_path)


def test_a_user_whose_orders_are_not_its_decisions_shows_in_the_deviation(tmp_path: Path) -> None:
    log_twin.twinmarket(tmp_path)

    def more(document: Any) -> Any:
        document["FSEI"]["buy"][0]["quantity"] += 700
        return document

    change(tmp_path / "trading_records" / f"{log_twin.DAYS[1]}_orders.json", more)
    assert import_logs("twinmarket", tmp_path).deviation["quantity"] == 700.0


# --- hostile logs --------------------------------------------------------------------------------


def test_pickles_are_refused_in_words_and_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dense_log.pkl").write_bytes(pickle.dumps(Trap()))
    for folder in (tmp_path, tmp_path / "data" / "dense_log.pkl"):
        with pytest.raises(InputError, match=r"pickles are never read.*simulate\.py of IEEE"):
            import_logs("econagent", folder)
    log_twin.econagent(tmp_path)
    (tmp_path / "actions_json" / "all_actions.json").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(InputError, match="is a pickle"):
        import_logs("econagent", tmp_path)
    assert not (tmp_path / "sprung").exists()


Spoil = Callable[[Path], object]


def text(name: str, content: str | bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )


def edit(name: str, how: Callable[[Any], object]) -> Spoil:
    def apply(document: Any) -> Any:
        how(document)
        return document

    return lambda folder: change(folder / name, apply)


def gone(name: str) -> Spoil:
    return lambda folder: (folder / name).unlink()


def link(name: str, to: str) -> Spoil:
    def make(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(to)

    return make


def pipe(name: str) -> Spoil:
    def make(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return make


def cell(name: str, line: int, column: int, value: str) -> Spoil:
    def make(folder: Path) -> None:
        lines = (folder / name).read_text("utf-8").splitlines()
        values = lines[line].split(",")
        values[column] = value
        lines[line] = ",".join(values)
        (folder / name).write_text("\n".join(lines), "utf-8")

    return make


def without(name: str, line: int) -> Spoil:
    def make(folder: Path) -> None:
        lines = (folder / name).read_text("utf-8").splitlines()
        del lines[line]
        (folder / name).write_text("\n".join(lines), "utf-8")

    return make


ALL = "actions_json/all_actions.json"
PEOPLE = "metrics_csv/agent_metrics.csv"
WORLD = "metrics_csv/world_metrics.csv"
ECONAGENT: list[tuple[Spoil, str]] = [
    (gone(ALL), "has no actions_json/all_actions.json"),
    (gone(PEOPLE), "has no metrics_csv/agent_metrics.csv"),
    (link(WORLD, "/etc/hostname"), "a link that leads out of the folder"),
    (link(WORLD, "nowhere"), "cannot read"),
    (pipe(WORLD), "is no file"),
    (text(ALL, "[" * 100_000), "is not JSON"),
    (text(ALL, '{"step_1": NaN}'), "is not JSON"),
    (text(ALL, "[]"), "is list, not an object"),
    (text(ALL, "{}"), "has no steps"),
    (edit(ALL, lambda d: d.pop("step_3")), "lacks step_3"),
    (edit(ALL, lambda d: d.update({"step_01": {}})), "'step_01' is no step"),
    (edit(ALL, lambda d: d["step_2"].pop("3")), "agent '3' is not in each step"),
    (edit(ALL, lambda d: d["step_2"].update({"0": [1]})), "no pair of work and share"),
    (edit(ALL, lambda d: d["step_2"].update({"0": [2, 3]})), "work is 2, not a number from 0 to 1"),
    (edit(ALL, lambda d: d["step_2"].update({"0": [1, 51]})), "is 51, not a number from 0 to 50"),
    (edit(ALL, lambda d: d["step_2"].update({"0": [True, 5]})), "work is True"),
    (edit(ALL, lambda d: d["step_2"].update({"0": [1, [[]]]})), "is list, not a number"),
    (edit(ALL, lambda d: d["step_1"].update({f"x{k}": [1, 1] for k in range(1000)})), "1,005"),
    (text(PEOPLE, b"\xff\xfe"), "is not UTF-8"),
    (text(PEOPLE, "agent_id,timestep\n1,2\n"), "lacks the column wealth"),
    (text(PEOPLE, '"agent_id'), "it is no CSV"),
    (text(WORLD, "timestep,price,interest_rate\n"), "has no rows"),
    (text(WORLD, "timestep,price,interest_rate\n1,2\n"), "2 values under 3 names"),
    (cell(PEOPLE, 3, 2, "nan"), "line 4: wealth is 'nan', not a number from -1e+18"),
    (cell(PEOPLE, 3, 2, "1e999"), "wealth is '1e999'"),
    (cell(PEOPLE, 3, 2, "1e300"), "wealth is '1e300', not a number from"),
    (cell(PEOPLE, 3, 2, "1_0"), "wealth is '1_0'"),
    (cell(PEOPLE, 3, 5, "0.5"), "skill is '0.5', not a number from 1 to 1e+18"),
    (cell(PEOPLE, 3, 0, "\x1b[2J"), r"agent '\x1b[2J' is not in"),
    (cell(PEOPLE, 3, 1, "1.5"), "timestep 1.5 is not whole"),
    (cell(PEOPLE, 3, 0, "0"), "has agent '0' at timestep 1 twice"),
    (cell(WORLD, 3, 0, "2"), "has timestep 2 twice"),
    (without(WORLD, 3), "goes on after timestep"),
    (without(PEOPLE, 12), "goes on after timestep"),
    (without(WORLD, 1), "do not both have timestep 1"),
]
ONE = f"trading_records/{log_twin.DAYS[0]}.json"
ORDERS = f"trading_records/{log_twin.DAYS[0]}_orders.json"
SUMMARY = f"simulation_results/{log_twin.DAYS[0]}/daily_summary_{log_twin.DAYS[0]}.csv"


def first_decision(document: Any) -> Any:
    return next(
        one
        for user in document.values()
        for one in user["stock_decisions"].values()
        if one["action"] != "hold"
    )


TWINMARKET: list[tuple[Spoil, str]] = [
    (text(ONE, "{}"), "has no trading record"),
    (text(ONE, "[]"), "is list, not an object"),
    (edit(ONE, lambda d: first_decision(d).update(action="short")), "the action is 'short'"),
    (edit(ONE, lambda d: first_decision(d).update(sub_orders="x")), "sub_orders is 'x'"),
    (edit(ONE, lambda d: first_decision(d)["sub_orders"][0].update(quantity=-1)), "quantity is -1"),
    (edit(ONE, lambda d: first_decision(d)["sub_orders"][0].update(price=0)), "has the price 0"),
    (edit(ONE, lambda d: first_decision(d)["sub_orders"][0].pop("price")), "price is None"),
    (edit(ONE, lambda d: d.update({"": {}})), "a user without a name"),
    (edit(ORDERS, lambda d: d["FSEI"]["buy"][0].update(user_id="<b>")), "the user '<b>' has no"),
    (edit(ORDERS, lambda d: d["FSEI"]["buy"][0].update(user_id=[])), "the user list has no"),
    (edit(ORDERS, lambda d: d["FSEI"]["buy"][0].update(timestamp="noon")), "the timestamp"),
    (edit(ORDERS, lambda d: d.update({"<script>": d["FSEI"]})), "has the stock '<script>'"),
    (edit(ORDERS, lambda d: d["FSEI"].update(buy=7)), "'buy' is no list of orders"),
    (cell(SUMMARY, 1, 1, "-3"), "closing_price is '-3'"),
    (cell(SUMMARY, 2, 0, "FSEI"), "has the stock 'FSEI' twice"),
    (link(SUMMARY, "/etc/hostname"), "a link that leads out"),
]
RESULTS, ACTIONS = "results.json", "actions.json"
SOCIALLLM: list[tuple[Spoil, str]] = [
    (gone(RESULTS), "has no results.json"),
    (gone(ACTIONS), "has no actions.json"),
    (edit(RESULTS, lambda d: d.pop("timestep_results")), "timestep_results is no list"),
    (edit(RESULTS, lambda d: d["timestep_results"][2].update(beliefs=[0.5])), "of other agents"),
    (edit(RESULTS, lambda d: d["timestep_results"][2].update(beliefs=7)), "has no beliefs"),
    (edit(RESULTS, lambda d: d["timestep_results"][2]["beliefs"].__setitem__(0, 1.5)), "is 1.5"),
    (edit(RESULTS, lambda d: d["timestep_results"][0].update(beliefs=[0] * 1001)), "1,001 agents"),
    (edit(RESULTS, lambda d: d.update(max_risk_timestep=99)), "max_risk_timestep is 99"),
    (edit(ACTIONS, lambda d: d.update({"(9, 0)": {}})), "'(9, 0)' is no agent and step"),
    (edit(ACTIONS, lambda d: d.update({"x": {}})), "'x' is no agent and step"),
    (edit(ACTIONS, lambda d: d.update({"(0,0)": {}})), "has agent '0' in step 0 twice"),
    (edit(ACTIONS, lambda d: d["(0, 0)"].update(post="yes")), "the post is 'yes'"),
    (edit(ACTIONS, lambda d: d["(0, 0)"].update(interactions=3)), "interactions is 3"),
    (
        edit(ACTIONS, lambda d: d["(0, 0)"].update(interactions=[{"action": "hug"}])),
        "the action is 'hug'",
    ),
    (
        edit(ACTIONS, lambda d: d["(0, 0)"].update(interactions=[{"post_id": {}, "action": None}])),
        "nobody posts that in this step",
    ),
    (
        edit(ACTIONS, lambda d: d["(0, 0)"].update(interactions=[{"post_id": "1_5"}])),
        "reads the post '1_5' in step 0",
    ),
]


@pytest.mark.parametrize(
    ("system", "spoil", "message"),
    [
        *(("econagent", *case) for case in ECONAGENT),
        *(("twinmarket", *case) for case in TWINMARKET),
        *(("socialllm", *case) for case in SOCIALLLM),
    ],
)
def test_logs_that_cannot_be_end_in_a_sentence(
    tmp_path: Path, system: str, spoil: Spoil, message: str
) -> None:
    if system == "econagent":
        log_twin.econagent(tmp_path, steps=4)
    elif system == "twinmarket":
        log_twin.twinmarket(tmp_path)
    else:
        log_twin.socialllm(tmp_path)
    spoil(tmp_path)
    with pytest.raises(InputError) as caught:
        import_logs(system, tmp_path)
    assert message in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_names_with_markup_stay_names(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    log_twin.twinmarket(tmp_path)
    for path in (tmp_path / "trading_records").iterdir():
        path.write_text(path.read_text("utf-8").replace("user 0", name), "utf-8")
    found = import_logs("twinmarket", tmp_path)
    assert name in found.agents


def test_an_order_list_that_would_not_fit_into_memory_is_refused(tmp_path: Path) -> None:
    log_twin.twinmarket(tmp_path)

    def long(document: Any) -> Any:
        one = first_decision(document)
        one["sub_orders"] = [{"quantity": 100, "price": 10.0}] * 60_000
        return document | {f"u{k}": {} for k in range(900)}

    change(tmp_path / ONE, long)
    (tmp_path / ORDERS).unlink()
    with pytest.raises(InputError, match=r"a list of 60,0.. entries in a step"):
        import_logs("twinmarket", tmp_path)


def test_a_system_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'econagent'"):
        import_logs("econagnt", tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        import_logs("econagent", tmp_path / "none")
