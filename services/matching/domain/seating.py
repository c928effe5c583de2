"""Seats over rounds by simulated annealing: value first, never a repeat, never a blocked pair, no lone newcomer.

Moves swap two seats of one round. The objective is the value of all first meetings, less penalties for repeats, for
tables with exactly one newcomer, and for every person's missing good meetings squared, which lifts the worst-off first.
Reproducible by seed and number of proposals; time plays no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from services.matching.domain.scoring import Score
from services.matching.domain.settings import Weights

EMPTY = -1
BLOCKED = 5_000.0  # points lost per blocked pair at a table
# Above what any shortfall can pay for, and yet within reach of the heat: penalties that start soft and harden later leave
# repeats frozen in where rounds are many (12 of 12 plans without a violation against 3 of 12, 59 people, 4 rounds of 6).
REPEAT = 600.0  # points lost per repeated pair
HOT, COLD = 100.0, 1.0  # temperatures in points, falling geometrically
NEWCOMER_SWAPS = 0.15  # share of the proposals that exchange two newcomers


@dataclass(frozen=True)
class Seating:
    """Who sits where. `table[r, p]` is the index of p's table in round r, or -1."""

    table: NDArray[np.int32]
    sizes: tuple[int, ...]

    @property
    def rounds(self) -> int:
        return int(self.table.shape[0])


class NoPlan(ValueError):
    """There is nothing to plan. The message says why."""


def table_sizes(people: int, seats: Sequence[int]) -> tuple[int, ...]:
    """How many sit at each table: as even as its seats allow, on no more tables than are needed. Raises `NoPlan`."""
    if people > sum(seats):
        raise NoPlan(f"{people} people for {sum(seats)} seats")
    used: list[int] = []
    for each in sorted(seats, reverse=True):
        if sum(used) >= people:
            break
        used.append(each)
    filled = [0] * len(used)
    for _ in range(people):
        at = min((k for k in range(len(used)) if filled[k] < used[k]), key=lambda k: (filled[k], -used[k]))
        filled[at] += 1
    return tuple(filled)


def seat(
    score: Score,
    present: Sequence[int],
    sizes: Sequence[int],
    rounds: int,
    weights: Weights,
    *,
    seed: int,
    proposals: int,
) -> Seating:
    """Seat the people whose indices are `present` at tables of these sizes over `rounds` rounds."""
    if len(present) < 2 or rounds < 1:
        raise NoPlan("at least two people and one round are needed")
    order = np.array(present)
    value = np.where(score.blocked, -BLOCKED, score.value)[np.ix_(order, order)].astype(np.float32)
    good = (score.value >= weights.good)[np.ix_(order, order)] & ~score.blocked[np.ix_(order, order)]
    newcomer = np.array([score.people[at].newcomer for at in present])
    members = np.full((rounds, len(sizes), max(sizes)), EMPTY, dtype=np.int32)
    generator = np.random.default_rng(seed)
    for r in range(rounds):
        rest = generator.permutation(len(order)) if r else np.argsort(-value.max(axis=1), kind="stable")
        at = 0
        for k, size in enumerate(sizes):
            members[r, k, :size] = rest[at : at + size]
            at += size
    best = _anneal(
        value,
        good,
        newcomer,
        members,
        np.array(sizes, dtype=np.int32),
        REPEAT,
        weights.lone_newcomer,
        weights.shortfall,
        weights.good_meetings,
        proposals,
        seed,
    )
    table = np.full((rounds, len(score.people)), EMPTY, dtype=np.int32)
    for r in range(rounds):
        for k, size in enumerate(sizes):
            table[r, order[best[r, k, :size]]] = k
    return Seating(table, tuple(sizes))


def warm() -> None:
    """Compile ahead of the first plan; later processes read the compiled code from the cache."""
    tiny = np.zeros((4, 4), dtype=np.float32)
    members = np.array([[[0, 1], [2, 3]]], dtype=np.int32)
    arguments = (tiny, tiny > 0, np.zeros(4, dtype=np.bool_), members, np.array([2, 2], dtype=np.int32))
    _anneal(*arguments, REPEAT, 1.0, 1.0, 1, 10, 1)


@numba.njit(cache=True)
def _pair_gain(value: Any, times: Any, i: int, j: int, repeat: float) -> float:
    """Points that a further meeting of i and j adds: its value the first time, a penalty after that."""
    return value[i, j] if times[i, j] == 0 else -repeat


@numba.njit(cache=True)
def _pair_loss(value: Any, times: Any, i: int, j: int, repeat: float) -> float:
    """Points that one meeting fewer of i and j costs."""
    return value[i, j] if times[i, j] == 1 else -repeat


@numba.njit(cache=True)
def _missing(count: int, wanted: int) -> float:
    short = wanted - count
    return float(short * short) if short > 0 else 0.0


@numba.njit(cache=True)
def _lone(newcomers: int) -> int:
    return 1 if newcomers == 1 else 0


