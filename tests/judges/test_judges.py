"""Judges asked by a scripted server: what each asks, and what its answers become."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blueattr.errors import InputError, SourceError, UsageError, ZeroTotalError
from blueattr.judges.judge import JudgeSettings, judge, plan
from blueattr.judges.methods import METHODS
from blueattr.judges.prompts import modes
from blueattr.judges.trace import Mention, Row, Trace
from blueattr.sources.chat import ChatClient
from blueattr.studies.validation.agreement import agreement
from support.judge_cases import HOSTILE, ask, by, known, planted, scores, trace
from support.judge_server import Reply, Request, chat, error, serving


def yes_no(request: Request) -> str:
    """Answer yes about the row that did most of all, where the last row is asked about."""
    rows = request.rows
    return "Yes." if rows[-1]["data"]["known"] == 50 else "1. No. 2. It did little."


def better_half(request: Request) -> dict[str, str]:
    rows = [row["data"]["known"] for row in request.rows]
    middle = (len(rows) + 1) // 2
    return {"half": "first" if max(rows[:middle]) > max(rows[middle:]) else "second"}


def most(request: Request) -> dict[str, str]:
    rows = known(request)
    return {"row": max(rows, key=lambda row: rows[row]), "reason": "it did most"}


def failing(request: Request) -> dict[str, bool]:
    """As many modes as tens are known of the agent's row, which is the first one."""
    count = int(request.rows[0]["data"]["known"]) // 10
    return {mode: place < count for place, mode in enumerate(request.keys)}


ANSWERS = {
    "mast": planted, "who-when": planted, "mast-modes": failing, "who-when-once": most,
    "who-when-steps": yes_no, "who-when-halves": better_half,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "requests", "expected"),
    [
        ("mast", 3, [0, 10, 20, 30, 40, 50]),
        ("who-when", 3, [0, 10, 20, 30, 40, 50]),
        ("mast-modes", 18, [0, 1, 2, 3, 4, 5]),
        ("who-when-once", 3, [0, 0, 0, 0, 0, 1]),
        ("who-when-steps", 18, [0, 0, 0, 0, 0, 1]),
        ("who-when-halves", 7, [0, 0, 0, 0, 0, 1]),  # two or three a repeat
    ],
)
def test_a_judge_asks_as_often_as_it_should_and_its_scores_are_those_it_was_answered(
    name: str, requests: int, expected: list[float]
) -> None:
    of = trace()
    result, asked = ask(by(ANSWERS[name]), of, name)
    assert len(asked) == result.sent == result.counts.requests == requests
    assert scores(result) == expected
    shares = np.array(expected) / sum(expected)
    assert result.values == pytest.approx(0.75 * shares, abs=1e-15)
    assert sum(result.values) == pytest.approx(of.value - of.baseline_value)
    assert (result.missing, result.undefined, result.tossed) == (0, "", 0)
    assert result.wanted == 18
    assert all(agent.spread == pytest.approx(0, abs=1e-15) for agent in result.agents)
    assert result.counts.prompt_tokens == 100 * requests
    # A rehearsal asks as often, and with the same first prompt.
    before = plan(of, JudgeSettings(judge=name), ChatClient("http://127.0.0.1:9", "m"))
    if name != "who-when-halves":  # whose answers decide what is asked next
        assert before.requests == requests
        assert before.characters == result.counts.characters
    assert list(before.prompt) == asked[0].json["messages"]


def test_every_judge_is_tried() -> None:
    assert set(ANSWERS) == set(METHODS)


def test_a_judge_who_knows_the_truth_agrees_with_it_whatever_the_order_of_rows() -> None:
    of = trace(agents=20)
    truth = np.random.default_rng(3).permutation(20).astype(float)
    rows = tuple(Row(row.agent, 0, (0.5, float(truth[row.agent]), "x", "y")) for row in of.rows)
    of = Trace(**{**vars_of(of), "rows": rows})
    result, asked = ask(by(planted), of, seed=1)
    assert agreement(result.values, truth - 3).kendall_tau == 1
    # In each repeat agents have other names and stand elsewhere.
    orders = {tuple(known(request).values()) for request in asked}
    assert len(orders) == 3
    assert all(list(known(request)) == [f"A{k}" for k in range(1, 21)] for request in asked)
    assert not result.bias.found
    assert len(result.bias.taus) == 3


def vars_of(of: Trace) -> dict[str, Any]:
    return {name: getattr(of, name) for name in Trace.__dataclass_fields__}


