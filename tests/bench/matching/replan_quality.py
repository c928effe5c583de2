"""`python -m tests.bench.matching.replan_quality [people ...]`: round 1 is over, 7 % have left, 3 % have walked in.

Value against seating the same people anew without regard to what is published, seats changed of those who stayed, and
rules broken; beside it the published plan merely patched (free chairs filled in order).
"""

import sys
import time
from dataclasses import replace

import numpy as np

from services.matching.domain import seating
from services.matching.domain.proof import prove
from services.matching.domain.seating import seat
from services.matching.domain.seating_problem import NOWHERE, Problem, even_chairs, kept_chairs
from services.matching.domain.settings import Weights
from tests.bench.matching.instances import GOOD, problem

WEIGHTS = Weights(good=GOOD)
LOOKS = {200: 3_500_000, 1000: 1_500_000, 2000: 1_100_000}  # a CPU second at most
ANEW = 20_000_000


def main(arguments: list[str]) -> None:
    seating.warm()
    print("| people | way | CPU s | % of seating anew | seats changed, % | rules broken |")
    print("|---|---|---|---|---|---|")
    for people in [int(each) for each in arguments] or [200, 1000, 2000]:
        given, anew = _disturbed(people)
        best = prove(anew, seat(anew, WEIGHTS, seed=2, proposals=ANEW), WEIGHTS)
        ours = [(f"ours, seed {seed}", LOOKS.get(people, 2_000_000), seed) for seed in (3, 4, 5)]
        for name, looks, seed in [("patched", 0, 3), *ours]:
            started = time.process_time()
            made = seat(given, WEIGHTS, seed=seed, proposals=looks)
            spent = time.process_time() - started
            stayed = (given.present & (given.published != NOWHERE))[1:]
            changed = ((made.table != given.published)[1:] & stayed).sum() / stayed.sum()
            proof = prove(given, made, WEIGHTS)
            print(
                f"| {people} | {name} | {spent:.2f} | {100 * proof.value / best.value:.2f} | {100 * changed:.1f}"
                f" | {len(proof.violations)} |",
                flush=True,
            )


def _disturbed(people: int) -> tuple[Problem, Problem]:
    """The evening after round 1, with the published plan and without it."""
    walk_in = round(0.03 * people)
    whole = problem(people + walk_in)
    tables = whole.seats.shape[1]
    present = np.ones((3, people + walk_in), dtype=np.bool_)
    present[:, people:] = False
    chairs = np.array([even_chairs(people, [4] * tables)] * 3, dtype=np.int32)
    first = seat(replace(whole, present=present, chairs=chairs), WEIGHTS, seed=1, proposals=ANEW)
    left = np.random.default_rng(5).permutation(people)[: round(0.07 * people)]
    present = present.copy()
    present[1:, people:] = True
    present[1:, left] = False
    published = np.where(present, first.table, NOWHERE).astype(np.int32)
    laid = chairs.copy()
    here = int(present[1].sum())
    for r in (1, 2):
        laid[r] = kept_chairs(here, [4] * tables, list(chairs[r]))
    frozen = np.array([True, False, False])
    given = replace(whole, present=present, published=published, frozen=frozen, chairs=laid)
    even = np.array([chairs[0], *[even_chairs(here, [4] * tables)] * 2], dtype=np.int32)
    only_first = np.where(frozen[:, None], published, NOWHERE).astype(np.int32)
    return given, replace(given, published=only_first, chairs=even)


if __name__ == "__main__":
    main(sys.argv[1:])
