"""`python -m tests.bench.matching.mdgp FOLDER [seed ...]`: maximally diverse grouping, beside the published values.

One round, any distances: the public library mdgplib, one file an instance ("n k ss|ds lower upper ...", then
"i j distance"). The files are not part of the project. Published values: best and average of 20 runs of the three-phase
search with dynamic population size (Yang et al., EJOR 2022), which may take 3, 20 and 120 s for 120, 240 and 480 people.
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

PUBLISHED = {
    "RanInt_n120_ss_01": (47909.0, 47909.0),
    "RanInt_n120_ds_01": (51146.0, 51075.85),
    "RanReal_n120_ss_02": (47243.161, 47197.482),
    "Geo_n120_ss_01": (101568.851, 101553.749),
    "Geo_n120_ds_01": (111867.794, 111831.560),
    "RanInt_n240_ss_01": (155577.0, 155440.2),
    "RanReal_n240_ss_01": (155246.466, 155041.877),
    "RanReal_n240_ds_01": (160219.447, 159974.220),
    "Geo_n240_ss_01": (188824.786, 188807.337),
    "RanInt_n480_ss_01": (379953.0, 379263.95),
    "RanReal_n480_ss_01": (377946.020, 377533.297),
    "Geo_n480_ss_01": (551994.365, 551968.128),
}
LOOKS = {120: 23_000_000, 240: 115_000_000, 480: 400_000_000}  # nine tenths of the limits


def read(path: Path) -> Problem:
    """One instance as a seating problem of one round, whose worth is the distance."""
    head, *rows = path.read_text().split("\n")
    people, groups = (int(each) for each in head.split()[:2])
    bounds = np.array(head.split()[3 : 3 + 2 * groups], dtype=np.int32).reshape(groups, 2)
    worth = np.zeros((people, people), dtype=np.float32)
    for row in rows:
        if row.strip():
            i, j, distance = row.split()
            worth[int(i), int(j)] = worth[int(j), int(i)] = float(distance)
    laid = np.array([most_pairs(people, bounds)], dtype=np.int32)
    nobody = np.full((1, people), NOWHERE, dtype=np.int32)
    none = np.zeros((people, people), dtype=np.bool_)
    return Problem(
        worth, none, none, none[0], none[0], ~none[:1], laid, laid, nobody, nobody, np.zeros(1, dtype=np.bool_)
    )


def most_pairs(people: int, bounds: np.ndarray) -> list[int]:
    """Sizes within the bounds that make the most pairs: with distances above zero, the sizes worth trying."""
    best: dict[int, tuple[int, list[int]]] = {0: (0, [])}
    for least, most in bounds.tolist():
        longer: dict[int, tuple[int, list[int]]] = {}
        for seated, (pairs, sizes) in best.items():
            for size in range(least, most + 1):
                more = pairs + size * (size - 1) // 2
                if more > longer.get(seated + size, (-1, []))[0]:
                    longer[seated + size] = (more, [*sizes, size])
        best = longer
    return best[people][1]


def main(arguments: list[str]) -> None:
    seating.warm()
    print("| instance | CPU s | ours | published best | % | published average, % |")
    print("|---|---|---|---|---|---|")
    for name, (best, average) in PUBLISHED.items():
        for path in Path(arguments[0]).rglob(f"{name}.txt"):
            given = read(path)
            for seed in [int(each) for each in arguments[1:]] or [1]:
                started = time.process_time()
                made = seat(given, Weights(shortfall=0.0), seed=seed, proposals=LOOKS[given.people])
                spent = time.process_time() - started
                assert (np.bincount(made.table[0]) == given.chairs[0]).all()
                value = prove(given, made, Weights()).value
                print(
                    f"| {name} | {spent:.1f} | {value:.1f} | {best:.1f} | {100 * value / best:.3f}"
                    f" | {100 * average / best:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1:])
