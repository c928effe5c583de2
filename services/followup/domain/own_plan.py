"""What somebody wrote at registration about how they will move afterwards, as tasks with days."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

MOST: Final = 5
CHARS: Final = 120

_ENGLISH: Final = ("one", "two", "three", "four", "five", "six", "seven")
_NUMBERS: Final = {
    "a": 1,
    **{word: number for number, word in enumerate("一二三四五六七八九十", 1)},
    **{word: number for number, word in enumerate(_ENGLISH, 1)},
}
_UNIT_DAYS: Final = {"日": 1, "週": 7, "月": 30, "day": 1, "week": 7, "month": 30}
_COUNTED: Final = re.compile(
    r"(?P<ja>\d{1,3}|[一二三四五六七八九十])\s*(?P<ja_unit>日|週|[かヶケカ箇]月)間?(?P<ja_by>以内|まで|後)"
    r"|\b(?P<en_by>within|in)\s+(?P<en>\d{1,3}|a|one|two|three|four|five|six|seven)\s+(?P<en_unit>day|week|month)s?\b",
    re.IGNORECASE,
)
_NAMED: Final = (
    (re.compile(r"当日|その日|same day", re.IGNORECASE), 0),
    (re.compile(r"翌日|翌朝|次の日|next (day|morning)|day after", re.IGNORECASE), 1),
    (re.compile(r"翌週|次の週|next week", re.IGNORECASE), 7),
    (re.compile(r"翌月|次の月|next month", re.IGNORECASE), 30),
)
_SENTENCES: Final = re.compile(r"[。！？!?\n;；]|\.(?=\s|$)")
_COMMAS: Final = re.compile(r"[、,，]")
_LEADING: Final = re.compile(r"^(?:[\s・*\-–]|\d+[.)]\s|and\s|then\s|そして)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Task:
    """`days` after the gathering is when to be reminded of it; None where the text names no time."""

    text: str
    days: int | None


def tasks(plan: str) -> tuple[Task, ...]:
    """The tasks in a plan, at most `MOST`. A comma parts two tasks where both sides name a time."""
    found: list[str] = []
    for sentence in _SENTENCES.split(unicodedata.normalize("NFKC", plan)):
        current = ""
        for piece in _COMMAS.split(sentence):
            if current and days_in(current) is not None and days_in(piece) is not None:
                found.append(current)
                current = piece
            else:
                current = f"{current}、{piece}" if current and not piece.isascii() else f"{current},{piece}".lstrip(",")
        found.append(current)
    texts = dict.fromkeys(text for part in found if (text := _tidy(part)))
    return tuple(Task(text, days_in(text)) for text in list(texts)[:MOST])


def days_in(text: str) -> int | None:
    """After how many days the text calls for a reminder: on the day it names, or when half of a span is over."""
    if counted := _COUNTED.search(text):
        number = counted["ja"] or counted["en"].lower()
        unit = (counted["ja_unit"] or counted["en_unit"])[-1 if counted["ja_unit"] else slice(None)].lower()
        days = (int(number) if number.isdigit() else _NUMBERS[number]) * _UNIT_DAYS[unit]
        exact = (counted["ja_by"] or counted["en_by"]).lower() in ("後", "in")
        return days if exact else (days + 1) // 2
    return next((days for pattern, days in _NAMED if pattern.search(text)), None)


def _tidy(text: str) -> str:
    text = _LEADING.sub("", " ".join(text.split()))
    return text if len(text) <= CHARS else text[: CHARS - 1] + "…"
