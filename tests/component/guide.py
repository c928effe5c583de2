"""Runs the shell blocks of a guide against a service on a real socket."""

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

DOCS = Path(__file__).parents[2] / "docs"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The address where the application answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        running = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


def blocks(name: str) -> list[str]:
    """The shell blocks of a guide."""
    return re.findall(r"^```sh\n(.*?)^```", (DOCS / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


async def run(commands: list[str], folder: Path, **variables: str) -> str:
    """What the commands print, all in one shell that stops at the first failure."""
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        "\n".join(commands),
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "NO_PROXY": "*", **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await shell.communicate()
    assert shell.returncode == 0, output.decode()
    return output.decode()
