"""Turn synthetic events into the columns that the parser would make of their lines.

No line is written. Identifiers, which are most of a line, stay the numbers that they spell.
"""

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from blueattr.decode.account_events import SCHEMA
from blueattr.decode.parser import layout
from blueattr.decode.parser.layout import ParsedLines
from blueattr.synth.extras import extras, profile_labels
from blueattr.synth.stream import KINDS
from blueattr.synth.text import Names, contents

__all__ = ["announcements", "records"]

_COLLECTIONS = {"post": 0, "reply": 0, "repost": 1, "follow": layout.FOLLOW}

_COLLECTION = np.array([_COLLECTIONS.get(kind, 0) for kind in KINDS], np.uint8)
_KEPT = np.array([kind in _COLLECTIONS for kind in KINDS])
_SUBJECT = np.array([kind in {"reply", "repost", "follow"} for kind in KINDS])
_ROOT = np.array([kind == "reply" for kind in KINDS])
_TEXT = np.array([kind in {"post", "reply"} for kind in KINDS])

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, as stored


def records(frame: pl.DataFrame, names: Names, span: tuple[int, int], lines: int) -> ParsedLines:
    """Return the posts, replies, reposts and follows of a batch, created and deleted.

    Parameters
    ----------
    frame
        Rows of `blueattr.synth.event_batches`.
    names
        Names of the same seed.
    span
        Times of the first and last event that the batch stands for, in µs since 1970.
    lines
        Number of events that it stands for, likes that were not drawn included.

    Returns
    -------
    ParsedLines
        The parser's result for the lines of these events, in their order, without the profile,
        identity and account events, which `announcements` returns.
    """
    kinds = frame["kind"].to_physical().to_numpy()
    announced = int(np.count_nonzero(_announces(frame)))
    frame = frame.filter(pl.Series(_KEPT[kinds]))
    kinds = kinds[_KEPT[kinds]]
    created = (frame["operation"] != "delete").to_numpy()
    subject, root, text = (created & which[kinds] for which in (_SUBJECT, _ROOT, _TEXT))
    posts = frame.filter(pl.Series(text))
    words = contents(posts).hstack(extras(posts, names))
    titles, tags = (words[name].is_not_null().to_numpy() for name in ("title", "tag"))
    hosts = words["host"].is_not_null().to_numpy()
    mentioned = posts["mention"].to_numpy() >= 0
    other = created & (frame["via_rkey_us"] != 0).to_numpy()
    other[text] = posts["embed"].is_in(["quote", "quote with images"]).to_numpy()

    flags = _COLLECTION[kinds]
    for bit, where in (
        (layout.IS_DELETE, ~created),
        (layout.HAS_SUBJECT, subject),
        (layout.HAS_ROOT, root),
        (layout.HAS_TEXT, text),
        (layout.HAS_OTHER, other),
    ):
        flags[where] |= bit
    flags[np.flatnonzero(text)[titles]] |= layout.HAS_TITLE

    text_letters, text_sizes = _letters(words["text"])
    title_letters, title_sizes = _letters(words["title"])
    tag_letters, tag_sizes = _letters(words["tag"])
    domain_letters, domain_sizes = _letters(words["host"])
    lang_letters, lang_sizes = _letters(words["langs"].str.to_lowercase())
    label_letters, label_sizes = _letters(words["labels"])
    sizes = np.zeros((layout.WORDS + 1, kinds.size), np.int32)
    sizes[:, text] = (
        text_sizes, title_sizes, tags, hosts, lang_sizes, label_sizes, mentioned
    )  # fmt: skip
    return ParsedLines(
        numbers=_numbers(frame, names, subject, root, other),
        flags=flags,
        words=(
            text_letters,
            title_letters,
            tag_letters,
            domain_letters,
            lang_letters,
            label_letters,
        ),
        word_ends=np.cumsum(sizes, axis=1, dtype=np.int32),
        tag_ends=np.cumsum(tag_sizes[tags], dtype=np.int32),
        domain_ends=np.cumsum(domain_sizes[hosts], dtype=np.int32),
        mentions=names.did_numbers(posts["mention"].to_numpy()[mentioned]).astype(np.int64),
        unparsed=np.zeros((0, 2), np.int64),
        skipped=lines - kinds.size - announced,
        span=(_EPOCH + timedelta(microseconds=span[0]), _EPOCH + timedelta(microseconds=span[1])),
        synthetic=True,
    )


