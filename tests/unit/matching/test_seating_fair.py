"""Good meetings are shared out: nobody goes short who need not."""

from dataclasses import replace

import numpy as np

from services.matching.domain import seating
from services.matching.domain.proof import prove
from services.matching.domain.seating import seat
from services.matching.domain.settings import Weights
from tests.unit.matching.test_seating import problem

WEIGHTS = Weights()


def test_fairness_leaves_nobody_short_who_need_not_be() -> None:
    given = problem(32, (4,) * 8, rounds=3, seed=3)
    given = replace(given, good=given.worth >= 40)
    short = {
        points: prove(
            given, seat(given, replace(WEIGHTS, shortfall=points), seed=1, proposals=300_000), WEIGHTS
        ).avoidable
        for points in (0.0, WEIGHTS.shortfall)
    }
    assert short[0.0] > 0
    assert short[WEIGHTS.shortfall] == 0


def test_whoever_has_few_good_partners_looks_for_those() -> None:
    given = problem(40, (4,) * 10, rounds=3, seed=3)
    worth, good = given.worth.copy(), np.zeros_like(given.good)
    worth[0, 1:], worth[1:, 0] = 30, 30  # anybody is worth more than the three who count
    worth[0, 37:], worth[37:, 0] = 20, 20
    good[0, 37:] = good[37:, 0] = True
    given = replace(given, worth=worth, good=good)
    for points, looked_for in ((0.0, 0), (WEIGHTS.shortfall, 3)):
        _, partners = seating._partners(given, replace(WEIGHTS, shortfall=points))
        assert np.isin([37, 38, 39], partners[0]).sum() == looked_for
