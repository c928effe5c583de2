"""Whether those are kept apart who should be: precision and recall of the blocks, judged by hand, beside simpler rules.

    python -m tests.bench.matching.avoided_quality [CITY ...]

`data/CITY/avoided.csv` has the columns registration_id, counterpart_id and kind:

- `avoided`: the first asked not to meet somebody like the second;
- `open`: either is right. The first asks not to be sold to or recruited, and the second mainly sells, but something
  else than what is named; or a reader cannot tell;
- `competitor`: a pair, once, that the judgements forbid because both sell the same.

How the labels were made: every answer to "whom would you rather not meet" was read together with what all others of
the gathering wrote, the judgements and their reasons beside, and everybody who would be meant was written down before
the rule that is measured here was written. One reader; nobody checked the labels. The views of the rule were chosen
with Fukuoka, Nagoya and Sapporo in view. Osaka and Tokyo were kept aside until a first version, which asked only for
all that somebody says of their trade: it had 0.50 and 0.60 precision and 0.90 and 0.69 recall there. That the name of
the trade counts as much, and the bars `SOLD`, `SELLS` and `RIVALS`, and the words of being approached (calls, mailings), came
of what they showed, so that they are no longer unseen.

An avoided person counts one way (who asked, who is meant), competitors as pairs. A block of a pair that is `open`
counts neither way, and nor does one of two registrations of one person or company.
"""

import csv
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_OID, uuid5

import numpy as np

from deploy.demo.people import OSAKA
from services.matching.domain.blocks import (
    Mask,
    alike_trades,
    competitors,
    covered,
    same,
    trades_of,
    unwanted,
)
from services.matching.domain.fit import words_of
from services.matching.domain.people import Person
from services.matching.domain.solicitors import sellers_among
from services.matching.domain.text import company_key
from services.matching.domain.words import content_words
from shared.lexicon import concepts_in, normal
from tests.bench.matching.introductions_quality import read

DATA: Final = Path(__file__).parent / "data"
CITIES: Final = ("fukuoka", "nagoya", "sapporo", "osaka", "tokyo")
Pairs = set[tuple[int, int]]


def said_by(people: Sequence[Person]) -> list[tuple[str, ...]]:
    """The words of what everybody does."""
    return [words_of([each.offers, each.industry_text, each.company, each.pitch]) for each in people]


def shared_word(people: Sequence[Person]) -> Mask:
    """Simple: somebody says any of the words of the answer."""
    avoided = [set(content_words(each.avoid)) for each in people]
    return _mask([[bool(words & set(said)) for said in said_by(people)] for words in avoided])


def shared_concept(people: Sequence[Person]) -> Mask:
    """Simple: somebody's offer shows any concept of the lexicon that the answer shows."""
    avoided = [set(concepts_in(each.avoid)) for each in people]
    offered = [set(concepts_in(f"{each.offers}\n{each.industry_text}")) for each in people]
    return _mask([[bool(concepts & others) for others in offered] for concepts in avoided])


def _mask(rows: Sequence[Sequence[bool]]) -> Mask:
    return np.array(rows, dtype=np.bool_)


def word_coverage(people: Sequence[Person]) -> Mask:
    """Three quarters of the words of a clause, by their rarity and by the nearest word that is said: the rule until
    November 2026, with its caution about those who mainly sell."""
    nobody = set(
        "営業 勧誘 方 人 会社 企業 業者 セールス 売り込む 売り込み 売る 目的 話 話題 遠慮 願う 今回 人間 全般 系 関係 相手 同業 同業者 "
        "同業他社 他社 他 以外 会う 避ける 苦手 困る 嫌 断る お断り 皆 個人 興味 人達".split()
    )
    sold = ("勧誘", "営業", "セールス", "売り込み", "solicit", "sales", "selling")
    sellers = sellers_among(people)
    found: Mask = np.array([any(word in normal(each.avoid) for word in sold) for each in people])[:, None] & sellers
    told = [
        (at, words)
        for at, each in enumerate(people)
        for clause in _split(each.avoid)
        if (words := [word for word in content_words(clause) if word not in nobody])
    ]
    for (at, _), share in zip(told, covered([words for _, words in told], said_by(people)), strict=True):
        found[at] |= share >= 0.75
    return found


def _split(text: str) -> list[str]:
    for mark in "、,，。．.;；\n/・()（）「」!！?？や":
        text = text.replace(mark, "|")
    for word in ("とか", "または", "もしくは", "および", " or ", " and "):
        text = text.replace(word, "|")
    return text.split("|")


