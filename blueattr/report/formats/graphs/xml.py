"""Text from the network in XML: what no XML may hold, and what would be markup."""

import re
from xml.sax.saxutils import escape

from blueattr.report.escape import HIDDEN

__all__ = ["NAME_CHARACTERS", "NOT_PLAIN", "name_token", "xml_text"]


NOT_PLAIN = f'{HIDDEN}|[\ufffe\uffff&<>"]'
"""Regular expression (Python's and Rust's dialect) of what `xml_text` changes; halves apart."""

NAME_CHARACTERS = "A-Za-z0-9._:-"
"""What a name token of XML has, as far as ASCII goes."""


# Beside what is hidden: two characters that no XML has, and halves of characters.
_NOT_XML = re.compile(rf"{HIDDEN}|[\ud800-\udfff\ufffe\uffff]")
_QUOTES = {'"': "&quot;"}
_OTHER = re.compile(rf"[^{NAME_CHARACTERS}]|_(?=x[0-9A-F]{{4,6}}_)")


def xml_text(text: str) -> str:
    r"""Return text for the content of an element or the value of an attribute.

    Control characters and others that hide, and halves of characters, are spelled out, as in
    ``\x1b``; markup is escaped.

    Examples
    --------
    >>> xml_text('a<b> & "c"\x00')
    'a&lt;b&gt; &amp; &quot;c&quot;\\x00'
    """
    if _NOT_XML.search(text):
        text = _NOT_XML.sub(lambda found: _spelled(found[0]), text)
    return escape(text, _QUOTES)


def name_token(text: str) -> str:
    """Return an identifier that every reader takes: a name token of XML.

    DIDs mostly are such tokens and stay what they are. Other characters are written as numbers;
    no two texts become one.

    Examples
    --------
    >>> name_token("did:plc:abc"), name_token("did:web:localhost%3A80")
    ('did:plc:abc', 'did:web:localhost_x0025_3A80')
    """
    return _OTHER.sub(lambda found: f"_x{ord(found[0]):04X}_", text) or "_x0000_"


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