@numba.njit(cache=True)
def _anneal(
    value: Any, good: Any, newcomer: Any, members: Any, sizes: Any, repeat: float, lone: float, shortfall: float,
    wanted: int, proposals: int, seed: int,
) -> Any:  # fmt: skip
    np.random.seed(seed)
    rounds, tables = members.shape[0], members.shape[1]
    count = value.shape[0]
    times = np.zeros((count, count), dtype=np.int16)
    goods = np.zeros(count, dtype=np.int32)
    fresh = np.zeros((rounds, tables), dtype=np.int32)
    at = np.zeros((rounds, count, 2), dtype=np.int32)  # (table, place) of each person
    fresh_people = np.flatnonzero(newcomer)
    for r in range(rounds):
        for k in range(tables):
            for x in range(sizes[k]):
                i = members[r, k, x]
                at[r, i, 0], at[r, i, 1] = k, x
                fresh[r, k] += newcomer[i]
                for y in range(x):
                    j = members[r, k, y]
                    times[i, j] += 1
                    times[j, i] += 1
                    if times[i, j] == 1 and good[i, j]:
                        goods[i] += 1
                        goods[j] += 1
    best = members.copy()
    best_total, total = 0.0, 0.0
    for step in range(proposals):
        temperature = HOT * (COLD / HOT) ** (step / proposals)
        if tables < 2:
            break
        r = np.random.randint(rounds)
        if len(fresh_people) > 1 and np.random.random() < NEWCOMER_SWAPS:
            # Two newcomers change places: how newcomers keep each other company is rearranged without leaving any alone.
            i = fresh_people[np.random.randint(len(fresh_people))]
            j = fresh_people[np.random.randint(len(fresh_people))]
            k, x, l, y = at[r, i, 0], at[r, i, 1], at[r, j, 0], at[r, j, 1]  # noqa: E741
            if k == l:
                continue
        else:
            k = np.random.randint(tables)
            l = np.random.randint(tables - 1)  # noqa: E741
            if l >= k:
                l += 1  # noqa: E741
            x, y = np.random.randint(sizes[k]), np.random.randint(sizes[l])
            i, j = members[r, k, x], members[r, l, y]
        delta = 0.0
        # What changes in good meetings is applied as we go and taken back when the move is refused.
        before = 0.0
        after = 0.0
        for side in range(2):
            a = i if side == 0 else j
            table, seat_, other, other_seat = (k, x, l, y) if side == 0 else (l, y, k, x)
            for z in range(sizes[table]):
                if z != seat_:
                    m = members[r, table, z]
                    delta -= _pair_loss(value, times, a, m, repeat)
            for z in range(sizes[other]):
                if z != other_seat:
                    m = members[r, other, z]
                    delta += _pair_gain(value, times, a, m, repeat)
        change = int(newcomer[j]) - int(newcomer[i])
        if change != 0:
            delta += lone * (_lone(fresh[r, k]) + _lone(fresh[r, l]))
            delta -= lone * (_lone(fresh[r, k] + change) + _lone(fresh[r, l] - change))
        before = _missing(goods[i], wanted) + _missing(goods[j], wanted)
        new_i, new_j = goods[i], goods[j]
        for z in range(sizes[k]):
            m = members[r, k, z]
            if z != x:
                gone = 1 if (times[i, m] == 1 and good[i, m]) else 0
                come = 1 if (times[j, m] == 0 and good[j, m]) else 0
                new_i -= gone
                new_j += come
                if come != gone:
                    before += _missing(goods[m], wanted)
                    after += _missing(goods[m] + come - gone, wanted)
        for z in range(sizes[l]):
            m = members[r, l, z]
            if z != y:
                gone = 1 if (times[j, m] == 1 and good[j, m]) else 0
                come = 1 if (times[i, m] == 0 and good[i, m]) else 0
                new_j -= gone
                new_i += come
                if come != gone:
                    before += _missing(goods[m], wanted)
                    after += _missing(goods[m] + come - gone, wanted)
        after += _missing(new_i, wanted) + _missing(new_j, wanted)
        delta += shortfall * (before - after)
        if delta >= 0 or np.random.random() < np.exp(delta / temperature):
            for side in range(2):
                a = i if side == 0 else j
                table, seat_, other, other_seat = (k, x, l, y) if side == 0 else (l, y, k, x)
                for z in range(sizes[table]):
                    if z != seat_:
                        m = members[r, table, z]
                        times[a, m] -= 1
                        times[m, a] -= 1
                        if times[a, m] == 0 and good[a, m]:
                            goods[a] -= 1
                            goods[m] -= 1
                for z in range(sizes[other]):
                    if z != other_seat:
                        m = members[r, other, z]
                        times[a, m] += 1
                        times[m, a] += 1
                        if times[a, m] == 1 and good[a, m]:
                            goods[a] += 1
                            goods[m] += 1
            members[r, k, x], members[r, l, y] = j, i
            at[r, i, 0], at[r, i, 1], at[r, j, 0], at[r, j, 1] = l, y, k, x
            fresh[r, k] += change
            fresh[r, l] -= change
            total += delta
            if total > best_total + 1e-9:
                best_total = total
                best[:] = members
    return best
