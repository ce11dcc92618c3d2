"""A face whose extra is not installed says what to install."""

import importlib.util

import pytest

from blueattr.errors import UsageError
from blueattr.watch import faces
from blueattr.watch.guard import PageAddress
from support.watch_pictures import Scripted


def _without(monkeypatch: pytest.MonkeyPatch, absent: str) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(faces, "find_spec", lambda name: None if name == absent else found(name))


def test_without_textual_the_app_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "textual")
    with pytest.raises(UsageError, match=r"pip install 'blueattr\[tui\]'; --plain needs nothing"):
        faces.show_app(Scripted())


@pytest.mark.parametrize("absent", ["starlette", "uvicorn"])
def test_without_its_servers_the_page_says_what_to_install(
    absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without(monkeypatch, absent)
    with pytest.raises(UsageError, match=r"pip install 'blueattr\[serve\]'$"):
        faces.show_page(Scripted(), PageAddress("127.0.0.1", 8765))
