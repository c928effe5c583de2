"""Tags to suggest for what somebody wrote, for them to confirm.

First the concepts whose terms stand in the text, then those that its pieces were said of in the terms and examples of the
lexicon. Needs and offers are read alike, without word vectors and without cutting text into words, so that a service can
suggest while it answers. How good that is: `tests/bench/matching/suggestions_quality.py`.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Set
from functools import cache
from itertools import pairwise
from math import fsum
from typing import Final

from shared.lexicon import ANY_ENDING, concepts_once, examples, lexicon, normal

LIMIT: Final = 6  # a text; of those behind the sixth fewer than one in ten is right

_TERM: Final = 3.0  # examples that a term counts like
_OTHERS: Final = 10.0  # times that each piece is taken to have been said of nothing, so that the rare tell little
_LEAST: Final = 0.5  # shares, added up, below which a concept would be a guess
_STEM: Final = 4  # letters of a Latin word that are told apart: its endings are many

_RUN: Final = re.compile(r"[a-z]+|[^\W\d_a-z]+")
_CLAUSE: Final = re.compile(r"[。．、，｡､！？!?…\n;；]+|[.,](?=\s|$)")


def suggest_tags(text: str, limit: int = LIMIT) -> dict[str, str]:
    """Tags for a text, the surest first, each with the words that show it: a term, or else the clause most like it.

    Nothing of the text stays in memory.
    """
    clauses = [(each.strip(), _pieces(each)) for each in _CLAUSE.split(text)]
    found, likely = concepts_once(text), _read(set().union(*(pieces for _, pieces in clauses)))
    shown = [key for key in lexicon() if key in found or likely[key] >= _LEAST]
    shown.sort(key=lambda key: (key not in found, -likely[key]))

    def clause(key: str) -> str:
        return max(clauses, key=lambda each: fsum(learned().get(piece, {}).get(key, 0) for piece in each[1]))[0]

    return {key: _as_written(found[key], text) if key in found else clause(key) for key in shown[:limit]}


def _as_written(term: str, text: str) -> str:
    """A term as it stands in a text: with its capitals, a Latin one up to the end of its word."""
    start = "(?<![a-z0-9])" if term[0].isascii() else ""
    end = ("[a-z0-9]*" if len(term) >= ANY_ENDING else "(?![a-z0-9])") if term[-1].isascii() else ""
    stands = re.search(f"{start}{re.escape(term)}{end}", unicodedata.normalize("NFKC", text), re.IGNORECASE)
    return stands[0] if stands else term


def _read(pieces: Set[str]) -> defaultdict[str, float]:
    """How much the pieces of a text speak for each concept."""
    total: defaultdict[str, float] = defaultdict(float)
    for piece in sorted(pieces):  # in one order, so that the sums are the same in every process
        for key, share in learned().get(piece, {}).items():
            total[key] += share
    return total


@cache
def learned() -> dict[str, dict[str, float]]:
    """For each piece, what share of all that it was said of each concept is. Takes a fraction of a second, once."""
    said = [(each.concept, text, 1.0) for each in examples() for text in (each.need, each.offer)]
    said += [(key, term, _TERM) for key, concept in lexicon().items() for term in concept.terms]
    counts: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for key, text, weight in said:
        for piece in _pieces(text):
            counts[piece][key] += weight
    return {
        piece: {key: count / (_OTHERS + sum(of.values())) for key, count in of.items()} for piece, of in counts.items()
    }


def _pieces(text: str) -> set[str]:
    """How Latin words begin; of all else every kanji and every two characters, but for hiragana, which is grammar."""
    pieces: set[str] = set()
    for run in _RUN.findall(normal(text)):
        if run.isascii():
            pieces.add(run[:_STEM])
        else:
            pieces.update(each for each in run if "一" <= each <= "鿿")
            pieces.update(pair for a, b in pairwise(run) if not _hiragana(pair := a + b))
    return pieces


def _hiragana(text: str) -> bool:
    return all("ぁ" <= each <= "ゟ" or each == "ー" for each in text)
