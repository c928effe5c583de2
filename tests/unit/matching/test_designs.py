"""Designs repeat nobody, and saturated gatherings get them."""

from itertools import combinations

import numpy as np
import pytest

from services.matching.domain.design_seating import seat_by_design
from services.matching.domain.designs import design, is_saturated
from services.matching.domain.proof import prove
from services.matching.domain.seating_problem import NOWHERE, Problem, even_chairs
from services.matching.domain.settings import Weights

# Most rounds known, for 3 seats and up, at up to 10 tables: Miller, Valkov, Abel, "Combinatorial solutions to the social
# golfer problem and the social golfer problem with adjacent group sizes", Symmetry 18 (2026) 269, appendix B; up to 7-4
# also OEIS A107431. Two people of one table need two tables in the next round, so seats > tables allows one round only.
KNOWN = {
    3: [4],
    4: [4, 5],
    5: [7, 5, 6],
    6: [8, 7, 6, 3],
    7: [10, 9, 7, 7, 8],
    8: [11, 10, 8, 8, 8, 9],
    9: [13, 11, 9, 9, 9, 9, 10],
    10: [14, 13, 9, 7, 7, 5, 5, 4],
}
CASES = [(tables, seats, most) for tables, row in KNOWN.items() for seats, most in enumerate(row, start=3)]


@pytest.mark.parametrize(("tables", "seats", "rounds"), CASES)
def test_a_design_of_as_many_rounds_as_are_known_repeats_nobody(tables: int, seats: int, rounds: int) -> None:
    made = design(tables, seats, rounds)
    assert made is not None
    assert made.shape == (rounds, tables, seats)
    met: set[tuple[int, int]] = set()
    for numbers in made:
        assert sorted(numbers.ravel().tolist()) == list(range(tables * seats))
        for table in numbers:
            pairs = set(combinations(sorted(table.tolist()), 2))
            assert not pairs & met
            met |= pairs


def test_nothing_is_promised_beyond_what_is_known() -> None:
    for tables, seats, rounds in CASES:
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
    ("people", "tables", "seats", "rounds"),
    [(32, 8, 4, 10), (31, 8, 4, 10), (30, 8, 4, 9), (17, 6, 3, 8), (21, 7, 3, 10), (39, 10, 4, 13), (98, 10, 10, 4)],
)
def test_a_saturated_gathering_repeats_nobody(people: int, tables: int, seats: int, rounds: int) -> None:
    given = problem(people, tables, seats, rounds)
    assert is_saturated(people, seats, rounds)
    seating = seat_by_design(given, Weights(), 1)
    assert seating is not None
    assert prove(given, seating, Weights()).violations == ()
    for r in range(rounds):  # the empty seats are at tables of their own
        at = np.bincount(seating.table[r], minlength=tables)
        assert at.max() - at.min() <= 1


@pytest.mark.parametrize(("people", "tables", "seats", "rounds"), [(32, 8, 4, 3), (100, 10, 10, 3), (50, 10, 5, 6)])
def test_a_gathering_with_room_is_left_to_the_search(people: int, tables: int, seats: int, rounds: int) -> None:
    assert seat_by_design(problem(people, tables, seats, rounds), Weights(), 1) is None
