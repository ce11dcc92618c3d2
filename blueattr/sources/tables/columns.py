"""Which column of a table of one's own plays which part."""

import re
from collections.abc import Iterable, Mapping, Sequence

from blueattr.errors import UsageError
from blueattr.suggest import did_you_mean

__all__ = ["OF_ACCOUNTS", "OF_COUNTS", "PARTS", "find_columns", "parse_columns"]


PARTS: Mapping[str, tuple[str, ...]] = {
    "actor": (
        "did", "author_did", "user_did", "actor", "author_id", "user_id", "author", "user",
        "handle", "author_handle", "username", "screen_name", "account",
    ),
    "kind": ("kind", "record_type"),
    "record": ("uri", "at_uri", "post_uri", "record", "post_id", "id"),
    "time": (
        "time", "created_at", "createdat", "timestamp_utc", "timestamp", "datetime", "date",
        "indexed_at", "indexedat",
    ),
    "time_from": ("time_from",),
    "parent": (
        "parent", "reply_to", "parent_uri", "reply_parent_uri", "to_post_uri", "reply_parent",
        "in_reply_to", "replied_to_post",
    ),
    "parent_actor": (
        "parent_actor", "replied_author", "to_user_did", "parent_author", "in_reply_to_user",
    ),
    "root": ("root", "root_uri", "reply_root_uri", "to_root_post_uri", "thread_root", "reply_root"),
    "root_actor": ("root_actor", "thread_root_author", "root_author"),
    "subject": ("subject", "subject_uri", "repost_of", "reposted_uri", "repost_from", "reposted"),
    "subject_actor": ("subject_actor", "reposted_author", "repost_author"),
    "quoted": ("quoted", "quoted_uri", "quote_uri", "quoted_post", "quotes"),
    "quoted_actor": ("quoted_actor", "quoted_author", "quoted_user_did"),
    "text": ("text", "body", "content", "full_text", "post_text", "message"),
    "title": ("title", "card_title", "link_title"),
    "tags": ("tags", "hashtags"),
    "langs": ("langs", "languages", "lang", "language"),
    "links": ("links", "urls", "link", "url"),
    "mentions": ("mentions", "mentioned_user_dids"),
    "labels": ("labels", "self_labels"),
    "replies": ("reply_count", "replies_count", "replycount", "num_replies", "replies"),
    "reposts": ("repost_count", "reposts_count", "repostcount", "num_reposts", "reposts"),
    "quotes": ("quote_count", "quotes_count", "quotecount", "num_quotes"),
    "counted_at": ("counted_at", "collected_at", "scraped_at", "retrieved_at", "fetched_at"),
    "followers": (
        "followers", "followers_count", "author_followers", "author_followers_count",
        "user_followers", "user_followers_count",
    ),
    "followers_at": ("followers_at",),
    "handle": ("handle", "author_handle"),
    "created": ("author_created_at", "account_created_at"),
}  # fmt: skip
"""The parts that a column can play in a record, and what such columns are called, in turn."""


OF_COUNTS = ("replies", "reposts", "quotes")
"""Those that count interactions with a post, in place of records of them."""


OF_ACCOUNTS = ("followers", "followers_at", "handle", "created")
"""Those of them that say something of the account."""


def parse_columns(text: str) -> dict[str, str]:
    """Return which column plays which part, as a user says it: ``actor=author,time=created_at``.

    Raises
    ------
    UsageError
        It is something else.
    """
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        part, sign, column = (each.strip() for each in pair.partition("="))
        if not sign or not column:
            raise UsageError(f"--columns {pair!r}: say PART=COLUMN, such as actor=author")
        if part not in PARTS:
            hint = did_you_mean(part, PARTS, f"the parts are {', '.join(PARTS)}")
            raise UsageError(f"--columns: there is no part {part!r}; {hint}")
        if part in found:
            raise UsageError(f"--columns names {part} twice")
        found[part] = column
    return found


def find_columns(
    names: Sequence[str], said: Mapping[str, str], path: object
) -> tuple[dict[str, str], dict[str, str]]:
    """Settle which column plays which part.

    Parameters
    ----------
    names
        The columns that there are.
    said
        What the user said.
    path
        The file, for messages.

    Returns
    -------
    tuple
        The column of each part; and of these, those that were known by their names.

    Raises
    ------
    UsageError
        The user named a column that there is not; nobody tells who wrote a row, or when; or two
        columns that nobody chose between would play the same part.
    """
    for part, column in said.items():
        if column not in names:
            hint = did_you_mean(column, names, f"it has: {_some(names)}")
            raise UsageError(f"{path} has no column {column!r} for {part}; {hint}")
    by_name: dict[str, list[str]] = {}
    for name in names:
        by_name.setdefault(re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"), []).append(name)
    known: dict[str, str] = {}
    for part, usual in PARTS.items():
        found = [by_name[each] for each in usual if each in by_name]
        left = [name for name in found[0] if name not in {*said.values()}] if found else []
        if part in said or not left:
            continue
        if len(left) > 1:
            raise UsageError(
                f"{path} has the columns {' and '.join(map(repr, left))}, which are called alike; "
                f"rename one, or say which is meant: --columns {part}={left[0]}"
            )
        known[part] = left[0]
    columns = {part: {**known, **said}[part] for part in PARTS if part in known or part in said}
    if not {"actor", "record"} & columns.keys():
        raise UsageError(
            f"{path}: nothing tells who wrote a row; say --columns actor=COLUMN (it has: "
            f"{_some(names)})"
        )
    return columns, known


# Letters of a name in a message.
_LONGEST = 40


def _some(names: Iterable[str], most: int = 20) -> str:
    listed = [name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…" for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more if listed else "no column that can be read"
