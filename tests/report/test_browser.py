"""Pages in a real browser: nothing is loaded, everything is drawn, nothing is cut off."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blueattr.report import render
from blueattr.report.figures.topic import topic_exhibits
from blueattr.report.pages.page import write_page
from blueattr.runs.history.index import index_html
from support.html_pages import PHONE, WIDE, tree
from support.run_cases import ran, topic
from support.study_cases import POSTS
from support.topic_cases import by_hour, hostile, large, report, topics

pytestmark = pytest.mark.browser


class Watched:
    """A page, and all that it says and asks for."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.page = browser.new_page()
        self.page.set_viewport_size(WIDE)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.address = path.as_uri()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(self.address)

    def look(self, viewport: dict[str, int], scheme: str = "light") -> None:
        self.page.set_viewport_size(viewport)
        self.page.emulate_media(color_scheme=scheme)

    def assert_quiet(self) -> None:
        assert self.said == []
        others = {url for url in self.asked if url != self.address}
        assert all(url.startswith("data:") for url in others), others


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {"one": [replace(report(), carried=POSTS)], "several": topics()[:2],
            "large": [large()],
            "hostile": [hostile("<b>x</b>\u202e" + "y" * 300)]}  # fmt: skip
    made["hourly"] = [replace(report(), days=by_hour(report()))]
    for name, reports in made.items():
        write_page(reports, folder / f"{name}.html")
    long = "w" * 80 + " and more"
    runs = [ran(k, topic(0.1 + k / 200, 0.3, 0.6 - k / 200), topic(-0.1, 1.1, name="x"))
            for k in range(40)]  # fmt: skip
    runs.append(ran(41, message=long, report=""))
    there = {run.name: f"{run.name}/index.html" for run in runs[-10:]}
    (folder / "runs.html").write_text(index_html(runs, there))
    return {name: folder / f"{name}.html" for name in (*made, "runs")}


@pytest.fixture
def one(browser: Any, pages: dict[str, Path]) -> Iterator[Watched]:
    watched = Watched(browser, pages["one"])
    yield watched
    watched.page.close()


def test_the_watch_sees_what_a_page_asks_for_and_what_the_policy_refuses(
    browser: Any, pages: dict[str, Path], tmp_path: Path
) -> None:
    """The tests below would be worth little if a request or an error went unseen."""
    html = pages["one"].read_text()
    loading = tmp_path / "loading.html"
    loading.write_text(html.replace("default-src 'none'; ", "").replace(
        "<body>", '<body><link rel="stylesheet" href="http://127.0.0.1:9/x.css">'))  # fmt: skip
    acting = tmp_path / "acting.html"
    acting.write_text(html.replace(
        "<body>", '<body onload="document.title=1"><script>document.title=2</script>'
                  '<p style="color:red">x</p><img src="http://127.0.0.1:9/x.png">'))  # fmt: skip
    seen = Watched(browser, loading)
    assert any("127.0.0.1:9" in url for url in seen.asked)
    seen.page.close()
    refused = Watched(browser, acting)
    assert len(refused.said) >= 4
    assert all("Content Security Policy" in text for text in refused.said)
    assert refused.page.title() not in {"1", "2"}
    refused.page.close()


@pytest.mark.parametrize("name", ["one", "several", "hostile", "runs"])
def test_nothing_is_loaded_and_nothing_complains(
    browser: Any, pages: dict[str, Path], name: str
) -> None:
    watched = Watched(browser, pages[name])
    for viewport in (WIDE, PHONE):
        for scheme in ("light", "dark"):
            watched.look(viewport, scheme)
            watched.page.screenshot()
    watched.assert_quiet()
    assert watched.page.evaluate("document.scripts.length") == 0
    watched.page.close()


def test_each_chart_is_drawn_in_every_look(one: Watched) -> None:
    """Pixels of a chart differ from those of the same place without it, and between schemes."""
    for viewport, kind in ((WIDE, "wide"), (PHONE, "narrow")):
        for scheme in ("light", "dark"):
            one.look(viewport, scheme)
            one.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            charts = one.page.locator(f".chart.{kind} svg").all()
            assert len(charts) == 10
            for chart in charts:
                assert chart.is_visible()
                with_ink = chart.screenshot()
                chart.evaluate("svg => svg.style.setProperty('opacity', '0')")
                without = chart.screenshot()
                chart.evaluate("svg => svg.style.removeProperty('opacity')")
                assert with_ink != without
                assert len(with_ink) > 3 * len(without)
                # It is there again; edges may fall on other parts of pixels.
                assert len(chart.screenshot()) > 3 * len(without)
    other = "narrow" if kind == "wide" else "wide"
    assert not any(chart.is_visible() for chart in one.page.locator(f".chart.{other} svg").all())


