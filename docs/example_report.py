"""The report of the bundled sample, made for the site: to be seen before anything is set up."""

import subprocess
import sys
from pathlib import Path
from typing import Any

TOPIC = "mythos"


def _make(app: Any) -> None:
    if not app.config.example_report:
        return
    # What is in the first folder comes to lie in the site, so the second is a part of it.
    extra = Path(app.doctreedir) / "extra"
    (extra / "example").mkdir(parents=True, exist_ok=True)
    program = Path(sys.executable).with_name("blueattr")
    sample = Path(app.srcdir).parent / "data" / "sample.jsonl.zst"
    ask = ["report", "--topic", TOPIC, "--db", "my.duckdb", "--out", "extra/example"]
    for arguments in (["ingest", sample, "--db", "my.duckdb"], ask, [*ask, "--format", "svg"]):
        subprocess.run(  # noqa: S603 - this package's own program
            [program, *arguments], check=True, capture_output=True, cwd=app.doctreedir
        )
    app.config.html_extra_path.append(str(extra))


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("example_report", default=True, rebuild="html", types=[bool])
    app.connect("builder-inited", _make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
