"""A plain, slow twin of ``sql/store/commit/batch/decode_lines.sql``: line by line with json and re.

Written from what the statement promises, with the tolerances it has on purpose: of two equal keys
the first counts, a scalar where a text belongs is read as its JSON text, and what is no object is
an object without fields.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

KINDS = {
    "app.bsky.feed.post": "post",
    "app.bsky.feed.repost": "repost",
    "app.bsky.graph.follow": "follow",
    "app.bsky.actor.profile": "profile",
}
DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]")
RKEY = re.compile(r"[A-Za-z0-9._:~-]{1,512}")
REV = re.compile(r"[234567a-j][2-7a-z]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?")
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")
# Written anew: what is before the first of "/?#" is a host, perhaps with a port.
AUTHORITY = re.compile(r"https?://([^/?#]*)", re.IGNORECASE | re.ASCII)
PART = re.compile(r"[A-Za-z0-9_-]+")
OWN_LABEL = re.compile(r"[a-z0-9!-]{1,64}")
HANDLE = re.compile(rf"({LABEL}\.)+[A-Za-z]([A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?")
TIMES_FROM = ("server", "imported", "key", "claimed", "collected")
# Without a clock: what no time and no revision is later than.
LATEST = datetime(9999, 1, 1)  # noqa: DTZ001 - as stored
V2_TYPE = "network.bsky.jetstream.subscribeEvents#"
FIELDS = (
    "event_time", "time_from", "kind", "did", "operation", "rkey", "rev", "subject_did",
    "subject_rkey", "root_did", "root_rkey", "other_did", "other_rkey", "text", "tags", "title",
    "langs", "domains", "mention_dids", "labels", "bot", "handle", "active", "status",
)  # fmt: skip


def _load(line: str) -> Any:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        # A lone surrogate is JSON to Python alone; it cannot be written as UTF-8.
        json.dumps(items, ensure_ascii=False).encode()
        first: dict[str, Any] = {}
        for key, value in items:
            first.setdefault(key, value)
        return first

    value = json.loads(line, object_pairs_hook=pairs)
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _object(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    return value if isinstance(value, dict) else {}


def _get(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _did(text: str) -> bool:
    return len(text.encode()) <= 2048 and DID.fullmatch(text) is not None


def _at_uri(text: str | None) -> tuple[str, str, str] | None:
    if text is None or not text.startswith("at://"):
        return None
    parts = text[5:].split("/")
    if len(parts) != 3 or not DID.fullmatch(parts[0]):
        return None
    if not re.fullmatch(r"[a-zA-Z0-9.-]+", parts[1]) or not RKEY.fullmatch(parts[2]):
        return None
    return parts[0], parts[1], parts[2]


def _sane(time: datetime | None) -> datetime | None:
    return time if time is not None and 2020 <= time.year < 2100 else None


def _time_us(value: Any) -> datetime | None:
    if isinstance(value, str):
        value = int(value) if re.fullmatch(r"-?[0-9]+", value) else None
    if not isinstance(value, (int, float)) or not 0 <= value <= 253402300799999999:
        return None
    return datetime(1970, 1, 1) + timedelta(microseconds=round(value))  # noqa: DTZ001 - as above


def _time(value: Any) -> datetime | None:
    text = str(_text(value))
    if not TIME.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


# The words of 2024.
OLD_KINDS = {"com": "commit", "id": "identity", "acc": "account"}
OLD_OPERATIONS = {"c": "create", "u": "update", "d": "delete"}


def _v1(e: dict[str, Any]) -> dict[str, Any]:
    event, commit = _text(e.get("kind")), e.get("commit")
    if event is None:
        event = OLD_KINDS.get(str(_text(e.get("type"))))
    if isinstance(commit, dict) and commit.get("operation") is None:
        commit = commit | {"operation": OLD_OPERATIONS.get(str(_text(commit.get("type"))))}
    return e | {"event": event, "time": _time_us(e.get("time_us")), "commit": commit}


def _v2(e: dict[str, Any]) -> dict[str, Any]:
    if _text(e.get("$type")) == "message":
        e = _object(e.get("payload")) or {}
    type_ = _text(e.get("$type"))
    event = type_.split("#")[1] if type_ and type_.startswith(V2_TYPE) else None
    return {**e, "event": event, "time": _time(e.get("time")), "commit": e}


def decode(line: str, now: datetime = LATEST) -> tuple[str, dict[str, Any]]:
    """Return a line's verdict by the clock and, where it is kept, its fields."""
    try:
        top = _load(line)
    except (ValueError, UnicodeEncodeError):
        return "not JSON", {}
    if top is None:
        return "not JSON", {}
    top = top if isinstance(top, dict) else {}
    type_ = str(_text(top.get("$type")))
    v2 = type_ == "message" or type_.startswith(V2_TYPE)
    event = _v2(top) if v2 else _v1(top)
    latest = now + timedelta(minutes=5)
    return _judge(event | {"time_from": _text(top.get("time_from"))}, latest)


