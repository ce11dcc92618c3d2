"""Calls of chat completions: retried, bounded, understood; the key is seen nowhere else."""

import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.errors import SourceError, UsageError
from blueattr.sources.chat import KEY, ChatClient, JudgeKey, Reply, as_completion
from blueattr.sources.timing import Timing
from support import judge_server as servers
from support.judge_server import Script, Server, chat, error, serving

MESSAGES = [{"role": "user", "content": "Who?"}]
SECRET = "sk-very-secret-0123456789"  # noqa: S105 - made up


class Waits:
    """A clock that is moved by waiting."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.told: list[str] = []

    def timing(self) -> Timing:
        return Timing(sleep=self.slept.append, jitter=lambda: 0.0)

    def on_wait(self, _seconds: float, why: str) -> None:
        self.told.append(why)


def client(server: Server, waits: Waits, secret: str = "", **options: Any) -> ChatClient:
    key = JudgeKey(secret) if secret else None
    return ChatClient(
        options.pop("url", server.url), options.pop("model", "tiny"), key,
        timing=waits.timing(), on_wait=waits.on_wait, **options,
    )  # fmt: skip


@contextmanager
def asked(*replies: servers.Reply, **options: Any) -> Iterator[tuple[ChatClient, Server, Waits]]:
    """Serve these replies in turn, the last one again and again."""
    waits = Waits()
    script: Script = lambda number, _request: replies[min(number, len(replies)) - 1]  # noqa: E731
    with serving(script) as server:
        yield client(server, waits, **options), server, waits


def post(at: ChatClient, **parameters: Any) -> Reply:
    return at.post(MESSAGES, parameters)


def test_a_request_is_the_conversation_and_its_parameters_and_an_answer_is_read() -> None:
    with asked(chat("A3")) as (at, server, waits):
        reply = post(at, temperature=0.7, seed=5)
    assert reply.outcome == "completion"
    answer = as_completion(reply.document)
    assert (answer.text, answer.finish) == ("A3", "stop")
    assert (answer.prompt_tokens, answer.answer_tokens) == (100, 10)
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.json == {
        "model": "tiny", "messages": MESSAGES, "temperature": 0.7, "seed": 5, "stream": False,
    }  # fmt: skip
    assert "authorization" not in request.headers
    assert (at.calls, waits.slept) == (1, [])


@pytest.mark.parametrize(
    ("path", "expected"),
    [("", "/v1"), ("/", "/v1"), ("/v1", "/v1"), ("/v1/", "/v1"), ("/api/openai", "/api/openai")],
)
def test_a_path_of_the_address_is_kept(path: str, expected: str) -> None:
    assert ChatClient(f"http://127.0.0.1:1{path}", "m").url == (
        f"http://127.0.0.1:1{expected}/chat/completions"
    )


@pytest.mark.parametrize(
    "fault",
    [
        error(429), error(500), error(502), error(503), error(408), error(529),
        servers.Reply(fault="close"), servers.Reply(body=b"x" * 100, fault="cut"),
        servers.Reply(body=b"not json"), servers.Reply(body=b"[]"),
        servers.Reply(body=b'{"choices": []}'), servers.Reply(body=b'{"choices": [{}]}'),
        servers.Reply(body=b'{"choices": [' + b"[" * 5000 + b"]}"),
        servers.Reply(body=b"x" * (2 << 20)),
    ],
    ids=lambda reply: f"{reply.status}{reply.fault}{reply.body[:14].decode()}",
)  # fmt: skip
def test_what_another_try_may_mend_is_tried_again_after_a_longer_wait(fault: servers.Reply) -> None:
    with asked(fault, fault, chat("yes")) as (at, server, waits):
        assert as_completion(post(at).document).text == "yes"
    assert len(server.requests) == at.calls == 3
    assert {request.raw for request in server.requests} == {server.requests[0].raw}
    assert waits.slept == [0.5, 1.0]
    assert len(waits.told) == 2


def test_a_server_that_stalls_is_asked_again() -> None:
    with asked(servers.Reply(fault="stall"), chat("yes"), patience=0.1) as (at, server, waits):
        assert as_completion(post(at).document).text == "yes"
    assert len(server.requests) == 2
    assert "does not answer" in waits.told[0]


def test_a_wait_that_is_asked_for_is_kept_and_one_of_hours_is_the_end() -> None:
    with asked(error(429, Retry_After="17"), error(503, Retry_After="9"), chat("x")) as got:
        at, _, waits = got
        post(at)
    assert waits.slept == [17.0, 9.0]
    ending = pytest.raises(SourceError, match=r"asks to wait for 2\.0 hours; the answers so far")
    with asked(error(429, Retry_After="7201")) as (at, server, waits), ending:
        post(at)
    assert (len(server.requests), waits.slept) == (1, [])


@pytest.mark.parametrize(("reply", "tries"), [(error(500), 4), (servers.Reply(body=b"?"), 3)])
def test_what_fails_again_and_again_is_given_up(reply: servers.Reply, tries: int) -> None:
    with asked(reply) as (at, server, _):
        with pytest.raises(SourceError, match=f"{tries} times in a row"):
            post(at)
        assert len(server.requests) == tries
        # A host that answered once is given more tries, but nonsense is paid for.
        server.script = lambda _number, _request: chat("x")
        post(at)
        server.script = lambda _number, _request: reply
        with pytest.raises(SourceError, match=f"{8 if tries == 4 else 3} times in a row"):
            post(at)


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
        "the request exceeds the available context size. try increasing the context size",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "Input is too long for requested model.",
    ],
)
def test_a_prompt_too_long_is_told_from_other_refusals(words: str) -> None:
    with asked(error(400, words), error(400, "response_format is not supported"), error(413),
               error(422, "no logprobs")) as (at, _, waits):  # fmt: skip
        got = [post(at) for _ in range(4)]
    assert [reply.outcome for reply in got] == ["too long", "refused", "too long", "refused"]
    assert words[:40] in got[0].words
    assert waits.slept == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, f"set {KEY} in the environment"), (403, f"set {KEY}"),
        (404, "does it have the model 'tiny'"), (307, "redirects to another address"),
        (418, "status 418: teapot"),
    ],
)  # fmt: skip
def test_a_refusal_ends_in_a_sentence_at_once(status: int, words: str) -> None:
    ending = pytest.raises(SourceError, match=words)
    with asked(error(status, "teapot", Location="/elsewhere")) as (at, server, _), ending:
        post(at)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/v1", "not encrypted.*use https"),
        ("wss://example.org", "expected https://HOST$"),
        ("example.org", "not an address"),
        ("https://u:p@example.org", "holds a name or password"),
        ("https://example.org/v1?api-key=abc", "leave them out"),
        ("https://example.org/#abc", "leave them out"),
        ("", "not an address"),
    ],
)
def test_no_address_but_an_encrypted_one_or_this_machine(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        ChatClient(url, "m")
    assert "abc" not in str(caught.value)
    assert "--insecure" not in str(caught.value)
    with pytest.raises(UsageError, match="name a model"):
        ChatClient("http://127.0.0.1:1", " ")


def test_the_key_is_sent_to_the_host_alone_and_seen_nowhere_else(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(KEY, f" {SECRET}\n")
    key = JudgeKey.from_environment()
    assert key is not None
    with asked(chat("other")) as (_, other, _), asked(error(500, SECRET)) as (_, first, waits):
        at = ChatClient(first.url, "m", key, timing=waits.timing(), on_wait=waits.on_wait)
        first.script = lambda number, _request: [
            error(500, SECRET), servers.Reply(429, SECRET.encode(), {"X-Echo": SECRET}),
            chat(f"your key is {SECRET}", choice={SECRET: [SECRET]}),
            error(400, f"refused {SECRET}"), error(307, Location=other.url),
        ][number - 1]  # fmt: skip
        completion, refused = post(at), post(at)
        with pytest.raises(SourceError, match="redirects"):
            post(at)
        assert (len(first.requests), other.requests) == (5, [])
        for request in first.requests:
            assert request.headers["authorization"] == f"Bearer {SECRET}"
            assert SECRET.encode() not in request.raw
    assert as_completion(completion.document).text == "your key is ..."
    for text in (*waits.told, repr(completion), repr(refused), repr(key), repr(vars(at))):
        assert text
        assert SECRET not in text
    assert "authorization" not in caplog.text.lower()
    assert "receive_response_headers" in caplog.text
    ending = pytest.raises(SourceError, match=f"does not accept the key in {KEY}")
    with asked(error(401, SECRET), secret=SECRET) as (at, _, _), ending as caught:
        post(at)
    assert SECRET not in str(caught.value)


def test_no_proxy_gets_what_is_meant_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with asked(chat("proxy")) as (_, proxy, _), asked(chat("here"), secret=SECRET) as (at, _, _):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert as_completion(post(at).document).text == "here"
        assert proxy.requests == []


def test_log_probabilities_of_the_first_token_are_read_and_nonsense_is_left_out() -> None:
    top = [
        {"token": " Yes", "logprob": -0.5}, {"token": "No", "logprob": -1.5},
        {"token": "x", "logprob": "a"}, {"token": 7, "logprob": -1.0}, 3, {"token": "y"},
    ]  # fmt: skip
    with asked(chat("Yes", choice={"logprobs": {"content": [{"top_logprobs": top}]}})) as got:
        answer = as_completion(post(got[0]).document)
    assert answer.first == {" Yes": -0.5, "No": -1.5}


_NAMES = ["message", "content", "finish_reason", "logprobs", "top_logprobs", "token", "logprob"]
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_NAMES), inner),
    max_leaves=12,
)


@pytest.mark.slow
@given(choice=_ANYTHING, usage=_ANYTHING)
def test_whatever_a_document_is_it_is_read_or_refused_in_words(choice: Any, usage: Any) -> None:
    message = {"message": {"content": choice}, "logprobs": choice}
    answer = as_completion({"choices": [message], "usage": {"prompt_tokens": usage}})
    assert isinstance(answer.text, str)
    assert answer.prompt_tokens is None or (type(usage) is int and usage >= 0)
    assert all(value <= 0 for value in answer.first.values())
    with contextlib.suppress(ValueError):
        as_completion({"choices": choice})
