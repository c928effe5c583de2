"""The organiser's report: facts to numbers, and numbers to words and charts."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.survey.domain import charts
from services.survey.domain.facts import Facts
from services.survey.domain.funnel import Step, funnel, mixing, speed
from services.survey.domain.improvements import improvements, trouble
from services.survey.domain.questions import TROUBLES
from services.survey.domain.statistics import COUNTS_BELOW, HIDDEN_BELOW, Share

STEPS = {
    "registered": {"ja": "参加登録", "en": "Registered"},
    "attended": {"ja": "来場", "en": "Attended"},
    "met": {"ja": "会った", "en": "Met somebody"},
    "talked": {"ja": "3分以上話した", "en": "Talked 3 min or more"},
    "thanked": {"ja": "24時間以内にお礼", "en": "Thanked within 24 h"},
    "next_step": {"ja": "次の一歩", "en": "Next step"},
}


def numbers(facts: Facts) -> dict[str, Any]:
    """Every number of the report, for machines. Small groups are withheld here as on the page."""
    shown = len(facts.responses) >= HIDDEN_BELOW
    return {
        "as_of": facts.as_of,
        "funnel": [
            {
                "step": step.name,
                "people": step.people,
                "pairs": step.pairs,
                "share_of_before": _share(step.of_before),
                "still_open": step.still_open,
            }
            for step in funnel(facts)
        ],
        "followups_due": facts.due_by_kind,
        "median_hours_to_thanks": speed(facts).median_hours,
        "mixing": {
            key: _share(value) if isinstance(value, Share) else value for key, value in vars(mixing(facts)).items()
        },
        "responses": len(facts.responses) if shown else None,
        "responses_by_room": _by_room(facts) if shown else None,
        "answers": {name: _share(share) for name, share in _headlines(facts).items()} if shown else None,
        "troubles": {code: _share(trouble(facts, code)) for code in TROUBLES} if shown else None,
        "improvements": [
            {**asdict(each), "evidence": _share(each.evidence) if each.evidence else None}
            for each in improvements(facts)
        ],
    }


def _share(share: Share) -> dict[str, Any] | None:
    if share.shown_as == "hidden" and share.n:
        return None
    low, high = share.interval
    return {
        "yes": share.yes,
        "n": share.n,
        "share": round(share.value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def _by_room(facts: Facts) -> int:
    """Answers by the code on the screen, which the same person may have given."""
    return sum(each.trust == "room" for each in facts.responses)


def _headlines(facts: Facts) -> dict[str, Share]:
    def asked(name: str) -> list[int]:
        return [value for each in facts.responses if (value := getattr(each.answers, name)) is not None]

    next_step, goal, fit, again = asked("next_step"), asked("goal"), asked("fit"), asked("again")
    return {
        "next_step": Share(sum(value >= 1 for value in next_step), len(next_step)),
        "goal": Share(sum(value >= 3 for value in goal), len(goal)),
        "fit": Share(sum(value >= 2 for value in fit), len(fit)),
        "again": Share(sum(value >= 7 for value in again), len(again)),
    }


_HEADLINES = {
    "next_step": {"ja": "次の一歩に進みそうな人がいる", "en": "Expect a next step"},
    "goal": {"ja": "目的をほぼ達成した", "en": "Achieved their goal"},
    "fit": {"ja": "4割以上が目的に合う相手", "en": "Met the right people"},
    "again": {"ja": "また来たい(7以上)", "en": "Would come again (7+)"},
}


def page(facts: Facts, locale: str) -> dict[str, Any]:
    """What the report's template shows, in one language."""
    steps = funnel(facts)
    answered = len(facts.responses)
    attended = steps[1].people
    headlines = [(_HEADLINES[name][locale], share) for name, share in _headlines(facts).items()]
    troubles = sorted(
        ((words[locale], trouble(facts, code)) for code, words in TROUBLES.items() if code != "none"),
        key=lambda each: -each[1].value,
    )
    return {
        "facts": facts,
        "held_on": _day(facts.starts_at, facts.time_zone, locale),
        "as_of": f"{_day(facts.as_of, facts.time_zone, locale)} {facts.as_of.astimezone(ZoneInfo(facts.time_zone)):%H:%M}",
        "steps": [(STEPS[step.name][locale], step) for step in steps],
        "funnel_chart": charts.bars(
            "参加から次の一歩まで" if locale == "ja" else "From registration to a next step",
            [(STEPS[step.name][locale], step.people, _pairs(step, locale)) for step in steps],
        ),
        "answered": answered,
        "shown": answered >= HIDDEN_BELOW,
        "by_room": _by_room(facts),
        "response_rate": Share(min(answered, attended), attended),
        "headlines": headlines,
        "headline_chart": charts.dots("回答の割合" if locale == "ja" else "Answers", headlines),
        "troubles": troubles,
        "trouble_chart": charts.dots("気になったこと" if locale == "ja" else "What bothered people", troubles),
        "mixing": mixing(facts),
        "speed": speed(facts),
        "improvements": improvements(facts),
        "quotes": list(dict.fromkeys(r.free_text for r in facts.responses if r.quotable and r.free_text))
        if answered >= HIDDEN_BELOW
        else [],
        "caution": answered < 3 * COUNTS_BELOW,
    }


def _day(moment: datetime, time_zone: str, locale: str) -> str:
    """The day where the gathering is."""
    day = moment.astimezone(ZoneInfo(time_zone)).date()
    return f"{day.year}年{day.month}月{day.day}日" if locale == "ja" else day.isoformat()


def _pairs(step: Step, locale: str) -> str:
    if step.pairs is None:
        return "人" if locale == "ja" else "people"
    return f"人・{step.pairs}組" if locale == "ja" else f"people, {step.pairs} pairs"
