"""Prompts and replies kept in a folder: people read them, and a run with the same asks nothing."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from blueattr import atomic
from blueattr.errors import OutputError
from blueattr.sources.chat import Message, Reply, as_completion

__all__ = ["Folder", "Server"]


class Server(Protocol):
    """Who replies to conversations: `blueattr.sources.chat.ChatClient`, or a stand-in."""

    url: str
    host: str
    model: str
    calls: int

    def post(self, messages: Sequence[Message], parameters: Mapping[str, Any]) -> Reply:
        """Reply to a conversation."""


class Folder:
    """The replies of a server, kept by the digest of what they reply to.

    Parameters
    ----------
    server
        Who is asked where no reply is kept.
    path
        The folder; made if it is not there. None keeps nothing.

    Raises
    ------
    OutputError
        There can be no such folder.
    """

    def __init__(self, server: Server, path: Path | None) -> None:
        self._server = server
        self._path = path
        self.from_folder = 0
        """Replies that were found in the folder."""
        if path is not None:
            try:
                path.mkdir(exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot make the folder {path}: {error.strerror}") from None

    def post(self, messages: Sequence[Message], parameters: Mapping[str, Any]) -> Reply:
        """Return the reply to a conversation; see `blueattr.sources.chat.ChatClient.post`."""
        if self._path is None:
            return self._server.post(messages, parameters)
        asked = {
            "url": self._server.url,
            "model": self._server.model,
            "messages": list(messages),
            "parameters": dict(parameters),
        }
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        file = self._path / f"{digest}.json"
        kept = _read(file)
        if kept is not None:
            self.from_folder += 1
            return kept
        reply = self._server.post(messages, parameters)
        document = {
            **asked,
            "outcome": reply.outcome,
            "status": reply.status,
            "words": reply.words,
            "reply": reply.document,
        }
        atomic.write(file, json.dumps(document, indent=1).encode())
        return reply


def _read(file: Path) -> Reply | None:
    """Read a reply that was kept; None where there is none that can be used again."""
    try:
        found = json.loads(file.read_bytes())
        reply = Reply(found["outcome"], found["status"], found["reply"], found["words"])
        # What was cut off may be whole when the server is set otherwise.
        if reply.outcome == "completion" and as_completion(reply.document).finish == "length":
            return None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return reply if reply.outcome in {"completion", "refused", "too long"} else None
