"""Who gets which number of a design: people change numbers in all rounds at once, so nobody ever meets twice."""

from typing import Any

import numba
import numpy as np

from services.matching.domain.designs import Rounds, design, is_saturated
from services.matching.domain.seating_problem import NOWHERE, Problem, Seating
from services.matching.domain.settings import Weights

BLOCKED = 5_000.0  # points lost per blocked pair
BOTH_EMPTY = 200.0  # points lost per table and pair of empty seats at it, so that tables stay even
SWAPS = 300_000  # pairs of people who try each other's number: a second
HOT, COLD = 60.0, 1.0  # points


def seat_by_design(problem: Problem, weights: Weights, seed: int) -> Seating | None:
    """Seats where everybody is to meet nearly everybody; None where that is not so or no design is known.

    Only for a fresh plan: everybody there, no pins, tables alike.
    """
    used = np.flatnonzero(problem.chairs[0])
    size = int(problem.chairs.max(initial=0))
    fresh = problem.present.all() and (problem.pinned == NOWHERE).all() and (problem.published == NOWHERE).all()
    alike = (problem.chairs[:, used] == problem.chairs[0, used]).all() and (problem.seats[:, used] >= size).all()
    if not fresh or not alike or size < 2 or not is_saturated(problem.people, size, problem.rounds):
        return None
    rounds = design(len(used), size, problem.rounds)
    if rounds is None:
        return None
    count = len(used) * size
    people = problem.people
    worth = np.zeros((count, count), dtype=np.float32)
    worth[people:, people:] = -BOTH_EMPTY
    worth[:people, :people] = np.where(problem.blocked, -BLOCKED, problem.worth)
    np.fill_diagonal(worth, 0)
    newcomer = np.zeros(count, dtype=np.int64)
    newcomer[:people] = problem.newcomer
    lone = weights.lone_newcomer if problem.newcomer.sum() > 1 else 0.0
    holder = _assign(worth, newcomer, rounds, _tables_of(rounds), float(lone), seed)
    table = np.full((problem.rounds, people), NOWHERE, dtype=np.int32)
    for r in range(problem.rounds):
        for k in range(len(used)):
            here = holder[rounds[r, k]]
            table[r, here[here < people]] = used[k]
    return Seating(table)


def _tables_of(rounds: Rounds) -> Any:
    at = np.zeros((rounds.shape[0], rounds.shape[1] * rounds.shape[2]), dtype=np.int64)
    for r, tables in enumerate(rounds):
        for k, numbers in enumerate(tables):
            at[r, numbers] = k
    return at


@numba.njit(cache=True)
def _assign(worth: Any, newcomer: Any, rounds: Any, at: Any, lone: float, seed: int) -> Any:
    """holder[number]: who has it. Everybody meets the same number of people, so only who and with whom is chosen."""
    np.random.seed(seed)
    count = worth.shape[0]
    holder = np.random.permutation(count)
    for step in range(SWAPS):
        temperature = HOT * (COLD / HOT) ** (step / SWAPS)
        one, other = np.random.randint(count), np.random.randint(count)
        i, j = holder[one], holder[other]
        if one == other:
            continue
        delta = 0.0
        for r in range(rounds.shape[0]):
            if at[r, one] == at[r, other]:
                continue
            for side in range(2):
                number, leaves, comes = (one, i, j) if side == 0 else (other, j, i)
                fresh = 0
                for mate in rounds[r, at[r, number]]:
                    if mate != number:
                        m = holder[mate]
                        delta += worth[comes, m] - worth[leaves, m]
                        fresh += newcomer[m]
                if newcomer[comes] != newcomer[leaves]:
                    delta += lone * ((fresh + newcomer[leaves] == 1) - (fresh + newcomer[comes] == 1))
        if delta >= 0 or np.random.random() < np.exp(delta / temperature):
            holder[one], holder[other] = j, i
    return holder
