"""Groups of a store's agents and of a file's: who is in which, in whatever form it is said."""

import html
import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import blueattr
from blueattr.analysis.again import report_again
from blueattr.analysis.groups.grouping import ByGroup, asked_by, grouping
from blueattr.analysis.groups.sources import BUILT_IN
from blueattr.attribution.groups.result import GroupShares
from blueattr.errors import ExitCode, FeatureError, InputError, UsageError
from blueattr.ingest import read
from blueattr.panel.groupers import GROUPERS
from blueattr.report import attribution_report
from blueattr.report.formats.text import Terminal, text_of
from support.cli_world import PANEL, assert_clean, ok, refused, run
from support.events_builder import (
    Event,
    at,
    identity,
    lines,
    plc,
    plc_did,
    plc_name,
    post,
    profile,
)

PEOPLE = {
    "aa": "ann.bsky.social",
    "bb": "ben.bsky.social",
    "cc": "desk.example.co.uk",
    "dd": "example.co.uk",
    "ee": "handle.invalid",
    "ff": None,
    "gg": "Gil.Sub.Example.COM",
    "hh": "hal.bsky.social.test",
    "ii": "ida.test",
}


def stored(folder: Path, directory: list[Event] = [], more: list[Event] = []) -> Path:  # noqa: B006 - never changed
    events = [post(plc_name(who), "x", rev=1, time=at(days=5)) for who in PEOPLE]
    events += [
        identity(plc_name(who), handle, time=at(days=4))
        for who, handle in PEOPLE.items()
        if handle is not None
    ]
    db = folder / "store.duckdb"
    for kind, content in (("file", [*events, *more]), ("plc", directory)):
        if content:
            (folder / kind).write_bytes(lines(*content))
            assert read.ingest(db, [str(folder / kind)], kind=kind).failures == ()
    return db


def agents_of(db: Path, **how: Any) -> dict[str, int]:
    with blueattr.open(db) as store:
        result = store.attribute("all", "lin", **how)
    assert isinstance(result.groups, GroupShares)
    return {one.group: one.agents for one in result.groups.groups}


# --- groups of a store ----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_domain_is_what_somebody_registers(tmp_path: Path) -> None:
    assert agents_of(stored(tmp_path), by="domain") == {
        "bsky.social": 2, "example.co.uk": 2, "unknown": 2, "example.com": 1,
        "bsky.social.test": 1, "ida.test": 1,
    }  # fmt: skip


@pytest.mark.slow
def test_the_age_is_the_year_of_creation_by_whoever_knows_best(tmp_path: Path) -> None:
    directory = [
        plc("aa", datetime(2023, 5, 1, tzinfo=UTC), "ann.bsky.social"),
        plc("bb", datetime(2024, 12, 31, 23, 59, tzinfo=UTC), "ben.bsky.social"),
        plc("cc", datetime(2023, 1, 1, tzinfo=UTC)),
    ]
    # Their profiles were seen to be created, too; the directory knows better.
    seen = [profile(plc_name(who), rev=3, time=at(days=-400)) for who in ("aa", "dd")]
    years = agents_of(stored(tmp_path, directory, seen), by="age")
    year = str(at(days=-400).year)
    assert year not in {"2023", "2024"}
    assert [*years.items()] == [("2023", 2), ("2024", 1), (year, 1), ("unknown", 5)]


def test_a_tier_keeps_its_order_and_has_the_shares_of_the_tiers(db: Path) -> None:
    with blueattr.open(db) as store:
        result = store.attribute("mythos", by="tier", tiers=(5, 20))
    groups = result.groups
    assert [(one.group, one.agents, one.value, one.share) for one in groups.groups] == [
        (one.tier, one.agents, one.value, pytest.approx(one.share)) for one in result.tiers
    ]


@pytest.mark.slow
@pytest.mark.parametrize("panel", ["active", "involved"])
def test_groups_are_of_those_who_are_asked_about(tmp_path: Path, panel: str) -> None:
    db = stored(tmp_path, more=[post(plc_name("aa"), "y", "a mythos", rev=2, time=at(days=5))])
    with blueattr.open(db) as store:
        result = store.attribute(match="mythos", indicator="lin", by="domain", panel=panel)
    groups = {one.group: one.agents for one in result.groups.groups}
    assert groups.get("bsky.social") == (2 if panel == "active" else 1)
    assert sum(groups.values()) == result.n_agents == (len(PEOPLE) if panel == "active" else 1)
    assert sum(one.agents_involved for one in result.groups.groups) == 1


