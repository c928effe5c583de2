"""What businesses need and offer: concepts in Japanese and English, found in free text.

The words are in concepts.toml, and sentences that ask for a concept or offer it in other words in examples.csv.
"""

import csv
import tomllib
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

ANY_ENDING: Final = 4  # letters from which a Latin term takes any ending: `brand` is in `branding`, `ai` not in `aid`


def normal(text: str) -> str:
    """NFKC, lower case."""
    return unicodedata.normalize("NFKC", text).lower()


@dataclass(frozen=True)
class Concept:
    """Something that businesses need and offer. Its key is the tag on the wire."""

    key: str
    ja: str
    en: str
    terms: tuple[str, ...]
    met_by: tuple[str, ...]
    """Concepts whose offer also helps who needs this one."""


@cache
def lexicon() -> dict[str, Concept]:
    """The concepts of concepts.toml by key, in its order."""
    table = tomllib.loads(Path(__file__).with_name("concepts.toml").read_text(encoding="utf-8"))
    return {
        key: Concept(key, entry["ja"], entry["en"], tuple(map(normal, entry["terms"])), tuple(entry["met_by"]))
        for key, entry in table.items()
    }


class Example(NamedTuple):
    """Somebody's need, and what somebody else offered who could meet it."""

    concept: str
    need: str
    offer: str


@cache
def examples() -> tuple[Example, ...]:
    """The rows of examples.csv."""
    with Path(__file__).with_name("examples.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Example(**row) for row in csv.DictReader(file))


@cache
def _terms_by_start() -> dict[str, list[tuple[str, str]]]:
    """Terms with their concept by their first two characters, longest first."""
    index: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for concept in lexicon().values():
        for term in concept.terms:
            index[term[:2]].append((term, concept.key))
    return {start: sorted(found, key=lambda each: -len(each[0])) for start, found in index.items()}


def _find(said: str) -> tuple[tuple[str, str], ...]:
    index, text = _terms_by_start(), normal(said)
    found: dict[str, str] = {}
    covered = 0  # end of the longest match so far
    for at in range(len(text)):
        longest = covered + 1
        for term, key in (*index.get(text[at : at + 2], ()), *index.get(text[at], ())):
            if at + len(term) < longest:
                break  # inside a longer one, as all that follow
            if _stands(text, term, at):
                longest = covered = at + len(term)
                if len(term) > len(found.get(key, "")):
                    found[key] = term
    return tuple(found.items())


_found = lru_cache(maxsize=50_000)(_find)


def concepts_in(text: str) -> dict[str, str]:
    """Concepts that a text shows, each with the longest term that shows it.

    A term inside a longer one does not count: a `動物病院` is no `病院`. Takes time in proportion to the text.
    """
    return dict(_found(text))


def concepts_once(text: str) -> dict[str, str]:
    """The same for a text that is read once: nothing of it stays in memory."""
    return dict(_find(text))


def forget_texts() -> None:
    """Forget what `concepts_in` has read."""
    _found.cache_clear()


def _stands(text: str, term: str, at: int) -> bool:
    """Whether a term stands at a place of a text; a Latin one only as a word of its own."""
    if not text.startswith(term, at):
        return False
    if at and term[0].isascii() and _latin(text[at - 1]):
        return False
    end = at + len(term)
    return not (len(term) < ANY_ENDING and term[-1].isascii() and end < len(text) and _latin(text[end]))


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
