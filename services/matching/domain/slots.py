"""Meetings of two over several rounds: a maximum-weight matching a round, by worth less what each person's time is worth.

Matching round after round spends the best pairs first and leaves the last rounds poor. With everybody's price in the
linear program of pairs taken off, pairs above zero are those that belong in some round, whichever; a cap on how much more one of
them counts than another keeps early rounds from taking what only they would have to give up.
"""

from dataclasses import dataclass

import numpy as np
import rustworkx
from numpy.typing import NDArray

from services.matching.domain.fit import Matrix
from services.matching.domain.pair_program import best_of, best_partners, blurred, distinct, net_of, solve_pairs
from services.matching.domain.seating_problem import NOWHERE, Problem, Seating

CANDIDATES = 6  # best partners of each person that a matching looks at, beside those in the program's solution
# Shares of the usual worth of a meeting that may count above zero; the first is as good as any at 1,000 and 2,000.
CAPS = (0.06, 0.12, 0.18, 0.24)
SMALL = 400  # people up to whom every cap is tried, and each round is matched anew, knowing all others, without a cap
WIDENED = 3  # times that those who are left over may be others; once was enough for 1,000 people with 100 kept apart
WIDEST = 100_000  # pairs that may be looked at more each time: anybody for a few people, the best of everybody for many

Pairs = list[tuple[int, int]]


def pair_up(problem: Problem, moved: float = 0.0) -> Seating:
    """Seats at tables of two, for the pairs of `best_pairs`."""
    return _seat(problem, best_pairs(problem, moved))


def best_pairs(problem: Problem, moved: float = 0.0) -> list[Pairs]:
    """Who meets in each round. Nobody meets twice; as many meet as can; who rests has not rested before if possible.

    A published pair counts `moved` points more for each of the two seats that stay. Rounds that are frozen and people who
    are pinned keep their seats; two people pinned to one table meet there.
    """
    rounds = _together(np.where(problem.frozen[:, None], problem.published, problem.pinned))
    solved = solve_pairs(np.where(problem.blocked, 0, problem.worth), problem.present.sum(axis=0))
    net = net_of(problem.worth, solved.price)
    closed = problem.blocked.copy()
    np.fill_diagonal(closed, True)
    for pairs in rounds:
        for i, j in pairs:
            closed[i, j] = closed[j, i] = True
    net[closed] = -np.inf
    shown = blurred(net, solved.usual)
    near = best_of(shown, 2 * CANDIDATES + problem.rounds)  # more than candidates: some have met, some are not there
    market = _Market(net, shown, near, solved.pairs)
    small = problem.people <= SMALL
    tried = [
        _rounds(problem, market, rounds, cap * solved.usual, 2 * moved, again=small)
        for cap in CAPS[: None if small else 1]
    ]
    return max(tried, key=lambda each: (sum(map(len, each)), _total(problem, each)))


@dataclass(frozen=True)
class _Market:
    """What a pair is worth beyond both their time, in points; minus infinity for those who must not be chosen."""

    net: Matrix
    shown: Matrix
    """[n, n] the same, where no two pairs are worth the same."""
    near: NDArray[np.int64]
    """[n, width] the best partners of each, best first."""
    likely: NDArray[np.int64]
    """[m, 2] pairs of which the best rounds can be made, by the linear program."""


def _total(problem: Problem, rounds: list[Pairs]) -> float:
    return float(sum(problem.worth[pair] for pairs in rounds for pair in pairs))


def _together(table: NDArray[np.int32]) -> list[Pairs]:
    """The pairs of each round whom these tables bring together."""
    rounds = []
    for row in table:
        at: dict[int, list[int]] = {}
        for p in np.flatnonzero(row != NOWHERE).tolist():
            at.setdefault(int(row[p]), []).append(p)
        rounds.append([(people[0], people[1]) for people in at.values() if len(people) == 2])
    return rounds


def _rounds(
    problem: Problem, market: _Market, fixed: list[Pairs], cap: float, kept: float, *, again: bool
) -> list[Pairs]:
    """Rounds one after the other, and `again` each of them with all others known."""
    able = np.isfinite(market.net)
    published = _together(problem.published if kept else np.full_like(problem.published, NOWHERE))
    loose = problem.present & ~problem.frozen[:, None]
    for r, pairs in enumerate(fixed):
        for pair in pairs:
            loose[r, list(pair)] = False
    found: list[Pairs] = [[] for _ in fixed]
    rests = np.zeros_like(problem.present)
    for sweep in range(1 + again):
        for r in range(problem.rounds):
            for i, j in found[r]:
                able[i, j] = able[j, i] = True
            rests[r] = False
            room = int((problem.chairs[r] > 0).sum()) - len(fixed[r])
            most = np.inf if sweep else cap
            found[r] = _match(_Round(market, able, loose[r], rests.sum(axis=0), published[r], most, kept), room)
            for i, j in found[r]:
                able[i, j] = able[j, i] = False
            rests[r] = loose[r]
            rests[r, [p for pair in found[r] for p in pair]] = False
    return [pairs + more for pairs, more in zip(fixed, found, strict=True)]


