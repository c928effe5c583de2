"""One cooling of one round, compiled: what every swap is worth is read from a table of sums. `grouping` prepares it.

sums[k, q] is the worth of who sits on seat q to all at table k, in units, so a swap of i at k with j at l is worth
sums[l, i] + sums[k, j] - sums[k, i] - sums[l, j] - 2 worth[i, j]; a swap that is made changes two rows of it. Whatever a
look reads of everybody lies in the order of the seats, table after table, and so is compiled to vectors: people's rows of
worth too, which follow the moves only when they are read.
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
LATEST = 64  # moves that a row of worth follows one by one; after more it is read anew


@numba.njit(inline="always")
def _weigh_tables(
    sums: Any, newcomer: Any, fresh: Any, filled: Any, table_cost: Any, c: Costs, kinds: int, i: int, p: int, k: int,
    there: Any,
) -> None:  # fmt: skip
    """What i of seat p, table k, gains at each table (NEVER less at their own), by the kind of who comes back for them."""
    for each in range(kinds):
        change, grow = (each == 1) - newcomer[i], (each != 2) - (i < c.people)
        for l in range(sums.shape[0]):  # noqa: E741
            points = 0.0
            if change != 0 or grow != 0:
                points = table_cost[0, fresh[0, k], filled[0, k]] + table_cost[0, fresh[0, l], filled[0, l]]
                points -= table_cost[0, fresh[0, k] + change, filled[0, k] + grow]
                points -= table_cost[0, fresh[0, l] - change, filled[0, l] - grow]
            there[each, l] = sums[l, p] + np.float32(points / c.unit)
        there[each, k] = -NEVER
    if i >= c.people:
        there[2] = -NEVER  # two empty chairs


@numba.njit(inline="always")
def _follow(rows: Any, worth: Any, who: Any, latest: Any, moves: int, seen: Any, i: int) -> None:
    """Bring rows[i], the worth of i to who sits on each seat, up to so many moves."""
    if moves - seen[i] > LATEST:
        for q in range(who.shape[0]):
            rows[i, q] = worth[i, who[q]]
    else:
        for move in range(seen[i], moves):
            p, q = latest[move % LATEST, 0], latest[move % LATEST, 1]
            rows[i, p], rows[i, q] = rows[i, q], rows[i, p]
    seen[i] = moves


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
    s: State, c: Costs, worth: Any, prices: Any, noise: Any, sums: Any, best: Any, score: Any, heat: Any,
    flowing: float, frozen: float, start: int, stop: int, looks: int,
) -> None:  # fmt: skip
    """Make looks `start` to `stop` of a cooling of so many, at whose ends shares `flowing` and `frozen` of them move.

    worth: [n, n] int16 units, `prices` of good meetings within. noise: Gumbel variates, the last n as the first.
    score: units of now and of `best`. heat: the temperature in units, and how many looks moved since it changed.
    """
    members, place, goods, packed, movable = s.members, s.place, s.goods, s.packed, s.movable
    codes, chairs, newcomer, fresh, filled, random = s.worth, s.chairs, s.newcomer, s.fresh, s.filled, s.random
    table_cost = s.table_cost
    groups, seats = sums.shape
    ends = np.zeros(groups + 1, np.uint64)  # unsigned, as a loop over numbers that might be below zero makes no vectors
    who, table, kind, free = np.zeros((4, seats), np.int64)
    own, held = np.zeros(seats, np.float32), np.zeros(seats, np.float32)
    kinds, frees, p = 1, 0, 0
    for k in range(groups):
        for x in range(chairs[0, k]):
            who[p], table[p] = members[0, k, x], k
            kind[p] = 2 if who[p] >= c.people else newcomer[who[p]]
            kinds = max(kinds, kind[p] + 1)
            if movable[0, k, x]:
                free[frees] = p
                frees += 1
            else:
                held[p] = NEVER
            own[p] = sums[k, p] + held[p]
            p += 1
        ends[k + 1] = p
    rows, seen = np.zeros((len(worth), seats), np.int16), np.full(len(worth), -LATEST - 1)
    latest, moves = np.zeros((LATEST, 2), np.int64), 0
    there, here = np.zeros((kinds, groups), np.float32), np.zeros(seats, np.float32)
    drawn, choice = np.zeros(seats, np.float32), np.full(4, -1)
    two, temperature, moved = np.float32(2), np.float32(heat[0]), heat[1]
    for step in range(start, stop):
        if step % STEERED == 0 and step > 0:
            if flowing > 0:
                wanted = flowing * (frozen / flowing) ** (step / looks)
                temperature *= np.float32(((wanted * STEERED + 1) / (moved + 1)) ** GAIN)
                temperature = min(max(temperature, COLDEST), HOTTEST)
            moved = 0.0
        p = free[below(random, frees)]
        i, k = who[p], table[p]
        _weigh_tables(sums, newcomer, fresh, filled, table_cost, c, kinds, i, p, k, there)
        if kinds == 1:
            for l in range(groups):  # noqa: E741
                units = there[0, l]
                for q in range(ends[l], ends[l + 1]):
                    here[q] = units
        else:
            for q in range(seats):
                here[q] = there[kind[q], table[q]]
        _follow(rows, worth, who, latest, moves, seen, i)
        bits = np.int64(draw(random))
        at, now = bits & (NOISES - 1), sums[k, p]
        most = now + temperature * noise[(bits >> 12) & (NOISES - 1)]
        better = 0
        for q in range(seats):  # the most is not sought at once, as that is not compiled to vectors
            units = here[q] + sums[k, q] - own[q] - two * np.float32(rows[i, q]) + temperature * noise[at + q]
            drawn[q] = units
            better += units > most
        if better == 0:
            continue
        q = 0
        for z in range(seats):
            if drawn[z] > most:
                q, most = z, drawn[z]
        j, l = who[q], table[q]  # noqa: E741
        x, y = place[i, 0, 1], place[j, 0, 1]
        delta = here[q] + sums[k, q] - own[q] - two * np.float32(rows[i, q]) - now
        if c.shortfall > 0:  # prices say roughly what a good meeting more is worth: what they did not know decides here
            choice[0], choice[1] = x, y
            more = fairness(codes, members, chairs, packed, goods, c, 0, k, l, choice) / c.unit
            more -= _priced(codes, members, chairs, prices, k, l, i, j)
            if more < 0 and more < temperature * LOG[draw(random) >> np.uint64(52)]:
                continue
            delta += more
        swap(codes, members, chairs, packed, goods, newcomer, fresh, filled, place, c.people, 0, k, x, l, y)
        _follow(rows, worth, who, latest, moves, seen, j)
        for z in range(seats):
            change = np.float32(rows[j, z]) - np.float32(rows[i, z])
            sums[k, z] += change
            sums[l, z] -= change
        for each in range(groups):
            sums[each, p], sums[each, q] = sums[each, q], sums[each, p]
        who[p], who[q], kind[p], kind[q] = j, i, kind[q], kind[p]
        for z in range(ends[k], ends[k + 1]):
            own[z] = sums[k, z] + held[z]
        for z in range(ends[l], ends[l + 1]):
            own[z] = sums[l, z] + held[z]
        latest[moves % LATEST, 0], latest[moves % LATEST, 1] = p, q
        moves += 1
        moved += delta != 0  # where many swaps are worth nothing, moving says nothing about the heat
        score[0] += delta
        if score[0] > score[1] + 0.5:
            score[1] = score[0]
            best[:] = members[0]
    heat[0], heat[1] = temperature, moved
