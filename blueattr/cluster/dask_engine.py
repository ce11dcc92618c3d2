"""Tasks on a Dask cluster: the only module that imports `distributed`."""

import asyncio
import contextlib
import functools
import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from typing import Any, TypeVar

from distributed import Client, LocalCluster, get_worker
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker
from distributed.security import Security

from blueattr.cluster.address import ClusterAddress
from blueattr.cluster.engine import Progress
from blueattr.cluster.local import LocalWorkers
from blueattr.cluster.same import Identity, identity, refuse_others
from blueattr.errors import BlueattrError, ClusterError
from blueattr.version import __version__

__all__ = ["DaskEngine"]


_A = TypeVar("_A")
_R = TypeVar("_R")

CONNECT = 20.0
"""Seconds within which a scheduler must answer for the first time."""

SILENCE = 30.0
"""Seconds without an answer, or without any worker, after which a cluster is lost."""

_TRIES = 5
_LOOK = 1.0  # seconds between looks at who lives
_PATIENCE = 4.0  # seconds for good manners at the end

_GONE = (
    CommClosedError, FutureCancelledError, asyncio.CancelledError, asyncio.TimeoutError,
    TimeoutError, OSError,
)  # fmt: skip


def _call(task: Callable[[_A], _R], mine: Identity, argument: _A) -> _R:
    """Run a task on a worker, if that computes the same."""
    refuse_others(identity(), mine, get_worker().address)
    return task(argument)


class DaskEngine:
    """Runs tasks by a scheduler of Dask's.

    Parameters
    ----------
    address
        Of the cluster.
    progress
        Is told how far stages are.
    """

    def __init__(self, address: ClusterAddress, progress: Progress | None = None) -> None:
        self._address, self._progress = address, progress
        self._open = contextlib.ExitStack()
        self._local: LocalWorkers | None = None
        self._seen = time.monotonic()

    def __enter__(self) -> "DaskEngine":
        _be_quiet()
        try:
            where: Any = self._address.text
            if self._address.workers:
                scheduler = self._open.enter_context(
                    LocalCluster(
                        n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0",
                        silence_logs=logging.CRITICAL, scheduler_kwargs={"http_prefix": "/"},
                    )
                )  # fmt: skip
                where = scheduler.scheduler_address
                self._local = self._open.enter_context(LocalWorkers(where, self._address.workers))
            self._client = _client_of(where, self._address)
            self._open.callback(self._leave)
            self._seen = time.monotonic()
            if not self._address.workers:
                self._refuse_strangers()
        except (*_GONE, ValueError, TypeError) as error:
            self._open.close()
            raise ClusterError(
                f"cannot reach a Dask scheduler at {self._address.text}: {_why(error)}"
            ) from None
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        self._open.close()

    def _refuse_strangers(self) -> None:
        """Refuse workers that have no blueattr: they die of tasks that they cannot read."""
        found = self._client.run(metadata.version, "blueattr", on_error="return")
        for worker, version in sorted(found.items()):
            if version != __version__:
                has = "no blueattr" if isinstance(version, Exception) else f"blueattr {version}"
                raise ClusterError(
                    f"the worker {worker} has {has}, and this process has {__version__}: install "
                    "the same there"
                )

    @property
    def local_workers(self) -> list[int]:
        """The processes on this machine that were started for it."""
        return [] if self._local is None else [one.pid for one in self._local.processes]

    @property
    def workers(self) -> int:
        """How many tasks run at a time, with the workers that are there now."""
        if self._address.workers:
            return self._address.workers
        try:
            threads: dict[str, int] = self._client.nthreads()
        except _GONE as error:
            raise self._lost(error) from None
        return max(1, sum(threads.values()))

    def run(
        self, stage: str, task: Callable[[_A], _R], arguments: Sequence[_A]
    ) -> Iterator[tuple[int, _R]]:
        """Yield results as they come: see `blueattr.cluster.engine.TaskEngine.run`."""
        if not arguments:
            return
        name, futures = f"{stage}-{uuid.uuid4().hex}", dict[int, Any]()
        failed: dict[int, BaseException] = {}
        try:
            submitted = self._client.map(
                functools.partial(_call, task, identity()), list(arguments),
                key=[f"{name}-{k}" for k in range(len(arguments))], pure=False,
            )  # fmt: skip
            futures.update(enumerate(submitted))
            for finished, (k, future) in enumerate(self._done(futures), 1):
                error = self._error_of(future)
                if error is not None:
                    failed[k] = error
                    later = [futures.pop(place) for place in list(futures) if place > k]
                    _within(_PATIENCE, functools.partial(_cancel, later))
                elif not failed:
                    result = future.result(timeout=SILENCE)
                    if self._local is not None:
                        self._local.go_on()
                    if self._progress is not None:
                        self._progress(stage, finished, len(arguments))
                    yield k, result
        except KilledWorker:
            raise ClusterError(_KILLED.format(stage)) from None
        except _GONE as error:
            raise self._lost(error) from None
        finally:
            _within(_PATIENCE, functools.partial(_cancel, list(futures.values())))
        if failed:
            raise failed[min(failed)]

    def _done(self, futures: dict[int, Any]) -> Iterator[tuple[int, Any]]:
        """Yield tasks as they are done, until none is left; those that are taken out are not."""
        done: queue.SimpleQueue[int] = queue.SimpleQueue()
        for k, future in futures.items():
            future.add_done_callback(functools.partial(_put, done, k))
        while futures:
            k = self._next(done)
            if k in futures:
                yield k, futures.pop(k)

    def _next(self, done: "queue.SimpleQueue[int]") -> int:
        """Return the place of the next task that is done; meanwhile look who lives."""
        while True:
            try:
                return done.get(timeout=_LOOK)
            except queue.Empty:
                self._look()

    def _look(self) -> None:
        if self._local is not None:
            self._local.tend()
        state = self._client.sync(
            self._client.scheduler.identity, n_workers=0, callback_timeout=SILENCE
        )
        if state["n_workers"]:
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > SILENCE:
            raise ClusterError(
                f"the cluster at {self._address.text} has had no worker for {SILENCE:.0f} seconds; "
                "start some, and give the same command again"
            )

    def _error_of(self, future: Any) -> BaseException | None:
        """Return what a task raised; raise where the cluster failed."""
        if future.status == "finished":
            return None
        if future.status != "error":
            raise FutureCancelledError(future.key, "the scheduler is gone")
        error: BaseException | None = future.exception(timeout=SILENCE)
        if isinstance(error, KilledWorker) or error is None:
            raise KilledWorker(future.key, None, 0) if error is None else error  # type: ignore[arg-type]
        if isinstance(error, BlueattrError):
            return error
        if isinstance(error, ModuleNotFoundError | ImportError | AttributeError):
            return ClusterError(
                f"the workers at {self._address.text} cannot run tasks of blueattr: {error}; "
                "install the same version there"
            )
        return error

    def _lost(self, error: BaseException) -> ClusterError:
        return ClusterError(
            f"the cluster at {self._address.text} is lost: {_why(error)}; what was finished is "
            "kept where --shared names a folder, and the same command goes on from there"
        )

    def _leave(self) -> None:
        _within(_PATIENCE, functools.partial(self._client.close, timeout=2))