CONTRAST = """
() => {
  const shade = text => {
    const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map(Number)
      .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, two) => {
    const [low, high] = [shade(one), shade(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const paper = getComputedStyle(document.body).backgroundColor;
  const root = getComputedStyle(document.documentElement);
  const probe = document.createElement('p');
  document.body.append(probe);
  const found = {};
  for (const name of ['ink', 'muted', 'link', 'accent', 'edge']) {
    probe.style.setProperty('color', `var(--${name})`);
    found[name] = ratio(getComputedStyle(probe).color, paper);
  }
  for (const name of ['top', 'middle', 'tail']) {
    probe.style.setProperty('color', `var(--${name})`);
    const tier = getComputedStyle(probe).color;
    probe.style.setProperty('color', `var(--on-${name})`);
    found[`on ${name}`] = ratio(getComputedStyle(probe).color, tier);
  }
  probe.remove();
  return found;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_have_the_contrast_of_text(one: Watched, scheme: str) -> None:
    """Words 4.5 to 1 (WCAG 2.2, 1.4.3), outlines of marks 3 to 1 (1.4.11), in both schemes."""
    one.look(WIDE, scheme)
    ratios = one.page.evaluate(CONTRAST)
    assert len(ratios) == 8
    for name, ratio in ratios.items():
        assert ratio >= (3 if name == "edge" else 4.5), (name, ratio)
    dark = one.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("one", "light"),
        ("one", "dark"),
        ("several", "light"),
        ("hostile", "light"),
        ("runs", "light"),
        ("runs", "dark"),
    ],
)
def test_a_checker_finds_no_barrier(
    browser: Any, pages: dict[str, Path], name: str, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not there")
    watched = Watched(browser, pages[name])
    watched.look(WIDE, scheme)
    watched.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    results = axe.Axe().run(watched.page).response
    assert len(results["passes"]) > 20
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in results["violations"]] == []
    watched.page.close()


def test_tables_are_those_of_the_json_as_the_browser_reads_them(one: Watched) -> None:
    one.look(WIDE)
    read = """
    id => [...document.getElementById(id).tBodies].flatMap(body => {
      let group = [];
      return [...body.rows].map(row => {
        const own = [...row.cells].map(cell => cell.textContent.replaceAll('\u00a0', ' '));
        if (row.cells[0].scope === 'rowgroup') { group = own.slice(0, 1); return own; }
        return [...group, ...own];
      });
    })
    """
    for exhibit in topic_exhibits(report()):
        rows = json.loads(render(exhibit.report, "json"))["table"]
        found = one.page.evaluate(read, f"r-table-{exhibit.name}")
        expected = [
            ["-" if cell is None else f"{cell:,}" if isinstance(cell, int)
             else re.sub(r"(?<!\w)-(?=\d)", "\u2212", str(cell)) for cell in row.values()]
            for row in rows
        ]  # fmt: skip
        assert len(found) >= 2
        assert found == expected


CUT_OFF = """
() => {
  const wide = document.documentElement.clientWidth;
  const found = [];
  if (document.documentElement.scrollWidth > wide) found.push('the page scrolls sideways');
  for (const element of document.querySelectorAll('.page *')) {
    const style = getComputedStyle(element);
    if (style.display === 'none' || style.opacity === '0') continue;
    if (element.getAttribute('opacity') === '0' || element.closest('.quiet')) continue;
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const name = `${element.tagName} ${element.textContent.slice(0, 40)}`;
    if (box.left < -0.5 || box.right > wide + 0.5) found.push(name);
    if (!(element instanceof SVGElement) && style.overflow !== 'visible'
        && element.scrollWidth > element.clientWidth + 1) found.push(`scrolls: ${name}`);
  }
  return found;
}
"""


@pytest.mark.parametrize("name", ["one", "several", "large", "hostile", "hourly", "runs"])
def test_nothing_is_cut_off_at_any_width(browser: Any, pages: dict[str, Path], name: str) -> None:
    watched = Watched(browser, pages[name])
    for width in (390, 360, 700, 1400):
        watched.look({"width": width, "height": 800})
        watched.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert watched.page.evaluate(CUT_OFF) == []
    watched.page.close()


def test_the_check_would_see_what_is_cut_off(one: Watched) -> None:
    one.look(PHONE)
    one.page.evaluate(
        "document.querySelector('td').style.setProperty('min-width', '500px');"
        "document.querySelector('td').style.setProperty('display', 'block')"
    )
    assert one.page.evaluate(CUT_OFF) != []


@pytest.mark.parametrize("name", ["one", "hourly"])
def test_labels_of_a_chart_do_not_run_into_each_other(
    browser: Any, pages: dict[str, Path], name: str
) -> None:
    one = Watched(browser, pages[name])
    overlaps = """
    svg => {
      const texts = [...svg.querySelectorAll('text')]
        .filter(t => t.textContent.trim() && t.getAttribute('opacity') !== '0')
        .map(t => ({text: t.textContent, box: t.getBoundingClientRect()}));
      const found = [];
      for (const [k, one] of texts.entries()) for (const two of texts.slice(k + 1)) {
        const x = Math.min(one.box.right, two.box.right) - Math.max(one.box.left, two.box.left);
        const y = Math.min(one.box.bottom, two.box.bottom) - Math.max(one.box.top, two.box.top);
        if (x > 1.5 && y > 4) found.push([one.text, two.text]);
      }
      return found;
    }
    """
    for viewport, kind in ((WIDE, "wide"), (PHONE, "narrow")):
        one.look(viewport)
        one.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        for chart in one.page.locator(f".chart.{kind} svg").all():
            assert chart.evaluate(overlaps) == []
            sizes = chart.evaluate(
                "svg => [...svg.querySelectorAll('text')].map(t => "
                "t.getBoundingClientRect().height).filter(h => h)"
            )
            assert min(sizes) > 10
    one.page.close()


def test_print_is_light_whole_and_says_what_was_folded(
    one: Watched, pages: dict[str, Path], tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("there is no pdftotext; Debian's package poppler-utils has it")
    one.look(WIDE, "dark")
    pdf = tmp_path / "page.pdf"
    one.page.pdf(path=pdf, prefer_css_page_size=True)
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True,
                          timeout=60).stdout.decode()  # fmt: skip
    joined = " ".join(text.split())
    one.page.emulate_media(media="print", color_scheme="dark")
    assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") in {
        "rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"}  # fmt: skip
    html = tree(pages["one"].read_text())
    for table in html.all("table"):
        for cell in (*table.all("td"), *table.all("th")):
            for word in cell.text().split():
                assert word in joined or word in joined.replace(" ", ""), word
    assert "Figure 9." in joined
    # Nothing sticks out to the side of an A4 page less its margins.
    one.look({"width": 672, "height": 900})
    one.page.emulate_media(media="print")
    assert one.page.evaluate(CUT_OFF) == []
    one.page.emulate_media(media="screen")


def test_the_keyboard_reaches_everything_and_shows_where_it_is(one: Watched) -> None:
    one.look(WIDE)
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("document.activeElement.textContent") == "Skip to the report"
    assert one.page.locator(".skip").first.bounding_box()["x"] > 0
    one.page.keyboard.press("Enter")
    assert one.page.evaluate("document.activeElement.id") == "main"
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    reached = one.page.evaluate(
        "[...document.querySelectorAll('a[href], summary, pre')].every(e => e.tabIndex === 0)"
    )
    assert reached
    summary = one.page.locator("summary").first
    summary.focus()
    one.page.keyboard.press("Enter")
    assert one.page.locator("details").first.get_attribute("open") is not None


def test_the_data_of_a_figure_are_saved_from_the_page(one: Watched) -> None:
    one.look(WIDE)
    one.page.locator("summary").first.click()
    link = one.page.locator("a[download]").first
    with one.page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "mythos-answer.csv"
    text = Path(download.value.path()).read_text()
    assert text.startswith("indicator,sample,size,samples,tier,share,std,low,high\nheat,full,400,")
    one.assert_quiet()
