"""English words in the Japanese that they mostly mean, because meaning comes from words of the Japanese web (`words.py`).

english.txt is our own: what businesses and people who meet say, by the most frequent English words, by the lexicon's
examples and by trades. Each line is a Japanese word and the English ones that it stands for; `-` has those that say
nothing by themselves (`want`, `good`), as Japanese has verbs that are no content words. Regular forms are left out.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

_NOTHING: Final = "-"
_ENDINGS: Final = (
    ("s", ""),
    ("es", ""),
    ("ies", "y"),
    ("ing", "e"),
    ("ing", ""),
    ("ed", "e"),
    ("ed", ""),
    ("ied", "y"),
)
"""Of regular forms, and what the base has instead; an `e` is tried first, because `caring` is of `care`, not of `car`."""


def in_japanese(word: str) -> str | None:
    """What an English word in lower case mostly means, empty if it says nothing by itself; None for other words."""
    known = _dictionary()
    return next((known[base] for base in _bases(word) if base in known), None)


def _bases(word: str) -> Iterator[str]:
    """The word itself, and what it may be a regular form of."""
    yield word
    for ending, instead in _ENDINGS:
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            yield stem + instead
            if not instead and stem[-1:] == stem[-2:-1]:  # shipped
                yield stem[:-1]


@cache
def _dictionary() -> dict[str, str]:
    """The Japanese word of every English one in english.txt."""
    lines = Path(__file__).with_name("english.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines]
    return {word: "" if japanese == _NOTHING else japanese for japanese, *words in rows for word in words}
