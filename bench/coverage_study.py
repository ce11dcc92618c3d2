"""Measure how often the intervals of corrected shares hold the truth, and write docs/coverage.md.

    python bench/coverage_study.py --out docs/coverage.md

Two panels are sampled again and again: that of the bundled sample, and one of a million made-up
accounts. Of both the shares of all agents are known, so that each interval can be looked at.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
from machine import describe

from blueattr.attribution.value import TierShare
from blueattr.studies.samples.corrected import CorrectedTier
from blueattr.studies.samples.samples import TierSpread
from blueattr.studies.scales import IndicatorScales, ScaleComparison, compare_scales
from blueattr.version import METHOD_VERSION

HERE = Path(__file__).parent
BLUEATTR = Path(sys.executable).parent / "blueattr"
INDICATORS = ("lin", "heat", "var", "gini")
PROTOCOLS = ("visibility", "random")
SIZES = {"sample": (100, 1_000), "million": (100, 1_000, 10_000)}
SHORT = 0.90
# An interval that is rarely given says little of how often it holds.
OFTEN = 0.5


_Tier = tuple[TierShare, TierSpread, CorrectedTier]


def features(folder: Path, which: str, agents: int) -> pl.DataFrame:
    """Make a panel's features as its users would."""
    db, file = folder / f"{which}.duckdb", folder / f"{which}.parquet"
    if which == "sample":
        fill: list[str | Path] = ["ingest", HERE.parent / "data" / "sample.jsonl.zst"]
        topic = "mythos"
    else:
        fill, topic = ["synth", "--agents", str(agents), "--days", "7"], "all"
    write: list[str | Path] = ["features", "--topic", topic, "--out", file]
    for command in (fill, write):
        subprocess.run(  # noqa: S603 - our own program
            [BLUEATTR, *command, "--db", db], check=True, stdout=subprocess.DEVNULL
        )
    return pl.read_parquet(file)


def percent(share: float) -> str:
    """Write a share as per cent with a digit."""
    return f"{100 * share:.1f}"


def rows(result: ScaleComparison, protocol: str) -> Iterator[tuple[str, ...]]:
    """Yield a row for each indicator, size and tier."""
    for one in result.indicators:
        for size, tier, seeds in found(one, protocol):
            full, raw, put_right = tier
            held = put_right.coverage / put_right.intervals if put_right.intervals else None
            yield (
                one.indicator,
                f"{size:,}",
                full.tier,
                percent(full.share),
                percent(raw.share_mean),
                f"{percent(put_right.share_mean)} ± {percent(put_right.share_std)}",
                f"{put_right.n_e:,.0f}",
                f"{100 * put_right.intervals / seeds:.0f}",
                "-" if held is None else percent(held),
            )


def found(one: IndicatorScales, protocol: str) -> Iterator[tuple[int, _Tier, int]]:
    """Yield size, tiers (true, raw, corrected) and seeds of the samples that were corrected."""
    for sample in one.samples:
        if sample.protocol == protocol and sample.corrected is not None:
            tiers = zip(one.full.tiers, sample.tiers, sample.corrected.tiers, strict=True)
            for tier in tiers:
                yield sample.size, tier, sample.corrected.seeds


def short(result: ScaleComparison, protocol: str) -> list[str]:
    """Say where intervals hold clearly less often than they should, and where there are few."""
    low, few = [], []
    for one in result.indicators:
        for size, (_, _, put_right), seeds in found(one, protocol):
            name = f"`{one.indicator}` {put_right.tier} at {size:,}"
            if put_right.intervals < OFTEN * seeds:
                few.append(name)
            elif put_right.coverage < SHORT * put_right.intervals:
                held = 100 * put_right.coverage / put_right.intervals
                low.append(f"{name} ({held:.0f} %)")
    return [
        f"Below {100 * SHORT:.0f} %: {', '.join(low)}." if low
        else f"Nowhere is an interval that most samples have right in less than "
        f"{100 * SHORT:.0f} % of them.",
        *([f"Most samples have no interval: {', '.join(few)}."] if few else []),
    ]  # fmt: skip


def table(head: Sequence[str], body: Iterator[tuple[str, ...]]) -> str:
    """Write a table in Markdown; numbers to the right."""
    sides = ["---" if name in {"indicator", "tier"} else "---:" for name in head]
    lines = [head, sides, *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


HEAD = ("indicator", "N", "tier", "true", "raw", "corrected", "n_e", "given", "held")


def main() -> None:
    """Measure both panels and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=1_000)
    parser.add_argument("--agents", type=int, default=1_000_000)
    options = parser.parse_args()
    started = time.perf_counter()
    parts = []
    with tempfile.TemporaryDirectory() as name:
        for which, sizes in SIZES.items():
            frame = features(Path(name), which, options.agents)
            begun = time.perf_counter()
            result = compare_scales(
                frame, list(INDICATORS), protocols=PROTOCOLS, sizes=sizes, seeds=options.seeds,
                correct=True, rescaling=False, keep_undefined=True,
            )  # fmt: skip
            seconds = time.perf_counter() - begun
            title = "The bundled sample" if which == "sample" else "A synthetic network"
            parts.append(f"## {title}: {result.n_agents:,} agents\n")
            for protocol in PROTOCOLS:
                parts.append(f"### Samples of `{protocol}`\n")
                parts += [f"{sentence}\n" for sentence in short(result, protocol)]
                parts.append(table(HEAD, rows(result, protocol)) + "\n")
            parts.append(f"It took {seconds:,.0f} seconds.\n")
    made = describe()
    text = (HERE / "coverage.template.md").read_text(encoding="utf-8")
    options.out.write_text(
        text.format(
            seeds=f"{options.seeds:,}",
            parts="\n".join(parts).rstrip(),
            minutes=f"{(time.perf_counter() - started) / 60:.0f}",
            cores=made["cores"],
            processor=made["processor"],
            python=made["python"],
            numpy=made["numpy"],
            method=METHOD_VERSION,
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