def _tid_time(rev: str) -> datetime:
    digits = ["234567abcdefghijklmnopqrstuvwxyz".index(letter) for letter in rev]
    number = sum(digit << 5 * place for place, digit in enumerate(reversed(digits)))
    return datetime(1970, 1, 1) + timedelta(microseconds=number >> 10)  # noqa: DTZ001 - as above


def _judge(e: dict[str, Any], latest: datetime) -> tuple[str, dict[str, Any]]:  # noqa: PLR0911, PLR0912 - one verdict after another, as in the statement
    event, did, time = e["event"], _text(e.get("did")), _sane(e["time"])
    commit = _object(e["commit"]) or {}
    collection, operation = _text(commit.get("collection")), _text(commit.get("operation"))
    rkey, rev = _text(commit.get("rkey")), _text(commit.get("rev"))
    if event in {"info", "sync"}:
        return "skip", {}
    if not event or did is None:
        return "not a Jetstream event", {}
    if event not in {"commit", "identity", "account"}:
        return "unknown event kind", {}
    if not _did(did):
        return "bad DID", {}
    time_from = e["time_from"]
    if time is None or time > latest or time_from not in {None, *TIMES_FROM}:
        return "bad time", {}
    out: dict[str, Any] = dict.fromkeys(FIELDS)
    out |= {"did": did, "event_time": time, "time_from": time_from, "kind": event, "bot": False}
    if event == "identity":
        handle = _text(_get(e, "identity", "handle")) or ""
        if len(handle) <= 253 and HANDLE.fullmatch(handle) and handle.lower() != "handle.invalid":
            out["handle"] = handle.lower()
        return "", out
    if event == "account":
        active = _get(e, "account", "active")
        if not isinstance(active, (bool, int)) or abs(active) > 2**63:
            return "missing field", {}
        status = _text(_get(e, "account", "status"))
        return "", out | {"active": bool(active), "status": "" if active else status or "unknown"}
    if not collection:
        return "missing field", {}
    if collection not in KINDS:
        return "skip", {}
    if rkey is None or rev is None or operation is None:
        return "missing field", {}
    if operation not in {"create", "update", "delete"}:
        return "unknown operation", {}
    if not RKEY.fullmatch(rkey) or rkey in {".", ".."}:
        return "bad record key", {}
    if not REV.fullmatch(rev) or _tid_time(rev) > latest:
        return "bad rev", {}
    kind = KINDS[collection]
    if kind == "profile" and rkey != "self":
        return "skip", {}
    out |= {"kind": kind, "operation": operation, "rkey": rkey, "rev": rev}
    if operation == "delete":
        return "", out
    record = _object(commit.get("record"))
    if record is None:
        return "missing field", {}
    verdict, fields = {"post": _post, "repost": _repost, "follow": _follow, "profile": _profile}[
        kind
    ](record)
    return verdict, out | fields if verdict == "" else {}


def _rkey(subject: tuple[str, str, str]) -> str | None:
    return subject[2] if subject[1] == "app.bsky.feed.post" else None


