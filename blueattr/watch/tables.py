"""The tables of a picture, as the app and the page show them."""

from collections.abc import Callable, Sequence

from blueattr.provenance import Gap
from blueattr.report.escape import safe_text
from blueattr.report.numbers import count, percent
from blueattr.watch.picture import GroupShare, MovingPost, Picture
from blueattr.watch.words import (
    account,
    mark_sentence,
    names_of_tiers,
    said,
    share_words,
    time_in,
)

__all__ = ["EMPTY", "NUMBERS", "VIEWS", "by_share", "table_of"]


VIEWS = ("accounts", "rising", "posts", "groups", "changes")
"""The tables."""


NUMBERS = frozenset({"share", "before", "points", "accounts", "involved"})
"""Headings of columns that hold numbers."""


EMPTY = {
    "accounts": "nobody to name so far",
    "rising": "nobody to name rose in this time",
    "posts": "no post to show so far",
    "groups": "nobody takes part yet",
}
"""What stands in a table without rows."""


_LONGEST_TEXT = 300
_LONGEST_AUTHOR = 24
_Rows = tuple[tuple[str, ...], Sequence[tuple[str, ...]]]


def table_of(picture: Picture, view: str) -> tuple[tuple[str, ...], Sequence[tuple[str, ...]]]:
    """Return the headings and rows of a table.

    Parameters
    ----------
    picture
        Any.
    view
        One of `VIEWS`.

    Returns
    -------
    tuple
        Headings, and rows of harmless text.
    """
    return _TABLES[view](picture)


def by_share(picture: Picture) -> list[MovingPost]:
    """Return the posts, that which carries most first."""
    return sorted(picture.posts, key=lambda post: -post.share)


def _accounts(picture: Picture) -> _Rows:
    return ("share", "before", "account that carries most"), [
        (share_words(one.share), _before(one.before), account(one.did, one.handle))
        for one in picture.leaders
    ]


def _rising(picture: Picture) -> _Rows:
    return ("points", "share", "before", "account that rose most"), [
        (
            f"{100 * (one.share - (one.before or 0.0)):+.2f}",
            share_words(one.share),
            _before(one.before),
            account(one.did, one.handle),
        )
        for one in picture.risers
    ]


def _before(share: float | None) -> str:
    return "new" if share is None else share_words(share)


def _posts(picture: Picture) -> _Rows:
    return ("share", "time", "account", "post that moved its share"), [
        (
            share_words(one.share),
            time_in(one.time, picture.end, picture.choice.window),
            account(one.did, one.handle, _LONGEST_AUTHOR),
            said(one.text, _LONGEST_TEXT),
        )
        for one in by_share(picture)
    ]


def _groups(picture: Picture) -> _Rows:
    """Return the groups; the tiers where there are none."""
    if picture.groups:
        return ("share", "accounts", "involved", "group"), [_group(one) for one in picture.groups]
    return ("share", "accounts", "involved", "tier"), [
        (percent(one.share), count(one.agents), count(one.agents_involved), name)
        for name, one in zip(names_of_tiers(picture), picture.tiers, strict=True)
    ]


def _group(one: GroupShare) -> tuple[str, ...]:
    name = safe_text(one.group, 60)
    return percent(one.share), count(one.agents), count(one.agents_involved), name


def _changes(picture: Picture) -> _Rows:
    marks = [(mark_sentence(one, picture),) for one in picture.marks] or [
        ("nothing changed so far",)
    ]
    notes = [(f"Note: {safe_text(one, _LONGEST_TEXT)}",) for one in picture.notes]
    gaps = [(_gap(one, picture),) for one in picture.gaps]
    return ("what changed, and who contributed most",), [*marks, *gaps, *notes]


def _gap(gap: Gap, picture: Picture) -> str:
    why = safe_text(gap.reason, _LONGEST_TEXT)
    start, end = (time_in(one, picture.end, picture.choice.window) for one in (gap.start, gap.end))
    return f"Gap from {start} to {end}: {why}"


_TABLES: dict[str, Callable[[Picture], _Rows]] = {
    "accounts": _accounts,
    "rising": _rising,
    "posts": _posts,
    "groups": _groups,
    "changes": _changes,
}
