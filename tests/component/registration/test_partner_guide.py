"""The partner guide's shell blocks, run in order by a real shell against a real socket."""

import asyncio
import re
import shutil
import socket
from pathlib import Path

import pytest
import uvicorn

from services.registration.app import SERVICE
from tests.conftest import OpenDatabase, api_key, settings_for

GUIDE = Path(__file__).parents[3] / "docs" / "partner-guide.md"
SCOPES = ("gatherings:write", "gatherings:read", "registrations:write", "registrations:read")

pytestmark = [pytest.mark.postgres, pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")]


async def test_every_example_of_the_partner_guide_works(open_database_for: OpenDatabase, tmp_path: Path) -> None:
    database = await open_database_for(SERVICE)
    partner_id, headers = await api_key(database, *SCOPES)
    async with database.transaction() as tx:
        await tx.execute("insert into partner values ($1, 1, 'Test platform', '[]')", partner_id)
    app = SERVICE.http(settings_for(SERVICE, database.url), database)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            output = await run_guide(
                f"http://127.0.0.1:{listener.getsockname()[1]}",
                headers["Authorization"].removeprefix("Bearer "),
                tmp_path,
            )
        finally:
            server.should_exit = True
            await serving
    assert '"accepted":1,"rejected":1' in output
    assert '"pointer":"/email","detail":"Value error, this is not an e-mail address"' in output
    assert '"status":"checked_in"' in output
    assert '"attendance":"left"' in output
    async with database.connection() as connection:
        left = await connection.fetch("select mailbox from person")
    assert [row["mailbox"] for row in left] == ["nezu@example.com"]


async def run_guide(url: str, key: str, folder: Path) -> str:
    """What the blocks print, all in one shell that stops at the first failure."""
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        "\n".join(blocks),
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "ENISHI": url, "KEY": key, "LANG": "C.UTF-8", "NO_PROXY": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await shell.communicate()
    assert shell.returncode == 0, output.decode()
    return output.decode()
