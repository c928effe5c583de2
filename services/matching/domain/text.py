"""Words to concepts and n-grams, in Japanese and English, without a model and without a tokenizer.

Measured on a bilingual test: the tokenizer and the weighting hardly matter, concepts and tags do.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_SEGMENT: Final = re.compile(r"[。．.!?！？\n;；]+")
_LATIN: Final = re.compile(r"[a-z0-9&+#\-]+")
_HIRAGANA: Final = re.compile(r"[\u3041-\u309f]+")
_KEPT: Final = re.compile(r"[^\w&+#\-]+")
SEGMENTS: Final = 6  # of one text; a long self-advert does not win by length


def normal(text: str) -> str:
    """NFKC, lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def segments(text: str) -> list[str]:
    """Sentences of a text, at most `SEGMENTS`."""
    return [part.strip() for part in _SEGMENT.split(normal(text)) if part.strip()][:SEGMENTS]


@dataclass(frozen=True)
class Concept:
    """Something that businesses need and offer."""

    key: str
    ja: str
    en: str
    terms: tuple[str, ...]
    met_by: tuple[str, ...]

    def shown_in(self, text: str) -> str | None:
        """The longest term that shows this concept in a normalised text."""
        found = [term for term in self.terms if _has(text, term)]
        return max(found, key=len, default=None)


def _has(text: str, term: str) -> bool:
    at = text.find(term)
    if at < 0 or not term.isascii():
        return at >= 0
    # A Latin word counts as a whole, with a plural or ending: `ai` is not in `sustain`, `brand` is in `branding`.
    return (
        re.search(rf"(?<![a-z0-9]){re.escape(term)}{'' if len(term) < 4 else '[a-z]*'}(?![a-z0-9])", text) is not None
    )


@cache
def lexicon() -> tuple[Concept, ...]:
    """The concepts of lexicon.toml, in its order."""
    table = tomllib.loads(Path(__file__).with_name("lexicon.toml").read_text(encoding="utf-8"))
    return tuple(
        Concept(key, entry["ja"], entry["en"], tuple(map(normal, entry["terms"])), tuple(entry["met_by"]))
        for key, entry in table.items()
    )


def concepts_in(text: str) -> dict[str, str]:
    """Concepts that a text shows, each with the words that show it."""
    whole = normal(text)
    return {concept.key: term for concept in lexicon() if (term := concept.shown_in(whole))}


def suggest_tags(text: str, limit: int = 3) -> list[str]:
    """Tags for a sentence, for the person to confirm: the concepts with the longest matching words first."""
    found = concepts_in(text)
    return sorted(found, key=lambda key: (-len(found[key]), key))[:limit]


def grams(text: str) -> list[str]:
    """Character 2- and 3-grams without pure hiragana, and Latin words whole."""
    found: list[str] = []
    for chunk in _KEPT.split(normal(text)):
        found += _LATIN.findall(chunk)
        rest = _LATIN.sub(" ", chunk)
        for part in rest.split():
            for size in (2, 3):
                found += [
                    gram for at in range(len(part) - size + 1) if not _HIRAGANA.fullmatch(gram := part[at : at + size])
                ]
    return found


_WORD: Final = re.compile(r"[\u4e00-\u9fff々〆ヶ]{2,}|[\u30a1-\u30faー]{2,}|[a-z][a-z0-9&\-]{2,}")
_EMPTY: Final = frozenset(
    "会社 企業 関係 業者 業界 相手 場合 目的 営業 勧誘 方々 全般 以外 同業 同業者 セールス ビジネス ノー お断 遠慮 "
    "people the and for with who sales anyone trying sell selling companies business please".split()
)


def avoided_words(avoid: str) -> frozenset[str]:
    """The telling words of what somebody does not want to meet."""
    return frozenset(word for word in _WORD.findall(normal(avoid)) if word not in _EMPTY)


SOLICITING: Final = (
    "見込み客", "投資用", "節税", "年収", "保険の見直し", "保険見直し", "副業で", "権利収入", "ネットワークビジネス",
    "代理店募集", "不労所得", "資産形成", "ライフプラン", "名刺交換", "アポ", "テレアポ",
    "leads", "prospects", "passive income", "mlm",
)  # fmt: skip


def solicits(texts: Iterable[str]) -> bool:
    """Whether somebody mainly looks for people to sell to: two or more words of solicitation in what they want and say."""
    whole = normal(" ".join(texts))
    return sum(1 for term in SOLICITING if _has(whole, term)) >= 2


def company_key(name: str) -> str:
    """A company's name without its legal form."""
    bare = re.sub(
        r"株式会社|有限会社|合同会社|合資会社|合名会社|\(株\)|㈱|\(有\)|inc\.?|ltd\.?|co\.?,?|corp\.?|kk",
        "",
        normal(name),
    )
    return "".join(_KEPT.split(bare))


def joined(parts: Sequence[str]) -> str:
    """Texts as one, each its own sentence."""
    return "。".join(part for part in parts if part)