def _post(record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if not isinstance(record.get("text"), str):
        return "bad record", {}
    tags = {_text(tag) for tag in _list(record.get("tags"))}
    for facet in _list(record.get("facets")):
        tags |= {_text(_get(feature, "tag")) for feature in _list(_get(facet, "features"))}
    sorted_tags = sorted((t for t in tags if t is not None), key=str.encode) or None
    title = _text(_get(record, "embed", "external", "title"))
    if title is None:
        title = _text(_get(record, "embed", "media", "external", "title"))
    words = [record["text"], title or "", *(sorted_tags or [])]
    if sum(len(word.encode()) for word in words) > 65536:
        return "bad record", {}
    out: dict[str, Any] = {"text": record["text"], "tags": sorted_tags, "title": title}
    if record.get("reply") is not None:
        parent = _at_uri(_text(_get(record, "reply", "parent", "uri")))
        root = _at_uri(_text(_get(record, "reply", "root", "uri")))
        if parent is None or root is None:
            return "bad AT-URI", {}
        out |= {"subject_did": parent[0], "subject_rkey": _rkey(parent)}
        out |= {"root_did": root[0], "root_rkey": _rkey(root)}
    quoted = _get(record, "embed", "record", "record", "uri")
    if quoted is None:
        quoted = _get(record, "embed", "record", "uri")
    return "", out | _slices(record) | _other(quoted, "app.bsky.feed.post")


def _other(link: Any, collection: str) -> dict[str, Any]:
    parts = _at_uri(_text(link))
    if parts is None or parts[1] != collection or len(parts[0]) > 2048:
        return {}
    return {"other_did": parts[0], "other_rkey": parts[2]}


def _first(values: list[Any], most: int) -> list[str]:
    return [text for text in map(_text, values) if text is not None][:most]


def host(link: str) -> str | None:
    """The host of a link, without "www."."""
    found = AUTHORITY.match(link)
    name, colon, port = found[1].partition(":") if found else ("", "", "")
    parts = name.split(".")
    if colon and not re.fullmatch("[0-9]*", port):
        return None
    if len(parts) < 2 or not all(map(PART.fullmatch, parts)) or not re.match("[A-Za-z]", parts[-1]):
        return None
    if len(parts) > 2 and parts[0].lower() == "www":
        del parts[0]
    name = ".".join(parts).lower()
    return name if len(name) <= 253 else None


def _labels(record: dict[str, Any]) -> str | None:
    values = _list(_get(record, "labels", "values"))
    labels = _first([_get(value, "val") for value in values], 8)
    return " ".join(sorted({each for each in labels if OWN_LABEL.fullmatch(each)})) or None


def _slices(record: dict[str, Any]) -> dict[str, Any]:
    """What posts are sliced by."""
    features = [
        feature
        for facet in _list(record.get("facets"))
        for feature in _list(_get(facet, "features"))
    ]
    links = [_get(feature, "uri") for feature in features]
    links.append(_get(record, "embed", "external", "uri"))
    links.append(_get(record, "embed", "media", "external", "uri"))
    mentions = _first([_get(feature, "did") for feature in features], 32)
    stated = _first(_list(record.get("langs")), 8)
    langs = [tag.lower() for tag in stated if LANGUAGE.fullmatch(tag)]
    return {
        "langs": " ".join(dict.fromkeys(langs)) or None,
        "domains": sorted({found for link in _first(links, 32) if (found := host(link))}) or None,
        "mention_dids": sorted(set(filter(_did, mentions))) or None,
        "labels": _labels(record),
    }


def _repost(record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if record.get("subject") is None:
        return "bad record", {}
    subject = _at_uri(_text(_get(record, "subject", "uri")))
    if subject is None:
        return "bad AT-URI", {}
    out = {"subject_did": subject[0], "subject_rkey": _rkey(subject)}
    return "", out | _other(_get(record, "via", "uri"), "app.bsky.feed.repost")


def _follow(record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    subject = record.get("subject")
    if not isinstance(subject, str):
        return "bad record", {}
    return ("", {"subject_did": subject}) if _did(subject) else ("bad DID", {})


def _profile(record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    values = [_text(_get(value, "val")) for value in _list(_get(record, "labels", "values"))]
    return "", {"bot": "bot" in values, "labels": _labels(record)}
