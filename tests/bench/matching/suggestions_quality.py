"""How good suggested tags are: beside those that a careful reader would tick, and by what ticking does for introductions.

    python -m tests.bench.matching.suggestions_quality [CITY ...]

`data/CITY/tags.csv` has the columns registration_id, needs and offers: the tags that a careful reader of all that somebody
wrote would tick for them, with `;` between. For needs and for offers:

- recall: the share of the reader's tags that is suggested;
- precision: the share of the suggested that is the reader's.

Behind them recall@5 and nDCG@5 of the introductions (`introductions_quality`) when everybody ticks those of their
suggestions that the reader ticked. Terms of the lexicon in the order in which they stand are the simpler way.
"""

import csv
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from services.matching.domain.people import Person
from services.matching.domain.scoring import score
from services.matching.domain.settings import Weights
from services.registration.domain.answers import Answers, suggested_tags
from shared.lexicon import concepts_in
from tests.bench.matching.introductions_quality import ndcg, read, recall, shipped

DATA: Final = Path(__file__).parent / "data"
CITIES: Final = ("sapporo", "nagoya", "tokyo")
LENGTHS: Final = (3, 5, 6, 8)

Tags = tuple[set[str], set[str]]
"""Of needs, and of offers."""


def ticked(path: Path) -> dict[UUID, Tags]:
    """What the reader ticked."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            uuid5(NAMESPACE_OID, row["registration_id"]): (_tags(row["needs"]), _tags(row["offers"]))
            for row in csv.DictReader(file)
        }


def _tags(cell: str) -> set[str]:
    return {tag for tag in cell.split(";") if tag}


def terms(person: Person) -> Tags:
    """Simple: the first three concepts whose terms stand in the text."""
    needs, offers = (list(concepts_in(text))[:3] for text in (person.needs or person.goal, person.offers))
    return set(needs), set(offers)


def suggested(person: Person, limit: int) -> Tags:
    """What registration suggests, if it suggested so many."""
    answers = Answers.model_construct(
        external_id=str(person.registration_id),
        name=person.name,
        email="",
        purpose="information",
        needs=person.needs,
        goal=person.goal,
        offers=person.offers,
        industry_text=person.industry_text,
        pitch=person.pitch,
    )
    found = suggested_tags(answers, limit)
    return {each.tag for each in found["need_tags"]}, {each.tag for each in found["offer_tags"]}


def main() -> None:
    """Print one line per way."""
    ways: dict[str, Callable[[Person], Tags]] = {"terms, 3": terms}
    ways |= {f"suggestions, {limit}": partial(suggested, limit=limit) for limit in LENGTHS}
    print(f"{'':30}{'needs':>14}{'offers':>16}{'introductions':>20}")
    print(f"{'':30}{'recall':>8}{'prec.':>7}{'recall':>9}{'prec.':>7}{'recall@5':>11}{'nDCG@5':>8}")
    for city in sys.argv[1:] or CITIES:
        judged = read(DATA / city / "registrations.csv", DATA / city / "judgements.csv")
        reader = ticked(DATA / city / "tags.csv")
        everybody = {each.registration_id: reader.get(each.registration_id, (set(), set())) for each in judged.people}
        offered: dict[str, dict[UUID, Tags]] = {
            "none": dict.fromkeys(everybody, (set(), set())),
            **{name: {each.registration_id: way(each) for each in judged.people} for name, way in ways.items()},
            "all of the reader's": everybody,
        }
        for name, shown in offered.items():
            right = {key: (tags[0] & everybody[key][0], tags[1] & everybody[key][1]) for key, tags in shown.items()}
            line = f"{city} {name:{29 - len(city)}}"
            for side in (0, 1):
                hits, wanted, all_shown = (
                    sum(len(tags[side]) for tags in each.values()) for each in (right, everybody, shown)
                )
                line += f"{hits / wanted:{8 + side}.2f}{hits / max(1, all_shown):7.2f}"
            people = tuple(
                replace(each, need_tags=tuple(sorted(needs)), offer_tags=tuple(sorted(offers)))
                for each in judged.people
                for needs, offers in [right[each.registration_id]]
            )
            lists = shipped(score(people, Weights()))
            print(f"{line}{recall(judged, lists):11.3f}{ndcg(judged, lists):8.3f}", flush=True)


if __name__ == "__main__":
    main()
