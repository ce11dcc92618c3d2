"""Which fonts figures are measured with: the converter's own, then the machine's."""

import os
import re
from pathlib import Path

import pytest

from blueattr.report.figures.charts.converter import converter, font_folders

_FONTS = """<?xml version="1.0"?>
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <!-- <dir>/not/here</dir> -->
  <dir prefix="xdg">fonts</dir>
  <dir>~/.fonts</dir>
</fontconfig>
"""
_MACHINES = Path("/usr/share/fonts")


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    (tmp_path / "etc/conf.d").mkdir(parents=True)
    (tmp_path / "etc/fonts.conf").write_text(_FONTS)
    (tmp_path / "etc/conf.d/09-more.conf").write_text("<fontconfig><dir>/opt</dir></fontconfig>")
    return tmp_path / "etc"


def test_all_folders_of_the_system_are_found_in_their_order(settings: Path) -> None:
    home = {"HOME": "/home/user"}
    assert font_folders(home, settings) == (
        "/usr/share/fonts", "/home/user/.local/share/fonts", "/home/user/.fonts", "/opt",
    )  # fmt: skip
    assert font_folders(home | {"XDG_DATA_HOME": "/data"}, settings)[1] == "/data/fonts"


@pytest.mark.parametrize(
    "what", ["a variable", "no home", "own settings", "local settings", "unknown", "not text"]
)
def test_settings_that_only_the_converter_understands_are_left_to_it(
    what: str, settings: Path, tmp_path: Path
) -> None:
    environment = {"HOME": str(tmp_path)}
    assert font_folders(environment, settings)
    match what:
        case "a variable":
            environment["FONTCONFIG_FILE"] = "/etc/mine.conf"
        case "no home":
            del environment["HOME"]
        case "own settings":
            (tmp_path / ".config/fontconfig").mkdir(parents=True)
            (tmp_path / ".config/fontconfig/fonts.conf").write_text("<fontconfig/>")
        case "local settings":
            (settings / "local.conf").write_text("<fontconfig/>")
        case "unknown":
            (settings / "conf.d/10.conf").write_text('<dir prefix="relative">fonts</dir>')
        case _:
            (settings / "conf.d/10.conf").write_bytes(b"\xff")
    assert font_folders(environment, settings) == ()


def test_a_machine_without_settings_has_no_folders(tmp_path: Path) -> None:
    assert font_folders({"HOME": str(tmp_path)}, tmp_path / "nothing") == ()


def width(letter: str) -> float:
    """Return the width of ten letters as the converter measures them."""
    shown = {
        "text": {"value": letter * 10},
        "font": {"value": "Arial, 'Liberation Sans', Helvetica, sans-serif"},
        "fontSize": {"value": 12},
    }
    svg = converter().vega_to_svg(
        {"width": 1, "height": 1, "padding": 0, "autosize": "pad",
         "marks": [{"type": "text", "encode": {"enter": shown}}]}
    )  # fmt: skip
    found = re.search(r'\bwidth="([0-9.]+)"', svg)
    assert found is not None
    return float(found[1])


@pytest.mark.skipif(not font_folders(os.environ), reason="the converter reads the settings itself")
@pytest.mark.skipif(any(_MACHINES.rglob("[Aa]rial*.ttf")), reason="Arial comes first")
def test_letters_are_as_wide_as_in_the_converters_font_whatever_the_machine_has() -> None:
    assert width("a") == 67
    # 34 in version 1 of Liberation Sans, which many machines have.
    assert width("·") == 40
    assert "FONTCONFIG_FILE" not in os.environ


@pytest.mark.skipif(not any(_MACHINES.rglob("DejaVuSans.ttf")), reason="no font has a snowman")
def test_letters_that_it_has_not_are_measured_in_a_font_of_the_machine() -> None:
    nobody_has = width("\U0010fffd")
    assert width("☃") not in {0, nobody_has}
