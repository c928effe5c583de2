"""Simulated annealing over the seats of several rounds, compiled. `seating` prepares the state.

A move swaps two chairs of one round, or two chairs each of two tables, so capacity, presence, pins and frozen rounds hold
by construction; the other rules cost points. Empty chairs hold stand-ins: numbers from the count of people upwards, each
in one round only, with whom a meeting is worth nothing (rows of zeros).
"""

from typing import Any

import numba
import numpy as np

from services.matching.domain.annealing_state import (
    LANE_BITS,
    LANES,
    Costs,
    State,
    met,
    missing,
    points_of,
    set_lane,
)

PULLS = 14  # of 16 looks at two tables, those that follow somebody to the table of a good partner; the rest are random
DOUBLES = 6  # seats up to which two-for-two swaps are looked at as well

LOG = np.log((np.arange(4096) + 0.5) / 4096).astype(np.float32)  # acceptance thresholds, drawn by 12 random bits
GUMBEL = (-np.log(-LOG)).astype(np.float32)  # in rising order


@numba.njit(inline="always")
def draw(random: Any) -> Any:
    """Next 64 random bits (SplitMix64)."""
    random[0] += np.uint64(0x9E3779B97F4A7C15)
    z = random[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(inline="always")
def below(random: Any, count: int) -> Any:
    """A random whole number from 0 to count - 1."""
    return np.int64(((draw(random) >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32))


@numba.njit(cache=True)
def swap(
    worth: Any, members: Any, chairs: Any, packed: Any, goods: Any, newcomer: Any, fresh: Any, filled: Any, place: Any,
    people: int, r: int, k: int, x: int, l: int, y: int,  # noqa: E741
) -> None:  # fmt: skip
    """Swap chair x of table k with chair y of table l in round r."""
    i, j = members[r, k, x], members[r, l, y]
    word, mask = r // LANES, LANE_BITS << np.uint64(16 * (r % LANES))
    for side in range(2):
        if side == 0:
            leaves, comes, table, chair = i, j, k, x
        else:
            leaves, comes, table, chair = j, i, l, y
        for z in range(chairs[r, table]):
            if z == chair:
                continue
            m = members[r, table, z]
            if worth[leaves, m] & 1 and not met(packed, leaves, m, word, mask):
                goods[leaves] -= 1
                goods[m] -= 1
            if worth[comes, m] & 1 and not met(packed, comes, m, word, mask):
                goods[comes] += 1
                goods[m] += 1
    members[r, k, x], members[r, l, y] = j, i
    place[i, r, 0], place[i, r, 1] = l, y
    place[j, r, 0], place[j, r, 1] = k, x
    set_lane(packed, i, r, l)
    set_lane(packed, j, r, k)
    change = newcomer[j] - newcomer[i]
    grow = (1 if j < people else 0) - (1 if i < people else 0)
    fresh[r, k] += change
    fresh[r, l] -= change
    filled[r, k] += grow
    filled[r, l] -= grow


@numba.njit(inline="always")
def _gather(
    worth: Any, members: Any, chairs: Any, packed: Any, home: Any, small: Any, c: Costs, r: int, k: int, l: int,  # noqa: E741
    gain: Any, pull: Any, fine: Any,
) -> None:  # fmt: skip
    """Points of every pair of the people at tables k and l if they share a table in round r, whatever their table now.

    gain[x, y]: chairs of k first, then those of l. fine[x, y]: 1 for a good first meeting. pull[x]: what x alone would
    gain by changing between the two.
    """
    word, mask = r // LANES, LANE_BITS << np.uint64(16 * (r % LANES))
    at_k = chairs[r, k]
    both = at_k + chairs[r, l]
    for x in range(both):
        pull[x] = 0.0
    for x in range(both):
        i = members[r, k, x] if x < at_k else members[r, l, x - at_k]
        gain[x, x] = 0.0
        fine[x, x] = 0
        for y in range(x):
            j = members[r, k, y] if y < at_k else members[r, l, y - at_k]
            together = (x < at_k) == (y < at_k)
            again = met(packed, i, j, word, mask)
            points = -c.repeat if again else points_of(worth[i, j], c.unit)
            fine[x, y] = fine[y, x] = worth[i, j] & 1 if not again else 0
            gain[x, y] = points
            gain[y, x] = points
            if together:
                points = -points
            pull[x] += points
            pull[y] += points
        here, there = (k, l) if x < at_k else (l, k)
        if c.moved > 0 and home[r, i] >= 0:
            pull[x] += c.moved * ((home[r, i] != here) - (home[r, i] != there))
        if c.crowded > 0 and small[i]:
            pull[x] += c.crowded * ((chairs[r, here] > 4) - (chairs[r, there] > 4))


@numba.njit(inline="always")
def _gumbel(random: Any, temperature: float) -> float:
    return temperature * GUMBEL[draw(random) >> np.uint64(52)]


@numba.njit(inline="always")
def _fairer(fine: Any, spare: Any, urgent: Any, at_k: int, both: int, x1: int, y1: int, x2: int, y2: int) -> float:
    """Points that swapping chairs x1 and x2 of one table with y1 and y2 of the other adds for lacking good meetings.

    spare[x]: good meetings of x beyond those wanted; urgent[x]: points lost per square of what is missing.
    """
    total = 0.0
    for x in range(both):
        if spare[x] >= at_k and spare[x] >= both - at_k:
            continue
        here = x < at_k
        moves = x in (x1, y1, x2, y2)
        count = spare[x]
        for y in range(both):
            if (y in (x1, y1, x2, y2)) != moves:
                count += -fine[x, y] if (y < at_k) == here else fine[x, y]
        if count != spare[x] and (count < 0 or spare[x] < 0):
            total += urgent[x] * (missing(spare[x], 0) - missing(count, 0))
    return total


@numba.njit(inline="always")
def _choose(
    members: Any, chairs: Any, movable: Any, newcomer: Any, fresh: Any, filled: Any, table_cost: Any, random: Any,
    people: int, r: int, k: int, l: int, gain: Any, pull: Any, fine: Any, spare: Any, urgent: Any,  # noqa: E741
    lacking: float, temperature: float, choice: Any,
) -> float:  # fmt: skip
    """Draw among staying, swapping one for one and two for two, by their points at this temperature (heat bath).

    lacking: points that the people at both tables lose for good meetings they lack, the most that a swap can win back;
    below 0 where none count. What a swap changes of them is reckoned only where that could make it the best.
    Writes (x1, y1, x2, y2) to `choice`, -1 where nothing swaps, and returns the points that it adds.
    """
    at_k, at_l = chairs[r, k], chairs[r, l]
    best = _gumbel(random, temperature)
    margin = temperature * GUMBEL[4095] + max(lacking, 0.0)
    choice[0] = -1
    choice[2] = -1
    points = 0.0
    f_k, f_l, p_k, p_l = fresh[r, k], fresh[r, l], filled[r, k], filled[r, l]
    now = table_cost[r, f_k, p_k] + table_cost[r, f_l, p_l]
    doubles = 2 < at_k <= DOUBLES and 2 < at_l <= DOUBLES
    for x1 in range(at_k):
        if not movable[r, k, x1]:
            continue
        i1 = members[r, k, x1]
        for y1 in range(at_l):
            if not movable[r, l, y1]:
                continue
            j1 = members[r, l, y1]
            one = pull[x1] + pull[at_k + y1] - 2 * gain[x1, at_k + y1]
            change = newcomer[j1] - newcomer[i1]
            grow = (1 if j1 < people else 0) - (1 if i1 < people else 0)
            delta = one
            if change != 0 or grow != 0:
                delta += now - table_cost[r, f_k + change, p_k + grow] - table_cost[r, f_l - change, p_l - grow]
            if delta + margin > best:
                drawn = delta + _gumbel(random, temperature)
                if lacking >= 0 and drawn + lacking > best:
                    more = _fairer(fine, spare, urgent, at_k, at_k + at_l, x1, at_k + y1, -1, -1)
                    drawn, delta = drawn + more, delta + more
                if drawn > best:
                    best, points = drawn, delta
                    choice[0], choice[1], choice[2] = x1, y1, -1
            if not doubles:
                continue
            for x2 in range(x1):
                if not movable[r, k, x2]:
                    continue
                i2 = members[r, k, x2]
                left = one + pull[x2] + 2 * gain[x1, x2] - 2 * gain[x2, at_k + y1]
                for y2 in range(y1):
                    j2 = members[r, l, y2]
                    delta = (
                        left
                        + pull[at_k + y2]
                        + 2 * (gain[at_k + y1, at_k + y2] - gain[x1, at_k + y2] - gain[x2, at_k + y2])
                    )
                    if delta + now + margin <= best or not movable[r, l, y2]:
                        continue
                    more = change + newcomer[j2] - newcomer[i2]
                    grown = grow + (1 if j2 < people else 0) - (1 if i2 < people else 0)
                    if more != 0 or grown != 0:
                        delta += now - table_cost[r, f_k + more, p_k + grown] - table_cost[r, f_l - more, p_l - grown]
                    if delta + margin > best:
                        drawn = delta + _gumbel(random, temperature)
                        if lacking >= 0 and drawn + lacking > best:
                            add = _fairer(fine, spare, urgent, at_k, at_k + at_l, x1, at_k + y1, x2, at_k + y2)
                            drawn, delta = drawn + add, delta + add
                        if drawn > best:
                            best, points = drawn, delta
                            choice[0], choice[1], choice[2], choice[3] = x1, y1, x2, y2
    return points


@numba.njit(inline="always")
def fairness(
    worth: Any, members: Any, chairs: Any, packed: Any, goods: Any, c: Costs, r: int, k: int, l: int, choice: Any,  # noqa: E741
) -> float:  # fmt: skip
    """Points that a choice adds for people who lack good meetings."""
    word, mask = r // LANES, LANE_BITS << np.uint64(16 * (r % LANES))
    at_k = chairs[r, k]
    both = at_k + chairs[r, l]
    total = 0.0
    for x in range(both):
        i = members[r, k, x] if x < at_k else members[r, l, x - at_k]
        count = goods[i]
        moves = x == choice[0] or x == choice[2] if x < at_k else x - at_k == choice[1] or x - at_k == choice[3]
        for y in range(both):
            if y == x:
                continue
            other = y == choice[0] or y == choice[2] if y < at_k else y - at_k == choice[1] or y - at_k == choice[3]
            if moves == other:
                continue  # those who both stay or both move are together after as before
            j = members[r, k, y] if y < at_k else members[r, l, y - at_k]
            if worth[i, j] & 1 and not met(packed, i, j, word, mask):
                count += -1 if (x < at_k) == (y < at_k) else 1
        total += missing(goods[i], c.wanted) - missing(count, c.wanted)
    return c.shortfall * total


@numba.njit(cache=True)
def anneal(s: State, c: Costs, hot: float, cold: float, proposals: int) -> int:
    """Try so many moves while the temperature falls from `hot` to `cold` points. Returns how many were made."""
    # Plain names: every look into the tuple would count references.
    worth, members, chairs, movable, spots, starts = s.worth, s.members, s.chairs, s.movable, s.spots, s.starts
    place, packed, goods, partners, newcomer = s.place, s.packed, s.goods, s.partners, s.newcomer
    fresh, filled, home, small, table_cost = s.fresh, s.filled, s.home, s.small, s.table_cost
    wanted, urgency, random = s.wanted, s.urgency, s.random
    most = 2 * members.shape[2]
    gain, pull, choice = np.zeros((most, most)), np.zeros(most), np.full(4, -1)
    fine, spare, urgent = np.zeros((most, most), np.int64), np.zeros(most, np.int64), np.zeros(most)
    made = 0
    temperature = hot
    total, wide = spots.shape[0], partners.shape[1]
    for step in range(proposals):
        if step & 1023 == 0:
            temperature = hot * (cold / hot) ** (step / proposals)
        bits = draw(random)
        at = np.int64(((bits >> np.uint64(32)) * np.uint64(total)) >> np.uint64(32))
        r, k = spots[at, 0], spots[at, 1]
        i = members[r, k, spots[at, 2]]
        if bits & np.uint64(15) < PULLS and i < c.people and wide > 0:
            j = partners[i, below(random, wide)]  # to the table of a good partner, or the partner to ours
            l = place[j, r, 0]  # noqa: E741
            if l < 0 or l == k:
                continue
        else:
            other = starts[r] + below(random, starts[r + 1] - starts[r])
            l = spots[other, 1]  # noqa: E741
            if l == k:
                continue
        _gather(worth, members, chairs, packed, home, small, c, r, k, l, gain, pull, fine)
        choice[3] = -1
        lacking = -1.0
        if c.shortfall > 0:
            lacking = 0.0
            at_k = chairs[r, k]
            for x in range(at_k + chairs[r, l]):
                p = members[r, k, x] if x < at_k else members[r, l, x - at_k]
                spare[x], urgent[x] = goods[p] - wanted[p], urgency[p]
                lacking += urgent[x] * missing(spare[x], 0)
        _choose(
            members, chairs, movable, newcomer, fresh, filled, table_cost, random, c.people, r, k, l, gain, pull,
            fine, spare, urgent, lacking, temperature, choice,
        )  # fmt: skip
        if choice[0] < 0:
            continue
        if choice[2] < 0:
            choice[3] = -1
        for n in range(0, 4, 2):
            x, y = choice[n], choice[n + 1]
            if x >= 0:
                swap(worth, members, chairs, packed, goods, newcomer, fresh, filled, place, c.people, r, k, x, l, y)
        made += 1
    return made
