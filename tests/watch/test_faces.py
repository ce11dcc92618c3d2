"""A face whose extra is not installed says what to install."""

import importlib.util

import pytest

from blueattr.errors import UsageError
from blueattr.watch import faces
from support.watch_pictures import Scripted


def _without(monkeypatch: pytest.MonkeyPatch, absent: str) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(faces, "find_spec", lambda name: None if name == absent else found(name))


def test_without_textual_the_app_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "textual")
    with pytest.raises(UsageError, match=r"pip install 'blueattr\[tui\]'; --plain needs nothing"):
        faces.show_app(Scripted())
