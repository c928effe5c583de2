"""What to change next time: each finding with its evidence, and none that the numbers do not carry."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.survey.domain.facts import Facts
from services.survey.domain.funnel import funnel, mixing, speed
from services.survey.domain.statistics import COUNTS_BELOW, Share

PRESSURE: Final = 0.15
TOO_SHORT: Final = 0.20
THANKED: Final = 0.50
NO_SHOW: Final = 0.25
NO_GOAL: Final = 0.20


@dataclass(frozen=True)
class Improvement:
    """A rule that fired: evidence, proposal, and the number that will show success."""

    rule: str
    evidence: Share | None
    ja: str
    en: str
    check_ja: str
    check_en: str


def improvements(facts: Facts) -> list[Improvement]:
    """Rules that fired. A share must lie beyond its threshold with its whole interval, and have ten answers or more."""
    return list(_fired(facts))


def _above(share: Share, threshold: float) -> bool:
    return share.n >= COUNTS_BELOW and share.interval[0] > threshold


def _below(share: Share, threshold: float) -> bool:
    return share.n >= COUNTS_BELOW and share.interval[1] < threshold


def trouble(facts: Facts, code: str) -> Share:
    """Share of those who answered the question who ticked this trouble."""
    asked = [response for response in facts.responses if response.answers.troubles]
    return Share(sum(1 for response in asked if code in response.answers.troubles), len(asked))


def _fired(facts: Facts) -> Iterator[Improvement]:
    pressure = trouble(facts, "sales_pressure")
    if _above(pressure, PRESSURE):
        yield Improvement(
            "sales_pressure", pressure,
            "開会時に「売り込みは1分まで」の約束を伝え、申込時の同意に加えましょう",
            "Open with a rule of at most one minute of pitching, and ask for consent to it at registration",
            "次回の「売り込みが強い」の割合", "Share who felt sales pressure next time",
        )  # fmt: skip
    short = trouble(facts, "too_short")
    if _above(short, TOO_SHORT):
        yield Improvement(
            "too_short", short,
            "ラウンド数を1つ減らし、1回の会話を長くしましょう",
            "Have one round fewer, and longer ones",
            "次回の「時間が足りない」の割合", "Share who had too little time next time",
        )  # fmt: skip
    thanks = speed(facts).thanked_in_time
    if _below(thanks, THANKED):
        yield Improvement(
            "thanks", thanks,
            "閉会前に3分取り、その場でお礼の下書きを開いてもらいましょう",
            "Take three minutes before closing for everybody to open their thank-you drafts",
            "次回の24時間以内のお礼の割合", "Share thanked within 24 hours next time",
        )  # fmt: skip
    attended = funnel(facts)[1].of_before
    no_show = Share(attended.n - attended.yes, attended.n)
    if _above(no_show, NO_SHOW):
        yield Improvement(
            "no_show", no_show,
            "前日に「会ってほしい人」の一覧を送り、キャンセルは待機中の方へ回しましょう",
            "Send everybody their list of people the day before, and pass cancelled seats to the waitlist",
            "次回の欠席の割合", "Share of no-shows next time",
        )  # fmt: skip
    no_goal = Share(
        sum(1 for response in facts.responses if response.answers.had_no_goal),
        sum(1 for response in facts.responses if response.answers.had_no_goal or response.answers.goal is not None),
    )
    if _above(no_goal, NO_GOAL):
        yield Improvement(
            "no_goal", no_goal,
            "申込フォームで目的を例つきの必須項目にしましょう",
            "Make the goal a required field with an example at registration",
            "次回の「目的なし」の割合", "Share without a goal next time",
        )  # fmt: skip
    mixed = mixing(facts)
    crossing, chance = mixed.cross_industry, mixed.expected_cross_industry
    if chance is not None and _below(crossing, chance):
        yield Improvement(
            "mixing", crossing,
            "同業どうしの会話が偶然より多く見られました。席替えの回数を増やしましょう",
            "Pairs from one industry met more often than by chance; seat people across industries",
            "次回の異業種どうしの会話の割合", "Share of pairs across industries next time",
        )  # fmt: skip
