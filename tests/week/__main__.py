"""Play a week, and say how it went: ``PYTHONPATH=tests python -m week --hours 168``."""

import argparse
import resource
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path


def main() -> int:
    """Play it; the exit code is 1 where something was not as it should be."""
    # A process that is started imports this module; not what it does not need.
    from support.forked import processes  # noqa: PLC0415
    from support.interrupts import heed_interrupts  # noqa: PLC0415
    from week.checks import check  # noqa: PLC0415
    from week.processes import PRELOAD  # noqa: PLC0415
    from week.world import World  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m week", description=__doc__)
    parser.add_argument("--hours", type=int, default=7 * 24)
    parser.add_argument("--agents", type=int, default=400)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--keep", type=Path, help="keep everything in this empty folder")
    given = parser.parse_args()
    heed_interrupts()
    processes.set_forkserver_preload(PRELOAD)

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    scratch = tempfile.TemporaryDirectory(prefix="week-") if given.keep is None else None
    with scratch or nullcontext(given.keep) as folder:
        say(f"seed {given.seed}; {given.hours} hours of {given.agents} accounts")
        world = World(Path(folder), given.hours, given.seed, given.agents, tell=say)
        began = time.monotonic()
        try:
            world.run()
            found = check(world)
        except AssertionError as error:
            say(f"NOT AS IT SHOULD BE (--seed {given.seed}): {error}")
            return 1
        finally:
            for what, count in sorted(world.fired.items()):
                say(f"{count:4} x {what}")
            say(f"runs ended with {dict(sorted(world.codes.items()))}")
            for unit in (world.follower, world.watch, world.page):
                say(f"{unit.name}: {unit.starts} starts, ended with {dict(unit.ends)}")
            used = [
                resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
            ]
            seconds = sum(one.ru_utime + one.ru_stime for one in used)
            say(f"{time.monotonic() - began:.0f} s, {seconds:.0f} s of the processor here")
        say(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
