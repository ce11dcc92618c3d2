"""An archive of one's own, without a key: a past from before it began, of the accounts it names."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integration import truth
from integration.accounts import Account, call
from integration.commands import ingest, run, status
from integration.servers import Jetstream, Pds, Plc, Relay
from support.archive_past import key_at
from support.events_builder import POST
from support.store_content import content

pytestmark = pytest.mark.integration

TOKEN = "loopback"  # noqa: S105 - of no archive
WHEN = ("--from", "2026-04-01", "--to", "2026-05-01")


def day(number: int, month: int = 4) -> datetime:
    return datetime(2026, month, number, 12, tzinfo=UTC)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Plc, Pds, Relay]]:
    with (
        Plc(tmp_path / "plc") as plc,
        Pds(tmp_path / "pds", plc.url) as pds,
        Relay(tmp_path / "relay", pds.url, plc.url) as relay,
    ):
        yield plc, pds, relay


def imported(jetstream: Jetstream, uri: str, moment: datetime) -> None:
    """Have the server take over the time of a record, which also seals what it has."""
    folder = jetstream.folder / "kept" / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "times.csv").write_text(f"uri,timestamp\n{uri},{moment:%Y-%m-%dT%H:%M:%SZ}\n")
    method, secret = "network.bsky.jetstream", f"Bearer {TOKEN}"
    call(jetstream.url, f"{method}.importTimestamps", {"path": "times.csv"}, authorization=secret)

    def done() -> bool:
        state = call(jetstream.url, f"{method}.getImportStatus", authorization=secret)
        assert "failed" not in json.dumps(state).lower().replace('"failed":', ""), state
        return "complete" in json.dumps(state).lower()

    truth.until(done)


def test_a_past_from_before_an_archive_of_ones_own(
    servers: tuple[Plc, Pds, Relay], tmp_path: Path
) -> None:
    plc, pds, relay = servers
    ada, ben, cyd = (Account(pds.url, name) for name in ("ada", "ben", "cyd"))
    wanted: dict[str, dict[tuple[str, str], Any]] = {ada.did: {}, ben.did: {}}
    for number in range(1, 10):
        for who in (ada, ben, cyd):
            key = key_at(day(number), number)
            who.put(POST, key, {"text": f"{who.name} on day {number}"})
            if who is not cyd:
                wanted[who.did]["key", key] = day(number)
            who.put(POST, key_at(day(number, 5), number), {"text": "in May"})
    moved = ada.put(POST, key_at(day(1, 2), 1), {"text": "in February, says the key"})
    wanted[ada.did]["imported", moved["uri"].rsplit("/", 1)[1]] = day(20)
    ada.profile()
    named = f"{ada.did},{ben.did}"
    options = ("--backfill-repos", named, "--timestamp-import-token", TOKEN)
    with Jetstream(tmp_path / "jetstream", relay.url, plc.url, *options, small=True) as jetstream:
        ada.post("now")
        time.sleep(1)
        imported(jetstream, moved["uri"], day(20))
        archive = ("archive", "--host", jetstream.url, *WHEN)
        dry = json.loads(
            run(
                "ingest", *archive, "--dry-run", "--format", "json", "--db", tmp_path / "x.duckdb"
            ).stdout
        )
        assert {stage["stage"] for stage in dry["stages"]} == {"bootstrap", "witnessed"}
        assert not (tmp_path / "x.duckdb").exists()
        both = tmp_path / "both.duckdb"
        spent = ingest(both, *archive)["bytes_spent"]
        assert 0 < spent <= dry["bytes"] * 2
        file = tmp_path / "accounts.csv"
        file.write_text(f"did\n{ada.did}\n")
        one = tmp_path / "one.duckdb"
        ingest(one, *archive, "--accounts", file)
    for db, dids in ((both, [ada.did, ben.did]), (one, [ada.did])):
        held = {(did, row[-3], rkey): row[2] for (_, did, rkey), row in content(db).records.items()}
        assert held == {
            (did, kind, rkey): moment.replace(tzinfo=None)
            for did in dids
            for (kind, rkey), moment in wanted[did].items()
        }
    kinds = {time["kind"]: time["records"] for time in status(both)["time_from"]}
    assert kinds == {"imported": 1, "key": 18}
