"""Meetings that others saw: cards exchanged on the day, and contacts of sensors. Both end as ordinary meetings."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.matching.domain.cards import Card, read_cards, same_person
from services.matching.domain.contacts import Step
from services.matching.domain.meetings import EARLY, Sighting
from services.matching.domain.people import name_key
from services.matching.operations import Report, record
from services.matching.store import contacts, evening, facts, meetings
from services.matching.store.evening import Guest
from shared.contracts.gathering import Gathering
from shared.platform.bulk import Verdict, rejected
from shared.platform.database import Connection


async def cards(tx: Connection, owner: Guest, file: bytes, now: datetime) -> list[Verdict]:
    """The cards of somebody's export as meetings of their gathering; one verdict per card. Raises `NotCards`."""
    people = await evening.guests(tx, owner.gathering.gathering_id)
    # Half a second at 20,000 cards: aside, so that other requests are answered meanwhile.
    verdicts, reports = await asyncio.to_thread(_compared, owner, file, people.values(), now)
    results = await record(tx, owner.gathering.partner_id, [report for _, report in reports], now)
    for (row, _), result in zip(reports, results, strict=True):
        if result.meeting is None:
            verdicts[row] = rejected(row, result.pointer, result.reason)
        else:
            verdicts[row] = Verdict(row=row, status=result.status, id=str(result.meeting.meeting_id))
    return [verdicts[row] for row in sorted(verdicts)]


def _compared(
    owner: Guest, file: bytes, guests: Collection[Guest], now: datetime
) -> tuple[dict[int, Verdict], list[tuple[int, Report]]]:
    """By row: verdicts on cards that are nobody's or of no day of the gathering, and reports of the others."""
    people: dict[str, list[Guest]] = defaultdict(list)
    for guest in guests:
        if guest.id != owner.id and guest.name:
            people[name_key(guest.name)].append(guest)
    verdicts: dict[int, Verdict] = {}
    reports: list[tuple[int, Report]] = []
    for card in read_cards(file):
        met_at = None if card.exchanged_on is None else _moment(owner.gathering, card.exchanged_on, now)
        other = _whose(card, people[name_key(card.name)])
        if met_at is None:
            verdicts[card.row] = rejected(card.row, "/名刺交換日", "not a day of this gathering, or no date")
        elif other is None:
            verdicts[card.row] = rejected(card.row, "/name", "nobody at this gathering is known to be this person")
        else:
            sighting = Sighting(owner.gathering.gathering_id, owner.id, other.id, met_at, "card")
            reports.append((card.row, Report(sighting, ())))
    return verdicts, reports


def _whose(card: Card, namesakes: Sequence[Guest]) -> Guest | None:
    """The one attendee whose card it is: by name and company, by the name alone where a company is not known."""
    compared = [(guest, same_person(card, guest.name, guest.company)) for guest in namesakes]
    certain = [guest for guest, same in compared if same]
    likely = [guest for guest, same in compared if same is None]
    chosen = certain or likely
    return chosen[0] if len(chosen) == 1 else None


def _moment(gathering: Gathering, day: date, now: datetime) -> datetime | None:
    """When cards of this day were exchanged at the latest, but for the gathering's end: a card knows its day only.

    None for a day on which the gathering was not held.
    """
    zone = ZoneInfo(gathering.time_zone)
    # Compared as days first: a file may say the last day that there is, which has none after it.
    if not gathering.starts_at.astimezone(zone).date() <= day <= gathering.ends_at.astimezone(zone).date():
        return None
    begin = datetime.combine(day, time(), zone)
    until = min(begin + timedelta(days=1), now)
    return until if max(begin, gathering.starts_at) <= until else None


@dataclass(frozen=True)
class Seen:
    """One row of a sensor stream."""

    row: int
    one: UUID
    other: UUID
    step: Step


async def sensed(
    tx: Connection, gathering: Gathering, rows: Sequence[Seen], least: int, now: datetime
) -> tuple[list[Verdict], int]:
    """Fold contacts into meetings: a verdict per row, and how many meetings are new or longer.

    Repeating rows, or sending them in another order, gives the same meetings.
    """
    homes = await facts.hold_registrations(
        tx, gathering.partner_id, sorted({side for each in rows for side in (each.one, each.other)})
    )
    verdicts, good = await asyncio.to_thread(_checked, gathering, homes, rows, now)
    # One at a time: two parts of a stream at once would each count without the other.
    await meetings.lock_gathering_meetings(tx, [gathering.gathering_id])
    talks = await contacts.add_steps(tx, gathering.gathering_id, [each.step for each in good])
    reports = [
        Report(Sighting(gathering.gathering_id, talk.a, talk.b, talk.began, "sensor", talk.seconds), ())
        for talk in talks
        if talk.seconds >= least
    ]
    results = await record(tx, gathering.partner_id, reports, now)
    return verdicts, sum(1 for each in results if each.status in ("created", "updated"))


def _checked(
    gathering: Gathering, homes: dict[UUID, UUID], rows: Sequence[Seen], now: datetime
) -> tuple[list[Verdict], list[Seen]]:
    """A verdict per row, and the rows that are good."""
    verdicts, good = [], []
    for each in rows:
        if problem := _problem(gathering, homes, each, now):
            verdicts.append(rejected(each.row, *problem))
        else:
            good.append(each)
            verdicts.append(Verdict(row=each.row, status="kept"))
    return verdicts, good


def _problem(gathering: Gathering, homes: dict[UUID, UUID], seen: Seen, now: datetime) -> tuple[str, str] | None:
    if seen.one == seen.other:
        return "/j", "nobody faces themselves"
    for side, pointer in ((seen.one, "/i"), (seen.other, "/j")):
        if homes.get(side) != gathering.gathering_id:
            return pointer, "no such registration at this gathering"
    if not now - contacts.KEPT < seen.step.ends_at < now + EARLY:
        return "/t", "not of the last two days"
    return None
