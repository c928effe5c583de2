"""Small readings of free text, in Japanese and English: n-grams, company names, what somebody avoids, who solicits."""

import re
from collections.abc import Iterable
from typing import Final

from services.matching.domain.people import Person
from shared.lexicon import normal

_LATIN: Final = re.compile(r"[a-z0-9&+#\-]+")
_HIRAGANA: Final = re.compile(r"[\u3041-\u309f]+")
_KEPT: Final = re.compile(r"[^\w&+#\-]+")


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


def avoids_sellers(avoid: str) -> bool:
    """Whether somebody asks not to be sold to."""
    return any(
        word in normal(avoid) for word in ("勧誘", "営業", "セールス", "売り込み", "solicit", "sales", "selling")
    )


def is_solicitor(person: Person) -> bool:
    """Whether somebody mainly looks for people to sell to, by their words or because a human found so."""
    return person.seller or solicits([person.needs, person.goal, person.offers, person.pitch])


def solicits(texts: Iterable[str]) -> bool:
    """Whether somebody mainly looks for people to sell to: two or more words of solicitation in what they want and say."""
    whole = normal(" ".join(texts))
    return sum(1 for term in SOLICITING if term in whole) >= 2


def company_key(name: str) -> str:
    """A company's name without its legal form."""
    bare = re.sub(
        r"株式会社|有限会社|合同会社|合資会社|合名会社|\(株\)|㈱|\(有\)|inc\.?|ltd\.?|co\.?,?|corp\.?|kk",
        "",
        normal(name),
    )
    return "".join(_KEPT.split(bare))
