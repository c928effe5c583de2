"""Loops of a service in the background of a test, and waiting for what they bring about."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any


@asynccontextmanager
async def background(work: Coroutine[Any, Any, Any]) -> AsyncIterator["asyncio.Task[Any]"]:
    """A task that is cancelled at the end. Raises what it died of by itself."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        if task.done():
            task.result()
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


async def until(look: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = 90) -> None:
    """Wait until something is so. Raises `AssertionError` that says what never was."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (found if isinstance(found := look(), bool) else await found):
        assert asyncio.get_running_loop().time() < deadline, f"{what}: not after {seconds} s"
        await asyncio.sleep(0.02)
