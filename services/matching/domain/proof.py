"""What a plan is worth, how far it can be from the best, and whether it keeps the rules: checked apart from the solver."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from services.matching.domain.scoring import Matrix, Score
from services.matching.domain.seating import EMPTY, Seating
from services.matching.domain.settings import Weights

SWEEPS = 30  # of the dual descent; it equals the linear program to four digits by then (measured)


@dataclass(frozen=True)
class Proof:
    """Facts about a plan, for the organiser."""

    value: float
    """Sum of the values of all first meetings, in points."""
    bound: float
    """No seating can be worth more (b-matching bound)."""
    violations: tuple[str, ...]
    """Rules that the plan breaks, in words; empty for a plan that keeps them all."""
    good_meetings: dict[int, int]
    """How many people have so many good meetings."""
    unattainable: tuple[int, ...]
    """Indices of people for whom not enough good partners are registered, whatever the seating."""


def tables_of(seating: Seating) -> Iterator[tuple[int, int, list[int]]]:
    """(round, table, people) of every table in use."""
    for r in range(seating.rounds):
        for k in range(len(seating.sizes)):
            yield r, k, [int(p) for p in np.flatnonzero(seating.table[r] == k)]


def prove(score: Score, present: Sequence[int], seating: Seating, weights: Weights) -> Proof:
    """Recompute everything from the seats alone."""
    times: Counter[tuple[int, int]] = Counter()
    violations: list[str] = []
    for r, k, people in tables_of(seating):
        if len(people) > seating.sizes[k]:
            violations.append(f"round {r + 1}, table {k + 1}: too many people")
        newcomers = [p for p in people if score.people[p].newcomer]
        regulars_elsewhere = sum(1 for p in present if score.people[p].newcomer) > 1
        if len(newcomers) == 1 and len(people) > 1 and regulars_elsewhere:
            violations.append(f"round {r + 1}, table {k + 1}: one newcomer alone")
        for i, j in combinations(people, 2):
            times[i, j] += 1
            if score.blocked[i, j]:
                violations.append(f"round {r + 1}, table {k + 1}: two people who must not meet")
    violations += [f"the same two people {count} times" for count in times.values() if count > 1]
    here = set(present)
    for r in range(seating.rounds):
        seated = {int(p) for p in np.flatnonzero(seating.table[r] != EMPTY)}
        if seated != here:
            violations.append(f"round {r + 1}: {len(seated ^ here)} people seated wrongly or not at all")
    good = (score.value >= weights.good) & ~score.blocked
    counts = Counter(p for i, j in times for p in (i, j) if good[i, j])
    order = np.array(present)
    possible = good[np.ix_(order, order)].sum(axis=1)
    meetings = seating.rounds * (max(seating.sizes) - 1)
    return Proof(
        value=float(sum(score.value[i, j] for i, j in times)),
        bound=bound(np.where(score.blocked, 0, score.value)[np.ix_(order, order)], meetings),
        violations=tuple(violations),
        good_meetings=dict(sorted(Counter(counts.get(p, 0) for p in present).items())),
        unattainable=tuple(
            p for p, n in zip(present, possible, strict=True) if n < min(weights.good_meetings, meetings)
        ),
    )


def bound(value: Matrix, meetings: int) -> float:
    """Most that any set of pairs can be worth where nobody has more than `meetings` of them.

    Lagrangian dual of the b-matching problem with one price per person: min over u >= 0 of
    meetings * sum(u) + sum over pairs of max(0, value - u_i - u_j). Every u gives a valid bound; coordinate descent,
    damped by a half, finds a good one.
    """
    count = value.shape[0]
    if count < 2 or meetings < 1:
        return 0.0
    worth = np.maximum(value, 0).astype(np.float64)
    np.fill_diagonal(worth, 0)
    price = np.zeros(count)
    best = np.inf
    at = max(count - 1 - meetings, 0)
    for _ in range(SWEEPS):
        target = np.partition(worth - price[None, :], at, axis=1)[:, at]
        price = np.maximum((price + np.maximum(target, 0)) / 2, 0)
        rest = np.maximum(worth - price[:, None] - price[None, :], 0)
        np.fill_diagonal(rest, 0)
        best = min(best, float(meetings * price.sum() + rest.sum() / 2))
    return best
