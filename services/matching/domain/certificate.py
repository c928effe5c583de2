"""A tight upper bound on demand: the linear program over whole tables, solved by column generation.

Variables are tables; everybody sits at as many as they have rounds, and no pair shares more than one. Tables with a blocked
pair or one newcomer alone are no variables. Any prices u of persons and v >= 0 of pairs give a valid bound:
sum of rounds * u + sum of v + sum over persons of rounds / size * (best net worth of a table that holds them).
A price below 0 is of somebody whom everybody loses by meeting, and who sits somewhere nevertheless; it is none where somebody may
rest.
The value of a seating is compared with it before penalties for shortfall and moved seats.

Where everybody shall have so many good meetings, each one's number is a row as well, whose price m makes a good meeting
worth m of both more in any table: the bound, less m times what is wanted, holds for seatings that leave nobody short.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from services.matching.domain.pair_program import solve_pairs
from services.matching.domain.pricing import MOST, price_tables
from services.matching.domain.seating_problem import NoPlan, Problem

PER_PERSON = 6  # tables that one round of pricing adds for each centre
CHEAPER = 0.9  # share of the prices to go on with where no table is worth its people
SMOOTH = 0.5  # share of the newest prices; damps the swings between two rounds of pricing
CLOSE = 0.001  # relative gap between bound and restricted program at which to stop
STEPS = 60
ENOUGH = 30_000  # tables that the first searches of each centre look at
SITTING = 1_000.0  # points that a seat gains for whom the program has left out
LACKING = 1_000.0  # points that a good meeting costs the program as long as it has no table for it


@dataclass
class _Program:
    """The restricted linear program: tables found so far, and the pairs that more than one of them share."""

    rounds: NDArray[np.int64]
    good: NDArray[np.bool_]
    wanted: NDArray[np.int64]
    bonus: NDArray[np.float64]
    """Points that the program gains for each seat that it gives somebody, so that it leaves nobody out."""
    tables: list[tuple[int, ...]] = field(default_factory=list)
    worths: list[float] = field(default_factory=list)
    known: set[tuple[int, ...]] = field(default_factory=set)
    pairs: dict[tuple[int, int], int] = field(default_factory=dict)
    out: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def add(self, table: tuple[int, ...], worth: float) -> None:
        if table not in self.known:
            self.known.add(table)
            self.tables.append(table)
            self.worths.append(worth)

    def solve(self) -> tuple[float, NDArray[np.float64], NDArray[np.float64], dict[tuple[int, int], float]]:
        """Value, prices of persons, of good meetings, of pairs. Pairs enter only once they are shared too often. Notes who is
        left out."""
        people, short = len(self.rounds), np.flatnonzero(self.wanted)
        fair = self._fair(short)
        while True:
            rows = [p for table in self.tables for p in table]
            columns = [c for c, table in enumerate(self.tables) for _ in table]
            if self.pairs:
                for c, table in enumerate(self.tables):
                    for pair in _pairs(table):
                        if pair in self.pairs:
                            rows.append(people + self.pairs[pair])
                            columns.append(c)
            shape = (people + len(self.pairs), len(self.tables))
            matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
            limits = np.concatenate([self.rounds, np.ones(len(self.pairs)), -self.wanted[short]])
            worths = np.array(self.worths) + self.bonus @ matrix[:people]
            costs = np.concatenate([-worths, np.full(len(short), LACKING)])
            found = linprog(costs, A_ub=sparse.block_array([[matrix, None], fair]), b_ub=limits, method="highs-ipm")
            shared: dict[tuple[int, int], float] = {}
            for c in np.flatnonzero(found.x[: len(self.tables)] > 1e-7).tolist():
                for pair in _pairs(self.tables[c]):
                    shared[pair] = shared.get(pair, 0) + found.x[c]
            over = [pair for pair, times in shared.items() if times > 1 + 1e-6 and pair not in self.pairs]
            if not over:
                price = np.maximum(-found.ineqlin.marginals, 0)
                goods = np.zeros(people)
                goods[short] = price[people + len(self.pairs) :]
                self.out = matrix[:people] @ found.x[: len(self.tables)] < self.rounds - 1e-6
                return (
                    -found.fun - float(self.rounds @ self.bonus),
                    price[:people] - self.bonus,
                    goods,
                    {pair: price[people + at] for pair, at in self.pairs.items()},
                )
            for pair in over:
                self.pairs[pair] = len(self.pairs)

    def _fair(self, short: NDArray[np.int64]) -> list[Any]:
        """Rows: less the good meetings of each one who wants some, by table, and what they lack."""
        row = {int(p): at for at, p in enumerate(short)}
        entries = [
            (row[p], c, -float(count))
            for c, table in enumerate(self.tables)
            for p in table
            if p in row and (count := self.good[p, list(table)].sum())
        ]
        rows, columns, counts = zip(*entries, strict=True) if entries else ((), (), ())
        shape = (len(short), len(self.tables))
        return [sparse.csr_matrix((counts, (rows, columns)), shape=shape), -sparse.eye_array(len(short))]


def _pairs(table: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(table[x], table[y]) for x in range(len(table)) for y in range(x + 1, len(table))]


def certificate(problem: Problem, progress: Callable[[int], None] = lambda step: None, good_meetings: int = 0) -> float:
    """The best bound found: valid whenever the work ends. `progress` hears each step, of `STEPS` at most, and may raise.

    With `good_meetings`, of seatings that give so many to everybody who has as many good partners.
    Raises `NoPlan` for tables that are too large to price. Seconds at 200 people, minutes at 1,000.
    """
    in_use = np.unique(problem.chairs[problem.chairs > 1])
    if not len(in_use) or in_use.max() > MOST:
        raise NoPlan(f"a certificate needs tables of 2 to {MOST}")
    rounds = problem.present.sum(axis=0).astype(np.int64)
    worth = np.where(problem.blocked, -np.inf, problem.worth.astype(np.float64))
    np.fill_diagonal(worth, -np.inf)
    most = int(in_use.max())
    start = solve_pairs(np.where(problem.blocked, 0, problem.worth), rounds * (most - 1))
    smooth = start.price * (most - 1)
    pair_prices: dict[tuple[int, int], float] = {}
    wanted = np.where(problem.good.sum(axis=1) >= good_meetings, good_meetings, 0)
    good_price = np.zeros(problem.people)
    program = _Program(rounds, problem.good, wanted, np.zeros(problem.people))
    seated = (problem.chairs.sum(axis=1) == problem.present.sum(axis=1)).all() and not (problem.chairs == 1).any()
    best, enough = start.bound, ENOUGH
    for step in range(STEPS):
        progress(step)
        limit = float(rounds @ smooth + sum(pair_prices.values()) - wanted @ good_price)
        dear = worth + problem.good * (good_price[:, None] + good_price[None, :])
        extra = np.zeros(problem.people)
        before = len(program.tables)
        for size in in_use.tolist():
            complete, holds, tables, nets = _price(dear, smooth, pair_prices, problem.newcomer, size, enough)
            extra = np.maximum(extra, holds / size if complete else np.inf)
            for table in tables[nets > 0]:
                members = tuple(sorted(int(p) for p in table))
                program.add(members, sum(float(problem.worth[i, j]) for i, j in _pairs(members)))
        best = min(best, limit + float(rounds @ extra))
        if not program.tables:  # by prices of pairs alone no table may be worth its people
            smooth *= CHEAPER
            continue
        # Prices that find hardly anything new have settled: damping would only delay the end.
        settled = len(program.tables) <= 1.02 * before
        share = 1.0 if settled else SMOOTH
        enough *= 8 if settled and not np.isfinite(extra).all() else 1
        value, fresh, fresh_goods, fresh_pairs = program.solve()
        if best - value <= CLOSE * abs(best):
            if not (seated and program.out.any()):
                break
            program.bonus[program.out] += SITTING
        smooth = share * fresh + (1 - share) * smooth
        good_price = share * fresh_goods + (1 - share) * good_price
        pair_prices = {
            pair: share * fresh_pairs.get(pair, 0) + (1 - share) * pair_prices.get(pair, 0)
            for pair in {*fresh_pairs, *pair_prices}
        }
        pair_prices = {pair: each for pair, each in pair_prices.items() if each > 1e-6}
    return best


def _price(
    worth: NDArray[np.float64],
    prices: NDArray[np.float64],
    pair_prices: dict[tuple[int, int], float],
    newcomer: NDArray[np.bool_],
    size: int,
    enough: int,
) -> Any:
    net = worth - (prices[:, None] + prices[None, :]) / (size - 1)
    for (i, j), each in pair_prices.items():
        net[i, j] -= each
        net[j, i] -= each
    order = np.argsort(-net, axis=1, kind="stable").astype(np.int32)
    return price_tables(net, order, newcomer, size, PER_PERSON, enough)
