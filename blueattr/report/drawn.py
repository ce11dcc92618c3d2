"""How imported records were chosen, as every report says it."""

from blueattr.provenance import FoundShare, Provenance
from blueattr.report.fields import Field, Fields
from blueattr.report.tables import Json

__all__ = ["COMPLETENESS", "DRAWN", "FOUND", "KINDS", "drawn_json", "drawn_warnings"]


_SENTENCES = {
    "users": "The imported records are all that some users did; nobody else is in them.",
    "keywords": "The imported or collected records come from a search for words: who did not "
    "match is not in them. There are no bystanders, so that --panel involved is the panel to ask "
    "about, and samples are samples of those who matched.",
}


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


def drawn_warnings(origin: Provenance) -> tuple[str, ...]:
    """Return sentences on how imported records were chosen, and on what their formats lack."""
    said = (_SENTENCES[way] for way in origin.drawn if way in _SENTENCES)
    return (*said, *origin.import_remarks)


def drawn_json(origin: Provenance) -> dict[str, Json]:
    """Return the field that says how imported records were chosen; none where there are none."""
    chosen = DRAWN.json(origin) if origin.drawn else {}
    return chosen | (COMPLETENESS.json(origin) if origin.completeness else {})