@pytest.mark.slow
def test_each_grouper_has_one_name_and_can_be_asked_for(db: Path) -> None:
    for name in GROUPERS:
        groups = agents_of(db, by=name)
        assert sum(groups.values()) == PANEL, name


# --- groups from a file or a column ---------------------------------------------------------------


@pytest.mark.slow
def test_a_file_groups_the_agents_that_it_names(tmp_path: Path) -> None:
    db = stored(tmp_path)
    for name, text in {
        "list.csv": f"did,group\n{plc_did('aa')},press\n{plc_did('bb')},07\n{plc_did('cc')},7\n"
        f"{plc_did('dd')},\ndid:plc:nobody,press\n",
        "semicolons.csv": f"did;group\n{plc_did('aa')};press\n{plc_did('bb')};07\n"
        f"{plc_did('cc')};7\n",
        "list.jsonl": "\n".join(
            json.dumps({"agent": plc_did(who), "group": group})
            for who, group in (("aa", "press"), ("bb", "07"), ("cc", "7"))
        ),
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        found = agents_of(db, by=str(tmp_path / name))
        assert found == {"unknown": 6, "press": 1, "07": 1, "7": 1}


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("did,team\ndid:plc:x,a\n", "has no column group; it has 'did', 'team'"),
        ("name,group\nx,a\n", r"has no column did \(or agent\)"),
        ("did,group\ndid:plc:x,a\ndid:plc:x,b\n", "occurs more than once"),
        ("did,group\nann.bsky.social,a\n", "none of the agents .*'ann.bsky.social'.* by DID"),
        ("did,group\n", "has no agents"),
        ("", "it is empty"),
    ],
)
def test_a_file_that_groups_nobody_is_refused_with_its_name(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words) as caught:
        agents_of(stored(tmp_path), by=str(tmp_path / "list.csv"))
    assert "list.csv" in str(caught.value)


def test_a_file_of_groups_says_whom_it_does_not_know_and_who_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "team.csv"
    path.write_text("did,group\nx1,a\nx2,\nelse,b\nwho,b\n", encoding="utf-8")
    groups = blueattr.attribute(frame(n=[0, 0, 0]), "lin", by=str(path)).groups
    assert groups.notes == (
        "unknown: team.csv has no group for them.",
        "team.csv has 2 agents who are not on the panel.",
    )
    for more, notes in (("", ()), ("who,b\n", ("team.csv has 1 agent who is not on the panel.",))):
        path.write_text(f"did,group\nx1,a\nx2,a\nx3,b\n{more}", encoding="utf-8")
        assert blueattr.attribute(frame(n=[0, 0, 0]), "lin", by=str(path)).groups.notes == notes


@pytest.mark.parametrize(
    "text",
    [
        "did,group\nx1,1\nx2,press\nx3,2\n",
        "did,group\nx1,\nx2,press\nx3,\n",
        "did,group,note\nx1,a\nx2,press\nx3,c\n",
        "a list of mine\nfor x; for y\nAgent;Group\nx1;1\nx2;press\nx3;2\n",
    ],
    ids=["numbers", "gaps", "short rows", "preamble"],
)
def test_no_row_of_a_file_of_groups_is_taken_for_its_header(tmp_path: Path, text: str) -> None:
    path = tmp_path / "team.csv"
    path.write_text(text, encoding="utf-8")
    found = blueattr.attribute(frame(n=[0, 0, 0]), "lin", by=str(path)).groups
    assert sum(one.agents for one in found.groups) == 3
    assert "press" in {one.group for one in found.groups}


def test_of_a_file_of_groups_agents_that_occur_twice_are_counted_and_not_rows(
    tmp_path: Path,
) -> None:
    path = tmp_path / "team.csv"
    path.write_text("did,group\nx1,a\nx2,a\nx2,b\nx3,a\nx3,a\nx3,b\n", encoding="utf-8")
    with pytest.raises(FeatureError, match=r"'x2' occurs .* \(line 3, and 1 more agent\)"):
        blueattr.attribute(frame(n=[0, 0, 0]), "lin", by=str(path))


def test_a_file_whose_groups_are_lists_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "team.parquet"
    pl.DataFrame({"did": ["x1"], "group": [["a"]]}).write_parquet(path)
    with pytest.raises(FeatureError) as caught:
        blueattr.attribute(frame(n=[0, 0, 0]), "lin", by=str(path))
    assert str(caught.value) == "the column 'group' has lists, which are no groups"


@pytest.mark.slow
def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the groups in .*none\.csv"):
        agents_of(stored(tmp_path), by=str(tmp_path / "none.csv"))


