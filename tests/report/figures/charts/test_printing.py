"""Figures for print: as wide as asked, legible, vectors with fonts, and files that say what of."""

import re
import shutil
import struct
import subprocess
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.errors import UsageError
from blueattr.provenance import TopicInfo
from blueattr.report.figures.charts.drawing import UNITS_PER_MM, Drawing
from blueattr.report.figures.charts.metadata import figure_about, pdf_with, png_with, svg_with
from blueattr.report.figures.charts.printing import LEAST, MOST, drawing_of_width, printed, width_mm
from blueattr.report.figures.charts.theme import PAPER
from blueattr.report.figures.exhibit import Exhibit
from blueattr.report.figures.topic import topic_exhibits
from blueattr.report.pages.gallery import write_report
from support.cli_world import run
from support.hostile_text import HOSTILE
from support.report_cases import ATTRIBUTION, ORIGIN
from support.topic_cases import report, topics

NAMES = [exhibit.name for exhibit in topic_exhibits(report())]
QUICK = ("answer", "concentration-others")
EACH_FIGURE = pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NAMES],
)
WIDTHS = (LEAST, 85.0, 180.0)
_POINT = 25.4 / 72


def exhibit_of(name: str) -> Exhibit:
    return next(one for one in topic_exhibits(report()) if one.name == name)


def tool(*arguments: object) -> str:
    """Run a program of Poppler's, where it is installed."""
    if shutil.which(str(arguments[0])) is None:
        pytest.skip(f"there is no {arguments[0]}")
    done = subprocess.run(
        [str(a) for a in arguments], capture_output=True, check=True, encoding="utf-8"
    )
    assert done.stderr == ""
    return done.stdout


# --- widths --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "width"),
    [("85mm", 85), ("180mm", 180), ("8.5cm", 85), ("8.5 cm", 85), (" 4in", 101.6), ("500mm", 500)],
)
def test_a_width_is_a_number_with_a_unit(text: str, width: float) -> None:
    assert width_mm(text) == width


@pytest.mark.parametrize(
    "text",
    ["", "85", "mm", "85px", "-85mm", "1e2mm", "nanmm", "85mm 85mm", "\u0668\u0665mm",
     "9cm\x1b[31m", "69.9mm", "500.1mm", "0mm", "9999999999in"],
)  # fmt: skip
def test_another_width_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(UsageError) as error:
        width_mm(text)
    assert str(error.value).isprintable()
    assert "mm" in str(error.value)


@given(st.floats(LEAST, MOST))
def test_units_agree(width: float) -> None:
    assert width_mm(f"{width:.6f}mm") == pytest.approx(width, abs=1e-3)
    assert width_mm(f"{width / 10:.7f}cm") == pytest.approx(width, abs=1e-3)


@EACH_FIGURE
def test_a_figure_has_its_width_and_text_of_at_least_7_points(name: str) -> None:
    for width in WIDTHS:
        drawing = drawing_of_width(exhibit_of(name).chart, width)
        drawn = drawing.size()[0]
        shrunk = width * UNITS_PER_MM / drawn
        sizes = {float(size) for size in re.findall(r'font-size="([0-9.]+)px"', drawing.svg())}
        assert sizes
        assert min(sizes) * shrunk / UNITS_PER_MM / _POINT >= 7
        if width > LEAST:
            assert shrunk == pytest.approx(1, abs=0.03), (width, drawn)
            # What has room in one column is drawn anew for two, not blown up.
            assert max(sizes) * shrunk / UNITS_PER_MM / _POINT < 16


def test_axis_titles_side_by_side_do_not_run_into_each_other() -> None:
    spec = drawing_of_width(exhibit_of("concentration-others").chart, 85.0).spec
    text = str(spec)
    assert "'accounts, largest'" in text
    assert "'accounts, largest share first'" not in text


# --- files ---------------------------------------------------------------------------------------


@EACH_FIGURE
def test_a_pdf_is_vectors_with_its_fonts_in_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "f.pdf"
    printed(exhibit_of(name), [report().comparison], 85.0).save(path)
    pdf = path.read_bytes()
    assert b"/Subtype /Image" not in pdf
    assert pdf.count(b"/FontFile") > 0
    (box,) = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)
    assert float(box[0]) * _POINT == pytest.approx(85, abs=0.05)
    fonts = [line.split() for line in tool("pdffonts", path).splitlines()[2:]]
    assert fonts
    for font in fonts:
        assert font[-5:-2] == ["yes", "yes", "yes"], font  # embedded, a subset, with letters
    words = tool("pdftotext", path, "-")
    assert "%" in words


