"""The first figure of the report on the bundled sample, for the README and the site's first page.

``make golden`` writes the four pictures; a test compares them with the report's figure.
"""

import re
from importlib import resources
from pathlib import Path

from blueattr.analysis.topic_reports import report_topic
from blueattr.attribution.question import Question, Sampling
from blueattr.panel.query import PanelQuery
from blueattr.report.figures.answer import answer_exhibit
from blueattr.report.figures.charts.drawing import Drawing
from blueattr.report.figures.charts.theme import PAGE, PAGE_NARROW

FOLDER = Path(__file__).parent / "_static"
TOPIC = "mythos"
_LOOKS = {"": PAGE, "-narrow": PAGE_NARROW}


def pictures(db: Path) -> dict[str, str]:
    """Draw the figure wide and narrow, for light and for dark screens.

    Parameters
    ----------
    db
        A store of the bundled sample.

    Returns
    -------
    dict
        SVG by file name. A report's page sets colours by its style sheet; a picture in an ``img``
        has to have them itself.
    """
    answer = answer_exhibit(report_topic(PanelQuery(db=db, topic=TOPIC), Question(), Sampling()))
    if answer is None:
        message = f"{TOPIC} has no answer in {db}"
        raise LookupError(message)
    found = {}
    for width, look in _LOOKS.items():
        svg = Drawing(answer.chart(look)).svg()
        for scheme, colours in _palettes().items():
            found[f"answer{width}-{scheme}.svg"] = _coloured(svg, colours)
    return found


def _palettes() -> dict[str, dict[str, str]]:
    """Return the colours of a report's page by name, light and dark."""
    style = (resources.files("blueattr.report") / "templates/page.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+);", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    )
    return {"light": light, "dark": {**light, **dark}}


def _coloured(svg: str, colours: dict[str, str]) -> str:
    return re.sub(r"var\(--([\w-]+)\)", lambda found: colours[found[1]], svg)
