"""What people do without this engine: at random, one table after the other, and matchings of matchings."""

import numpy as np
import rustworkx
from numpy.typing import NDArray

from services.matching.domain.seating_problem import NOWHERE, Problem, Seating

Tables = NDArray[np.int32]
REPEATED = 200.0  # points that a peer would lose by a pair who met already or must not meet


def at_random(problem: Problem, seed: int = 1) -> Seating:
    """Everybody draws a seat in every round."""
    generator = np.random.default_rng(seed)
    table = np.full((problem.rounds, problem.people), NOWHERE, dtype=np.int32)
    for r in range(problem.rounds):
        table[r, generator.permutation(problem.people)] = np.repeat(
            np.arange(problem.chairs.shape[1]), problem.chairs[r]
        )
    return Seating(table)


def greedy(problem: Problem) -> Seating:
    """Table after table: the person whose best partners are left, then whoever adds most to the table."""
    table = np.full((problem.rounds, problem.people), NOWHERE, dtype=np.int32)
    gain = np.where(problem.blocked, -REPEATED, problem.worth).astype(np.float64)
    np.fill_diagonal(gain, 0)
    for r in range(problem.rounds):
        left = np.ones(problem.people, dtype=np.bool_)
        for k, size in enumerate(problem.chairs[r]):
            here: list[int] = []
            for _ in range(size):
                adds = gain[here].sum(axis=0) if here else gain.max(axis=1)
                here.append(int(np.argmax(np.where(left, adds, -np.inf))))
                left[here[-1]] = False
            table[r, here] = k
            for i in here:
                for j in here:
                    if i != j:
                        gain[i, j] = -REPEATED
    return Seating(table)


def matchings(problem: Problem) -> Seating:
    """Tables of four by two maximum-weight matchings a round: people to pairs, then pairs to tables."""
    table = np.full((problem.rounds, problem.people), NOWHERE, dtype=np.int32)
    gain = np.where(problem.blocked, -REPEATED, problem.worth).astype(np.float64)
    np.fill_diagonal(gain, -REPEATED)
    for r in range(problem.rounds):
        pairs = _pairs(gain)
        both = np.array(pairs)
        between = sum(gain[np.ix_(both[:, a], both[:, b])] for a in (0, 1) for b in (0, 1))
        np.fill_diagonal(between, -REPEATED)
        for k, (one, other) in enumerate(_pairs(between)):
            here = [*pairs[one], *pairs[other]]
            table[r, here] = k
            for i in here:
                gain[i, here] = -REPEATED
    return Seating(table)


def _pairs(gain: NDArray[np.float64]) -> list[tuple[int, int]]:
    wide = min(30, len(gain) - 1)
    near = np.zeros(gain.shape, dtype=np.bool_)
    np.put_along_axis(near, np.argpartition(-gain, wide, axis=1)[:, :wide], True, axis=1)
    rows, columns = np.nonzero(np.triu(near | near.T, 1))
    weights = np.rint(100 * (gain[rows, columns] + 1_000)).astype(np.int64)
    graph: rustworkx.PyGraph[int, int] = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(len(gain)))
    graph.add_edges_from(list(zip(rows.tolist(), columns.tolist(), weights.tolist(), strict=True)))
    found = sorted(rustworkx.max_weight_matching(graph, max_cardinality=True, weight_fn=int))
    left = sorted(set(range(len(gain))) - {p for pair in found for p in pair})
    return found + list(zip(left[::2], left[1::2], strict=False))
