"""`python -m tests.bench.matching.golfer`: rounds without a repeat, by stored designs and by searching.

Known: most rounds that a repeat-free schedule can have at all, (people - 1) / (seats - 1).
"""

from collections import Counter
from itertools import combinations

import numpy as np

from services.matching.domain.designs import longest
from services.matching.domain.proof import tables_of
from services.matching.domain.seating import seat
from services.matching.domain.seating_problem import NOWHERE, Problem
from services.matching.domain.settings import Weights

SEARCHED = [(5, 4, 5), (8, 4, 7), (8, 4, 8), (8, 4, 9), (7, 4, 9), (10, 5, 6)]


def main() -> None:
    print("| tables | seats | rounds by design | no more than |")
    print("|---|---|---|---|")
    for seats in range(3, 11):
        for tables in range(seats, 11):
            if (made := longest(tables, seats)) is not None:
                print(f"| {tables} | {seats} | {len(made)} | {(tables * seats - 1) // (seats - 1)} |")
    print("\n| tables-seats-rounds | repeats when searched, 5 million looks |")
    print("|---|---|")
    for tables, seats, rounds in SEARCHED:
        made_seats = seat(_flat(tables, seats, rounds), Weights(shortfall=0.0), seed=1, proposals=5_000_000)
        times = Counter(pair for _, _, here in tables_of(made_seats) for pair in combinations(here, 2))
        print(f"| {tables}-{seats}-{rounds} | {sum(count - 1 for count in times.values())} |", flush=True)


def _flat(tables: int, seats: int, rounds: int) -> Problem:
    people = tables * seats
    laid = np.full((rounds, tables), seats, dtype=np.int32)
    nobody = np.full((rounds, people), NOWHERE, dtype=np.int32)
    none = np.zeros((people, people), dtype=np.bool_)
    return Problem(
        none.astype(np.float32), none, none, none[0], none[0], np.ones((rounds, people), dtype=np.bool_), laid, laid,
        nobody, nobody, np.zeros(rounds, dtype=np.bool_),
    )  # fmt: skip


if __name__ == "__main__":
    main()
