"""From what the organiser asks for to a problem with chairs: what cannot be had is said, never dropped in silence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.fit import Matrix
from services.matching.domain.people import Person
from services.matching.domain.seating_problem import NOWHERE, NoPlan, Problem, even_chairs, kept_chairs, tables_apart
from services.matching.domain.settings import Weights

MOST_TABLES = 1_000  # that may be numbered (`shared.contracts.matched.Seat`)
USUAL_TABLE = 4  # people, or a few more, where the organiser names no tables (docs/decisions/0011)


@dataclass(frozen=True)
class Request:
    """A task in indices; rounds and tables from 0. Meanings as in `plan.Task`."""

    people: Sequence[Person]
    value: Matrix
    blocked: NDArray[np.bool_]
    present: NDArray[np.bool_]
    tables: Sequence[int]
    published: NDArray[np.int32]
    frozen: NDArray[np.bool_]
    pins: Sequence[tuple[int, int, int]]
    closed: set[tuple[int, int]]
    small: NDArray[np.bool_]


def problem_of(request: Request, weights: Weights) -> tuple[Problem, list[str]]:
    """The seating problem, and what of the request cannot be kept, in words. Raises `NoPlan`."""
    frozen = request.frozen
    present = np.where(frozen[:, None], request.published != NOWHERE, request.present)
    most = int(present.sum(axis=1).max(initial=0))
    if most < 2:
        raise NoPlan("nobody is there to meet: every round has fewer than two people")
    apart = [min(tables_apart(request.blocked[np.ix_(here, here)]), int(here.sum())) for here in present]
    tables, least = list(request.tables), apart
    if not tables:
        usual = [max(int(here.sum()) // USUAL_TABLE, 1) for here in present]
        least = [min(max(each), MOST_TABLES) for each in zip(apart, usual, strict=True)]
        # Twice as many seats, so that whoever walks in finds one.
        tables = [max(2 * USUAL_TABLE, -(-most // MOST_TABLES))] * max(least)
    if min(tables) < 1:
        raise NoPlan("a table needs at least one seat")
    count = max(len(tables), int(request.published.max(initial=NOWHERE)) + 1)
    seats = np.zeros((len(frozen), count), dtype=np.int32)
    seats[:, : len(tables)] = tables
    for r, k in request.closed:
        if 0 <= r < len(frozen) and 0 <= k < count and not frozen[r]:
            seats[r, k] = 0
    pinned, notes = _pins(request, present, seats)
    chairs = np.zeros_like(seats)
    for r in range(len(frozen)):
        laid = np.bincount(request.published[r][request.published[r] != NOWHERE], minlength=count)
        held = np.bincount(pinned[r][pinned[r] != NOWHERE], minlength=count)
        here = int(present[r].sum())
        try:
            if frozen[r]:
                chairs[r] = laid
                seats[r] = np.maximum(seats[r], laid)
            elif (laid > 0).sum() >= min(apart[r], (seats[r] > 0).sum()) and laid.any():
                chairs[r] = kept_chairs(here, list(seats[r]), list(np.maximum(laid, held)))
                seats[r] = np.maximum(seats[r], chairs[r])
            else:
                chairs[r] = even_chairs(here, list(seats[r]), list(held), least[r])
        except NoPlan as error:
            raise NoPlan(f"round {r + 1}: {error}") from None
    published = np.where((request.published != NOWHERE) & (present | frozen[:, None]), request.published, NOWHERE)
    return (
        Problem(
            worth=_worth(request, weights),
            blocked=request.blocked,
            good=(request.value >= weights.good) & ~request.blocked & ~np.eye(len(request.people), dtype=np.bool_),
            newcomer=np.array([person.newcomer for person in request.people]),
            small=request.small,
            present=present,
            seats=seats,
            chairs=chairs,
            pinned=pinned,
            published=published.astype(np.int32),
            frozen=frozen,
        ),
        notes,
    )


def _pins(
    request: Request, present: NDArray[np.bool_], seats: NDArray[np.int32]
) -> tuple[NDArray[np.int32], list[str]]:
    """[R, n] pinned tables, and the pins that contradict another rule."""
    pinned = np.full(present.shape, NOWHERE, dtype=np.int32)
    notes = []
    for r, p, k in request.pins:
        where = f"round {r + 1}, table {k + 1}: "
        if not (0 <= r < present.shape[0] and 0 <= k < seats.shape[1] and p != NOWHERE):
            notes.append(where + "a pin names a round, table or person that does not exist")
        elif request.frozen[r]:
            continue  # over or running: seats stay as they are
        elif not present[r, p]:
            notes.append(where + "somebody is pinned who is not there")
        elif pinned[r, p] not in (NOWHERE, k):
            notes.append(where + f"somebody is pinned to table {pinned[r, p] + 1} already")
        elif seats[r, k] == 0:
            notes.append(where + "somebody is pinned to a closed table")
        elif (pinned[r] == k).sum() >= seats[r, k] and pinned[r, p] != k:
            notes.append(where + f"more people are pinned than its {seats[r, k]} seats")
        else:
            pinned[r, p] = k
    return pinned, sorted(set(notes))


def _worth(request: Request, weights: Weights) -> Matrix:
    """Value of a pair at a table: its value, less what unevenly spread industries and sizes cost."""

    def same(values: Sequence[str]) -> NDArray[np.bool_]:
        codes = np.array(values)
        return (codes[:, None] == codes[None, :]) & (codes != "")[:, None]

    worth = (
        request.value
        + weights.same_industry_at_table * same([person.industry for person in request.people])
        + weights.same_size_at_table * same([person.company_size for person in request.people])
    ).astype(np.float32)
    np.fill_diagonal(worth, 0)
    return worth
