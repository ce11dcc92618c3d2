"""Groups in a scheduled report: as the settings say, and made anew when their file changes."""

import re
from pathlib import Path

import pytest

from blueattr.errors import ExitCode
from support.cli_world import ok, refused
from support.events_builder import did
from support.run_folder import EVENTS, SETTINGS, done, drop, write

TITLE = "Groups by"
HTML = SETTINGS.replace('["json"]', '["html"]')


def listed(people: int) -> None:
    rows = "".join(f"{did(f'agent{k:03}')},press\n" for k in range(1, people + 1))
    Path("press.csv").write_text(f"did,group\n{rows}", encoding="utf-8")


@pytest.mark.slow
@pytest.mark.usefixtures("run_folder")
def test_a_run_shows_groups_and_reports_anew_when_their_file_changes() -> None:
    listed(3)
    write(HTML.replace("[output]", 'by = "press.csv,tier"\n[output]'))
    drop("1.jsonl", EVENTS)
    done()
    (page,) = Path("reports/latest").glob("*.html")
    text = page.read_text("utf-8")
    assert TITLE in text
    assert ">press<" in text
    # The file is named where it is, so that the command in the page finds it.
    assert str(Path("press.csv").resolve()) in text
    done(code=ExitCode.NOTHING_NEW)
    listed(5)
    done()
    assert page.read_text("utf-8") != text
    write(HTML)
    done()
    assert TITLE not in page.read_text("utf-8")


@pytest.mark.usefixtures("run_folder")
def test_groups_that_make_no_sense_are_refused_at_their_line() -> None:
    for line, words in (
        ('by = "day"', "report.by: by day is about attribute"),
        ('by = "a,b,c"', "at most two"),
        ('many-groups = "sample"', "report.many-groups: many-groups is about groups"),
        ('many-groups = "no"', "report.many-groups"),
    ):
        write(HTML.replace("[output]", f"{line}\n[output]"))
        refused(ExitCode.USAGE, "run", says=words)
    write(HTML.replace("[output]", 'by = "domain"\n[output]'))
    shown = ok("config", "show").text
    assert re.search(r"report\.by +domain +blueattr\.toml", shown)
