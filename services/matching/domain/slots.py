"""Meetings of two over several rounds: a maximum-weight matching a round, by worth less what each person's time is worth.

Matching round after round spends the best pairs first and leaves the last rounds poor. With everybody's price in the
b-matching bound taken off, pairs above zero are those that belong in some round, whichever; a cap on how much more one of
them counts than another keeps early rounds from taking what only they would have to give up.
"""

from typing import Any

import numpy as np
import rustworkx
from numpy.typing import NDArray

from services.matching.domain.proof import bound
from services.matching.domain.seating_problem import NOWHERE, Problem, Seating

CANDIDATES = 12  # best partners of each person that a matching looks at; more gain nothing (measured up to 40)
# Shares of the usual worth of a meeting that may count above zero; the first is best at 2,000.
CAPS = (0.12, 0.06, 0.18, 0.24)
WIDENED = 3  # times that those who are left over may be others; once was enough for 1,000 people with 100 kept apart
SMALL = 400  # people up to whom every cap is tried
SWEEPS = 10  # of the bound; prices within 0.05 % of its end
PASSES = 1  # times that each round is matched anew, knowing all others, without a cap

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
    meetings = problem.present.sum(axis=0)
    best, price = bound(np.where(problem.blocked, 0, problem.worth), meetings, sweeps=SWEEPS)
    usual = max(2 * best / max(int(meetings.sum()), 1), 1.0)
    net = (problem.worth - price[:, None] - price[None, :]).astype(np.float64)
    net[problem.blocked] = -np.inf
    np.fill_diagonal(net, -np.inf)
    for pairs in rounds:
        for i, j in pairs:
            net[i, j] = net[j, i] = -np.inf
    caps = CAPS if problem.people <= SMALL else CAPS[:1]
    tried = [_rounds(problem, net, rounds, cap * usual, 2 * moved) for cap in caps]
    return max(tried, key=lambda each: (sum(map(len, each)), _total(problem, each)))


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


def _rounds(problem: Problem, whole: NDArray[np.float64], fixed: list[Pairs], cap: float, kept: float) -> list[Pairs]:
    net = whole.copy()
    published = _together(problem.published)
    loose = problem.present & ~problem.frozen[:, None]
    for r, pairs in enumerate(fixed):
        for pair in pairs:
            loose[r, list(pair)] = False
    found: list[Pairs] = [[] for _ in fixed]
    rested = np.zeros(problem.people)
    for sweep in range(1 + PASSES):
        for r in range(problem.rounds):
            here = np.flatnonzero(loose[r])
            for i, j in found[r]:
                net[i, j] = net[j, i] = whole[i, j]
            if sweep:
                rested[here] -= ~np.isin(here, np.array(found[r]).ravel())
            room = int((problem.chairs[r] > 0).sum()) - len(fixed[r])
            shown = net if sweep else np.minimum(net, cap)
            if kept and published[r]:
                shown = shown.copy()
                for i, j in published[r]:
                    shown[i, j] = shown[j, i] = shown[i, j] + kept
            found[r] = _match(shown, here, rested, room)
            for i, j in found[r]:
                net[i, j] = net[j, i] = -np.inf
            rested[here] += ~np.isin(here, np.array(found[r]).ravel())
    return [pairs + more for pairs, more in zip(fixed, found, strict=True)]


def _match(net: NDArray[np.float64], here: NDArray[Any], rested: NDArray[np.float64], room: int) -> Pairs:
    """Pairs of one round: as many as there can be, who has rested before first, then worth the most."""
    if len(here) < 2 or room < 1:
        return []
    shown = net[np.ix_(here, here)]
    open_pairs = np.isfinite(shown)
    if not open_pairs.any():
        return []
    if rested[here].any():
        spread = float(shown[open_pairs].max() - shown[open_pairs].min()) + 1
        shown += spread * (rested[here][:, None] + rested[here][None, :])
    wide = min(CANDIDATES, len(here) - 1)
    near = np.zeros(shown.shape, dtype=np.bool_)
    np.put_along_axis(near, np.argpartition(-shown, wide - 1, axis=1)[:, :wide], True, axis=1)
    found = _heaviest(shown, np.triu((near | near.T) & open_pairs, 1))
    for _ in range(WIDENED):  # candidates may be too few for everybody: whoever is left over may meet anybody
        left = np.setdiff1d(np.arange(len(here)), np.array(found, dtype=np.int64).ravel())
        if len(left) < 2 or near[left].all():
            break
        near[left] = True
        found = _heaviest(shown, np.triu((near | near.T) & open_pairs, 1))
    found.sort(key=lambda pair: -float(shown[pair]))
    return [(int(here[i]), int(here[j])) for i, j in found[:room]]


def _heaviest(shown: NDArray[np.float64], edges: NDArray[np.bool_]) -> Pairs:
    """Maximum-weight matching among those of most pairs. Weights are whole hundredths of a point, from one up."""
    rows, columns = np.nonzero(edges)
    weights = np.rint(100 * (shown[rows, columns] - shown[rows, columns].min())).astype(np.int64) + 1
    graph: rustworkx.PyGraph[int, int] = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(shown.shape[0]))
    graph.add_edges_from(list(zip(rows.tolist(), columns.tolist(), weights.tolist(), strict=True)))
    return sorted(rustworkx.max_weight_matching(graph, max_cardinality=True, weight_fn=int))


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
