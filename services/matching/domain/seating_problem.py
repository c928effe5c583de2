"""What a seating must respect, in indices: people, rounds and tables, and how many chairs each table gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.fit import Matrix

NOWHERE = -1


class NoPlan(ValueError):
    """There is nothing to plan. The message says why."""


@dataclass(frozen=True)
class Problem:
    """One seating problem. n people, R rounds, K tables; rounds and tables count from 0."""

    worth: Matrix
    """[n, n] points of a first meeting; the diagonal is 0."""
    blocked: NDArray[np.bool_]
    """[n, n] pairs who must never share a table."""
    good: NDArray[np.bool_]
    """[n, n] meetings that count for fairness; none of them blocked."""
    newcomer: NDArray[np.bool_]
    small: NDArray[np.bool_]
    """[n] who prefers small groups."""
    present: NDArray[np.bool_]
    """[R, n]"""
    seats: NDArray[np.int32]
    """[R, K] most that may sit there; 0 for a closed table."""
    chairs: NDArray[np.int32]
    """[R, K] chairs that are laid; at least as many as people present."""
    pinned: NDArray[np.int32]
    """[R, n] table where somebody must sit, or -1."""
    published: NDArray[np.int32]
    """[R, n] table in the plan that people already know, or -1."""
    frozen: NDArray[np.bool_]
    """[R] rounds that are over or running: seats stay as published."""

    @property
    def rounds(self) -> int:
        return int(self.present.shape[0])

    @property
    def people(self) -> int:
        return int(self.present.shape[1])


@dataclass(frozen=True)
class Seating:
    """Who sits where. `table[r, p]` is the index of p's table in round r, or -1."""

    table: NDArray[np.int32]

    @property
    def rounds(self) -> int:
        return int(self.table.shape[0])


def tables_apart(blocked: NDArray[np.bool_]) -> int:
    """As many tables as keep these people apart who must not meet, by colouring whom most are kept from first (Welsh and
    Powell 1967). Seats are not looked at."""
    table = np.full(len(blocked), NOWHERE)
    apart = blocked & ~np.eye(len(blocked), dtype=np.bool_)
    for person in np.argsort(-apart.sum(axis=1), kind="stable"):
        taken = set(table[apart[person]].tolist())
        table[person] = next(k for k in range(len(blocked)) if k not in taken)
    return int(table.max(initial=NOWHERE)) + 1


def even_chairs(people: int, seats: Sequence[int], taken: Sequence[int] = (), least: int = 1) -> list[int]:
    """How many sit at each table: as even as its seats allow, on no more tables than are needed, largest first.

    `taken` chairs of each table are given out already (pins); `least` tables are used where there are so many. Raises
    `NoPlan`.
    """
    if people > sum(seats):
        raise NoPlan(f"{people} people for {sum(seats)} seats")
    filled = list(taken) or [0] * len(seats)
    used = [k for k, count in enumerate(filled) if count]
    for k in sorted(range(len(seats)), key=lambda k: -seats[k]):
        if sum(seats[at] for at in used) >= people and len(used) >= least:
            break
        if k not in used and seats[k]:
            used.append(k)
    room = [(filled[k], -seats[k], turn, k) for turn, k in enumerate(used) if filled[k] < seats[k]]
    heapify(room)
    for _ in range(people - sum(filled)):
        count, most, turn, k = heappop(room)
        filled[k] = count + 1
        if filled[k] < seats[k]:
            heappush(room, (filled[k], most, turn, k))
    return filled


def kept_chairs(people: int, seats: Sequence[int], published: Sequence[int]) -> list[int]:
    """Chairs for a re-plan: those of the published plan, and one by one more where room is, for people who walk in.

    When the room is full, tables grow by one seat each before it is given up. Raises `NoPlan`.
    """
    laid = [min(chairs, most) for chairs, most in zip(published, seats, strict=True)]
    for extra in (0, 1):
        while sum(laid) < people:
            room = [k for k, most in enumerate(seats) if most and laid[k] < most + extra]
            if not room:
                break
            in_use = [k for k in room if laid[k]] or room
            laid[min(in_use, key=lambda k: (laid[k], k))] += 1
    if sum(laid) < people:
        raise NoPlan(f"{people} people for {sum(seats)} seats")
    return laid
