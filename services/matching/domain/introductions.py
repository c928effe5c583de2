"""Whom everybody should meet: three to five people each, on balanced lists, so that nobody is left out."""

from dataclasses import dataclass

import numpy as np

from services.matching.domain.blocks import Mask
from services.matching.domain.scoring import Score
from services.matching.domain.seating_problem import NOWHERE, Problem
from services.matching.domain.slots import best_pairs

LENGTH = 5  # people on a list


@dataclass(frozen=True)
class ShortList:
    """Indices of the people proposed to one person, best first."""

    person: int
    counterparts: tuple[int, ...]


def short_lists(score: Score, length: int = LENGTH) -> list[ShortList]:
    """Lists by as many rounds of pairs, the best that can be found together: every proposal is mutual.

    Everybody is on as many lists as they hold names: one fewer where people are odd in number, none where nobody may be
    proposed to them. Letting each person choose freely is worth two percent more and leaves a tenth to a fifth of people
    on nobody's list.
    """
    count = len(score.people)
    closed: Mask = score.blocked | score.unproposed
    np.fill_diagonal(closed, True)
    rounds = min(length, max(count - 1, 0))
    able = np.tile((~closed).any(axis=1), (rounds, 1))
    tables = np.full((rounds, count // 2), 2, dtype=np.int32)
    nowhere = np.full((rounds, count), NOWHERE, dtype=np.int32)
    nobody = np.zeros(count, dtype=np.bool_)
    worth = np.where(closed, np.float32(0), score.value)
    partners: list[list[int]] = [[] for _ in range(count)]
    for pairs in best_pairs(
        Problem(worth, closed, ~closed, nobody, nobody, able, tables, tables, nowhere, nowhere, np.zeros(rounds, bool))
    ):
        for i, j in pairs:
            partners[i].append(j)
            partners[j].append(i)
    return [
        ShortList(person, tuple(sorted(found, key=lambda other: (-score.value[person, other], other))))
        for person, found in enumerate(partners)
    ]


def introducer_of(score: Score, one: int, other: int) -> int | None:
    """Who met both at earlier gatherings and could bring them together, of all of them the one who is nearest to both."""
    knows = score.met[one] & score.met[other] & ~(score.blocked | score.unproposed)[[one, other]].any(axis=0)
    able = np.flatnonzero(knows)
    if not len(able):
        return None
    return int(able[np.argmax(score.value[one, able] + score.value[other, able])])