def announcements(frame: pl.DataFrame, names: Names) -> pa.Table:
    """Return the profile, identity and account events of a batch.

    Parameters
    ----------
    frame, names
        As for `records`.

    Returns
    -------
    pa.Table
        Rows of the schema `blueattr.decode.account_events.SCHEMA`.
    """
    frame = frame.filter(pl.Series(_announces(frame)))
    agent = frame["agent"].to_numpy()
    profile, identity, account = (pl.col("kind") == kind for kind in KINDS[-3:])
    active = pl.col("status") == "active"
    return (
        frame.with_columns(
            did=names.did(agent),
            rev=names.tid(frame["rev_us"].to_numpy(), agent),
            name=names.handle(agent),
            labelled=pl.Series(names.labelled(agent), dtype=pl.Boolean),
            own_labels=profile_labels(agent, names),
        )
        .select(
            "did",
            pl.col("kind").cast(pl.String),
            event_time=pl.col("time_us").cast(pl.Datetime("us")),
            operation=pl.when(profile).then(pl.col("operation").cast(pl.String)),
            rkey=pl.when(profile).then(pl.lit("self")),
            rev=pl.when(profile).then("rev"),
            bot=profile & pl.col("labelled"),
            labels=pl.when(profile).then("own_labels"),
            handle=pl.when(identity & pl.col("named")).then("name"),
            active=pl.when(account).then(active),
            status=pl.when(account & active)
            .then(pl.lit(""))
            .when(account)
            .then(pl.col("status").cast(pl.String)),
        )
        .to_arrow(compat_level=pl.CompatLevel.oldest())
        .cast(SCHEMA)
    )


def _announces(frame: pl.DataFrame) -> npt.NDArray[np.bool_]:
    # True for profile, identity and account events, the last three kinds.
    mask: npt.NDArray[np.bool_] = frame["kind"].to_physical().to_numpy() >= len(KINDS) - 3
    return mask


def _numbers(
    frame: pl.DataFrame,
    names: Names,
    subject: npt.NDArray[np.bool_],
    root: npt.NDArray[np.bool_],
    other: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    numbers = np.zeros((layout.NUMBERS, frame.height), np.int64)
    agent = frame["agent"].to_numpy()
    numbers[layout.TIME] = frame["time_us"].to_numpy()
    numbers[layout.RKEY] = names.tid_numbers(frame["rkey_us"].to_numpy(), agent)
    numbers[layout.REV] = names.tid_numbers(frame["rev_us"].to_numpy(), agent)
    numbers[layout.AUTHOR_HIGH : layout.AUTHOR_LOW + 1] = names.did_numbers(agent)
    is_repost = (frame["kind"] == "repost").to_numpy()
    for column, first, where in (
        ("subject", layout.SUBJECT_HIGH, np.flatnonzero(subject)),
        ("root", layout.ROOT_HIGH, np.flatnonzero(root)),
        ("quoted", layout.OTHER_HIGH, np.flatnonzero(other & ~is_repost)),
        ("via", layout.OTHER_HIGH, np.flatnonzero(other & is_repost)),
    ):
        who = frame[column].to_numpy()[where]
        # The two halves of the DID, then the record key, which a follow does not use.
        numbers[first : first + 2, where] = names.did_numbers(who)
        keys = frame[f"{column}_rkey_us"].to_numpy()[where]
        numbers[first + 2, where] = names.tid_numbers(keys, who)
    return numbers


def _letters(strings: pl.Series) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the concatenated bytes of strings, and the length of each; null has length 0."""
    array = strings.fill_null("").rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, letters = array.buffers()
    ends = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    if letters is None or not len(ends):
        return np.zeros(0, np.uint8), np.zeros(len(array), np.int64)
    return np.frombuffer(letters, np.uint8)[ends[0] : ends[-1]], np.diff(ends)
