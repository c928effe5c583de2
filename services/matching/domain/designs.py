"""Rounds in which nobody meets twice although nearly everybody meets everybody: designs where searching would fail.

Two constructions, each for g tables of s > 2: *cyclic*, stored tables whose people move on by one place; *transversal*,
lines over a field of g elements, for s up to g, and with s = g an affine plane. Fewer rounds, or an empty seat here and
there, repeat nobody either. Together they reach the best known number of rounds for 3 to 10 tables, as listed by Miller,
Valkov and Abel, "Combinatorial solutions to the social golfer problem", Symmetry 18 (2026) 269, appendix B.
"""

import json
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Rounds = NDArray[np.int32]
"""[rounds, tables, seats] numbers of people."""

# Share of the others whom each one meets, above which searching was seen to leave repeats (8-4-8, 10-5-8, 8-8-4). Beyond
# four at a table it falls as 4 / seats: a table then blocks so many pairs at once that far fewer rounds are hard.
SATURATED = 0.7
# Fields of at most 10 elements that are not whole numbers modulo a prime: the polynomial x^n = ..., as its coefficients.
_FIELDS = {4: (2, (1, 1)), 8: (2, (1, 1, 0)), 9: (3, (2, 0))}
_PRIMES = (2, 3, 5, 7)


def is_saturated(people: int, seats: int, rounds: int) -> bool:
    """Whether everybody is to meet so many of the others that a design is needed."""
    return people > 1 and rounds * (seats - 1) / (people - 1) > SATURATED * 4 / max(seats, 4)


def design(tables: int, seats: int, rounds: int) -> Rounds | None:
    """Rounds for `tables` tables of `seats` in which no two people meet twice, or None where none is known here."""
    made = longest(tables, seats)
    return None if made is None or len(made) < rounds else made[:rounds]


def longest(tables: int, seats: int) -> Rounds | None:
    """The design with the most rounds that can be made here."""
    if seats == 2:
        return _pairs(tables)
    made = [each for each in (_cyclic(tables, seats), _transversal(tables, seats)) if each is not None]
    return max(made, key=len, default=None)


@cache
def _stored() -> dict[tuple[int, int], tuple[int, list[list[int]]]]:
    rows = json.loads((files(__package__) / "designs.json").read_text())
    return {(row["tables"], row["seats"]): (row["circle"], row["first"]) for row in rows}


def _pairs(tables: int) -> Rounds:
    """Everybody meets everybody: one stays, the others lie on one circle, and those at the same distance from it meet."""
    circle = 2 * tables - 1
    distance = np.arange(tables)
    rounds = [np.stack([(move - distance) % circle, (move + distance) % circle], axis=1) for move in range(circle)]
    made = np.array(rounds, dtype=np.int32)
    made[:, 0, 1] = circle
    return made


def _cyclic(tables: int, seats: int) -> Rounds | None:
    """Places lie on circles of one length, but for a few at the end that stay. A stored round that names all its tables
    stands for one round per move; one that names fewer is a single round, of these tables wherever they move to.

    In the named tables every step between two places of one circle, or from one circle to another, occurs once at most;
    so it does in all rounds together. Found by exact cover, annealing or algebra: nearly Kirkman and Kirkman triple
    systems (6-3-8, 7-3-10), resolvable designs of blocks of four (8-4-10, Aguado's problem of 2004; 10-4-13 by fourth
    roots of unity modulo 13, Beth, Jungnickel and Lenz VII.7.5), difference matrices modulo 10 (10-6-7 to 10-9-5), and
    a Latin square of order 10 with its transpose, orthogonal (10-10-4).
    """
    if (tables, seats) not in _stored():
        return None
    circle, first = _stored()[tables, seats]
    on_circles = tables * seats // circle * circle
    rounds: list[NDArray[np.int32]] = []
    for named in first:
        places = np.array(named, dtype=np.int32).reshape(-1, seats)
        turned = [places // circle * circle + (places + move) % circle for move in range(circle)]
        moved = np.array([np.where(places < on_circles, each, places) for each in turned], dtype=np.int32)
        if len(places) == tables:
            rounds.extend(moved)
        else:  # a table of places that stay, or that change among themselves, comes up at every move
            rounds.append(np.unique(np.sort(moved.reshape(-1, seats), axis=1), axis=0))
    return np.stack(rounds)


def _transversal(tables: int, seats: int) -> Rounds | None:
    """Person (row x, column c) sits in round m at table x - m * c of the field: a line for every table and round."""
    if seats > tables or (tables not in _PRIMES and tables not in _FIELDS):
        return None
    add, times = _field(tables)
    minus = np.argmin(add, axis=1)  # add[a, minus[a]] = 0
    rounds = np.zeros((tables, tables, seats), dtype=np.int32)
    for m in range(tables):
        for c in range(seats):
            for x in range(tables):
                rounds[m, add[x, minus[times[m, c]]], c] = c * tables + x
    if tables == seats:  # and once each column for itself
        columns = np.arange(tables * seats, dtype=np.int32).reshape(1, tables, seats)
        rounds = np.concatenate([rounds, columns])
    elif tables % seats == 0:  # and rounds within the columns, as many as those few people allow among themselves
        inner = longest(tables // seats, seats)
        if inner is None:
            inner = np.arange(tables, dtype=np.int32).reshape(1, tables // seats, seats)
        within = np.concatenate([inner + c * tables for c in range(seats)], axis=1)
        rounds = np.concatenate([rounds, within])
    return rounds


@cache
def _field(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tables of addition and multiplication; 0 and 1 are the neutral elements."""
    if size in _PRIMES:
        whole = np.arange(size)
        return (whole[:, None] + whole) % size, (whole[:, None] * whole) % size
    prime, reduce = _FIELDS[size]
    digits = np.array([[at // prime**d % prime for d in range(len(reduce))] for at in range(size)])
    weights = prime ** np.arange(len(reduce))
    add = ((digits[:, None, :] + digits[None, :, :]) % prime) @ weights
    times = np.zeros((size, size), dtype=np.int64)
    for a in range(size):
        for b in range(size):
            product = np.convolve(digits[a], digits[b])
            for high in range(len(product) - 1, len(reduce) - 1, -1):  # x^high = x^(high - n) * (what x^n equals)
                for d, coefficient in enumerate(reduce):
                    product[high - len(reduce) + d] += product[high] * coefficient
                product[high] = 0
            times[a, b] = (product[: len(reduce)] % prime) @ weights
    return add, times
