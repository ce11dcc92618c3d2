"""Communities of agents in a report: their fields and JSON."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields

if TYPE_CHECKING:
    from blueattr.panel.graph.communities import Communities

__all__ = ["COMMUNITIES", "COMMUNITIES_OBJECT", "community_count"]


COMMUNITIES: "Fields[Communities]" = Fields(
    Field(
        "count",
        "How many [communities](graph.md#communities) there are, of agents who interact.",
        "int",
        "communities",
    ),
    Field("seed", "The seed of the partition.", "int"),
    Field("seeds", "How many seeds were tried: `seed` and those that follow it.", "int", "seeds"),
    Field(
        "stability",
        "The mean [adjusted Rand index](graph.md#stability) of all pairs of their partitions: 1 "
        "where all are the same, 0 where they agree as by chance.",
        "float",
    ),
    Field("modularity", "The modularity of the partition.", "float"),
    inside="communities",
)

COMMUNITIES_OBJECT: Fields[Any] = Fields(
    Field("communities", "How communities were found; none where they were not asked for."),
)


def community_count(count: int) -> str:
    """``1 community``, ``16 communities``."""
    return f"{count:,} communit{'y' if count == 1 else 'ies'}"
