"""The report of the bundled sample, made for the site: to be seen before anything is set up."""

import subprocess
import sys
from pathlib import Path
from typing import Any

TOPIC = "mythos"


def _make(app: Any) -> None:
    if not app.config.example_report:
        return
    folder = Path(app.doctreedir) / "example"
    db = Path(app.doctreedir) / "example.duckdb"
    program = Path(sys.executable).with_name("blueattr")
    sample = Path(app.srcdir).parent / "data" / "sample.jsonl.zst"
    ask = ["report", "--topic", TOPIC, "--db", db, "--out", folder]
    for arguments in (["ingest", sample, "--db", db], ask, [*ask, "--format", "svg"]):
        subprocess.run([program, *arguments], check=True, capture_output=True)  # noqa: S603 - this package's own program
    app.config.html_extra_path.append(str(folder))


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("example_report", default=True, rebuild="html", types=[bool])
    app.connect("builder-inited", _make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
