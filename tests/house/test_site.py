"""The documentation's site: built without a warning, whole, and of nothing from elsewhere."""

import importlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from blueattr.errors import ExitCode
from support.cli_world import COMMANDS
from support.html_pages import PHONE, WIDE
from support.places import ROOT

pytestmark = pytest.mark.slow

for needed in ("sphinx", "latex2mathml"):
    pytest.importorskip(needed, reason="what builds the site is not installed")


DOCS = ROOT / "docs"


def build(source: Path, out: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Build as `make docs` does."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^docs: setup\n\t\$\(BIN\)/python (.+)$", makefile, re.MULTILINE)
    assert "-W" in recipe
    places = {"out/site-cache": str(out / "cache"), "docs": str(source), "out/site": str(out)}
    words = [places.get(word, word) for word in recipe.split()]
    return subprocess.run([sys.executable, *words, *options], capture_output=True, text=True,
                          check=False, cwd=ROOT, timeout=300)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = build(DOCS, out)
    assert done.returncode == 0, done.stderr
    return out


class _Page(HTMLParser):
    """What a page loads, where it leads, what can be led to, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.names: set[str] = set()
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.names.add(given.get("id", ""))
        if tag == "a":
            self.leads.append(given.get("href", ""))
        elif tag != "base":
            self.loads += [given[name] for name in ("src", "href", "srcset") if name in given]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, _Page]:
    found = {path.relative_to(site).as_posix(): _Page(path) for path in site.rglob("*.html")}
    assert len(found) > 30
    return found


def test_each_page_of_the_sources_is_there(pages: dict[str, _Page]) -> None:
    sources = {
        path.relative_to(DOCS).with_suffix(".html").as_posix() for path in DOCS.rglob("*.md")
    }
    assert len(sources) > 15
    assert sources <= pages.keys()


def test_each_command_has_a_page_with_all_that_its_help_says(pages: dict[str, _Page]) -> None:
    for name, command in COMMANDS.items():
        page = pages[f"commands/{name.replace(' ', '-')}.html"]
        example = next(line for line in command.help.splitlines() if "Example: " in line)
        assert example.split("Example: ")[1] in page.text
        assert f"blueattr {name}" in page.text
        for parameter in command.params:
            assert " ".join(parameter.help.replace("`", "").split()) in page.text, parameter.name
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                assert option in page.text
            if parameter.show_default is not False and parameter.default not in (None, False):
                assert f"default {parameter.default}" in page.text, parameter.name
            if parameter.envvar:
                assert f"environment {parameter.envvar}" in page.text
        for code in ExitCode:
            assert re.search(rf"\b{int(code)}\b", page.text)
    written = {path for path in pages if path.startswith("commands/")}
    assert len(written) == len(COMMANDS) + 1


def test_pages_load_nothing_from_elsewhere_and_every_link_leads_somewhere(
    site: Path, pages: dict[str, _Page]
) -> None:
    loads = [(name, url) for name, page in pages.items() for url in page.loads]
    assert len(loads) > 200
    assert [(n, u) for n, u in loads if urlsplit(u).scheme not in ("", "data")] == []
    for style in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style.read_text()), style
    lost = []
    for name, page in pages.items():
        for url in [*page.loads, *page.leads]:
            parts = urlsplit(url)
            if parts.scheme or parts.path.startswith(("example/", "../example/")):
                continue
            path = (site / name).parent / unquote(parts.path) if parts.path else site / name
            target = path.resolve().relative_to(site.resolve()).as_posix()
            if not path.exists() or (
                parts.fragment and target in pages and parts.fragment not in pages[target].names
            ):
                lost.append((name, url))
    assert lost == []


# --- formulas ----------------------------------------------------------------------------------

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`]+`")
_SET = re.compile(r"^\$\$$.*?^\$\$$|\$[^$\n]+\$", re.MULTILINE | re.DOTALL)
# Greek letters, operators, raised and lowered figures, fractions; then indices, powers, powers of
# ten, and letters that an equation or an inequality is about.
_FORMULA = re.compile(
    r"[\u0391-\u03c9\u2200-\u22ff\u2016\u27e8\u27e9\xb2\xb3\xb7\xb9\xd7\u2070-\u209c\xbc-\xbe\u2150-\u215e]"
    r"|\w[_^][\w({]|\de-\d|\b[a-zA-Z] ?[=<>] ?[\w-]|\bO\("
)


def unset_formulas(page: str) -> list[str]:
    """Return what looks like a formula in a page's prose."""
    prose = _CODE.sub("", _SET.sub("", _FENCE.sub("", page)))
    links = re.sub(r"\]\([^)]*\)", "]", prose)
    return [match[0] for match in _FORMULA.finditer(links)]


def test_no_formula_of_the_methods_is_left_as_prose() -> None:
    page = (DOCS / "methods.md").read_text(encoding="utf-8")
    assert len(_SET.findall(page)) > 200
    assert unset_formulas(page) == []


@pytest.mark.parametrize(
    "left", ["φ_i = s_i / n", "of w_a a", "an error of 1e-12", "if M = 0", "O(2^n)", "½", "‖x‖"]
)
def test_a_formula_that_is_left_as_prose_is_noticed(left: str) -> None:
    assert unset_formulas(f"The sum $n$ is {left}, or `s_i`.") != []


