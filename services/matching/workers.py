"""Processes that compute, and the slate by which they tell how far they are and learn that they are not wanted."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from services.matching.domain.words import then_forget
from shared.platform.workers import worker_pool

ResultT = TypeVar("ResultT")
WATCH_EVERY: Final = 0.25  # seconds between looks at work under way: its progress, and whether it is still wanted


class Cancelled(Exception):
    """This work is not wanted any more."""


class NotBegun(Exception):
    """The process was killed while it had nothing to do: this work has not begun, and open workers can do it."""


@dataclass(frozen=True)
class Slate:
    """What this process and its workers share: how far the plan in the making is, and whether it is still wanted.

    Values in shared memory, because a plan is made while both sides run.
    """

    step: Any
    share: Any
    cancelled: Any

    @classmethod
    def of(cls, context: Any) -> "Slate":
        return cls(context.Value("i", -1), context.Value("d", 0.0), context.Value("b", 0))


@dataclass(frozen=True)
class Workers:
    """A process that computes plans, one at a time, and the slate that it shares with this one."""

    pool: Executor
    slate: Slate

    async def run(
        self, watch: Callable[[str | None, float], Awaitable[bool]], work: Callable[..., ResultT], *given: Any
    ) -> ResultT:
        """The result of work in a process, one at a time. `watch` hears its step, None before it tells one, and its share
        all the while, and says whether it is still wanted. Raises `Cancelled`, at the end of a chunk, when it is not,
        `BrokenProcessPool` when the process is killed meanwhile, and `NotBegun` when it was before.
        """
        slate = self.slate
        slate.cancelled.value, slate.step.value, slate.share.value = 0, -1, 0.0
        try:
            working = asyncio.get_running_loop().run_in_executor(self.pool, then_forget, work, *given)
        except BrokenProcessPool:
            raise NotBegun from None
        while not (await asyncio.wait([working], timeout=WATCH_EVERY))[0]:
            step = slate.step.value
            if not await watch(STEPS[step] if step >= 0 else None, slate.share.value):
                slate.cancelled.value = 1  # what comes next waits for its end
        return working.result()


@contextmanager
def open_workers() -> Iterator[Workers]:
    """A fresh process for plans, which makes one at a time; it is ended with the context, whatever it does."""
    slate = Slate.of(multiprocessing.get_context("spawn"))
    with worker_pool(1, _enter, (slate,)) as pool:
        yield Workers(pool, slate)


_SHARES: Final = {
    "scoring": (0.0, 0.1),
    "introductions": (0.1, 0.2),
    "seating": (0.2, 0.95),
    "proof": (0.95, 1.0),
    "bound": (0.0, 0.5),
    "rules": (0.5, 1.0),
}
"""Of the whole, where each step begins and ends. Of a plan seats take most of the time; an audit has the last two."""
STEPS: Final = tuple(_SHARES)

_slate: Slate | None = None  # set once in each worker process


def _enter(slate: Slate) -> None:
    global _slate
    _slate = slate


def tell(step: str, share: float) -> None:
    """Called by the plan between chunks of its work. Raises `Cancelled`."""
    if _slate is None:
        return
    if _slate.cancelled.value:
        raise Cancelled
    begin, end = _SHARES[step]
    _slate.step.value = STEPS.index(step)
    _slate.share.value = begin + (end - begin) * share
