"""One whole plan: lists, seats and proof, from people to a result that can be stored. Runs in a process of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.matching.domain.introductions import short_lists
from services.matching.domain.people import Person
from services.matching.domain.proof import Proof, prove
from services.matching.domain.reasons import Words, explain
from services.matching.domain.scoring import Score, score
from services.matching.domain.seating import NoPlan, Seating, seat, table_sizes
from services.matching.domain.settings import Weights

DEFAULT_TABLE = 6  # seats, where the organiser names no tables
ATTEMPTS = 8  # seeds that are tried while a hard rule is broken


@dataclass(frozen=True)
class Task:
    """What to plan."""

    people: tuple[Person, ...]
    rounds: int
    tables: tuple[int, ...]
    """Seats of each table, in the organiser's order; empty: tables of `DEFAULT_TABLE`."""
    met_before: tuple[tuple[UUID, UUID], ...]
    seed: int
    proposals: int
    weights: Weights = field(default_factory=Weights)


@dataclass(frozen=True)
class Proposed:
    """One person on another's list."""

    counterpart: UUID
    words: Words


@dataclass(frozen=True)
class Result:
    """A plan for everybody, by registration."""

    introductions: dict[UUID, tuple[Proposed, ...]]
    seats: dict[UUID, tuple[tuple[int, int], ...]]
    """(round, index of the table) of each person."""
    proof: Proof


def make_plan(task: Task, progress: Callable[[str], None] = lambda step: None) -> Result:
    """Score, propose, seat and prove. Raises `NoPlan` with the reason where there is nothing to plan."""
    people = task.people
    if len(people) < 2:
        raise NoPlan("a plan needs at least two accepted people")
    progress("scoring")
    scored = score(people, task.weights, met_before=task.met_before)
    progress("introductions")
    lists = short_lists(scored)
    progress("seating")
    here = range(len(people))
    seats = task.tables or (DEFAULT_TABLE,) * -(-len(people) // DEFAULT_TABLE)
    sizes = table_sizes(len(people), seats)
    seating, proof = _best_seating(task, scored, here, sizes)
    return Result(
        introductions={
            people[each.person].registration_id: tuple(
                Proposed(people[other].registration_id, explain(scored, each.person, other))
                for other in each.counterparts
            )
            for each in lists
        },
        seats={
            person.registration_id: tuple(
                (r + 1, int(seating.table[r, at])) for r in range(seating.rounds) if seating.table[r, at] >= 0
            )
            for at, person in enumerate(people)
        },
        proof=proof,
    )


def _best_seating(task: Task, scored: Score, here: Sequence[int], sizes: Sequence[int]) -> tuple[Seating, Proof]:
    """The first seating without a violation, else the one with the fewest: an annealer may end in a corner."""
    tried: list[tuple[Seating, Proof]] = []
    for attempt in range(ATTEMPTS):
        seed = task.seed + attempt * 7919  # any stride: seeds of neighbouring plans should not meet
        seating = seat(scored, here, sizes, max(task.rounds, 1), task.weights, seed=seed, proposals=task.proposals)
        tried.append((seating, prove(scored, here, seating, task.weights)))
        if not tried[-1][1].violations:
            break
    return min(tried, key=lambda each: len(each[1].violations))
