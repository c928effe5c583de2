"""Good meetings are shared out: nobody goes short who need not."""

from dataclasses import replace

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
