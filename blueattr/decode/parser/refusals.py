"""Why the compiled parser leaves a line to the statement that says what lines mean."""

from enum import IntEnum

__all__ = ["Refusal"]


class Refusal(IntEnum):
    """A reason to leave a line to ``sql/store/commit/batch/decode_lines.sql``.

    All are negative, so that one number is a position, a set of bits or a reason.
    """

    NOT_JSON = -1
    """Brackets, commas, colons or literals are not where JSON has them."""
    BAD_STRING = -2
    """A control code, a malformed escape, an escaped NUL or half a surrogate pair."""
    NOT_UTF8 = -3
    ODD_NUMBER = -4
    """Malformed, with an exponent, or longer than an int64 surely holds."""
    TOO_DEEP = -5
    TOO_MANY_ITEMS = -6
    """More tags, links, mentions, languages or labels than a post has as a rule."""
    ESCAPED_KEY = -7
    """It could be any key."""
    ESCAPED_VALUE = -8
    """A value that is read, and is not someone's own words, has an escape."""
    REPEATED_KEY = -9
    """Of two equal keys the first counts."""
    BESIDE_PAYLOAD = -10
    """The frame of an event of v2 has more than a type and a payload."""
    ODD_TYPE = -11
    """A value that is read is not of the JSON type that it should be."""
    NOT_ASCII = -12
    """A handle or status: whether its letters equal others but for their case is hard to say."""
    RECORD_FIRST = -13
    """The record came before its collection, so that its fields were not known."""
    NO_COLLECTION = -14
    ODD_EVENT = -15
    """A kind of event that is not parsed, or fields of two kinds."""
    MISSING_FIELD = -16
    ODD_OPERATION = -17
    """Neither create nor update nor delete, or a delete with a record."""
    LABELLED = -18
    """A profile with labels, one of which may say that it is a bot's."""
    ODD_TIME = -19
    ODD_DID = -20
    """Not of the method plc, or not of its usual form."""
    ODD_KEY = -21
    """A record key or revision that is not a TID, or a profile's that is not ``self``."""
    ODD_LINK = -22
    """A subject, parent, root or quoted post that is not a link to a post of a usual DID, or what
    stands for the repost by which another was found and is no such link."""
    AHEAD = -23
    """Its server time lies ahead of the clock."""
    REV_AHEAD = -24
    LONG_POST = -25
    """Its text, title and tags may be longer than a post's are."""
    ODD_ITEM = -26
    """A host with an escape, a language stated twice, or labels in no alphabetical order."""
