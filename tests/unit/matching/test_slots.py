"""Meetings of two: nobody twice, nobody left out whom there is somebody for, rests in turn."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.pair_program import bound
from services.matching.domain.proof import prove
from services.matching.domain.seating_problem import NOWHERE, Problem, Seating
from services.matching.domain.settings import Weights
from services.matching.domain.slots import pair_up


def problem(people: int, rounds: int, seed: int = 0) -> Problem:
    generator = np.random.default_rng(seed)
    drawn = generator.uniform(0, 60, (people, people)).astype(np.float32)
    worth = (drawn + drawn.T) / 2
    np.fill_diagonal(worth, 0)
    tables = -(-people // 2)
    chairs = np.full((rounds, tables), 2, dtype=np.int32)
    chairs[:, -1] -= people % 2
    nobody = np.full((rounds, people), NOWHERE, dtype=np.int32)
    flags = np.zeros(people, dtype=np.bool_)
    return Problem(
        worth=worth,
        blocked=np.zeros((people, people), dtype=np.bool_),
        good=worth >= 25,
        newcomer=flags,
        small=flags,
        present=np.ones((rounds, people), dtype=np.bool_),
        seats=np.full((rounds, tables), 2, dtype=np.int32),
        chairs=chairs,
        pinned=nobody,
        published=nobody,
        frozen=np.zeros(rounds, dtype=np.bool_),
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(4, 24), st.integers(1, 3), st.integers(0, 1000), st.booleans())
def test_rules_hold_for_any_size_and_presence(people: int, rounds: int, seed: int, some_absent: bool) -> None:
    given_ = problem(people, rounds, seed)
    generator = np.random.default_rng(seed)
    blocked = np.triu(generator.random((people, people)) < 0.05, 1)
    present = generator.random((rounds, people)) < (0.8 if some_absent else 2)
    given_ = replace(given_, blocked=blocked | blocked.T, present=present)
    seating = pair_up(given_)
    met = set()
    for r in range(rounds):
        for k in range(given_.seats.shape[1]):
            at = np.flatnonzero(seating.table[r] == k).tolist()
            assert len(at) in (0, 2)
            if at:
                assert tuple(at) not in met
                assert not given_.blocked[at[0], at[1]]
                met.add(tuple(at))
    assert not (~present & (seating.table != NOWHERE)).any()


def test_everybody_rests_at_most_once_where_that_is_possible() -> None:
    given_ = problem(9, 5)
    seating = pair_up(given_)
    assert ((seating.table == NOWHERE).sum(axis=0) <= 1).all()
    assert prove(given_, seating, Weights()).violations == ()
    assert prove(given_, seating, Weights()).resting == 5


def test_pairs_are_nearly_as_good_as_can_be() -> None:
    given_ = problem(60, 4)
    proof = prove(given_, pair_up(given_), Weights())
    assert proof.violations == ()
    assert proof.value >= 0.995 * bound(given_.worth, np.full(60, 4))[0]


def test_people_who_are_the_same_texts_over_and_over_all_meet_and_well() -> None:
    given_ = problem(144, 3)
    text = np.arange(144) % 12
    drawn = np.random.default_rng(1).gamma(2, 10, (12, 12))
    worth = ((drawn + drawn.T) / 2)[np.ix_(text, text)].astype(np.float32)
    np.fill_diagonal(worth, 0)
    given_ = replace(given_, worth=worth, good=worth >= 25)
    seating = pair_up(given_)
    proof = prove(given_, seating, Weights())
    assert proof.violations == ()
    assert proof.value >= 0.995 * proof.bound > 0
    assert proof.bound < 0.995 * bound(worth, np.full(144, 3))[0], "descent alone stops above"
    assert (pair_up(given_).table == seating.table).all(), "the same again"


def test_who_is_left_over_by_the_best_partners_meets_others() -> None:
    """A third may only meet the rest, and all of them would like the same best."""
    given_ = problem(90, 2)
    worth = given_.worth + np.float32(40) * (np.arange(90) >= 80)
    worth = np.maximum(worth, worth.T)
    np.fill_diagonal(worth, 0)
    blocked = np.zeros((90, 90), dtype=np.bool_)
    blocked[:30, :30] = True
    given_ = replace(given_, worth=worth, blocked=blocked)
    assert (pair_up(given_).table != NOWHERE).all()


def test_the_few_who_are_there_meet_though_they_are_nobodys_best() -> None:
    given_ = problem(100, 2)
    few = np.isin(np.arange(100), (3, 50, 77, 98))
    worth = np.where(few[:, None] & few, 1, given_.worth).astype(np.float32)
    present = np.vstack([few, given_.present[1]])
    table = pair_up(replace(given_, worth=worth, present=present)).table
    assert (table[0, few] != NOWHERE).all()


def test_a_missing_person_changes_few_pairs() -> None:
    given_ = problem(40, 3)
    first = pair_up(given_).table
    present = given_.present.copy()
    present[1:, :2] = False
    frozen = np.array([True, False, False])
    again = pair_up(
        replace(given_, present=present, published=np.where(present, first, NOWHERE), frozen=frozen), 15.0
    ).table
    assert (again[0] == first[0]).all()
    assert (again != first)[1:, 2:].sum() <= 12


def test_pinned_people_meet_at_their_table() -> None:
    given_ = problem(12, 2)
    pinned = given_.pinned.copy()
    pinned[1, [3, 7]] = 5
    pinned[0, 2] = 4
    seating = pair_up(replace(given_, pinned=pinned))
    assert seating.table[1, 3] == seating.table[1, 7] == 5
    assert seating.table[0, 2] == 4
    assert prove(replace(given_, pinned=pinned), seating, Weights()).violations == ()


@pytest.mark.parametrize(("people", "resting"), [(2, 2), (3, 3)])
def test_more_rounds_than_others_are_told_as_such(people: int, resting: int) -> None:
    rounds = people if people % 2 else people - 1
    given_ = problem(people, rounds + 1)
    assert prove(given_, pair_up(given_), Weights()).violations == (
        f"round {rounds + 1}: {resting} people rest: all who may meet have met",
    )
    idle = Seating(np.full((rounds + 1, people), NOWHERE, dtype=np.int32))
    assert "present are not seated" in prove(given_, idle, Weights()).violations[0]


def test_everybody_at_once_for_as_many_rounds_as_there_are_others() -> None:
    given_ = problem(8, 3)
    assert (pair_up(given_).table != NOWHERE).all()
