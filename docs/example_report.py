"""Build the report of the bundled sample into the site, for readers who have installed nothing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

TOPIC = "mythos"


def _make(app: Any) -> None:
    # Sphinx copies the contents of `extra` to the root of the site.
    extra = Path(app.doctreedir) / "extra"
    (extra / "example").mkdir(parents=True, exist_ok=True)
    program = Path(sys.executable).with_name("blueattr")
    sample = Path(app.srcdir).parent / "data" / "sample.jsonl.zst"
    ask = ["report", "--topic", TOPIC, "--db", "my.duckdb", "--out", "extra/example"]
    for arguments in (["ingest", sample, "--db", "my.duckdb"], ask):
        subprocess.run(  # noqa: S603 - this package's own program
            [program, *arguments], check=True, capture_output=True, cwd=app.doctreedir
        )
    app.config.html_extra_path.append(str(extra))


def setup(app: Any) -> dict[str, bool]:
    """Register the extension."""
    app.connect("builder-inited", _make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
