"""The linear program of pairs, nearly exact: what pairs can be worth together, everybody's price, and likely pairs.

Variables are pairs, each once at most, and nobody has more than their meetings (b-matching). Column generation: the program over
pairs that look best by the prices so far, then by its own prices, until it is as good as the bound that these prices give.
It starts from `bound`, whose descent goes by one person at a time and stops where several would have to move together:
3.3 % above the program for 2,000 people who are sixty texts over and over.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from services.matching.domain.fit import Matrix

SWEEPS = 30  # of the descent: within 0.2 % of the program by then where people differ, 2 % where many are alike
EXACT = 100  # people up to whom the program over all pairs takes less than 0.1 s
FIRST = 10  # sweeps before the first program over some pairs
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
    best, price = bound(value, meetings, sweeps=FIRST)
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


def bound(value: Matrix, meetings: NDArray[np.int64], sweeps: int = SWEEPS) -> tuple[float, NDArray[np.float64]]:
    """Most that any set of pairs can be worth where nobody has more than their `meetings`, and everybody's price.

    Lagrangian dual of the b-matching problem with one price per person: min over u >= 0 of
    sum of meetings * u + sum over pairs of max(0, value - u_i - u_j). Every u gives a valid bound; coordinate descent,
    damped by a half, finds a good one, and for up to `EXACT` people the linear program itself the best.
    """
    count = value.shape[0]
    price = np.zeros(count)
    if count < 2 or not meetings.any() or not (value > 0).any():
        return 0.0, price
    worth = np.maximum(value, 0).astype(np.float64)
    np.fill_diagonal(worth, 0)
    if count <= EXACT:
        price = _program(worth, meetings, np.argwhere(np.triu(worth, 1)))[0]
        return dual(worth, meetings, price), price
    best, best_price = np.inf, price
    at = np.clip(count - 1 - meetings, 0, count - 1)
    for _ in range(sweeps):
        net = worth - price[None, :]
        net.partition(np.unique(at), axis=1)
        target = np.where(meetings > 0, np.take_along_axis(net, at[:, None], axis=1)[:, 0], worth.max(initial=0))
        price = np.maximum((price + np.maximum(target, 0)) / 2, 0)
        total = dual(worth, meetings, price)
        if total < best:
            best, best_price = total, price
    return best, best_price


def dual(worth: Matrix, meetings: NDArray[np.int64], price: NDArray[np.float64]) -> float:
    """What these prices prove: no pairs of people with so many meetings can be worth more together. Worth is at least 0."""
    rest = np.maximum(worth - price[:, None] - price[None, :], 0)
    np.fill_diagonal(rest, 0)
    return float(meetings @ price + rest.sum() / 2)


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
