"""Events of every kind, and every way to spoil their lines."""

import copy
import json
import random
from collections.abc import Iterator
from functools import partial
from typing import Any

from support.events_builder import (
    FOLLOW,
    POST,
    PROFILE,
    REPOST,
    Event,
    account,
    as_2024,
    as_v2,
    at,
    commit,
    delete,
    did,
    dumps,
    follow,
    identity,
    like,
    post,
    profile,
    repost,
    tid,
    uri,
)
from support.naive_decode import TIMES_FROM

# Their DIDs have the 24 letters that those of the method plc have, and their keys are TIDs: only
# such lines are parsed by the compiled parser.
A, B = "alice".ljust(24, "a"), "bob".ljust(24, "7")
EXTERNAL = {"title": "A link", "uri": "https://example.org", "description": ""}
QUOTED = {"cid": "x", "uri": uri(B, tid(77))}
LABELS = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "nudity"}]}


def facet(**feature: Any) -> Event:
    """A stretch of text that is a link, a mention or a tag."""
    return {"index": {"byteStart": 0, "byteEnd": 3}, "features": [feature]}


VALID: list[Event] = [
    post(A, tid(1000), "plain text", rev=1, time=at(1)),
    post(A, tid(1001), "ein ünïcode 🎉 text\nof lines", rev=2, time=at(2), tags=["Tag", "日本"]),
    post(A, tid(1002), "a reply", rev=3, time=at(3), parent=uri(B, tid(77)), root=uri(A,
         tid(1000))),
    post(A, tid(1003), "edited", rev=4, time=at(4), operation="update",
         facets=[{"index": {"byteStart": 0, "byteEnd": 3},
                  "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "facet"}]}]),
    post(A, tid(1004), "a link", rev=5, time=at(5), embed={"external": EXTERNAL}),
    post(A, tid(1005), 'a "quote", a \\ and a \t', rev=6, time=at(5.5), langs=["en"], tags=["b",
         "a", "b"]),
    post(A, tid(1005), "", rev=6, time=at(6), embed={"media": {"external": EXTERNAL},
         "record": {}}),
    delete(A, POST, tid(1000), rev=7, time=at(7)),
    repost(A, tid(1006), uri(B, tid(77)), rev=8, time=at(8)),
    repost(A, tid(1007), uri(B, "f", "app.bsky.feed.generator"), rev=9, time=at(9)),
    delete(A, REPOST, tid(1006), rev=10, time=at(10)),
    follow(A, tid(1008), B, rev=11, time=at(11)),
    delete(A, FOLLOW, tid(1008), rev=12, time=at(12)),
    profile(A, rev=13, time=at(13)),
    profile(A, rev=14, time=at(14), bot=True, operation="update"),
    delete(A, PROFILE, "self", rev=15, time=at(15)),
    commit(A, PROFILE, "other", rev=16, time=at(16)),
    like(A, tid(1009), uri(B, tid(77)), rev=17, time=at(17)),
    identity(A, "Alice.Example.ORG", time=at(18)),
    identity(A, None, time=at(19)),
    account(A, time=at(20)),
    account(A, "takendown", time=at(21)),
    account(A, "deleted", time=at(22)),
    post(A, tid(1010), "a quote", rev=6, time=at(6.5), langs=["en", "pt-BR"], labels=LABELS,
         embed={"$type": "app.bsky.embed.record", "record": QUOTED}),
    post(A, tid(1011), "links", rev=6, time=at(6.6), langs=["de"], facets=[
         facet(uri="https://www.Example.org/a?b#c"), facet(did=did(B)), facet(tag="t"),
         facet(uri="http://a.example.net:8080")], embed={"media": {"external": EXTERNAL},
         "record": {"record": QUOTED}}),
    post(A, tid(1012), "a quoted list", rev=6, time=at(6.7),
         embed={"record": {"uri": uri(B, "x", "app.bsky.graph.list")}}),
    repost(A, tid(1013), uri(B, tid(77)), rev=8, time=at(7.5),
           via={"cid": "x", "uri": uri(B, tid(78), REPOST)}),
]  # fmt: skip


JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 17, 1779719009157119, 10**30, -(10**30), "", " ", "x", ".", "..",
    "\x00", "a\x00b", "\ud800", "\u2028", "e\u0301", "a b", "self", "self\n", "create", "update",
    "delete", "commit", "identity", "account", "info", "sync", "like", "com", "acc", "id", "c", "u",
    "d", POST, FOLLOW, PROFILE,
    "did:plc:", "did:plc:x:", "did:plc:x%", "did:PLC:x", "did:web:example.org", "did:x:a:b",
    "did:plc:x\n", "did:plc:" + "x" * 2048, "at://did:plc:x/app.bsky.feed.post/y",
    "at://did:plc:x/app.bsky.feed.post/y\n", "at://did:plc:x/app.bsky.feed.post", "at://x/y/z",
    "at://did:plc:x/app.bsky.feed.post/y/z", "at://did:plc:x/q/" + "y" * 513, "y" * 512, "y" * 513,
    "3mmoojpaqkn2z", "3mmoojpaqkn2z\n", "zmmoojpaqkn2z", "3mmoojpaqkn2", "3MMOOJPAQKN2Z",
    "2026-05-25T14:23:28.778Z", "2026-05-25T14:23:28+02:00", "2026-13-25T14:23:28Z", "9999-12-31",
    "https://example.org", "HTTPS://WWW.Example.ORG:80/x", "https://a@b.org", "https://[::1]/x",
    "https://1.2.3.4", "https://ex\u00e4mple.org", "https://www.org", "http://a..b", "en", "EN-us",
    "e", "https://a_b.co?x", "http://a.b\\c", "https://a.b:", "https://a.b:x", "ftp://a.b", "https://\u212a.org",
    "handle.invalid", "a.b", "-a.b", "a..b", "A.B", "x" * 64 + ".com", "bot", [], {}, [[]],
    ["x"], [None], ["x", None, 1, ["y"]], [{}], {"uri": "at://did:plc:x/c/y"}, {"uri": 1},
    {"parent": None, "root": None}, [{"features": [{"tag": "t"}, 5, None]}, None, 3],
    {"uri": "at://did:plc:x/app.bsky.feed.repost/y"}, {"record": {"uri": uri("x", "y")}},
    {"values": [{"val": "b"}, {"val": "a"}, {"val": "a"}, {"val": "B"}]}, ["ja", "en", "JA", "e"],
    [{"features": [{"uri": "http://a.b", "did": "did:web:x"}] * 40}], ["en"] * 9, ["a-b", "en-x"],
    [{"val": "bot"}], [{"val": None}, "bot", {"val": "x"}], {"title": 4},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, (dict, list)) and len(path) < 9:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in items:
            yield (*path, key)
            yield from places(child, (*path, key))


# Where the decoder looks; the rest of an event is spoiled less often.
READ = {
    "type",
    "rev",
    "rkey",
    "operation",
    "collection",
    "text",
    "langs",
    "labels",
    "via",
    "subject",
    "uri",
    "did",
    "time",
    "record",
}


def spoiled(rng: random.Random) -> str:
    """A line of an event with nothing or little wrong. Every line is judged on its own."""
    event = copy.deepcopy(rng.choice(VALID))
    shape = rng.choice(["v1", "v1", "v2 framed", "v2 bare", "2024"])
    if shape == "2024":
        event = as_2024(event)
    elif shape != "v1":
        event = as_v2(event, framed=shape == "v2 framed")
    for _ in range(rng.choice([0, 1, 1, 2])):
        where = list(places(event))
        where += [path for path in where if path[-1] in READ] * 2
        if not where:
            break
        *path, last = rng.choice(where)
        inner = event
        for key in path:
            inner = inner[key]
        action = rng.choice(["set", "set", "set", "drop", "nest"])
        if action == "set":
            inner[last] = copy.deepcopy(rng.choice(JUNK))
        elif action == "drop":
            del inner[last]
        else:
            value = inner[last]
            for _ in range(rng.choice([1, 2, 200])):
                value = rng.choice([[value], {"a": value}])
            inner[last] = value
    return written(rng, event)


def written(rng: random.Random, event: Event) -> str:
    text = json.dumps(
        event,
        ensure_ascii=rng.random() < 0.5 or "\\ud" in json.dumps(event),
        separators=rng.choice([(",", ":"), (", ", ": "), (" ,\t", " :  ")]),
        sort_keys=rng.random() < 0.5,
    )
    match rng.choice(["as is"] * 8 + ["twice", "escaped", "cut", "odd", "ends"]):
        case "twice":
            key = rng.choice([*map(str, event), "did"])
            text = f"{text[:-1]},{json.dumps(key)}:{json.dumps(rng.choice(JUNK))}}}"
        case "escaped":
            letter = rng.choice("apbfokids.#$")
            text = text.replace(letter, f"\\u{ord(letter):04x}")
        case "cut":
            text = text[: rng.randint(1, len(text))]
        case "odd":
            place = rng.randint(0, len(text))
            text = text[:place] + rng.choice('{}[]",:x\\ \x00\x01\x7f') + text[place:]
        case "ends":
            text = rng.choice(["", " ", "\t", "["]) + text
            text += rng.choice(["", " ", "\r", "]", "}", "x"])
    return text


def with_time_from() -> Iterator[str]:
    """Lines of every kind and shape that say where their time is from, in every way and wrongly."""
    values: list[Any] = [*TIMES_FROM, None, "elsewhere", "", 1, True, [], {"key": "key"}]
    for event in VALID:
        for shape in (dict, as_v2, partial(as_v2, framed=False)):
            for value in values:
                line = dumps(shape(event | {"time_from": value}))
                yield line
                yield line.replace("time_from", "time\\u005Ffrom")
            line = dumps(shape(event | {"time_from": "imported"}))
            yield f'{line[:-1]},"time_from":"key"}}'
            yield line.replace('"imported"', '"import\\u0065d"')
            # What a stranger wrote says nothing of the kind.
            yield dumps(shape(event)).replace("plain text", 'time_from\\":\\"key')


SCHEMES = [
    "https://",
    "http://",
    "HTTPS://",
    "https:/",
    "ftp://",
    "",
    "https:\\/\\/",
    "http\\u0073://",
]
NAMES = [
    "example", "www", "WWW", "a_b", "x-1", "xn--bcher-kva", "b\u00fccher", "1", "", "org", "a b",
    "e" * 240, "a@b", "[::1]", "\u212a", "a\\u002eb",
]  # fmt: skip
ENDS = ["", "/", "/x?y#z", "?q", "#", ":80", ":80/x", ":", ":x", "\\\\c", "\\u002fx", " ", "\\n"]
STATED = ["en", "EN", "pt-BR", "zh-hant-tw", "e", "engl", "en-", "-en", "en_US", "fr-123456789",
          "\u0117n", "a-b", "en-a-b-c", "en-a-b-c-d", "\\u0065n"]  # fmt: skip
OWN = ["porn", "nudity", "!warn", "", "Upper", "a b", "x" * 64, "x" * 65, "b\\u006ft", "\u00e9"]
DIDS = [did(A), did(B), "did:web:example.org", "did:plc:x", "x", "", "did:plc:\\u0061"]
QUOTES = [
    uri(B, tid(77)), uri(B, "x"), uri(B, tid(77), REPOST), uri(B, "x", "app.bsky.graph.list"),
    "at://did:web:x/app.bsky.feed.post/app.bskyaaaaaaaaaaaaaaaaaaaaa", uri("x", tid(1)), "",
    uri(B, tid(77)) + "/x", "at://did:web:" + "x" * 20 + "/app.bsky.feed.post/app.bsky.x",
    "at:\\/\\/x",
]  # fmt: skip


def sliced(rng: random.Random) -> str:
    """A line of a post or repost with whatever it could be sliced by."""

    def some(values: list[str], most: int = 4) -> list[str]:
        return rng.choices(values, k=rng.choice([0, 1, 1, 2, rng.randrange(most)]))

    def link() -> str:
        names = ".".join(some(NAMES, 5)) + rng.choice(["", ".org", ".example.org"])
        return rng.choice([*SCHEMES[:2] * 4, *SCHEMES]) + names + rng.choice([*[""] * 8, *ENDS])

    features = [{"uri": link()} for _ in some(NAMES, 40)] + [{"did": one} for one in some(DIDS, 40)]
    rng.shuffle(features)
    if rng.random() < 0.2:
        made = repost(A, tid(1), uri(B, tid(2)), rev=1, time=at(1), via={"uri": rng.choice(QUOTES)})
    else:
        external = {"external": {"uri": link(), "title": "t"}}
        quote = {"record": {"uri": rng.choice(QUOTES)}}
        embed = rng.choice([{}, external, quote, {"record": quote}, {"media": external, **quote}])
        made = post(
            A, tid(1), "text", rev=1, time=at(1), langs=some(STATED, 12), embed=embed,
            facets=[{"features": features[k : k + 3]} for k in range(0, len(features), 3)],
            labels={"values": [{"val": label} for label in some(OWN, 12)]},
        )  # fmt: skip
    # What is written with a backslash above is an escape.
    return dumps(made).replace("\\\\", "\\")
