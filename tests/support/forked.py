"""Processes that tests start and kill, forked from one that has imported what any of them runs."""

import multiprocessing

processes = multiprocessing.get_context("forkserver")
# There is one server to a run of tests, whichever of them comes first; what it lacks, every process
# would import anew. The last ones are imported where they are needed.
processes.set_forkserver_preload(
    [
        "support.archive_child",
        "support.hydrate_child",
        "support.ingest_child",
        "support.stream_child",
        "support.synth_child",
        "polars",
        "atproto_client.models",
        "atproto_jetstream.archive.planner",
    ]
)
