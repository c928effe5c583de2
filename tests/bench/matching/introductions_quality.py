"""How good introductions are, judged by hand: recall, nDCG and forbidden pairs, beside simpler ways, in one run.

    python -m tests.bench.matching.introductions_quality registrations.csv judgements.csv [ENDPOINT MODEL]

With an embedding endpoint (`docs/learning.md`), a line more says what its model adds.

`registrations.csv` has the columns registration_id, name, email, company, role, industry, industry_text, company_size, region,
purpose, goal_text, needs, offers, talk_topics, avoid, times_attended, pitch; `judgements.csv` registration_id,
counterpart_id, grade (2 strong mutual value, 1 some, -1 must not be paired; an unlisted pair is 0). Of several
registrations with one mailbox the first counts. Numbers are means over the people who have anybody of grade 2:

- recall@5: share of the people of grade 2 (at most five) that are among the five proposed;
- nDCG@5: with gains 3, 1 and 0 for the grades 2, 1 and the rest (Järvelin and Kekäläinen 2002);
- forbidden: pairs of grade -1 among all listings, and at all tables of a plan of three rounds.
"""

import csv
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import log2
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import httpx
import numpy as np

from services.matching.domain.fit import Matrix, need_texts, offer_texts
from services.matching.domain.introductions import short_lists
from services.matching.domain.people import Person
from services.matching.domain.plan import Task, make_plan
from services.matching.domain.scoring import TERMS, Score, score
from services.matching.domain.settings import Weights
from services.matching.embeddings import AT_ONCE, Vectors, joined, similarity
from shared.lexicon import concepts_in, normal
from shared.lexicon.suggestions import suggest_tags

LENGTH = 5
RANDOM_LISTS = 200
PROPOSALS = 2_000_000
PURPOSES = {"partner": "partner_search", "network": "diversity"}
GAINS = {2: 3.0, 1: 1.0}
CONTEXT = set(TERMS) - {"fit", "solicitor", "prey", "met_before"}

Lists = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Judged:
    """People, and the grade of every judged pair of their numbers."""

    people: tuple[Person, ...]
    grades: Mapping[tuple[int, int], int]

    def with_grade(self, person: int, grade: int) -> set[int]:
        """Who has this grade for a person."""
        return {j for (i, j), given in self.grades.items() if i == person and given == grade}


def read(registrations: Path, judgements: Path) -> Judged:
    """Both files. Rows of people who registered twice are dropped with their judgements."""
    numbers: dict[str, int] = {}
    people: dict[str, Person] = {}
    with registrations.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            mailbox = "".join(unicodedata.normalize("NFKC", row["email"]).lower().split())
            if mailbox not in people:
                numbers[row["registration_id"]] = len(people)
                people[mailbox] = _person(row, mailbox)
    with judgements.open(encoding="utf-8", newline="") as file:
        grades = {
            (numbers[row["registration_id"]], numbers[row["counterpart_id"]]): int(row["grade"])
            for row in csv.DictReader(file)
            if row["registration_id"] in numbers and row["counterpart_id"] in numbers
        }
    return Judged(tuple(people.values()), grades)


def _person(row: Mapping[str, str], mailbox: str) -> Person:
    return Person(
        registration_id=uuid5(NAMESPACE_OID, row["registration_id"]),
        person_id=uuid5(NAMESPACE_OID, mailbox),
        purpose=PURPOSES.get(row["purpose"], row["purpose"]),
        name=row["name"],
        company=row["company"],
        industry=row["industry"],
        industry_text=row["industry_text"],
        company_size=row["company_size"],
        role=row["role"],
        region=row["region"],
        goal=row["goal_text"],
        needs=row["needs"],
        offers=row["offers"],
        pitch=row["pitch"],
        talk_topics=row["talk_topics"],
        avoid=row["avoid"],
        times_attended=int(row["times_attended"] or 0),
    )


def random_lists(judged: Judged) -> Iterable[Lists]:
    """Five people drawn at random, many times."""
    generator = np.random.default_rng(1)
    count = len(judged.people)
    for _ in range(RANDOM_LISTS):
        yield [[int(j) for j in generator.permutation(count) if j != i][:LENGTH] for i in range(count)]


def best(value: Matrix, forbidden: Matrix | None = None) -> Lists:
    """The five of highest value for each."""
    open_value = np.where(forbidden, -np.inf, value) if forbidden is not None else value.astype(float)
    np.fill_diagonal(open_value, -np.inf)
    order = np.argsort(-open_value, axis=1, kind="stable")[:, :LENGTH]
    return [[int(j) for j in row if np.isfinite(open_value[i, j])] for i, row in enumerate(order)]


def overlap(people: Sequence[Person], parts: Callable[[str], Iterable[str]]) -> Matrix:
    """Cosine of the parts of needs and offers weighted by rarity, both ways: what one would do first."""
    needs = [set(parts(" ".join(need_texts(each)))) for each in people]
    offers = [set(parts(" ".join(offer_texts(each)))) for each in people]
    said: defaultdict[str, int] = defaultdict(int)
    for found in (*needs, *offers):
        for part in found:
            said[part] += 1
    rarity = {part: np.log(2 * len(people) / count) for part, count in said.items()}

    def length(found: set[str]) -> float:
        return float(np.sqrt(sum(rarity[part] ** 2 for part in found))) or 1.0

    fit: Matrix = np.array(
        [
            [sum(rarity[part] ** 2 for part in need & offer) / length(need) / length(offer) for offer in offers]
            for need in needs
        ]
    )
    return np.asarray(fit + fit.T)


def bigrams(text: str) -> list[str]:
    """Pairs of neighbouring characters."""
    whole = "".join(normal(text).split())
    return [whole[at : at + 2] for at in range(len(whole) - 1)]


