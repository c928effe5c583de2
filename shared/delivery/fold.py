"""Reduce a batch to one event per key, so that one statement never touches a row twice."""

from collections.abc import Iterable
from typing import TypeVar

from shared.contracts.contract import Contract
from shared.contracts.envelope import Event

PayloadT = TypeVar("PayloadT", bound=Contract)


def newest(events: Iterable[Event[PayloadT]], *, final: bool = True) -> tuple[list[PayloadT], list[str]]:
    """The payload of the highest revision per key, and the keys that were erased; both sorted by key.

    A tombstone is final: what follows it in the batch is about somebody who is gone. Where it is not, as with words that
    are withdrawn and given again, what follows it counts and the key is not erased. Sorting lets two batches lock the
    same rows in the same order.
    """
    payloads: dict[str, PayloadT] = {}
    erased: set[str] = set()
    for event in events:
        if event.payload is None:
            erased.add(event.key)
            payloads.pop(event.key, None)
            continue
        if not final:
            erased.discard(event.key)
        known = payloads.get(event.key)
        if known is None or _revision(event.payload) >= _revision(known):
            payloads[event.key] = event.payload
    return [payloads[key] for key in sorted(payloads.keys() - erased)], sorted(erased)


def _revision(payload: Contract) -> int:
    return getattr(payload, "revision", 1)
