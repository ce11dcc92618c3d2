"""The directory of a synthetic network: what is ingested of it is what its accounts have."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from blueattr.ingest import read
from blueattr.store.database import Store
from blueattr.synth import Names, SynthSpec, event_batches, write_directory
from blueattr.synth.network import SyntheticAccounts
from support.cli_world import ok
from support.store_content import rows

SPEC = SynthSpec(agents=4000, days=3, seed=5, activity=0.05, like_fraction=0.0)


def test_a_directory_has_the_handles_of_the_events_and_hosts_that_they_moved_to(
    tmp_path: Path,
) -> None:
    path = tmp_path / "plc.jsonl.zst"
    count = write_directory(SPEC, path)
    done = read.ingest(tmp_path / "x.duckdb", [str(path)], kind="plc")
    (state,) = done.sources
    assert (state.lines, state.kept) == (count, count)
    names, who = Names(SPEC.seed), np.arange(SyntheticAccounts(SPEC).n)
    with Store.open(tmp_path / "x.duckdb") as store:
        known = {did: told for did, *told in rows(store, "SELECT did, handle, host FROM plc")}
        earlier = rows(store, "SELECT did, handle FROM plc_handle")
    assert {did: handle for did, (handle, _) in known.items()} == dict(
        zip(names.did(who), names.handle(who), strict=True)
    )
    own = [host for _, host in known.values() if host.endswith(".example")]
    assert len(own) / len(known) == pytest.approx(0.02, abs=0.006)
    assert len({host for _, host in known.values()} - set(own)) == 60
    assert 0.05 < len(earlier) / len(known) < 0.2
    assert count > len(known) + len(earlier)  # some moved alone
    assert all(known[did][0] != handle for did, handle in earlier)


def test_operations_are_in_order_and_accounts_that_join_are_created_as_they_do(
    tmp_path: Path,
) -> None:
    path = tmp_path / "plc.jsonl"
    write_directory(SPEC, path)
    told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(one["synthetic"] for one in told)
    times = [one["createdAt"] for one in told]
    assert times == sorted(times)
    assert {one["operation"]["type"] for one in told} == {"create", "plc_operation"}
    created: dict[str, datetime] = {}
    for one in told:
        created.setdefault(one["did"], datetime.fromisoformat(one["createdAt"]))
    agents = np.arange(SyntheticAccounts(SPEC).n)
    names = Names(SPEC.seed)
    new = set(names.did(agents[names.new(agents)]))
    assert {did for did, time in created.items() if time >= SPEC.start} == new
    joined = {
        did: time / 1e6
        for batch in event_batches(SPEC)
        for did, time, kind, status in zip(
            names.did(batch["agent"].to_numpy()),
            batch["time_us"],
            batch["kind"],
            batch["status"],
            strict=True,
        )
        if kind == "account" and status == "active"
    }
    assert len(joined) > 100
    assert all(-2 < joined[did] - created[did].timestamp() < 2 for did in joined)


@pytest.mark.slow
def test_the_command_writes_a_directory_by_which_agents_have_hosts(tmp_path: Path) -> None:
    ask = ("--agents", "300", "--days", "2", "--seed", "5")
    db, export = str(tmp_path / "x.duckdb"), str(tmp_path / "plc.jsonl.gz")
    ok("synth", *ask, "--db", db)
    assert "operations" in ok("synth", *ask, "--plc", export).stderr
    ok("ingest", "--plc", export, "--db", db)
    said = ok("attribute", "--topic", "all", "--by", "host", "--db", db, "--format", "json").json
    groups = {one["group"] for one in said["groups"]}
    assert any(name.endswith(".host.bsky.network.test") for name in groups)
    assert "unknown" not in groups
