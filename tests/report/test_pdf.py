"""PDF of figures: equal pictures have equal bytes, and what is written in one can be read."""

import re
import zlib
from pathlib import Path

import pytest

from blueattr.report.figures.charts.drawing import Drawing, Spec
from blueattr.report.mentions import mentions
from blueattr.report.pdf import canonical_pdf, pdf_texts

WHO, OTHER = "did:plc:ucjltzdid6zr4wsfzetnp6b5", "user1.bsky.social"
NAMES = frozenset({WHO, OTHER, "bsky.social"})
# What a PDF escapes, what has an accent, and what a font may join: (, ), \, ü, fi.
ODD = "(a\\b) über fi"


def spec(*texts: str, fonts: tuple[str, ...] = ("normal",)) -> Spec:
    """Return a drawing of some texts, each in each of some weights."""
    rows = [
        {"text": text, "y": 20 * (place + 1)}
        for place, text in enumerate(text for text in texts for _ in fonts)
    ]
    layers = [
        {
            "transform": [{"filter": f"datum.y % {20 * len(fonts)} == {20 * place}"}],
            "mark": {"type": "text", "fontWeight": weight, "align": "left"},
            "encoding": {
                "text": {"field": "text"}, "x": {"value": 5},
                "y": {"field": "y", "type": "quantitative", "scale": None},
            },
        }
        for place, weight in enumerate(fonts)
    ]  # fmt: skip
    return {"data": {"values": rows}, "width": 400, "height": 200, "layer": layers}


def test_the_same_picture_has_the_same_bytes_each_time_it_is_drawn() -> None:
    drawing = Drawing(spec("one", "two", fonts=("normal", "bold")))
    assert len({drawing.pdf() for _ in range(6)}) == 1


def test_a_pdf_in_order_has_every_object_where_its_table_says() -> None:
    pdf = Drawing(spec("one", fonts=("normal", "bold"))).pdf()
    assert canonical_pdf(pdf) == pdf
    table = int(pdf[pdf.rindex(b"startxref") :].split()[1])
    places = re.findall(rb"(\d{10}) 00000 n", pdf[table:])
    assert len(places) > 10
    for number, place in enumerate(places, 1):
        assert pdf[int(place) :].startswith(b"%d 0 obj\n" % number)
    assert {int(number) for number in re.findall(rb"(\d+) 0 R", pdf)} <= {
        *range(1, 1 + len(places))
    }


def test_each_text_of_a_drawing_is_read_by_itself() -> None:
    pdf = Drawing(spec(WHO, ODD, OTHER, fonts=("normal", "bold"))).pdf()
    lines = [line for text in pdf_texts(pdf) for line in text.splitlines() if line]
    assert sorted(lines) == sorted([WHO, ODD, OTHER] * 2)


def saved(folder: Path, form: str, text: str, about: str) -> Path:
    path = folder / f"figure.{form}"
    Drawing(spec(text), {"Title": "a figure", "Description": f"It shows {about}."}).save(path)
    return path


@pytest.mark.parametrize("form", ["pdf", "svg"])
def test_who_is_drawn_in_a_figure_is_found(form: str, tmp_path: Path) -> None:
    assert mentions(saved(tmp_path, form, WHO, "nobody"), NAMES) == {WHO}
    assert mentions(saved(tmp_path, form, f"@{OTHER}", "nobody"), NAMES) == {OTHER}
    assert mentions(saved(tmp_path, form, f"x{OTHER}", "nobody"), NAMES) == set()


@pytest.mark.parametrize("form", ["pdf", "svg", "png"])
def test_who_a_figure_says_that_it_shows_is_found(form: str, tmp_path: Path) -> None:
    assert mentions(saved(tmp_path, form, "x", f"{WHO} and {OTHER}"), NAMES) == {WHO, OTHER}
    assert mentions(saved(tmp_path, form, "x", f"ă{OTHER}ă"), NAMES) == {OTHER}
    assert mentions(saved(tmp_path, form, "x", "nobody"), NAMES) == set()


@pytest.mark.parametrize("keep", ["nothing", "a text", "streams", "tables"])
def test_a_pdf_that_cannot_be_read_is_said_and_searched_as_it_is(keep: str, tmp_path: Path) -> None:
    path = saved(tmp_path, "pdf", "x", "nobody")
    pdf = path.read_bytes()
    spoiled = {
        "nothing": b"%PDF-1.7\n",
        "a text": b"%PDF-1.7\n1 0 obj\n<<>>\n",
        "streams": pdf.replace(zlib.compress(b"")[:2], b"??"),
        "tables": re.sub(rb"/ToUnicode \d+ 0 R", b"/ToUnicode 99 0 R", pdf),
    }[keep]
    path.write_bytes(spoiled + WHO.encode())
    said: list[str] = []
    assert mentions(path, NAMES, said.append) == {WHO}
    assert len(said) == 1
    assert "a PDF" in said[0]
