"""One whole plan: lists, seats and proof, from people to a result that can be stored. Runs in a process of its own."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.design_seating import seat_by_design
from services.matching.domain.introductions import introducer_of, short_lists
from services.matching.domain.learning import Effects, mutual_gladness
from services.matching.domain.people import Person
from services.matching.domain.proof import Proof, prove, tables_of, violations
from services.matching.domain.reasons import Explainer, Words
from services.matching.domain.scoring import Score, score
from services.matching.domain.seating import seat
from services.matching.domain.seating_problem import NOWHERE, NoPlan, Problem, Seating
from services.matching.domain.seating_request import Request, problem_of
from services.matching.domain.settings import Weights
from services.matching.domain.slots import pair_up

ATTEMPTS = 4  # seeds that are tried while a hard rule is broken
REHEAT = 3.0  # each attempt starts so many times hotter than the one before: a re-plan starts cold, to change few seats

Seats = Mapping[UUID, tuple[tuple[int, int], ...]]
"""(round from 1, index of the table from 0) of each registration."""


@dataclass(frozen=True)
class Task:
    """What to plan. Rounds count from 1; a table is its index in `tables`; people are registration ids."""

    people: tuple[Person, ...]
    rounds: int
    tables: tuple[int, ...]
    """Seats of each table, in the organiser's order; empty: tables of four, or a few more. All of two: pairs, where one may rest."""
    met_before: tuple[tuple[UUID, UUID], ...]
    seed: int
    proposals: int
    numbers: tuple[int, ...] = ()
    """What the organiser calls each table. Those beyond `tables` are there no more; people sat or were to sit there."""
    weights: Weights = field(default_factory=Weights)

    present: tuple[frozenset[UUID], ...] = ()
    """Who is there, per round; rounds beyond the last entry: everybody. Late arrival, leaving early, no-show."""
    reference: Seats = field(default_factory=dict)
    """The published seats. Each seat that changes costs `weights.moved`; people who are not in it have walked in, and
    tables may grow by one seat for them."""
    frozen: frozenset[int] = frozenset()
    """Rounds that are over or running: kept exactly as in `reference`."""
    pins: tuple[tuple[int, UUID, int], ...] = ()
    """(round, registration, table): must sit there."""
    closed: frozenset[tuple[int, int]] = frozenset()
    """(round, table) that cannot be used."""
    blocks: tuple[tuple[UUID, UUID], ...] = ()
    """Pairs who must never meet, beside those that the score finds."""
    pair_points: Mapping[tuple[UUID, UUID], float] = field(default_factory=dict)
    """Points on top of the value of a pair, in either order: wishes, feedback between rounds, learning, exploration."""
    effects: Effects | None = None
    """How glad these persons are of others and others of them, so far; `weights.gladness` points at the most."""
    introductions: bool = True
    """Whether to make the lists too; a re-plan between rounds needs only seats."""


@dataclass(frozen=True)
class Proposed:
    """One person on another's list."""

    counterpart: UUID
    words: Words
    introducer: UUID | None = None
    """Who knows both from earlier gatherings."""


@dataclass(frozen=True)
class Result:
    """A plan for everybody, by registration."""

    introductions: dict[UUID, tuple[Proposed, ...]]
    """Empty where the task asked for none."""
    seats: dict[UUID, tuple[tuple[int, int], ...]]
    """(round, index of the table in `Task.tables`) of each person; rounds in which they are absent or rest are left out."""
    proof: Proof


def make_plan(
    task: Task, progress: Callable[[str, float], None] = lambda step, share: None, scored: Score | None = None
) -> Result:
    """Score, propose, seat and prove. Raises `NoPlan` with the reason where there is nothing to plan.

    `progress` hears the step and the share of it that is done, several times a second while seats are sought (from the
    start again when a rule was broken and another seed is tried); what it raises ends the work. `scored` saves scoring the same people again (same order, same weights).
    """
    people = task.people
    if len(people) < 2:
        raise NoPlan("a plan needs at least two accepted people")
    progress("scoring", 0)
    scored = scored or score(people, task.weights, blocks=task.blocks, met_before=task.met_before)
    request = request_of(task, scored)
    problem, notes = problem_of(request, task.weights)
    progress("introductions", 0)
    lists = (
        short_lists(replace(scored, value=request.value, unproposed=_unproposed(scored, problem)))
        if task.introductions
        else []
    )
    progress("seating", 0)
    seating = _best_seating(task, problem, lambda share: progress("seating", share))
    progress("proof", 0)
    proof = prove(problem, seating, task.weights)
    explainer = Explainer(scored)
    return Result(
        introductions={
            people[each.person].registration_id: tuple(
                _proposed(scored, explainer, each.person, other) for other in each.counterparts
            )
            for each in lists
        },
        seats={
            person.registration_id: tuple(
                (r + 1, int(seating.table[r, at])) for r in range(seating.rounds) if seating.table[r, at] != NOWHERE
            )
            for at, person in enumerate(people)
        },
        proof=replace(proof, violations=(*notes, *proof.violations)),
    )


