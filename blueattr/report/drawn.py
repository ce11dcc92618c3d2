"""How imported records were chosen, as every report says it."""

from blueattr.provenance import CountedPosts, FoundShare, Provenance
from blueattr.report.fields import Field, Fields
from blueattr.report.numbers import listed, plural
from blueattr.report.tables import Json

__all__ = [
    "COMPLETENESS",
    "COUNTED",
    "COUNTED_POSTS",
    "DRAWN",
    "FOUND",
    "KINDS",
    "drawn_json",
    "drawn_warnings",
]


_SENTENCES = {
    "users": "The imported records are all that some users did; nobody else is in them.",
    "keywords": "Some of the records come from a search for words: who did not match is not in "
    "them.",
}
_SEARCHED = (
    "The records come from a search for words: who did not match is not in them. There are no "
    "bystanders, so that those involved are asked about unless --panel says otherwise, and samples "
    "are samples of those who matched."
)


DRAWN: Fields[Provenance] = Fields(
    Field(
        "drawn",
        "How [imported](import.md) records were chosen: `network`, `users`, `keywords` or "
        "`unknown`, in a list; left out where nothing was imported.",
        get=lambda origin: list(origin.drawn),
    ),
)


_OF_KIND = "How many of the interactions of this kind were found."
KINDS: Fields[Provenance] = Fields(
    Field("replies", _OF_KIND),
    Field("reposts", _OF_KIND),
    Field("quotes", _OF_KIND),
    inside="completeness",
)
FOUND: Fields[FoundShare] = Fields(
    Field("found", "Of a kind: those that were found.", "int", "interactions"),
    Field("counted", "Of a kind: those that the network counts.", "int", "interactions"),
)
COMPLETENESS: Fields[Provenance] = Fields(
    Field(
        "completeness",
        "Of the window's [collected](collect.md) posts, an object for each kind of interaction; "
        "left out where nothing was collected.",
        json=lambda origin: {one.kind: FOUND.json(one) for one in origin.completeness},
    ),
)


COUNTED_POSTS: Fields[CountedPosts] = Fields(
    Field("posts", "Posts and replies that c is about.", "int", "posts"),
    Field(
        "with_counts",
        "How many of them have counts.",
        "int",
        "posts",
        get=lambda counted: counted.counted,
    ),
    Field(
        "kinds",
        "What is counted: `replies`, `reposts`, `quotes`, in a list.",
        get=lambda counted: list(counted.kinds),
    ),
    Field("first", "When it was counted, at the earliest; none where no post has counts.", "time"),
    Field("last", "When it was counted, at the latest; none where no post has counts.", "time"),
    inside="counts",
)
COUNTED: Fields[Provenance] = Fields(
    Field(
        "counts",
        "The posts whose [counts](import.md#counts) c is made of, in an object; left out where c "
        "is made of events.",
        json=lambda origin: None if origin.counted is None else COUNTED_POSTS.json(origin.counted),
    ),
)


def drawn_warnings(origin: Provenance) -> tuple[str, ...]:
    """Return sentences on how imported records were chosen, and on what their formats lack."""
    sentences = _SENTENCES | ({"keywords": _SEARCHED} if origin.is_searched else {})
    said = (sentences[way] for way in origin.drawn if way in sentences)
    return (*said, *_counted_warning(origin), *origin.import_remarks)


def drawn_json(origin: Provenance) -> dict[str, Json]:
    """Return the field that says how imported records were chosen; none where there are none."""
    chosen = DRAWN.json(origin) if origin.drawn else {}
    return (
        chosen
        | (COMPLETENESS.json(origin) if origin.completeness else {})
        | (COUNTED.json(origin) if origin.counted is not None else {})
    )


def _counted_warning(origin: Provenance) -> tuple[str, ...]:
    """Say that c is made of counts, and what these cannot tell."""
    counted = origin.counted
    if counted is None:
        return ()
    posts = plural(counted.posts, "post")
    if counted.first is None or counted.last is None:
        return (f"c is 0 for everyone: the table has counts, but of none of these {posts}.",)
    first, last = (f"{moment:%Y-%m-%d}" for moment in (counted.first, counted.last))
    day = first if first == last else f"{first} to {last}"
    lacking = [kind for kind in origin.influence if kind not in counted.kinds]
    return (
        f"c is made of counts of {listed(counted.kinds)} that the table gives of "
        f"{counted.counted:,} of {posts}, as of {day}: how often, whenever it was, and not by "
        "whom. Nobody is known who amplified, and what authors and bots did with posts cannot be "
        "taken off." + (f" There are no counts of {listed(lacking)}." if lacking else ""),
    )
