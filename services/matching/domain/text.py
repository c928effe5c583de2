"""Small readings of free text, in Japanese and English: company names, sentences, quotes."""

import re
from collections.abc import Iterable
from itertools import accumulate
from typing import Final
from unicodedata import east_asian_width

from shared.lexicon import normal

_KEPT: Final = re.compile(r"[^\w&+#\-]+")
_SENTENCE: Final = re.compile(r"[。．!！?？\n;；]+|\.(?=\s|$)")
_QUOTED_BEFORE: Final = re.compile(r"(?:[”’」』)）]|\"(?=\s))+\s*")  # left over where a sentence ended inside quotes
_BLANK: Final = frozenset({"", "-", "なし", "無し", "特になし", "特に無し", "とくになし", "none", "nothing", "n/a"})


def said(text: str) -> bool:
    """Whether an answer says anything."""
    return normal(text).strip(" 。.、,!") not in _BLANK


def sentences(texts: Iterable[str]) -> list[str]:
    """Sentences of the texts that say anything, in order."""
    parts = (part.strip(" 　/／・、,") for text in texts if said(text) for part in _SENTENCE.split(text))
    return [part for part in parts if part]


def excerpt(sentence: str, most: int) -> str:
    """A sentence to be quoted, as wide as `most` Japanese characters: a Latin one is half as wide, and says half as much."""
    begun = _QUOTED_BEFORE.match(sentence)
    told = (sentence[begun.end() :] if begun else sentence) or sentence
    fits = sum(width <= 2 * most for width in accumulate(2 if east_asian_width(each) in "WF" else 1 for each in told))
    return told if fits == len(told) else told[: fits - 1] + "…"


def company_key(name: str) -> str:
    """A company's name without its legal form."""
    bare = re.sub(
        r"株式会社|有限会社|合同会社|合資会社|合名会社|\(株\)|\(有\)|(?<![a-z0-9])(?:inc|ltd|co|corp|k\.?k)(?![a-z0-9])",
        "",
        normal(name),
    )
    return "".join(_KEPT.split(bare))
