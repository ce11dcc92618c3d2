"""The page by its requests: what is served, what is refused, and that nothing holds the server."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from blueattr.errors import OutputError, StoreError
from blueattr.watch import serve as served
from blueattr.watch.guard import PageAddress
from blueattr.watch.picture import Picture
from support.watch_page import SECRET, asked, free_port, serving
from support.watch_pictures import Scripted, assert_lets_go, hostile, picture


@pytest.fixture(scope="module")
def open_page() -> Iterator[PageAddress]:
    with serving(Scripted([hostile()])) as page:
        yield page


@pytest.fixture(scope="module")
def closed_page() -> Iterator[PageAddress]:
    with serving(Scripted([picture()]), SECRET) as page:
        yield page


def _picture(page: PageAddress, **headers: Any) -> dict[str, object]:
    stream = asked(page, "/events", until=b'"involved"', **headers).body.decode()
    (data,) = (line for line in stream.splitlines() if line.startswith("data: {"))
    found: dict[str, object] = json.loads(data.removeprefix("data: "))
    return found


def test_the_page_has_its_files_its_stream_its_metrics_and_its_health(
    open_page: PageAddress,
) -> None:
    page = asked(open_page)
    assert page.status == 200
    assert b'<script src="/watch.js" defer></script>' in page.body
    for path, kind in (("/watch.js", "text/javascript"), ("/watch.css", "text/css"),
                       ("/icon.svg", "image/svg+xml"), ("/healthz", "text/plain"),
                       ("/metrics", "text/plain; version=0.0.4")):  # fmt: skip
        got = asked(open_page, path)
        assert got.status == 200, path
        assert got.headers["content-type"].startswith(kind), path
        assert got.body, path
    assert b"blueattr_tier_share_ratio{" in asked(open_page, "/metrics").body
    stream = asked(open_page, "/events", until=b'"involved"')
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert b"retry: " in stream.body
    assert "carry 11 % of it" in str(_picture(open_page)["answer"])
    for path in ("/nothing", "/../../etc/passwd", "/watch.js/..", "/page/index.html"):
        assert asked(open_page, path).status == 404


def test_the_policy_allows_its_own_script_file_alone_on_every_answer(
    open_page: PageAddress, closed_page: PageAddress
) -> None:
    answers = [asked(open_page), asked(open_page, "/nothing"), asked(open_page, "/watch.js"),
               asked(open_page, Host="evil.test"), asked(closed_page)]  # fmt: skip
    for got in answers:
        policy = dict(part.split(" ", 1) for part in
                      got.headers["content-security-policy"].split("; "))  # fmt: skip
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert "unsafe" not in str(policy)
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["cache-control"] == "no-store"
        assert "server" not in got.headers
    assert b"<style" not in asked(open_page).body
    assert b"style=" not in asked(open_page).body + asked(open_page, "/watch.js").body


def test_a_name_that_leads_here_from_elsewhere_sees_nothing(open_page: PageAddress) -> None:
    for path in ("/", "/events", "/metrics", "/watch.js", "/healthz"):
        got = asked(open_page, path, Host="evil.test:8765")
        assert got.status == 421, path
        assert b"mythos" not in got.body.lower()
    assert asked(open_page, Host=None).status == 400
    assert asked(open_page, Host="").status in {400, 421}


def test_another_page_of_the_browser_sees_nothing(open_page: PageAddress) -> None:
    for origin in ("http://evil.test", "null", f"http://127.0.0.1:{open_page.port + 1}"):
        got = asked(open_page, "/events", Origin=origin)
        assert got.status == 403
        assert "access-control-allow-origin" not in got.headers
    own = f"http://127.0.0.1:{open_page.port}"
    assert asked(open_page, "/events", Origin=own, until=b"picture").status == 200


def test_without_the_token_there_is_a_form_and_nothing_else(closed_page: PageAddress) -> None:
    form = asked(closed_page)
    assert form.status == 401
    assert b"<form" in form.body
    assert b"mythos" not in form.body.lower()
    wrong: list[dict[str, Any]] = [
        {},
        {"Cookie": f"blueattr_watch={SECRET}"},
        {"Cookie": "blueattr_watch="},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {SECRET}"},
    ]
    for path in ("/events", "/metrics", "/watch.js", "/session", "/nothing"):
        for headers in wrong:
            assert asked(closed_page, path, **headers).status == 401, (path, headers)
    assert asked(closed_page, "/healthz").body == b"ok\n"


def test_the_token_is_taken_by_the_form_and_as_a_bearer(
    closed_page: PageAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "_REFUSAL", 0.01)
    wrong = asked(closed_page, "/login", method="POST", body=b"token=wrong")
    assert wrong.status == 403
    assert b"That is not the token" in wrong.body
    assert "set-cookie" not in wrong.headers
    body = f"token={SECRET.replace(' ', '+')}".encode()
    for origin, secure in ((f"http://127.0.0.1:{closed_page.port}", False),
                           (f"https://127.0.0.1:{closed_page.port}", True)):  # fmt: skip
        right = asked(closed_page, "/login", method="POST", body=body, Origin=origin)
        assert right.status == 303
        cookie = right.headers["set-cookie"]
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert ("secure" in cookie) == secure
        assert SECRET not in cookie
        name = cookie.partition(";")[0]
        assert "carry 11 %" in str(_picture(closed_page, Cookie=name)["answer"])
    assert asked(closed_page, "/metrics", Authorization=f"Bearer {SECRET}").status == 200
    other = asked(closed_page, "/login", method="POST", body=body, Origin="http://evil.test")
    assert other.status == 403
    assert "set-cookie" not in other.headers


def test_guessing_is_slowed_down_and_a_form_may_not_be_long(
    closed_page: PageAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "_REFUSAL", 0.3)
    monkeypatch.setattr(served, "_MOST_REFUSALS", 2)
    statuses: list[int] = []

    def guess() -> None:
        statuses.append(asked(closed_page, "/login", method="POST", body=b"token=x").status)

    guessers = [threading.Thread(target=guess) for _ in range(6)]
    for one in guessers:
        one.start()
    for one in guessers:
        one.join()
    assert statuses.count(403) >= 2
    assert 429 in statuses
    long = asked(closed_page, "/login", method="POST", body=b"token=" + b"x" * 100_000)
    assert long.status in {0, 403}


def test_requests_that_are_too_long_or_none_at_all_are_refused_and_the_server_goes_on(
    open_page: PageAddress,
) -> None:
    for length, statuses in ((20_000, {400, 431}), (500_000, {0, 400})):
        assert asked(open_page, X_Long="x" * length).status in statuses
        assert asked(open_page, "/" + "x" * length).status in {*statuses, 404}
    with socket.create_connection((open_page.host, open_page.port), timeout=20) as one:
        one.sendall(b"\x16\x03\x01\x00\xa5 no HTTP \r\n\r\n")
        assert one.recv(100)[:12] == b"HTTP/1.1 400"
    assert asked(open_page, method="POST").status == 405
    assert asked(open_page, "/login", method="DELETE").status == 405
    assert asked(open_page, Upgrade="websocket", Connection="close, upgrade").status == 200
    assert asked(open_page).status == 200


def test_connections_that_say_nothing_or_drip_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_PATIENCE", 0.3)
    monkeypatch.setattr(served, "_BEAT", 0.2)
    with serving(Scripted([picture()])) as page:
        silent = [socket.create_connection((page.host, page.port), timeout=20) for _ in range(20)]
        for one in silent[:10]:
            one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Drip: ")
        assert all(one.recv(100) == b"" for one in silent)
        for one in silent:
            one.close()
        # A stream is no such connection.
        with socket.create_connection((page.host, page.port), timeout=20) as one:
            one.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            read = b""
            while read.count(b"event: beat") < 3:
                part = one.recv(1 << 16)
                assert part
                read += part


def test_a_stream_that_was_asked_for_right_after_another_file_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(served, "_PATIENCE", 0.2)
    monkeypatch.setattr(served, "_BEAT", 0.1)
    both = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" for path in ("/session", "/events")]
    with (
        serving(Scripted([picture()])) as page,
        socket.create_connection((page.host, page.port), timeout=20) as one,
    ):
        one.sendall("".join(both).encode())
        read = b""
        while read.count(b"event: beat") < 5:
            part = one.recv(1 << 16)
            assert part
            read += part


def test_more_streams_than_are_allowed_are_told_so_and_places_come_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(served, "_MOST_STREAMS", 3)
    with serving(Scripted([picture()])) as page:
        held = [socket.create_connection((page.host, page.port), timeout=20) for _ in range(3)]
        for one in held:
            one.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert one.recv(1 << 16).startswith(b"HTTP/1.1 200")
        refused = asked(page, "/events", until=b"hello")
        assert refused.status == 503
        assert refused.headers["retry-after"] == "30"
        assert asked(page).status == 200
        held.pop().close()
        for _ in range(200):
            if (again := asked(page, "/events", until=b"hello")).status == 200:
                break
            time.sleep(0.02)
        assert again.status == 200
        for one in held:
            one.close()


def test_each_picture_is_sent_and_the_end_is_told(open_page: PageAddress) -> None:
    with serving(Scripted([picture(k) for k in range(3)], every=0.15, hold=False)) as page:
        stream = asked(page, "/events", until=b"event: over").body
    assert stream.count(b"event: picture") >= 2
    assert b"12:10:00 UTC" in stream


def test_what_the_watching_raises_ends_the_server() -> None:
    class Broken(Scripted):
        def pictures(self) -> Iterator[Picture]:
            yield picture()
            raise StoreError("the store is gone")

    with pytest.raises(StoreError, match="the store is gone"), serving(Broken(), failures=True):
        time.sleep(0.3)


def test_what_the_engine_has_open_is_let_go_with_its_error() -> None:
    page = PageAddress("127.0.0.1", free_port())
    assert_lets_go(lambda watching: served.serve(watching, page))


def test_an_address_where_nothing_can_listen_is_an_error_in_a_sentence(
    open_page: PageAddress,
) -> None:
    for page in (open_page, PageAddress("198.51.100.7", 8765, SECRET)):
        with pytest.raises(OutputError, match="cannot serve at"):
            served.serve(Scripted(), page)
