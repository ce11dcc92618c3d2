"""A network of which the truth is known, and services on loopback that answer about it."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from blueattr.decode.clock import first_tid
from support.events_builder import Event, did, micros, plc_did, tid
from support.loopback import answering

POST, REPOST = "app.bsky.feed.post", "app.bsky.feed.repost"
START = datetime(2026, 4, 9, tzinfo=UTC)
END = datetime(2026, 4, 11, tzinfo=UTC)
HANDLE, APP_PASSWORD = "ada.example.org", "abcd-efgh-ijkl-mnop"  # made up
FULL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
HTML = b"<html><body>403 Forbidden</body></html>"


@dataclass
class Written:
    """A post or a repost of the network."""

    who: str
    rkey: str
    time: datetime
    record: dict[str, Any]
    collection: str = POST
    gone: bool = False

    @property
    def uri(self) -> str:
        return f"at://{self.who}/{self.collection}/{self.rkey}"

    @property
    def event(self) -> Event:
        """What a stream shows of it."""
        return {
            "did": self.who, "time_us": micros(self.time), "kind": "commit",
            "commit": {"rev": tid(micros(self.time)), "operation": "create",
                       "collection": self.collection, "rkey": self.rkey, "record": self.record},
        }  # fmt: skip


@dataclass
class World:
    """Everything that was written, in order."""

    written: list[Written] = field(default_factory=list)

    def _add(self, who: str, time: datetime, record: dict[str, Any], collection: str) -> Written:
        time += timedelta(microseconds=len(self.written))  # keys are unlike
        made = Written(plc_did(who), first_tid(time), time, record, collection)
        self.written.append(made)
        return made

    def post(self, who: str, text: str, seconds: float, *, parent: Written | None = None,
             root: Written | None = None, quoted: Written | None = None,
             **more: Any) -> Written:  # fmt: skip
        record: dict[str, Any] = {"$type": POST, "text": text, "createdAt": "2001-01-01T00:00:00Z",
                                  "langs": ["en"], **more}  # fmt: skip
        if parent is not None:
            record["reply"] = {"parent": {"uri": parent.uri, "cid": "x"},
                               "root": {"uri": (root or parent).uri, "cid": "x"}}  # fmt: skip
        if quoted is not None:
            record["embed"] = {"$type": "app.bsky.embed.record",
                               "record": {"uri": quoted.uri, "cid": "x"}}  # fmt: skip
        return self._add(who, START + timedelta(seconds=seconds), record, POST)

    def repost(self, who: str, of: Written, seconds: float) -> Written:
        record = {"$type": REPOST, "subject": {"uri": of.uri, "cid": "x"}, "createdAt": "2001"}
        return self._add(who, START + timedelta(seconds=seconds), record, REPOST)

    @property
    def there(self) -> list[Written]:
        return [one for one in self.written if not one.gone]

    def linking(self, uri: str, collection: str, path: str) -> list[Written]:
        """What names a record at a path, oldest first."""
        return [one for one in self.there
                if one.collection == collection and at_path(one.record, path) == uri]  # fmt: skip

    def counts(self, uri: str) -> dict[str, int]:
        reposters = {one.who for one in self.linking(uri, REPOST, "subject.uri")}
        return {
            "replyCount": len(self.linking(uri, POST, "reply.parent.uri")),
            "repostCount": len(reposters),
            "quoteCount": len(self.linking(uri, POST, "embed.record.uri")),
        }

    def view(self, one: Written) -> dict[str, Any]:
        return {
            "uri": one.uri, "cid": "x", "author": {"did": one.who, "handle": "x.y"},
            "record": one.record, "indexedAt": spelled(one.time), **self.counts(one.uri),
        }  # fmt: skip

    def named(self, uri: str) -> Written | None:
        return next((one for one in self.there if one.uri == uri), None)


def at_path(record: Any, path: str) -> Any:
    for part in path.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return record


def spelled(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, Any]
Script = Callable[[Request], Answer | None]


class Services:
    """AppView, backlink index, personal server and directory at one address.

    `script` is asked first; where it gives nothing, the world is the answer.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.script: Script = lambda _request: None
        self.requests: list[Request] = []
        self.url = ""
        self.needs_login = False  # to search at all
        self.may_page = True  # without a login
        self.has_v2 = True
        self.paging_ends_at = 10_000
        self.total_factor = 1.0
        self.has_new_links = True
        self.index_knows: Callable[[Written], bool] = lambda _one: True
        self.token_calls = 10**9  # calls that a token is good for
        self.tokens: Counter[str] = Counter()
        self.logins = self.refreshes = 0
        self.key_page = 100

    @property
    def asked(self) -> Counter[str]:
        return Counter(request.method for request in self.requests)

    def answer(self, request: Request) -> Answer:
        scripted = self.script(request)
        if scripted is not None:
            return scripted
        known = {
            "app.bsky.feed.searchPostsV2": self._search_v2,
            "app.bsky.feed.searchPosts": self._search,
            "app.bsky.feed.getPosts": self._posts,
            "app.bsky.feed.getPostThread": self._thread,
            "app.bsky.feed.getQuotes": self._quotes,
            "app.bsky.feed.getRepostedBy": self._reposted_by,
            "blue.microcosm.links.getBacklinks": self._backlinks,
            "links": self._old_links,
            "com.atproto.identity.resolveHandle": lambda _r: (200, {"did": plc_did("ada")}),
            "com.atproto.repo.getRecord": self._record,
            "com.atproto.server.createSession": self._log_in,
            "com.atproto.server.refreshSession": self._refresh,
        }
        if request.path.startswith("/did:plc:"):
            return 200, self.document(request.path.removeprefix("/"))
        if request.method not in known:
            return 501, {"error": "MethodNotImplemented", "message": "Method Not Implemented"}
        authorization = request.headers.get("authorization", "")
        if authorization and "server" not in request.method:
            token = authorization.removeprefix("Bearer ")
            self.tokens[token] += 1
            if token != f"access-{self.logins + self.refreshes}":
                return 401, {"error": "InvalidToken"}
            if self.tokens[token] > self.token_calls:
                return 400, {"error": "ExpiredToken", "message": "Token has expired"}
        return known[request.method](request)

    def document(self, of: str | None = None) -> dict[str, Any]:
        return {"id": of or plc_did("ada"), "alsoKnownAs": [f"at://{HANDLE}"], "service": [
            {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
             "serviceEndpoint": self.url}]}  # fmt: skip

    def _record(self, request: Request) -> Answer:
        query = request.query
        one = self.world.named(f"at://{query['repo']}/{query['collection']}/{query['rkey']}")
        if one is None:
            return 400, {"error": "RecordNotFound", "message": "Could not locate record"}
        return 200, {"uri": one.uri, "cid": "x", "value": one.record}

    # --- logging in -------------------------------------------------------------------------------

    def _log_in(self, request: Request) -> Answer:
        body = json.loads(request.body)
        if body != {"identifier": HANDLE, "password": APP_PASSWORD}:
            return 401, {"error": "AuthenticationRequired", "message": f"no {body['password']}"}
        self.logins += 1
        return 200, self._tokens()

    def _refresh(self, request: Request) -> Answer:
        number = self.logins + self.refreshes
        if request.headers.get("authorization") != f"Bearer refresh-{number}":
            return 400, {"error": "ExpiredToken"}
        self.refreshes += 1
        return 200, self._tokens()

    def _tokens(self) -> dict[str, str]:
        number = self.logins + self.refreshes
        return {"accessJwt": f"access-{number}", "refreshJwt": f"refresh-{number}"}

    # --- the AppView ------------------------------------------------------------------------------

    def _search_v2(self, request: Request) -> Answer:
        if not self.has_v2:
            return 501, {"error": "MethodNotImplemented"}
        query = request.query
        assert query["sort"] == "recent"
        recent = END - timedelta(days=1) if query.get("allTime") != "true" else None
        assert ("query" in query) != ("hashtags" in query)
        tag = query.get("hashtags")
        assert tag is None or not tag.startswith("#")
        return self._hits(request, query["query"] if tag is None else f"#{tag}", recent)

    def _search(self, request: Request) -> Answer:
        assert request.query["sort"] == "latest"
        return self._hits(request, request.query["q"], None)

    def _hits(self, request: Request, words: str, recent: datetime | None) -> Answer:
        query = request.query
        if not (FULL_TIME.fullmatch(query["since"]) and FULL_TIME.fullmatch(query["until"])):
            return 400, {"error": "InvalidRequest", "message": "since must be a full datetime"}
        cursor = int(query.get("cursor", "0"))
        is_nobody = "authorization" not in request.headers
        if is_nobody and (self.needs_login or (cursor and not self.may_page)):
            return 403, HTML
        since, until = (datetime.fromisoformat(query[name]) for name in ("since", "until"))
        wanted = words.strip('"').casefold()

        def fits(record: dict[str, Any]) -> bool:
            if wanted.startswith("#"):
                return wanted[1:] in [tag.casefold() for tag in record.get("tags", ())]
            return wanted in record["text"].casefold()

        found = [one for one in reversed(self.world.there) if one.collection == POST
                 and fits(one.record) and since <= one.time < until
                 and (recent is None or one.time >= recent)]  # fmt: skip
        limit = int(query["limit"])
        assert limit <= 100
        if cursor >= self.paging_ends_at:
            return 400, {"error": "InvalidRequest", "message": "cursor too large"}
        page = found[cursor : min(cursor + limit, self.paging_ends_at)]
        answer = {"posts": [self.world.view(one) for one in page],
                  "hitsTotal": int(len(found) * self.total_factor)}  # fmt: skip
        end = cursor + len(page)
        if page and end < min(len(found), self.paging_ends_at):
            answer["cursor"] = str(end)
        return 200, answer

    def _posts(self, request: Request) -> Answer:
        uris = [value for name, value in parse_qsl(request.query["*"]) if name == "uris"]
        assert 0 < len(uris) <= 25
        found = [one for one in map(self.world.named, uris) if one is not None]
        return 200, {"posts": [self.world.view(one) for one in found]}

    def _thread(self, request: Request) -> Answer:
        one = self.world.named(request.query["uri"])
        if one is None:
            return 400, {"error": "NotFound", "message": "Post not found"}
        return 200, {"thread": self._node(one)}

    def _node(self, one: Written) -> dict[str, Any]:
        replies = self.world.linking(one.uri, POST, "reply.parent.uri")
        return {"$type": "app.bsky.feed.defs#threadViewPost", "post": self.world.view(one),
                "replies": [self._node(reply) for reply in replies]}  # fmt: skip

    def _page(self, request: Request, found: list[Any], name: str) -> Answer:
        begin = int(request.query.get("cursor", "0"))
        page = found[begin : begin + self.key_page]
        more = {"cursor": str(begin + len(page))} if begin + len(page) < len(found) else {}
        return 200, {name: page, **more}

    def _quotes(self, request: Request) -> Answer:
        quotes = self.world.linking(request.query["uri"], POST, "embed.record.uri")
        return self._page(request, [self.world.view(one) for one in quotes], "posts")

    def _reposted_by(self, request: Request) -> Answer:
        reposts = self.world.linking(request.query["uri"], REPOST, "subject.uri")
        who = [*dict.fromkeys(one.who for one in reposts)]
        return self._page(request, [{"did": each, "handle": "x.y"} for each in who], "repostedBy")

    # --- the backlink index -----------------------------------------------------------------------

    def _backlinks(self, request: Request) -> Answer:
        if not self.has_new_links:
            return 404, b"not found"
        collection, path = request.query["source"].split(":")
        found = self._links(request.query["subject"], collection, path)
        status, answer = self._page(request, found, "records")
        return status, {**answer, "total": len(found)}

    def _old_links(self, request: Request) -> Answer:
        query = request.query
        assert request.headers["accept"] == "application/json"
        path = query["path"].removeprefix(".")
        found = self._links(query["target"], query["collection"], path)
        return self._page(request, found, "linking_records")

    def _links(self, uri: str, collection: str, path: str) -> list[dict[str, str]]:
        return [{"did": one.who, "collection": collection, "rkey": one.rkey}
                for one in self.world.linking(uri, collection, path)
                if self.index_knows(one)]  # fmt: skip