def frame(**columns: Any) -> dict[str, Any]:
    n = len(next(iter(columns.values())))
    return {"agent": [f"x{n - k}" for k in range(n)], "a": [1.0 + k for k in range(n)],
            "b": [2.0] * n, "c": [float(k) for k in range(n)], **columns}  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["07", "7", None], {"07", "7", "unknown"}),
        ([7, 8, None], {"7", "8", "unknown"}),
        ([7.0, None, 8.0], {"7", "8", "unknown"}),
        ([7.5, 7.25, float("nan")], {"7.5", "7.25", "unknown"}),
        ([True, False, True], {"true", "false"}),
        (["a", "A", "a "], {"a", "A", "a "}),
        (["unknown", None, ""], {"unknown"}),
        (["  ", "\t", "a"], {"a", "unknown"}),
        ([b" ", b"", b"a"], {"a", "unknown"}),
    ],
)
def test_cells_of_a_column_become_groups_that_differ_as_they_do(
    cells: list[Any], names: set[str]
) -> None:
    result = blueattr.attribute(frame(team=pl.Series(cells, strict=False)), "lin", by="team")
    assert {one.group for one in result.groups.groups} == names


def test_a_column_goes_with_its_agents_whatever_their_order(tmp_path: Path) -> None:
    table = pl.DataFrame(frame(team=["p", "q", "q"]))
    path = tmp_path / "panel.csv"
    table.write_csv(path)
    for features in (table, table.reverse(), path):
        result = blueattr.attribute(features, "lin", by="team")
        values = {one.group: one.value for one in result.groups.groups}
        assert values == {"p": pytest.approx(1 / 3), "q": pytest.approx(4 / 3)}
    assert blueattr.attribute(path, "lin", by="column:team").groups.by == ("column:team",)


def test_a_column_of_a_csv_keeps_zeros_at_the_front(tmp_path: Path) -> None:
    path = tmp_path / "panel.csv"
    path.write_text("did,a,b,c,zip\nx,1,1,1,07\ny,1,1,1,7\nz,1,1,1,7.0\n", encoding="utf-8")
    result = blueattr.attribute(path, "lin", by="zip")
    assert {one.group for one in result.groups.groups} == {"07", "7", "7.0"}


def test_names_that_are_built_in_win_over_columns() -> None:
    table = frame(tier=["x", "y", "y"], domain=["p", "p", "q"])
    groups = blueattr.attribute(table, "lin", by="tier").groups.groups
    assert {one.group for one in groups} <= {"top", "middle", "tail"}
    groups = blueattr.attribute(table, "lin", by="column:tier").groups.groups
    assert {one.group for one in groups} == {"x", "y"}
    with pytest.raises(UsageError, match=r"a column of that name is .*column:domain"):
        blueattr.attribute(table, "lin", by="domain")


def test_columns_with_lists_are_no_groups() -> None:
    table = pl.DataFrame(frame(tags=[["a"], ["b"], []]))
    with pytest.raises(FeatureError, match="'tags' has lists"):
        blueattr.attribute(table, "lin", by="tags")


# --- what a user may write ------------------------------------------------------------------------


def test_what_to_group_by_is_parsed_and_what_makes_no_sense_refused(tmp_path: Path) -> None:
    assert grouping("domain, tier") == ByGroup(("domain", "tier"))
    assert grouping(["age"], "sample", 3) == ByGroup(("age",), "sample", 3)
    comma = tmp_path / "a,b.csv"
    comma.write_text("", encoding="utf-8")
    assert grouping(str(comma)) == ByGroup((str(comma),))
    assert asked_by(None) is None
    assert asked_by("day") == "day"
    assert set(BUILT_IN) >= {"domain", "age", "tier"}
    for by, many, words in (
        ("day,tier", "join", "day stands alone"),
        ("a,b,c", "join", "at most two"),
        ("a,a", "join", "twice"),
        ("a,", "join", "names nothing"),
        ("day", "sample", "--many-groups is about groups"),
        (None, "sample", "--many-groups is about groups"),
        ("a", "sampel", "did you mean 'sample'"),
    ):
        with pytest.raises(UsageError, match=words):
            asked_by(by, many)


def test_the_command_and_the_library_say_what_is_wrong(db: Path, here: Path) -> None:
    topic = ("attribute", "--topic", "mythos", "--db", db)
    for options, words in (
        (("--by", "domian"), "did you mean 'domain'"),
        (("--by", "column:x"), "a store has no columns"),
        (("--by", "tier", "--seed", "3"), "are about --intervals"),
        (("--by", "tier,day"), "day stands alone"),
    ):
        refused(ExitCode.USAGE, *topic, *options, says=words)
    ok(*topic, "--by", "tier", "--many-groups", "sample", "--seed", "3")
    with pytest.raises(UsageError, match=r"by day needs a store; .*column:day"):
        blueattr.attribute(frame(x=[1, 2, 3]), "lin", by="day")


