"""Small readings of free text, in Japanese and English: company names, what somebody avoids, who solicits."""

import re
from collections.abc import Iterable
from typing import Final

from services.matching.domain.people import Person
from shared.lexicon import normal

_KEPT: Final = re.compile(r"[^\w&+#\-]+")


_CLAUSE: Final = re.compile(r"[、,，。．.;；\n/・()（）「」!！?？]|や|とか|または|もしくは|および| or | and ")


def clauses(text: str) -> list[str]:
    """The parts of an enumeration."""
    return [part.strip() for part in _CLAUSE.split(text) if part.strip()]


SOLICITING: Final = (
    "見込み客", "見込客", "リスト交換", "アポ", "面談設定", "お時間をください", "お時間いただ", "名刺交換", "紹介料",
    "投資用", "ワンルーム", "自己資金0", "頭金", "節税", "年金対策", "資産形成", "資産運用", "不労所得", "老後資金", "年収",
    "保険の見直し", "保険見直し", "保障の見直し", "ライフプラン", "無料診断", "無料相談会",
    "副業", "副収入", "権利収入", "収入にプラス", "自由な時間", "在庫を持た", "会員募集", "仲間を募集", "代理店募集", "ネットワークビジネス",
    "人生が変わる", "自己啓発", "酵素",
    "leads", "prospects", "passive income", "mlm", "downline", "financial freedom", "tax saving", "life plan",
)  # fmt: skip
"""Words of those who come to sell insurance, flats, memberships and the like to whomever they meet."""
SIGNS: Final = 2  # from how many of them on somebody is taken for one; one alone is often innocent


def avoids_sellers(avoid: str) -> bool:
    """Whether somebody asks not to be sold to."""
    return any(
        word in normal(avoid) for word in ("勧誘", "営業", "セールス", "売り込み", "solicit", "sales", "selling")
    )


def is_solicitor(person: Person) -> bool:
    """Whether somebody mainly looks for people to sell to, by their words or because a human found so."""
    return person.seller or solicits([person.needs, person.goal, person.offers, person.pitch])


def solicits(texts: Iterable[str]) -> bool:
    """Whether somebody mainly looks for people to sell to: `SIGNS` or more words of solicitation in what they want and say."""
    whole = normal(" ".join(texts))
    return sum(1 for term in SOLICITING if term in whole) >= SIGNS


def name_key(name: str) -> str:
    """A person's name without spaces and width."""
    return "".join(normal(name).split())


def company_key(name: str) -> str:
    """A company's name without its legal form."""
    bare = re.sub(
        r"株式会社|有限会社|合同会社|合資会社|合名会社|\(株\)|\(有\)|(?<![a-z0-9])(?:inc|ltd|co|corp|k\.?k)(?![a-z0-9])",
        "",
        normal(name),
    )
    return "".join(_KEPT.split(bare))
