"""What the compiled moves of a seating read and write, and how it says in a few bits who meets whom."""

from typing import Any, NamedTuple

import numba
import numpy as np

LANES = 4
ABSENT = 0x8000  # lanes of people who are not there differ from any table's and from each other's
BLOCK = -16384  # units that stand for a pair who must not meet
BLOCKED = 5_000.0  # points lost per blocked pair at a table
LOWS = np.uint64(0x0001_0001_0001_0001)
HIGHS = np.uint64(0x8000_8000_8000_8000)
LANE_BITS = np.uint64(0xFFFF)


class State(NamedTuple):
    """Everything about a seating that moves read and write. n counts people and stand-ins."""

    worth: Any
    """[n, n] int16: twice the points in units, plus one for a good meeting."""
    members: Any
    """[R, K, S] who sits on chair x of table k in round r."""
    chairs: Any
    """[R, K] chairs in use."""
    movable: Any
    """[R, K, S] whether the chair may change."""
    spots: Any
    """(r, k, x) of every movable chair, by round."""
    starts: Any
    """[R + 1] where each round begins in `spots`."""
    place: Any
    """[n, R, 2] table and chair of everybody; -1 where they are absent."""
    packed: Any
    """[n, R / 4] uint64: the table in round r is the 16-bit lane r % 4, so that one subtraction tells of two people
    whether they meet in another round."""
    goods: Any
    """[n] how many different good partners each one meets."""
    wanted: Any
    """[n] how many they should meet: as many as everybody should, or as many as are possible for them."""
    urgency: Any
    """[n] points lost per squared missing good meeting."""
    partners: Any
    """[people, L] best partners of each."""
    newcomer: Any
    """[n] 0 or 1."""
    fresh: Any
    """[R, K] newcomers at the table."""
    filled: Any
    """[R, K] people at the table."""
    home: Any
    """[R, n] table in the published plan, or -1."""
    small: Any
    """[n] 1 for those who prefer tables of at most four."""
    table_cost: Any
    """[R, newcomers, people] points that a table costs, by who is at it."""
    random: Any
    """[1] uint64 state of the random numbers."""


class Costs(NamedTuple):
    """What moves pay, in points."""

    unit: float
    """Points of one unit of worth."""
    repeat: float
    shortfall: float
    wanted: int
    """Good meetings that everybody should have."""
    moved: float
    crowded: float
    people: int


@numba.njit(inline="always")
def met(packed: Any, i: int, j: int, word: int, mask: Any) -> bool:
    """Whether i and j share a table in a round that `mask` does not hide (all ones in the hidden lane of `word`)."""
    for at in range(packed.shape[1]):
        x = packed[i, at] ^ packed[j, at]
        if at == word:
            x |= mask
        if ((x - LOWS) & ~x & HIGHS) != 0:
            return True
    return False


@numba.njit(inline="always")
def points_of(code: int, unit: float) -> float:
    half = code >> 1
    return -BLOCKED if half == BLOCK else half * unit


@numba.njit(inline="always")
def missing(count: int, wanted: int) -> float:
    short = wanted - count
    return float(short * short) if short > 0 else 0.0


@numba.njit(inline="always")
def set_lane(packed: Any, p: int, r: int, table: int) -> None:
    shift = np.uint64(16 * (r % LANES))
    packed[p, r // LANES] = (packed[p, r // LANES] & ~(LANE_BITS << shift)) | (np.uint64(table) << shift)


@numba.njit(cache=True)
def first_meeting(packed: Any, i: int, j: int, r: int) -> bool:
    for q in range(r):
        shift = np.uint64(16 * (q % LANES))
        if ((packed[i, q // LANES] ^ packed[j, q // LANES]) >> shift) & LANE_BITS == 0:
            return False
    return True


@numba.njit(cache=True)
def index(s: State) -> None:
    """Derive `place`, `packed` and `goods` from `members`."""
    rounds, tables = s.members.shape[0], s.members.shape[1]
    for p in range(s.packed.shape[0]):
        s.goods[p] = 0
        s.place[p, :, :] = -1
        for r in range(s.packed.shape[1] * LANES):
            set_lane(s.packed, p, r, ABSENT + (p & 0x7FFF))
    for r in range(rounds):
        for k in range(tables):
            s.fresh[r, k] = 0
            for x in range(s.chairs[r, k]):
                p = s.members[r, k, x]
                set_lane(s.packed, p, r, k)
                s.place[p, r, 0], s.place[p, r, 1] = k, x
                s.fresh[r, k] += s.newcomer[p]
    for r in range(rounds):
        for k in range(tables):
            for x in range(s.chairs[r, k]):
                for y in range(x):
                    i, j = s.members[r, k, x], s.members[r, k, y]
                    if s.worth[i, j] & 1 and first_meeting(s.packed, i, j, r):
                        s.goods[i] += 1
                        s.goods[j] += 1