@dataclass(frozen=True)
class _Round:
    """Whom one round may bring together."""

    market: _Market
    able: NDArray[np.bool_]
    """[n, n] who may and has not yet."""
    here: NDArray[np.bool_]
    rested: NDArray[np.int64]
    """[n] rounds that each person has rested."""
    published: Pairs
    cap: float
    kept: float
    """Points more for a published pair."""

    def candidates(self) -> NDArray[np.int64]:
        """[m, 2] pairs of each one's best partners, likely pairs and published ones."""
        rows = np.flatnonzero(self.here)
        near = self.market.near[rows]
        able = self.able[rows[:, None], near] & self.here[near]
        at, place = np.nonzero(able & (able.cumsum(axis=1) <= CANDIDATES))
        others = np.concatenate([self.market.likely, np.array(self.published, dtype=np.int64).reshape(-1, 2)])
        others = others[self.able[others[:, 0], others[:, 1]] & self.here[others].all(axis=1)]
        return distinct(np.column_stack([rows[at], near[at, place]]), others)

    def more(self, people: NDArray[np.int64]) -> NDArray[np.int64]:
        """[m, 2] pairs of these with whom they may meet: anybody, or the best where they are too many."""
        may = self.able[people] & self.here
        net, shown = (np.where(may, each[people], -np.inf) for each in (self.market.net, self.market.shown))
        found = best_partners(net, shown, max(WIDEST // len(people), 1), -np.inf)
        return np.column_stack([people[found[:, 0]], found[:, 1]])

    def points(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """[m] what each pair counts: who has rested before first, then worth."""
        one, other = pairs.T
        points = np.minimum(self.market.net[one, other].astype(np.float64), self.cap)
        published = set(self.published)
        points += self.kept * np.array([pair in published for pair in zip(one.tolist(), other.tolist(), strict=True)])
        return points + (np.ptp(points) + 1) * (self.rested[one] + self.rested[other])


def _match(given: _Round, room: int) -> Pairs:
    """Pairs of one round: as many as there can be, who has rested before first, then worth the most."""
    here = np.flatnonzero(given.here)
    if len(here) < 2 or room < 1:
        return []
    pairs = given.candidates()
    pairs = pairs if len(pairs) else given.more(here)  # the few who are there may be nobody's best
    if not len(pairs):
        return []
    found = _heaviest(pairs, given.points(pairs))
    for _ in range(WIDENED):  # candidates may be too few for everybody: whoever is left over may meet others
        left = np.setdiff1d(here, pairs[found].ravel())
        wider = distinct(pairs, given.more(left)) if len(left) > 1 else pairs
        if len(wider) == len(pairs):
            break
        pairs = wider
        found = _heaviest(pairs, given.points(pairs))
    best = found[np.argsort(-given.points(pairs)[found], kind="stable")][:room]
    return [(i, j) for i, j in pairs[best].tolist()]


def _heaviest(pairs: NDArray[np.int64], points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which of these pairs are the maximum-weight matching among those of most pairs. Weights are whole hundredths of a
    point, from one up."""
    weights = np.rint(100 * (points - points.min())).astype(np.int64) + 1
    graph: rustworkx.PyGraph[int, tuple[int, int]] = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(int(pairs.max()) + 1))
    edges = zip(weights.tolist(), range(len(pairs)), strict=True)
    graph.add_edges_from([(i, j, edge) for (i, j), edge in zip(pairs.tolist(), edges, strict=True)])
    matched = rustworkx.max_weight_matching(graph, max_cardinality=True, weight_fn=lambda edge: edge[0])
    return np.array(sorted(graph.get_edge_data(i, j)[1] for i, j in matched), dtype=np.int64)


def _seat(problem: Problem, rounds: list[Pairs]) -> Seating:
    """Pairs to tables: pinned or published ones where they are, the others at the free tables in order."""
    table = np.where(problem.frozen[:, None], problem.published, problem.pinned).astype(np.int32)
    for r, pairs in enumerate(rounds):
        if problem.frozen[r]:
            continue
        free = [k for k in np.flatnonzero(problem.seats[r] > 1).tolist() if k not in set(table[r].tolist())]
        waiting = []
        for pair in pairs:
            wanted = {int(table[r, p]) for p in pair} - {NOWHERE}
            known = {int(problem.published[r, p]) for p in pair} & set(free)
            if wanted:
                table[r, list(pair)] = min(wanted)
            elif known:
                table[r, list(pair)] = min(known)
                free.remove(min(known))
            else:
                waiting.append(pair)
        for pair, k in zip(waiting, free, strict=False):
            table[r, list(pair)] = k
    return Seating(table)
