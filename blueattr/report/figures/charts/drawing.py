"""Converts a Vega-Lite specification to SVG, PNG or PDF, without a browser or a network."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from blueattr.atomic import write
from blueattr.errors import UsageError
from blueattr.report.figures.charts.converter import converter
from blueattr.report.figures.charts.metadata import pdf_with, png_with, svg_with
from blueattr.report.pdf import canonical_pdf
from blueattr.user_path import named_file

__all__ = ["UNITS_PER_MM", "VEGA_LITE", "Drawing", "PictureFormat", "Spec"]


Spec: TypeAlias = dict[str, Any]
"""A Vega-Lite specification; all of its data are in it."""


PictureFormat: TypeAlias = Literal["svg", "png", "pdf"]


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
_SIZE = re.compile(r'(<svg\b[^<>]*?) width="([0-9.]+)" height="([0-9.]+)"')
# As in CSS.
_UNITS_PER_INCH = 96
_POINTS_PER_INCH = 72

UNITS_PER_MM = _UNITS_PER_INCH / 25.4
"""Units of a specification to a millimetre in print."""


@dataclass(frozen=True)
class Drawing:
    """One figure, drawn on demand.

    Parameters
    ----------
    spec
        Its Vega-Lite specification, which other tools of that family read too.
    about
        What its files say about it, by the names of `blueattr.report.figures.charts.metadata`.
    width
        Its width in print in millimetres; by default 96 units of the specification to the inch.
    """

    spec: Spec
    about: Mapping[str, str] = field(default_factory=dict)
    width: float | None = None

    def svg(self) -> str:
        """Draw it as SVG: text is text, and there is no script, style sheet or link in it."""
        svg: str = converter().vegalite_to_svg(
            self.spec, vl_version=VEGA_LITE, allowed_base_urls=[]
        )
        return _slim(svg)

    def size(self) -> tuple[float, float]:
        """Return its width and height in units of the specification."""
        return _size(self.svg())

    def png(self, ppi: float = _PAPER_PPI) -> bytes:
        """Draw it as PNG.

        Parameters
        ----------
        ppi
            Pixels per inch in print.
        """
        png: bytes = converter().vegalite_to_png(
            self.spec,
            vl_version=VEGA_LITE,
            # The converter takes a unit for a point, a 72nd of an inch.
            scale=_POINTS_PER_INCH / _UNITS_PER_INCH * self._scale(),
            ppi=ppi,
            allowed_base_urls=[],
        )
        return png

    def pdf(self) -> bytes:
        """Draw it as PDF: vectors and text, with the fonts in it."""
        svg = self.svg()
        width, height = _size(svg)
        # The converter takes a unit for a point here too.
        a_unit = _POINTS_PER_INCH / _UNITS_PER_INCH * self._scale(width)
        sized = _SIZE.sub(rf'\1 width="{a_unit * width:.4f}" height="{a_unit * height:.4f}"', svg)
        return canonical_pdf(converter().svg_to_pdf(sized))

    def save(self, path: str | Path) -> None:
        """Write it to a file that ends in .svg, .png or .pdf.

        Raises
        ------
        UsageError
            For another ending.
        OutputError
            When the file cannot be written.
        """
        path = named_file(path)
        match path.suffix.lower():
            case ".svg":
                write(path, svg_with(self._sized_svg(), self.about).encode())
            case ".png":
                write(path, png_with(self.png(), self.about))
            case ".pdf":
                write(path, pdf_with(self.pdf(), self.about))
            case _:
                raise UsageError(f"a figure is written to a .svg, .png or .pdf file, not to {path}")

    def _repr_svg_(self) -> str:
        return self.svg()

    def _scale(self, drawn: float | None = None) -> float:
        """Return what makes it as wide in print as it should be."""
        if self.width is None:
            return 1.0
        return self.width * UNITS_PER_MM / (self.size()[0] if drawn is None else drawn)

    def _sized_svg(self) -> str:
        """Return the SVG with its size in millimetres, if it has one."""
        svg = self.svg()
        if self.width is None:
            return svg
        width, height = _size(svg)
        return _SIZE.sub(
            rf'\1 width="{self.width:g}mm" height="{self.width * height / width:.2f}mm"', svg
        )


def _size(svg: str) -> tuple[float, float]:
    found = _SIZE.match(svg)
    assert found is not None  # noqa: S101 - each drawing has a size
    return float(found[2]), float(found[3])


def _slim(svg: str) -> str:
    short = _LENGTHS.sub(lambda lengths: _DIGITS.sub(r"\1", lengths[0]), svg)
    return _ROLES.sub("", _NOTHING.sub("", short))
