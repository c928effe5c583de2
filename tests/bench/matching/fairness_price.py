"""What it costs that nobody is short of good meetings who need not be, for gatherings of several sizes.

    python -m tests.bench.matching.fairness_price

Points are shares of the b-matching bound, as the published figures are. `at least`: by how much the best seating over
fractions of tables loses when everybody has the good meetings that they can have (`certificate`), so no search can do it
for less. Three good meetings; four seeds; 250,000 looks per person, at most 30 million.
"""

import time
from dataclasses import replace

from services.matching.domain import seating
from services.matching.domain.certificate import certificate
from services.matching.domain.proof import prove
from services.matching.domain.seating import seat
from tests.bench.matching.instances import problem
from tests.bench.matching.seating_quality import WEIGHTS

SHAPES = ((24, 4, 3), (40, 4, 3), (60, 4, 3), (60, 6, 3), (100, 4, 3), (200, 4, 3), (200, 5, 4), (400, 5, 4))
"""People, seats of a table, rounds."""
SEEDS = (1, 2, 3, 4)
CERTIFIED = 200  # people up to which the bound over tables takes less than a minute


def main() -> None:
    """Print one line per gathering."""
    seating.warm()
    print("| people | seats | rounds | CPU s a plan | plain, % | short | fair, % | short | price | at least |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for people, seats, rounds in SHAPES:
        given = problem(people, seats, rounds)
        looks = min(250_000 * people, 30_000_000)
        found, spent = {}, 0.0
        for name, weights in (("plain", replace(WEIGHTS, shortfall=0.0)), ("fair", WEIGHTS)):
            started = time.process_time()
            proofs = [prove(given, seat(given, weights, seed=seed, proposals=looks), WEIGHTS) for seed in SEEDS]
            spent = (time.process_time() - started) / len(SEEDS)
            broken = sum(len(proof.violations) for proof in proofs)
            if broken:
                raise SystemExit(f"{broken} rules broken at {people} people")
            shares = [100 * proof.value / proof.bound for proof in proofs]
            found[name] = sum(shares) / len(shares), [proof.avoidable for proof in proofs]
        least = ""
        if people <= CERTIFIED:
            lost = certificate(given) - certificate(given, good_meetings=WEIGHTS.good_meetings)
            least = f"{max(100 * lost / proofs[0].bound, 0):.2f}"
        (plain, plainly_short), (fair, short) = found["plain"], found["fair"]
        print(
            f"| {people} | {seats} | {rounds} | {spent:.1f} | {plain:.2f} | {_listed(plainly_short)} | {fair:.2f}"
            f" | {_listed(short)} | {plain - fair:.2f} | {least} |",
            flush=True,
        )


def _listed(counts: list[int]) -> str:
    return ", ".join(map(str, counts))


if __name__ == "__main__":
    main()