def _unproposed(scored: Score, problem: Problem) -> NDArray[np.bool_]:
    """Also whoever is in none of the rounds ahead: they have gone, or are only here because they sat before."""
    ahead = np.asarray(problem.present[~problem.frozen].any(axis=0))
    return scored.unproposed | ~(ahead[:, None] & ahead)


def _proposed(scored: Score, explainer: Explainer, reader: int, other: int) -> Proposed:
    introducer = introducer_of(scored, reader, other)
    return Proposed(
        scored.people[other].registration_id,
        explainer.explain(reader, other),
        None if introducer is None else scored.people[introducer].registration_id,
    )


def _best_seating(task: Task, problem: Problem, progress: Callable[[float], None]) -> Seating:
    """The first seating without a violation, else the one with the fewest people beside whom they must not meet, and of
    these the one with the fewest violations: an annealer may end in a corner."""
    tried: list[tuple[int, int, Seating]] = []
    for seating in _seatings(task, problem, progress):
        broken = len(violations(problem, seating))
        if not broken:
            return seating
        tried.append((_blocked_pairs(problem, seating), broken, seating))
    return min(tried, key=lambda each: each[:2])[2]


def _blocked_pairs(problem: Problem, seating: Seating) -> int:
    """How many pairs sit together who must not meet."""
    return sum(int(np.triu(problem.blocked[np.ix_(people, people)], 1).sum()) for _, _, people in tables_of(seating))


def _seatings(task: Task, problem: Problem, progress: Callable[[float], None]) -> Iterator[Seating]:
    """By matchings for tables of two, which may leave the last rounds nobody to meet; by design; by searching."""
    pairs = problem.seats.max() == 2
    if pairs:
        yield pair_up(problem, task.weights.moved)
    if (designed := seat_by_design(problem, task.weights, task.seed)) is not None:
        yield designed
    for attempt in range(0 if pairs else ATTEMPTS):
        seed = task.seed + attempt * 7919  # any stride: seeds of neighbouring plans should not meet
        yield seat(problem, task.weights, seed=seed, proposals=task.proposals, heat=REHEAT**attempt, progress=progress)


def request_of(task: Task, scored: Score) -> Request:
    """The task in indices: what was asked for, before chairs are laid."""
    index = {person.registration_id: at for at, person in enumerate(task.people)}
    rounds = max(task.rounds, 1)
    here = np.ones((rounds, len(index)), dtype=np.bool_)
    for r, present in enumerate(task.present[:rounds]):
        here[r] = [person.registration_id in present for person in task.people]
    published = np.full((rounds, len(index)), NOWHERE, dtype=np.int32)
    for registration_id, seats in task.reference.items():
        for r, k in seats:
            if registration_id in index and 0 < r <= rounds:
                published[r - 1, index[registration_id]] = k
    value = scored.value.copy()
    if task.effects is not None:
        glad = mutual_gladness(task.effects, [person.person_id for person in task.people])
        value += (task.weights.gladness * glad).astype(np.float32)
        np.fill_diagonal(value, 0)
    for (one, other), more in task.pair_points.items():
        if one in index and other in index and one != other:
            i, j = index[one], index[other]
            value[i, j] += more
            value[j, i] += more
    blocked = scored.blocked.copy()
    for one, other in task.blocks:
        if one in index and other in index:
            blocked[index[one], index[other]] = blocked[index[other], index[one]] = True
    return Request(
        people=task.people,
        value=value,
        blocked=blocked,
        present=here,
        tables=task.tables,
        published=published,
        frozen=np.array([r + 1 in task.frozen for r in range(rounds)]),
        pins=[(r - 1, index.get(one, NOWHERE), k) for r, one, k in task.pins],
        closed={(r - 1, k) for r, k in task.closed},
        small=np.array([person.small_groups for person in task.people], dtype=np.bool_),
    )
