"""`python -m tests.bench.matching.seating_quality [people ...]`: tables of four, three rounds, beside three peers.

Shares are of the clique bound (stored in bounds.json for these seeded events; `--bounds` computes them anew) and of the
b-matching bound. The bound keeps the newcomer rule, which the peers break. Fairness: the same with and without the term;
`--fair-bound` says what share of it no seating exceeds that gives three good meetings to all who can have them.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from services.matching.domain import seating
from services.matching.domain.certificate import certificate
from services.matching.domain.proof import prove
from services.matching.domain.seating import seat
from services.matching.domain.seating_problem import Problem, Seating
from services.matching.domain.settings import Weights
from tests.bench.matching import peers
from tests.bench.matching.instances import GOOD, problem

STORED = Path(__file__).parent / "bounds.json"
LOOKS = {200: 25_000_000, 1000: 25_000_000, 2000: 30_000_000}  # within the budgets of 10, 20 and 30 CPU seconds
WEIGHTS = Weights(good=GOOD)


def main(arguments: list[str]) -> None:
    seating.warm()
    sizes = [int(each) for each in arguments if each.isdigit()] or list(LOOKS)
    bounds = json.loads(STORED.read_text())
    print("| people | way | CPU s | % of clique bound | % of b-matching bound | rules broken | lacking 3, avoidable |")
    print("|---|---|---|---|---|---|---|")
    for people in sizes:
        given = problem(people)
        if "--bounds" in arguments:
            started = time.process_time()
            bounds[f"{people}-4-3-1"] = round(certificate(given), 1)
            print(
                f"| {people} | clique bound {bounds[f'{people}-4-3-1']} | {time.process_time() - started:.1f} | | | | |"
            )
        tight = bounds.get(f"{people}-4-3-1")
        if "--fair-bound" in arguments:
            started = time.process_time()
            share = 100 * certificate(given, good_meetings=WEIGHTS.good_meetings) / tight
            print(f"| {people} | bound of nobody short | {time.process_time() - started:.1f} | {share:.2f} | | | |")
        looks = LOOKS.get(people, 20_000_000)
        for name, make in _ways(given, looks):
            started = time.process_time()
            made = make()
            spent = time.process_time() - started
            proof = prove(given, made, WEIGHTS)
            share = f"{100 * proof.value / tight:.2f}" if tight else ""
            print(
                f"| {people} | {name} | {spent:.1f} | {share} | {100 * proof.value / proof.bound:.2f}"
                f" | {len(proof.violations)} | {proof.avoidable} |",
                flush=True,
            )
    if "--bounds" in arguments:
        STORED.write_text(json.dumps(bounds, indent=2) + "\n")


def _ways(given: Problem, looks: int) -> list[tuple[str, Callable[[], Seating]]]:
    plain = replace(WEIGHTS, shortfall=0.0)
    return [
        ("random", partial(peers.at_random, given)),
        ("greedy", partial(peers.greedy, given)),
        ("matchings", partial(peers.matchings, given)),
        ("ours, a tenth", partial(seat, given, plain, seed=1, proposals=looks // 10)),
        ("ours", partial(seat, given, plain, seed=1, proposals=looks)),
        ("ours, fair", partial(seat, given, WEIGHTS, seed=1, proposals=looks)),
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
