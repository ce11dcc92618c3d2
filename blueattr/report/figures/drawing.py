"""Converts a Vega-Lite specification to SVG or PNG, without a browser or a network."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from blueattr.atomic import write
from blueattr.errors import UsageError

__all__ = ["VEGA_LITE", "Drawing", "PictureFormat", "Spec"]


Spec: TypeAlias = dict[str, Any]
"""A Vega-Lite specification; all of its data are in it."""


PictureFormat: TypeAlias = Literal["svg", "png"]


VEGA_LITE = "6.1"
"""The version of Vega-Lite that specifications are written for."""


_PAPER_PPI = 300
# The roles of a drawing's parts; the whole is one picture with one description.
_ROLES = re.compile(r' (?:role="graphics-[a-z]+"|aria-roledescription="[^"<>]*")')
# Half of what is drawn are digits beyond a thousandth of a pixel, and frames of no size.
_LENGTHS = re.compile(r' (?:d|transform|x|y|x2|y2|width|height)="[^"<>]*"')
_DIGITS = re.compile(r"(\d\.\d\d)\d+(?!e)")
_NOTHING = re.compile(
    r'<path class="(?:background|foreground)"[^<>]*(?: display="none"| d="M0,0h0v0h0Z")[^<>]*/>'
)
# As in CSS.
_UNITS_PER_INCH = 96


@dataclass(frozen=True)
class Drawing:
    """One figure, drawn on demand.

    Parameters
    ----------
    spec
        Its Vega-Lite specification, which other tools of that family read too.
    """

    spec: Spec

    def svg(self) -> str:
        """Draw it as SVG: text is text, and there is no script, style sheet or link in it."""
        import vl_convert  # noqa: PLC0415 - starts an engine of its own

        svg: str = vl_convert.vegalite_to_svg(self.spec, vl_version=VEGA_LITE, allowed_base_urls=[])
        return _slim(svg)

    def png(self, ppi: float = _PAPER_PPI) -> bytes:
        """Draw it as PNG.

        Parameters
        ----------
        ppi
            Pixels per inch, with 96 units of the specification to the inch.
        """
        import vl_convert  # noqa: PLC0415 - starts an engine of its own

        png: bytes = vl_convert.vegalite_to_png(
            self.spec,
            vl_version=VEGA_LITE,
            # The converter takes a unit for a point, a 72nd of an inch.
            scale=72 / _UNITS_PER_INCH,
            ppi=ppi,
            allowed_base_urls=[],
        )
        return png

    def save(self, path: str | Path) -> None:
        """Write it to a file that ends in .svg or .png.

        Raises
        ------
        UsageError
            For another ending.
        OutputError
            When the file cannot be written.
        """
        path = Path(path)
        match path.suffix.lower():
            case ".svg":
                write(path, self.svg().encode())
            case ".png":
                write(path, self.png())
            case _:
                raise UsageError(f"a figure is written to a .svg or .png file, not to {path}")

    def _repr_svg_(self) -> str:
        return self.svg()


def _slim(svg: str) -> str:
    short = _LENGTHS.sub(lambda lengths: _DIGITS.sub(r"\1", lengths[0]), svg)
    return _ROLES.sub("", _NOTHING.sub("", short))
