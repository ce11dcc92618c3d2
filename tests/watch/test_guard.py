"""Who may see the page: addresses, tokens, hosts, origins."""

import pytest

from blueattr.errors import UsageError
from blueattr.watch.guard import TOKEN, PageAddress, is_host_allowed, is_own_origin, page_address
from support.watch_page import SECRET

HERE = PageAddress("127.0.0.1", 8765)


@pytest.mark.parametrize(("text", "url"), [
    ("127.0.0.1:8765", "http://127.0.0.1:8765/"), ("[::1]:80", "http://[::1]:80/"),
    (" localhost:1 ", "http://localhost:1/"), ("127.8.9.1:65535", "http://127.8.9.1:65535/"),
])  # fmt: skip
def test_an_address_on_loopback_needs_no_token(text: str, url: str) -> None:
    page = page_address(text, {})
    assert page.url == url
    assert page.loopback
    assert page.token is None
    assert page.is_pass("")


@pytest.mark.parametrize("text", ["0.0.0.0:8765", "[::]:8765", "192.168.1.5:80", "example.org:80",
                                  "127.0.0.1.evil.test:80", "localhost.evil.test:80"])  # fmt: skip
def test_an_address_that_others_reach_is_refused_without_a_token(text: str) -> None:
    with pytest.raises(UsageError, match=TOKEN):
        page_address(text, {TOKEN: ""})
    assert page_address(text, {TOKEN: SECRET}).token == SECRET
    with pytest.raises(UsageError, match="has 5 characters; give it 16 or more"):
        page_address(text, {TOKEN: "short"})


@pytest.mark.parametrize("text", [
    "", "8765", ":8765", "127.0.0.1", "127.0.0.1:0", "a b:80", "127.0.0.1:65536", "::1:80",
    "http://127.0.0.1:80", "x:80/y",
])  # fmt: skip
def test_what_is_no_host_and_port_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="is not a host and a port"):
        page_address(text, {})


def test_on_loopback_only_names_of_loopback_are_answered() -> None:
    for host in ("127.0.0.1:8765", "localhost", "LOCALHOST:9000", "[::1]:8765", "localhost.:80"):
        assert is_host_allowed(host, HERE), host
    for host in ("evil.test:8765", "127.0.0.1.evil.test", "localhost.evil.test", "", "a b", "[::1",
                 "192.168.1.5", "127.0.0.1:8765:1", "x@127.0.0.1", "127.0.0.1/.."):  # fmt: skip
        assert not is_host_allowed(host, HERE), host


def test_elsewhere_any_name_may_lead_here_as_the_token_is_asked_for() -> None:
    page = PageAddress("0.0.0.0", 80, SECRET)  # noqa: S104 - nothing listens
    assert is_host_allowed("wall.example.org", page)
    assert not is_host_allowed("wall example", page)


def test_a_page_of_another_host_or_port_is_another_page() -> None:
    assert is_own_origin("http://127.0.0.1:8765", "127.0.0.1:8765")
    assert is_own_origin("https://wall.example.org", "Wall.example.org")
    for origin in ("null", "http://127.0.0.1:8766", "http://evil.test", "", "127.0.0.1:8765"):
        assert not is_own_origin(origin, "127.0.0.1:8765"), origin


def test_a_cookie_is_made_of_the_token_and_outlives_the_server() -> None:
    page, again = (PageAddress("0.0.0.0", port, SECRET) for port in (80, 81))  # noqa: S104
    assert SECRET not in page.pass_value
    assert page.is_pass(again.pass_value)
    other = PageAddress("0.0.0.0", 80, SECRET + "x")  # noqa: S104
    for cookie in ("", SECRET, other.pass_value, page.pass_value[:-1], "é"):
        assert not page.is_pass(cookie), cookie
    assert page.is_token(SECRET)
    assert not page.is_token(SECRET[:-1])
    assert not page.is_token("é")
