"""Who drove an indicator of a simulation, as one HTML file that loads nothing and runs nothing."""

from collections.abc import Sequence
from pathlib import Path

from blueattr.atomic import write, write_files
from blueattr.errors import UsageError
from blueattr.report.figures.charts.printing import printed
from blueattr.report.figures.charts.theme import label
from blueattr.report.figures.exhibit import Exhibit
from blueattr.report.figures.scenarios import drivers_exhibit, games_exhibit, steps_exhibit
from blueattr.report.formats.render import render
from blueattr.report.numbers import percent
from blueattr.report.pages.answer import OneResult, one_result_html
from blueattr.report.pages.file_names import file_name
from blueattr.report.pages.gallery import Form, check_target
from blueattr.report.results.beside import baselines_table, methods_table
from blueattr.report.results.scenarios import cells_tables, scenario_attribution_report
from blueattr.scenarios.games.attribution import ScenarioAttribution
from blueattr.scenarios.games.beside import beside

__all__ = ["scenario_html", "write_scenario", "write_scenario_report"]


_OPEN_LOOP = (
    "Open loop: what others did stays as it was recorded; they do not react to who is absent, and "
    "no model is asked again."
)


def scenario_html(result: ScenarioAttribution) -> str:
    """Lay out who drove an indicator of a simulation, as a page.

    Parameters
    ----------
    result
        Of one record.

    Returns
    -------
    str
        HTML that needs nothing else, under the security policy of every page.

    Raises
    ------
    NoAnswerError
        A value of a coalition is not finite.
    """
    report, found = scenario_attribution_report(result), beside(result)
    tables = (*cells_tables(result), methods_table(found), baselines_table(found))
    record = getattr(result.game.scenario, "record", None)
    return one_result_html(
        OneResult(
            report=report,
            origin=result.provenance,
            question=f"Who drove {result.indicator} at step {label(str(result.step))}? "
            f"{result.provenance.source}, {result.n_agents:,} agents",
            title=_title(result),
            sentences=(
                *report.summary,
                _OPEN_LOOP,
                *(() if record is None else record.remarks),
            ),
            exhibits=_exhibits(result),
            tables=tuple(table for table in tables if table is not None),
        )
    )


def _title(result: ScenarioAttribution) -> str:
    """Return who moved the indicator most, and which way."""
    most = int(abs(result.values).argmax())
    way = "up" if result.values[most] > 0 else "down"
    name = label(result.game.scenario.agents[most])
    if result.shares is None:
        return f"{name} moved {result.indicator} most, {way}"
    part = percent(abs(float(result.shares[most])))
    return f"{name} moved {result.indicator} most: {way}, {part} of all movement"


def write_scenario(result: ScenarioAttribution, path: Path) -> None:
    """Write the page of a result to a file, whole or not at all.

    Raises
    ------
    NoAnswerError
        A value of a coalition is not finite.
    OutputError
        When the file cannot be written.
    """
    write(path, scenario_html(result).encode())


def write_scenario_report(
    result: ScenarioAttribution, out: Path, form: Form = "html", width: float | None = None
) -> tuple[Path, ...]:
    """Write a page, or each of its figures or the data behind them by itself.

    Parameters
    ----------
    result
        Of one record.
    out, form, width
        As for `blueattr.report.pages.gallery.check_target`.

    Returns
    -------
    tuple of Path
        The files: ``<scenario>-<indicator>.html``, or ``<scenario>-<indicator>-<figure>.<form>``.

    Raises
    ------
    UsageError
        As `blueattr.report.pages.gallery.check_target`; or a dataset is asked for.
    NoAnswerError
        A value of a coalition is not finite.
    OutputError
        A folder cannot be made, or a file cannot be written; then nothing is there that was not
        there before.
    """
    check_target(out, form, width)
    if form == "datasette":
        raise UsageError("a record of a simulation makes no dataset; ask for --format parquet")
    stem = f"{file_name(result.game.scenario.name)}-{file_name(result.indicator)}"

    def fill(folder: Path) -> Sequence[Path]:
        if form == "html":
            write_scenario(result, folder / f"{stem}.html")
            return (folder / f"{stem}.html",)
        written = []
        for exhibit in _exhibits(result):
            written.append(folder / f"{stem}-{exhibit.name}.{form}")
            if form == "png" or form == "svg" or form == "pdf":  # noqa: PLR1714 - for the type checker
                printed(exhibit, [result], width).save(written[-1])
            else:
                write(written[-1], render(exhibit.report, form))
        return written

    if form == "html" and out.suffix.lower() == ".html":
        write_scenario(result, out)
        return (out,)
    return write_files(out, fill)


def _exhibits(result: ScenarioAttribution) -> tuple[Exhibit, ...]:
    found = (drivers_exhibit(result), steps_exhibit(result), games_exhibit(result))
    return tuple(exhibit for exhibit in found if exhibit is not None)
