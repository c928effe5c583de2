"""`python -m tests.bench.matching.golfer`: rounds without a repeat, by stored designs and by searching.

No more than (people - 1) / (seats - 1) rounds can do without. Whatever is too few rounds for a design is searched: here
the most of them.
"""

from collections import Counter
from itertools import combinations

import numpy as np

from services.matching.domain.designs import is_saturated, longest
from services.matching.domain.proof import tables_of
from services.matching.domain.seating import seat
from services.matching.domain.seating_problem import NOWHERE, Problem
from services.matching.domain.settings import Weights
from tests.unit.matching.test_designs import CASES

PROPOSALS = 5_000_000


def main() -> None:
    print("| tables-seats | rounds by design | best known | no more than | searched rounds | repeats when searched |")
    print("|---|---|---|---|---|---|")
    for tables, seats, known in CASES:
        people = tables * seats
        made = longest(tables, seats)
        designed = 0 if made is None else len(made)
        most = (people - 1) // (seats - 1)
        searched = max(rounds for rounds in range(1, known + 1) if not is_saturated(people, seats, rounds))
        row = f"{tables}-{seats} | {designed} | {known} | {most} | {searched} | {_repeats(tables, seats, searched)}"
        print(f"| {row} |", flush=True)


def _repeats(tables: int, seats: int, rounds: int) -> int:
    seated = seat(_flat(tables, seats, rounds), Weights(shortfall=0.0), seed=1, proposals=PROPOSALS)
    times = Counter(pair for _, _, here in tables_of(seated) for pair in combinations(here, 2))
    return sum(count - 1 for count in times.values())


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