@contextmanager
def serving(world: World) -> Iterator[Services]:
    services = Services(world)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _respond(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            query = {**dict(parse_qsl(parts.query)), "*": parts.query}
            request = Request(parts.path.split("/")[-1], parts.path, query, headers, body)
            with lock:
                services.requests.append(request)
                status, answer = services.answer(request)
            extra = answer.pop("headers", {}) if isinstance(answer, dict) else {}
            sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response_only(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self._respond()

    with answering(Handler) as services.url:
        yield services


def busy(posts: int = 12) -> World:
    """A network with everything in it: threads, reposts of all kinds, quotes, words of others."""
    world = World()
    hour = 3600.0
    for k in range(posts):
        who = "abcdefgh"[k % 8]
        at = k * 48 * hour / posts
        one = world.post(who, f"claude mythos number {k}", at)
        world.post("x", f"nothing of interest {k}", at + 1)
        if k % 2:
            answer = world.post("p", "really?", at + 20, parent=one)
            world.post(who, "yes", at + 30, parent=answer, root=one)
            world.post("q", "deep below", at + 40, parent=answer, root=one)
        if k % 3 == 0:
            for reader in "rstu"[: 1 + k % 4]:
                world.repost(reader, one, at + 50)
            world.repost("r", one, at + 60)  # once more
        if k % 4 == 0:
            world.post("v", "look at this", at + 70, quoted=one)
            world.post("w", "claude mythos again, by a quote", at + 80, quoted=one)
    world.written.sort(key=lambda one: one.time)
    return world


__all__ = [
    "APP_PASSWORD", "END", "HANDLE", "HTML", "POST", "REPOST", "START", "Request", "Services",
    "World", "Written", "busy", "did", "serving",
]  # fmt: skip
