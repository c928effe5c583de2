"""One round as a maximally diverse grouping problem: everybody in groups, the sum of worth inside them the most possible.

Where only one round is planned, a table for all sums of worth from each person to each group gives the points of every
swap at once (the usual delta table of this problem), so a look weighs one person's swaps with everybody else and draws
among them and staying by their points (heat bath). The temperature is not set but steered, by the share of looks that
move somebody: that share falls from `FLOWING` to `FROZEN` whatever the worths and sizes, where each instance would need
temperatures of its own (distances in space freeze at a tenth of those of random numbers). After the first cooling the
best seating is warmed up and cooled again, several times.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from services.matching.domain.annealing import _GUMBEL, _LOG, _below, _draw, _fairer, _swap
from services.matching.domain.annealing_state import BLOCK, Costs, State, index

FLOWING, WARMED, FROZEN = 0.7, 0.25, 0.02  # shares of looks that move: at first, when warmed up again, at the end
FIRST, AGAIN = 0.3, 7  # share of the looks for the first cooling, and how many more share the rest
STILL = 0.02  # share of the looks that end without any heat
WIDE = 500  # people from whom on fewer looks are made, as each takes longer
STEERED, GAIN = 256, 0.1  # looks between two changes of the temperature, and how strongly it follows
CHUNK = 1 << 18  # looks between two words of progress: about a tenth of a second

BLOCKED_UNITS = -32768  # a blocked pair, the least that int16 holds: a thousand points or more
HOTTEST, COLDEST = np.float32(1e6), np.float32(1e-3)  # units

_NEVER = np.float32(1e9)  # more units than any swap is worth


def regroup(s: State, c: Costs, proposals: int, progress: Callable[[float], None]) -> None:
    """Search the only round of `s`. `progress` hears the share done; what it raises ends the work."""
    total = len(s.place)
    half = s.worth >> 1
    worth = np.where(half == BLOCK, BLOCKED_UNITS, half).astype(np.int16)
    held = np.full(total, _NEVER)
    held[s.members[0, s.spots[:, 1], s.spots[:, 2]]] = 0
    noise = np.resize(np.random.default_rng(1).permutation(_GUMBEL), len(_GUMBEL) + total)
    looks = proposals * min(1.0, WIDE / total)
    coolings = [(FLOWING, FIRST), *[(WARMED, (1 - FIRST - STILL) / AGAIN)] * AGAIN, (0.0, STILL)]
    best, score = s.members[0].copy(), np.zeros(2)
    heat = np.array([max(1.0, float(worth.std()) * s.members.shape[2] ** 0.5)])
    done = 0
    for flowing, share in coolings:
        s.members[0] = best
        s.filled[0] = ((best >= 0) & (best < c.people)).sum(axis=1)
        index(s)
        sums = _sums(s, c, worth)
        score[0] = score[1]
        if flowing == 0:
            heat[0] = 0
        count = round(looks * share)
        for start in range(0, count, CHUNK):
            stop = min(start + CHUNK, count)
            _cool(s, c, worth, noise, sums, held, best, score, heat, flowing, FROZEN, start, stop, count)
            progress((done + stop) / max(looks, done + stop))
        done += count
    s.members[0] = best
    index(s)
    progress(1)


def _sums(s: State, c: Costs, worth: Any) -> Any:
    """[K, n] float32: units of worth from everybody to each group, and what they lose for being at it. Whole numbers, so
    that however often they are added to, they stay exact.
    """
    groups = s.members.shape[1]
    sums = np.zeros((groups, len(worth)), dtype=np.float32)
    for k in range(groups):
        sums[k] = worth[s.members[0, k, : s.chairs[0, k]]].sum(axis=0, dtype=np.int64)
        if c.crowded > 0 and s.chairs[0, k] > 4:
            sums[k] -= np.rint(c.crowded / c.unit) * s.small
    return sums


@numba.njit(cache=True, fastmath=True)
def _cool(
    s: State, c: Costs, worth: Any, noise: Any, sums: Any, held: Any, best: Any, score: Any, heat: Any,
    flowing: float, frozen: float, start: int, stop: int, looks: int,
) -> None:  # fmt: skip
    """Looks `start` to `stop` of a cooling of so many. `score` holds the units of now and of `best`, `heat` the temperature."""
    members, place, spots, goods, packed = s.members, s.place, s.spots, s.goods, s.packed
    codes, chairs, newcomer, fresh, filled, random = s.worth, s.chairs, s.newcomer, s.fresh, s.filled, s.random
    table_cost = s.table_cost
    groups, total = sums.shape
    kinds = 1
    kind, table, own = np.zeros(total, np.int32), np.zeros(total, np.int32), np.full(total, _NEVER)
    for p in range(total):
        table[p] = max(place[p, 0, 0], 0)
        if place[p, 0, 0] >= 0:
            kind[p] = 2 if p >= c.people else newcomer[p]
            kinds = max(kinds, kind[p] + 1)
            own[p] = sums[table[p], p] + held[p]
    slot = kind * np.int32(groups) + table  # where to look up what coming from there is worth
    there, drawn, choice = np.zeros(kinds * groups, np.float32), np.zeros(total, np.float32), np.full(4, -1)
    two, temperature, moved = np.float32(2), np.float32(heat[0]), 0
    for step in range(start, stop):
        if step % STEERED == 0 and step > start:
            if flowing > 0:
                wanted = flowing * (frozen / flowing) ** (step / looks)
                temperature *= np.float32(((wanted * STEERED + 1) / (moved + 1)) ** GAIN)
                temperature = min(max(temperature, COLDEST), HOTTEST)
            moved = 0
        at = _below(random, spots.shape[0])
        k, x = spots[at, 1], spots[at, 2]
        i = members[0, k, x]
        for l in range(groups):  # noqa: E741
            there[l] = sums[l, i]
        for each in range(kinds - 1, -1, -1):
            change, grow = (each == 1) - newcomer[i], (each != 2) - (i < c.people)
            for l in range(groups):  # noqa: E741
                points = 0.0
                if change != 0 or grow != 0:
                    f, g, m, n = fresh[0, k], fresh[0, l], filled[0, k], filled[0, l]
                    points = table_cost[0, f, m] + table_cost[0, g, n]
                    points -= table_cost[0, f + change, m + grow] + table_cost[0, g - change, n - grow]
                there[each * groups + l] = there[l] + np.float32(points / c.unit)
        now = sums[k, i]
        for each in range(kinds):
            there[each * groups + k] = -_NEVER
        if kind[i] == 2:
            there[2 * groups :] = -_NEVER  # two empty chairs
        bits = np.int64(_draw(random))
        at_k, mine, stretch = sums[k], worth[i], noise[bits & 4095 :]
        most = -_NEVER
        for j in range(total):
            points = there[slot[j]] + at_k[j] - own[j] - two * np.float32(mine[j]) + temperature * stretch[j]
            drawn[j] = points
            most = max(most, points)
        if most <= now + temperature * noise[(bits >> 12) & 4095]:
            continue
        j = 0
        while j < total - 1 and drawn[j] != most:
            j += 1
        l, y = place[j, 0, 0], place[j, 0, 1]  # noqa: E741
        delta = there[slot[j]] + at_k[j] - own[j] - two * np.float32(mine[j]) - now
        if c.shortfall > 0:
            choice[0], choice[1] = x, y
            fairer = _fairer(codes, members, chairs, packed, goods, c, 0, k, l, choice) / c.unit
            if fairer < 0 and fairer < temperature * _LOG[_draw(random) >> np.uint64(52)]:
                continue
            delta += fairer
        _swap(codes, members, chairs, packed, goods, newcomer, fresh, filled, place, c.people, 0, k, x, l, y)
        theirs, at_l = worth[j], sums[l]
        table[i], table[j] = l, k
        slot[i], slot[j] = kind[i] * groups + l, kind[j] * groups + k
        for p in range(total):
            change_ = np.float32(theirs[p]) - np.float32(mine[p])
            at_k[p] += change_
            at_l[p] -= change_
            if table[p] == k:
                own[p] = at_k[p] + held[p]
            elif table[p] == l:
                own[p] = at_l[p] + held[p]
        moved += delta != 0  # where many swaps are worth nothing, moving says nothing about the heat
        score[0] += delta
        if score[0] > score[1] + 0.5:
            score[1] = score[0]
            best[:] = members[0]
    heat[0] = temperature
