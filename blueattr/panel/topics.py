"""Topics: what they are called and which posts they match."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blueattr.errors import InputError, UnknownTopicError, UsageError
from blueattr.panel import EVERY_TOPIC
from blueattr.panel.influence import ALL as ALL_KINDS
from blueattr.panel.influence import Influence
from blueattr.provenance import Provenance, TopicInfo, Window
from blueattr.store.matching import Rule
from blueattr.suggest import did_you_mean
from blueattr.toml_file import TomlFile

# A list of topics needs neither a store nor frames.
if TYPE_CHECKING:
    import polars as pl

    from blueattr.store.database import Store

__all__ = [
    "ALL",
    "CRITERION_DAYS",
    "CRITERION_PARTICIPANTS",
    "Topic",
    "TopicDays",
    "choose",
    "load",
    "named",
    "shipped",
]


ALL = "all"
_COMMAND_LINE = "command line"
"""The name that stands for a run without a topic."""


# Scripts that are written without spaces between words: a keyword that ends in one of them has no
# word boundary there, and a keyword beside one of them is at a word's boundary.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
# Marks that end an emoji, such as the one that makes a heart red, do not belong to a word.
_EMOJI_ENDS = r"[\x{FE00}-\x{FE0F}\x{20E3}]"
_BEFORE = rf"(?:^|[^\pL\pM\pN_]|{_UNSPACED.pattern}|{_EMOJI_ENDS})"
_AFTER = rf"(?:$|[^\pL\pM\pN_]|{_UNSPACED.pattern})"
# Hashtags in texts are found as Bluesky's own clients find them (TAG_REGEX in rich-text/util.ts of
# @atproto/api): one begins the text or follows white space, as JavaScript knows it, and goes on to
# white space or an invisible mark; punctuation at its end does not belong to it.
_SPACE = r"\t\n\x{000B}\f\r\pZ\x{FEFF}"
_BEFORE_TAG = rf"(?:^|[{_SPACE}])"
_AFTER_TAG = rf"\pP*(?:$|[{_SPACE}\x{{00AD}}\x{{2060}}\x{{200B}}-\x{{200D}}\x{{20E2}}])"
_KEYS = {"title", "category", "keywords", "hashtags", "patterns"}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and how it is matched.

    Parameters
    ----------
    name
        What ``--topic`` takes.
    title, category
        For people.
    keywords
        Matched as whole words in texts, link titles and, without their spaces, hashtags; letter
        case does not count, white space matches any white space.
    hashtags
        Without ``#``; matched as a whole against the hashtags of a post, and as ``#tag`` in its
        text, where it begins the text or follows white space.
    patterns
        Regular expressions in RE2's syntax, matched anywhere in texts, link titles and hashtags;
        letter case does not count.
    origin
        The file that defines it, or the command line.
    """

    name: str
    title: str
    category: str = ""
    keywords: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    origin: str = "blueattr"

    @property
    def info(self) -> TopicInfo:
        """The topic as reports carry it."""
        return TopicInfo(
            self.name, self.title, self.category, self.keywords, self.hashtags, self.patterns
        )

    def described(self) -> str:
        """Say what is searched for, as in a message that nothing was found."""
        if self.origin == _COMMAND_LINE:
            return f"the expression {' or '.join(map(repr, self.patterns))}"
        words = (("keywords", self.keywords), ("hashtags", self.hashtags),
                 ("patterns", self.patterns))  # fmt: skip
        parts = [f"{label} {', '.join(given)}" for label, given in words if given]
        return f"{self.name!r} ({'; '.join(parts)})"

    @property
    def rule(self) -> Rule:
        """The topic as the store matches it."""
        return Rule(self.pattern, self.hint, tuple(self.tags), self.tag_pattern)

    @property
    def pattern(self) -> str:
        """One RE2 expression for texts and link titles (in NFC)."""
        # Each kind of boundary is written once for all keywords that have it: an expression with
        # the boundaries' classes in every keyword is too large for RE2's fast automaton, and takes
        # sixty times as long.
        words: dict[tuple[str, str], list[str]] = {}
        for keyword in map(_normal, self.keywords):
            words.setdefault(_boundaries(keyword), []).append(_spaced(keyword))
        parts = [f"{start}(?:{'|'.join(same)}){end}" for (start, end), same in words.items()]
        if self.hashtags:
            tags = "|".join(map(_spaced, self.hashtags))
            parts.append(f"{_BEFORE_TAG}[#\uff03](?:{tags}){_AFTER_TAG}")
        parts += [f"(?:{pattern})" for pattern in self.patterns]
        return "(?i)" + "|".join(parts)

    @property
    def hint(self) -> str:
        """A cheap RE2 expression that matches at least whatever `pattern` does."""
        parts = [_spaced(word) for word in (*self.keywords, *self.hashtags)]
        return "(?i)" + "|".join([*parts, *(f"(?:{pattern})" for pattern in self.patterns)])

    @property
    def tags(self) -> list[str]:
        """Hashtags that match as a whole, in NFC; letter case does not count."""
        names = [*self.hashtags, *(re.sub(r"\s+", "", keyword) for keyword in self.keywords)]
        return sorted({_normal(name) for name in names})

    @property
    def tag_pattern(self) -> str | None:
        """One RE2 expression for hashtags, or None where only whole ones match."""
        return "(?i)" + "|".join(f"(?:{p})" for p in self.patterns) if self.patterns else None


CRITERION_PARTICIPANTS = 1000
CRITERION_DAYS = 10
"""Of 14: the published criterion for a topic that can be studied."""


