"""What each rule of a plan costs: the same people seated again without it, on a small budget, on demand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from services.matching.domain.fit import Matrix
from services.matching.domain.plan import Task, request_of
from services.matching.domain.proof import tables_of
from services.matching.domain.scoring import Score, score
from services.matching.domain.seating import seat
from services.matching.domain.seating_problem import Seating
from services.matching.domain.seating_request import Request, problem_of
from services.matching.domain.settings import Weights

PROPOSALS = 1_000_000  # looks for each rule: about a second at 200 people
CHANCE = 0.005  # share of the value below which a difference is the search's own noise


@dataclass(frozen=True)
class Effect:
    """What leaving one rule out would change. Differences of a share below `CHANCE` are chance."""

    rule: str
    value: float
    """Points by which all first meetings together would be worth more without the rule."""
    share: float
    """The same as a share of the value with all rules."""


def effects(
    task: Task,
    proposals: int = PROPOSALS,
    progress: Callable[[float], None] = lambda share: None,
    scored: Score | None = None,
) -> tuple[Effect, ...]:
    """The effect of every rule that applies to the task. The value counts pairs alone, without any rule's penalty."""
    scored = scored or score(task.people, task.weights, blocks=task.blocks, met_before=task.met_before)
    request = request_of(task, scored)
    without = list(_without(request, task.weights))
    base = _value(request.value, _seated(task, request, task.weights, proposals))
    found = []
    for at, (rule, other, weights) in enumerate(without, start=1):
        value = _value(request.value, _seated(task, other, weights, proposals))
        found.append(Effect(rule, value - base, (value - base) / base if base else 0.0))
        progress(at / len(without))
    return tuple(found)


def _without(request: Request, weights: Weights) -> Iterator[tuple[str, Request, Weights]]:
    """(rule, request and weights that leave it out) for each rule that has something to say here."""
    if 1 < sum(person.newcomer for person in request.people) < len(request.people):
        yield "newcomers", request, replace(weights, lone_newcomer=0.0, no_regular=0.0)
    yield "fairness", request, replace(weights, shortfall=0.0)
    yield "industries", request, replace(weights, same_industry_at_table=0.0)
    yield "sizes", request, replace(weights, same_size_at_table=0.0)
    if request.blocked.any():
        yield "blocks", replace(request, blocked=np.zeros_like(request.blocked)), weights
    if request.pins:
        yield "pins", replace(request, pins=[]), weights
    if request.closed:
        yield "closed tables", replace(request, closed=set()), weights
    if request.small.any():
        yield "small groups", request, replace(weights, crowded=0.0)


def _seated(task: Task, request: Request, weights: Weights, proposals: int) -> Seating:
    problem, _ = problem_of(request, weights)
    return seat(problem, weights, seed=task.seed, proposals=proposals)


def _value(value: Matrix, seating: Seating) -> float:
    met = {pair for _, _, people in tables_of(seating) for pair in combinations(people, 2)}
    return float(sum(value[pair] for pair in met))
