"""The process: parts side by side, signals, and an orderly end. A part that fails for good ends the process."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final

import structlog
import uvicorn
from aiokafka.errors import KafkaError
from starlette.types import ASGIApp

from shared.platform import metrics
from shared.platform.database import is_transient

log: Final = structlog.stdlib.get_logger(__name__)

RETRY_FIRST: Final = 0.2  # seconds, doubling
RETRY_LAST: Final = 5.0  # seconds
HTTP_DRAIN: Final = 10  # seconds that answers in flight get at shutdown

Part = Callable[[], Coroutine[Any, Any, None]]


def spare_collector() -> None:
    """Let the cyclic garbage collector look rarely: a batch makes tens of thousands of objects and hardly a cycle."""
    gc.collect()
    gc.freeze()
    # By default at 700, which costs a quarter of the throughput of a batch path (measured).
    gc.set_threshold(50_000, 20, 20)


async def keep(name: str, part: Part) -> None:
    """Run a part for ever; start it over when PostgreSQL or Kafka went away. Any other error is raised.

    This is what lets HTTP accept work while every broker is down: the relay waits here.
    """
    pause = RETRY_FIRST
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        try:
            await part()
        except Exception as error:
            if not (is_transient(error) or isinstance(error, KafkaError)):
                raise
            pause = RETRY_FIRST if loop.time() - started > 2 * RETRY_LAST else min(pause * 2, RETRY_LAST)
            metrics.restarts.labels(name).inc()
            log.warning("part.restarting", part=name, seconds=pause, exc_info=error)
        await asyncio.sleep(pause)


async def until_stopped(parts: dict[str, Awaitable[None]]) -> None:
    """Run parts until SIGTERM or SIGINT, or until one fails, which is raised. Then cancel them all and wait."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.ensure_future(part) for part in parts.values()]
    waiting = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {waiting}:
            task.result()
    finally:
        for task in (waiting, *tasks):
            task.cancel()
        await asyncio.gather(waiting, *tasks, return_exceptions=True)


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: it would end the process before the parts have stopped."""

    def capture_signals(self) -> Any:
        return nullcontext()


@asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int) -> AsyncIterator[None]:
    """Serve HTTP while the context lasts. Raises `OSError` when the port cannot be bound."""
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=HTTP_DRAIN,
            timeout_keep_alive=30,
        )
    )
    config = server.config
    socket = config.bind_socket()
    task = asyncio.create_task(server.serve(sockets=[socket]))
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        log.info("http.serving", host=host, port=socket.getsockname()[1])
        yield
    finally:
        server.should_exit = True
        await asyncio.shield(task)
