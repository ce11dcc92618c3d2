"""Real clusters of Dask's on loopback: the same bits, whatever dies; else a sentence."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

pytest.importorskip("distributed", reason="the extra cluster is not installed")

from blueattr.analysis.asked.clusters import OnCluster
from blueattr.analysis.features import make_features
from blueattr.analysis.on_cluster import COMPLETE, AgentsFolder, attribute_with
from blueattr.attribution.large import streaming
from blueattr.attribution.parted.driver import attribute_parts
from blueattr.attribution.question import Question
from blueattr.cluster import dask_engine
from blueattr.cluster.address import ClusterAddress, check_address
from blueattr.cluster.dask_engine import DaskEngine
from blueattr.cluster.same import identity
from blueattr.errors import ClusterError, ExitCode, FeatureError
from blueattr.panel.query import PanelQuery
from blueattr.partitions import driver
from blueattr.partitions.driver import make_parts, run_by
from blueattr.partitions.ingest import ingest_partitions
from blueattr.report.formats.streamed import agents_receiver
from support.certificates import Certificates, make_certificates
from support.cli_world import ok, refused, write_events, write_store
from support.panels import frame
from support.parted import Deadly, cut, same, slow_at_first, wait_and_square

pytestmark = [
    pytest.mark.slow,
    # Sockets of a cluster that was killed are closed by the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NAMES = ("lin", "heat", "var", "gini", "hill")


@pytest.fixture(scope="module")
def here() -> Iterator[DaskEngine]:
    with pytest.MonkeyPatch.context() as patched:
        # Workers find the tasks of tests there.
        patched.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        with DaskEngine(check_address("local:2")) as engine:
            yield engine


@pytest.fixture(scope="module")
def panel() -> pl.DataFrame:
    # Many are alike at the end of a tier.
    return frame(3000).with_columns(pl.col("followers").clip(upper_bound=20))


@pytest.fixture(scope="module")
def parts(panel: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return cut(panel, tmp_path_factory.mktemp("panel") / "parts", "by hash", 4)


@pytest.fixture(scope="module")
def expected(panel: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    path = tmp_path_factory.mktemp("whole") / "whole.parquet"
    panel.sort("did").write_parquet(path)
    return streaming.attribute_file(path, NAMES, panel="involved", top=9)


def listening(pid: int) -> list[str]:
    """Return the addresses at which a process listens."""
    links = []
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(one.readlink()))
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in links:
                found.append(words[1].split(":")[0])
    return found


def test_every_port_of_a_cluster_here_is_on_loopback_alone(here: DaskEngine) -> None:
    assert [*here.run("warm", abs, [-1, -2])]
    for pid in (os.getpid(), *here.local_workers):
        found = listening(pid)
        assert found
        assert set(found) == {"0100007F"}  # 127.0.0.1


def test_a_worker_killed_in_each_kind_of_task_changes_nothing(
    here: DaskEngine, parts: tuple[Path, ...], expected: list[Any], tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    deadly = Deadly(here, marks)
    found = attribute_parts(deadly, parts, tmp_path, NAMES, panel="involved", top=9)
    for one, other in zip(expected, found, strict=True):
        same(one, other.result)
    killed = {mark.name.rsplit("-", 1)[0] for mark in marks.iterdir()}
    assert killed == {"reading", "names", "repeats", "ranking", "ties", "sharing", "shelves",
                      "solving"}  # fmt: skip


def test_agents_are_written_whole_though_a_writer_is_killed(
    here: DaskEngine, parts: tuple[Path, ...], panel: pl.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "marks").mkdir()
    agents = tmp_path / "agents"
    question = Question(("gini",))
    results = attribute_with(
        Deadly(here, tmp_path / "marks"), parts[0].parent, question,
        OnCluster(check_address("local:2"), shared=tmp_path / "shared"),
        agents=AgentsFolder(agents, agents_receiver),
    )  # fmt: skip
    assert (tmp_path / "marks" / "writing-0").exists()
    names = sorted(one.name for one in agents.iterdir())
    assert names == [COMPLETE, *(f"part-{k:05}.parquet" for k in range(len(parts)))]
    written = pl.read_parquet(agents / "*.parquet")
    assert sorted(written["did"]) == sorted(panel["did"])
    assert written["value"].sum() == pytest.approx(results[0].total)
    assert not [*(tmp_path / "shared").iterdir()]  # nothing is left after the end


def test_buckets_whose_counters_are_killed_make_the_panel_of_the_store(
    here: DaskEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "ROWS_OF_A_TASK", 0)  # each bucket is a task
    (tmp_path / "marks").mkdir()
    write_events(tmp_path / "events.jsonl")
    db, events, out = (tmp_path / name for name in ("store.duckdb", "events", "panel"))
    write_store(db)
    ingest_partitions(events, [str(tmp_path / "events.jsonl")], 3)
    query = PanelQuery(db, "mythos")
    made = make_parts(events, query, out, run_by(Deadly(here, tmp_path / "marks")))
    theirs, _ = make_features(query)
    assert pl.concat(map(pl.read_parquet, sorted(out.iterdir()))).sort("did").equals(theirs)
    assert (made.agents, made.parts) == (len(theirs), 3)
    killed = {mark.name for mark in (tmp_path / "marks").iterdir()}
    assert killed == {"folding-0", "matching-0", "counting-0", "gathering-0"}
    assert not Path(f"{out}.work").exists()


def test_the_error_of_the_first_part_is_told_whichever_comes_first(here: DaskEngine) -> None:
    with pytest.raises(FeatureError, match="part 1"):
        [*here.run("check", slow_at_first, [0, 1, 2, 3])]


def test_a_worker_that_would_compute_other_bits_is_refused_by_name(
    here: DaskEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = identity()
    for name, words in (("polars", "has polars"), (mine[-1][0], "computes other bits")):
        other = tuple((one, "other" if one == name else version) for one, version in mine)
        monkeypatch.setattr("blueattr.cluster.dask_engine.identity", lambda other=other: other)
        with pytest.raises(ClusterError, match=rf"the worker tcp://127\S+ {words}"):
            [*here.run("check", abs, [-1])]


# --- a cluster that was there before --------------------------------------------------------------


class Cluster:
    """A scheduler and workers in processes of their own."""

    def __init__(self, folder: Path, certificates: Certificates | None = None) -> None:
        self.folder, self.port = folder, free_port()
        self._own = () if certificates is None else certificates.of_dask
        protocol = "tls" if self._own else "tcp"
        self.address = f"{protocol}://127.0.0.1:{self.port}"
        self.scheduler = self._start("distributed.cli.dask_scheduler", "--port", str(self.port))
        self.workers: list[subprocess.Popen[bytes]] = []
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                break
            assert self.scheduler.poll() is None
            time.sleep(0.1)

    def _start(self, module: str, *words: str) -> subprocess.Popen[bytes]:
        settings = {
            "NUMBA_NUM_THREADS": "1",
            "POLARS_MAX_THREADS": "1",
            "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
        }
        listen = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", module, *words, *listen, *self._own],
                env={**os.environ, **settings, "PYTHONPATH": str(Path(__file__).parents[1])},
                stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip

    def work(self, address: str = "", *words: str) -> None:
        self.workers.append(
            self._start(
                "distributed.cli.dask_worker", address or self.address, "--nthreads", "1",
                "--memory-limit", "0", "--local-directory", str(self.folder), *words,
            )
        )  # fmt: skip

    def close(self) -> None:
        for one in (*self.workers, self.scheduler):
            one.kill()
            one.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.close()


class Proxy(threading.Thread):
    """Passes bytes on to a port, until it is told to stall or to cut."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._to, self._moves = port, threading.Event()
        self._moves.set()
        self.passed = 0
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                self._moves.wait()
                self.passed += len(data)
                other.sendall(data)

    def stall(self) -> None:
        self._moves.clear()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_: object) -> None:
        self._moves.set()
        self.cut()
        for one in self._open:
            one.close()

    def cut(self) -> None:
        self._listening.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def start_then(engine: DaskEngine, count: int, act: Any) -> list[tuple[int, int]]:
    """Run tasks, and do something once the first is done."""
    found = []
    for one in engine.run("squares", wait_and_square, range(count)):
        found.append(one)
        if len(found) == 1:
            act()
    return sorted(found)


