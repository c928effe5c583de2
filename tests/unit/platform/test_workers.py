"""Worker processes end with the process that started them."""

import os
import signal
import subprocess
import sys
import time

from shared.platform.workers import worker_pool

PARENT = """
import os, sys, time
from shared.platform.workers import worker_pool
with worker_pool(1) as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ended(pid: int) -> bool:
    for _ in range(1200):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_a_worker_ends_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        worker = int(parent.stdout.readline())
        assert alive(worker)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert ended(worker)


def test_a_worker_ends_with_its_pool_and_enters_first() -> None:
    with worker_pool(1, os.chdir, ("/",)) as pool:
        assert pool.submit(os.getcwd).result() == "/"
        worker = pool.submit(os.getpid).result()
    assert ended(worker)