def test_without_a_width_a_pdf_is_as_large_as_the_svg(tmp_path: Path) -> None:
    drawing = Drawing(exhibit_of("answer").chart(PAPER))
    drawing.save(tmp_path / "f.pdf")
    (box,) = re.findall(
        rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", (tmp_path / "f.pdf").read_bytes()
    )
    assert [float(side) for side in box] == [pytest.approx(side * 0.75) for side in drawing.size()]


def test_svg_and_png_have_the_width_too(tmp_path: Path) -> None:
    drawing = printed(exhibit_of("answer"), [report().comparison], 85.0)
    drawing.save(tmp_path / "f.svg")
    drawing.save(tmp_path / "f.png")
    root = ET.parse(tmp_path / "f.svg").getroot()  # noqa: S314 - our own
    assert root.attrib["width"] == "85mm"
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert float(root.attrib["height"].removesuffix("mm")) == pytest.approx(
        85 * height / width, abs=0.01
    )
    pixels, _ = struct.unpack(">II", (tmp_path / "f.png").read_bytes()[16:24])
    assert pixels == pytest.approx(85 / 25.4 * 300, abs=2)


@pytest.mark.slow
def test_every_form_is_written_whole_with_what_it_is_about(tmp_path: Path) -> None:
    made = report()
    for form in ("svg", "png", "pdf"):
        paths = write_report([replace(made, sensitivity=None, bootstrap=None, control=None)],
                             tmp_path / form, form)  # fmt: skip
        assert len(paths) > 5
        for path in paths:
            about = READ[form](path.read_bytes())
            assert about["Agents"].removeprefix("n = ") == str(made.comparison.n_agents)
            assert about["Window"] == "2026-04-01T00:00:00Z/2026-04-14T18:00:00Z"
            assert about["Source"] == made.provenance.source
            assert about["Software"] == f"blueattr {made.provenance.version}"
            assert about["Title"].startswith("Mythos: ")
            assert about["Description"]


# --- what files say of themselves ----------------------------------------------------------------


def png_texts(png: bytes) -> dict[str, str]:
    """Read all chunks, and check them."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, found, kinds = 8, {}, []
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", png[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(kind + data)
        kinds.append(kind)
        if kind == b"tEXt":
            name, _, text = data.partition(b"\0")
            found[name.decode()] = text.decode("latin-1")
        elif kind == b"iTXt":
            name, _, rest = data.partition(b"\0")
            assert rest[:4] == b"\0\0\0\0"
            found[name.decode()] = rest[4:].decode()
        at += 12 + length
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")
    return found


def svg_texts(svg: bytes) -> dict[str, str]:
    root = ET.fromstring(svg.decode())  # noqa: S314 - our own
    names = {"title": "Title", "description": "Description", "extent": "Agents",
             "coverage": "Window", "source": "Source", "creator": "Software"}  # fmt: skip
    terms = "{http://purl.org/dc/terms/}"
    found = {names[e.tag.removeprefix(terms)]: e.text or "" for e in root.iter() if terms in e.tag}
    assert root[0].text == found.get("Title")
    assert root[1].text == found.get("Description")
    return found


def pdf_texts(pdf: bytes) -> dict[str, str]:
    """Follow the last table of references to the document's information."""
    (start,) = re.findall(rb"startxref\s+(\d+)\s+%%EOF\s*\Z", pdf)
    table = re.match(rb"xref\n(\d+) 1\n(\d{10}) 00000 n\r\ntrailer\n<<(.*?)>>", pdf[int(start) :],
                     re.DOTALL)  # fmt: skip
    assert table is not None
    number, at, trailer = int(table[1]), int(table[2]), table[3]
    assert b"/Info %d 0 R" % number in trailer
    (size,) = re.findall(rb"/Size (\d+)", trailer)
    assert int(size) > number
    (previous,) = re.findall(rb"/Prev (\d+)", trailer)
    assert pdf[int(previous) :].startswith(b"xref")
    information = re.match(rb"%d 0 obj\n<<\n(.*?)\n>>\nendobj\n" % number, pdf[at:], re.DOTALL)
    assert information is not None
    names = {"Subject": "Description", "Creator": "Software"}
    found = {}
    for line in information[1].split(b"\n"):
        entry = re.fullmatch(rb"/([A-Z][a-z]+) <FEFF([0-9A-F]*)>", line)
        assert entry is not None, line
        name = entry[1].decode()
        found[names.get(name, name)] = bytes.fromhex(entry[2].decode()).decode("utf-16-be")
    return found


