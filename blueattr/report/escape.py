"""Makes text from the network harmless for its readers: terminal, spreadsheet, JSON parser."""

import re
from unicodedata import category

__all__ = ["FORMULA", "HIDDEN", "guard_cell", "safe_json", "safe_text"]


# Controls (C0, DEL, C1) move the cursor or start an escape sequence; separators break lines;
# bidirectional controls reorder what is read; annotation and tag characters are invisible.
_DANGEROUS = (
    r"\x00-\x1f\x7f-\x9f"
    r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    r"\ufff9-\ufffb\U000e0000-\U000e007f"
)
# Zero-width characters make two names look like one. They belong to some scripts and to emoji, so
# files keep them (a spreadsheet may skip them on its way to a formula) and terminals show them.
_INVISIBLE = r"\u00ad\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff"


HIDDEN = f"[{_DANGEROUS}]"
"""Regular expression (Python's and Rust's dialect) of what no text cell of a file contains."""


FORMULA = rf"^[\s{_DANGEROUS}{_INVISIBLE}]*[=+\-@＝＋－＠]|^[\t\r\n]"  # noqa: RUF001 - spreadsheets take the fullwidth signs too
"""Regular expression (Python's and Rust's dialect) of cells that a spreadsheet would execute."""


_FORMULA = re.compile(FORMULA)
_FILE = re.compile(rf"[{_DANGEROUS}\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Unicode's controls, format characters, surrogates, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _spelled(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def _visible(match: re.Match[str]) -> str:
    return _spelled(match[0])


def safe_text(text: str, limit: int | None = 400, *, ascii_only: bool = False) -> str:
    r"""Make text safe to print on a terminal.

    Parameters
    ----------
    text
        Anything.
    limit
        Longest text shown whole, in characters; a longer one ends in a marker that says how many
        characters were left out. None shows everything.
    ascii_only
        Also escape everything outside ASCII, for terminals that cannot show it.

    Returns
    -------
    str
        The text on one line, in which control characters, escape sequences, bidirectional
        controls, zero-width characters, line separators and lone surrogates are spelled out, as
        in ``\x1b``, ``\n`` or ``\u202e``.

    Examples
    --------
    >>> safe_text("\x1b[31mred\u202e")
    '\\x1b[31mred\\u202e'
    >>> safe_text("aaaaaa", limit=4)
    'aaaa [2 more characters]'
    """
    more = ""
    if limit is not None and len(text) > limit:
        more = f" [{len(text) - limit:,} more characters]"
        text = text[:limit]
    characters = (
        _spelled(c) if category(c) in _UNPRINTABLE or (ascii_only and not c.isascii()) else c
        for c in text
    )
    return "".join(characters) + more


def guard_cell(text: str) -> str:
    r"""Make a text cell of a CSV file harmless in a spreadsheet and in a terminal.

    Parameters
    ----------
    text
        Anything; numbers are never passed here.

    Returns
    -------
    str
        The whole text, control and bidirectional characters spelled out, with a leading
        apostrophe where a spreadsheet would take it for a formula.

    Examples
    --------
    >>> guard_cell("=HYPERLINK(1)")
    "'=HYPERLINK(1)"
    >>> guard_cell("did:plc:abc")
    'did:plc:abc'
    """
    guarded = "'" + text if _FORMULA.search(text) else text
    return _FILE.sub(_visible, guarded)


def safe_json(encoded: str) -> str:
    """Spell out, in JSON's own escapes, what a terminal or browser might interpret.

    Parameters
    ----------
    encoded
        JSON text in which only strings can contain such characters.

    Returns
    -------
    str
        JSON that parses to the same value. Only a lone surrogate, which no strict parser
        accepts, becomes its visible spelling instead.
    """

    def units(match: re.Match[str]) -> str:
        # Newlines between values are the encoder's own: inside strings it has escaped them.
        if match[0] == "\n":
            return "\n"
        utf16 = match[0].encode("utf-16-be")
        return "".join(f"\\u{utf16[i : i + 2].hex()}" for i in range(0, len(utf16), 2))

    visible = _SURROGATE.sub(lambda match: "\\" + _visible(match), encoded)
    return re.sub(HIDDEN, units, visible)
