"""A week of scheduled runs in minutes: every six hours of synthetic events, then the next run.

Run it with ``PYTHONPATH=tests python -m cron.week``. Windows end at the last event seen, so that no
clock has to be set. Some runs are killed at a random moment, and left to the next. After each step
`latest` has to be whole; in the end its numbers have to be those of a store made in one go.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from blueattr.errors import ExitCode
from blueattr.runs.history.record import read_runs
from blueattr.runs.publish import MANIFEST, faults
from blueattr.synth import SynthSpec, write_file
from support.cli_world import BLUEATTR

__all__ = ["Week"]


STEP = timedelta(hours=6)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(rb'"time_us":(\d+)')
_SETTINGS = """\
db = "store.duckdb"
[[sources]]
read = ["in/"]
[report]
topic = {topics}
window = "3d"
sizes = [20, 50]
seeds = 5
[output]
format = {forms}
"""


@dataclass
class Week:
    """The week, in a folder.

    Parameters
    ----------
    folder
        Empty.
    agents, days
        Of the synthetic network.
    topics, forms
        Of the reports.
    kill_every
        Of so many steps one run is killed.
    seed
        Of network and kills.
    """

    folder: Path
    agents: int = 2000
    days: int = 7
    topics: Sequence[str] = ("mythos", "the-masters")
    forms: Sequence[str] = ("html", "json")
    kill_every: int = 5
    seed: int = 0
    codes: list[int] = field(default_factory=list)
    lasted: list[float] = field(default_factory=list)

    @property
    def latest(self) -> Path:
        """The link."""
        return self.folder / "reports" / "latest"

    def run(self) -> "Counter[int]":
        """Play it; fails where something is not as it should be."""
        chance = random.Random(self.seed)  # noqa: S311 - when to kill
        steps = self._events()
        assert len(steps) == self.days * 4, "a step without events"
        (self.folder / "in").mkdir()
        (self.folder / "blueattr.toml").write_text(
            _SETTINGS.format(topics=json.dumps(self.topics), forms=json.dumps(self.forms))
        )
        for number, (start, lines) in enumerate(sorted(steps.items())):
            path = self.folder / "in" / f"{start:%Y-%m-%dT%H}.jsonl"
            part = path.with_suffix(".part")
            part.write_bytes(b"".join(lines))
            part.replace(path)
            before = self.latest.readlink() if self.latest.is_symlink() else None
            # Of what the fastest run took, since the first may compile: one to be killed must be.
            usual = 0.8 * min(self.lasted, default=0.0)
            last_step = number == len(steps) - 1
            kill = usual and number % self.kill_every == self.kill_every - 1 and not last_step
            code = self._blueattr("run", kill_after=chance.uniform(0.0, usual) if kill else None)
            self.codes.append(code)
            if code < 0:
                # Perhaps it was published just before.
                assert self.latest.readlink() == before or self._newest() == self._end_of(lines)
            else:
                assert code in {ExitCode.OK, ExitCode.GAPS}, code
                assert self.latest.readlink() != before
                assert self._newest() == self._end_of(lines)
            assert faults(self.latest) == []
        self._compare_with_afresh(steps)
        return Counter(self.codes)

    def _events(self) -> dict[datetime, list[bytes]]:
        """Generate the lines, by the six hours they are in."""
        path = self.folder / "all.jsonl"
        # Likes are not kept, and most of what there is.
        spec = SynthSpec(
            agents=self.agents, days=self.days, seed=self.seed, like_fraction=0.01, topic_share=0.3
        )
        write_file(spec, path)
        steps: dict[datetime, list[bytes]] = {}
        with path.open("rb") as file:
            for line in file:
                found = _TIME.search(line)
                assert found is not None
                moment = EPOCH + timedelta(microseconds=int(found[1]))
                start = moment.replace(hour=moment.hour // 6 * 6, minute=0, second=0, microsecond=0)
                steps.setdefault(start, []).append(line)
        return steps

    def _end_of(self, lines: list[bytes]) -> datetime:
        """When a window has to end that ends with these lines: with the day of the last kept."""
        kept = b'app.bsky.feed.post"', b'app.bsky.feed.repost"', b'app.bsky.graph.follow"'
        times = [
            int(found[1])
            for line in lines
            if b'"operation":"create"' in line
            and any(b'"collection":"' + kind in line for kind in kept)
            and (found := _TIME.search(line)) is not None
        ]
        moment = EPOCH + timedelta(microseconds=max(times))
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=1)

    def _newest(self) -> datetime:
        """When the latest report's window ends."""
        return datetime.fromisoformat(self._manifest()["window"][1])

    def _manifest(self) -> Any:
        return json.loads((self.latest / MANIFEST).read_bytes())

    def _blueattr(self, *arguments: object, kill_after: float | None = None) -> int:
        command = [str(BLUEATTR), *map(str, arguments)]
        began = time.monotonic()
        child = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE)
        try:
            _, said = child.communicate(timeout=kill_after if kill_after is not None else 600)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return child.returncode
        if child.returncode not in {ExitCode.OK, ExitCode.GAPS}:
            sys.stderr.write(said.decode())
        elif kill_after is None:
            self.lasted.append(time.monotonic() - began)
        return child.returncode

    def _compare_with_afresh(self, steps: dict[datetime, list[bytes]]) -> None:
        """Read the whole week at once, ask the same of it, and compare every number."""
        manifest = self._manifest()
        start, end = manifest["window"]
        fresh = self.folder / "fresh.duckdb"
        everything = self.folder / "fresh.jsonl"
        # From the last hours to the first, for order says nothing.
        everything.write_bytes(b"".join(line for s in sorted(steps)[::-1] for line in steps[s]))
        assert self._blueattr("ingest", everything, "--db", fresh, "--quiet") == ExitCode.OK
        for topic in self.topics:
            out = self.folder / f"fresh-{topic}.json"
            code = self._blueattr(
                "compare-scales", "--topic", topic, "--indicator", "all", "--sizes", "20,50",
                "--seeds", "5", "--correct", "--from", start, "--to", end, "--db", fresh,
                "--out", out,
            )  # fmt: skip
            assert code == ExitCode.OK
            expected = json.loads(out.read_bytes())
            found = json.loads((self.latest / f"{topic}-comparison.json").read_bytes())
            for named in ("source", "synthetic_sources"):
                assert found.pop(named) != expected.pop(named)
            # A source that covers the week at once has no seams; neither have these.
            assert found == expected, topic
            assert found["n_agents"] > 0.1 * self.agents
            assert found["means"]["a"] > 0


def main() -> None:
    """Play it and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=int, default=2000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        week = Week(Path(folder), agents=asked.agents, days=asked.days, seed=asked.seed)
        codes = week.run()
        runs = read_runs(Path(folder) / "reports")
    sys.stdout.write(
        f"{len(runs)} runs over {asked.days} days of {asked.agents:,} accounts, exit codes "
        f"{dict(sorted(codes.items()))}; after each the latest report was whole, and in the end "
        "its numbers were those of a store made in one go. A run took "
        f"{sum(week.lasted) / len(week.lasted):.1f} s.\n"
    )


if __name__ == "__main__":
    main()