READ = {"png": png_texts, "svg": svg_texts, "pdf": pdf_texts}


@pytest.fixture(scope="module")
def plain() -> dict[str, bytes]:
    drawing = Drawing(exhibit_of("answer").chart(PAPER))
    return {"png": drawing.png(), "svg": drawing.svg().encode(), "pdf": drawing.pdf()}


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a&b\"c'", ")>>\nendobj", *HOSTILE])
def test_texts_of_others_stay_text_in_every_file(text: str, plain: dict[str, bytes]) -> None:
    topic = TopicInfo(text, text, "")
    about = figure_about(text, text, [replace(ORIGIN, source=text, topic=topic)] * 2, [1, 2])
    assert all(value.isprintable() for value in about.values())
    written = {
        "png": png_with(plain["png"], about),
        "svg": svg_with(plain["svg"].decode(), about).encode(),
        "pdf": pdf_with(plain["pdf"], about),
    }
    for form, file in written.items():
        found = READ[form](file)
        for name, value in about.items():
            assert found[name].removeprefix("n = ") == value, (form, name)
    assert b"<script" not in written["svg"]


def test_a_reader_of_pdfs_finds_the_same(plain: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "f.pdf"
    about = figure_about("Zażółć", "gęślą", [ORIGIN], [1234])
    path.write_bytes(pdf_with(plain["pdf"], about))
    found = tool("pdfinfo", "-custom", path)
    assert "Zażółć" in found
    assert re.search(r"Agents: +1234\n", found)
    assert re.search(r"Keywords: +n = 1234; window = ", tool("pdfinfo", path))
    assert "Pages:           1" in tool("pdfinfo", path)


def test_synthetic_data_and_several_topics_say_so() -> None:
    made_up = replace(ORIGIN, synthetic=("x",), all_synthetic=True)
    assert "made up" in figure_about("t", "d", [made_up], [1])["Description"]
    origins = [one.provenance for one in topics()[:2]]
    assert figure_about("t", "d", origins, [1, 2])["Agents"] == "mythos: 1, the-masters: 2"
    assert "Window" not in figure_about("t", "d", [replace(ORIGIN, window=None)], [1])


def test_the_notebook_draws_for_print_too(tmp_path: Path) -> None:
    drawing = ATTRIBUTION.plot(width="85mm")
    drawing.save(tmp_path / "f.pdf")
    about = pdf_texts((tmp_path / "f.pdf").read_bytes())
    assert about["Agents"] == str(ATTRIBUTION.n_agents)
    with pytest.raises(UsageError):
        ATTRIBUTION.plot(width="1mm")


# --- the command ---------------------------------------------------------------------------------


def test_a_width_of_what_is_no_picture_is_refused(panel_file: Path, tmp_path: Path) -> None:
    for form in ("html", "csv", "md"):
        ended = run("report", "--features", panel_file, "--format", form, "--width", "85mm",
                    "--out", tmp_path / "r")  # fmt: skip
        assert ended.code == 2
        assert "--width is for figures" in ended.stderr
    ended = run("report", "--features", panel_file, "--format", "pdf", "--width", "5mm",
                "--out", tmp_path / "r")  # fmt: skip
    assert ended.code == 2
    assert "70 to 500 mm" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_command_writes_pdfs_of_that_width(panel_file: Path, tmp_path: Path) -> None:
    ended = run("report", "--features", panel_file, "--format", "pdf", "--width", "85mm",
                "--indicator", "heat", "--sizes", "10", "--seeds", "1",
                "--out", tmp_path)  # fmt: skip
    assert ended.code == 0, ended.stderr
    paths = sorted(tmp_path.iterdir())
    assert len(paths) >= 5
    for path in paths:
        (box,) = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ", path.read_bytes())
        assert float(box) * _POINT == pytest.approx(85, abs=0.05)
