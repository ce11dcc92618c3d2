"""Files whose lines are long are read within little memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.events_builder import at, post, tid
from support.peak import PRINT_PEAK
from support.store_content import content

# Reads a file with the least memory.
_READS = """
import sys
from pathlib import Path
from blueattr.ingest.read import ingest
done = ingest(Path(sys.argv[1]), [sys.argv[2]], memory=900 << 20)
assert done.failures == (), done.failures
"""


@pytest.mark.slow
def test_lines_of_megabytes_are_decoded_within_the_least_memory(tmp_path: Path) -> None:
    path, db = tmp_path / "x.jsonl", tmp_path / "s.duckdb"
    with path.open("w") as file:
        for k in range(24):
            # A text is no post's that is longer than 64 kB.
            size = 5 if k % 2 else 7_500_000
            event = post("ann", tid(k), "x" * size, rev=k, time=at(k))
            file.write(json.dumps(event) + "\n")
    command = [sys.executable, "-c", _READS + PRINT_PEAK, str(db), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 200 << 20 < int(done.stdout) < 900 << 20
    assert len(content(db).records) == 12
