"""What only an organiser who asks for it needs to know of a plan: a tight bound, and what each rule costs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.matching.domain.certificate import STEPS, certificate
from services.matching.domain.effects import Effect, effects
from services.matching.domain.fit import Matrix
from services.matching.domain.plan import Task, request_of
from services.matching.domain.proof import prove
from services.matching.domain.scoring import score
from services.matching.domain.seating_problem import NoPlan, Seating
from services.matching.domain.seating_request import problem_of


@dataclass(frozen=True)
class Audit:
    """How good the published seats are, beside the best that can be."""

    value: float
    """Points of all first meetings at the published seats, as the people and what is known of them are now."""
    bound: float | None
    """The clique linear program: no seats that keep the rules are worth more. None for tables too large to price."""
    effects: tuple[Effect, ...]


def audit(
    task: Task, progress: Callable[[str, float], None] = lambda step, share: None, extra_fit: Matrix | None = None
) -> Audit:
    """Audit the seats in `task.reference`. Seconds at 200 people, minutes at 1,000; what `progress` raises ends it.

    `extra_fit` as in `score`: the audit must measure by what the plan was made for.
    """
    progress("bound", 0)
    scored = score(task.people, task.weights, blocks=task.blocks, met_before=task.met_before, extra_fit=extra_fit)
    problem, _ = problem_of(request_of(task, scored), task.weights)
    value = prove(problem, Seating(problem.published), task.weights).value
    try:
        tight = certificate(problem, lambda step: progress("bound", step / STEPS))
    except NoPlan:
        tight = None
    fresh = replace(task, reference={})
    return Audit(value, tight, effects(fresh, progress=lambda share: progress("rules", share), scored=scored))
