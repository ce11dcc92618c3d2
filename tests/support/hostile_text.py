"""Text that does harm where it is not escaped, and what may be shown of any text."""

import unicodedata

HOSTILE = [
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    "a\rb\nc\td\x00e\x7f",
    "\u202egnp.exe\u202c",
    "\u2066x\u2069\u200e\u200f\u061c",
    "zero\u200bwidth\ufeff\u200d",
    "line\u2028para\u2029",
    "\ud800 lone \udfff",
    "[bold]x[/]",
    "[/nonsense]",
    "[link=file:///etc/passwd]x[/link]",
    ":smile:",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "\u200b=1",
    "＝1",  # noqa: RUF001 - fullwidth on purpose
    '"quoted", with comma',
    "日本語 עברית 🦋",
    "\U000e0041tag",
]


def harmless(character: str) -> bool:
    """By Unicode's own categories: no control, format, surrogate or separator but the space."""
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
