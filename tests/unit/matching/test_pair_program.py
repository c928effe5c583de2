"""The linear program of pairs: as good as over all pairs at once, a bound whatever happens, exact where people are alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from services.matching.domain.fit import Matrix
from services.matching.domain.pair_program import CLOSE, bound, solve_pairs


def alike(texts: int, people: int, seed: int) -> Matrix:
    """Worth among people of whom many wrote the same."""
    text = np.arange(people) % texts
    drawn = np.random.default_rng(seed).gamma(2, 10, (texts, texts))
    worth = ((drawn + drawn.T) / 2)[np.ix_(text, text)].astype(np.float32)
    np.fill_diagonal(worth, 0)
    return worth


def over_all_pairs(worth: Matrix, meetings: np.ndarray) -> float:
    one, other = np.nonzero(np.triu(worth, 1))
    whose = np.zeros((len(worth), len(one)))
    whose[one, np.arange(len(one))] = whose[other, np.arange(len(one))] = 1
    found = linprog(-worth[one, other], A_ub=whose, b_ub=meetings, bounds=(0, 1))
    assert found.success
    return float(-found.fun)


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 40), st.integers(1, 12), st.integers(0, 1000))
def test_it_is_the_program_over_all_pairs(people: int, texts: int, seed: int) -> None:
    worth = alike(texts, people, seed)
    meetings = np.random.default_rng(seed).integers(0, 5, people)
    solved, exact = solve_pairs(worth, meetings), over_all_pairs(worth, meetings)
    assert exact - 1e-3 <= solved.bound <= exact * (1 + 2 * CLOSE) + 1e-3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_goes_on_where_descent_stops(seed: int) -> None:
    worth, meetings = alike(12, 150, seed), np.full(150, 5)
    solved, exact = solve_pairs(worth, meetings), over_all_pairs(worth, meetings)
    assert exact - 1e-3 <= solved.bound <= exact * (1 + 2 * CLOSE)
    assert bound(worth, meetings)[0] > exact * 1.005


def test_nobody_has_more_than_their_meetings_and_no_pair_is_named_twice() -> None:
    meetings = np.random.default_rng(0).integers(0, 4, 120)
    pairs = solve_pairs(alike(120, 120, 1), meetings).pairs
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    assert (np.bincount(pairs.ravel(), minlength=120) <= 2 * meetings).all(), (
        "some are half: two at most for one meeting"
    )


@pytest.mark.parametrize("worth", [0.0, -3.0])
def test_where_nothing_is_worth_anything_the_bound_is_nothing(worth: float) -> None:
    solved = solve_pairs(np.full((5, 5), worth, dtype=np.float32), np.full(5, 2))
    assert (solved.bound, len(solved.pairs), solved.usual) == (0, 0, 1)
