"""Where the local stack keeps things, and ports that nobody else has."""

import os
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from random import SystemRandom
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SERVER_PORTS: Final = range(15_000, 32_000)
"""Below those that kernels give to clients: Linux from 32,768 on, others from 49,152 (RFC 6335)."""


class StackError(Exception):
    """The local stack cannot go on. The message is one line that says why and what to do."""


def cache() -> Path:
    """What survives between runs: jars, class archives. `ENISHI_CACHE` moves it."""
    folder = Path(os.environ.get("ENISHI_CACHE") or ROOT / ".local" / "cache")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def free_ports(count: int) -> list[int]:
    """Ports on the loopback that are free now; all are held until the last is chosen, so that none repeats.

    No client gets one of them before its server is up, or between its end and its restart. Raises `StackError`.
    """
    ports: list[int] = []
    with ExitStack() as held:
        for port in SystemRandom().sample(SERVER_PORTS, 1000 + count):
            if len(ports) == count:
                break
            each = held.enter_context(socket.socket())
            with suppress(OSError):  # somebody has it
                each.bind(("127.0.0.1", port))
                ports.append(port)
    if len(ports) < count:
        raise StackError("there are no free ports on the loopback")
    return ports