_KILLED = (
    "four workers died, one after the other, at one task of the stage {!r}: it may need more "
    "memory than they have, so make parts smaller or give workers more; or they lack blueattr"
)


def _client_of(where: str, address: ClusterAddress) -> Any:
    """Connect; once more where a worker joins at that moment, which Dask's client asserts away."""
    security = _security(address)
    for _ in range(_TRIES):
        with contextlib.suppress(AssertionError):
            return Client(
                where, timeout=CONNECT, set_as_default=False, security=security, name="blueattr"
            )
    raise ClusterError(f"the scheduler at {address.text} is too busy to be joined; try again")


def _cancel(futures: Sequence[Any]) -> None:
    for future in futures:
        future.cancel()


def _within(seconds: float, act: Callable[[], object]) -> None:
    """Do something that may wait for ever where a scheduler is silent, for so long at most."""

    def quietly() -> None:
        with contextlib.suppress(*_GONE):
            act()

    thread = threading.Thread(target=quietly, daemon=True)
    thread.start()
    thread.join(seconds)


def _put(done: "queue.SimpleQueue[int]", place: int, _: object) -> None:
    done.put(place)


def _why(error: BaseException) -> str:
    if isinstance(error, FutureCancelledError):
        return "its scheduler is gone"
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "it does not answer"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _security(address: ClusterAddress) -> Security | None:
    if not address.is_encrypted:
        return None
    if address.ca is None:
        return Security(require_encryption=True)  # and what Dask's own configuration says
    files = {"tls_ca_file": str(address.ca)}
    files |= {"tls_client_cert": str(address.cert), "tls_client_key": str(address.key)}
    return Security(require_encryption=True, **files)


def _be_quiet() -> None:
    """Leave stderr to what blueattr says itself."""
    for name in ("distributed", "tornado", "bokeh", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
