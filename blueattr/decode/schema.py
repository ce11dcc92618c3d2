"""The shapes of events in JSON, as the engine's reader takes them, and of identifiers."""

import json

__all__ = ["ANY", "AT_URI", "DID", "FRAME", "HANDLE", "PLC", "SERVER", "V1"]


# atproto.com/specs/did: the method in lower case, then the identifier, not ending in ':' or '%'. In
# this form each letter tells how to go on: RE2 takes URIs apart three times as fast.
DID = r"did:[a-z]+:(?:[:%]*[a-zA-Z0-9._-])+"


# atproto.com/specs/at-uri-scheme, as used in records: authority a DID, then collection and key.
# That a key has at most 512 letters is for the statement to check: counting slows RE2 to a third.
AT_URI = rf"^at://({DID})/([a-zA-Z0-9.-]+)/([A-Za-z0-9._:~-]+)$"


# atproto.com/specs/handle, in lower case.
HANDLE = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?"


SERVER = r"^https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*)\.?(?::[0-9]{1,5})?(?:[/?#].*)?$"
"""The address of a server in lower case; the group is its host."""


_EXTERNAL = {"external": {"title": "VARCHAR"}}
_RECORD = {
    # JSON, not VARCHAR: a number or an object in its place is then seen, not converted.
    "text": "JSON",
    "subject": "JSON",
    "reply": {"parent": {"uri": "VARCHAR"}, "root": {"uri": "VARCHAR"}},
    "tags": ["VARCHAR"],
    "facets": [{"features": [{"tag": "VARCHAR"}]}],
    "embed": {**_EXTERNAL, "media": _EXTERNAL},
    "labels": {"values": [{"val": "VARCHAR"}]},
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
