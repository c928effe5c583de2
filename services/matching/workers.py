"""Processes that compute, and the slate by which they tell how far they are and learn that they are not wanted."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from shared.platform.workers import worker_pool


class Cancelled(Exception):
    """This work is not wanted any more."""


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
    """Processes that compute plans, and the slate that they share with this one."""

    pool: Executor
    slate: Slate


@contextmanager
def open_workers(processes: int) -> Iterator[Workers]:
    """Fresh processes for plans; they are ended with the context, whatever they do."""
    slate = Slate.of(multiprocessing.get_context("spawn"))
    with worker_pool(processes, _enter, (slate,)) as pool:
        yield Workers(pool, slate)


STEPS: Final = ("scoring", "introductions", "seating", "proof")
_SHARES: Final = {"scoring": (0.0, 0.1), "introductions": (0.1, 0.2), "seating": (0.2, 0.95), "proof": (0.95, 1.0)}
"""Of the whole, where each step begins and ends: seats take most of the time."""

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
    begin, end = _SHARES.get(step, (0.0, 1.0))
    _slate.step.value = STEPS.index(step) if step in STEPS else -1
    _slate.share.value = begin + (end - begin) * share
