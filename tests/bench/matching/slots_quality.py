"""`python -m tests.bench.matching.slots_quality [people ...]`: five rounds of meetings of two, beside greedy."""

import sys
import time

import numpy as np

from services.matching.domain.proof import prove
from services.matching.domain.seating_problem import Seating
from services.matching.domain.settings import Weights
from services.matching.domain.slots import pair_up
from tests.bench.matching.instances import problem
from tests.bench.matching.peers import greedy

ROUNDS = 5


def main(arguments: list[str]) -> None:
    print("| people | way | CPU s | % of b-matching bound | meetings missing or twice |")
    print("|---|---|---|---|---|")
    for people in [int(each) for each in arguments] or [40, 200, 1000, 2000]:
        given = problem(people, 2, ROUNDS)
        for name, make in (("greedy", greedy), ("ours", pair_up)):
            started = time.process_time()
            made = make(given)
            spent = time.process_time() - started
            proof = prove(given, made, Weights())
            print(
                f"| {people} | {name} | {spent:.2f} | {100 * proof.value / proof.bound:.2f} | {_bad(made)} |",
                flush=True,
            )


def _bad(made: Seating) -> int:
    met = [
        tuple(np.flatnonzero(row == k))
        for row in made.table
        for k in range(int(row.max()) + 1)
        if (row == k).sum() == 2
    ]
    return int(made.table.shape[0]) * (int(made.table.shape[1]) // 2) - len(set(met))


if __name__ == "__main__":
    main(sys.argv[1:])
