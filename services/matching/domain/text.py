"""Small readings of free text, in Japanese and English: company names, sentences, who solicits."""

import re
from collections.abc import Iterable
from itertools import accumulate
from typing import Final
from unicodedata import east_asian_width

from services.matching.domain.people import Person
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


HUNTING: Final = (
    "見込み客", "見込客", "リスト", "アポ", "面談", "名刺", "お時間をください", "お時間くださ", "お時間いただ", "見積り依頼", "見積依頼",
    "入替え", "入れ替え", "買い替え", "乗り換え", "切り替え", "切替え", "年収", "年商", "経営者様", "社長様", "富裕層", "オーナー様",
    "どなたでも", "問いません", "仲間を募集", "仲間募集", "会員募集", "代理店募集", "紹介料", "将来に不安", "お知り合いの多い", "プラスがほしい",
    "副業", "ご関心のある", "ご興味のある", "関心のある方", "興味のある方", "興味がある方", "お考えの会社", "お考えの経営者",
    "leads", "prospects", "appointments", "anyone is", "high income", "high-income", "referral fee",
)  # fmt: skip
"""Signs of looking for customers of whatever kind, where others tell what they need."""
PUSHING: Final = (
    "投資用", "ワンルーム", "自己資金0", "頭金", "節税", "年金対策", "資産形成", "資産運用", "不労所得", "老後", "利回り", "非公開物件",
    "満室", "マンション経営", "家賃収入", "保険の見直し", "保険見直し", "保障の見直し", "保険診断", "法人保険", "生命保険", "ライフプラン",
    "無料診断", "無料相談会", "無料セミナー", "セミナーへご招待", "無料ご招待", "無料招待", "体験会", "副業", "副収入", "権利収入",
    "収入にプラス", "入ってくる収入", "自由な時間", "在庫を持た", "人生が変わ", "人生を変え", "夢を叶え", "自己啓発", "酵素", "お茶会",
    "お茶しま", "line交換", "line登録", "公式line", "友だち追加", "キャンペーン", "今だけ", "初期費用ゼロ", "初期費用0", "乗り換え",
    "その場で", "コピー機", "複合機", "光回線", "新電力", "ウォーターサーバー", "utm", "完全成功報酬", "丸投げ", "まるっと", "払いすぎ",
    "知らないと損", "必ず下が", "仮想通貨", "fx", "働かなくても", "もしも", "万が一",
    "passive income", "side income", "extra income", "mlm", "downline", "financial freedom", "tax saving", "life plan",
    "crypto", "forex", "limited offer", "free diagnosis", "no initial cost", "be your own boss", "network marketing",
)  # fmt: skip
"""Signs of selling insurance, flats, memberships, contracts and the like to whomever one meets. One alone is innocent."""
SIGNS: Final = 5  # of both kinds, wherever they stand, that tell even of somebody who leaves the need open


def is_solicitor(person: Person) -> bool:
    """Whether somebody mainly looks for people to sell to, by their words or because a human found so."""
    return person.seller or solicits([person.needs, person.goal], [person.offers, person.pitch])


def solicits(wants: Iterable[str], gives: Iterable[str]) -> bool:
    """Whether somebody mainly looks for people to sell to: hunts in what they want and pushes in what they give."""
    wanted, given = normal(" ".join(wants)), normal(" ".join(gives))
    if _signs(HUNTING, wanted) and _signs(PUSHING, given):
        return True
    return len(_signs((*HUNTING, *PUSHING), f"{wanted} {given}")) >= SIGNS


def _signs(signs: Iterable[str], text: str) -> set[str]:
    return {sign for sign in signs if sign in text}


def company_key(name: str) -> str:
    """A company's name without its legal form."""
    bare = re.sub(
        r"株式会社|有限会社|合同会社|合資会社|合名会社|\(株\)|\(有\)|(?<![a-z0-9])(?:inc|ltd|co|corp|k\.?k)(?![a-z0-9])",
        "",
        normal(name),
    )
    return "".join(_KEPT.split(bare))
