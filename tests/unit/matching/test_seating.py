"""Seats keep their rules, whatever is asked for; what cannot be kept is said."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.proof import prove, tables_of
from services.matching.domain.seating import seat
from services.matching.domain.seating_problem import NOWHERE, NoPlan, Problem, Seating, even_chairs, kept_chairs
from services.matching.domain.settings import Weights

WEIGHTS = Weights()


def problem(people: int, sizes: tuple[int, ...], rounds: int = 2, seed: int = 0, newcomers: float = 0.0) -> Problem:
    generator = np.random.default_rng(seed)
    drawn = generator.uniform(0, 60, (people, people)).astype(np.float32)
    worth = (drawn + drawn.T) / 2
    np.fill_diagonal(worth, 0)
    chairs = np.array([even_chairs(people, sizes)] * rounds, dtype=np.int32)
    nobody = np.full((rounds, people), NOWHERE, dtype=np.int32)
    return Problem(
        worth=worth,
        blocked=np.zeros((people, people), dtype=np.bool_),
        good=(worth >= 25) & ~np.eye(people, dtype=np.bool_),
        newcomer=generator.random(people) < newcomers,
        small=np.zeros(people, dtype=np.bool_),
        present=np.ones((rounds, people), dtype=np.bool_),
        seats=np.array([sizes] * rounds, dtype=np.int32),
        chairs=chairs,
        pinned=nobody,
        published=nobody.copy(),
        frozen=np.zeros(rounds, dtype=np.bool_),
    )


def seated(given: Problem, proposals: int = 50_000, seed: int = 1) -> Seating:
    return seat(given, WEIGHTS, seed=seed, proposals=proposals)


def test_seats_follow_the_tables() -> None:
    seating = seated(problem(10, (4, 3, 3)))
    assert sorted(len(people) for _, _, people in tables_of(seating)) == [3, 3, 3, 3, 4, 4]


def test_too_few_seats_is_a_reason() -> None:
    with pytest.raises(NoPlan, match="7 people for 6 seats"):
        even_chairs(7, (6,))
    with pytest.raises(NoPlan, match="9 people for 6 seats"):
        kept_chairs(9, (3, 3), (3, 3))


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 60), st.lists(st.integers(1, 8), min_size=1, max_size=12), st.data())
def test_chairs_are_even_and_fit(people: int, seats: list[int], data: st.DataObject) -> None:
    if people > sum(seats):
        return
    taken = [data.draw(st.integers(0, min(1, each))) for each in seats]
    if sum(taken) > people:
        return
    chairs = even_chairs(people, seats, taken)
    assert sum(chairs) == people
    assert all(held <= laid <= most for held, laid, most in zip(taken, chairs, seats, strict=True))
    if len(set(seats)) == 1 and not any(taken):
        used = [each for each in chairs if each]
        assert max(used) - min(used) <= 1


def test_tables_grow_by_one_for_people_who_walk_in() -> None:
    assert kept_chairs(6, (3, 3), (3, 2)) == [3, 3]
    assert sum(kept_chairs(8, (3, 3), (3, 3))) == 8
    assert kept_chairs(4, (0, 4), (3, 1)) == [0, 4], "a closed table"


@settings(deadline=None, max_examples=25)
@given(st.integers(4, 26), st.integers(2, 6), st.integers(1, 4), st.integers(0, 1000), st.data())
def test_rules_hold_for_any_presence_pins_and_frozen_rounds(
    people: int, size: int, rounds: int, seed: int, data: st.DataObject
) -> None:
    tables = -(-people // size)
    given_ = problem(people, (size,) * tables, rounds, seed, newcomers=0.4)
    generator = np.random.default_rng(seed)
    present = generator.random((rounds, people)) < 0.8
    chairs = np.zeros_like(given_.chairs)
    pinned = np.full_like(given_.pinned, NOWHERE)
    for r in range(rounds):
        here = np.flatnonzero(present[r])
        pinned[r, here[: data.draw(st.integers(0, min(len(here), size)))]] = data.draw(st.integers(0, tables - 1))
        held = np.bincount(pinned[r][pinned[r] >= 0], minlength=tables)
        chairs[r] = even_chairs(len(here), [size] * tables, held.tolist())
    asked = replace(given_, present=present, chairs=chairs, pinned=pinned)
    seating = seated(asked, 5_000, seed)
    assert ((seating.table != NOWHERE) == present).all()
    assert (seating.table[pinned != NOWHERE] == pinned[pinned != NOWHERE]).all()
    for r, k, found in tables_of(seating):
        assert len(found) <= size, (r, k)
    frozen = np.zeros(rounds, dtype=np.bool_)
    frozen[0] = True
    again = seated(replace(asked, published=seating.table, frozen=frozen), 5_000, seed + 1)
    assert (again.table[0] == seating.table[0]).all()


@settings(deadline=None, max_examples=10)
@given(st.integers(12, 30), st.integers(0, 1000))
def test_a_blocked_pair_is_never_seated(people: int, seed: int) -> None:
    given_ = problem(people, (4,) * -(-people // 4), 2, seed)
    blocked = np.triu(np.random.default_rng(seed).random((people, people)) < 0.15, 1)
    given_ = replace(given_, blocked=blocked | blocked.T, good=given_.good & ~(blocked | blocked.T))
    proof = prove(given_, seated(given_, 100_000), WEIGHTS)
    assert not [each for each in proof.violations if "must not meet" in each]


def test_the_same_seed_gives_the_same_seats() -> None:
    given_ = problem(24, (4,) * 6, 3, newcomers=0.3)
    assert (seated(given_).table == seated(given_).table).all()
    assert (seated(given_).table != seated(given_, seed=2).table).any()


def test_who_prefers_small_groups_sits_at_a_small_table() -> None:
    given_ = problem(14, (6, 4, 4), 1)
    flat = replace(given_, worth=np.zeros_like(given_.worth), good=np.zeros_like(given_.good))
    small = np.arange(14) < 5
    seating = seat(
        replace(flat, small=small, chairs=np.array([[6, 4, 4]], dtype=np.int32)), WEIGHTS, seed=1, proposals=50_000
    )
    assert not (seating.table[:, small] == 0).any()


def test_newcomers_are_welcomed_and_never_alone() -> None:
    given_ = problem(24, (4,) * 6, 1)
    newcomer = np.arange(24) < 8
    flat = replace(given_, newcomer=newcomer, worth=np.zeros_like(given_.worth), good=np.zeros_like(given_.good))
    counts = [int(newcomer[people].sum()) for _, _, people in tables_of(seated(flat))]
    assert all(count in (0, 2, 3) for count in counts)


def test_progress_is_heard_and_can_end_the_work() -> None:
    class Cancelled(Exception):
        pass

    heard: list[float] = []
    seat(problem(12, (4,) * 3), WEIGHTS, seed=1, proposals=3_000_000, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1

    def stop(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        seat(problem(12, (4,) * 3), WEIGHTS, seed=1, proposals=3_000_000, progress=stop)


def test_five_thousand_people_get_seats() -> None:
    given_ = problem(5_000, (6,) * 834, 1)
    seating = seated(given_, 1_000)
    assert (seating.table != NOWHERE).all()