# --- what is written ------------------------------------------------------------------------------


HOSTILE = ["\x1b[2J\x1b]0;x\x07", "=HYPERLINK(\"http://x\")", "<script>alert(1)</script>",
           "a\u202eb", "**b**|c", "\\input{x} $x$ %", "[red]x[/red]", "a\nb"]  # fmt: skip


@pytest.mark.parametrize("form", ["text", "json", "csv", "md", "tex"])
def test_hostile_names_of_groups_are_harmless_and_stay_apart(
    here: Path, tmp_path: Path, form: str
) -> None:
    names = [*HOSTILE, *(name + " " for name in HOSTILE[:4])]
    pl.DataFrame(frame(team=names)).write_parquet("panel.parquet")
    answer = run("attribute", "--features", "panel.parquet", "--by", "team", "--format", form)
    assert answer.code == 0
    assert_clean(answer.text + answer.stderr)
    if form == "json":
        assert {one["group"] for one in answer.json["groups"]} == set(names)
        assert len(answer.json["interactions"]) == 12 * 11 / 2
    if form == "csv":
        rows = pl.read_csv(answer.stdout)
        assert rows["group"].n_unique() == len(names)
        assert not rows["group"].str.contains(r"^[=+\-@]").any()
    if form in {"text", "md"}:
        assert answer.text.count("HYPERLINK") >= 2


@pytest.mark.parametrize("width", [60, 80])
def test_groups_fit_a_narrow_terminal(width: int, here: Path) -> None:
    names = ["a rather long name of a group that nobody would want to read whole" * 2, "b", "c"]
    result = blueattr.attribute(frame(team=names), by="team")
    text = text_of(attribution_report(result), Terminal(width=width, verbose=True))
    assert max(map(len, text.splitlines())) <= width
    assert "Owen" in text


def test_agents_have_their_group_and_their_owen_value(db: Path, here: Path) -> None:
    ok("attribute", "--topic", "mythos", "--db", db, "--by", "domain,tier", "--agents", "a.parquet")
    agents = pl.read_parquet("a.parquet")
    with blueattr.open(db) as store:
        groups = store.attribute("mythos", by="domain,tier").groups.groups
    sums = agents.group_by("group", "inner_group").agg(
        pl.col("owen").sum(), pl.col("value").sum(), pl.len()
    )
    found = {(g, h): rest for g, h, *rest in sums.rows()}
    expected = {(one.group, sub.group): sub for one in groups for sub in one.groups}
    assert len(found) > 2
    assert found.keys() == expected.keys()
    for key, (owen, value, count) in found.items():
        assert (value, count) == (pytest.approx(expected[key].value), expected[key].agents)
        assert owen == pytest.approx(expected[key].owen)
    pl.DataFrame(frame(team=["p", "q", "q"])).write_parquet("own.parquet")
    ok("attribute", "--features", "own.parquet", "--by", "team", "--agents", "b.csv")
    mine = pl.read_csv("b.csv")
    assert dict(mine.select("did", "group").rows()) == {"x3": "p", "x2": "q", "x1": "q"}
    assert "share_a" in mine.columns