@pytest.mark.parametrize("sign", [1, -1])
def test_a_judge_that_scores_by_row_number_is_found_out(sign: int) -> None:
    def by_row(request: Request) -> dict[str, int]:
        return {key: 50 + sign * place for place, key in enumerate(request.keys)}

    result, _ = ask(by(by_row), trace(agents=12), repeats=3)
    assert result.bias.taus == (sign, sign, sign)
    assert result.bias.mean == sign
    assert result.bias.found
    assert result.bias.distance is not None
    assert sign * result.bias.distance > 4
    # And where the rows are asked for in several requests, by the number in each.
    result, asked = ask(by(by_row), trace(agents=12), repeats=2, rows=5)
    assert len(asked) == 6
    assert result.bias.taus == (sign, sign)
    assert result.bias.found


def test_what_changes_from_step_to_step_is_no_bias_of_position() -> None:
    def by_step(request: Request) -> dict[str, int]:
        return {key: int(key.partition("_t")[2]) for key in request.keys}

    result, _ = ask(by(by_step), trace(agents=6, steps=5))
    assert result.bias.mean is not None
    assert result.bias.mean > 0.5
    assert not result.bias.found
    # Nor where each step is a request of its own, in which places begin anew.
    result, asked = ask(by(by_step), trace(agents=6, steps=5), rows=6)
    assert len(asked) == 3 * 5
    assert result.bias.mean == pytest.approx(0, abs=1e-12)
    assert not result.bias.found


def test_the_spread_under_shuffles_is_that_of_the_statistic() -> None:
    # Kendall 1938: of n values without ties, the variance is 2(2n + 5) / 9n(n - 1).
    result, _ = ask(by(planted), trace(agents=10), repeats=4)
    variance = 2 * 25 / (9 * 10 * 9) / 4
    assert result.bias.standard_error == pytest.approx(math.sqrt(variance), rel=0.15)
    assert result.bias.expected == pytest.approx(0, abs=0.03)


def test_rows_are_asked_for_in_batches_and_cells_are_summed_by_agent() -> None:
    of = trace(agents=3, steps=4)
    result, asked = ask(by(planted), of, rows=5, repeats=1)
    assert [len(request.keys) for request in asked] == [5, 5, 2]
    assert {key for request in asked for key in request.keys} == {
        f"A{agent}_t{step}" for agent in (1, 2, 3) for step in (1, 2, 3, 4)
    }
    assert scores(result) == [6, 46, 86]
    assert result.wanted == 12
    steps = [row["step"] for request in asked for row in request.rows]
    assert steps == sorted(steps)


def test_a_batch_that_is_too_long_is_halved_until_it_fits() -> None:
    def short(number: int, request: Request) -> Reply:
        if len(request.rows) > 3:
            return error(400, "the request exceeds the available context size")
        return by(planted)(number, request)

    result, asked = ask(short, trace(agents=10), repeats=1)
    assert [len(request.rows) for request in asked] == [10, 5, 3, 3, 3, 1]
    assert result.counts.halved == 2
    assert scores(result) == [10 * agent for agent in range(10)]
    too_long = lambda _number, _request: error(413)  # noqa: E731
    with pytest.raises(SourceError, match="even one row is too long"):
        ask(too_long, trace(agents=3))
    for name in ("mast-modes", "who-when-once", "who-when-steps", "who-when-halves"):
        with pytest.raises(SourceError, match="too long for the model's context"):
            ask(too_long, trace(agents=3), name)


def test_steps_take_probabilities_where_the_server_gives_them() -> None:
    def likely(_number: int, request: Request) -> Reply:
        chance = 0.1 + request.rows[-1]["data"]["known"] / 100
        assert (request.json["logprobs"], request.json["top_logprobs"]) == (True, 5)
        top = [{"token": " Yes", "logprob": math.log(0.5 * chance)},
               {"token": "no", "logprob": math.log(0.5 * (1 - chance))}]  # fmt: skip
        return chat("No", choice={"logprobs": {"content": [{"top_logprobs": top}]}})

    result, asked = ask(likely, trace(), "who-when-steps", repeats=1)
    assert scores(result) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert [len(request.rows) for request in asked] == [1, 2, 3, 4, 5, 6]

    def without(number: int, request: Request) -> Reply:
        if "logprobs" in request.json:
            return error(400, "logprobs are not supported")
        return by(yes_no)(number, request)

    result, asked = ask(without, trace(), "who-when-steps", repeats=1)
    assert (scores(result)[-1], len(asked), result.counts.form) == (1, 7, "plain")


def test_steps_stop_at_the_first_yes_where_told_to() -> None:
    of = trace()
    result, asked = ask(by(yes_no), of, "who-when-steps", repeats=4, first=True)
    assert scores(result) == [0, 0, 0, 0, 0, 1]
    assert 4 <= len(asked) < 24
    assert result.missing == 0


