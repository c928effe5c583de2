"""`python -m tests.bench.matching.scoring_times [people ...]`: CPU seconds to score everybody against everybody.

People are the demonstration's registrations over and over, with other companies, names and half of the words.
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
    print("| people | scoring, CPU s | short lists, CPU s | most memory so far, MB |")
    print("|---|---|---|---|")
    score(people(20), Weights())  # the lexicon is read once
    for count in [int(each) for each in arguments] or [200, 1000, 2000]:
        everybody = people(count)
        started = time.process_time()
        scored = score(everybody, Weights())
        spent = time.process_time() - started
        started = time.process_time()
        short_lists(scored)
        lists = time.process_time() - started
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"| {count} | {spent:.2f} | {lists:.2f} | {memory} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
