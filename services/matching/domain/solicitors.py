"""Who mainly looks for people to sell to: by signs in their words, or as what a reading learned from examples finds.

Signs are sure and few; what sellers say is new every year. solicitations.csv holds 220 of them and 430 others, most of whom come
near: who sells for a living and looks for something else, or for the users of one thing. Written without a look at any room.
"""

import csv
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.matching.domain.concepts import Matrix, Reading, learn, sentence_vectors, words_by_sentence
from services.matching.domain.people import Person
from shared.lexicon import normal

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
SURE: Final = 0.45  # of a reading that is 1 for who solicits and -1 for who does not, 0 for who says nothing
FEW: Final = 3  # words that count half of what they would among many
Texts = tuple[Sequence[str], Sequence[str]]
"""What somebody wants, and what they give."""


def sellers_among(people: Sequence[Person]) -> NDArray[np.bool_]:
    """[i]: whether this one mainly looks for people to sell to, by their words or because a human found so."""
    texts = [([each.needs, each.goal], [each.offers, each.pitch]) for each in people]
    found = [each.seller or shows(*mine) for each, mine in zip(people, texts, strict=True)]
    return np.array(found, dtype=np.bool_) | (reads(texts) >= SURE)


def shows(wants: Iterable[str], gives: Iterable[str]) -> bool:
    """Whether signs tell it: hunting in what they want and pushing in what they give, or many of both anywhere."""
    wanted, given = normal(" ".join(wants)), normal(" ".join(gives))
    if _signs(HUNTING, wanted) and _signs(PUSHING, given):
        return True
    return len(_signs((*HUNTING, *PUSHING), f"{wanted} {given}")) >= SIGNS


def _signs(signs: Iterable[str], text: str) -> set[str]:
    return {sign for sign in signs if sign in text}


def reads(texts: Sequence[Texts]) -> Matrix:
    """[person]: how much their texts read as those who solicit, about -1 to 1; near 0 where they say nothing."""
    middle, learned = _learned()
    return np.asarray((_told(texts, middle) - learned.centre) @ learned.matrix).ravel()


@cache
def _learned() -> tuple[Matrix, Reading]:
    """[600] the middle of all examples, and what was learned from how they lie around it: both kinds weigh the same."""
    with Path(__file__).with_name("solicitations.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [([row["wants"]], [row["gives"]]) for row in rows]
    solicits = np.array([row["solicits"] == "1" for row in rows])
    weights = np.where(solicits, 0.5 / solicits.mean(), 0.5 / (1 - solicits.mean())).astype(np.float32)
    means, words = _directions(texts)
    middle = np.hstack([np.average(means[side], axis=0, weights=weights * (words[side] > 0)) for side in (0, 1)])
    return middle, learn(_told(texts, middle), np.where(solicits, 1.0, -1.0)[:, None], weights)


def _told(texts: Sequence[Texts], middle: Matrix) -> Matrix:
    """[person, 600]: where their wants and their offers lie from the middle, the nearer to it the less they say."""
    means, words = _directions(texts)
    shares = words / (words + np.float32(FEW))
    return np.hstack([(means[side] - half) * shares[side][:, None] for side, half in enumerate(np.split(middle, 2))])


def _directions(texts: Sequence[Texts]) -> tuple[Matrix, Matrix]:
    """[2, person, 300] the mean direction of the sentences that want and that give, and [2, person] how many words."""
    both = [_mean([mine[side] for mine in texts]) for side in (0, 1)]
    return np.stack([means for means, _ in both]), np.stack([words for _, words in both])


def _mean(texts: Sequence[Sequence[str]]) -> tuple[Matrix, Matrix]:
    said = [words_by_sentence(mine) for mine in texts]
    vectors, _ = sentence_vectors([words for mine in said for words in mine])
    starts = np.cumsum([0, *map(len, said)])
    shares = np.repeat([1 / max(len(mine), 1) for mine in said], [len(mine) for mine in said])
    whose = sparse.csr_matrix((shares, np.arange(len(shares)), starts), shape=(len(said), len(vectors)))
    counts = np.array([sum(map(len, mine)) for mine in said], dtype=np.float32)
    return np.asarray(whose @ vectors, dtype=np.float32), counts
