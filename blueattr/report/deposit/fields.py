"""The columns of a deposit's tables, each defined once: for its codebook and docs/numbers.md."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from blueattr.report.fields import Field, Fields

__all__ = ["AGENTS", "RECORDS", "STUDY", "codebook", "columns_of"]


RECORDS: Fields[Any] = Fields(
    Field(
        "record",
        "The record's AT-URI, or its pseudonym; of an import without AT-URIs, a name of its own.",
    ),
    Field("agent", "Who made it: a DID, or its pseudonym."),
    Field("kind", "`post`, `reply` or `repost`; a post that quotes has `quoted`."),
    Field("time", "When, in UTC; cut to the hour or the day where `coarse` says so.", "time"),
    Field(
        "time_from",
        "Where that is from: `server`, `imported`, `key`, `claimed`, `collected`.",
    ),
    Field("subject", "The post that it answers or reposts."),
    Field("quoted", "The post that it quotes."),
    Field(
        "text_sha256",
        "SHA-256 of the salt and the post's text, in UTF-8: tells whether the text was changed; "
        "none of a repost, and with pseudonyms.",
    ),
)


AGENTS: Fields[Any] = Fields(
    Field("agent", "A DID, or its pseudonym."),
    Field("tier", "Its tier by followers."),
    Field("involved", "Whether it wrote of the topic or received anything on it.", "bool"),
    Field("posts", "What it did on the topic in the window.", "int", "records"),
    Field("replies", "What it did on the topic in the window.", "int", "records"),
    Field("reposts", "What it did on the topic in the window.", "int", "records"),
    Field("replies_received", "What others did with its records.", "int", "records"),
    Field("reposts_received", "What others did with its records.", "int", "records"),
    Field("quotes_received", "What others did with its records.", "int", "records"),
    Field("follows_received", "Follows received in the window.", "int", "records"),
    Field("followers", "What sets tiers, and is the popularity b.", "int", "accounts"),
    Field("a", "Its features: activity, popularity, influence, as `feature_scale` has them."),
    Field("b", "Its features: activity, popularity, influence, as `feature_scale` has them."),
    Field("c", "Its features: activity, popularity, influence, as `feature_scale` has them."),
    Field("heat_value", "Of each indicator: what the agent carries of it.", "float"),
    Field("heat_share", "Of each indicator: that, as a share of the total.", "share"),
)


STUDY: Fields[Any] = Fields(
    Field("blueattr_deposit", "Version of the folder's layout.", "int"),
    Field("title", "In words."),
    Field("licence", "Of the deposit."),
    Field("deposited", "The day on which it was made.", "date"),
    Field("has_pseudonyms", "Whether accounts and records have pseudonyms.", "bool"),
    Field("coarse", "To what times are cut: `hour`, `day`; none where they are exact."),
    Field("salt", "What stands before a text that is hashed."),
    Field("tables", "Rows of each table."),
    Field("results", "Of each indicator what `blueattr attribute` says, which names nobody."),
    Field("hidden", "Handles that were taken out of what the definition of the topic says.", "int"),
)


_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_OF_INDICATOR = {"_value": "heat_value", "_share": "heat_share"}


def columns_of(names: Iterable[str], fields: Fields[Any]) -> Iterator[tuple[str, Field[Any]]]:
    """Yield the columns of a table, each with the field that defines it.

    Raises
    ------
    KeyError
        None does.
    """
    known = {field.name for field in fields}
    for name in names:
        suffix = name[name.rfind("_") :]
        yield name, fields[name if name in known else _OF_INDICATOR[suffix]]


def codebook(tables: dict[str, list[tuple[str, Field[Any]]]]) -> str:
    """Return the definitions of columns as Markdown that needs no other page."""
    lines = ["# Codebook", ""]
    for title, columns in tables.items():
        lines += [f"## {title}", "", "| column | what it is | unit |", "|---|---|---|"]
        for name, field in columns:
            unit = field.unit or {"time": "UTC", "share": "share"}.get(field.kind, "")
            sentence = _LINK.sub(r"\1", field.sentence)
            lines.append(f"| `{name}` | {sentence} | {unit} |")
        lines.append("")
    return "\n".join(lines)
