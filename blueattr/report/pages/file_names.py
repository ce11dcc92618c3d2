"""Names of the files of a report: two names never give one file, on any system of files."""

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.report.figures.exhibit import topic_title

if TYPE_CHECKING:
    from blueattr.provenance import Provenance

__all__ = ["file_name", "report_name", "slug"]


_LONGEST = 60
_TABLE = "(?:csv|tsv|parquet|json|jsonl|ndjson|arrow|feather|ipc)"


def slug(text: str) -> str:
    """Make a text fit for a file and an address.

    >>> slug("Trump/Tariffs …"), slug("../..")
    ('trump-tariffs', 'report')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST] or "report"


def file_name(text: str) -> str:
    """Return a name for a file that no other text has, however other texts are named.

    A text that is fit for a file stays as it is; the extension of a table follows a dash. Any other
    is written as `slug` does, and its hash follows: of names that differ in letter case or in the
    form of an accent, some systems make one file.

    >>> file_name("ai_art"), file_name("agents.csv"), file_name("AI art")
    ('ai_art', 'agents-csv', 'ai-art-c08f6cd2')
    """
    plain = re.fullmatch(rf"([a-z0-9][a-z0-9_-]*?)(?:(.){_TABLE})?", text)
    if plain and plain[2] != "-" and len(text) <= _LONGEST:
        return text.replace(".", "-")
    return _hashed(slug(text), text)


def _hashed(name: str, text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: _LONGEST - 1 - len(digest)]}-{digest}"


def report_name(origin: "Provenance") -> str:
    """Return how the names of the files of a report begin: what it is about.

    Topics of expressions, which have no name of their own, are told apart by them.
    """
    topic = origin.topic
    if topic is not None and topic.patterns and topic.name == "match":
        expressions = "\n".join(topic.patterns)
        return _hashed(f"match-{slug(expressions)}", expressions)
    if topic is not None:
        return file_name(topic.name)
    if origin.window is not None or origin.source == "in memory":
        return slug(topic_title(origin))
    return file_name(str(Path(origin.source)))
