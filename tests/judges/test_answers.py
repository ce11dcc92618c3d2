"""Answers of models: what is taken of them, what is asked for again, and what stays missing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.errors import SourceError
from blueattr.judges.answers import Choice, Kind, read_answer, read_word, schema
from support.judge_cases import ask, by, planted, scores, trace
from support.judge_server import Reply, Request, chat, error

FIELDS: dict[str, Kind] = {"A1": "score", "A2": "score"}
GOOD = '{"A1": 3, "A2": 100}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD, f"Here you are:\n```json\n{GOOD}\n```\nI hope {{this}} helps.",
        f"<think>Perhaps {{\"A1\": 9, \"A2\": 9}}?</think>\n{GOOD}", "{not json} " + GOOD,
        f"{GOOD} {GOOD.replace('3', '4')}", f"\ufeff\u2028{GOOD}\x00",
    ],
)  # fmt: skip
def test_the_first_object_is_taken_whatever_stands_around_it(text: str) -> None:
    answer = read_answer(text, FIELDS)
    assert answer.values == {"A1": 3, "A2": 100}
    assert answer.missing == ()


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("1.2", "wrong"), ("NaN", "wrong"), ("Infinity", "wrong"), ("-1", "wrong"),
        ("101", "wrong"), ('"7"', "wrong"), ("true", "wrong"), ("null", "wrong"), ("[7]", "wrong"),
        ("7.0", "wrong"), ("1e2", "wrong"), ('7, "A2": 7', "twice"), ('7, "A2": 8', "twice"),
    ],
)  # fmt: skip
def test_what_is_no_whole_number_from_0_to_100_is_missing(value: str, count: str) -> None:
    answer = read_answer(f'{{"A1": 3, "A2": {value}}}', FIELDS)
    assert answer.values == {"A1": 3}
    assert answer.missing == ("A2",)
    counted = {"wrong": answer.wrong, "twice": answer.twice}
    assert counted == {"wrong": 0, "twice": 0} | {count: 1}


def test_agents_that_were_not_asked_about_are_counted_and_left_out() -> None:
    answer = read_answer('{"A1": 3, "A2": 4, "A3": 5, "a1": 6, "": 7}', FIELDS)
    assert (answer.values, answer.unknown) == ({"A1": 3, "A2": 4}, 3)


@given(st.text())
def test_whatever_the_answer_only_what_was_asked_for_is_taken(text: str) -> None:
    for said in (text, "{" + text, json.dumps({"A1": text}), f'{{"A1": {text}}}'):
        answer = read_answer(said, FIELDS)
        assert set(answer.values) | set(answer.missing) == {"A1", "A2"}
        assert all(type(value) is int and 0 <= value <= 100 for value in answer.values.values())
        read_word(said)


def test_an_answer_of_a_million_braces_is_read_in_no_time() -> None:
    for text in ("{" * 1_000_000, '{"a":' * 200_000, "[" * 100 + "{}"):
        assert read_answer(text, FIELDS).missing == ("A1", "A2")


def test_an_answer_of_a_million_dots_or_thoughts_without_end_is_read_in_no_time() -> None:
    for text in ("." * 1_000_000, " " * 1_000_000, "<think>" * 150_000, "1." * 500_000):
        assert read_word(text) is None
        assert not read_answer(text, FIELDS).found
    assert read_word("<think>" * 2 + "no</think> 1) Yes") is True


def test_words_and_truth_values_are_what_was_asked_for() -> None:
    fields: dict[str, Kind] = {"row": Choice(("A1", "A2")), "why": "text", "late": "truth"}
    assert read_answer('{"row": "A2", "late": true}', fields).missing == ()
    assert read_answer('{"row": "A3", "late": 1, "why": 5}', fields).missing == ("row", "late")
    assert schema(fields)["properties"]["row"] == {"type": "string", "enum": ["A1", "A2"]}
    # A model that never ends a sentence would fill its context with it.
    assert schema(fields)["properties"]["why"] == {"type": "string", "maxLength": 300}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes", True), ("yes.", True), ("1. Yes. 2. Because no one else did", True),
        (" **No**, it did not", False), ("<think>yes?</think> No", False), ("NO", False),
        ("Not at all", None), ("Yesterday", None), ("", None), ("I would say yes", None),
    ],
)  # fmt: skip
def test_a_yes_or_no_is_the_first_word_or_none(text: str, expected: bool | None) -> None:
    assert read_word(text) is expected


def test_what_is_missing_is_asked_for_again_by_name_twice_at_most() -> None:
    def incomplete(number: int, request: Request) -> Reply:
        right = planted(request)
        if number == 1:
            return chat(
                "Well: " + json.dumps({k: right[k] for k in ("A1", "A2", "A4")} | {"A9": 5})
            )
        if number == 2:
            assert request.keys == ["A3", "A5", "A6"]
            return chat(json.dumps({"A3": right["A3"], "A5": 1.2, "A6": "NaN", "A1": 99}))
        assert request.keys == ["A5", "A6"]
        return chat(json.dumps({"A5": right["A5"]}))

    result, asked = ask(incomplete, trace(), repeats=1)
    assert len(asked) == 3
    assert result.counts.again == 2
    assert (result.counts.unknown, result.counts.wrong) == (2, 2)
    assert (result.missing, result.wanted) == (1, 6)
    given = [score for score in scores(result) if score is not None]
    assert len(given) == 5
    assert set(given) < {0, 10, 20, 30, 40, 50}
    roles = [message["role"] for message in asked[2].json["messages"]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "A5, A6." in asked[2].prompt
    assert "A3" not in asked[2].prompt
    # No answer of the conversation is sent that the model did not give.
    assert asked[1].json["messages"][2]["content"].startswith("Well: ")


def test_a_schema_that_is_refused_becomes_an_object_and_then_text() -> None:
    def picky(number: int, request: Request) -> Reply:
        if request.form != "text":
            return error(400 if number % 2 else 422, f"{request.form} is not supported")
        rows = {row["row"]: int(row["data"]["known"]) for row in request.rows}
        return chat(f"Here: {json.dumps(rows)}. Bye {{}}")

    result, asked = ask(picky, trace(), repeats=2)
    assert [request.form for request in asked] == ["json_schema", "json_object", "text", "text"]
    assert result.counts.form == "text"
    assert scores(result) == [0, 10, 20, 30, 40, 50]
    with pytest.raises(SourceError, match=r"refuses the request \(status 400\): seed is unknown"):
        ask(lambda _number, _request: error(400, "seed is unknown"), trace())


def test_a_model_that_declines_is_asked_again_and_then_counted_as_missing() -> None:
    declined: dict[str, Any] = {"message": {"content": None, "refusal": "I cannot"}}
    result, asked = ask(lambda _n, _r: chat("", "content_filter", declined), trace(), repeats=1)
    assert len(asked) == 3
    assert result.missing == 6
    assert asked[1].json["messages"][2]["content"] == "(no answer)"


@pytest.mark.parametrize("name", ["mast", "who-when-steps"])
def test_an_answer_that_is_cut_off_is_an_error(name: str) -> None:
    cut = lambda _number, _request: chat('{"A1": 3, "A2": 4', "length")  # noqa: E731
    with pytest.raises(SourceError, match="cut off before its end"):
        ask(cut, trace(), name)


def test_faults_of_the_server_cost_tries_and_no_score() -> None:
    faults = [error(429, Retry_After="3"), error(500), Reply(fault="close"), Reply(body=b"?")]

    def faulty(number: int, request: Request) -> Reply:
        return faults[number - 1] if number <= 3 else by(planted)(number, request)

    result, asked = ask(faulty, trace(), repeats=1)
    assert (len(asked), result.sent, result.counts.requests) == (4, 4, 1)
    assert scores(result) == [0, 10, 20, 30, 40, 50]
