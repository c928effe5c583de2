"""What an answer to "whom would you rather not meet" names. Never shown to anybody."""

import re
from functools import cache
from typing import Final, NamedTuple

from services.matching.domain.text import said
from services.matching.domain.words import content_words
from shared.lexicon import concepts_in, normal

_BREAK: Final = re.compile(
    r"[、,。.;\n/・「」!?]|とか|または|もしくは|および| or | and |&"
    r"|や(?=[^ぁ-ん\s]|[おご][^ぁ-ん])"  # not inside a word, as in 増やす
    r"|(?<=[^ぁ-ん\s])と(?=[^ぁ-ん\s])"
)
_BRACKETS: Final = re.compile(r"\(([^()]*)\)")
_REASON: Final = re.compile(r"(ので|ため|から)$|^(because|since|as)\b")
_TOLD: Final = re.compile(r"[ぁ-ん](?<!など)(?<!ほか)$|\b(i|we|they|it|because|since|already)\b")
"""A sentence in brackets, where an enumeration ends in a noun."""
_REFUSAL: Final = re.compile(
    r"(さん|方|人|者|話|社|屋|勧誘|営業|込み|たち|達|[とに])は.*([ぁ-ん]|勘弁|結構|無理|苦手|不要|嫌|ng)$"
)
"""What is said of whom is named, and why."""
_SUFFIX: Final = re.compile(r"(?<=[一-龥ァ-ヶー]{3})(?<!居酒)(?<!名古)(屋さん|屋|会社|業者)(?![一-龥])")
"""Makes one rare word of a trade and who is in it."""
_SOLD_TO: Final = re.compile(
    "勧誘|営業|セールス|売り込み|売込|お誘い|押し売り|飛び込み|テレアポ|迷惑電話|ダイレクトメール"
    "|ネットワークビジネス|マルチ商法|マルチ系|ねずみ講"
    "|solicit|sales|selling|sell me|pitches|cold call|telemarket|spam|network marketing|(?<![a-z])(mlm|dm)s?(?![a-z])"
)
_RIVAL: Final = re.compile(
    r"同業|競合|商売敵|商売がたき|ライバル|同じ(商売|業種|業界|仕事|分野)"
    r"|\b(competitors?|competing|rivals?|same (trade|business|line|field|industry))\b"
)
_OTHER: Final = re.compile(r"(?<!その)(他|ほか)の|\bother\b")
"""Of one's own trade only where what follows is one's own trade: "other banks", said by a bank."""
_NOBODY: Final = (  # words of asking and of every trade, which point at nobody in particular
    "営業 勧誘 セールス 売り込み 売り込む 売る 売り 誘う 誘い 募集 提案 紹介 紹介料 案内 連絡 乗り換え 切り替え 飛び込み しつこい 押し売り "
    "方 人 者 人間 人達 会社 企業 業者 業界 業種 業 事業 商売 仕事 屋 相手 皆 個人 個人向け 系 関係 全般 専門 担当 担当者 類 特定 方面 "
    "商品 製品 サービス グッズ 商材 話 話題 情報 目的 前提 今回 以前 去年 昔 毎日 いつも 本当 等 事 為 時 件 場 所 別 気 名前 "
    "遠慮 願う 会う 避ける 苦手 困る 嫌 酷い 無理 勘弁 結構 断る お断り 必要 不要 間に合う 興味 言う 来る 持つ 済む 決まる 聞く 知る "
    "同 同業 同業者 同業他社 競合 商売敵 敵 ライバル 他社 他 外 以外 同じ "
    "people anyone anybody person someone folks selling sell sales seller sellers salesman company companies business "
    "businesses firm firms vendor vendors pitch pitches offer offers avoid please other others same competitor "
    "competitors competing rival rivals fellow trade line field industry"
)


class Asked(NamedTuple):
    """Whom an answer means."""

    phrases: tuple[str, ...]
    """What is named, each thing by itself."""
    rivals: bool
    """Those of one's own trade."""
    others: tuple[str, ...]
    """Phrases that mean one's own trade if they describe it."""
    sellers: bool
    """Not to be sold to or recruited, by whomever: the one product that is named is an example."""


def asked(answer: str) -> Asked:
    """Read an answer. Reasons are left out, unless there is nothing else."""
    text = normal(answer) if said(answer) else ""
    phrases = tuple(each for each in clauses(text) if telling_words(each))
    return Asked(
        phrases,
        _RIVAL.search(text) is not None,
        tuple(each for each in phrases if _OTHER.search(each) and not _sold_to(each)),
        _sold_to(text),
    )


def clauses(text: str) -> list[str]:
    """The parts of an enumeration. One in brackets tells more of what stands before it; a reason does not count."""
    found: list[str] = []
    for part in _parts(_BRACKETS.sub(_enumeration, text)):
        part = _SUFFIX.sub(" ", _REFUSAL.sub(r"\1", part))
        items = [item for inner in _BRACKETS.findall(part) for item in inner.split("|")]
        head = _BRACKETS.sub(" ", part).strip()
        found += [f"{head} {item}".strip() for item in items] or [head]
    return [each for each in found if not _REASON.search(each)] or found


def _enumeration(brackets: re.Match[str]) -> str:
    inner = brackets[1].strip()
    return " " if _REASON.search(inner) or _TOLD.search(inner) else f"({'|'.join(_parts(inner))})"


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _BREAK.split(text) if part.strip()]


def _sold_to(text: str) -> bool:
    return _SOLD_TO.search(text) is not None


def telling_words(phrase: str) -> tuple[str, ...]:
    """The words of a phrase that point at somebody."""
    return tuple(word for word in content_words(phrase) if word not in _nobody())


def named_concepts(phrase: str) -> list[str]:
    """The concepts of the lexicon that those words show."""
    return [key for key, term in concepts_in(phrase).items() if not _nobody().issuperset(content_words(term))]


@cache
def _nobody() -> frozenset[str]:
    words = _NOBODY.split()
    return frozenset(words).union(*(content_words(word) for word in words))