@dataclass(frozen=True, slots=True)
class TopicDays:
    """Participants and events of one topic by day, and whether the published criterion holds.

    Parameters
    ----------
    days
        ``day``, ``participants``, ``events``; every day of the window.
    days_over
        Days with at least 1,000 participants; the criterion asks for 10 of 14.
    influence
        Whether what quotes a post of the topic belongs to it.
    provenance
        Where the records of the window come from.
    """

    topic: Topic
    window: Window
    days: "pl.DataFrame"
    days_over: int
    influence: Influence = ALL_KINDS
    provenance: Provenance = field(default_factory=lambda: Provenance(""))

    @property
    def holds(self) -> bool:
        """Whether at least 1,000 took part on each of at least 10 days."""
        return self.days_over >= CRITERION_DAYS


def shipped() -> dict[str, Topic]:
    """Return the topics that come with blueattr, by name."""
    with resources.as_file(resources.files("blueattr.data") / "topics.toml") as path:
        return _parse(TomlFile(path, "the topics").content, "blueattr")


def shipped_rules() -> tuple[Rule, ...]:
    """Return the rules of the shipped topics, which an ingest hands to the store."""
    return tuple(topic.rule for topic in shipped().values())


def load(path: Path | None = None) -> dict[str, Topic]:
    """Return the shipped topics and those of a user's file, which win by name.

    Parameters
    ----------
    path
        A TOML file with tables ``[topics.NAME]`` of ``title``, ``category``, ``keywords``,
        ``hashtags`` and ``patterns``, each optional but one of the last three.

    Raises
    ------
    InputError
        The file cannot be read, is not TOML, or defines a topic wrongly.
    """
    topics = shipped()
    if path is None:
        return topics
    return topics | _parse(TomlFile(path, "the topics").content, str(path))


def choose(
    store: "Store", name: str | None, match: list[str] | None = None, path: Path | None = None
) -> Topic | None:
    """Return the topic that a user asked for, its patterns checked; None for all events.

    Parameters
    ----------
    store
        Whose engine must accept the patterns.
    name
        A topic's name in any letter case, ``"all"``, or None with `match`.
    match
        Regular expressions that make a topic of their own, called `name` or ``"match"``.
    path
        A user's file of topics.

    Raises
    ------
    UnknownTopicError
        No topic of that name.
    PatternError
        The engine refuses a pattern.
    UsageError
        Neither a name nor an expression is given, or several names are.
    """
    topic = named(name, match, path)
    if topic is not None:
        for pattern in topic.patterns:
            store.check_pattern(pattern)
        store.check_pattern(topic.pattern)
    return topic


def named(
    name: str | None, match: list[str] | None = None, path: Path | None = None
) -> Topic | None:
    """Return the topic that a user asked for, its patterns not checked yet: see `choose`."""
    name = None if name is None else name.strip().lower()
    if match:
        label = name if name not in (None, ALL) else "match"
        topic = Topic(str(label), f"posts matching {', '.join(match)}", patterns=tuple(match),
                      origin=_COMMAND_LINE)  # fmt: skip
    elif name == ALL:
        return None
    elif name is None:
        raise UsageError("name a topic: --topic NAME, --topic all, or --match REGEX")
    else:
        topics = load(path)
        if name == EVERY_TOPIC or "," in name:
            raise UsageError(
                f"this asks about one topic, not {name}; name one, or ask about several at once "
                "with compare-scales or report"
            )
        if name not in topics:
            hint = did_you_mean(name, [*topics, ALL], "see: blueattr topics list")
            raise UnknownTopicError(f"there is no topic {name!r}; {hint}")
        topic = topics[name]
    return topic


def _parse(content: Mapping[str, Any], origin: str) -> dict[str, Topic]:
    tables = content.get("topics")
    if not isinstance(tables, dict) or not tables:
        raise InputError(f"{origin} defines no topics; it needs tables such as [topics.mine]")
    topics = {}
    for name, table in tables.items():
        where = f"topic {name!r} in {origin}"
        if not isinstance(table, dict):
            raise InputError(f"{where} is not a table")
        for key in table.keys() - _KEYS:
            hint = did_you_mean(key, _KEYS, f"known: {', '.join(sorted(_KEYS))}")
            raise InputError(f"{where} has an unknown key {key!r}; {hint}")
        if name == ALL or not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
            raise InputError(f"{where}: a name is small letters, digits, - and _, and not 'all'")
        lists = {}
        for key in ("keywords", "hashtags", "patterns"):
            values = table.get(key, [])
            if not isinstance(values, list) or not all(
                isinstance(v, str) and v.strip().strip("#\uff03").strip() for v in values
            ):
                raise InputError(f"{where}: {key} must be a list of texts that are not empty")
            lists[key] = tuple(values)
        if not any(lists.values()):
            raise InputError(f"{where} matches nothing: give it keywords, hashtags or patterns")
        title, category = table.get("title", name), table.get("category", "")
        if not (isinstance(title, str) and isinstance(category, str)):
            raise InputError(f"{where}: title and category must be texts")
        hashtags = tuple(tag.strip().lstrip("#\uff03") for tag in lists["hashtags"])
        topics[name] = Topic(
            name, title, category, lists["keywords"], hashtags, lists["patterns"], origin
        )
    return topics


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _boundaries(keyword: str) -> tuple[str, str]:
    """Return RE2 expressions for what must be around a keyword for it to be a whole word."""
    start = "" if _UNSPACED.match(keyword[0]) else _BEFORE
    end = "" if _UNSPACED.match(keyword[-1]) else _AFTER
    return start, end


def _spaced(text: str) -> str:
    return r"[\s\pZ]+".join(re.escape(part) for part in _normal(text).split())
