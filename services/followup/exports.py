"""What people take with them: an appointment for their calendar, a card for their address book, a table of all."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from icalendar import Calendar, Event

from services.followup.domain.cadence import Person
from services.followup.domain.drafts import one_line
from services.followup.store.reading import Sheet

TALK: Final = timedelta(minutes=30)  # as long as the draft of a next step asks for
_RISKY: Final = ("=", "+", "-", "@", "\t")
COLUMNS: Final = ("gathering", "met_at", "name", "company", "title", "email", "state", "outcome", "amount", "note")


def appointment(sheet: Sheet, person: Person, now: datetime) -> bytes:
    """The agreed date as iCalendar (RFC 5545). The same UID and a higher SEQUENCE move it in the calendar.

    Raises `ValueError` for a follow-up without an appointment.
    """
    if sheet.appointment_at is None:
        raise ValueError("there is no appointment")
    start = sheet.appointment_at.astimezone(person.zone)
    event = Event()
    event.add("uid", str(sheet.id))
    event.add("sequence", sheet.appointment_revision)
    event.add("dtstamp", now)
    event.add("dtstart", start)
    event.add("dtend", start + TALK)
    event.add("summary", one_line(" ".join(part for part in (sheet.card.name, sheet.card.company) if part)))
    event.add("description", one_line(sheet.gathering))
    calendar = Calendar()
    calendar.add("prodid", "-//Enishi//Follow-up//JA")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def cards(sheets: Iterable[Sheet], person: Person) -> bytes:
    """Contacts as vCard 4.0 (RFC 6350). The address is there only where both wished to talk again."""
    return "".join(_card(sheet, person) for sheet in sheets).encode()


def _card(sheet: Sheet, person: Person) -> str:
    lines = [
        "BEGIN:VCARD",
        "VERSION:4.0",
        f"UID:urn:uuid:{sheet.other}",
        f"FN:{_escaped(sheet.card.name)}",
        f"ORG:{_escaped(sheet.card.company)}" if sheet.card.company else "",
        f"TITLE:{_escaped(sheet.title)}" if sheet.title else "",
        f"EMAIL:{_escaped(sheet.email)}" if sheet.email else "",
        f"NOTE:{_escaped(sheet.gathering)} {sheet.met_at.astimezone(person.zone):%Y-%m-%d}",
        "END:VCARD",
    ]
    return "".join(_folded(line) for line in lines if line)


def _escaped(text: str) -> str:
    text = one_line(text).replace("\\", "\\\\")
    return text.replace(",", "\\,").replace(";", "\\;")


def _folded(line: str) -> str:
    """At most 75 octets a line, never cut within a character."""
    parts: list[str] = [""]
    for char in line:
        if len((parts[-1] + char).encode()) > (75 if len(parts) == 1 else 74):
            parts.append("")
        parts[-1] += char
    return "\r\n ".join(parts) + "\r\n"


def table(sheets: Iterable[Sheet], person: Person) -> bytes:
    """Contacts as CSV in UTF-8, with the mark that spreadsheets need to see that it is."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for sheet in sheets:
        rows.writerow(
            _harmless(cell)
            for cell in (
                sheet.gathering,
                f"{sheet.met_at.astimezone(person.zone):%Y-%m-%d %H:%M}",
                sheet.card.name,
                sheet.card.company,
                sheet.title,
                sheet.email or "",
                sheet.state,
                sheet.outcome or "",
                sheet.amount or "",
                sheet.note,
            )
        )
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _harmless(cell: str) -> str:
    """A cell that a spreadsheet would run as a formula becomes text."""
    text = one_line(cell)
    return f"'{text}" if text.startswith(_RISKY) else text
