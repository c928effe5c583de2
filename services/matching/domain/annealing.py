"""Simulated annealing over the seats of several rounds, compiled. All arrays are prepared by `seating`.

A state is `members[r, k, x]`, the person on chair x of table k in round r. Empty chairs hold stand-ins: numbers from the
count of people upwards, each in one round only, with whom a meeting is worth nothing (rows of zeros). A move swaps two chairs of one
round, so capacity, presence, pins and frozen rounds hold by construction, and the other rules cost points.

`packed[p, r // 4]` keeps the table of person p in round r as the 16-bit lane r % 4, so that one subtraction answers
whether two people meet in another round. `worth[i, j]` is twice the points in units, plus one for a good meeting.
"""

from typing import Any

import numba
import numpy as np

LANES = 4
ABSENT = 0x8000  # lanes of people who are not there differ from any table's and from each other's
BLOCK = -16384  # units that stand for a pair who must not meet
BLOCKED = 5_000.0  # points lost per blocked pair at a table

_LOG = np.log((np.arange(4096) + 0.5) / 4096).astype(np.float32)  # acceptance thresholds, drawn by 12 random bits
_LOW = np.uint64(0x0001_0001_0001_0001)
_HIGH = np.uint64(0x8000_8000_8000_8000)
_LANE = np.uint64(0xFFFF)


