"""A server that sends nothing: what a run would ask, before anything leaves the machine."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from blueattr.sources.chat import Message, Reply

__all__ = ["Rehearsal"]


class Rehearsal:
    """Replies to everything with an answer of the form asked for that says nothing.

    Parameters
    ----------
    url, host, model
        Of the server that it stands in for.

    Attributes
    ----------
    prompt
        The first conversation.
    """

    def __init__(self, url: str, host: str, model: str) -> None:
        self.url, self.host, self.model = url, host, model
        self.calls = 0
        self.prompt: tuple[Message, ...] = ()

    def post(self, messages: Sequence[Message], parameters: Mapping[str, Any]) -> Reply:
        """Reply to a conversation."""
        self.prompt = self.prompt or tuple(messages)
        asked = parameters.get("response_format")
        said = "No"
        if asked is not None:
            properties = asked["json_schema"]["schema"]["properties"]
            said = json.dumps({name: _nothing(part) for name, part in properties.items()})
        message = {"role": "assistant", "content": said}
        document = {"choices": [{"message": message, "finish_reason": "stop"}]}
        return Reply("completion", 200, document)


def _nothing(part: Mapping[str, Any]) -> object:
    if "enum" in part:
        return part["enum"][0]
    return {"integer": 0, "boolean": False, "string": ""}[part["type"]]
