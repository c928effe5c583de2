"""What a text would say to real people of a gathering. Nothing is sent and nothing is kept."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.followup.domain import drafts, texts
from services.followup.domain.drafts import Drafts
from services.followup.letters import brief_words, due_words, material
from services.followup.rules import Rules
from services.followup.store import people, reading, reminders
from services.followup.store import texts as store
from shared.platform.database import Connection


@dataclass(frozen=True)
class Preview:
    """`about` is the follow-up or registration that it was written for; None: nobody could be, words name themselves."""

    subject: str
    body: str
    about: UUID | None


async def preview(
    connection: Connection, rules: Rules, gathering: UUID, locale: str, name: str, text: str, now: datetime
) -> Preview:
    """The text with the words of one real follow-up, or of one attendee for what hangs on the gathering."""
    changed = rules.texts.changed({f"{locale}/{name}": text})
    if name in ("brief", "survey", "own_task"):
        about, words = await _of_attendee(connection, gathering, locale)
    else:
        shown = await store.followup_to_show(connection, gathering)
        if shown is not None and name in texts.LETTERS:
            letter = await _letter(connection, rules, Drafts(changed), *shown, locale, name, now)
            if letter is not None:
                return Preview(letter.subject, letter.body, shown[0])
        about, words = (
            await _of_followup(connection, *shown, locale) if shown and name not in texts.LETTERS else (None, {})
        )
    said = changed.render(locale, name, {**texts.placeholders(name), **words}).strip()
    if name not in texts.LETTERS:
        return Preview("", said, about)
    subject, _, body = said.partition("\n")
    return Preview(subject, body.strip(), None)


async def _letter(
    connection: Connection,
    rules: Rules,
    written: Drafts,
    followup: UUID,
    owner: UUID,
    locale: str,
    name: str,
    now: datetime,
) -> drafts.Draft | None:
    reader = await reading.reader(connection, owner)
    (sheet,) = await reading.sheets(connection, owner, followup)
    if reader is None:
        return None
    await rules.know(connection, [sheet.policy])
    person = (await people.owners(connection, [(owner, reader.gathering)]))[owner].person
    kind = "thank_draft" if name == "thanks" else name
    return written.draft(kind, locale, material(rules, sheet, reader, person, now), now)


async def _of_followup(
    connection: Connection, followup: UUID, owner: UUID, locale: str
) -> tuple[UUID | None, dict[str, object]]:
    (sheet,) = await reading.sheets(connection, owner, followup)
    reader = await reading.reader(connection, owner)
    if reader is None:
        return None, {}
    person = (await people.owners(connection, [(owner, reader.gathering)]))[owner].person
    return followup, due_words(sheet, person, locale)


async def _of_attendee(connection: Connection, gathering: UUID, locale: str) -> tuple[UUID | None, dict[str, object]]:
    attendee = await store.attendee_to_show(connection, gathering)
    known = await reminders.brief(connection, attendee) if attendee else None
    if attendee is None or known is None:
        return None, {}
    person = (await people.owners(connection, [(attendee, gathering)]))[attendee].person
    words = brief_words(known, person, locale)
    tasks = await reminders.tasks(connection, attendee)
    if tasks:
        words["task"] = tasks[0].text
    return attendee, {word: value for word, value in words.items() if value}
