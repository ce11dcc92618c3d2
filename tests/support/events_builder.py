"""Builds Jetstream events as plain dicts, and their lines in each shape that ingest takes."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

Json = Any
Event = dict[str, Any]


BASE = datetime(2026, 5, 1, tzinfo=UTC)
POST = "app.bsky.feed.post"
REPOST = "app.bsky.feed.repost"
FOLLOW = "app.bsky.graph.follow"
PROFILE = "app.bsky.actor.profile"
LIKE = "app.bsky.feed.like"
V2_TYPE = "network.bsky.jetstream.subscribeEvents#"
_BASE32 = "234567abcdefghijklmnopqrstuvwxyz"


def did(name: str) -> str:
    return f"did:plc:{name}"


def tid(number: int) -> str:
    """Write a revision: thirteen letters that sort as the numbers do."""
    digits = []
    for _ in range(12):
        number, digit = divmod(number, 32)
        digits.append(_BASE32[digit])
    return "3" + "".join(reversed(digits))


def micros(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def at(seconds: float = 0, *, days: float = 0) -> datetime:
    return BASE + timedelta(days=days, seconds=seconds)


def uri(who: str, rkey: str, collection: str = POST) -> str:
    return f"at://{did(who)}/{collection}/{rkey}"


def commit(
    who: str,
    collection: str,
    rkey: str,
    record: Json = None,
    *,
    rev: int,
    time: datetime,
    operation: str = "create",
) -> Event:
    body: Event = {
        "rev": tid(rev),
        "operation": operation,
        "collection": collection,
        "rkey": rkey,
    }
    if operation != "delete":
        body["record"] = {"$type": collection, **(record or {})}
        body["cid"] = "bafyreidqpc7si3dbimffi64lz3xsx2qt45ip7rpna2qpslcddp23itjjzm"
    return {"did": did(who), "time_us": micros(time), "kind": "commit", "commit": body}


def delete(who: str, collection: str, rkey: str, *, rev: int, time: datetime) -> Event:
    return commit(who, collection, rkey, rev=rev, time=time, operation="delete")


def post(
    who: str,
    rkey: str,
    text: str = "hello",
    *,
    rev: int,
    time: datetime,
    operation: str = "create",
    parent: str | None = None,
    root: str | None = None,
    **fields: Json,
) -> Event:
    record: Event = {"text": text, "createdAt": "2001-01-01T00:00:00Z", **fields}
    if parent is not None:
        record["reply"] = {
            "parent": {"uri": parent, "cid": "x"},
            "root": {"uri": root or parent, "cid": "x"},
        }
    return commit(who, POST, rkey, record, rev=rev, time=time, operation=operation)


def quoting(quoted: str, *, media: bool = False) -> Event:
    """The embed of a post that quotes another, perhaps beside pictures."""
    record = {"$type": "app.bsky.embed.record", "record": {"uri": quoted, "cid": "x"}}
    if not media:
        return record
    pictures = {"$type": "app.bsky.embed.images", "images": []}
    return {"$type": "app.bsky.embed.recordWithMedia", "record": record, "media": pictures}


def quoted_in(record: Event) -> str | None:
    """The address of what a post quotes; None where it quotes nothing."""
    embed = record.get("embed", {})
    inner = embed.get("record", {})
    found: str | None = inner.get("record", inner).get("uri")
    return found


def repost(who: str, rkey: str, subject: str, *, rev: int, time: datetime, **fields: Json) -> Event:
    record = {"subject": {"uri": subject, "cid": "x"}, **fields}
    return commit(who, REPOST, rkey, record, rev=rev, time=time)


def follow(who: str, rkey: str, whom: str, *, rev: int, time: datetime) -> Event:
    return commit(who, FOLLOW, rkey, {"subject": did(whom)}, rev=rev, time=time)


def profile(
    who: str,
    *,
    rev: int,
    time: datetime,
    bot: bool = False,
    labels: Json = None,
    operation: str = "create",
) -> Event:
    if bot:
        labels = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "bot"}]}
    record = {"displayName": who} | ({"labels": labels} if labels else {})
    return commit(who, PROFILE, "self", record, rev=rev, time=time, operation=operation)


def like(who: str, rkey: str, subject: str, *, rev: int, time: datetime) -> Event:
    return commit(who, LIKE, rkey, {"subject": {"uri": subject}}, rev=rev, time=time)


def identity(who: str, handle: str | None, *, time: datetime) -> Event:
    body = {"did": did(who)} | ({"handle": handle} if handle is not None else {})
    return {"did": did(who), "time_us": micros(time), "kind": "identity", "identity": body}


def account(who: str, status: str | None = None, *, time: datetime) -> Event:
    body: Event = {"active": status is None, "did": did(who)}
    if status is not None:
        body["status"] = status
    return {"did": did(who), "time_us": micros(time), "kind": "account", "account": body}


def plc(
    who: str,
    created: datetime,
    handle: str | None = None,
    *,
    legacy: bool = False,
    service: Json = None,
    **rest: Json,
) -> Event:
    """One operation of a PLC export; `who` is padded to the 24 letters such a DID has."""
    operation: Event = {"type": "create" if legacy else "plc_operation"}
    if legacy:
        operation["handle"] = handle
    elif handle is not None:
        operation["alsoKnownAs"] = [f"at://{handle}"]
    if service is not None and legacy:
        operation["service"] = service
    elif service is not None:
        pds = {"type": "AtprotoPersonalDataServer", "endpoint": service}
        operation["services"] = {"atproto_pds": pds}
    return {
        "did": plc_did(who),
        "operation": operation,
        "cid": "x",
        "nullified": False,
        "createdAt": created.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        **rest,
    }


def plc_name(who: str) -> str:
    return who.ljust(24, "a")


def plc_did(who: str) -> str:
    return did(plc_name(who))


def as_2024(event: Event) -> Event:
    """Write an event as Jetstream did until October 2024."""
    words = {"commit": "com", "identity": "id", "account": "acc"}
    old = {key: value for key, value in event.items() if key != "kind"}
    if event["kind"] == "commit":
        body = {key: value for key, value in event["commit"].items() if key != "operation"}
        old["commit"] = body | {"type": event["commit"]["operation"][0]}
    return old | {"type": words[event["kind"]]}


def as_v2(event: Event, *, framed: bool = True) -> Event:
    """Write the event as Jetstream v2 sends it; fields that the event lacks stay missing."""
    kind = event.get("kind")
    body: Event = {"$type": f"{V2_TYPE}{kind}"}
    beside = {key: event[key] for key in ("time_from",) if key in event}
    for key, value in event.items():
        if key == "kind" or (framed and key in beside):
            continue
        if key == "time_us" and isinstance(value, int):
            time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)
            body["time"] = time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        elif key == "commit" and isinstance(value, dict):
            body |= value
        else:
            body[key] = value
    return {"$type": "message", "payload": body} | beside if framed else body


def dumps(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def lines(*events: Event) -> bytes:
    return "".join(dumps(event) + "\n" for event in events).encode()


def mixed(count: int) -> list[Event]:
    """Events of every kind with deletes, updates and departures, and a few lines to reject."""
    rng = random.Random(5)  # noqa: S311 - the same events every time
    names = ["a", "b", "c", "d", *(letter * 24 for letter in "efgh")]
    out: list[Event] = []
    for k in range(count):
        who, other = rng.choice(names), rng.choice(names)
        rkey = rng.choice([f"r{rng.randrange(5)}", tid(rng.randrange(1, 15))])
        out.append(
            rng.choice(
                [
                    post(who, rkey, f"text {k}", rev=k, time=at(k)),
                    post(who, rkey, f"text {k}", rev=k, time=at(k), parent=uri(other, "r1")),
                    repost(who, rkey, uri(other, "r1"), rev=k, time=at(k)),
                    follow(who, rkey, other, rev=k, time=at(k)),
                    delete(who, rng.choice([POST, FOLLOW]), rkey, rev=k, time=at(k)),
                    profile(who, rev=k, time=at(k), bot=rng.random() < 0.5),
                    identity(who, f"{rkey}.org", time=at(k)),
                    account(who, rng.choice([None, None, "deleted"]), time=at(k)),
                    commit(who, POST, "bad key", {"text": ""}, rev=k, time=at(k)),
                ]
            )
        )
    return out
