"""What somebody is told: a notice, as data for programs and as text for people."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

__all__ = ["Notification", "harmless", "new_notice"]


_LONGEST = 500
# What services read as mentions, links or markup.
_MEANING = str.maketrans(
    {"@": "(at)", "<": "(", ">": ")", "`": "'", "*": "", "[": "(", "]": ")", "|": "/"}
)


@dataclass(frozen=True, slots=True)
class Notification:
    """A notice.

    Parameters
    ----------
    key
        Its name among notices that are given again while they were not delivered: 32 hex digits.
    kind
        ``gap``, ``failure``, ``source-down``, ``report``, ``change-point`` or ``condition``.
    title, text
        For people: a line, and a few; see `harmless` for what strangers wrote in them.
    data
        JSON values, for programs.
    """

    key: str
    kind: str
    title: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


def new_notice(kind: str, title: str, text: str, data: Mapping[str, Any]) -> Notification:
    """Make a notice with a key of its own, whose words do nothing where they are shown."""
    return Notification(uuid4().hex, kind, harmless(title), harmless(text, lines=True), data)


def harmless(text: str, *, lines: bool = False) -> str:
    r"""Make words safe to show: no control, nothing that mentions, links or marks up.

    Parameters
    ----------
    text
        Anything.
    lines
        Whether line ends stay.

    Examples
    --------
    >>> harmless("<!channel> @all \x1b[31mred\n")
    '(!channel) (at)all (31mred'
    """
    kept = "".join(
        character
        if (lines and character == "\n") or unicodedata.category(character)[0] not in "CZ"
        else " "
        for character in text
    ).translate(_MEANING)
    kept = re.sub(r" +", " ", kept).strip()
    return kept if len(kept) <= _LONGEST else f"{kept[: _LONGEST - 1]}…"
