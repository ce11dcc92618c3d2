"""The shapes of events in JSON, as the engine's reader takes them, and of identifiers."""

import json

__all__ = [
    "ANY", "AT_URI", "DID", "FRAME", "HANDLE", "HOST", "LABEL", "LANGUAGE", "PLC", "SERVER", "V1",
]  # fmt: skip


# atproto.com/specs/did: the method in lower case, then the identifier, not ending in ':' or '%'. In
# this form each letter tells how to go on: RE2 takes URIs apart three times as fast.
DID = r"did:[a-z]+:(?:[:%]*[a-zA-Z0-9._-])+"


# atproto.com/specs/at-uri-scheme, as used in records: authority a DID, then collection and key.
# That a key has at most 512 letters is for the statement to check: counting slows RE2 to a third.
AT_URI = rf"^at://({DID})/([a-zA-Z0-9.-]+)/([A-Za-z0-9._:~-]+)$"


# atproto.com/specs/handle, as it is written: some letters beyond ASCII are ASCII in lower case.
_LABEL = "[A-Za-z0-9-]{0,61}[A-Za-z0-9]"
HANDLE = rf"([A-Za-z0-9]({_LABEL})?\.)+[A-Za-z]({_LABEL})?"


SERVER = (
    r"^[hH][tT][tT][pP][sS]?://([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)"
    r"\.?(?::[0-9]{1,5})?(?:[/?#].*)?$"
)
"""The address of a server; the group is its host."""


# RFC 5646, in the forms that are in use; blueattr/decode/parser/slices.py reads all three as well.
LANGUAGE = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}"


# The host of a link, in the first group, without "www.". Those with the name of a user before them,
# addresses in numbers and what is not ASCII are none.
HOST = (
    r"^[hH][tT][tT][pP][sS]?://(?:[wW][wW][wW]\.)?"
    r"((?:[A-Za-z0-9_-]+\.)+[A-Za-z][A-Za-z0-9_-]*)(?::[0-9]*)?(?:[/?#]|$)"
)


# com.atproto.label.defs: what authors label their posts and profiles.
LABEL = r"[a-z0-9!-]{1,64}"


_EXTERNAL = {"external": {"title": "VARCHAR", "uri": "VARCHAR"}}
_RECORD = {
    # JSON, not VARCHAR: a number or an object in its place is then seen, not converted.
    "text": "JSON",
    "subject": "JSON",
    "reply": {"parent": {"uri": "VARCHAR"}, "root": {"uri": "VARCHAR"}},
    "tags": ["VARCHAR"],
    "facets": [{"features": [{"tag": "VARCHAR", "uri": "VARCHAR", "did": "VARCHAR"}]}],
    "embed": {
        **_EXTERNAL,
        "media": _EXTERNAL,
        "record": {"uri": "VARCHAR", "record": {"uri": "VARCHAR"}},
    },
    "labels": {"values": [{"val": "VARCHAR"}]},
    "langs": ["VARCHAR"],
    "via": {"uri": "VARCHAR"},
}
_COMMIT = {
    "rev": "VARCHAR",
    "operation": "VARCHAR",
    "collection": "VARCHAR",
    "rkey": "VARCHAR",
    "record": _RECORD,
}
# network.bsky.jetstream.subscribeEvents, the payload of a message frame.
_PAYLOAD = {
    "$type": "VARCHAR",
    "did": "VARCHAR",
    "time": "VARCHAR",
    **_COMMIT,
    "identity": {"handle": "VARCHAR"},
    "account": {"active": "BOOLEAN", "status": "VARCHAR"},
}
_V1 = {
    "did": "VARCHAR",
    "time_us": "BIGINT",
    "kind": "VARCHAR",
    # Until October 2024 it was called so, also within a commit.
    "type": "VARCHAR",
    "commit": {**_COMMIT, "type": "VARCHAR"},
    "identity": _PAYLOAD["identity"],
    "account": _PAYLOAD["account"],
}
V1 = json.dumps(_V1)
"""What the decoder takes from a line of Jetstream v1, as DuckDB's ``from_json`` wants it."""


FRAME = json.dumps({"$type": "VARCHAR", "payload": _PAYLOAD})
"""The same for a message frame of v2."""


ANY = json.dumps({**_PAYLOAD, **_V1, "payload": _PAYLOAD})
"""The same for v1 and v2, framed or bare, at once: it takes three times as long."""


PLC = json.dumps(
    {
        "did": "VARCHAR",
        "createdAt": "VARCHAR",
        "nullified": "BOOLEAN",
        "operation": {
            "handle": "VARCHAR",
            "alsoKnownAs": ["VARCHAR"],
            "service": "VARCHAR",
            "services": {"atproto_pds": {"endpoint": "VARCHAR"}},
        },
    }
)
"""What the decoder takes from a line of a PLC directory export."""
