"""A cancellation ends the relay whenever it comes: whoever stops a service cancels once and waits."""

import asyncio
from typing import Any, cast

import pytest

from shared.delivery import relay


@pytest.mark.parametrize("turns", range(4))
async def test_a_cancellation_that_meets_a_commit_is_not_lost(monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    async def nothing(*_: object) -> int:
        return 0

    monkeypatch.setattr(relay, "publish_batch", nothing)
    monkeypatch.setattr(relay, "POLL_FIRST", 60.0)
    monkeypatch.setattr(relay, "POLL_LAST", 60.0)
    wake, unused = asyncio.Event(), cast(Any, None)
    task = asyncio.create_task(relay._publish(unused, unused, wake))
    for _ in range(10):
        await asyncio.sleep(0)  # until it waits
    wake.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=60)
    task.cancel()
    assert done
