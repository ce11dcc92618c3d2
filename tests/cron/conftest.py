"""A cron daemon of the tests' own, and a crontab that is given back as it was."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def cron() -> Iterator[None]:
    """The daemon, started here: it can be the only one on a machine."""
    program = shutil.which("cron", path="/usr/sbin:/usr/bin")
    if program is None or shutil.which("crontab") is None:
        pytest.skip("there is no cron here; on Debian: apt-get install cron")
    if os.geteuid() != 0:
        pytest.skip("the cron daemon can only be started by root")
    before = _table()
    daemon = subprocess.Popen([program, "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        time.sleep(1)
        if daemon.poll() is not None:
            assert daemon.stderr is not None
            pytest.skip(f"cron does not start: {daemon.stderr.read().decode().strip()}")
        yield
        assert _table() == before
    finally:
        if _table() != before:
            argument = ["-"] if before is not None else ["-r"]
            subprocess.run(["crontab", *argument], input=before, check=True, timeout=30)
        daemon.terminate()
        daemon.wait(30)
        assert daemon.stderr is not None
        daemon.stderr.close()


def _table() -> bytes | None:
    done = subprocess.run(["crontab", "-l"], capture_output=True, check=False, timeout=30)
    # An empty table is as good as none.
    return done.stdout if done.returncode == 0 and done.stdout else None
