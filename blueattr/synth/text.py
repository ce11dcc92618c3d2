"""Make the identifiers, handles and posts of synthetic accounts.

Everything here is a function of (seed, number), so that no string is kept in memory.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

__all__ = ["HEAT", "LANGUAGES", "TOPICS", "IntArray", "Names", "contents", "unit"]

IntArray: TypeAlias = npt.NDArray[np.integer[Any]]
_Unsigned: TypeAlias = npt.NDArray[np.uint64]

LANGUAGES = ("en", "", "ja", "pt", "de", "es", "fr", "ko")
"""Languages of accounts; the empty one is of accounts that state no language."""

TOPICS = ("mythos", "trump-tariffs", "the-masters", "earth-day-climate", "wrestlemania")

HEAT = (
    (2.2, 1.6, 1.2, 1.0, 0.9, 1.1, 0.9, 0.7, 0.6, 0.6, 0.8, 0.9, 0.7, 0.8),
    (1.3, 1.1, 0.8, 0.7, 1.0, 1.2, 1.0, 0.9, 1.0, 0.6, 0.6, 1.2, 1.5, 1.1),
    (2.0, 2.4, 2.6, 3.4, 0.9, 0.4, 0.3, 0.25, 0.25, 0.3, 0.25, 0.2, 0.2, 0.2),
    (0.35, 0.35, 0.4, 0.4, 0.5, 0.5, 0.6, 0.7, 0.7, 0.8, 1.1, 1.6, 2.4, 3.6),
    (0.3, 0.3, 0.3, 0.4, 0.5, 0.7, 0.9, 1.1, 1.6, 3.4, 3.2, 0.8, 0.4, 0.3),
)
"""Relative heat of each topic on each day of a fortnight, with a peak far above the median."""

# For each language: starts, middles, ends. None may match a topic (a test checks it).
_GENERIC: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        (
            "Just finished ",
            "Still thinking about ",
            "Nobody warned me about ",
            "Honestly, ",
            "My neighbour explained ",
            "A short thread on ",
            'They called it "normal": ',
            "This morning: ",
            "Three years of ",
            "Finally some time for ",
        ),
        (
            "the garden behind the house",
            "a very old bicycle",
            "sourdough that refuses to rise",
            "the night train north",
            "my cat's opinion of Mondays",
            "a library card from 1987",
            "the second season",
            "soup, again",
            "learning to draw hands",
            "rain on a tin roof",
        ),
        (
            ".",
            "!",
            " and I have questions.",
            "… more tomorrow.",
            " 😂",
            "\nWhat do you think?",
            " 🌱✨",
            ", no notes.",
        ),
    ),
    "ja": (
        ("今日は", "やっと", "また", "朝から", "そういえば"),
        (
            "猫と散歩した",
            "新しい本を読んだ",
            "ラーメンを食べた",
            "絵を描いている",
            "雨が降ってきた",
        ),
        ("。", "…", "🍜", "\nおやすみなさい。", "✨"),
    ),
    "pt": (
        ("Hoje vi ", "Ainda não acredito em ", "Que saudade de ", "Bom dia com "),
        ("um café na esquina", "a chuva de manhã", "aquela canção antiga", "o ônibus lotado"),
        (".", "!", " ☕", ", né?"),
    ),
    "de": (
        ("Heute früh: ", "Endlich wieder ", "Ganz ehrlich, ", "Über "),
        ("Brötchen und Käse", "die Straße vor dem Büro", "ein schöner Ausflug", "größere Pläne"),
        (".", "!", " 🥨", ", wie schön."),
    ),
    "es": (
        ("Hoy pensé en ", "Por fin ", "¿Alguien más con ", "Qué bonito "),
        ("la playa en otoño", "un libro pequeño", "el mercado del barrio", "mañana sin café"),
        (".", "…", " 🌊", "?"),
    ),
    "fr": (
        ("Ce matin, ", "Toujours ", "Encore ", "Enfin "),
        ("le marché du coin", "une forêt brumeuse", "un vieux vélo", "le pain tout chaud"),
        (".", " !", " 🥐", "…"),
    ),
    "ko": (
        ("오늘은 ", "드디어 ", "아침부터 "),
        ("고양이와 산책했다", "새 책을 읽었다", "커피를 마신다"),
        (".", "!", " ☕"),
    ),
}
_GENERIC[""] = (
    ("", "🎨 ", "📷 ", "👀 "),
    ("wip", "ok", "same", "good morning", "lol", "mood"),
    ("", "!!", " 💀", " 🌸", "…"),
)
# Middles that name the topic, by language; a language without any uses the English ones.
_PHRASES: tuple[dict[str, tuple[str, ...]], ...] = (
    {
        "en": (
            "the Claude Mythos announcement",
            "what Mythos Preview can do",
            "Anthropic's Mythos model",
            "the Mythos benchmarks everyone quotes",
        ),
        "de": ("das neue Claude Mythos",),
    },
    {
        "en": (
            "Trump's tariffs and my grocery bill",
            "the tariff refunds",
            "reciprocal tariffs, explained badly",
            "a trade war nobody asked for",
        ),
        "de": ("Trumps Zölle und die Folgen",),
        "es": ("los aranceles de Trump",),
        "ja": ("ニュースは トランプ関税 です",),
    },
    {
        "en": (
            "the Masters on a Sunday afternoon",
            "that putt at Augusta National",
            "who gets the green jacket",
            "Amen Corner in the wind",
        ),
    },
    {
        "en": (
            "Earth Day at our school",
            "climate change and the river",
            "the climate crisis in one chart",
            "global warming, measured at home",
        ),
        "de": ("der Klimawandel im Garten", "die Klimakrise"),
        "pt": ("as mudanças climáticas", "o Dia da Terra"),
        "es": ("el cambio climático",),
        "ja": ("テーマは 気候変動 です",),
    },
    {
        "en": (
            "WrestleMania night one",
            "the WrestleMania main event",
            "my WrestleMania 42 predictions",
            "that entrance at WrestleMania",
        ),
        "ja": ("週末は WrestleMania を見た",),
    },
)
# The last group is for posts on no topic.
_TAGS = (
    ("ClaudeMythos", "MythosAI"),
    ("TrumpTariffs", "TradeWar", "tariffs"),
    ("TheMasters", "Masters2026"),
    ("EarthDay", "ClimateAction", "Klimakrise"),
    ("WrestleMania", "WM42"),
    ("photography", "art", "bookclub", "写真", "Fußball", "catsky"),
)
_TITLES = (
    ("Claude Mythos: what we know so far", "Inside the Mythos benchmarks"),
    ("Court hears case on Trump tariffs", "How a trade war reaches the supermarket"),
    ("Leaderboard from Augusta National", "A green jacket for a first-time winner"),
    ("Earth Day: ten ideas for cities", "Climate change shifts the blossom"),
    ("WrestleMania: results and reactions", "How to watch WrestleMania"),
    ("A guide to night trains", 'Review: "The Orchard"', "Ten soups for spring"),
)
_JOBS = ("weather", "quake", "news", "quote", "art")
_SYLLABLES = [c + v for c in "bdfghjklmnprstvz" for v in "aeiou"]

_BASE32 = np.frombuffer(b"234567abcdefghijklmnopqrstuvwxyz", np.uint8)
_WORD = (1 << 64) - 1


def _mix(x: _Unsigned) -> _Unsigned:
    # The finaliser of SplitMix64 (Steele, Lea & Flood 2014): every output bit depends on all input.
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _bits(seed: int, stream: int, index: IntArray) -> _Unsigned:
    """Hash numbers to 64 independent bits each, uint64 of the same shape."""
    key = (seed * 0x9E3779B97F4A7C15 + (stream + 1) * 0xD1B54A32D192ED03) & _WORD
    return _mix(_mix(index.astype(np.uint64) + np.uint64(key)) ^ np.uint64(key >> 7))


def unit(seed: int, stream: int, index: IntArray) -> npt.NDArray[np.float64]:
    """Hash numbers to [0, 1), float64 of the same shape."""
    return (_bits(seed, stream, index) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _strings(matrix: npt.NDArray[np.uint8]) -> pl.Series:
    """Read a matrix of ASCII codes, uint8 (n, width), as n strings, without a loop."""
    n, width = matrix.shape
    offsets = np.arange(n + 1, dtype=np.int64) * width
    data = pa.py_buffer(np.ascontiguousarray(matrix))
    array = pa.Array.from_buffers(pa.large_utf8(), n, [None, pa.py_buffer(offsets), data])
    return pl.Series(values=pl.from_arrow(array))


def _base32(values: _Unsigned, width: int) -> npt.NDArray[np.uint8]:
    shifts = np.arange(5 * (width - 1), -1, -5, dtype=np.uint64)
    return _BASE32[((values[:, None] >> shifts) & np.uint64(31)).astype(np.uint8)]


@dataclass(frozen=True, slots=True)
class Names:
    """Identifiers and traits of accounts, each a function of the seed and the account's number."""

    seed: int

    def did(self, agent: IntArray) -> pl.Series:
        """Return DIDs: ``did:plc:`` and 24 characters of base32."""
        halves = [_base32(half, 12) for half in self.did_numbers(agent)]
        prefix = np.broadcast_to(np.frombuffer(b"did:plc:", np.uint8), (agent.size, 8))
        return _strings(np.concatenate([prefix, *halves], axis=1))

    def tid(self, time_us: IntArray, agent: IntArray) -> pl.Series:
        """Return record keys (TIDs): 53 bits of µs since 1970, 10 bits of the author's clock."""
        return _strings(_base32(self.tid_numbers(time_us, agent), 13))

    def did_numbers(self, agent: IntArray) -> _Unsigned:
        """Return the numbers that the halves of DIDs spell: uint64 (2, n), 60 bits each."""
        return np.stack([_bits(self.seed, s, agent) >> np.uint64(4) for s in (1, 2)])

    def tid_numbers(self, time_us: IntArray, agent: IntArray) -> _Unsigned:
        """Return the numbers that record keys spell: uint64 (n,)."""
        clock = _bits(self.seed, 3, agent) & np.uint64(1023)
        return (time_us.astype(np.uint64) << np.uint64(10)) | clock

    def new(self, agent: IntArray) -> npt.NDArray[np.bool_]:
        """Return which accounts join in the window: 5.5 %."""
        return unit(self.seed, 4, agent) < 0.055

    def bot(self, agent: IntArray) -> npt.NDArray[np.bool_]:
        """Return which accounts are bots, labelled or not: 2 %."""
        return unit(self.seed, 5, agent) < 0.02

    def labelled(self, agent: IntArray) -> npt.NDArray[np.bool_]:
        """Return which accounts are bots and label themselves so: 45 % of bots."""
        return self.bot(agent) & (unit(self.seed, 6, agent) < 0.45)

    def language(self, agent: IntArray) -> npt.NDArray[np.int8]:
        """Return each account's language, as an index of `LANGUAGES`."""
        shares = np.cumsum([0.608, 0.117, 0.106, 0.028, 0.028, 0.05, 0.033])
        return np.searchsorted(shares, unit(self.seed, 7, agent), side="right").astype(np.int8)

    def interest(self, topic: int, agent: IntArray) -> npt.NDArray[np.float64]:
        """Return each account's interest in a topic: 0 for 55 %, 6.5 for 10 %, 1 on average."""
        u = unit(self.seed, 20 + topic, agent)
        return np.where(u < 0.55, 0.0, np.where(u < 0.9, 1.0, 6.5))

    def display(self, agent: IntArray) -> pl.Series:
        """Return pronounceable names, unique below 80⁴ = 41 million accounts."""
        # An affine map is a permutation here: 7368787 has no factor in common with 80⁴.
        number = (agent.astype(np.uint64) * np.uint64(7368787) + np.uint64(self.seed)) % np.uint64(
            80**4
        )
        table = np.frombuffer("".join(_SYLLABLES).encode(), np.uint8).reshape(-1, 2)
        digits = [(number // np.uint64(80**k) % np.uint64(80)).astype(np.int64) for k in range(4)]
        return _strings(np.concatenate([table[d] for d in digits], axis=1))

    def handle(self, agent: IntArray) -> pl.Series:
        """Return handles: nine in ten on bsky.social, some of bots, 0.34 % of bridges.

        All end in ``.test``, a top level that nobody can have (RFC 2606): no account of the network
        is meant. Rules for handles are matched without it.
        """
        style, extra = unit(self.seed, 8, agent), unit(self.seed, 9, agent)
        digits = style < np.where(self.new(agent), 0.118, 0.035)
        frame = pl.DataFrame({"name": self.display(agent)}).with_columns(
            job=pl.Series(_JOBS).gather((extra * len(_JOBS)).astype(np.int64)),
            number=pl.Series((100 + extra * 1900).astype(np.int64)).cast(pl.String),
            serial=pl.Series((10**8 + extra * 9e8).astype(np.int64)).cast(pl.String),
            top=pl.Series(["com", "org", "net"]).gather((extra * 3).astype(np.int64)),
            bot=self.bot(agent) & (style > 0.45),
            digits=digits,
            style=style,
            extra=extra,
        )
        name, style_, extra_ = pl.col("name"), pl.col("style"), pl.col("extra")
        alike = (
            pl.when("bot")
            .then(
                pl.when(style_ < 0.65)
                .then(pl.format("{}-bot.bsky.social", name))
                .when(style_ < 0.8)
                .then(pl.format("{}bot.{}.example.{}", "job", name, "top"))
                .when(style_ < 0.95)
                .then(pl.format("{}-rss.bsky.social", name))
                .otherwise(pl.format("{}.mirror.example.{}", name, "top"))
            )
            .when(extra_ < 0.0034)
            .then(pl.format("{}.social.example.{}.ap.brid.gy", name, "top"))
            .when(pl.col("digits") & (extra_ < 0.05))
            .then(pl.format("{}{}.bsky.social", name, "serial"))
            .when("digits")
            .then(pl.format("{}{}.bsky.social", name, "number"))
            .when(style_ > 0.91)
            .then(pl.format("{}.example.{}", name, "top"))
            .otherwise(pl.format("{}.bsky.social", name))
        )
        return frame.select(pl.format("{}.test", alike)).to_series()


class _Table:
    """Strings in groups, drawn by group and random number."""

    def __init__(self, groups: list[tuple[str, ...]]) -> None:
        self._sizes = np.array([len(g) for g in groups])
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._words = pl.Series([word for g in groups for word in g])

    def draw(self, group: IntArray, number: IntArray) -> pl.Series:
        return self._words.gather(self._starts[group] + number % self._sizes[group])


_N = len(LANGUAGES)
_START, _MIDDLE, _END = (_Table([_GENERIC[lang][k] for lang in LANGUAGES]) for k in range(3))
_PHRASE = _Table([p.get(lang, p["en"]) for p in _PHRASES for lang in LANGUAGES])
_TAG, _TITLE = _Table(list(_TAGS)), _Table(list(_TITLES))


def contents(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the texts, tags and titles of the posts of a batch.

    Parameters
    ----------
    frame
        Rows of `blueattr.synth.event_batches` that create posts and replies. The columns
        ``language``, ``topic``, ``style`` and ``words`` are used.

    Returns
    -------
    pl.DataFrame
        ``text``, ``tag`` (null if there is none), ``in_text`` (the tag ends the text; else it is in
        the tags field) and ``title`` of an external link (null if there is none). If a topic's post
        has a tag or a title, only that names the topic.
    """
    language = frame["language"].to_numpy().astype(np.int64)
    topic = frame["topic"].to_numpy().astype(np.int64)
    style = frame["style"].to_numpy()
    words = frame["words"].to_numpy()
    named = (topic >= 0) & (style == 0)
    group = np.where(topic >= 0, topic, len(TOPICS))
    return pl.DataFrame(
        {
            "start": _START.draw(language, words),
            "middle": _MIDDLE.draw(language, words >> 6),
            "phrase": _PHRASE.draw(np.maximum(topic, 0) * _N + language, words >> 6),
            "named": named,
            "end": _END.draw(language, words >> 12),
            "tag": _TAG.draw(group, words >> 18),
            "title": _TITLE.draw(group, words >> 18),
            "style": style,
        }
    ).select(
        text=pl.concat_str(
            "start",
            # A space, because a keyword is matched at word boundaries and Japanese has none.
            pl.when("named").then(pl.format(" {} ", "phrase")).otherwise("middle"),
            "end",
            pl.when(pl.col("style") == 1).then(pl.format(" #{}", "tag")).otherwise(pl.lit("")),
        )
        .str.strip_chars_start()
        .str.replace_all("  ", " ", literal=True),
        tag=pl.when(pl.col("style").is_in([1, 2])).then("tag"),
        in_text=pl.col("style") == 1,
        title=pl.when(pl.col("style") == 3).then("title"),
    )
