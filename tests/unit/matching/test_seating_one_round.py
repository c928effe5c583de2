"""One round at larger tables: the search of groups keeps every rule, finds what is hidden and can be stopped."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain import grouping
from services.matching.domain.proof import prove
from services.matching.domain.seating import seat
from services.matching.domain.seating_problem import NOWHERE, Problem
from services.matching.domain.settings import Weights

WEIGHTS = Weights(shortfall=0.0)  # where nobody can be short of good meetings, a long search keeps replicas


@pytest.fixture(scope="module", autouse=True, params=["one cooling", "replicas"])
def _long(request: pytest.FixtureRequest) -> Iterator[None]:
    """The searches here are short and so a single cooling, unless that is called long enough after a few looks."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "replicas":
            patch.setattr(grouping, "PLENTY", 200)
            patch.setattr(grouping, "BETWEEN", 1)
        yield


def problem(people: int, sizes: list[int], seed: int = 0) -> Problem:
    """Everybody there, tables of these sizes, worth by lot."""
    drawn = np.random.default_rng(seed).uniform(0, 60, (people, people)).astype(np.float32)
    worth = (drawn + drawn.T) / 2
    np.fill_diagonal(worth, 0)
    none = np.zeros((people, people), dtype=np.bool_)
    nobody = np.full((1, people), NOWHERE, dtype=np.int32)
    laid = np.array([sizes], dtype=np.int32)
    return Problem(
        worth, none, none, none[0], none[0], ~none[:1], laid, laid, nobody, nobody.copy(), np.zeros(1, dtype=np.bool_)
    )


def test_hidden_groups_are_found() -> None:
    given_ = problem(48, [8] * 6)
    group = np.random.default_rng(1).permutation(np.repeat(np.arange(6), 8))
    worth = given_.worth + 30 * (group[:, None] == group[None, :])
    np.fill_diagonal(worth, 0)
    table = seat(replace(given_, worth=worth.astype(np.float32)), WEIGHTS, seed=1, proposals=30_000).table[0]
    assert ((table[:, None] == table[None, :]) == (group[:, None] == group[None, :])).all()


def test_small_rounds_are_seated_as_well_as_can_be() -> None:
    given_ = problem(14, [7, 7], seed=3)
    inside = [
        sum(given_.worth[pair] for side in (one, set(range(14)) - {*one}) for pair in combinations(sorted(side), 2))
        for one in combinations(range(14), 7)
        if 0 in one
    ]
    proof = prove(given_, seat(given_, WEIGHTS, seed=1, proposals=20_000), WEIGHTS)
    assert proof.value == pytest.approx(max(inside), rel=1e-4)


@settings(deadline=None, max_examples=40)
@given(st.integers(8, 40), st.integers(7, 10), st.integers(0, 1000), st.data())
def test_rules_hold_with_empty_chairs_absence_and_pins(people: int, size: int, seed: int, data: st.DataObject) -> None:
    generator = np.random.default_rng(seed)
    tables = -(-people // size) + data.draw(st.integers(0, 1))
    given_ = problem(people, [size] * tables, seed)
    present = generator.random((1, people)) < 0.9
    pinned = np.full((1, people), NOWHERE, dtype=np.int32)
    for p in np.flatnonzero(present[0])[: data.draw(st.integers(0, size))]:
        pinned[0, p] = 0
    newcomer = generator.random(people) < 0.3
    good = (given_.worth > 40) & ~np.eye(people, dtype=np.bool_)
    asked = replace(given_, present=present, pinned=pinned, newcomer=newcomer, good=good, small=newcomer)
    weights = replace(WEIGHTS, shortfall=data.draw(st.sampled_from([0.0, 60.0])))
    table = seat(asked, weights, seed=seed, proposals=12_000).table
    assert ((table != NOWHERE) == present).all()
    assert (table[pinned != NOWHERE] == 0).all()
    assert (np.bincount(table[present], minlength=tables) <= size).all()


@settings(deadline=None, max_examples=10)
@given(st.integers(21, 35), st.integers(0, 1000))
def test_no_blocked_pair_and_no_lone_newcomer(people: int, seed: int) -> None:
    given_ = problem(people, [7] * 5, seed)
    generator = np.random.default_rng(seed)
    blocked = np.triu(generator.random((people, people)) < 0.1, 1)
    newcomer = generator.random(people) < 0.4
    given_ = replace(given_, blocked=blocked | blocked.T, newcomer=newcomer)
    assert not prove(given_, seat(given_, WEIGHTS, seed=seed, proposals=100_000), WEIGHTS).violations


def test_fairness_lifts_those_who_are_shortest() -> None:
    given_ = problem(64, [8] * 8)
    given_ = replace(given_, good=(given_.worth > 42) & ~np.eye(64, dtype=np.bool_))
    plain, fair = (
        prove(given_, seat(given_, replace(WEIGHTS, shortfall=each), seed=1, proposals=200_000), WEIGHTS)
        for each in (0.0, 60.0)
    )
    lacking = [sum(max(0, 3 - k) ** 2 * count for k, count in each.good_meetings.items()) for each in (plain, fair)]
    assert lacking[1] < lacking[0]


def test_the_same_seed_gives_the_same_groups() -> None:
    given_ = problem(40, [8] * 5)
    one, again, other = (seat(given_, WEIGHTS, seed=seed, proposals=20_000).table for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_progress_is_heard_and_can_end_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "CHUNK", 256)
    heard: list[float] = []
    seat(problem(16, [8, 8]), WEIGHTS, seed=1, proposals=10_000, progress=heard.append)
    assert heard == sorted(heard)
    assert len(heard) > 20
    assert heard[-1] == 1

    def stop(share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        seat(problem(16, [8, 8]), WEIGHTS, seed=1, proposals=10_000, progress=stop)


def test_people_without_any_worth_and_a_single_table_get_seats() -> None:
    for sizes in ([10, 10], [20], [7, 7, 7]):
        given_ = problem(20, sizes)
        flat = replace(given_, worth=np.zeros_like(given_.worth))
        assert (seat(flat, WEIGHTS, seed=1, proposals=5_000).table != NOWHERE).all()
