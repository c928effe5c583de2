"""What a text would say to real people of a gathering. Nothing is sent and nothing is kept."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.followup.domain import drafts, texts
from services.followup.letters import brief_words, due_words, material
from services.followup.rules import Rules
from services.followup.store import people, reading, reminders
from services.followup.store import texts as store
from shared.platform.database import Connection

OF_ATTENDEE = frozenset(("brief", "survey", "own_task"))
"""Texts about the gathering or an attendee's own plan; the others are about a follow-up."""


@dataclass(frozen=True)
class Preview:
    """`about` is the follow-up or registration that it was written for; None: there was nobody, words name themselves."""

    subject: str
    body: str
    about: UUID | None


async def preview(
    connection: Connection, rules: Rules, gathering: UUID, locale: str, name: str, text: str, now: datetime
) -> Preview:
    """The text with the words of one real follow-up, or of one attendee for what hangs on the gathering."""
    if name in OF_ATTENDEE:
        about, words = await _of_attendee(connection, gathering, locale)
    else:
        about, words = await _of_followup(connection, rules, gathering, locale, name, now)
    said = rules.texts.changed({f"{locale}/{name}": text}).render(locale, name, {**texts.placeholders(name), **words})
    if name not in texts.LETTERS:
        return Preview("", said.strip(), about)
    written = drafts.parted(said)
    return Preview(written.subject, written.body, about)


async def _of_followup(
    connection: Connection, rules: Rules, gathering: UUID, locale: str, name: str, now: datetime
) -> tuple[UUID | None, dict[str, object]]:
    shown = await store.followup_to_show(connection, gathering)
    reader = await reading.reader(connection, shown[1]) if shown else None
    if shown is None or reader is None:
        return None, {}
    followup, owner = shown
    (sheet,) = await reading.sheets(connection, owner, followup)
    person = (await people.owners(connection, [(owner, gathering)]))[owner].person
    if name not in texts.LETTERS:
        return followup, due_words(sheet, person, locale)
    await rules.know(connection, [sheet.policy])
    return followup, drafts.words(locale, material(rules, sheet, reader, person, now), now)


async def _of_attendee(connection: Connection, gathering: UUID, locale: str) -> tuple[UUID | None, dict[str, object]]:
    attendee = await store.attendee_to_show(connection, gathering)
    known = await reminders.brief(connection, attendee) if attendee else None
    if attendee is None or known is None:
        return None, {}
    person = (await people.owners(connection, [(attendee, gathering)]))[attendee].person
    words = brief_words(known, person, locale)
    for task in (await reminders.tasks(connection, attendee))[:1]:
        words["task"] = task.text
    return attendee, {word: value for word, value in words.items() if value}
