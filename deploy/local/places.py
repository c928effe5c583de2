"""Where the local stack keeps things, and ports that nobody else has."""

import os
import socket
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


class StackError(Exception):
    """The local stack cannot go on. The message is one line that says why and what to do."""


def cache() -> Path:
    """What survives between runs: jars, class archives. `ENISHI_CACHE` moves it."""
    folder = Path(os.environ.get("ENISHI_CACHE") or ROOT / ".local" / "cache")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def free_ports(count: int) -> list[int]:
    """Ports on the loopback that are free now; all are held until the last is chosen, so that none repeats."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