def test_formulas_are_set_without_a_script(site: Path, pages: dict[str, _Page]) -> None:
    source = (DOCS / "methods.md").read_text(encoding="utf-8")
    page = (site / "methods.html").read_text(encoding="utf-8")
    assert page.count("<math ") == len(_SET.findall(_FENCE.sub("", source)))
    assert page.count('display="block"') == source.count("\n$$\n") / 2 > 20
    assert "$" not in pages["methods.html"].text
    assert "\\" not in pages["methods.html"].text
    assert not any(
        re.search("mathjax|katex", url, re.IGNORECASE) for url in pages["methods.html"].loads
    )


def test_a_formula_that_cannot_be_set_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)
    mathml = importlib.import_module("mathml").mathml
    assert "<mfrac>" in mathml(r"\frac{1}{n}", "inline")
    assert mathml(r"n\log n", "inline").count("<mspace") == 2
    assert "<mspace" not in mathml(r"\log(1 + M)", "inline")
    assert "<mo>" not in mathml(r"\lVert x\rVert \lvert x\rvert \emptyset", "inline")
    with pytest.raises(ValueError, match="nosuchcommand"):
        mathml(r"\nosuchcommand{1}", "inline")


def test_links_that_lead_nowhere_fail_the_build(tmp_path: Path) -> None:
    source = tmp_path / "docs"
    source.mkdir()
    settings = (DOCS / "conf.py").read_text(encoding="utf-8")
    # What makes pages is not needed, but for what it says of links.
    settings = re.sub(r"^.*(command_pages|html_static_path|html_css_files).*$", "", settings,
                      flags=re.MULTILINE)  # fmt: skip
    settings = re.sub(r'"(example_report|mathml)",', "", settings)
    (source / "conf.py").write_text(settings)
    links = ("nothing.md", "#no-such-place", "other.md#nor-this")
    (source / "index.md").write_text(
        "# Title\n\n" + "".join(f"- [a]({link})\n" for link in (*links, "#title", "other.md#there"))
    )
    (source / "other.md").write_text("---\norphan: true\n---\n# Other\n\n## There\n\ntext\n")
    done = build(source, tmp_path / "out")
    assert done.returncode != 0
    assert done.stderr.count("[myst.xref_missing]") == len(links)
    assert all(link.split("#")[-1] in done.stderr for link in links)


# --- in a browser ---------------------------------------------------------------------------------


@pytest.mark.browser
def test_the_site_works_from_files(browser: Any, site: Path) -> None:
    """No server, no network: pages, figures and search, wide and on a phone, light and dark."""
    page, said, asked = browser.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for name in (
        "index",
        "tutorial",
        "numbers",
        "methods",
        "commands/compare-scales",
        "recipes/past",
    ):
        for viewport in (WIDE, PHONE):
            for scheme in ("light", "dark"):
                page.set_viewport_size(viewport)
                page.emulate_media(color_scheme=scheme)
                page.goto((site / f"{name}.html").as_uri())
                sideways = "document.documentElement.scrollWidth - innerWidth"
                assert page.evaluate(sideways) <= 0, (name, viewport)
                paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
                assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    page.set_viewport_size(PHONE)
    page.goto((site / "methods.html").as_uri())
    wider = "[...document.querySelectorAll('div.formula')].map(d => d.scrollWidth - d.clientWidth)"
    assert max(page.evaluate(wider)) > 20
    page.goto((site / "index.html").as_uri())
    drawn = "[...document.querySelectorAll('img.example')].filter(i => i.getClientRects().length)"
    for viewport, width in ((PHONE, "-narrow"), (WIDE, "")):
        for scheme in ("light", "dark"):
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=scheme)
            (address,) = page.evaluate(f"{drawn}.map(i => i.src)")
            assert address.endswith(f"/answer{width}-{scheme}.svg")
            assert page.evaluate(f"{drawn}[0].naturalWidth") > 300
    page.locator(".example-figure a").click()
    assert page.title().startswith("Mythos")
    page.goto((site / "search.html").as_uri() + "?q=quadrature")
    page.wait_for_selector("ul.search li")
    assert page.locator("ul.search li").count() > 3
    assert said == []
    assert {urlsplit(url).scheme for url in asked} <= {"file", "data"}
    page.close()


# What its authors call best practice beyond that is the theme's to follow.
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.mark.browser
def test_a_checker_finds_no_barrier_on_the_site(browser: Any, site: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not there")
    page = browser.new_page()
    page.set_viewport_size(WIDE)
    found = []
    for name, scheme in (("index", "light"), ("tutorial", "light"), ("tutorial", "dark"),
                         ("numbers", "light"), ("commands/ingest", "dark"),
                         ("methods", "dark")):  # fmt: skip
        page.emulate_media(color_scheme=scheme)
        page.goto((site / f"{name}.html").as_uri())
        results = axe.Axe().run(page, options=WCAG).response
        assert len(results["passes"]) > 15
        found += [(name, scheme, v["id"], v["nodes"][0]["html"][:150], len(v["nodes"]))
                  for v in results["violations"]]  # fmt: skip
    assert found == []
    page.close()