def alike_offers(people: Sequence[Person]) -> Mask:
    """Two fifths of the words of two offers, both ways, in one industry: the rule for competitors until November 2026."""
    offers = [words_of([each.offers, each.industry_text]) for each in people]
    alike = covered(offers, offers)
    return same([each.industry for each in people]) & (np.minimum(alike, alike.T) >= 0.4)


def one_industry(people: Sequence[Person]) -> Mask:
    """Simple: all of one industry compete."""
    return same([each.industry for each in people])


def avoided_now(people: Sequence[Person]) -> Mask:
    """The rule that is shipped."""
    trades = trades_of(people)
    return unwanted(people, sellers_among(people), trades, alike_trades(people, trades))


def competitors_now(people: Sequence[Person]) -> Mask:
    """The rule that is shipped."""
    return competitors(people, alike_trades(people, trades_of(people)))


AVOIDED: Final[dict[str, Callable[[Sequence[Person]], Mask]]] = {
    "a word in common": shared_word,
    "a concept in common": shared_concept,
    "words of a clause (before)": word_coverage,
    "OURS": avoided_now,
}
COMPETITORS: Final[dict[str, Callable[[Sequence[Person]], Mask]]] = {
    "one industry": one_industry,
    "words of offers (before)": alike_offers,
    "OURS": competitors_now,
}


def labels(city: str) -> tuple[list[str], tuple[Person, ...], dict[str, Pairs]]:
    """Ids and people of a set, each person once, and the labelled pairs of their numbers by kind."""
    folder = OSAKA.parent if city == "osaka" else DATA / city
    people = read(folder / "registrations.csv", folder / "judgements.csv").people
    number = {each.registration_id: at for at, each in enumerate(people)}
    kinds: dict[str, Pairs] = {"avoided": set(), "open": set(), "competitor": set()}
    names = [""] * len(people)
    with (folder / "registrations.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if (at := number.get(uuid5(NAMESPACE_OID, row["registration_id"]))) is not None:
                names[at] = row["registration_id"]
    with (DATA / city / "avoided.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            one, other = row["registration_id"], row["counterpart_id"]
            if one in names and other in names:
                kinds[row["kind"]].add((names.index(one), names.index(other)))
    return names, people, kinds


def figures(found: Pairs, right: Pairs, neither: Pairs) -> str:
    """Precision and recall, with the counts that they are made of."""
    hits, wrong = len(found & right), len(found - right - neither)
    return (
        f"{hits / max(hits + wrong, 1):9.2f} {f'{hits}/{hits + wrong}':>8}{hits / max(len(right), 1):9.2f} "
        f"{f'{hits}/{len(right)}':>7}"
    )


def main(cities: Sequence[str]) -> None:
    """Print one table per kind of block: a line per city and rule, and for all cities together."""
    read_ones = {city: labels(city) for city in cities}
    for title, rules in (("who was asked to be avoided", AVOIDED), ("competitors", COMPETITORS)):
        print(f"\n{title:38}precision         recall")
        for name, rule in rules.items():
            every: tuple[Pairs, Pairs, Pairs] = (set(), set(), set())
            for number, (city, (_, people, kinds)) in enumerate(read_ones.items()):
                parts = judged(people, rule(people), kinds, pairs=rules is COMPETITORS)
                print(f"{city:9}{name:27}{figures(*parts)}")
                for all_of, part in zip(every, parts, strict=True):
                    all_of.update((number * 1000 + i, number * 1000 + j) for i, j in part)
            print(f"{'ALL':9}{name:27}{figures(*every)}")


def judged(
    people: Sequence[Person], found: Mask, kinds: dict[str, Pairs], *, pairs: bool
) -> tuple[Pairs, Pairs, Pairs]:
    """What a rule found, what is right, and what is neither right nor wrong; `pairs` in one order whoever asked."""
    one = same([company_key(each.company) for each in people]) | same([str(each.person_id) for each in people])
    found_pairs = {(int(i), int(j)) for i, j in np.argwhere(found & ~one) if i != j}
    if not pairs:
        return found_pairs, kinds["avoided"], kinds["open"]
    right = {_ordered(pair) for pair in kinds["competitor"]}
    neither = {_ordered(pair) for pair in kinds["avoided"] | kinds["open"]} - right
    return {_ordered(pair) for pair in found_pairs}, right, neither


def _ordered(pair: tuple[int, int]) -> tuple[int, int]:
    return (min(pair), max(pair))


if __name__ == "__main__":
    main(sys.argv[1:] or CITIES)
