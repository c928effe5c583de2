"""Processes for work that would block the event loop. They end with the process that started them, however it ends."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any


@contextmanager
def worker_pool(
    processes: int, enter: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes, each of which first calls `enter(*arguments)`; they are ended with the context.

    Processes start when there is work, and each computes on one core: a second thread for matrices doubles the CPU time
    of a score and shortens it by a third, which the service beside it would pay for. Leaving the context does not wait
    for work in the making.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by numpy when a new process loads it
    pool = ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(enter, arguments),
    )
    try:
        yield pool
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)


def _begin(enter: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    # A worker holds both ends of the queue that it reads, so it never hears that its parent was killed.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if enter is not None:
        enter(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