def recall(judged: Judged, lists: Lists) -> float:
    """Mean recall@5."""
    wanted = [judged.with_grade(i, 2) for i in range(len(judged.people))]
    return float(
        np.mean([len(w & set(lists[i])) / min(LENGTH, len(w)) for i, w in enumerate(wanted) if w]),
    )


def ndcg(judged: Judged, lists: Lists) -> float:
    """Mean nDCG@5."""
    found = []
    for i in range(len(judged.people)):
        if not judged.with_grade(i, 2):
            continue
        given = [GAINS.get(judged.grades.get((i, j), 0), 0.0) for j in lists[i]]
        ideal = sorted((GAINS.get(grade, 0.0) for (one, _), grade in judged.grades.items() if one == i), reverse=True)
        found.append(_discounted(given) / _discounted(ideal[:LENGTH]))
    return float(np.mean(found))


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / log2(rank + 2) for rank, gain in enumerate(gains))


def forbidden(judged: Judged, lists: Lists) -> str:
    """Listings of grade -1, of all listings."""
    wrong = sum(judged.grades.get((i, j)) == -1 for i, others in enumerate(lists) for j in others)
    return f"{wrong} of {sum(map(len, lists))}"


def shipped(scored: Score) -> Lists:
    """The balanced lists that attendees get."""
    return [each.counterparts for each in short_lists(scored)]


def embedded(people: Sequence[Person], url: str, model: str) -> Vectors:
    """How near offers are to needs by the model of an endpoint, as the service asks it."""

    def vectors(texts: Sequence[str]) -> list[Vectors | None]:
        found: list[Vectors | None] = []
        for start in range(0, len(texts), AT_ONCE):
            body = {"model": model, "input": texts[start : start + AT_ONCE], "encoding_format": "float"}
            answer = httpx.post(url, json=body, timeout=300).raise_for_status().json()["data"]
            found += [np.array(row["embedding"], "<f4") for row in sorted(answer, key=lambda row: int(row["index"]))]
        return [vector if text else None for text, vector in zip(texts, found, strict=True)]

    fit = similarity(
        vectors([joined(need_texts(each)) for each in people]), vectors([joined(offer_texts(each)) for each in people])
    )
    if fit is None:
        raise SystemExit("too few texts to tell who stands out")
    return fit


def at_tables(judged: Judged, sold_to: Matrix) -> str:
    """Pairs of grade -1 at the tables of a plan, how many of them are with somebody who mainly sells, and of grade 2."""
    result = make_plan(Task(judged.people, 3, (), (), seed=1, proposals=PROPOSALS))
    seated: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for at, person in enumerate(judged.people):
        for seat in result.seats[person.registration_id]:
            seated[seat].append(at)
    pairs = [pair for together in seated.values() for pair in combinations(together, 2)]
    forbidden = [pair for pair in pairs if judged.grades.get(pair) == -1]
    strong = sum(judged.grades.get(pair) == 2 for pair in pairs)
    return (
        f"{len(forbidden)} forbidden ({sum(bool(sold_to[pair]) for pair in forbidden)} with somebody who mainly sells)"
        f" and {strong} strong of {len(pairs)} meetings"
    )


def main() -> None:
    """Print one line per way."""
    judged = read(Path(sys.argv[1]), Path(sys.argv[2]))
    people, weights = judged.people, Weights()
    scored = score(people, weights)
    confirmed = tuple(
        replace(
            each,
            need_tags=tuple(suggest_tags(" ".join(need_texts(each)))),
            offer_tags=tuple(suggest_tags(" ".join(offer_texts(each)))),
        )
        for each in people
    )

    def without(**changed: float) -> Lists:
        return shipped(score(people, replace(weights, **changed)))  # type: ignore[arg-type]

    ways: dict[str, Lists] = {
        "character bigrams": best(overlap(people, bigrams)),
        "terms of the lexicon": best(overlap(people, concepts_in)),
        "ours, each choosing freely": best(scored.value, scored.blocked | scored.unproposed),
        "OURS, BALANCED, AS SHIPPED": shipped(scored),
        "  with all suggested tags confirmed": shipped(score(confirmed, weights)),
        "  without word vectors": without(words=0.0),
        "  without concepts": without(concepts=0.0),
        "  without regard to purposes": shipped(score(people, replace(weights, receives={}))),
        "  without context (industry, size, ...)": without(**dict.fromkeys(CONTEXT, 0.0)),
        "  without blocks and the seller rule": best(scored.value),
    }
    if len(sys.argv) > 4:
        extra = embedded(people, sys.argv[3], sys.argv[4])
        ways[f"  with {sys.argv[4]}"] = shipped(score(people, weights, extra_fit=extra))
    print(f"{len(people)} people, {len(judged.grades)} judgements\n\n{'':42}{'recall@5':>9}{'nDCG@5':>9}  forbidden")
    drawn = list(random_lists(judged))
    wrong = sum(judged.grades.get((i, j)) == -1 for lists in drawn for i, others in enumerate(lists) for j in others)
    print(
        f"{'random':42}{np.mean([recall(judged, lists) for lists in drawn]):9.3f}"
        f"{np.mean([ndcg(judged, lists) for lists in drawn]):9.3f}  {wrong / RANDOM_LISTS:.1f} of {LENGTH * len(people)}"
    )
    for name, lists in ways.items():
        print(f"{name:42}{recall(judged, lists):9.3f}{ndcg(judged, lists):9.3f}  {forbidden(judged, lists)}")
    left_out = sum(not others for others in ways["OURS, BALANCED, AS SHIPPED"])
    print(
        f"\npeople without a list, because they mainly sell: {left_out}\nat three rounds of tables: {at_tables(judged, scored.unproposed)}"
    )


if __name__ == "__main__":
    main()
