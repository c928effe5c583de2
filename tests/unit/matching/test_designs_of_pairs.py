"""Meetings of two in which everybody is to meet everybody."""

from itertools import combinations

import numpy as np
import pytest

from services.matching.domain.designs import design
from services.matching.domain.people import Person
from services.matching.domain.plan import Task, make_plan
from shared.platform.ids import derived


@pytest.mark.parametrize("tables", range(1, 11))
def test_everybody_meets_everybody_once(tables: int) -> None:
    made = design(tables, 2, 2 * tables - 1)
    assert made is not None
    for numbers in made:
        assert sorted(numbers.ravel().tolist()) == list(range(2 * tables))
    met = [tuple(sorted(pair)) for numbers in made.tolist() for pair in numbers]
    assert sorted(met) == list(combinations(range(2 * tables), 2))
    assert design(tables, 2, 2 * tables) is None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("people", [9, 10, 14])
def test_a_plan_for_all_meetings_of_two_leaves_nobody_over(people: int, seed: int) -> None:
    # The best pairs first would leave the last rounds people who have met already, for most of these seeds.
    points = np.random.default_rng(seed).uniform(0, 60, (people, people))
    guests = tuple(
        Person(derived("registration", number), derived("person", number), "partner_search") for number in range(people)
    )
    wanted = {
        (guests[i].registration_id, guests[j].registration_id): points[i, j] for i, j in combinations(range(people), 2)
    }
    tables = (people + 1) // 2
    task = Task(guests, 2 * tables - 1, (2,) * tables, (), seed, 1000, pair_points=wanted, introductions=False)
    result = make_plan(task)
    assert result.proof.violations == ()
    met = [
        frozenset((one, other))
        for one, other in combinations(result.seats, 2)
        if set(result.seats[one]) & set(result.seats[other])
    ]
    assert len(met) == people * (people - 1) // 2