def test_halves_toss_a_coin_where_the_answer_is_unclear_and_say_so() -> None:
    result, asked = ask(by(lambda _request: "I cannot say"), trace(), "who-when-halves", repeats=2)
    assert result.tossed == len(asked) / 3 > 3
    assert sum(value or 0 for value in scores(result)) == 1


def test_an_answer_to_nothing_is_undefined_and_not_a_share() -> None:
    zeros = by(lambda request: dict.fromkeys(request.keys, 0))
    result, _ = ask(zeros, trace())
    assert result.undefined == "the judge gave everybody 0"
    assert all(
        (a.score, a.value, a.share, a.spread) == (0, None, None, None) for a in result.agents
    )
    assert (result.bias.mean, result.bias.found) == (None, False)
    result, _ = ask(by(lambda _request: "no idea"), trace())
    assert result.undefined == "the judge scored nobody"
    assert result.missing == result.wanted == 18
    assert scores(result) == [None] * 6
    for value, less in ((0.5, 0.5), (0.3, 0.1 + 0.2)):  # they differ by rounding
        same = Trace(**{**vars_of(trace()), "value": value, "baseline_value": less})
        with pytest.raises(ZeroTotalError, match="nothing to share out"):
            ask(zeros, same)


def test_who_is_not_scored_is_missing_and_never_0() -> None:
    def silent_on_one(request: Request) -> dict[str, int]:
        return {key: value for key, value in planted(request).items() if value != 30}

    result, asked = ask(by(silent_on_one), trace(), repeats=2)
    assert scores(result) == [0, 10, 20, None, 40, 50]
    assert (result.missing, result.wanted) == (2, 12)
    assert len(asked) == 2 * 3
    assert sum(a.value or 0 for a in result.agents) == pytest.approx(0.75)
    # Where a repeat scores an agent, its mean is of that repeat.
    once = []

    def silent_once(request: Request) -> dict[str, int]:
        once.append(request)
        return silent_on_one(request) if len(once) <= 3 else planted(request)

    result, _ = ask(by(silent_once), trace(), repeats=2)
    assert scores(result) == [0, 10, 20, 30, 40, 50]
    assert result.missing == 1
    assert result.agents[3].spread is None


@pytest.mark.slow
def test_texts_of_a_record_stay_in_their_cells_as_the_bytes_show() -> None:
    of = trace(agents=3, steps=2, text=HOSTILE)
    for name, answer in ANSWERS.items():
        _, asked = ask(by(answer), of, name, repeats=2)
        boundaries = set()
        for request in asked:
            assert request.raw.isascii()
            system, user = (message["content"] for message in request.json["messages"][:2])
            assert "score me" not in system
            assert "\n" in user
            (boundary,) = re.findall(r"^BEGIN ([0-9a-f]{32})$", user, re.MULTILINE)
            assert user.splitlines().count(f"BEGIN {boundary}") == 1
            assert user.splitlines().count(f"END {boundary}") == 1
            assert user.count(boundary) == 2
            boundaries.add(boundary)
            before, rest = user.split(f"BEGIN {boundary}\n")
            inside, after = rest.split(f"\nEND {boundary}")
            for outside in (before, after):
                assert "score me" not in outside
                assert "000000" not in outside
            lines = inside.split("\n")
            assert inside.isascii()
            assert lines == inside.splitlines()
            facts, *rows = map(json.loads, lines)
            assert facts["simulation"] == of.simulation
            assert facts["formula of the indicator"] == of.formula
            # No line more than there are rows to show, and each text whole in its cell.
            shown = [row for row in rows if "row" in row]
            assert {row["row"] for row in shown} <= {
                f"A{agent}_t{step}" for agent in (1, 2, 3) for step in (1, 2)
            }
            assert len({row["row"] for row in shown}) == len(shown) <= 6
            assert all(row["data"]["says"] == HOSTILE for row in shown)
            assert all("agent 0" not in line for line in lines)
            if name in {"mast", "who-when"}:
                assert len(rows) == 6
                assert set(request.keys) == {row["row"] for row in shown}
        assert len(boundaries) == len({request.raw for request in asked}) > 1


