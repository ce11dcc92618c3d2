"""The page in a real browser: it moves, goes on after a restart, does nothing a stranger says."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from blueattr.watch.guard import PageAddress
from support.html_pages import PHONE, WIDE
from support.watch_page import SECRET, free_port, serving
from support.watch_pictures import CHOICE, NASTY, Scripted, empty, hostile, picture

pytestmark = pytest.mark.browser
NARROW = {"width": 360, "height": 780}
WALL = {"width": 1920, "height": 1080}
GROUPED = replace(CHOICE, by="lang")


class Seen:
    """A page in the browser, and what it says and asks for."""

    def __init__(self, browser: Any, url: str) -> None:
        self.page = browser.new_page()
        self.page.set_viewport_size(WIDE)
        self.url = url
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)

    def wait(self, words: str) -> None:
        self.page.wait_for_function(
            "words => document.body.innerText.includes(words)", arg=words, timeout=20_000
        )

    def text(self, name: str) -> str:
        found: str = self.page.locator(f"#{name}").text_content()
        return found


@pytest.fixture(scope="module")
def pages() -> Iterator[dict[str, PageAddress]]:
    made = {"moving": Scripted([picture(k, GROUPED) for k in range(4)], every=0.4),
            "hostile": Scripted([hostile()]), "empty": Scripted([empty()])}  # fmt: skip
    with ExitStack() as stack:
        yield {name: stack.enter_context(serving(one)) for name, one in made.items()}


def _see(browser: Any, pages: dict[str, PageAddress], name: str) -> Seen:
    seen = Seen(browser, pages[name].url)
    seen.wait("Who carries")
    return seen


def test_the_page_moves_and_shows_what_the_picture_has(browser: Any) -> None:
    with serving(Scripted([picture(k) for k in range(400)], every=0.1)) as page:
        seen = Seen(browser, page.url)
        seen.wait("Who carries Mythos?")
        first = seen.page.locator("#bands").inner_html()
        moved = "first => document.getElementById('bands').innerHTML !== first"
        seen.page.wait_for_function(moved, arg=first)
        assert seen.page.locator("#bands path").count() == 3
        assert seen.page.locator("#bands line").count() == 2
        assert seen.page.locator("#accounts tbody tr").count() == 10
        assert "mossy-harbour.test" in seen.text("accounts")
        assert "100 visible accounts" in seen.text("sample-label")
        assert "posts a minute rose from 21 to 35.4" in seen.text("changes")
        assert "612 events/s" in seen.text("state")
        assert seen.said == []
        assert all(url.startswith(page.url) for url in seen.asked)
        # Held, it stands still; let go, it moves on.
        seen.page.get_by_role("button", name="Hold").click()
        held = seen.text("time")
        seen.page.wait_for_timeout(400)
        assert seen.text("time") == held
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_function(
            "held => document.getElementById('time').textContent !== held", arg=held
        )
        seen.page.close()


def test_a_strangers_text_is_shown_as_text_and_does_nothing(
    browser: Any, pages: dict[str, PageAddress]
) -> None:
    seen = _see(browser, pages, "hostile")
    assert "<script>alert(1)</script>" in NASTY
    for name in ("question", "accounts", "rising", "posts", "groups", "changes", "group-legend"):
        assert "<script>alert(1)" in seen.text(name), name
    assert seen.page.evaluate("document.scripts.length") == 1
    assert "\u202e" not in seen.page.evaluate("document.body.innerText")
    assert seen.said == []
    # What the policy would refuse is refused: the words above would prove little otherwise.
    refused = (
        "() => { try { document.body.innerHTML = '<b>x</b>'; return false } catch { return true } }"
    )
    assert seen.page.evaluate(refused)
    seen.page.close()


@pytest.mark.parametrize("name", ["moving", "hostile", "empty"])
def test_nothing_is_cut_off_or_wider_than_the_screen(
    browser: Any, pages: dict[str, PageAddress], name: str
) -> None:
    seen = _see(browser, pages, name)
    wide = """() => [...document.querySelectorAll('main *, header *, footer *')]
        .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
        .map(one => one.outerHTML.slice(0, 80))"""
    for size in (NARROW, PHONE, WIDE, WALL):
        seen.page.set_viewport_size(size)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert seen.page.evaluate(wide) == []
    seen.page.close()


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("moving", "light"), ("moving", "dark"), ("empty", "light"), ("login", "dark")],
)
def test_a_checker_finds_no_barrier(
    browser: Any, pages: dict[str, PageAddress], name: str, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not there")
    with ExitStack() as stack:
        if name == "login":
            seen = Seen(browser, stack.enter_context(serving(Scripted(), SECRET)).url)
        else:
            seen = _see(browser, pages, name)
        seen.page.emulate_media(color_scheme=scheme)
        seen.page.evaluate("document.getElementById('link')?.textContent")
        # The checker is a script of its own, which the page's policy would refuse.
        session = seen.page.context.new_cdp_session(seen.page)
        session.send("Page.setBypassCSP", {"enabled": True})
        seen.page.reload()
        if name != "login":
            seen.wait("Who carries")
        results = axe.Axe().run(seen.page).response
        assert len(results["passes"]) > 10
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in results["violations"]] == []
        seen.page.close()


def test_only_changes_and_a_lost_connection_are_read_aloud(browser: Any) -> None:
    quiet = [replace(picture(k), marks=picture(0).marks) for k in range(20)]
    with serving(Scripted([*quiet, picture(21)], every=0.05)) as page:
        seen = Seen(browser, page.url)
        seen.wait("carry")
        assert seen.page.locator("[aria-live]").count() == 1
        assert seen.page.locator("[role=status], [role=alert], [role=log]").count() == 0
        assert seen.text("news") == ""
        seen.page.wait_for_function("() => document.getElementById('news').textContent !== ''")
        assert seen.text("news").startswith("Change: ")
        seen.page.close()


def test_the_page_goes_on_after_the_server_restarts_and_says_so_meanwhile(browser: Any) -> None:
    port = free_port()
    with serving(Scripted([picture(1)]), port=port) as page:
        seen = Seen(browser, page.url)
        seen.wait("12:05:00 UTC")
        assert seen.text("link") == "live"
    seen.wait("connection lost; trying again")
    assert seen.page.locator("#link").get_attribute("data-state") == "lost"
    assert "connection lost" in seen.text("news")
    assert "12:05:00 UTC" in seen.text("time")
    with serving(Scripted([picture(2)]), port=port):
        seen.wait("12:10:00 UTC")
        assert seen.text("link") == "live"
        seen.page.close()


def test_the_token_is_given_by_a_form_and_kept_over_a_restart(browser: Any) -> None:
    port = free_port()
    with serving(Scripted([picture(1)]), SECRET, port) as page:
        seen = Seen(browser, page.url)
        seen.page.get_by_label("Token").fill("wrong")
        seen.page.keyboard.press("Enter")
        seen.wait("That is not the token.")
        seen.page.get_by_label("Token").fill(SECRET)
        seen.page.get_by_role("button", name="Show the page").click()
        seen.wait("12:05:00 UTC")
        assert seen.page.evaluate("document.cookie") == ""
    with serving(Scripted([picture(2)]), SECRET, port):
        seen.wait("12:10:00 UTC")
    # Another token: the form is there again.
    with serving(Scripted([picture(3)]), SECRET + "x", port):
        seen.wait("Give the token")
        seen.page.context.clear_cookies()
        seen.page.close()
