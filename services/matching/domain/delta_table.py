"""One cooling of one round, compiled: what every swap is worth is read from a table of sums. `grouping` prepares it.

sums[k, p] is the worth of p to all at table k, in units, so a swap of i at k with j at l is worth
sums[l, i] + sums[k, j] - sums[k, i] - sums[l, j] - 2 worth[i, j]; a swap that is made changes two rows of it.
"""

from typing import Any

import numba
import numpy as np

from services.matching.domain.annealing import LOG, below, draw, fairness, swap
from services.matching.domain.annealing_state import BLOCK, Costs, State

STEERED, GAIN = 256, 0.1  # looks between two changes of the temperature, and how strongly it follows
HOTTEST, COLDEST = np.float32(1e6), np.float32(1e-3)  # units: where nothing moves whatever the heat, and the other way
NEVER = np.float32(1e9)  # more units than any swap is worth
BLOCKED_UNITS, MOST_UNITS = -32768, 32767  # of a pair, by int16; a blocked one loses a thousand points or more
NOISES = 4096  # different values of `noise`


@numba.njit(inline="always")
def _weigh_tables(
    sums: Any, newcomer: Any, fresh: Any, filled: Any, table_cost: Any, c: Costs, kinds: int, kind: Any,
    i: int, k: int, there: Any,
) -> None:  # fmt: skip
    """What i of table k gains at each table (NEVER less at their own), by the kind of person who comes back for them."""
    groups = sums.shape[0]
    for each in range(kinds):
        change, grow = (each == 1) - newcomer[i], (each != 2) - (i < c.people)
        for l in range(groups):  # noqa: E741
            points = 0.0
            if change != 0 or grow != 0:
                points = table_cost[0, fresh[0, k], filled[0, k]] + table_cost[0, fresh[0, l], filled[0, l]]
                points -= table_cost[0, fresh[0, k] + change, filled[0, k] + grow]
                points -= table_cost[0, fresh[0, l] - change, filled[0, l] - grow]
            there[each * groups + l] = sums[l, i] + np.float32(points / c.unit)
        there[each * groups + k] = -NEVER
    if kind[i] == 2:
        there[2 * groups :] = -NEVER  # two empty chairs


@numba.njit(inline="always")
def _priced(codes: Any, members: Any, chairs: Any, prices: Any, k: int, l: int, i: int, j: int) -> float:  # noqa: E741
    """Units that `prices` add to the worth of swapping i of table k with j of table l."""
    total = 0.0
    for side in range(2):
        leaves, comes, table = (i, j, k) if side == 0 else (j, i, l)
        for x in range(chairs[0, table]):
            m = members[0, table, x]
            if m != leaves:
                total -= (codes[leaves, m] & 1) * (prices[leaves] + prices[m])
                total += (codes[comes, m] & 1) * (prices[comes] + prices[m])
    return total


@numba.njit(cache=True)
def price(codes: Any, prices: Any, worth: Any) -> None:
    """Write to `worth` what every pair is worth in units: a good one by the prices of both more than its points."""
    for i in range(codes.shape[0]):
        for j in range(codes.shape[0]):
            half = np.float32(codes[i, j] >> 1)
            more = (codes[i, j] & 1) * (prices[i] + prices[j])
            worth[i, j] = BLOCKED_UNITS if half == BLOCK else min(half + more, MOST_UNITS)


@numba.njit(cache=True, fastmath=True)
def cool(
    s: State, c: Costs, worth: Any, prices: Any, noise: Any, sums: Any, held: Any, best: Any, score: Any, heat: Any,
    flowing: float, frozen: float, start: int, stop: int, looks: int,
) -> None:  # fmt: skip
    """Make looks `start` to `stop` of a cooling of so many, at whose ends shares `flowing` and `frozen` of them move.

    worth: [n, n] int16 units, `prices` of good meetings within. noise: Gumbel variates, the last n as the first.
    held: [n] NEVER for those who may not move. score: units of now and of `best`.
    heat: the temperature in units, and how many looks moved since it changed.
    """
    members, place, spots, goods, packed = s.members, s.place, s.spots, s.goods, s.packed
    codes, chairs, newcomer, fresh, filled, random = s.worth, s.chairs, s.newcomer, s.fresh, s.filled, s.random
    table_cost = s.table_cost
    groups, total = sums.shape
    kinds = 1
    kind, table, own = np.zeros(total, np.int32), np.zeros(total, np.int32), np.full(total, NEVER)
    for p in range(total):
        if place[p, 0, 0] >= 0:
            table[p] = place[p, 0, 0]
            kind[p] = 2 if p >= c.people else newcomer[p]
            kinds = max(kinds, kind[p] + 1)
            own[p] = sums[table[p], p] + held[p]
    slot = kind * np.int32(groups) + table  # where in `there` to look
    there, drawn, choice = np.zeros(kinds * groups, np.float32), np.zeros(total, np.float32), np.full(4, -1)
    two, temperature, moved = np.float32(2), np.float32(heat[0]), heat[1]
    for step in range(start, stop):
        if step % STEERED == 0 and step > 0:
            if flowing > 0:
                wanted = flowing * (frozen / flowing) ** (step / looks)
                temperature *= np.float32(((wanted * STEERED + 1) / (moved + 1)) ** GAIN)
                temperature = min(max(temperature, COLDEST), HOTTEST)
            moved = 0.0
        at = below(random, spots.shape[0])
        k, x = spots[at, 1], spots[at, 2]
        i = members[0, k, x]
        _weigh_tables(sums, newcomer, fresh, filled, table_cost, c, kinds, kind, i, k, there)
        bits = np.int64(draw(random))
        at_k, mine, stretch = sums[k], worth[i], noise[bits & (NOISES - 1) :]
        now, most = at_k[i], -NEVER
        for j in range(total):  # compiled to vectors of persons
            units = there[slot[j]] + at_k[j] - own[j] - two * np.float32(mine[j]) + temperature * stretch[j]
            drawn[j] = units
            most = max(most, units)
        if most <= now + temperature * noise[(bits >> 12) & (NOISES - 1)]:
            continue
        j = 0
        while j < total - 1 and drawn[j] != most:
            j += 1
        l, y = place[j, 0, 0], place[j, 0, 1]  # noqa: E741
        delta = there[slot[j]] + at_k[j] - own[j] - two * np.float32(mine[j]) - now
        if c.shortfall > 0:  # prices say roughly what a good meeting more is worth: what they did not know decides here
            choice[0], choice[1] = x, y
            more = fairness(codes, members, chairs, packed, goods, c, 0, k, l, choice) / c.unit
            more -= _priced(codes, members, chairs, prices, k, l, i, j)
            if more < 0 and more < temperature * LOG[draw(random) >> np.uint64(52)]:
                continue
            delta += more
        swap(codes, members, chairs, packed, goods, newcomer, fresh, filled, place, c.people, 0, k, x, l, y)
        theirs, at_l = worth[j], sums[l]
        table[i], table[j] = l, k
        slot[i], slot[j] = kind[i] * groups + l, kind[j] * groups + k
        for p in range(total):
            change = np.float32(theirs[p]) - np.float32(mine[p])
            at_k[p] += change
            at_l[p] -= change
            if table[p] == k:
                own[p] = at_k[p] + held[p]
            elif table[p] == l:
                own[p] = at_l[p] + held[p]
        moved += delta != 0  # where many swaps are worth nothing, moving says nothing about the heat
        score[0] += delta
        if score[0] > score[1] + 0.5:
            score[1] = score[0]
            best[:] = members[0]
    heat[0], heat[1] = temperature, moved
