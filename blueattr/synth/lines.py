"""Write synthetic events as Jetstream v1 lines: columns to bytes, without a loop over events."""

import numpy as np
import polars as pl

from blueattr.synth.extras import extras, profile_labels
from blueattr.synth.text import Names, contents

__all__ = ["lines"]

# It looks like a CID of DAG-CBOR and SHA-256, but is made from the record key: no reader of events
# resolves it, and 52 random characters would not compress.
_CID = "bafyreia{}" + "a" * 38
_COLLECTIONS = {
    "post": "app.bsky.feed.post",
    "reply": "app.bsky.feed.post",
    "repost": "app.bsky.feed.repost",
    "like": "app.bsky.feed.like",
    "follow": "app.bsky.graph.follow",
    "block": "app.bsky.graph.block",
    "listitem": "app.bsky.graph.listitem",
    "threadgate": "app.bsky.feed.threadgate",
    "profile": "app.bsky.actor.profile",
}


# The end of each line, for pl.format: no line of the network has this key.
_END = ',"synthetic":true}}\n'


def _cid(tid: str) -> pl.Expr:
    return pl.format(_CID, tid)


def _time(column: str, precision: int) -> pl.Expr:
    time = pl.col(column).cast(pl.Datetime("us"))
    return time.dt.strftime(f"%Y-%m-%dT%H:%M:%S%.{precision}fZ")


def _quoted(column: str) -> pl.Expr:
    text = pl.col(column)
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        text = text.str.replace_all(plain, escaped, literal=True)
    return pl.format('"{}"', text)


def _link(author: str, tid: str, collection: str = "app.bsky.feed.post") -> pl.Expr:
    return pl.format('"at://{}/' + collection + '/{}"', author, tid)


def _reference(author: str, tid: str) -> pl.Expr:
    return pl.format('{{"cid":"{}","uri":{}}}', _cid(tid), _link(author, tid))


