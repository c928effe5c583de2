"""Why a plan breaks a rule, as far as counting shows it, and what would help. For the organiser; it names nobody.

Whatever is said here holds for every seating with as many chairs at each table, but for `pins`, which only may help. That
pins bring two together who must not meet is not said: of two pins it would tell who is kept from whom.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.seating_problem import NOWHERE, Problem

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Cause:
    """One reason. Its kind has words on the organiser's pages, into which the counts go."""

    kind: str
    counts: Mapping[str, int]
    remedies: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Changes, each by its kind, that counting has nothing against. Any one will do."""


def causes(problem: Problem, tables: Sequence[tuple[int, int, list[int]]]) -> tuple[Cause, ...]:
    """Of the rules that these (round, table, people) break."""
    seen: set[tuple[int, int]] = set()
    again = lone = False
    apart = set()
    several = (problem.present & problem.newcomer).sum(axis=1) > 1
    for r, _, people in tables:
        pairs = set(combinations(people, 2))
        again = again or not seen.isdisjoint(pairs)
        seen |= pairs
        if problem.frozen[r]:
            continue
        lone = lone or bool(len(people) > 2 and several[r] and problem.newcomer[people].sum() == 1)
        if any(problem.blocked[pair] for pair in pairs):
            apart.add(r)
    return (
        *(_repeats(problem) if again else ()),
        *(_newcomers(problem, several) if again or lone else ()),
        *(_pinned_newcomers(problem, several) if lone else ()),
        *(cause for r in sorted(apart) for cause in _apart(problem, r)),
    )


def _least(problem: Problem) -> NDArray[np.int64]:
    """[R, K] fewest people who can sit at each table: chairs that stay empty could all be there; 0 where it is not used."""
    spare = (problem.chairs.sum(axis=1) - problem.present.sum(axis=1)).clip(0)
    least: NDArray[np.int64] = (problem.chairs - spare[:, None]).clip(0).astype(np.int64)
    return least


def _repeats(problem: Problem) -> Iterator[Cause]:
    held = Counter(
        pair
        for row in problem.pinned
        for table in set(row.tolist()) - {NOWHERE}
        for pair in combinations(np.flatnonzero(row == table).tolist(), 2)
    )
    if pairs := sum(times > 1 for times in held.values()):
        yield Cause("pinned_again", {"pairs": pairs})
    found = list(_too_few(problem, problem.rounds))
    if found:
        found[-1] = replace(found[-1], remedies=_other_tables(problem) | _fewer_rounds(problem))
    yield from found


def _too_few(problem: Problem, rounds: int) -> Iterator[Cause]:
    """What lets nobody meet new people only, in the first so many rounds."""
    present, least = problem.present[:rounds], _least(problem)[:rounds]
    used = (problem.chairs[:rounds] > 0).sum(axis=1)
    for r, q in permutations(range(rounds), 2):
        stay = int(least[r].max(initial=0)) - int((present[r] & ~present[q]).sum())
        if stay > used[q]:  # pigeonholes: the people of one table at fewer tables
            yield Cause("few_tables", {"people": stay, "tables": int(used[q])})
            break
    wanted, others, allowed = _to_meet(problem, rounds)
    if (lacking := wanted - others).max(initial=0) > 0:
        most = int(lacking.argmax())
        yield Cause("few_people", {"seats": int(wanted[most]), "others": int(others[most])})
    elif people := int((wanted > allowed).sum()):
        yield Cause("few_allowed", {"people": people})


def _to_meet(problem: Problem, rounds: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each person: fewest seats beside them, others who are there when they are, and those of them whom they may meet."""
    present, least = problem.present[:rounds], _least(problem)[:rounds]
    smallest = np.where(problem.chairs[:rounds] > 0, least, least.max()).min(axis=1)
    here = present.astype(np.float32)
    together = here.T @ here > 0
    np.fill_diagonal(together, False)
    wanted: NDArray[np.int64] = (present * (smallest - 1).clip(0)[:, None]).sum(axis=0)
    return wanted, together.sum(axis=1), (together & ~problem.blocked).sum(axis=1)