# --- hidden accounts ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("hiding", [{"top": 0}, {"pseudonyms": True}])
def test_no_group_tells_who_a_hidden_account_is(
    tmp_path: Path, hiding: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEATTR_PSEUDONYM_KEY", "a key for tests that nobody can guess")
    db = stored(tmp_path)
    # example.co.uk is the handle of an account, and the others have few.
    assert agents_of(db, by="domain", **hiding) == {"not named": 7, "unknown": 2}
    crowd = [
        event
        for k in range(12)
        for event in (
            post(f"x{k:023}", "x", rev=1, time=at(days=5)),
            identity(f"x{k:023}", f"u{k}.bsky.social", time=at(days=4)),
        )
    ]
    more = tmp_path / "more"
    more.mkdir()
    big = stored(more, more=crowd)
    assert agents_of(big, by="domain", **hiding) == {
        "bsky.social": 14, "not named": 5, "unknown": 2
    }  # fmt: skip
    named = tmp_path / "list.csv"
    named.write_text(f"did,group\n{plc_did('aa')},{plc_did('aa')}\n", encoding="utf-8")
    assert agents_of(db, by=str(named), **hiding) == {"unknown": 8, "not named": 1}
    with blueattr.open(db) as store:
        result = store.attribute("all", "lin", by="domain", **hiding)
    assert "co.uk" not in str(result)
    assert any("not named" in note for note in result.groups.notes)
    table = frame(handle=["ann", "ben", "cy"])
    with pytest.raises(UsageError, match="would name accounts"):
        blueattr.attribute(table, "lin", by="handle", **hiding)
    assert len(blueattr.attribute(table, "lin", by="handle").groups.groups) == 3


# --- reports --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("hiding", [{}, {"pseudonyms": True}], ids=str)
def test_a_report_shows_groups_and_its_command_makes_it_again(
    hiding: dict[str, Any], db: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEATTR_PSEUDONYM_KEY", "a key that nobody can guess")
    few: dict[str, Any] = {"sizes": "5", "seeds": 1, "indicator": "heat", **hiding}
    store = blueattr.open(db)
    (page,) = store.report("page.html", "mythos", by="tier,domain", many_groups="sample", **few)
    text = page.read_text("utf-8")
    assert "Groups by tier and domain" in text
    assert "What pairs of groups do together" in text
    command = re.search(r"blueattr report --topic[^<]*", text)
    assert command is not None
    words = shlex.split(html.unescape(command[0]))[1:]
    assert "--by" in words
    ok(*words, "--out", "again.html")
    assert Path("again.html").read_bytes() == page.read_bytes()
    made = report_again(shlex.join(["blueattr", *words]), db, 4 << 30, beside=here)
    asked = store.attribute("mythos", by="tier,domain", many_groups="sample", **hiding)
    assert made.report.groups is not None
    assert made.report.groups.groups == asked.groups
    assert len(made.report.groups.agents) == 0
    (plain,) = store.report("plain.html", "mythos", **few)
    assert "Groups by" not in plain.read_text("utf-8")


@pytest.mark.slow
def test_a_report_on_a_file_shows_groups_and_hides_what_says_nothing(here: Path) -> None:
    table = pl.DataFrame(frame(team=[f"{k % 2:02}" for k in range(30)], all=["x"] * 30))
    table.write_csv("panel.csv")
    few: dict[str, Any] = {"sizes": "5", "seeds": 1, "indicator": "lin"}
    (page,) = blueattr.write_report("panel.csv", "page.html", by="team", **few)
    text = page.read_text("utf-8")
    assert "Groups by team" in text
    assert "--by team" in text
    assert ">01<" in text
    (page,) = blueattr.write_report("panel.csv", "one.html", by="all", **few)
    assert "Groups by" not in page.read_text("utf-8")
    with pytest.raises(UsageError, match="by day is about attribute"):
        blueattr.write_report("panel.csv", "day.html", by="day", **few)


# --- changes --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_change_has_groups_that_are_hidden_where_accounts_are(tmp_path: Path) -> None:
    later = [post(plc_name(who), "z", rev=4, time=at(days=9)) for who in ("aa", "cc", "ee")]
    db = stored(tmp_path, more=later)
    first = at(days=5).date()
    windows = {"before": first, "after": at(days=9).date(), "match": "hello", "indicator": "lin"}
    with blueattr.open(db) as store:
        result = store.change(by="domain", **windows)
        hidden = store.change(by="domain", top=0, **windows)
        with pytest.raises(UsageError, match="one level of groups"):
            store.change(by="domain,age", **windows)
        with pytest.raises(UsageError, match="by tier in any case"):
            store.change(by="tier", **windows)
    found = {part.name: part.agents for part in result.groups}
    assert found == {
        "bsky.social": 2, "example.co.uk": 2, "unknown": 2, "example.com": 1,
        "bsky.social.test": 1, "ida.test": 1,
    }  # fmt: skip
    assert sum(part.value for part in result.groups) + result.size == pytest.approx(result.change)
    assert {part.name: part.agents for part in hidden.groups} == {"not named": 7, "unknown": 2}
    assert any("not named" in note for note in hidden.notes)


@pytest.mark.slow
def test_a_file_of_who_went_groups_a_change(tmp_path: Path) -> None:
    later = [post(plc_name("aa"), "z", rev=4, time=at(days=9))]
    path = tmp_path / "went.csv"
    path.write_text(f"did,group\n{plc_did('bb')},went\n", encoding="utf-8")
    windows = {"before": at(days=5).date(), "after": at(days=9).date(), "match": "hello"}
    with blueattr.open(stored(tmp_path, more=later)) as store:
        result = store.change(by=str(path), indicator="lin", **windows)
    assert {part.name: part.agents for part in result.groups} == {"unknown": 8, "went": 1}
    assert "unknown: went.csv has no group for them." in result.notes
