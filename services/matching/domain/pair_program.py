"""The linear program of pairs, nearly exact: what pairs can be worth together, everybody's price, and likely pairs.

Variables are pairs, each once at most, and nobody has more than their meetings (b-matching). Column generation: the program over
pairs that look best by the prices so far, then by its own prices, until it is as good as the bound that these prices give.
It starts from `proof.bound`, whose descent goes by one person at a time and stops where several would have to move together:
3.3 % above the program for 2,000 people who are sixty texts over and over.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from services.matching.domain.fit import Matrix
from services.matching.domain.proof import bound, dual

SWEEPS = 10  # of the descent before the first program
SPARE = 7  # pairs of each person in the first program beyond their meetings
ADDED = 6  # pairs of each person that one more program gets
STEPS = 8  # programs at most; one is enough where people differ, and five for sixty texts
CLOSE = 0.001  # share of the bound at which to stop
NOTHING = 0.005  # points; a pair that is worth less beyond its prices changes nothing
BLUR = 0.02  # share of the usual worth of a meeting by which pairs are told apart that are worth about the same
GOLDEN = (5**0.5 - 1) / 2  # its multiples scatter evenly


@dataclass(frozen=True)
class PairProgram:
    """What the program says. Any prices give a valid bound; these are the best found."""

    bound: float
    """No set of pairs can be worth more."""
    price: NDArray[np.float64]
    """[n] points of one of each person's meetings."""
    pairs: NDArray[np.int64]
    """[m, 2] pairs of the solution, each person first the lower number; some of them half."""
    usual: float
    """Points of a meeting, on average over all; at least 1."""


def solve_pairs(value: Matrix, meetings: NDArray[np.int64]) -> PairProgram:
    """Solve it for the pairs whose value is above 0, with `meetings` [n] of each person at most."""
    best, price = bound(value, meetings, sweeps=SWEEPS)
    usual = max(2 * best / max(int(meetings.sum()), 1), 1.0)
    able = (value > 0) & (meetings > 0)[:, None] & (meetings > 0)[None, :]
    np.fill_diagonal(able, False)
    pairs = taken = np.zeros((0, 2), dtype=np.int64)
    trial, width, least = price, int(meetings.max(initial=0)) + SPARE, -np.inf
    for _ in range(STEPS if able.any() else 0):
        net = np.where(able, net_of(value, trial), np.float32(-np.inf))
        wider = distinct(pairs, best_partners(net, blurred(net, usual), width, least))
        if len(wider) == len(pairs):
            break
        pairs, width, least = wider, ADDED, NOTHING
        trial, taken, found = _program(value, meetings, pairs)
        if (now := dual(np.where(able, value, 0), meetings, trial)) < best:
            best, price = now, trial
        if best - found <= CLOSE * best:
            break
    return PairProgram(best, price, taken, usual)


def net_of(value: Matrix, price: NDArray[np.float64]) -> Matrix:
    """[n, n] points of each pair beyond what their time is worth."""
    price = price.astype(np.float32)
    return (value - price[:, None] - price[None, :]).astype(np.float32, copy=False)


def blurred(net: Matrix, usual: float) -> Matrix:
    """Net worth with pairs of about the same worth told apart evenly: else all would name the same few as their best."""
    places = np.arange(len(net)) * GOLDEN % 1
    scattered = (places[:, None] + places[None, :]).astype(np.float32) % 1
    scattered *= np.float32(BLUR * usual)
    return net + scattered


def best_of(shown: Matrix, width: int) -> NDArray[np.int64]:
    """[rows, width] the best columns of each row, best first."""
    width = min(width, shown.shape[1] - 1)
    some = np.argpartition(shown, -width, axis=1)[:, -width:]
    order = np.argsort(-np.take_along_axis(shown, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def best_partners(net: Matrix, shown: Matrix, width: int, least: float) -> NDArray[np.int64]:
    """[m, 2] each person with their best partners by `shown`, where the pair's net worth is above `least`."""
    near = best_of(shown, width)
    rows, places = np.nonzero(np.take_along_axis(net, near, axis=1) > least)
    return np.column_stack([rows, near[rows, places]])


def distinct(*pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """[m, 2] all of these, each once, the lower number first, in ascending order."""
    both = np.sort(np.concatenate(pairs), axis=1)
    count = int(both.max(initial=0)) + 1
    return np.column_stack(np.divmod(np.unique(both[:, 0] * count + both[:, 1]), count))


def _program(
    value: Matrix, meetings: NDArray[np.int64], pairs: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], float]:
    """Prices, pairs and worth of the program over these pairs."""
    columns = np.arange(len(pairs))
    whose = sparse.csr_matrix(
        (np.ones(2 * len(pairs)), (pairs.T.ravel(), np.concatenate([columns, columns]))), shape=(len(value), len(pairs))
    )
    worth = value[pairs[:, 0], pairs[:, 1]].astype(np.float64)
    solved = linprog(-worth, A_ub=whose, b_ub=meetings, bounds=(0, 1), method="highs")
    return np.maximum(-solved.ineqlin.marginals, 0), pairs[solved.x > 1e-6], float(-solved.fun)
