"""A deposit of what people wrote on a real PDS, asked for again after they deleted and edited."""

from pathlib import Path

import pytest

import blueattr
from blueattr.ingest.rehydrate import rehydrate
from blueattr.sources.deposits import read_deposit
from integration import truth
from integration.accounts import Account
from integration.commands import ingest
from integration.servers import Pds, Plc
from support.events_builder import POST, lines

pytestmark = pytest.mark.integration


def test_exactly_what_was_deleted_and_edited_on_a_real_server_is_reported(tmp_path: Path) -> None:
    with Plc(tmp_path / "plc") as plc, Pds(tmp_path / "pds", plc.url) as pds:
        ada, ben, cyd, dot, eve = (
            Account(pds.url, name) for name in ("ada", "ben", "cyd", "dot", "eve")
        )
        first = ada.post("claude mythos is here")
        kept = ben.post("is it?", reply_to=(first, first))
        withdrawn = cyd.post("claude mythos, again")
        edited = ada.put(POST, "3kh5zzzzzzz2a", {"text": "claude mythos, a typo"})
        quoting = dot.post("look", embed={
            "$type": "app.bsky.embed.record",
            "record": {"uri": first["uri"], "cid": first["cid"]},
        })  # fmt: skip
        repost, taken_back = ben.repost(first), cyd.repost(first)
        lost = eve.post("claude mythos of somebody who leaves")
        resting = dot.post("claude mythos of somebody who rests")
        truth.settle()
        db, file = tmp_path / "live.duckdb", tmp_path / "live.jsonl"
        file.write_bytes(lines(*truth.firehose_events(pds.socket_url)))
        ingest(db, file)
        made = blueattr.deposit(
            tmp_path / "deposit", "mythos", license="CC0-1.0", db=db, indicator="var",
            keep_bots=True, window="3d",
        )  # fmt: skip
        cyd.delete(withdrawn)
        cyd.delete(taken_back)
        ada.put(POST, "3kh5zzzzzzz2a", {"text": "claude mythos, without one"})
        eve.leave()
        study = read_deposit(made.folder)
        done = rehydrate(
            tmp_path / "again.duckdb", study, appview=None, most=100, directory=plc.url, rate=100.0
        )
        assert done.is_whole
        assert {name.uri: fate for name, fate in done.fates.items()} == {
            first["uri"]: "found", kept["uri"]: "found", quoting["uri"]: "found",
            repost["uri"]: "found", resting["uri"]: "found", edited["uri"]: "changed",
            withdrawn["uri"]: "deleted", taken_back["uri"]: "deleted", lost["uri"]: "deleted",
        }  # fmt: skip
        # Who rests is gone for now, and may come back.
        dot.deactivate()
        later = rehydrate(
            tmp_path / "later.duckdb", study, appview=None, most=100, directory=plc.url, rate=100.0
        )
        fates = {name.uri: fate for name, fate in later.fates.items()}
        assert fates[resting["uri"]] == fates[quoting["uri"]] == "deleted"
        assert not plc.strangers() | pds.strangers()