def test_agents_that_a_text_speaks_of_are_renamed_in_it() -> None:
    _, asked = ask(by(planted), trace(), repeats=2)
    for request in asked:
        names = {int(row["data"]["known"]) // 10: row["row"] for row in request.rows}
        for row in request.rows:
            follower = (int(row["data"]["known"]) // 10 + 1) % 6
            assert row["data"]["reads"] == f"read {names[follower]}"


def test_prompts_state_the_formula_of_the_indicator_and_both_values() -> None:
    for name, answer in ANSWERS.items():
        _, asked = ask(by(answer), trace(), name, repeats=1)
        for request in asked:
            prompt = request.json["messages"][1]["content"]
            assert '"the logarithm of the price over the price a step before"' in prompt
            assert '"nobody works"' in prompt
            assert ": 0.5," in prompt
            assert ": -0.25," in prompt
            assert "$" not in prompt
    assert len(modes()) == 14


def test_a_run_that_is_kept_asks_nothing_again(tmp_path: Path) -> None:
    folder = tmp_path / "kept"

    def refusing(number: int, request: Request) -> Reply:
        if request.form == "json_schema":
            return error(400, "response_format: not supported")
        if len(request.rows) > 4:
            return error(400, "maximum context length exceeded")
        rows = known(request)
        return chat(json.dumps(dict.fromkeys(list(rows)[number % 2 :], 7)))

    with serving(refusing) as server:
        first = judge(trace(), JudgeSettings(), ChatClient(server.url, "m"), folder)
        count = len(server.requests)
        assert count == first.sent
        assert first.counts.again > 0
        assert first.counts.halved > 0
        assert first.counts.form == "json_object"
        again = judge(trace(), JudgeSettings(), ChatClient(server.url, "m"), folder)
        assert len(server.requests) == count
        assert (again.sent, again.from_folder) == (0, count)
        assert again.agents == first.agents
        assert again.counts == first.counts
        # Another model, seed or temperature is another question.
        for model, settings in (
            ("n", JudgeSettings()),
            ("m", JudgeSettings(seed=1)),
            ("m", JudgeSettings(temperature=0.0)),
        ):  # fmt: skip
            before = len(server.requests)
            judge(trace(), settings, ChatClient(server.url, model), folder)
            assert len(server.requests) > before
    kept = [json.loads(file.read_text()) for file in folder.iterdir()]
    assert {one["outcome"] for one in kept} == {"completion", "refused", "too long"}
    assert all(one["messages"][0]["role"] == "system" for one in kept)
    assert any("choices" in one["reply"] for one in kept)


@pytest.mark.slow
def test_what_was_cut_off_or_spoiled_in_the_folder_is_asked_again(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with serving(lambda _number, _request: chat('{"A1": 3', "length")) as server:

        def again() -> int:
            before = len(server.requests)
            judge(trace(), JudgeSettings(repeats=1), ChatClient(server.url, "m"), folder)
            return len(server.requests) - before

        with pytest.raises(SourceError, match=r"cut off before its end.*--rows"):
            again()
        (file,) = folder.iterdir()
        server.script = by(planted)
        assert (again(), again()) == (1, 0)
        assert list(folder.iterdir()) == [file]
        for junk in (b"", b"{}", b'{"outcome": "x", "status": 1, "words": "", "reply": 1}', b"[["):
            file.write_bytes(junk)
            assert (again(), again()) == (1, 0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"judge": "jury"}, "none of mast, mast-modes, who-when"),
        ({"repeats": 0}, "--repeats takes 1 to 100"),
        ({"seed": -1}, "--seed"), ({"temperature": 2.5}, "--temperature"),
        ({"temperature": float("nan")}, "--temperature"), ({"max_tokens": 0}, "--max-tokens"),
        ({"rows": 0}, "--rows"), ({"first": True}, "--first is for who-when-steps"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        JudgeSettings(**settings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"agents": ()}, "at least one agent"), ({"steps": ()}, "at least one agent"),
        ({"value": math.nan}, "not finite"), ({"baseline_value": math.inf}, "not finite"),
        ({"columns": ("a",)}, "has 4 cells at step 0"), ({"columns": ("a",) * 4}, "two columns"),
        ({"rows": (Row(0, 0, ()),) * 6}, "one row for each"), ({"rows": ()}, "one row for each"),
    ],
)  # fmt: skip
def test_a_trace_that_is_not_whole_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Trace(**{**vars_of(trace()), **change})


def test_a_trace_of_one_agent_can_be_judged() -> None:
    of = trace(agents=1)
    rows = (Row(0, 0, (1.0, 10.0, ("read ", Mention(0)), "")),)
    of = Trace(**{**vars_of(of), "rows": rows})
    for name in ("mast", "who-when-halves", "mast-modes"):
        result, _ = ask(by(ANSWERS[name]), of, name)
        assert result.values == pytest.approx([0.75])
        assert not result.bias.found
