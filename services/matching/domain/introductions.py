"""Whom everybody should meet: three to five people each, on balanced lists, so that nobody is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import rustworkx

from services.matching.domain.scoring import Score

LENGTH = 5  # people on a list
CANDIDATES = 15  # best partners of each person that a matching looks at; up to 40 gain nothing (measured at 1,000)


@dataclass(frozen=True)
class ShortList:
    """Indices of the people proposed to one person, best first."""

    person: int
    counterparts: tuple[int, ...]


def short_lists(score: Score, length: int = LENGTH) -> list[ShortList]:
    """Lists by successive maximum-weight matchings: each round pairs everybody whom it can, and no pair comes twice.

    Everybody is on as many lists as they hold names, and every proposal is mutual. Costs six to seven percent of the
    value of letting each person choose freely, where a tenth to a fifth of people would be on nobody's list.
    """
    count = len(score.people)
    partners: list[list[int]] = [[] for _ in range(count)]
    taken = score.blocked | score.unproposed
    np.fill_diagonal(taken, True)
    for _ in range(min(length, count - 1)):
        graph: rustworkx.PyGraph[int, int] = rustworkx.PyGraph(multigraph=False)
        graph.add_nodes_from(range(count))
        graph.add_edges_from([(i, j, _weight(score, i, j)) for i, j in _edges(score, taken)])
        for i, j in rustworkx.max_weight_matching(graph, max_cardinality=True, weight_fn=int):
            partners[i].append(j)
            partners[j].append(i)
            taken[i, j] = taken[j, i] = True
    return [
        ShortList(person, tuple(sorted(found, key=lambda other: (-score.value[person, other], other))))
        for person, found in enumerate(partners)
    ]


def _weight(score: Score, i: int, j: int) -> int:
    """Matchings need whole numbers above zero; a hundredth of a point is fine enough."""
    return max(1, round(100 * (float(score.value[i, j]) + 200)))


def _edges(score: Score, taken: "np.typing.NDArray[np.bool_]") -> Sequence[tuple[int, int]]:
    open_value = np.where(taken, -np.inf, score.value)
    best = np.argsort(-open_value, axis=1, kind="stable")[:, :CANDIDATES]
    pairs = {
        (min(i, int(j)), max(i, int(j)))
        for i in range(len(score.people))
        for j in best[i]
        if np.isfinite(open_value[i, j])
    }
    return sorted(pairs)


def introducer_of(score: Score, one: int, other: int) -> int | None:
    """Who met both at earlier gatherings and could bring them together, of all of them the one who is nearest to both."""
    knows = score.met[one] & score.met[other] & ~(score.blocked | score.unproposed)[[one, other]].any(axis=0)
    able = np.flatnonzero(knows)
    if not len(able):
        return None
    return int(able[np.argmax(score.value[one, able] + score.value[other, able])])
