"""A real PDS: people who write, change, leave and come back; its firehose, and Jetstream on it."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from integration import truth
from integration.accounts import Account
from integration.commands import EVER, ingest, status
from integration.servers import Jetstream, Pds, Plc, Relay
from support.events_builder import FOLLOW, POST, REPOST
from support.store_content import Content, content

pytestmark = pytest.mark.integration


@dataclass
class Town:
    """A PDS with the servers it needs, and those who live there."""

    plc: Plc
    pds: Pds
    relay: Relay
    people: list[Account] = field(default_factory=list)

    def account(self, name: str) -> Account:
        made = Account(self.pds.url, name)
        self.people.append(made)
        return made


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with (
        Plc(tmp_path / "plc") as plc,
        Pds(tmp_path / "pds", plc.url) as pds,
        Relay(tmp_path / "relay", pds.url, plc.url) as relay,
    ):
        yield Town(plc, pds, relay)
        assert not plc.strangers() | pds.strangers() | relay.strangers()


def live_here(town: Town, suffix: str) -> None:
    """Let everything happen that can happen to an account."""
    ada, ben, cyd, dot = (town.account(f"{name}{suffix}") for name in ("ada", "ben", "cyd", "dot"))
    for person in (ada, ben, cyd, dot):
        person.profile(bot=person is cyd)
    first = ada.post(f"#mythos is here {suffix}", tags=["mythos"])
    answer = ben.post("is it?", reply_to=(first, first))
    ada.post("it is", reply_to=(answer, first))
    ben.repost(first)
    for who in (ben, cyd, dot):
        who.follow(ada)
    withdrawn = cyd.follow(ben)
    cyd.delete(withdrawn)
    regretted = dot.post("regretted")
    dot.delete(regretted)
    ada.like(answer)
    cyd.profile(bot=False)
    ada.rename(f"ada-lovelace{suffix}")
    ben.deactivate()
    ben.activate()
    cyd.take_down()
    dot.take_down()
    dot.take_down(applied=False)
    gone = town.account(f"eve{suffix}")
    gone.post("a secret that eve takes back")
    time.sleep(1)
    gone.leave()
    town.people.remove(gone)
    town.people.remove(cyd)


def written(held: Content, town: Town) -> None:
    """Hold a store against the records that the PDS lists for those who live there."""
    for person in town.people:
        for kind, collection in (("post", POST), ("repost", REPOST), ("follow", FOLLOW)):
            there = person.records(collection)
            here = {
                rkey: row
                for (its_kind, did, rkey), row in held.records.items()
                if (its_kind, did) == (kind, person.did) and not row[1]
            }
            assert set(here) == set(there), (person, kind)
            if kind == "post":
                assert {k: row[7] for k, row in here.items()} == {
                    k: record["text"] for k, record in there.items()
                }


def test_the_firehose_of_a_pds(town: Town, tmp_path: Path) -> None:
    stream = (town.pds.socket_url,)
    # Somebody is talking when the first run begins, so that it knows where the second takes up. On
    # a machine with much to do it may be over before it hears anything.
    talking = threading.Event()

    def talk() -> None:
        herald = Account(town.pds.url, "herald")
        while not talking.wait(0.2):
            herald.post("hear, hear")

    herald = threading.Thread(target=talk)
    herald.start()
    for attempt in range(5):
        db = tmp_path / f"{attempt}.duckdb"
        ingest(db, *stream, "--for", "6s")
        if any(source["first_event"] for source in status(db)["sources"]):
            break
    live_here(town, "-one")
    talking.set()
    herald.join()
    truth.settle()
    ingest(db, *stream, "--until-live")
    # Killed without a word; its numbers go on where they were.
    town.pds.kill()
    town.pds.start()
    live_here(town, "-two")
    truth.settle()
    ingest(db, *stream, "--until-live")
    # What it replays is without the words of those who left, whom the store never heard either.
    replayed = truth.firehose_events(town.pds.socket_url)
    (source,) = status(db)["sources"]
    begin = truth.micros(source["first_event"])
    heard = [event for event in replayed if event["time_us"] >= begin]
    assert len(heard) < len(replayed)
    held = truth.assert_same(db, heard, at_least=20)
    written(held, town)
    assert status(db)["gaps"] == []


def test_what_is_heard_live_of_those_who_leave(town: Town, tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    with Jetstream(tmp_path / "jetstream", town.relay.url, town.relay.url) as jetstream:
        live_here(town, "-one")
        live_here(town, "-two")
        truth.settle()
        host = ("jetstream", "--host", jetstream.socket_url)
        ingest(db, *host, "--from", EVER, "--until-live", expect=None)
        events = truth.jetstream_v2(jetstream.socket_url)
        held = truth.assert_same(db, events, at_least=20)
        by_v1 = tmp_path / "b.duckdb"
        ingest(by_v1, f"{jetstream.socket_url}/subscribe", "--from", EVER, "--until-live")
        assert content(by_v1) == held
    written(held, town)
    assert {row[3] for row in held.statuses} == {"", "deactivated", "deleted", "takendown"}
    # Jetstream heard eve before she left, and so did we; her words are gone all the same.
    assert any("a secret" in str(event) for event in events)
    assert not any("a secret" in str(row) for row in held.records.values())
    assert any("ada-lovelace-one.test" in row for row in held.handles.values())
