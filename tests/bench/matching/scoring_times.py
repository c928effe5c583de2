"""`python -m tests.bench.matching.scoring_times [people ...]`: CPU seconds to score everybody against everybody.

Measured in a process of the kind that makes plans. People are the demonstration's registrations over and over, with other companies, names and half of the words.
"""

import resource
import sys
import time
from dataclasses import replace

from deploy.demo.people import OSAKA
from services.matching.domain.introductions import short_lists
from services.matching.domain.people import Person
from services.matching.domain.scoring import score
from services.matching.domain.settings import Weights
from services.registration.domain.answers import Answers
from services.registration.domain.csv_intake import read_csv
from shared.platform.ids import derived
from shared.platform.workers import worker_pool

WORDS = "name company industry industry_text company_size role region goal needs offers pitch talk_topics avoid".split()


def people(count: int) -> list[Person]:
    """So many different people."""
    rows = [answers for _, answers in read_csv(OSAKA.read_bytes()) if isinstance(answers, Answers)]
    made = []
    for number in range(count):
        row, other = rows[number % len(rows)], rows[(number * 7 + number // len(rows)) % len(rows)]
        person = Person(
            derived("registration", number),
            derived("person", number),
            row.purpose,
            **{field: getattr(row, field) or "" for field in WORDS},  # type: ignore[arg-type]
            times_attended=row.times_attended,
        )
        made.append(
            replace(
                person,
                name=f"{person.name}{number}",
                company=f"{person.company}{number}",
                offers=f"{person.offers}、{other.offers or ''}" if number >= len(rows) else person.offers,
            )
        )
    return made


def main(arguments: list[str]) -> None:
    print("| people | scoring, CPU s | short lists, CPU s | most memory, MB |")
    print("|---|---|---|---|")
    for count in [int(each) for each in arguments] or [200, 1000, 2000]:
        with worker_pool(1) as pool:
            spent, lists, memory = pool.submit(measure, count).result()
        print(f"| {count} | {spent:.2f} | {lists:.2f} | {memory} |", flush=True)


def measure(count: int) -> tuple[float, float, int]:
    """CPU seconds of scoring and of the lists, and the most memory of the process in MB."""
    score(people(20), Weights())  # the lexicon and the vectors are read once
    everybody = people(count)
    started = time.process_time()
    scored = score(everybody, Weights())
    spent = time.process_time() - started
    started = time.process_time()
    short_lists(scored)
    lists = time.process_time() - started
    return spent, lists, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main(sys.argv[1:])