def test_a_scheduler_that_is_lost_stalled_or_cut_off_ends_in_a_sentence(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.work("", "--no-nanny")

    def fail(act: Callable[[], None]) -> None:
        monkeypatch.setattr(dask_engine, "SILENCE", 3.0)  # a worker may take longer to start
        act()

    for fault in ("stall", "cut"):
        monkeypatch.setattr(dask_engine, "SILENCE", 120.0)
        with (
            Proxy(cluster.port) as proxy,
            pytest.raises(ClusterError, match=r"is lost: ") as failed,
            DaskEngine(ClusterAddress(f"tcp://127.0.0.1:{proxy.port}")) as engine,
        ):
            start_then(engine, 40, partial(fail, getattr(proxy, fault)))
        assert proxy.passed > 1000
        assert failed.value.exit_code == 8
    monkeypatch.setattr(dask_engine, "SILENCE", 120.0)
    with (
        pytest.raises(ClusterError, match=r"is lost: "),
        DaskEngine(ClusterAddress(cluster.address)) as engine,
    ):
        start_then(engine, 40, lambda: cluster.scheduler.send_signal(signal.SIGKILL))
    monkeypatch.setattr(dask_engine, "CONNECT", 1.0)
    with pytest.raises(ClusterError, match="cannot reach a Dask scheduler"):
        DaskEngine(ClusterAddress(cluster.address)).__enter__()


def test_a_worker_whose_nanny_or_network_is_gone_loses_no_task(cluster: Cluster) -> None:
    with Proxy(cluster.port) as proxy:
        cluster.work(f"tcp://127.0.0.1:{proxy.port}", "--no-nanny", "--death-timeout", "5")
        cluster.work("", "--nanny")
        cluster.work("", "--no-nanny")
        expected = [(k, k * k) for k in range(12)]
        with DaskEngine(ClusterAddress(cluster.address)) as engine:
            while engine._client.scheduler_info(n_workers=-1)["n_workers"] < 3:
                time.sleep(0.2)
            assert start_then(engine, 12, proxy.cut) == expected
            nanny = cluster.workers[1]
            assert start_then(engine, 12, lambda: nanny.send_signal(signal.SIGKILL)) == expected
            assert nanny.wait() == -signal.SIGKILL
        assert proxy.passed > 1000


def test_only_who_has_a_certificate_is_answered_and_what_a_lost_scheduler_left_is_used(
    parts: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, others = (make_certificates(tmp_path / name) for name in ("ours", "others"))
    ask = ("attribute", "--features", parts[0].parent, "--indicator", "gini", "--format", "json")
    work = ("--shared", tmp_path / "shared", "--agents", tmp_path / "agents")

    def fall(engine: DaskEngine, stage: str, *arguments: Any) -> Iterator[tuple[int, Any]]:
        for one in run(engine, stage, *arguments):
            if stage == "sharing":
                made[-1].scheduler.kill()
            yield one

    made: list[Cluster] = []
    run = DaskEngine.run
    try:
        made.append(Cluster(tmp_path, ours))
        made[-1].work()
        with monkeypatch.context() as patch:
            patch.setattr(dask_engine, "CONNECT", 3.0)
            for address, options in (
                (made[-1].address, others.options),
                (made[-1].address.replace("tls", "tcp"), ()),
            ):
                refused(
                    ExitCode.SOURCE, *ask, "--cluster", address, *options,
                    says="cannot reach a Dask scheduler",
                )  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setattr(DaskEngine, "run", fall)
            lost = (*ask, *work, "--cluster", made[-1].address, *ours.options)
            refused(ExitCode.SOURCE, *lost, says="is lost: ")
        assert made[-1].scheduler.wait() == -signal.SIGKILL
        assert not (tmp_path / "agents" / COMPLETE).exists()
        made.append(Cluster(tmp_path, ours))
        made[-1].work()
        done = ok(*ask, *work, "--cluster", made[-1].address, *ours.options)
        assert "finished tasks of an earlier run" in done.stderr
        assert (tmp_path / "agents" / COMPLETE).exists()
        # Samples are drawn of a panel that is in memory.
        assert ok(*ask).json | {"sample": None} == done.json
    finally:
        for one in made:
            one.close()
