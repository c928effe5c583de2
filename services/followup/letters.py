"""The letter that one follow-up calls for now, drafted from what its owner knows."""

from dataclasses import dataclass
from datetime import datetime

from services.followup.domain import cadence, drafts
from services.followup.domain.cadence import Person
from services.followup.domain.drafts import Draft, Material
from services.followup.operations import Rules
from services.followup.store.reading import Reader, Sheet


@dataclass(frozen=True)
class Letter:
    """`draft` is None while the owner has not written a word about the talk: they are asked for one line."""

    kind: str
    locale: str
    material: Material
    draft: Draft | None


def letter(rules: Rules, sheet: Sheet, reader: Reader, person: Person, now: datetime) -> Letter | None:
    """In the language of whoever will read it. None where nothing is to be written."""
    kind = None if sheet.closed else drafts.next_letter(sheet.state)
    if kind is None:
        return None
    material = Material(
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
    locale = sheet.other_locale or reader.locale
    return Letter(kind, locale, material, rules.drafts.draft(kind, locale, material, now))
