"""Designs repeat nobody, and saturated gatherings get them."""

from itertools import combinations

import numpy as np
import pytest

from services.matching.domain.design_seating import seat_by_design
from services.matching.domain.designs import design, is_saturated, longest
from services.matching.domain.proof import prove
from services.matching.domain.seating_problem import NOWHERE, Problem, even_chairs
from services.matching.domain.settings import Weights

SIZES = [
    (tables, seats) for tables in range(2, 11) for seats in range(3, tables + 1) if longest(tables, seats) is not None
]
# Most rounds that anybody can have: (people - 1) / (seats - 1), reached here.
FULL = [
    (5, 3, 7),
    (8, 3, 11),
    (9, 3, 13),
    (10, 3, 14),
    (6, 4, 7),
    (7, 4, 9),
    (9, 4, 11),
    (4, 4, 5),
    (5, 5, 6),
    (7, 7, 8),
    (8, 8, 9),
    (9, 9, 10),
]


@pytest.mark.parametrize(("tables", "seats"), SIZES)
def test_a_design_seats_everybody_each_round_and_repeats_nobody(tables: int, seats: int) -> None:
    made = longest(tables, seats)
    assert made is not None
    met: set[tuple[int, int]] = set()
    for numbers in made:
        assert sorted(numbers.ravel().tolist()) == list(range(tables * seats))
        for table in numbers:
            pairs = set(combinations(sorted(table.tolist()), 2))
            assert not pairs & met
            met |= pairs


@pytest.mark.parametrize(("tables", "seats", "rounds"), FULL)
def test_full_designs_are_known(tables: int, seats: int, rounds: int) -> None:
    assert design(tables, seats, rounds) is not None
    assert rounds == (tables * seats - 1) // (seats - 1)
    assert design(tables, seats, rounds + 1) is None


def problem(people: int, tables: int, seats: int, rounds: int) -> Problem:
    generator = np.random.default_rng(people)
    drawn = generator.uniform(0, 60, (people, people)).astype(np.float32)
    worth = (drawn + drawn.T) / 2
    np.fill_diagonal(worth, 0)
    chairs = np.array([even_chairs(people, [seats] * tables)] * rounds, dtype=np.int32)
    nobody = np.full((rounds, people), NOWHERE, dtype=np.int32)
    return Problem(
        worth=worth,
        blocked=np.zeros((people, people), dtype=np.bool_),
        good=worth >= 25,
        newcomer=np.zeros(people, dtype=np.bool_),
        small=np.zeros(people, dtype=np.bool_),
        present=np.ones((rounds, people), dtype=np.bool_),
        seats=np.full((rounds, tables), seats, dtype=np.int32),
        chairs=chairs,
        pinned=nobody,
        published=nobody,
        frozen=np.zeros(rounds, dtype=np.bool_),
    )


@pytest.mark.parametrize(
    ("people", "tables", "seats", "rounds"), [(32, 8, 4, 9), (28, 7, 4, 9), (31, 8, 4, 9), (27, 9, 3, 13)]
)
def test_a_saturated_gathering_repeats_nobody(people: int, tables: int, seats: int, rounds: int) -> None:
    given = problem(people, tables, seats, rounds)
    assert is_saturated(people, seats, rounds)
    seating = seat_by_design(given, Weights(), 1)
    assert seating is not None
    assert prove(given, seating, Weights()).violations == ()


def test_a_gathering_with_room_is_left_to_the_search() -> None:
    assert seat_by_design(problem(32, 8, 4, 3), Weights(), 1) is None
