"""What has to be true after the week."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from integration.truth import assert_same_but_for_times

from blueattr.runs.publish import faults, report_folders
from support.cli_world import ok
from support.events_builder import Event
from week.server import LATER
from week.told import gaps_told, undelivered
from week.world import FAULTS, World

__all__ = ["check"]


SLACK = timedelta(microseconds=LATER) * 12


def check(world: World) -> str:
    """Compare what there is with what there has to be; return what there is, in a sentence.

    Raises
    ------
    AssertionError
        It is something else.
    """
    lost = {id(event) for _, some, _ in world.losses for event in some}
    kept = [event for _, event in world.server.log if id(event) not in lost]
    held = assert_same_but_for_times(world.db, kept, SLACK, at_least=100)
    wrong = [*world.wrong, *world.receiver.wrong, *world.expected.wrong]
    wrong += _gaps(world, kept)
    wrong += undelivered(world.told_entries(), world.receiver.arrivals)
    folders = report_folders(world.reports)
    wrong += [f"{folder}: {one}" for folder in folders for one in faults(folder)]
    published = sum(one.code in {0, 9} for one in world.runs)
    if len(folders) < published:
        wrong.append(f"{len(folders)} reports, and {published} runs made one")
    wrong += _pings(world)
    wrong += _pictures(world)
    unfired = [name for name in FAULTS if not world.fired[name]]
    assert not wrong, "\n".join(wrong)
    assert not unfired, f"never happened: {unfired}"
    taken = sum(one.taken for one in world.receiver.arrivals.values())
    return (
        f"the store equals what the server sent: {len(held.records):,} records; "
        f"{len(folders)} whole reports of {len(world.runs)} runs; {len(world.losses)} gaps, each "
        f"where events were lost; {taken} notices, each taken once ({dict(world.expected.checked)})"
    )


def _moment(event: Event) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event["time_us"])


def _gaps(world: World, kept: list[Event]) -> list[str]:
    """Each loss is one gap, about where it was, and was told once; and no other was."""
    found = [
        (datetime.fromisoformat(gap["start"]), datetime.fromisoformat(gap["end"]))
        for gap in json.loads(ok("status", "--db", world.db, "--format", "json").stdout)["gaps"]
    ]
    told = gaps_told(world.told_entries())
    wrong = []
    losses = [(_moment(before), _moment(after)) for before, _, after in world.losses]
    if len(found) != len(losses):
        wrong.append(f"{len(losses)} losses {losses}, and the gaps {found}")
    for start, end in losses:
        here = [one for one in found if abs(one[0] - start) < SLACK * 100 and one[1] <= end + SLACK]
        times = sum(first < end and start < last for first, last in told)
        if len(here) != 1:
            wrong.append(f"the loss from {start} to {end} is not in {found}")
        if times != 1:
            wrong.append(f"the gap from {start} to {end} was told {times} times")
    for first, last in told:
        if not any(first < end and start < last for start, end in losses):
            wrong.append(f"a gap was told, {first} to {last}, where nothing was lost")
    return wrong


def _pings(world: World) -> list[str]:
    """Of each id, at most a start and an end."""
    by_id: dict[str, set[str]] = {}
    for what, rid in world.receiver.pings:
        by_id.setdefault(rid, set()).add(what)
    wrong = [f"pings of one run: {what}" for what in by_id.values() if len(what - {"start"}) > 1]
    whole = sum(len(what) == 2 for what in by_id.values())
    if whole < 0.5 * len(world.runs):
        wrong.append(f"only {whole} of {len(world.runs)} runs pinged at start and end")
    return wrong


def _pictures(world: World) -> list[str]:
    """The last picture of the watch shows what `attribute` says of its window."""
    lines = (world.folder / "watch.out").read_bytes().split(b"\n")[:-1]
    last: Any = json.loads(lines[-1])
    args = ("attribute", "--topic", "mythos", "--indicator", "heat", "--db", world.db)
    said = ok(*args, "--from", last["start"], "--to", last["end"], "--format", "json").json
    mine = {"total": last["total"], "n_agents": last["n_agents"]}
    theirs = {name: said[name] for name in mine}
    return [] if mine == theirs else [f"the watch shows {mine}, attribute says {theirs}"]
