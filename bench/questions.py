"""Measure what questions about one store cost: groups, posts, changes, graphs, samples, a report.

A part of `make bench-full`. The store has a fortnight of the network's size, with what posts are
sliced by and a directory of all its accounts; it is filled in ``--folder`` (6 GB) unless it is
there, or one that is at hand is asked. Each question is a process of its own; figures are medians
of rounds. Peak memory is that of the whole process.

    python bench/questions.py --out docs/questions.json
    python bench/questions.py --db my.duckdb --only why,posts
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from full import DAYS, TOPICS, filled, stage
from machine import Cost, blueattr, describe, median

AGENTS = 1_671_587
TOPIC = TOPICS[0]
ABOUT, ALL = f"--topic {TOPIC}", "--topic all"

# By what they are called on the page: {account} has the largest value, {out} is a folder.
QUESTIONS = {
    "`status`": "status",
    "`topics check` of one topic": f"topics check {TOPIC}",
    "`attribute`": f"attribute {ABOUT}",
    "`attribute --by lang`": f"attribute {ABOUT} --by lang",
    "`attribute --by domain:links`": f"attribute {ABOUT} --by domain:links",
    "`attribute --by host,lang`": f"attribute {ABOUT} --by host,lang",
    "`attribute --topic all --by lang`": f"attribute {ALL} --by lang",
    "`change --since last-week --by lang`": f"change {ABOUT} --since last-week --by lang",
    "`change --since last-week --indicator all`":
        f"change {ABOUT} --since last-week --indicator all",
    "`posts`": f"posts {ABOUT}",
    "`posts --topic all`": f"posts {ALL}",
    "`why`, with the interval of the rank": f"why {{account}} {ABOUT}",
    "`why --topic all`": f"why {{account}} {ALL}",
    "`why --choices`": f"why {{account}} {ABOUT} --choices",
    "`compare-scales --correct`": f"compare-scales {ABOUT} --correct",
    "`design --within 2pp`": f"design --within 2pp {ABOUT}",
    "`bootstrap`": f"bootstrap {ABOUT}",
    "`sensitivity`": f"sensitivity {ABOUT}",
    "`export --graph replies`, to Parquet":
        f"export --graph replies {ABOUT} --out {{out}}/r.parquet",
    "`export --graph replies`, to GEXF": f"export --graph replies {ABOUT} --out {{out}}/r.gexf",
    "`export --graph follows`, to Parquet":
        f"export --graph follows {ABOUT} --out {{out}}/f.parquet",
    "`export --graph follows`, to GEXF": f"export --graph follows {ABOUT} --out {{out}}/f.gexf",
    "`export --graph replies --topic all`, to Parquet":
        f"export --graph replies {ALL} --out {{out}}/a.parquet",
    "`export --graph replies,reposts --communities`":
        f"export --graph replies,reposts --communities {ABOUT} --out {{out}}/c.parquet",
    "`attribute --by community`": f"attribute {ABOUT} --by community",
    "`report`": f"report {ABOUT} --out {{out}}/report",
}  # fmt: skip


def named_store(folder: Path) -> Path:
    """Fill a store, and tell it the directory of all its accounts; return its path."""
    db, plc = folder / f"{AGENTS}-{DAYS}-named.duckdb", folder / f"{AGENTS}.plc.jsonl.zst"
    if not db.exists():
        plain, _ = filled(folder, AGENTS, DAYS)
        blueattr("synth", "--agents", f"{AGENTS}", "--days", f"{DAYS}", "--plc", plc)
        copy = db.with_suffix(".part")
        shutil.copyfile(plain, copy)
        blueattr("ingest", "--plc", plc, "--db", copy)
        copy.rename(db)
        plc.unlink()
    return db


def largest(db: Path) -> str:
    """Return the account with the largest value of the topic."""
    program = str(Path(sys.executable).with_name("blueattr"))
    about = ["--topic", TOPIC, "--db", str(db), "--top", "1", "--format", "json"]
    command = [program, "attribute", *about]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    did: str = json.loads(done.stdout)["leaders"][0]["did"]
    return did


def measure(db: Path, rounds: int, only: list[str]) -> dict[str, Cost]:
    """Ask each question, in turns, and return the medians of its costs."""
    account = largest(db)
    costs: dict[str, list[Cost]] = {}
    for number in range(rounds):
        for words, question in QUESTIONS.items():
            if only and question.split(maxsplit=1)[0] not in only:
                continue
            if "communit" in question and find_spec("networkit") is None:
                continue
            with tempfile.TemporaryDirectory() as out:
                command = question.format(account=account, out=out).split()
                cost = blueattr(*command, "--db", db)
            costs.setdefault(words, []).append(cost)
            print(
                f"{time.strftime('%H:%M:%S')} round {number + 1}: {cost['seconds']:6.1f} s"
                f"{cost['processor_seconds']:7.1f} processor s"
                f"{cost['peak_bytes'] / 1e9:6.2f} GB  {words}",
                flush=True,
            )
    return {
        words: {key: median(some, key) for key in some[0]} for words, some in costs.items()
    }  # fmt: skip


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--db", type=Path, help="a synthetic store that is there")
    parser.add_argument("--only", default="", help="commands to ask, such as why,posts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("out/bench-full"))
    parser.add_argument("--out", type=Path, default=Path("out/bench-questions.json"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    db = options.db or named_store(options.folder)
    load = os.getloadavg()[0]
    only = [one for one in options.only.split(",") if one]
    report = {
        "machine": describe(),
        "rounds": options.rounds,
        "load_at_start": load,
        **stage("describe", db),
        "costs": measure(db, options.rounds, only),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
