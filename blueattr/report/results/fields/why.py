"""The fields of one account's explanation: its value, parts, rank, days and partners."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.parts.shared_fields import LEADER, TIER

if TYPE_CHECKING:
    from blueattr.attribution.by_feature import FeatureSplit
    from blueattr.studies.carriers.leaders import Leader
    from blueattr.studies.carriers.posts import Rest
    from blueattr.studies.carriers.why import (
        AccountDay,
        Alone,
        FeaturePart,
        Partner,
        Partners,
        WhyResult,
    )

__all__ = [
    "ACCOUNT",
    "ADDRESSED",
    "ALONE",
    "AMPLIFIED",
    "BY_FEATURE",
    "COUNTS",
    "DAY",
    "FEATURE",
    "NO_RECORD",
    "OBJECTS",
    "PARTNER_KINDS",
    "RANKS",
    "REST",
    "SHOWN_ADDRESSED",
    "SHOWN_AMPLIFIED",
    "WITHOUT",
]


_UNIT = "the indicator's"
_WHO = "Who it is; the handle where it is known."
_PART = "`value` / the account's value; none where that is 0, or there is no split by feature."
_WORTH = (
    "What these are worth to the account ([By record](methods.md#by-record)); none where its value "
    "is not split by feature."
)
ACCOUNT: "Fields[Leader]" = Fields(
    Field("did", _WHO, heading="DID"),
    Field("handle", _WHO),
    Field("link", "The profile's address; none of what is no DID, or may be made up."),
    LEADER["tier"],
    Field("a", "Its features.", "float", "log or count"),
    Field("b", "Its features.", "float", "log or count"),
    Field("c", "Its features.", "float", "log or count"),
    Field(
        "value",
        "φ_i, its [Aumann-Shapley value](methods.md#the-value): that of `blueattr attribute`.",
        "float",
        _UNIT,
    ),
    TIER["share"],
)
COUNTS: "Fields[Leader]" = Fields(
    *(
        LEADER[name]
        for name in (
            "posts",
            "replies",
            "reposts",
            "written",
            "replies_received",
            "reposts_received",
            "quotes_received",
            "received",
            "follows_received",
            "followers",
        )
    ),
    inside="counts",
)
RANKS: "Fields[WhyResult]" = Fields(
    Field(
        "rank",
        "1 + the number of agents with a larger value.",
        "int",
    ),
    Field("rank_low", "The [95 % interval of its rank](methods.md#the-rank-of-an-account), from "
          "resamples of the window's days; none where there is none.", "int",
          get=lambda result: result.account.rank_low),
    Field("rank_high", "The [95 % interval of its rank](methods.md#the-rank-of-an-account), from "
          "resamples of the window's days; none where there is none.", "int",
          get=lambda result: result.account.rank_high),
    Field(
        "involved",
        "Whether it wrote something of the topic, or received a reply, a repost or a quote on "
        "it.",
        "bool",
        get=lambda result: result.is_involved,
    ),
)  # fmt: skip
WITHOUT: "Fields[WhyResult]" = Fields(
    Field(
        "without_silent",
        "The indicator if the account [had done nothing](why.md#without-it): n stays.",
        "float",
        _UNIT,
        get=lambda result: result.without.silent,
    ),
    Field(
        "without_absent",
        "The indicator on the [panel without the account](why.md#without-it); none where that has "
        "no agents, or the indicator no value on it.",
        "float",
        _UNIT,
        get=lambda result: result.without.absent,
    ),
)
BY_FEATURE: "Fields[FeatureSplit]" = Fields(
    Field(
        "kind",
        "`exact`: the value of each feature of the account; `convention`: parts that sum to its "
        "value, but are not these; none where there is no split.",
    ),
    Field("why", "Why there is no split; none where there is one.",
          json=lambda split: split.why or None),
    Field("a", "What activity, popularity and influence carry: they sum to `value`. None where "
          "there is no split.", "float", _UNIT, json=lambda _: None),
    Field("b", "What activity, popularity and influence carry: they sum to `value`. None where "
          "there is no split.", "float", _UNIT, json=lambda _: None),
    Field("c", "What activity, popularity and influence carry: they sum to `value`. None where "
          "there is no split.", "float", _UNIT, json=lambda _: None),
    inside="by_feature",
)  # fmt: skip
FEATURE: Fields[Any] = Fields(
    Field("feature", "In CSV and Parquet `a`, `b` or `c`, or `value`: all of them together."),
    Field(
        "count",
        "What the feature counts, before it is scaled; none where features are not of counts.",
        "float",
    ),
    Field("x", "The feature.", "float", "log or count"),
    Field("feature_value", "What the feature carries.", "float", _UNIT,
          get=lambda part: part.value),
    Field("part", _PART, "share", heading="of its value"),
)  # fmt: skip
REST: "Fields[Rest]" = Fields(
    Field("records", "How many of its records are not among `posts`.", "int", "records"),
    Field("value", "What they are worth together.", "float", _UNIT),
    Field("share", "`value` / `attributed`.", "share"),
    inside="rest",
)
NO_RECORD: "Fields[FeaturePart]" = Fields(
    Field("value", "What popularity carries, which is of no post, day or partner.", "float", _UNIT),
    Field("part", _PART, "share"),
    inside="no_post",
)
_OF_DAY = "Its records of the topic on this day."
_TO_DAY = (
    "Replies, reposts and quotes that it received from others on this day; none of a kind that "
    "`influence` does not have."
)
DAY: "Fields[AccountDay]" = Fields(
    Field("day", "The UTC day.", "date"),
    Field("posts", _OF_DAY, "int", "records"),
    Field("replies", _OF_DAY, "int", "records"),
    Field("reposts", _OF_DAY, "int", "records"),
    Field("written", "Posts, replies and reposts together.", "int", "records"),
    Field("replies_received", _TO_DAY, "int", "records"),
    Field("reposts_received", _TO_DAY, "int", "records"),
    Field("quotes_received", _TO_DAY, "int", "records"),
    Field("received", "All together.", "int", "records"),
    Field("follows_received", "Follows received on this day.", "int", "follows", heading="follows"),
    Field(
        "value",
        "The part of its value by activity and influence that is of this day. Not its value in "
        "`attribute --by day`, for which each day is a panel of its own.",
        "float",
        _UNIT,
    ),
    Field("part", _PART, "share", heading="of its value"),
    inside="days",
)
ALONE: "Fields[Alone]" = Fields(
    Field(
        "records", "How many of its records answer, repost or quote nobody else.", "int", "records"
    ),
    Field("value", _WORTH, "float", _UNIT),
    Field("part", _PART, "share"),
    inside="alone",
)


PARTNER_KINDS = ("replies", "reposts", "quotes")
"""How one account may have to do with another."""


def _partners(inside: str) -> "Fields[Partners]":
    return Fields(
        Field("accounts", "How many accounts these are.", "int", "accounts"),
        *(Field(kind, "Of all of them together.", "int", "records") for kind in PARTNER_KINDS),
        Field("value", _WORTH, "float", _UNIT),
        Field("part", _PART, "share"),
        Field("shown", "Those with most of them, `--top` accounts: one object each."),
        inside=inside,
    )


def _shown(inside: str) -> "Fields[Partner]":
    return Fields(
        Field("did", _WHO, heading="DID"),
        Field("handle", _WHO),
        Field("is_agent", "Whether it is on the panel; what others did counts, too.", "bool",
              heading="agent"),
        *(Field(kind, "How many there are of each kind.", "int", "records")
          for kind in PARTNER_KINDS),
        Field("value", _WORTH, "float", _UNIT),
        Field("part", _PART, "share", heading="of its value"),
        inside=inside,
    )  # fmt: skip


ADDRESSED, AMPLIFIED = _partners("replied_to"), _partners("amplified_by")
SHOWN_ADDRESSED, SHOWN_AMPLIFIED = _shown("replied_to.shown"), _shown("amplified_by.shown")
OBJECTS: Fields[Any] = Fields(
    Field("counts", "What its features count; none where the features have no counts."),
    Field("by_feature", "The parts of its value by feature ([By feature](methods.md#by-feature))."),
    Field("intervals", "How the interval of its rank was made, or why there is none."),
    Field("posts", "Its records with the largest values, `--top` of them: one object each."),
    Field("rest", "All its other records together; none where there is no split by record."),
    Field("no_post", "What popularity carries; none where there is no split by feature."),
    Field("no_record", "Why records have no values; none where they have."),
    Field("days", "One object for each UTC day of the window; empty for features from a file."),
    Field(
        "replied_to",
        "Whom it replied to, reposted and quoted, on the topic; none for features from a file. A "
        "post that replies to one account and quotes another is a reply. Quotes are 0 where "
        "`influence` does not have them.",
    ),
    Field("alone", "What it wrote to nobody else; none for features from a file."),
    Field(
        "amplified_by",
        "Who replied to it, reposted it and quoted it, on the topic; none for features from a "
        "file.",
    ),
)
