"""Tables where the organiser names none: of four or a few more, as even as may be, and kept for those who walk in."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.people import Person
from services.matching.domain.seating_problem import NOWHERE
from services.matching.domain.seating_request import Request, problem_of
from services.matching.domain.settings import Weights
from shared.platform.ids import derived


def request(people: int, rounds: int = 3) -> Request:
    nobody = np.zeros((people, people), dtype=np.bool_)
    return Request(
        people=[
            Person(derived("registration", each), derived("person", each), "partner_search") for each in range(people)
        ],
        value=nobody.astype(np.float32),
        blocked=nobody,
        present=np.ones((rounds, people), dtype=np.bool_),
        tables=(),
        published=np.full((rounds, people), NOWHERE, dtype=np.int32),
        frozen=np.zeros(rounds, dtype=np.bool_),
        pins=[],
        closed=set(),
        small=nobody[0] if people else np.zeros(0, dtype=np.bool_),
    )


@given(st.integers(4, 300))
def test_from_four_people_on_nobody_sits_at_a_smaller_table(people: int) -> None:
    chairs = problem_of(request(people), Weights())[0].chairs
    assert (chairs.sum(axis=1) == people).all()
    assert chairs.min() >= 4
    assert chairs.max() - chairs.min() <= 1
    assert chairs.max() <= 5 or people < 12


@given(st.integers(4, 200), st.data())
def test_a_round_that_few_come_to_has_fewer_tables(people: int, data: st.DataObject) -> None:
    there = data.draw(st.integers(4, people))
    few = request(people)
    few.present[1, there:] = False
    chairs = problem_of(few, Weights())[0].chairs
    assert (chairs[1] > 0).sum() == there // 4
    assert chairs[1].sum() == there
    assert (chairs[0] > 0).sum() == people // 4


@given(st.integers(5, 200))
def test_one_more_person_takes_a_chair_and_the_tables_stay(people: int) -> None:
    """Also where one person more would make one table more."""
    told = problem_of(request(people - 1), Weights())[0].chairs
    seats = np.repeat(np.arange(told.shape[1], dtype=np.int32), told[0])
    more = request(people)
    more.published[:, : people - 1] = seats
    chairs = problem_of(more, Weights())[0].chairs[:, : told.shape[1]]
    assert chairs.sum() == 3 * people
    assert ((chairs - told).sum(axis=1) == 1).all()
    assert (chairs >= told).all()


def test_who_must_be_kept_apart_gets_as_many_tables_as_that_takes() -> None:
    apart = np.zeros((12, 12), dtype=np.bool_)
    apart[:5, :5] = ~np.eye(5, dtype=np.bool_)
    chairs = problem_of(replace(request(12), blocked=apart), Weights())[0].chairs
    assert ((chairs > 0).sum(axis=1) == 5).all()


@pytest.mark.parametrize("people", [4_003, 4_004, 8_001])
def test_there_are_no_more_tables_than_can_be_numbered(people: int) -> None:
    chairs = problem_of(request(people, rounds=1), Weights())[0].chairs
    assert chairs.shape == (1, min(people // 4, 1_000))
    assert chairs.sum() == people
    assert chairs.max() - chairs.min() <= 1
