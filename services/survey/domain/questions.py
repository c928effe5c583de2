"""The five questions, their wording, and what a submitted form becomes."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.contracts.survey_submitted import Answers

FORM_VERSION: Final = 1  # raised by any change of wording or options
MAX_TEXT: Final = 1000  # characters

Words = dict[str, str]


@dataclass(frozen=True)
class Question:
    """A question with its options; the position of an option is its value."""

    name: str
    ask: Words
    options: tuple[Words, ...]
    many: bool = False


def _w(ja: str, en: str) -> Words:
    return {"ja": ja, "en": en}


TROUBLES: Final = {
    "sales_pressure": _w("売り込みが強い人がいた", "Somebody pushed their sales"),
    "closed_circle": _w("内輪・常連の輪に入りにくかった", "Hard to join circles of regulars"),
    "boasting": _w("自慢・マウントがあった", "Boasting and ranking"),
    "too_short": _w("話す時間が足りなかった", "Too little time to talk"),
    "different_heat": _w("目的や熱量に差があった", "Others came for something else"),
    "no_opening": _w("話すきっかけがなかった", "No opening to start talking"),
    "venue": _w("会場・進行", "Venue or running of the event"),
    "none": _w("特になし", "Nothing in particular"),
}

QUESTIONS: Final = (
    Question(
        "next_step",
        _w(
            "今日会った方のうち、打合せ・紹介・相談に進みそうな方は何人ですか",
            "How many of the people you met may lead to a next step?",
        ),
        (_w("0人", "0"), _w("1人", "1"), _w("2人", "2"), _w("3〜4人", "3 to 4"), _w("5人以上", "5 or more")),
    ),
    Question(
        "goal",
        _w("参加の目的はどのくらい達成できましたか", "How far did you achieve what you came for?"),
        (
            _w("まったく", "Not at all"),
            _w("少し", "A little"),
            _w("半分", "Half"),
            _w("ほぼ", "Mostly"),
            _w("十分", "Fully"),
            _w("目的は決めていなかった", "I had set no goal"),
        ),
    ),
    Question(
        "fit",
        _w("話した方のうち、目的に合う方は何割でしたか", "What share of those you talked to suited your purpose?"),
        (
            _w("0割", "None"),
            _w("1〜3割", "10-30 %"),
            _w("4〜6割", "40-60 %"),
            _w("7〜9割", "70-90 %"),
            _w("ほぼ全員", "Nearly all"),
        ),
    ),
    Question(
        "troubles",
        _w("気になったことはありますか(いくつでも)", "Did anything bother you? (any number)"),
        tuple(TROUBLES.values()),
        many=True,
    ),
    Question(
        "again",
        _w(
            "次回もこの会に参加したいですか(0 まったく 〜 10 ぜひ)",
            "Would you come again? (0 not at all, 10 certainly)",
        ),
        tuple(_w(str(n), str(n)) for n in range(11)),
    ),
)
NO_GOAL: Final = "5"


@dataclass(frozen=True)
class Filled:
    """A valid submission."""

    answers: Answers
    free_text: str | None
    quotable: bool


class NotAnswered(ValueError):
    """The form cannot be taken. `errors` has a sentence per field, in the reader's language."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("the form has errors")
        self.errors = errors


_ODD: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff]")
_SAY: Final = {
    "option": _w("選択肢から選んでください", "Please choose one of the options"),
    "long": _w(f"{MAX_TEXT}文字以内でお願いします", f"Please keep to {MAX_TEXT} characters"),
    "empty": _w("1つ以上の質問に答えてください", "Please answer at least one question"),
}


def read_form(form: Mapping[str, Sequence[str]], locale: str) -> Filled:
    """A submitted form as answers. Half-filled is fine, empty is not. Raises `NotAnswered`."""
    errors: dict[str, str] = {}
    values: dict[str, int] = {}
    had_no_goal = False
    for question in QUESTIONS:
        if question.many:
            continue
        given = [value for value in form.get(question.name, ()) if value != ""]
        if not given:
            continue
        if question.name == "goal" and given == [NO_GOAL]:
            had_no_goal = True
        elif len(given) == 1 and given[0].isascii() and given[0].isdigit() and int(given[0]) < len(question.options):
            values[question.name] = int(given[0])
        else:
            errors[question.name] = _SAY["option"][locale]
    troubles = list(dict.fromkeys(form.get("troubles", ())))
    if any(each not in TROUBLES for each in troubles):
        errors["troubles"] = _SAY["option"][locale]
    elif len(troubles) > 1:  # "nothing in particular" beside a trouble says nothing
        troubles = [each for each in troubles if each != "none"]
    text = tidy("".join(form.get("free_text", ())[:1]))
    if len(text) > MAX_TEXT:
        errors["free_text"] = _SAY["long"][locale]
    if not errors and not values and not troubles and not had_no_goal and not text:
        errors["form"] = _SAY["empty"][locale]
    if errors:
        raise NotAnswered(errors)
    answers = Answers(**values, had_no_goal=had_no_goal, troubles=tuple(troubles))
    return Filled(answers, text or None, bool(text) and "quotable" in form)


def tidy(text: str) -> str:
    """Free text as it may be stored: NFKC, no control or direction-changing characters."""
    return _ODD.sub("", unicodedata.normalize("NFKC", text.replace("\r\n", "\n"))).strip()
