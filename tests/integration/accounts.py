"""People on a PDS: they write, change their minds, and leave. Plain XRPC over HTTP."""

import base64
import json
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = ["Account", "Ref", "admin", "call"]


Ref = dict[str, str]
"""A record that was written: its ``uri`` and ``cid``."""


_ADMIN = "Basic " + base64.b64encode(b"admin:loopback").decode()


class XrpcError(Exception):
    """A server refused a call."""


def call(
    pds: str,
    method: str,
    body: dict[str, Any] | None = None,
    *,
    authorization: str = "",
    empty: bool = False,
    query: str = "",
) -> Any:
    """Call an XRPC method: a procedure where there is a body or `empty`, else a query."""
    headers = {"Authorization": authorization} if authorization else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(  # noqa: S310 - loopback, http
        f"{pds}/xrpc/{method}{'?' if query else ''}{query}",
        data=None if body is None else json.dumps(body).encode(),
        headers=headers,
        method="GET" if body is None and not empty else "POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
            text = response.read()
    except urllib.error.HTTPError as error:
        raise XrpcError(f"{method}: {error.code} {error.read()[:300]!r}") from None
    return json.loads(text) if text else None


def admin(pds: str, method: str, body: dict[str, Any]) -> None:
    """Call a method as the one who runs the server."""
    call(pds, method, body, authorization=_ADMIN)


def now() -> str:
    """Return the time as records state it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Account:
    """One account of a PDS, made when this is made.

    Parameters
    ----------
    pds
        URL of the server.
    name
        Handle without ``.test``.
    """

    pds: str
    name: str
    did: str = field(init=False)
    _token: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        made = call(
            self.pds,
            "com.atproto.server.createAccount",
            {
                "handle": f"{self.name}.test",
                "email": f"{self.name}@example.test",
                "password": "loopback",
            },
        )
        self.did, self._token = made["did"], f"Bearer {made['accessJwt']}"

    def _call(self, method: str, body: dict[str, Any]) -> Any:
        return call(self.pds, method, body, authorization=self._token)

    def create(self, collection: str, record: dict[str, Any]) -> Ref:
        """Write a record under a key that the server chooses."""
        body = {
            "repo": self.did,
            "collection": collection,
            "record": {"$type": collection, "createdAt": now(), **record},
        }
        return dict(self._call("com.atproto.repo.createRecord", body))

    def put(self, collection: str, rkey: str, record: dict[str, Any]) -> Ref:
        """Write a record under a key, over what is there."""
        body = {
            "repo": self.did,
            "collection": collection,
            "rkey": rkey,
            "record": {"$type": collection, "createdAt": now(), **record},
        }
        return dict(self._call("com.atproto.repo.putRecord", body))

    def delete(self, ref: Ref) -> None:
        """Delete a record."""
        _, _, repo, collection, rkey = ref["uri"].split("/")
        body = {"repo": repo, "collection": collection, "rkey": rkey}
        self._call("com.atproto.repo.deleteRecord", body)

    def post(self, text: str, reply_to: tuple[Ref, Ref] | None = None, **more: Any) -> Ref:
        """Post; or answer a post, given as (parent, root)."""
        if reply_to is not None:
            parent, root = reply_to
            more["reply"] = {"parent": _strong(parent), "root": _strong(root)}
        return self.create("app.bsky.feed.post", {"text": text, **more})

    def repost(self, ref: Ref) -> Ref:
        """Repost a post."""
        return self.create("app.bsky.feed.repost", {"subject": _strong(ref)})

    def like(self, ref: Ref) -> Ref:
        """Like a post."""
        return self.create("app.bsky.feed.like", {"subject": _strong(ref)})

    def follow(self, who: "Account") -> Ref:
        """Follow an account."""
        return self.create("app.bsky.graph.follow", {"subject": who.did})

    def profile(self, *, bot: bool = False) -> Ref:
        """Write the profile."""
        labels: dict[str, Any] = {"labels": {
            "$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "bot"}],
        }}  # fmt: skip
        body = {"displayName": self.name, **(labels if bot else {})}
        return self.put("app.bsky.actor.profile", "self", body)

    def rename(self, name: str) -> None:
        """Take another handle."""
        self.name = name
        self._call("com.atproto.identity.updateHandle", {"handle": f"{name}.test"})

    def deactivate(self) -> None:
        """Leave for a while."""
        self._call("com.atproto.server.deactivateAccount", {})

    def activate(self) -> None:
        """Come back."""
        call(self.pds, "com.atproto.server.activateAccount", authorization=self._token, empty=True)

    def take_down(self, *, applied: bool = True) -> None:
        """Be taken down by the server's admin, or be let back."""
        admin(self.pds, "com.atproto.admin.updateSubjectStatus", {
            "subject": {"$type": "com.atproto.admin.defs#repoRef", "did": self.did},
            "takedown": {"applied": applied},
        })  # fmt: skip

    def leave(self) -> None:
        """Be deleted, with everything."""
        admin(self.pds, "com.atproto.admin.deleteAccount", {"did": self.did})

    def records(self, collection: str) -> dict[str, Any]:
        """Return what the server holds of a collection: record by key."""
        found: dict[str, Any] = {}
        cursor = ""
        while True:
            where = f"repo={self.did}&collection={collection}&limit=100&cursor={cursor}"
            page = call(
                self.pds, "com.atproto.repo.listRecords", query=where.removesuffix("&cursor=")
            )
            found |= {entry["uri"].rsplit("/", 1)[1]: entry["value"] for entry in page["records"]}
            cursor = page.get("cursor", "")
            if not cursor:
                return found


def _strong(ref: Ref) -> Ref:
    return {"uri": ref["uri"], "cid": ref["cid"]}