def _where(condition: pl.Expr, text: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(text).otherwise(pl.lit(""))


def _post_record(frame: pl.DataFrame, names: Names) -> pl.DataFrame:
    frame = frame.hstack(contents(frame)).hstack(extras(frame, names))
    mention, quoted = frame["mention"].to_numpy(), frame["quoted"].to_numpy()
    # Links and mentions mark the first word: texts are those of a network without them.
    frame = frame.with_columns(
        ends=pl.col("text").str.len_bytes(),
        word_ends=pl.col("text").str.extract(r"^(\S+)").str.len_bytes(),
        mention_did=names.did(np.maximum(mention, 0)),
        quoted_did=names.did(quoted),
        quoted_tid=names.tid(frame["quoted_rkey_us"].to_numpy(), quoted),
    )
    reply = pl.format(
        '"reply":{{"parent":{},"root":{}}},',
        _reference("subject_did", "subject_tid"),
        _reference("root_did", "root_tid"),
    )
    tagged = pl.col("tag").is_not_null() & ~pl.col("in_text")
    return frame.with_columns(
        record=pl.concat_str(
            _embed(),
            _facets(),
            _self_labels("labels"),
            _where(
                pl.col("langs").is_not_null(),
                pl.format('"langs":["{}"],', pl.col("langs").str.replace_all(" ", '","')),
            ),
            _where(pl.col("kind") == "reply", reply),
            _where(tagged, pl.format('"tags":["{}"],', "tag")),
            pl.format('"text":{}', _quoted("text")),
        )
    )


def _self_labels(column: str) -> pl.Expr:
    # Labels joined by a space, as they come in a record.
    values = pl.col(column).str.replace_all(" ", '"},{"val":"', literal=True)
    labels = pl.format(
        '"labels":{{"$type":"com.atproto.label.defs#selfLabels","values":[{{"val":"{}"}}]}},',
        values,
    )
    return _where(pl.col(column).is_not_null(), labels)


def _embed() -> pl.Expr:
    external = pl.format(
        '"embed":{{"$type":"app.bsky.embed.external","external":{{"description":"",'
        '"title":{},"uri":"{}"}}}},',
        _quoted("title"),
        "url",
    )
    quote = pl.format(
        '{{"$type":"app.bsky.embed.record","record":{}}}', _reference("quoted_did", "quoted_tid")
    )
    feed = pl.format(
        '"embed":{{"$type":"app.bsky.embed.record","record":{{"cid":"{}","uri":{}}}}},',
        _cid("quoted_tid"),
        _link("quoted_did", "quoted_tid", "app.bsky.feed.generator"),
    )
    with_images = pl.format(
        '"embed":{{"$type":"app.bsky.embed.recordWithMedia","media":'
        '{{"$type":"app.bsky.embed.images","images":[{{"alt":"","image":{{"$type":"blob",'
        '"ref":{{"$link":"{}"}},"mimeType":"image/jpeg","size":65536}}}}]}},"record":{}}},',
        _cid("tid"),
        quote,
    )
    embed = pl.col("embed")
    return pl.concat_str(
        _where(pl.col("title").is_not_null(), external),
        _where(embed == "quote", pl.format('"embed":{},', quote)),
        _where(embed == "quote with images", with_images),
        _where(embed == "feed", feed),
    )


def _facets() -> pl.Expr:
    begins = '{{"features":[{{"$type":"app.bsky.richtext.facet#'
    ends = '"}}],"index":{{"byteEnd":{},"byteStart":{}}}}}'
    first = pl.lit(0)
    link = pl.format(begins + 'link","uri":"{}' + ends, "url", "word_ends", first)
    mention = pl.format(begins + 'mention","did":"{}' + ends, "mention_did", "word_ends", first)
    tag = pl.format(
        begins + 'tag","tag":"{}' + ends,
        "tag",
        "ends",
        pl.col("ends") - pl.col("tag").str.len_bytes() - 1,
    )
    facets = pl.concat_str(
        pl.when("link_in_text").then(link),
        pl.when(pl.col("mention") >= 0).then(mention),
        pl.when(pl.col("tag").is_not_null() & pl.col("in_text")).then(tag),
        separator=",",
        ignore_nulls=True,
    )
    return _where(facets != "", pl.format('"facets":[{}],', facets))


def _profile_record(frame: pl.DataFrame, names: Names) -> pl.DataFrame:
    agent = frame["agent"].to_numpy()
    return frame.with_columns(
        name=names.display(agent), labels=profile_labels(agent, names)
    ).with_columns(
        record=pl.format('"description":"",{}"displayName":"{}"', _self_labels("labels"), "name")
    )


_SUBJECT = pl.format('"subject":"{subject_did}"')
_RECORDS = {
    "repost": pl.concat_str(
        pl.format('"subject":{}', _reference("subject_did", "subject_tid")),
        _where(
            pl.col("via_rkey_us") != 0,
            pl.format(
                ',"via":{{"cid":"{}","uri":{}}}',
                _cid("via_tid"),
                _link("via_did", "via_tid", "app.bsky.feed.repost"),
            ),
        ),
    ),
    "like": pl.format('"subject":{}', _reference("subject_did", "subject_tid")),
    "follow": _SUBJECT,
    "block": _SUBJECT,
    "listitem": pl.format(
        '"list":{},{}', _link("did", "subject_tid", "app.bsky.graph.list"), _SUBJECT
    ),
    "threadgate": pl.format('"allow":[],"post":{}', _link("did", "tid")),
}


def _with_record(frame: pl.DataFrame, names: Names) -> pl.DataFrame:
    kind = frame["kind"][0]
    if kind in {"post", "reply"}:
        return _post_record(frame, names)
    if kind == "profile":
        return _profile_record(frame, names)
    if kind == "repost":
        via = frame["via"].to_numpy()
        frame = frame.with_columns(
            via_did=names.did(via), via_tid=names.tid(frame["via_rkey_us"].to_numpy(), via)
        )
    return frame.with_columns(record=_RECORDS[kind])


_COMMIT = pl.format(
    '{{"did":"{did}","time_us":{time_us},"kind":"commit","commit":{{"rev":"{rev}",'
    '"operation":"{operation}","collection":"{collection}","rkey":"{rkey}"'
)


def _commits(frame: pl.DataFrame, names: Names) -> list[pl.DataFrame]:
    agent, subject, root = (frame[c].to_numpy() for c in ("agent", "subject", "root"))
    frame = frame.with_columns(
        did=names.did(agent),
        rev=names.tid(frame["rev_us"].to_numpy(), agent),
        tid=names.tid(frame["rkey_us"].to_numpy(), agent),
        subject_did=names.did(subject),
        subject_tid=names.tid(frame["subject_rkey_us"].to_numpy(), subject),
        root_did=names.did(root),
        root_tid=names.tid(frame["root_rkey_us"].to_numpy(), root),
        collection=pl.col("kind").cast(pl.String).replace_strict(_COLLECTIONS),
    ).with_columns(rkey=pl.when(pl.col("kind") == "profile").then(pl.lit("self")).otherwise("tid"))
    deletes = pl.col("operation") == "delete"
    parts = [frame.filter(deletes).select("seq", line=pl.format("{}}}" + _END, _COMMIT))]
    # One kind at a time, because each has its own form of record.
    for part in frame.filter(~deletes).partition_by("kind", maintain_order=True):
        line = pl.format(
            '{},"record":{{"$type":"{collection}","createdAt":"{}",{record}}},"cid":"{}"}}' + _END,
            _COMMIT,
            _time("created_us", 3),
            _cid("rev" if part["kind"][0] == "profile" else "tid"),
        )
        parts.append(_with_record(part, names).select("seq", line=line))
    return parts


def _announcements(frame: pl.DataFrame, names: Names) -> pl.DataFrame:
    # Identity and account events, which servers send about accounts.
    agent = frame["agent"].to_numpy()
    handle = pl.format('"handle":"{handle}",')
    status = pl.format('"status":"{status}",')
    nothing = pl.lit("")
    end = '"seq":{seq},"time":"{time}"}}' + _END
    return frame.with_columns(
        did=names.did(agent),
        handle=names.handle(agent),
        time=_time("time_us", 6),
        sequence=pl.col("seq"),
    ).select(
        "seq",
        line=pl.when(pl.col("kind") == "identity")
        .then(
            pl.format(
                '{{"did":"{did}","time_us":{time_us},"kind":"identity",'
                '"identity":{{"did":"{did}",{}' + end,
                pl.when("named").then(handle).otherwise(nothing),
            )
        )
        .otherwise(
            pl.format(
                '{{"did":"{did}","time_us":{time_us},"kind":"account",'
                '"account":{{"active":{},"did":"{did}",{}' + end,
                pl.col("status") == "active",
                pl.when(pl.col("status") != "active").then(status).otherwise(nothing),
            )
        ),
    )


def lines(frame: pl.DataFrame, names: Names) -> memoryview:
    """Write a batch as Jetstream v1 lines.

    Parameters
    ----------
    frame
        Rows of `blueattr.synth.event_batches`.
    names
        Names of the same seed.

    Returns
    -------
    memoryview
        UTF-8, one JSON object a line, in the order of ``seq``. A ``cid`` is made from the record
        key; it is no digest.
    """
    announces = pl.col("kind").is_in(["identity", "account"])
    parts = _commits(frame.filter(~announces), names)
    parts.append(_announcements(frame.filter(announces), names))
    text = pl.concat(parts).sort("seq")["line"].rechunk()
    array = text.to_arrow(compat_level=pl.CompatLevel.oldest())
    first, last = array.offset, array.offset + len(array)
    offsets = np.frombuffer(array.buffers()[1], np.int64)
    return memoryview(array.buffers()[2])[int(offsets[first]) : int(offsets[last])]
