"""Records: what is written is what is read, and what cannot be is refused with a sentence."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from blueattr.errors import InputError, OutputError, UsageError
from blueattr.scenarios.record import ImportedFile, Record
from blueattr.scenarios.record_file import read_record, record_digest, write_record
from blueattr.scenarios.shipped import SHIPPED, run_scenario, scenario_of
from support.scenario_world import scenario

Change = Callable[[dict[str, Any]], None]


def assert_equal(one: Record, other: Record) -> None:
    assert one.agents == other.agents
    assert one.steps == other.steps
    assert (one.seed, one.origin, one.imported) == (other.seed, other.origin, other.imported)
    for kind in ("states", "actions", "noise"):
        ours, theirs = getattr(one, kind), getattr(other, kind)
        assert [*ours] == [*theirs]
        for name in ours:
            assert ours[name].dtype == theirs[name].dtype
            np.testing.assert_array_equal(ours[name], theirs[name])


@pytest.mark.parametrize("name", [*SHIPPED])
@pytest.mark.parametrize("file", ["record.json", "record.json.zst"])
def test_what_is_read_is_what_was_written_to_the_bit(tmp_path: Path, name: str, file: str) -> None:
    record = scenario(name).record
    write_record(record, tmp_path / file)
    found = read_record(tmp_path / file)
    assert_equal(found, record)
    scenario_of(found)
    packed = (tmp_path / file).read_bytes().startswith(b"\x28\xb5\x2f\xfd")
    assert packed == file.endswith(".zst")


@pytest.mark.parametrize("name", [*SHIPPED])
def test_a_digest_is_of_what_a_record_holds_and_not_of_its_file(tmp_path: Path, name: str) -> None:
    record = run_scenario(name, agents=3, steps=2, seed=1)
    write_record(record, tmp_path / "a.json")
    write_record(record, tmp_path / "a.json.zst")
    digests = {record_digest(read_record(tmp_path / a)) for a in ("a.json", "a.json.zst")}
    assert digests == {record_digest(record)}
    assert digests != {record_digest(run_scenario(name, agents=3, steps=2, seed=2))}


def test_a_step_is_a_line_and_an_imported_file_is_named_with_its_digest(tmp_path: Path) -> None:
    record = scenario("opinion").record
    files = (ImportedFile("actions.json", "0" * 64),)
    changed = Record(
        record.scenario, {"views": 0.25}, record.agents, record.steps, record.states,
        record.actions, record.noise, origin="socialllm", imported=files, deviation={"belief": 0.5},
    )  # fmt: skip
    write_record(changed, tmp_path / "r.json")
    lines = (tmp_path / "r.json").read_text("utf-8").splitlines()
    assert len(lines) == 4 + len(record.steps)
    assert json.loads(lines[2].rstrip(","))["step"] == 1
    found = read_record(tmp_path / "r.json")
    assert found.imported == files
    assert found.deviation == {"belief": 0.5}
    assert scenario_of(found).parameters["views"] == 0.25


@pytest.mark.parametrize("name", [*SHIPPED])
def test_the_same_seed_makes_the_same_record_and_another_does_not(name: str) -> None:
    first, second, other = (run_scenario(name, agents=5, steps=4, seed=seed) for seed in (7, 7, 8))
    assert_equal(first, second)
    assert not all(np.array_equal(first.states[k], other.states[k]) for k in first.states)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "ecnomy"}, "did you mean 'economy'"),
        ({"name": "x"}, "there are economy, market, opinion"),
        ({"name": "economy", "agents": 0}, "1 to 1,000 agents"),
        ({"name": "economy", "agents": 1001}, "1 to 1,000 agents"),
        ({"name": "economy", "steps": 0}, "1 to 10,000 steps"),
        ({"name": "economy", "seed": -1}, "seed"),
        ({"name": "economy", "stocks": 3}, "only the market"),
        ({"name": "market", "stocks": 11}, "1 to 10 stocks"),
    ],
)
def test_a_run_that_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run_scenario(**arguments)


@pytest.mark.parametrize("name", [*SHIPPED])
def test_one_agent_and_one_step_are_a_run(tmp_path: Path, name: str) -> None:
    record = run_scenario(name, agents=1, steps=1, seed=3)
    write_record(record, tmp_path / "r.json")
    assert_equal(read_record(tmp_path / "r.json"), record)


def test_a_folder_is_no_place_for_a_record(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder"):
        write_record(scenario("opinion").record, tmp_path)


# --- what is refused -----------------------------------------------------------------------------


def put(*path: Any, to: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


def drop(*path: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


ECONOMY = [
    (put("kind", to="other"), "is no record"),
    (put("schema_version", to=2), "version 2; this blueattr reads version 1"),
    (put("scenario", to="econmy"), "did you mean economy"),
    (put("scenario", to=["economy"]), "there is no scenario"),
    (put("agents", to=[]), "`agents`"),
    (put("agents", 0, to=7), "a text, not 7"),
    (put("agents", 0, to="agent-2"), "two agents have the same name"),
    (put("steps", to=[]), "`steps`"),
    (put("steps", 1, "step", to=1), "two steps have the same name"),
    (put("steps", 1, "step", to=None), "label of a step"),
    (drop("steps", 0, "state", "wage"), "lacks 'wage'"),
    (drop("steps", 0, "actions"), "the actions of step 1 is no object"),
    (drop("end"), "`end` is no object"),
    (put("end", "wealth", to=[1.0]), "'wealth' in `end` is not a list of 3 numbers"),
    (put("end", "price", to=[1.0]), "'price' in `end` is not a number"),
    (put("steps", 0, "actions", "work", 0, to=True), "has True, which is no number"),
    (put("steps", 0, "actions", "work", 0, to="1"), "has '1', which is no number"),
    (put("steps", 0, "actions", "work", 0, to=[1]), "has list, which is no number"),
    (put("steps", 0, "actions", "work", 0, to=1.5), "has 1.5, not a finite number from 0 to 1"),
    (put("steps", 0, "actions", "work", 0, to=-1), "has -1, not a finite number from 0 to 1"),
    (put("steps", 0, "state", "price", to=0), "not a finite number from 1 to 1e+18"),
    (put("steps", 1, "state", "growth", to=-1e300), "not a finite number from -1e+18 to 1e+18"),
    (put("parameters", to={"reserv": 1}), "did you mean reserve"),
    (put("parameters", to={"reserve": 0}), "not a number from"),
    (put("parameters", to={"reserve": True}), "not a number from"),
    (put("parameters", to=[]), "`parameters`"),
    (put("origin", to="somewhere"), "`origin`"),
    (put("seed", to=-1), "`seed`"),
    (put("imported", to=[{"file": "a"}]), "`imported`"),
    (put("imported", to=7), "`imported`"),
    (put("deviation", to={"a": "b"}), "`deviation`"),
]
MARKET = [
    (put("steps", 0, "actions", "stock", 0, 0, to=2), "there is no stock 2"),
    (put("steps", 0, "actions", "stock", 0, 0, to=2**63), "has 9.22337e+18, not a whole number"),
    (put("steps", 0, "actions", "side", 0, 0, to=0), "neither buys"),
    (put("steps", 0, "actions", "side", 0, 0, to=0.5), "not a whole number from -1 to 1"),
    (put("steps", 0, "actions", "limit", 0, 0, to=0), "no limit price above 0"),
    (put("steps", 0, "actions", "limit", 0, to=[]), "lists of other lengths"),
    (put("steps", 0, "actions", "limit", 0, to=7), "'limit' in the actions of step 1 is not 3"),
    (put("parameters", "stocks", to=["A"]), "'price'"),
    (put("parameters", "weights", to=[1, -1]), "above 0"),
    (put("parameters", "weights", to=[1]), "as many weights as stocks"),
    (put("parameters", "weights", to="heavy"), "no list of float"),
    (put("parameters", "stocks", to=[1, 2]), "no list of str"),
]
OPINION = [
    (put("steps", 0, "actions", "author", 0, to=[3]), "no author 3"),
    (put("steps", 0, "actions", "author", 0, to=[1e20]), "has 1e+20, not a whole number from 0"),
    (put("steps", 0, "actions", "author", 0, to=[-1]), "not a whole number from 0 to 1e+18"),
]


def sound(name: str, path: Path) -> dict[str, Any]:
    stocks = 2 if name == "market" else None
    record = run_scenario(name, agents=3, steps=2, seed=1, stocks=stocks)
    write_record(record, path)
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if name == "opinion":
        document["steps"][0]["actions"]["reaction"][0] = [1]
    return document


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        *(("economy", *case) for case in ECONOMY),
        *(("market", *case) for case in MARKET),
        *(("opinion", *case) for case in OPINION),
    ],
)
def test_a_record_that_cannot_be_is_refused_with_the_place(
    tmp_path: Path, name: str, change: Change, message: str
) -> None:
    path = tmp_path / "r.json"
    document = sound(name, path)
    change(document)
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(InputError, match=r"r\.json is") as caught:
        read_record(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"[1, 2", "not JSON"),
        (b'{"kind": NaN}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": "\xff"}', "not JSON"),
        (b"[]", "is no record"),
        (pickle.dumps({"kind": 1}), "pickles are never read"),
        (zstandard.ZstdCompressor().compress(b'{"kind": 1}' * 99)[:20], "truncated"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 40, "damaged"),
    ],
)
def test_a_file_that_is_damaged_or_something_else_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_record(path)


def test_a_number_that_no_float_holds_and_a_hostile_name_are_told_in_plain_letters(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.json"
    document = sound("economy", path)
    document["steps"][0]["step"] = "\x1b[2J" + "x" * 500
    document["end"]["wealth"][0] = 10**400
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(InputError) as caught:
        read_record(path)
    assert "\x1b" not in str(caught.value)
    document["steps"][0]["state"]["wealth"][0] = "\x1b]0;x"
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(InputError) as caught:
        read_record(path)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_record(tmp_path / "none.json")
