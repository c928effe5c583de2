"""One function per topic. Any order of facts and any repetition lead to the same state."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as DriverUUID

from services.followup import operations, reminders
from services.followup.domain import course, identity
from services.followup.domain.course import Followup
from services.followup.rules import Rules
from services.followup.store import cadences, erasure, facts, followups, people, webhooks
from services.followup.store import reminders as reminders_store
from shared.contracts.contact import Contact
from shared.contracts.envelope import Event
from shared.contracts.gathering import Gathering
from shared.contracts.matched import Matched
from shared.contracts.met import Met
from shared.contracts.met_note import MetNote
from shared.contracts.partner import Partner
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.contracts.survey_closed import SurveyClosed
from shared.contracts.unlisted import Unlisted
from shared.delivery import dead_letter, fold
from shared.delivery.consumer import Handlers
from shared.platform import auth, clock, metrics
from shared.platform.database import Connection


def build(rules: Rules) -> Handlers:
    """What follow-up reads, and with what."""
    return {
        Partner: auth.on_partner,
        Gathering: partial(on_gathering, rules),
        Registered: partial(on_registered, rules),
        Profile: partial(on_profile, rules),
        Matched: on_matched,
        Contact: partial(on_contact, rules),
        Met: partial(on_met, rules),
        MetNote: on_met_note,
        SurveyClosed: on_survey_closed,
        Unlisted: on_unlisted,
    }


def _ids(keys: Sequence[str]) -> list[UUID]:
    return [UUID(key) for key in keys]


async def on_gathering(rules: Rules, tx: Connection, events: Sequence[Event[Gathering]]) -> None:
    gatherings, erased = fold.newest(events)
    await facts.wait_for_facts(tx)  # of people whose reminders follow from what is written here
    before = await facts.times(tx, [each.gathering_id for each in gatherings])
    await facts.put_gatherings(tx, gatherings)
    await facts.erase_gatherings(tx, _ids(erased))
    # The gathering's zone counts for everybody whose own zone is not known, its times for reminders.
    times = {each.gathering_id: (each.time_zone, each.starts_at, each.ends_at) for each in gatherings}
    moved = [gathering for gathering, known in times.items() if before.get(gathering) != known]
    touched = await followups.ids_of_gatherings(tx, [*moved, *_ids(erased)])
    await operations.advance(tx, rules, clock.now(), touched=touched)
    await reminders.renew_gatherings(tx, rules, moved)


async def on_registered(rules: Rules, tx: Connection, events: Sequence[Event[Registered]]) -> None:
    registrations, erased = fold.newest(events)
    if erased:
        await erasure.erase(tx, _ids(erased))
        await dead_letter.erase(tx, _ids(erased))
        metrics.erasures.inc(len(erased))
    ids = [each.registration_id for each in registrations]
    # Who was corrected into another person takes along what they chose.
    if await people.anybody_chose(tx, [], ids):
        await facts.wait_for_facts(tx)
    else:
        await facts.hold_off_decisions(tx)
    if moved := await facts.put_registrations(tx, registrations):
        touched = await followups.ids_of_owners(tx, moved)
        await operations.advance(tx, rules, clock.now(), touched=touched)
    await reminders.renew(tx, rules, {*ids, *moved})
    await webhooks.release(tx, ids)


async def on_profile(rules: Rules, tx: Connection, events: Sequence[Event[Profile]]) -> None:
    profiles, erased = fold.newest(events, final=False)
    await facts.hold_off_decisions(tx)
    await facts.erase_profiles(tx, _ids(erased))
    await facts.put_profiles(tx, profiles)
    await reminders.renew(tx, rules, [each.registration_id for each in profiles])


async def on_matched(tx: Connection, events: Sequence[Event[Matched]]) -> None:
    plans, erased = fold.newest(events)
    await facts.hold_off_decisions(tx)
    await facts.erase_matched(tx, _ids(erased))
    await facts.put_matched(tx, plans)


async def on_contact(rules: Rules, tx: Connection, events: Sequence[Event[Contact]]) -> None:
    contacts, erased = fold.newest(events)
    times = {event.key: event.time for event in events if event.payload is not None}
    # What people chose before holds from their contact on, as a refusal does.
    decides = not all(each.channels.thanks for each in contacts)
    persons, ids = [each.person_id for each in contacts], [each.registration_id for each in contacts]
    if decides or await people.anybody_chose(tx, persons, ids):
        await facts.wait_for_facts(tx)
    else:
        await facts.hold_off_decisions(tx)
    await facts.erase_contacts(tx, _ids(erased))
    fresh = await facts.put_contacts(tx, [(each, times[each.key()]) for each in contacts])
    touched = await followups.ids_of_owners(tx, [*fresh, *_ids(erased)])
    await operations.advance(tx, rules, clock.now(), touched=touched)
    await reminders.renew(tx, rules, fresh)


async def on_met(rules: Rules, tx: Connection, events: Sequence[Event[Met]]) -> None:
    """Two follow-ups for each meeting: what either owes the other."""
    met = [
        (payload, _fast(payload.gathering_id), _fast(payload.a), _fast(payload.b), event.time)
        for event in events
        if (payload := event.payload) is not None
    ]
    await facts.hold_off_decisions(tx)
    gone = await facts.erased_among(tx, {person for _, _, a, b, _ in met for person in (a, b)})
    own = await cadences.chosen(tx, {gathering for _, gathering, *_ in met})
    heard: dict[UUID, Followup] = {}
    for each, gathering, a, b, known_at in met:
        if a in gone or b in gone:
            continue
        policy = own.get(gathering, rules.default)
        for owner, other in ((a, b), (b, a)):
            side = _side(each, gathering, owner, other, known_at, policy)
            heard[side.id] = course.merge(heard.get(side.id), side)
    await operations.advance(tx, rules, clock.now(), heard=heard)


def _fast(id_: UUID) -> UUID:
    """As the driver's own, which is written out, hashed and sent in a tenth of the time: a batch does so many thousand times."""
    return DriverUUID(id_.bytes)


def _side(met: Met, gathering: UUID, owner: UUID, other: UUID, known_at: datetime, policy: int) -> Followup:
    return Followup(
        id=DriverUUID(identity.followup_bytes(gathering, owner, other)),
        gathering_id=gathering,
        meeting_id=met.meeting_id,
        owner=owner,
        other=other,
        met_at=met.met_at,
        known_at=known_at,
        met_revision=met.revision,
        mutual_interest=met.mutual_interest,
        policy=policy,
    )


async def on_met_note(tx: Connection, events: Sequence[Event[MetNote]]) -> None:
    """Notes are keyed by their author, who may have written several: the highest revision of each counts."""
    newest: dict[UUID, MetNote] = {}
    for event in events:
        note = event.payload
        if note is not None and (note.note_id not in newest or newest[note.note_id].revision < note.revision):
            newest[note.note_id] = note
    await facts.hold_off_decisions(tx)
    await facts.put_notes(tx, [newest[id_] for id_ in sorted(newest)])


async def on_unlisted(tx: Connection, events: Sequence[Event[Unlisted]]) -> None:
    """From here on these are named to their readers no more, or again."""
    told, _ = fold.newest(events)
    await facts.hold_off_decisions(tx)
    await reminders_store.put_unlisted(tx, told)


async def on_survey_closed(tx: Connection, events: Sequence[Event[SurveyClosed]]) -> None:
    """From here on nobody is invited to it."""
    await reminders_store.close_surveys(tx, [event.payload.gathering_id for event in events if event.payload])