@numba.njit(inline="always")
def _draw(random: Any) -> Any:
    """Next 64 random bits (SplitMix64)."""
    random[0] += np.uint64(0x9E3779B97F4A7C15)
    z = random[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(inline="always")
def _below(random: Any, count: int) -> Any:
    """A random whole number from 0 to count - 1."""
    return np.int64(((_draw(random) >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32))


@numba.njit(inline="always")
def _met(packed: Any, i: int, j: int, word: int, mask: Any) -> bool:
    """Whether i and j share a table in a round that `mask` does not hide (all ones in the hidden lane of `word`)."""
    for at in range(packed.shape[1]):
        x = packed[i, at] ^ packed[j, at]
        if at == word:
            x |= mask
        if ((x - _LOW) & ~x & _HIGH) != 0:
            return True
    return False


@numba.njit(inline="always")
def _points(code: int, unit: float) -> float:
    half = code >> 1
    return -BLOCKED if half == BLOCK else half * unit


@numba.njit(inline="always")
def _missing(count: int, wanted: int) -> float:
    short = wanted - count
    return float(short * short) if short > 0 else 0.0


@numba.njit(cache=True)
def pack(members: Any, chairs: Any, packed: Any, place: Any) -> None:
    """Write where everybody sits into `packed` and `place[p, r] = (table, chair)`."""
    rounds, tables = members.shape[0], members.shape[1]
    for p in range(packed.shape[0]):
        for r in range(rounds):
            place[p, r, 0] = -1
            _set_lane(packed, p, r, ABSENT + (p & 0x7FFF))
    for r in range(rounds):
        for k in range(tables):
            for x in range(chairs[r, k]):
                p = members[r, k, x]
                _set_lane(packed, p, r, k)
                place[p, r, 0], place[p, r, 1] = k, x
    for p in range(packed.shape[0]):  # lanes beyond the last round never match
        for r in range(rounds, packed.shape[1] * LANES):
            _set_lane(packed, p, r, ABSENT + (p & 0x7FFF))


@numba.njit(inline="always")
def _set_lane(packed: Any, p: int, r: int, table: int) -> None:
    shift = np.uint64(16 * (r % LANES))
    packed[p, r // LANES] = (packed[p, r // LANES] & ~(_LANE << shift)) | (np.uint64(table) << shift)


@numba.njit(cache=True)
def count_good(worth: Any, members: Any, chairs: Any, packed: Any, goods: Any) -> None:
    """Write how many different good partners everybody meets into `goods`."""
    goods[:] = 0
    for r in range(members.shape[0]):
        for k in range(members.shape[1]):
            for x in range(chairs[r, k]):
                for y in range(x):
                    i, j = members[r, k, x], members[r, k, y]
                    if worth[i, j] & 1 and not _met_before(packed, i, j, r):
                        goods[i] += 1
                        goods[j] += 1


@numba.njit(cache=True)
def _met_before(packed: Any, i: int, j: int, r: int) -> bool:
    for q in range(r):
        shift = np.uint64(16 * (q % LANES))
        if ((packed[i, q // LANES] ^ packed[j, q // LANES]) >> shift) & _LANE == 0:
            return True
    return False


@numba.njit(cache=True)
def anneal(
    worth: Any, unit: float, members: Any, chairs: Any, packed: Any, place: Any, goods: Any, movable: Any, spots: Any,
    starts: Any, partners: Any, newcomer: Any, fresh: Any, filled: Any, fresh_people: Any, table_cost: Any,
    home: Any, moved: float, small: Any, crowded: float, repeat: float, shortfall: float, wanted: int, people: int, hot: float, cold: float,
    proposals: int, random: Any,
) -> int:  # fmt: skip
    """Try `proposals` swaps from temperature `hot` down to `cold` (points). Changes the state in place.

    movable[r, k, x]: the chair may change. spots: (r, k, x) of these, by round; starts: where each round begins.
    partners[i]: best partners of i. fresh, filled [r, k]: newcomers and people at the table.
    table_cost[r, newcomers, people]; home[r, p]: table in the published plan or -1, `moved` points to leave it;
    small[p]: 1 for those who lose `crowded` points at a table above four. Returns the number of accepted moves.
    """
    accepted = 0
    temperature = hot
    total = spots.shape[0]
    wide = partners.shape[1]
    newcomers = fresh_people.shape[0]
    for step in range(proposals):
        if step & 1023 == 0:
            temperature = hot * (cold / hot) ** (step / proposals)
        bits = _draw(random)
        kind = bits & np.uint64(15)
        threshold = temperature * _LOG[(bits >> np.uint64(4)) & np.uint64(4095)]
        at = np.int64(((bits >> np.uint64(32)) * np.uint64(total)) >> np.uint64(32))
        r, k, x = spots[at, 0], spots[at, 1], spots[at, 2]
        i = members[r, k, x]
        if kind < 10 and i < people and wide > 0:
            # Pull a good partner of i to i's table, in exchange for somebody of the partner's kind.
            j = partners[i, _below(random, wide)]
            l, y = place[j, r, 0], place[j, r, 1]  # noqa: E741
            size = chairs[r, k]
            if l < 0 or l == k or size < 2 or not movable[r, l, y]:
                continue
            step_ = _below(random, size - 1)
            x = x + 1 + step_
            if x >= size:
                x -= size
            i = members[r, k, x]
            if newcomer[i] != newcomer[j]:
                for _ in range(size - 2):
                    x = x + 1 if x + 1 < size else 0
                    m = members[r, k, x]
                    if m != i and newcomer[m] == newcomer[j] and m != members[r, k, spots[at, 2]]:
                        i = m
                        break
                else:
                    x = place[i, r, 1]
            if not movable[r, k, x]:
                continue
        elif kind < 12 and newcomers > 1 and newcomer[i]:
            j = fresh_people[_below(random, newcomers)]
            l, y = place[j, r, 0], place[j, r, 1]  # noqa: E741
            if l < 0 or l == k or not movable[r, l, y]:
                continue
        else:
            other = starts[r] + _below(random, starts[r + 1] - starts[r])
            l, y = spots[other, 1], spots[other, 2]  # noqa: E741
            if l == k:
                continue
            j = members[r, l, y]
        if i >= people and j >= people:
            continue
        word = r // LANES
        mask = _LANE << np.uint64(16 * (r % LANES))
        delta = 0.0
        before, after = 0.0, 0.0
        new_i, new_j = goods[i], goods[j]
        for z in range(chairs[r, k]):
            m = members[r, k, z]
            if z == x:
                continue
            gone, come = 0, 0
            if _met(packed, i, m, word, mask):
                delta += repeat
            else:
                code = worth[i, m]
                delta -= _points(code, unit)
                gone = code & 1
            if _met(packed, j, m, word, mask):
                delta -= repeat
            else:
                code = worth[j, m]
                delta += _points(code, unit)
                come = code & 1
            new_i -= gone
            new_j += come
            if come != gone:
                before += _missing(goods[m], wanted)
                after += _missing(goods[m] + come - gone, wanted)
        for z in range(chairs[r, l]):
            m = members[r, l, z]
            if z == y:
                continue
            gone, come = 0, 0
            if _met(packed, j, m, word, mask):
                delta += repeat
            else:
                code = worth[j, m]
                delta -= _points(code, unit)
                gone = code & 1
            if _met(packed, i, m, word, mask):
                delta -= repeat
            else:
                code = worth[i, m]
                delta += _points(code, unit)
                come = code & 1
            new_j -= gone
            new_i += come
            if come != gone:
                before += _missing(goods[m], wanted)
                after += _missing(goods[m] + come - gone, wanted)
        before += _missing(goods[i], wanted) + _missing(goods[j], wanted)
        after += _missing(new_i, wanted) + _missing(new_j, wanted)
        delta += shortfall * (before - after)
        change = newcomer[j] - newcomer[i]
        grow = (1 if j < people else 0) - (1 if i < people else 0)
        if change != 0 or grow != 0:
            delta += table_cost[r, fresh[r, k], filled[r, k]] + table_cost[r, fresh[r, l], filled[r, l]]
            delta -= table_cost[r, fresh[r, k] + change, filled[r, k] + grow]
            delta -= table_cost[r, fresh[r, l] - change, filled[r, l] - grow]
        if moved > 0:
            if home[r, i] >= 0:
                delta += moved * ((home[r, i] != k) - (home[r, i] != l))
            if home[r, j] >= 0:
                delta += moved * ((home[r, j] != l) - (home[r, j] != k))
        if crowded > 0 and small[i] != small[j]:
            delta += crowded * (small[i] - small[j]) * ((chairs[r, k] > 4) - (chairs[r, l] > 4))
        if delta < threshold:
            continue
        accepted += 1
        for z in range(chairs[r, k]):
            m = members[r, k, z]
            if z == x:
                continue
            gone = worth[i, m] & 1 if not _met(packed, i, m, word, mask) else 0
            come = worth[j, m] & 1 if not _met(packed, j, m, word, mask) else 0
            goods[m] += come - gone
        for z in range(chairs[r, l]):
            m = members[r, l, z]
            if z == y:
                continue
            gone = worth[j, m] & 1 if not _met(packed, j, m, word, mask) else 0
            come = worth[i, m] & 1 if not _met(packed, i, m, word, mask) else 0
            goods[m] += come - gone
        goods[i], goods[j] = new_i, new_j
        members[r, k, x], members[r, l, y] = j, i
        place[i, r, 0], place[i, r, 1] = l, y
        place[j, r, 0], place[j, r, 1] = k, x
        _set_lane(packed, i, r, l)
        _set_lane(packed, j, r, k)
        fresh[r, k] += change
        fresh[r, l] -= change
        filled[r, k] += grow
        filled[r, l] -= grow
    return accepted
