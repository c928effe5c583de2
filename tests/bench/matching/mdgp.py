"""`python -m tests.bench.matching.mdgp FOLDER`: the maximally diverse grouping problem, beside the published best.

One round, equal groups, any pairwise distances: the public library mdgplib, one file an instance ("n k ss lower upper ...",
then "i j distance"). The files are not part of the project. Published values: three-phase search with dynamic population
size (Yang et al., EJOR 2022), best of 20 runs.
"""

import sys
import time
from pathlib import Path

import numpy as np

from services.matching.domain import seating
from services.matching.domain.proof import prove
from services.matching.domain.seating import seat
from services.matching.domain.seating_problem import NOWHERE, Problem
from services.matching.domain.settings import Weights

BEST = {
    "RanInt_n120_ss_01": 47909.0,
    "RanReal_n120_ss_02": 47243.161,
    "Geo_n120_ss_01": 101568.851,
    "RanInt_n240_ss_01": 155577.0,
    "RanReal_n240_ss_01": 155246.466,
    "Geo_n240_ss_01": 188824.786,
    "RanInt_n480_ss_01": 379953.0,
    "RanReal_n480_ss_01": 377946.020,
    "Geo_n480_ss_01": 551994.365,
}
LOOKS = {120: 2_000_000, 240: 3_000_000, 480: 6_000_000}  # looks at two groups; the paper allows 3, 20 and 120 s


def read(path: Path) -> Problem:
    """One instance as a seating problem of one round, whose worth is the distance."""
    head, *rows = path.read_text().split("\n")
    people, groups = (int(each) for each in head.split()[:2])
    worth = np.zeros((people, people), dtype=np.float32)
    for row in rows:
        if row.strip():
            i, j, distance = row.split()
            worth[int(i), int(j)] = worth[int(j), int(i)] = float(distance)
    laid = np.full((1, groups), people // groups, dtype=np.int32)
    nobody = np.full((1, people), NOWHERE, dtype=np.int32)
    none = np.zeros((people, people), dtype=np.bool_)
    return Problem(
        worth, none, none, none[0], none[0], ~none[:1], laid, laid, nobody, nobody, np.zeros(1, dtype=np.bool_)
    )


def main(arguments: list[str]) -> None:
    seating.warm()
    print("| instance | CPU s | ours | published best | % |")
    print("|---|---|---|---|---|")
    for path in sorted(Path(arguments[0]).glob("*_ss_*.txt")):
        if path.stem in BEST:
            given = read(path)
            started = time.process_time()
            made = seat(given, Weights(shortfall=0.0), seed=1, proposals=LOOKS[given.people])
            spent = time.process_time() - started
            proof = prove(given, made, Weights())
            assert not proof.violations
            value = proof.value
            share = 100 * value / BEST[path.stem]
            print(f"| {path.stem} | {spent:.1f} | {value:.1f} | {BEST[path.stem]:.1f} | {share:.3f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
