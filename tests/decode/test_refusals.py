"""Why the compiled parser leaves a line: one line for each reason."""

import json
from typing import Any

import numpy as np
import pytest

from blueattr.decode.clock import Horizon
from blueattr.decode.parser.layout import NUMBERS
from blueattr.decode.parser.line import new_line, parse_line
from blueattr.decode.parser.refusals import Refusal
from support.events_builder import (
    POST,
    as_v2,
    at,
    commit,
    delete,
    dumps,
    identity,
    post,
    profile,
    repost,
    tid,
    uri,
)
from support.spoiled_lines import A, B

EVENT = post(A, tid(1), "some text", rev=1, time=at(1), parent=uri(B, tid(2)), root=uri(B, tid(2)))
NAMED = identity(A, "a.b", time=at(1))
V1, V2 = dumps(EVENT), dumps(as_v2(EVENT))
# What lies ahead of this clock is refused for that.
HORIZON = Horizon.of(at(86400).timestamp())


def edited(event: Any, *path: str, to: Any) -> str:
    """Write a copy of an event with one value changed, or added at its end."""
    copied = inner = json.loads(json.dumps(event))
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return dumps(copied)


def without(event: Any, *path: str) -> str:
    copied = inner = json.loads(json.dumps(event))
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return dumps(copied)


def deep(levels: int) -> str:
    return edited(EVENT, "more", to=json.loads("[" * levels + "]" * levels))


def of_features(features: list[Any]) -> str:
    return edited(EVENT, "commit", "record", "facets", to=[{"features": features}])


def swapped() -> str:
    first, second = EVENT["commit"]["record"], dict(EVENT["commit"])
    del second["record"]
    return dumps(EVENT | {"commit": {"record": first, **second}})