def _other_tables(problem: Problem) -> dict[str, dict[str, int]]:
    """Fewest tables, more than now, of as many people each, at which all could meet new people in every round."""
    people, used = int(problem.present.sum(axis=1).max()), int((problem.chairs > 0).sum(axis=1).max())
    allowed = int(_to_meet(problem, problem.rounds)[2][problem.present.any(axis=0)].min(initial=people))
    for tables in range(used + 1, people // 2 + 1):
        seats = -(-people // tables)
        if seats <= tables and problem.rounds * (people // tables - 1) <= allowed:
            return {"other_tables": {"tables": tables, "seats": seats}}
    return {}


def _fewer_rounds(problem: Problem) -> dict[str, dict[str, int]]:
    """Most rounds, fewer than now and more than one, in which that is possible at the tables as they are."""
    rounds = next((r for r in range(problem.rounds - 1, 1, -1) if not any(_too_few(problem, r))), None)
    return {} if rounds is None else {"fewer_rounds": {"rounds": rounds}}


def _newcomers(problem: Problem, several: Mask) -> Iterator[Cause]:
    """Where a newcomer has fewer others for company than rounds in which one is needed."""
    least = _least(problem)
    large = np.array([row[chairs > 0].min(initial=3) > 2 for row, chairs in zip(least, problem.chairs, strict=True)])
    needy = problem.present[several & large & ~problem.frozen][:, problem.newcomer]
    rounds = needy.sum(axis=0)
    together = needy.T.astype(np.float32) @ needy.astype(np.float32) > 0
    others = together.sum(axis=1) - (rounds > 0)
    lacking = rounds - others
    if lacking.max(initial=0) > 0:
        most = int(lacking.argmax())
        fewer = {"fewer_rounds": {"rounds": int(others[most])}} if others[most] > 1 else {}
        yield Cause(
            "few_newcomers",
            {"newcomers": int(others[most]) + 1, "rounds": int(rounds[most]), "needed": int(rounds[most]) + 1},
            {"more_newcomers": {"newcomers": int(lacking[most])}, **fewer},
        )


def _pinned_newcomers(problem: Problem, several: Mask) -> Iterator[Cause]:
    """Where every newcomer is pinned, and one of them alone to a table of more than two."""
    least = _least(problem)
    for r in np.flatnonzero(several & ~problem.frozen).tolist():
        pinned = problem.pinned[r][problem.present[r] & problem.newcomer]
        tables, newcomers = np.unique(pinned, return_counts=True)
        if NOWHERE not in tables and (least[r][tables[newcomers == 1]] > 2).any():
            yield Cause("pinned_newcomers", {"round": r + 1})


def _apart(problem: Problem, r: int) -> Iterator[Cause]:
    """Why two sit together in a round who must not."""
    here = np.flatnonzero(problem.present[r])
    blocked = problem.blocked[np.ix_(here, here)].copy()
    np.fill_diagonal(blocked, False)
    tables = int((problem.seats[r] > 0).sum())
    together = _all_apart(blocked)
    if together > tables:
        yield Cause("few_tables_apart", {"round": r + 1, "tables": tables}, {"more_tables": {"tables": together}})
    least = _least(problem)[r][problem.chairs[r] > 0]
    allowed = len(here) - int(blocked.sum(axis=1).max(initial=0))  # and the one of whom it is asked
    if allowed < least.min():
        yield Cause("few_beside", {"round": r + 1}, {"smaller_tables": {"seats": allowed}} if allowed > 1 else {})
    if pins := int((problem.pinned[r] != NOWHERE).sum()):
        yield Cause("pins", {"round": r + 1, "pins": pins})


def _all_apart(blocked: Mask) -> int:
    """How many people there are at least of whom no two may meet: taken one by one, whom most are kept from first."""
    group: list[int] = []
    for person in np.argsort(-blocked.sum(axis=1), kind="stable").tolist():
        if blocked[person, group].all():
            group.append(person)
    return len(group)


def as_json(found: Iterable[Cause]) -> list[dict[str, object]]:
    """As they are stored and shown."""
    return [{"kind": each.kind, "counts": dict(each.counts), "remedies": dict(each.remedies)} for each in found]
