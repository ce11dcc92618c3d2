"""Pictures drawn once for all tests of a process: drawing takes a third of what a report takes."""

import json
from functools import cache
from typing import Any

__all__ = ["OnceDrawn"]


class OnceDrawn:
    """The converter, which draws each specification to SVG once and answers from memory after that.

    Parameters
    ----------
    converter
        The converter itself, made with the first drawing.
    """

    def __init__(self, converter: Any) -> None:
        self._made = converter
        self._drawn = cache(self._draw)

    def __call__(self) -> "OnceDrawn":
        """Stand where the function does that makes the converter."""
        return self

    def __getattr__(self, name: str) -> Any:
        """Return all else as it is."""
        return getattr(self._made(), name)

    def vegalite_to_svg(self, spec: Any, **options: Any) -> str:
        """Draw, or remember."""
        return self._drawn(json.dumps(spec), json.dumps(options))

    def _draw(self, spec: str, options: str) -> str:
        svg: str = self._made().vegalite_to_svg(json.loads(spec), **json.loads(options))
        return svg
