"""Processes that tests start and kill, forked from one that has imported what any of them runs."""

import multiprocessing
from collections.abc import Callable
from typing import Any

processes = multiprocessing.get_context("forkserver")
# There is one server to a run of tests, whichever of them comes first; what it lacks, every process
# would import anew. The last ones are imported where they are needed.
processes.set_forkserver_preload(
    [
        "support.archive_child",
        "support.collect_child",
        "support.hydrate_child",
        "support.ingest_child",
        "support.stream_child",
        "support.synth_child",
        "polars",
        "atproto_client.models",
        "atproto_jetstream.archive.planner",
    ]
)


def run(target: Callable[..., None], *arguments: Any) -> int:
    """Run a function in a process that has imported what is needed and started no thread."""
    child = processes.Process(target=target, args=arguments)
    child.start()
    child.join(120)
    assert child.exitcode is not None
    return child.exitcode
