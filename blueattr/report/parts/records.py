"""Fields of records: posts, replies and reposts with their values."""

from typing import TYPE_CHECKING

from blueattr.report.fields import Field, Fields
from blueattr.report.parts.shared_fields import TIER

if TYPE_CHECKING:
    from blueattr.studies.carriers.records import RecordValue

__all__ = ["RECORD"]


_COUNTED = (
    "Those from others that count: of the topic and in the window; none of a kind that `influence` "
    "does not have."
)
_WORDS = "What it says, and the title of what it links to; none where they are not known."
RECORD: "Fields[RecordValue]" = Fields(
    Field("uri", "The record's address in the protocol, `at://…`.", heading="record"),
    Field("kind", "`post`, `reply` or `repost`; none of one that was never seen."),
    Field(
        "state",
        "`counted`: of the topic and in the window. Of others only the replies, reposts and quotes "
        "that they received count: they are `off topic`, `outside the window` or `unseen`. What "
        "its author deleted is not shown.",
    ),
    Field("time", "When it was seen first.", "time"),
    Field("replies_received", _COUNTED, "int", "records"),
    Field("reposts_received", _COUNTED, "int", "records"),
    Field("quotes_received", _COUNTED, "int", "records"),
    Field(
        "value_own",
        "Its part of the account's value by activity ([By record](methods.md#by-record)).",
        "float",
        "the indicator's",
    ),
    Field(
        "value_received",
        "The same of the value by influence: what the replies, reposts and quotes it received are "
        "worth.",
        "float",
        "the indicator's",
    ),
    Field("value", "Both together.", "float", "the indicator's"),
    TIER["share"],
    Field("text", _WORDS),
    Field("title", _WORDS),
    Field("link", "The post's address; none of a repost, and where there is nothing to see."),
)
