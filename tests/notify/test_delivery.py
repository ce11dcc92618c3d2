"""Pings and webhooks, at a receiver that answers as told; metrics, read back."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from blueattr.errors import OutputError, UsageError
from blueattr.notify.metrics import Metric, MetricValue, exposition, write_metrics
from blueattr.notify.notice import harmless, new_notice
from blueattr.notify.ping import Ping
from blueattr.notify.services import ADDRESSES, services_from_environment
from blueattr.notify.webhook import SECRET, Webhook
from blueattr.sources.timing import Timing
from support.hostile_text import HOSTILE
from support.receiver import Receiver, receiving

KEY = bytes(range(32))
NOW = 1_777_777_777.0


def timing(waits: list[float]) -> Timing:
    return Timing(now=lambda: NOW, sleep=waits.append, jitter=lambda: 0.0)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET, "whsec_" + base64.b64encode(KEY).decode())


def test_a_ping_says_start_and_exit_code_with_one_id() -> None:
    with receiving() as receiver:
        ping = Ping(f"{receiver.url}/a-check/", fine=(9, 10))
        assert ping.started() == ""
        assert ping.ended(3) == ""
        assert ping.ended(10) == ""
    assert receiver.paths == ["/a-check/start", "/a-check/3", "/a-check/0"]
    ids = {one.query["rid"][0] for one in receiver.received}
    assert len(ids) == 1
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", ids.pop())


def test_a_ping_that_fails_is_tried_again_and_then_told_without_its_secret_path() -> None:
    waits: list[float] = []
    with receiving([503, 200, 503, 503, 503, 404]) as receiver:
        ping = Ping(f"{receiver.url}/secret", timing=timing(waits))
        assert ping.started() == ""
        trouble = ping.ended(0)
        assert "503" in trouble
        assert "secret" not in trouble
        assert "404" in ping.ended(0)
    assert len(waits) == 3
    assert len(receiver.received) == 6
    with pytest.raises(UsageError):
        Ping("http://example.org/x")


def test_a_webhook_is_signed_over_what_was_sent() -> None:
    notice = new_notice("gap", "a new gap", "from here\nto there", {"gaps": ["x"]})
    with receiving() as receiver:
        assert Webhook(f"{receiver.url}/hook", timing([])).deliver(notice) == ""
    (one,) = receiver.received
    assert one.headers["webhook-id"] == notice.key
    assert one.headers["webhook-timestamp"] == str(int(NOW))
    signed = f"{notice.key}.{int(NOW)}.".encode() + one.body
    wanted = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert one.headers["webhook-signature"] == f"v1,{wanted}"
    sent = json.loads(one.body)
    assert sent["type"] == "blueattr.gap"
    assert sent["data"] == {
        "title": "a new gap", "text": "from here\nto there", "gaps": ["x"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "tries", "trouble"),
    [
        ([500, 429, 200], 3, ""),
        ([500, 500, 500], 3, "answers with status 500"),
        ([410], 1, "answers with status 410"),
        ([302], 1, "answers with status 302"),
        ([-200], 1, ""),
        ([-503, -200], 2, ""),
    ],
)
def test_a_webhook_is_tried_again_where_that_may_help_with_the_same_id(
    statuses: list[int], tries: int, trouble: str
) -> None:
    with receiving(statuses) as receiver:
        webhook = Webhook(receiver.url, timing([]))
        assert webhook.deliver(new_notice("gap", "a", "b", {})) == trouble
    assert len(receiver.received) == tries
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1


@pytest.mark.parametrize("secret", ["", "short", "whsec_AAAA", "whsec_" + "!" * 40])
def test_a_secret_of_another_form_is_refused_without_being_shown(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, secret)
    with pytest.raises(UsageError, match=SECRET) as error:
        Webhook("https://example.org/")
    assert not secret or secret not in str(error.value)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_strangers_wrote_does_nothing_in_a_notice(text: str) -> None:
    shown = harmless(text)
    assert not re.search(
        r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069@<>`*\[\]|]", shown
    )
    assert len(shown) <= 500


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A service that Apprise knows: its JSON form, on loopback."""
    pytest.importorskip("apprise")
    with receiving() as receiver:
        address = receiver.url.replace("http://", "json://user:hidden@")
        monkeypatch.setenv(ADDRESSES, f"{address}/one  {address}/two")
        yield receiver


def test_services_get_a_notice_as_text_each(service: Receiver) -> None:
    notice = new_notice("gap", "a <b>new</b> gap", "from here\nto @there", {})
    for one in services_from_environment():
        assert one.deliver(notice) == ""
    assert service.paths == ["/one", "/two"]
    for came in service.received:
        sent = json.loads(came.body)
        assert sent["title"] == "a (b)new(/b) gap"
        assert sent["message"] == "from here\nto (at)there"


def test_a_service_that_fails_is_told_without_its_address(
    service: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    service.statuses = [500]
    one, _ = services_from_environment()
    assert one.deliver(new_notice("gap", "a", "b", {})) == "did not take the notice"
    assert one.name == "service 1 (json)"
    assert "hidden" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("address", ["", "nonsense", "telegraph://hidden@x", "mailto://hidden"])
def test_an_address_that_apprise_does_not_know_is_refused_without_being_shown(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("apprise")
    monkeypatch.setenv(ADDRESSES, address)
    with pytest.raises(UsageError, match=ADDRESSES) as error:
        services_from_environment()
    assert "hidden" not in str(error.value)


LINE = re.compile(
    r"# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+"
    r"|[a-zA-Z_:][a-zA-Z0-9_:]*"
    r'(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\[\\n"]|[^"\\\n])*",?)+\})? (NaN|[+-]Inf|-?[0-9.e+-]+)'
)


@pytest.mark.parametrize("text", HOSTILE)
def test_metrics_keep_their_form_whatever_a_label_holds(text: str) -> None:
    values = [1, 0.25, 1e300, float("nan"), float("inf"), -float("inf")]
    samples = [MetricValue(value, {"topic": text, "k": str(k)}) for k, value in enumerate(values)]
    written = exposition([Metric("x", text or "-", samples), Metric("none", "Nothing.", [])])
    lines = written.decode().split("\n")
    assert lines.pop() == ""
    assert len(lines) == 2 + len(values)
    assert all(LINE.fullmatch(line) for line in lines)


def test_a_file_of_metrics_is_whole_or_as_before(tmp_path: Path) -> None:
    path = tmp_path / "blueattr.prom"
    write_metrics(path, [Metric("gaps", "Gaps.", [MetricValue(2)])])
    before = path.read_bytes()
    assert before == b"# HELP blueattr_gaps Gaps.\n# TYPE blueattr_gaps gauge\nblueattr_gaps 2\n"
    with pytest.raises(OutputError):
        write_metrics(tmp_path / "none" / "x.prom", [])
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]
