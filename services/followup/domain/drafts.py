"""Drafts of what one attendee may write to another, from the owner's own note and what the other chose to show.

A draft is for its owner's eyes: the owner edits it and sends it. It never holds anything of the other side's notes,
because `Material` has no place for them. Without a word about the talk there is no draft, only a question for it.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

from services.followup.domain.states import State
from services.followup.domain.texts import Texts

_TEMPLATES: Final = {
    "thank_draft": "thanks",
    "thank_last_call": "thanks",
    "missed_24h": "thanks",
    "next_step": "next_step",
    "next_step_nudge": "next_step",
    "nurture": "nurture",
    "follow": "follow",
    "invite": "invite",
}
NEXT_STEPS: Final = ("follow", "nurture", "next_step", "invite")
"""What to do next about somebody: keep in touch, give something, propose something together, invite."""
_NEXT_LETTER: Final = {
    State.OPEN: "thank_draft",
    State.THANKED: "next_step",
    State.REPLIED: "next_step",
    State.MET_AGAIN: "nurture",
    State.OUTCOME: "nurture",
}
_FACT_CHARS: Final = 80  # Japanese ones, or twice as many Latin ones
_PHRASE_CHARS: Final = 60  # the same
GAP: Final = ("【", "】")
"""A template marks what only the owner can fill in with these; a text that still has a mark is not ready."""

_WEEKDAYS: Final = {"ja": "月火水木金土日", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
_MONTHS: Final = tuple("January February March April May June July August September October November December".split())


@dataclass(frozen=True, slots=True)
class Card:
    """What one attendee shows to the others."""

    name: str
    company: str = ""
    needs: str = ""
    offers: str = ""


@dataclass(frozen=True, slots=True)
class Material:
    """All that a draft may be made of."""

    gathering: str
    met_at: datetime
    deadline_at: datetime
    zone: ZoneInfo
    owner: Card
    other: Card
    note: str = ""
    """The owner's own note of the talk."""
    topics: tuple[str, ...] = ()
    other_thanked_first: bool = False
    slots: tuple[datetime, ...] = ()
    """Proposed times for a next talk."""


@dataclass(frozen=True, slots=True)
class Draft:
    subject: str
    body: str


class Drafts:
    """Writes letters from texts: the operator's, or an organiser's own."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def draft(self, kind: str, locale: str, material: Material, now: datetime) -> Draft | None:
        """The draft for a step of this kind, or None while the owner has not said a word about the talk.

        A kind that calls for no letter (`outcome_check`, or one from the future) has none either.
        """
        if kind not in _TEMPLATES or not fact_of(material.note, material.topics):
            return None
        return self._render(kind, locale, material, now)

    def is_personal(self, text: str, kind: str, locale: str, material: Material, now: datetime) -> bool:
        """Whether the text says anything that the template would not have said to anybody else.

        Leaving lines out or changing white space does not make a text personal; a gap left open spoils it.
        """
        if any(mark in text for mark in GAP):
            return False
        blank = self._render(kind, locale, replace(material, note="", topics=()), now)
        boilerplate = {_essence(line) for line in (blank.subject, *blank.body.splitlines())}
        return any(_essence(line) not in boilerplate for line in text.splitlines() if _essence(line))

    def _render(self, kind: str, locale: str, material: Material, now: datetime) -> Draft:
        text = self._texts.render(locale, _TEMPLATES[kind], words(locale, material, now))
        return parted(text)


def parted(text: str) -> Draft:
    """A rendered letter: its first line is the subject."""
    subject, _, body = text.strip().partition("\n")
    return Draft(one_line(subject), re.sub(r"\n{3,}", "\n\n", body).strip())


def next_letter(state: State, wants_next: bool | None = None) -> str | None:
    """The kind of letter that comes next in a state; None where nothing is to be written.

    Whoever noted at the gathering that they want no next step (`wants_next` False) is offered to keep in touch.
    """
    kind = _NEXT_LETTER.get(state)
    return "follow" if kind == "next_step" and wants_next is False else kind


def fact_of(note: str, topics: tuple[str, ...]) -> str:
    """One thing that was talked about: the first sentence of the note, else its topics."""
    return _first_sentence(note, _FACT_CHARS) or _cut("、".join(topics), _FACT_CHARS)


def one_line(text: str) -> str:
    """The text without line breaks and control characters, so that it can stand in a mail header."""
    printable = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return " ".join(printable.split())


def phrase(text: str) -> str:
    """Somebody's own words, short enough to stand in a sentence and fit for quotation marks."""
    return _cut(text, _PHRASE_CHARS)


def _first_sentence(text: str, limit: int) -> str:
    sentences = (one_line(part) for part in re.split(r"[。！？!?\n]|\.(?=\s|$)", text))
    return _cut(next((part for part in sentences if part), ""), limit)


def _cut(text: str, limit: int) -> str:
    """As wide as `limit` Japanese characters, ending where a sentence ends if one does; quotation marks for use inside others.

    A Latin letter is half as wide, and says half as much.
    """
    text = one_line(text).translate({ord("「"): "『", ord("」"): "』", ord('"'): "'"})
    widths = accumulate(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
    fits = sum(width <= 2 * limit for width in widths)
    if fits < len(text):
        whole = max(text.rfind(mark, 0, fits) for mark in ("。", "！", "？", ". "))
        text = text[:whole] if whole > 0 else text[: fits - 1] + "…"
    return text.rstrip("。. ")


def words(locale: str, material: Material, now: datetime) -> dict[str, object]:
    """What the text of a letter may insert."""
    met_on = material.met_at.astimezone(material.zone).date()
    today = now.astimezone(material.zone).date()
    return {
        "gathering": one_line(material.gathering),
        "owner": _card(material.owner),
        "other": _card(material.other),
        "fact": fact_of(material.note, material.topics),
        "when": _relative_day(locale, met_on, today),
        "belated": now > material.deadline_at,
        "other_thanked_first": material.other_thanked_first,
        "slots": [moment_text(locale, slot, material.zone) for slot in material.slots],
    }


def _card(card: Card) -> dict[str, str]:
    return {
        "name": one_line(card.name),
        "company": one_line(card.company),
        "needs": phrase(card.needs),
        "offers": phrase(card.offers),
    }


def _relative_day(locale: str, day: date, today: date) -> str:
    if day == today:
        return {"ja": "本日", "en": "today"}[locale]
    if day == today - timedelta(days=1):
        return {"ja": "昨日", "en": "yesterday"}[locale]
    return "先日" if locale == "ja" else f"on {day.day} {_MONTHS[day.month - 1]}"


def moment_text(locale: str, moment: datetime, zone: ZoneInfo) -> str:
    """A date and time as people of this language write it."""
    local = moment.astimezone(zone)
    weekday = _WEEKDAYS[locale][local.weekday()]
    if locale == "ja":
        return f"{local.month}月{local.day}日（{weekday}）{local:%H:%M}"
    return f"{weekday} {local.day} {_MONTHS[local.month - 1]}, {local:%H:%M}"


def _essence(line: str) -> str:
    """The line without white space and punctuation, in one width and case."""
    return "".join(char for char in unicodedata.normalize("NFKC", line).casefold() if char.isalnum())
