"""The letter that one follow-up calls for now, drafted from what its owner knows."""

from dataclasses import dataclass
from datetime import datetime

from services.followup.domain import briefing, cadence, drafts
from services.followup.domain.cadence import Person
from services.followup.domain.drafts import Draft, Material
from services.followup.rules import Rules
from services.followup.store.reading import Reader, Sheet
from services.followup.store.reminders import Brief


@dataclass(frozen=True)
class Letter:
    """`draft` is None while the owner has not written a word about the talk: they are asked for one line."""

    kind: str
    locale: str
    material: Material
    draft: Draft | None


def letter(
    rules: Rules,
    sheet: Sheet,
    reader: Reader,
    person: Person,
    now: datetime,
    step: str | None = None,
    locale: str | None = None,
) -> Letter | None:
    """For one of the next steps if chosen, else the one that its state calls for; in `locale` if chosen, else in the
    language of whoever will read it.

    None where nothing is to be written.
    """
    kind = None if sheet.closed else drafts.next_letter(sheet.state, sheet.wants_next)
    if kind and kind != "thank_draft" and step in drafts.NEXT_STEPS:
        kind = step
    if kind is None:
        return None
    written_of = material(rules, sheet, reader, person, now)
    locale = locale or sheet.other_locale or reader.locale
    return Letter(kind, locale, written_of, rules.drafts(reader.texts).draft(kind, locale, written_of, now))


def material(rules: Rules, sheet: Sheet, reader: Reader, person: Person, now: datetime) -> Material:
    """All that a letter about this follow-up may be made of."""
    return Material(
        gathering=sheet.gathering,
        met_at=sheet.met_at,
        deadline_at=sheet.deadline_at,
        zone=person.zone,
        owner=reader.card,
        other=sheet.card,
        note=sheet.note,
        topics=sheet.topics,
        other_thanked_first=sheet.other_thanked_first,
        slots=cadence.slots(rules.policy(sheet.policy), person, now),
    )


def due_words(sheet: Sheet, person: Person, locale: str) -> dict[str, object]:
    """The words of the texts that tell of a step."""
    return {
        "name": drafts.one_line(sheet.card.name),
        "company": drafts.one_line(sheet.card.company),
        "gathering": drafts.one_line(sheet.gathering),
        "until": drafts.moment_text(locale, sheet.deadline_at, person.zone),
    }


def brief_words(known: Brief, person: Person, locale: str) -> dict[str, object]:
    """What an attendee is told before and right after the gathering, as words of the texts `brief` and `survey`."""
    return {
        "gathering": drafts.one_line(known.gathering),
        "begins": drafts.moment_text(locale, known.starts_at, person.zone) if known.starts_at else "",
        "goal": drafts.one_line(known.goal),
        "people": briefing.people(known.introduced, locale),
        "seats": sorted(known.seats, key=lambda seat: int(seat["round"])),
        "survey_url": known.survey_url or "",
    }
