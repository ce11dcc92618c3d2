"""A backlink index: which records name a post, as Constellation answers it."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from blueattr.errors import SourceError
from blueattr.sources.collect.posts import POST, REPOST, RecordName, read_name
from blueattr.sources.xrpc import Response, XrpcClient

__all__ = ["PATHS", "Backlinks", "LinkPage", "Path"]


_LIMIT = 100
_NEW = "/xrpc/blue.microcosm.links.getBacklinks"
_OLD = "/links"


class Path(NamedTuple):
    """Where in a record of a collection a post is named."""

    collection: str
    path: str


PATHS: dict[str, tuple[Path, ...]] = {
    "replies": (Path(POST, "reply.parent.uri"), Path(POST, "reply.root.uri")),
    "reposts": (Path(REPOST, "subject.uri"),),
    "quotes": (Path(POST, "embed.record.uri"), Path(POST, "embed.record.record.uri")),
}
"""Those of each kind of interaction."""


class LinkPage(NamedTuple):
    """Records that name a post, and what asks for the next page; None at the end.

    Parameters
    ----------
    names
        The records.
    faults
        How many others cannot be used.
    cursor
        Asks for the next page.
    is_refused
        Whether the index refuses this page, though it said that there is one.
    """

    names: tuple[RecordName, ...]
    faults: int
    cursor: str | None
    is_refused: bool = False


class Backlinks:
    """The methods of a backlink index.

    Parameters
    ----------
    client
        Calls it.
    """

    def __init__(self, client: XrpcClient) -> None:
        self.client = client
        self._is_old = False

    async def pages(
        self, subject: RecordName, path: Path, cursor: str | None
    ) -> AsyncIterator[LinkPage]:
        """Ask for the records that name a post, page by page.

        Parameters
        ----------
        subject
            The post.
        path
            Where it is named.
        cursor
            Where to go on; None for the beginning, as where the index does not know it any more.

        Raises
        ------
        SourceError
            It is no such index.
        BudgetSpent
            No more requests may be sent.
        """
        is_of_before = cursor is not None
        asked = {cursor}
        while True:
            reply = await self._ask(subject, path, cursor)
            if reply.status != 200 and is_of_before:
                is_of_before, cursor, asked = False, None, {None}
                continue
            if reply.status != 200 and cursor is not None:
                yield LinkPage((), 0, cursor, is_refused=True)
                return
            if reply.status != 200:
                raise SourceError(
                    f"{self.client.url} answers with status {reply.status}; is it a backlink index?"
                )
            page = _read(reply.document(), path.collection)
            if page.cursor in asked:
                page = page._replace(cursor=None)
            yield page
            if page.cursor is None:
                return
            is_of_before, cursor = False, page.cursor
            asked.add(cursor)

    async def _ask(self, subject: RecordName, path: Path, cursor: str | None) -> Response:
        more = [("limit", str(_LIMIT))] + ([] if cursor is None else [("cursor", cursor)])
        if not self._is_old:
            source = f"{path.collection}:{path.path}"
            asked = [("subject", subject.uri), ("source", source), *more]
            reply = await self.client.call(_NEW, _itself, params=asked)
            if reply.status not in (404, 501):
                return reply
            self._is_old = True
        asked = [
            ("target", subject.uri),
            ("collection", path.collection),
            ("path", f".{path.path}"),
        ]
        return await self.client.call(_OLD, _itself, params=[*asked, *more])


def _itself(reply: Response) -> Response:
    return reply


def _read(answer: dict[str, Any], collection: str) -> LinkPage:
    listed = answer.get("records", answer.get("linking_records"))
    items = listed if isinstance(listed, list) else []
    names = [name for name in (_name(item, collection) for item in items) if name is not None]
    cursor = answer.get("cursor")
    return LinkPage(
        tuple(dict.fromkeys(names)),
        len(items) - len(names),
        cursor if isinstance(cursor, str) and cursor and items else None,
    )


def _name(item: object, collection: str) -> RecordName | None:
    if not isinstance(item, dict) or item.get("collection", collection) != collection:
        return None
    return read_name(f"at://{item.get('did')}/{collection}/{item.get('rkey')}", collection)