LINES = {
    Refusal.NOT_JSON: [V1[:-1], V1 + "x", V1[1:], V1.replace(":", "", 1), V1.replace(",", " ", 1),
        edited(EVENT, "more", to=True).replace("true", "tru3")],
    Refusal.BAD_STRING: [V1.replace("some", "so\tme"), V1.replace("some", "\\x"),
        V1.replace("some", "\\u0000"), V1.replace("some", "\\ud800")],
    Refusal.NOT_UTF8: [V1.replace("some", "\udcff")],
    Refusal.ODD_NUMBER: [edited(EVENT, "more", to=1).replace(":1}", f":{odd}}}")
        for odd in ("01", "1.", "1e5", "-", "1" * 19)],
    Refusal.TOO_DEEP: [deep(64)],
    Refusal.TOO_MANY_ITEMS: [edited(EVENT, "commit", "record", "tags", to=["x"] * 513),
        of_features([{"uri": f"https://a{k}.org"} for k in range(33)]),
        of_features([{"did": EVENT["did"]}] * 33),
        edited(EVENT, "commit", "record", "langs", to=[f"{letter}a" for letter in "abcdefghi"]),
        edited(EVENT, "commit", "record", "labels", to={"values": [{"val": ""}] * 9})],
    Refusal.ODD_ITEM: [of_features([{"uri": "https://a.b"}]).replace("a.b", "a\\u002eb"),
        edited(EVENT, "commit", "record", "langs", to=["en", "ja", "EN"]),
        edited(EVENT, "commit", "record", "labels", to={"values": [{"val": "b"}, {"val": "a"}]})],
    Refusal.ESCAPED_KEY: [V1.replace('"did"', '"di\\u0064"', 1)],
    Refusal.ESCAPED_VALUE: [V1.replace(POST, POST.replace("app", "\\u0061pp"))],
    Refusal.REPEATED_KEY: [V1.replace('"did"', '"did":"x","did"', 1)],
    Refusal.BESIDE_PAYLOAD: [edited(as_v2(EVENT), "kind", to="x"),
        dumps({"did": EVENT["did"], **as_v2(EVENT)})],
    Refusal.ODD_TYPE: [edited(EVENT, "did", to=5), edited(EVENT, "did", to=[]),
        edited(EVENT, "commit", to=None), edited(EVENT, "commit", to=[]),
        edited(EVENT, "commit", to="x"), edited(EVENT, "time_us", to="5")],
    Refusal.NOT_ASCII: [edited(NAMED, "identity", "handle", to="\u00e9.b")],
    Refusal.RECORD_FIRST: [swapped()],
    Refusal.NO_COLLECTION: [edited(EVENT, "commit", "collection", to=""),
        dumps(EVENT | {"commit": {}})],
    Refusal.ODD_EVENT: [edited(EVENT, "kind", to="sync"), V2.replace("Events#", "events#"),
        edited(NAMED, "account", to={})],
    Refusal.MISSING_FIELD: [without(EVENT, "did"), without(EVENT, "commit", "rev"),
        without(EVENT, "commit", "record", "text"), without(EVENT, "commit", "record"),
        without(EVENT, "commit", "record", "reply", "root"), without(NAMED, "identity"),
        without(as_v2(EVENT), "payload", "did"), without(as_v2(EVENT), "payload")],
    Refusal.ODD_OPERATION: [edited(EVENT, "commit", "operation", to="make"),
        edited(delete(A, POST, tid(1), rev=1, time=at(1)), "commit", "record", to={})],
    Refusal.LABELLED: [
        edited(profile(A, rev=1, time=at(1)), "commit", "record", "labels", to=labels)
        for labels in ({}, None, "bot", {"values": [{"val": "bot"}]})],
    Refusal.ODD_TIME: [edited(EVENT, "time_us", to=5)],
    Refusal.ODD_DID: [edited(EVENT, "did", to="did:web:example.org"),
        of_features([{"did": "did:web:example.org"}])],
    Refusal.ODD_KEY: [edited(EVENT, "commit", "rkey", to="self"),
        edited(profile(A, rev=1, time=at(1)), "commit", "rkey", to=tid(1))],
    Refusal.ODD_LINK: [edited(EVENT, "commit", "record", "reply", "root", "uri", to="at://x/y/z"),
        edited(EVENT, "commit", "record", "embed", to={"record": {"uri": uri(B, "no TID")}}),
        dumps(repost(A, tid(1), uri(B, tid(2)), rev=1, time=at(1), via={"uri": uri(B, tid(2))}))],
    Refusal.AHEAD: [edited(EVENT, "time_us", to=HORIZON.end_us), dumps(as_v2(post(
        A, "3", "x", rev=1, time=at(86701))))],
    Refusal.REV_AHEAD: [edited(EVENT, "commit", "rev", to="bzzzzzzzzzzzz"),
        edited(profile(A, rev=1, time=at(1)), "commit", "rev", to="bzzzzzzzzzzzz")],
    Refusal.LONG_POST: [edited(EVENT, "commit", "record", "text", to="x" * 65_536),
        edited(EVENT, "more", to="x" * 65_536)],
}  # fmt: skip


def parse(line: str) -> int:
    data = np.frombuffer(line.encode(errors="surrogateescape") + b"\n", np.uint8)
    bits, _ = parse_line(
        data, 0, new_line(), np.zeros((NUMBERS, 1), np.int64), 0, HORIZON.end_us, HORIZON.last_rev
    )
    return int(bits)


def test_every_reason_has_its_line_and_a_usual_line_has_none() -> None:
    assert set(LINES) == set(Refusal)
    usual = [V1, V2, deep(63), edited(EVENT, "more", to=-1.5), dumps(commit(
        A, "x.y.z", "any key", {}, rev=1, time=at(1)))]  # fmt: skip
    assert min(map(parse, usual)) >= 0


@pytest.mark.parametrize("reason", LINES)
def test_a_line_is_left_for_the_reason_that_it_gives(reason: Refusal) -> None:
    for line in LINES[reason]:
        found = parse(line)
        assert (Refusal(found) if found < 0 else found) is reason, line
