"""What tests of pages share: a strict reader of HTML, what makes a page inert, two screens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

WIDE, PHONE = {"width": 1000, "height": 800}, {"width": 390, "height": 844}
VOID = {"meta", "link", "br", "wbr", "hr", "img", "input", "path", "line", "rect"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    children: list["Element | str"] = field(default_factory=list)

    def walk(self) -> Iterator["Element"]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, tag: str) -> list["Element"]:
        return [element for element in self.walk() if element.tag == tag]

    def text(self) -> str:
        """What stands in it; a space is a space, whether a line may end there or not."""
        found = "".join(c if isinstance(c, str) else c.text() for c in self.children)
        return found.replace("\u00a0", " ")

    def by_id(self, name: str) -> "Element":
        (found,) = [e for e in self.walk() if e.attributes.get("id") == name]
        return found


class Tree(HTMLParser):
    """A strict reader: every element is closed, in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(html)
        self.close()
        assert self._open == [self.root], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), "an attribute twice"
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def tree(html: str) -> Element:
    return Tree(html).root


def inert(root: Element) -> None:
    """Nothing runs, loads, or is styled by itself; links go to profiles or stay in the page."""
    ids = [e.attributes["id"] for e in root.walk() if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    for element in root.walk():
        assert element.tag not in {"script", "iframe", "object", "embed", "form", "img", "base"}
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            assert name not in {"style", "src", "srcset", "action", "formaction", "background"}
            if name in {"href", "xlink:href"}:
                assert value is not None
                assert re.match(
                    r"#[a-z]|data:,$|data:text/csv;charset=utf-8;base64,[A-Za-z0-9+/=]+$"
                    r"|https://bsky\.app/profile/did:[a-z]+:[A-Za-z0-9._:%-]+"
                    r"(/post/[A-Za-z0-9._:~-]+)?$", value,
                ), value  # fmt: skip
                if value.startswith("#"):
                    assert value[1:] in ids
            if name == "aria-labelledby":
                assert value in ids
