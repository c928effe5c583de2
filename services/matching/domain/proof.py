"""What a plan is worth, how far it can be from the best, and whether it keeps the rules: checked apart from the solver."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.causes import Cause, causes
from services.matching.domain.pair_program import bound, solve_pairs
from services.matching.domain.seating_problem import NOWHERE, Problem, Seating
from services.matching.domain.settings import Weights


@dataclass(frozen=True)
class Unattainable:
    """Somebody who cannot get enough good meetings, whatever the seating. For the organiser only."""

    person: int
    possible: int
    """Good partners who are registered and may be met."""
    reason: str
    """`no_partner`: nobody suitable is registered; `kept_apart`: they are, but must not meet; `absent`: they are not
    there in the same rounds; `seats`: there are fewer seats beside this person than good meetings wanted."""


@dataclass(frozen=True)
class Proof:
    """Facts about a plan, for the organiser."""

    value: float
    """Sum of the worth of all first meetings, in points."""
    bound: float
    """No seating can be worth more (b-matching bound)."""
    violations: tuple[str, ...]
    """Rules that the plan breaks, in words; empty for a plan that keeps them all."""
    good_meetings: dict[int, int]
    """How many people have so many good meetings."""
    unattainable: tuple[Unattainable, ...]
    avoidable: int
    """People with too few good meetings although enough are possible for them."""
    resting: int
    """Seats that somebody present goes without because pairs leave one over."""
    causes: tuple[Cause, ...] = ()
    """Why rules are broken, where counting shows it."""


def tables_of(seating: Seating) -> Iterator[tuple[int, int, list[int]]]:
    """(round, table, people) of every table in use."""
    for r in range(seating.rounds):
        for k in range(int(seating.table[r].max(initial=NOWHERE)) + 1):
            if people := [int(p) for p in np.flatnonzero(seating.table[r] == k)]:
                yield r, k, people


def prove(problem: Problem, seating: Seating, weights: Weights) -> Proof:
    """Recompute everything from the seats alone."""
    times, meetings = _times(seating), _meetings(problem)
    good = problem.good & ~problem.blocked
    counts = Counter(p for i, j in times for p in (i, j) if good[i, j])
    unattainable = _unattainable(problem, meetings, weights)
    here = np.flatnonzero(problem.present.any(axis=0))
    beyond = {each.person for each in unattainable}
    resting = (problem.present & (seating.table == NOWHERE)).sum(axis=1)
    broken = violations(problem, seating)
    return Proof(
        value=sum(float(problem.worth[pair]) for pair in times),
        bound=_bound(problem, meetings),
        violations=broken,
        good_meetings=dict(sorted(Counter(counts.get(int(p), 0) for p in here).items())),
        unattainable=unattainable,
        avoidable=sum(1 for p in here if counts.get(int(p), 0) < weights.good_meetings and int(p) not in beyond),
        resting=int(resting[_odd_pairs(problem)].sum()),
        causes=causes(problem, list(tables_of(seating))) if broken else (),
    )


def violations(problem: Problem, seating: Seating) -> tuple[str, ...]:
    """Rules that a seating breaks, in words; empty for one that keeps them all."""
    times = _times(seating)
    return (
        *_broken_tables(problem, seating),
        *_repeats(times),
        *_broken_seats(problem, seating, times),
    )


def _times(seating: Seating) -> Counter[tuple[int, int]]:
    """How often each pair sits together."""
    return Counter(pair for _, _, people in tables_of(seating) for pair in combinations(people, 2))


def _meetings(problem: Problem) -> NDArray[np.int64]:
    """[n] most people whom each can meet, by presence and the largest table of each round."""
    return (problem.present * (problem.chairs.max(axis=1, initial=1) - 1).clip(0)[:, None]).sum(axis=0)


def _bound(problem: Problem, meetings: NDArray[np.int64]) -> float:
    """Points that no seating can exceed, by pairs alone; nearly exact for tables of two, where it is worth its time."""
    value = np.where(problem.blocked, 0, problem.worth)
    return solve_pairs(value, meetings).bound if problem.chairs.max(initial=0) <= 2 else bound(value, meetings)[0]


def _odd_pairs(problem: Problem) -> NDArray[np.bool_]:
    """[R] rounds of pairs with an odd number of people: one rests."""
    return (problem.seats.max(axis=1, initial=0) == 2) & (problem.present.sum(axis=1) % 2 == 1)


def _broken_tables(problem: Problem, seating: Seating) -> Iterator[str]:
    several = (problem.present & problem.newcomer).sum(axis=1) > 1
    for r, k, people in tables_of(seating):
        where = f"round {r + 1}, table {k + 1}: "
        if problem.frozen[r]:
            continue  # over or running: nothing to be done
        if problem.seats[r, k] == 0:
            yield where + "the table is closed"
        elif len(people) > problem.seats[r, k]:
            yield where + "too many people"
        if len(people) > 2 and several[r] and sum(problem.newcomer[people]) == 1:
            yield where + "one newcomer alone"
        if any(problem.blocked[i, j] for i, j in combinations(people, 2)):
            yield where + "two people who must not meet"


def _repeats(times: Counter[tuple[int, int]]) -> Iterator[str]:
    for count, pairs in sorted(Counter(count for count in times.values() if count > 1).items()):
        yield f"{pairs} pairs meet {count} times"


def _broken_seats(problem: Problem, seating: Seating, times: Counter[tuple[int, int]]) -> Iterator[str]:
    rests = _odd_pairs(problem)
    pairs = problem.seats.max(axis=1, initial=0) == 2
    for r in range(problem.rounds):
        seated = seating.table[r] != NOWHERE
        missing = int((problem.present[r] & ~seated).sum()) - int(rests[r])
        here = np.flatnonzero(problem.present[r]).tolist()
        if missing > 0 and pairs[r] and all(problem.blocked[i, j] or (i, j) in times for i, j in combinations(here, 2)):
            yield f"round {r + 1}: {missing + int(rests[r])} people rest: all who may meet have met"
        elif missing > 0:
            yield f"round {r + 1}: {missing} people present are not seated"
        if absent := int((seated & ~problem.present[r]).sum()):
            yield f"round {r + 1}: {absent} people seated who are not there"
        pinned = problem.pinned[r] != NOWHERE
        if moved := int((seating.table[r] != problem.pinned[r])[pinned].sum()):
            yield f"round {r + 1}: {moved} people not at the table they are pinned to"
        if problem.frozen[r] and (seating.table[r] != problem.published[r]).any():
            yield f"round {r + 1}: seats differ although the round is frozen"


def _unattainable(problem: Problem, meetings: NDArray[np.int64], weights: Weights) -> tuple[Unattainable, ...]:
    wanted = weights.good_meetings
    liked = problem.worth >= weights.good
    np.fill_diagonal(liked, False)
    together = (problem.present.T.astype(np.float32) @ problem.present.astype(np.float32)) > 0
    here = problem.present.any(axis=0)
    possible = np.minimum((problem.good & ~problem.blocked & together).sum(axis=1), meetings)
    found = []
    for p in np.flatnonzero(here & (possible < wanted)):
        if meetings[p] < wanted:
            reason = "seats"
        elif (problem.good[p] & ~problem.blocked[p]).sum() >= wanted:
            reason = "absent"
        elif (problem.good[p] | (liked[p] & problem.blocked[p])).sum() >= wanted:
            reason = "kept_apart"
        else:
            reason = "no_partner"
        found.append(Unattainable(int(p), int(possible[p]), reason))
    return tuple(found)
