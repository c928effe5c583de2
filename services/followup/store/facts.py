"""Facts from the topics, newest revision of each."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import orjson

from services.followup.store import credits, people
from shared.contracts.contact import Contact
from shared.contracts.contract import Part
from shared.contracts.gathering import Gathering
from shared.contracts.matched import Matched
from shared.contracts.met_note import MetNote
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.platform.database import Connection


async def hold_off_decisions(tx: Connection) -> None:
    """Let nobody be erased, refuse or choose hours, cadences or wishes until this transaction ends.

    What it writes about somebody is not visible to them yet, so they would miss it.
    """
    await tx.execute(f"{people.PLAN_ANEW}; lock table erased in share mode")


async def wait_for_facts(tx: Connection) -> None:
    """Before somebody is erased or decides: wait for transactions that may be writing about them, and see their rows.

    A batch of several topics may hold the weaker lock already. Two replicas that both want more then deadlock: PostgreSQL
    gives one batch up, and it is tried again.
    """
    await tx.execute(f"{people.PLAN_ANEW}; lock table erased in share row exclusive mode")


async def put_gatherings(tx: Connection, gatherings: Sequence[Gathering]) -> None:
    await tx.execute(
        "insert into gathering (gathering_id, partner_id, revision, title, phase, starts_at, ends_at, time_zone)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::timestamptz[],"
        " $7::timestamptz[], $8::text[]) on conflict (gathering_id) do update set partner_id = excluded.partner_id,"
        " revision = excluded.revision, title = excluded.title, phase = excluded.phase,"
        " starts_at = excluded.starts_at, ends_at = excluded.ends_at, time_zone = excluded.time_zone"
        " where gathering.revision < excluded.revision",
        [each.gathering_id for each in gatherings],
        [each.partner_id for each in gatherings],
        [each.revision for each in gatherings],
        [each.title for each in gatherings],
        [each.phase for each in gatherings],
        [each.starts_at for each in gatherings],
        [each.ends_at for each in gatherings],
        [each.time_zone for each in gatherings],
    )


async def erase_gatherings(tx: Connection, ids: Collection[UUID]) -> None:
    await tx.execute("delete from gathering where gathering_id = any($1::uuid[])", list(ids))
    for table in ("gathering_cadence", "gathering_text", "survey_link", "survey_closed"):
        await tx.execute(f"delete from {table} where gathering_id = any($1::uuid[])", list(ids))


async def times(tx: Connection, ids: Collection[UUID]) -> dict[UUID, tuple[str, datetime | None, datetime]]:
    """Time zone, start and end of the gatherings that are known."""
    rows = await tx.fetch(
        "select gathering_id, time_zone, starts_at, ends_at from gathering where gathering_id = any($1::uuid[])",
        list(ids),
    )
    return {row["gathering_id"]: (row["time_zone"], row["starts_at"], row["ends_at"]) for row in rows}


async def put_registrations(tx: Connection, registrations: Sequence[Registered]) -> set[UUID]:
    """Keep registrations; return those of everybody to whom somebody else's choices came."""
    former, present = await people.move(
        tx, "registration", [(each.registration_id, each.person_id, each.revision) for each in registrations]
    )
    await tx.execute(
        "insert into registration (registration_id, gathering_id, partner_id, person_id, revision, status, attendance)"
        " select r.* from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::text[])"
        " as r (registration_id, gathering_id, partner_id, person_id, revision, status, attendance)"
        " where not exists (select from erased as e where e.registration_id = r.registration_id)"
        " on conflict (registration_id) do update set revision = excluded.revision, status = excluded.status,"
        " attendance = excluded.attendance, person_id = excluded.person_id, partner_id = excluded.partner_id,"
        " gathering_id = excluded.gathering_id where registration.revision < excluded.revision",
        [each.registration_id for each in registrations],
        [each.gathering_id for each in registrations],
        [each.partner_id for each in registrations],
        [each.person_id for each in registrations],
        [each.revision for each in registrations],
        [each.status for each in registrations],
        [each.attendance for each in registrations],
    )
    if former:
        await people.forget(tx, former)
    return await people.registrations_of(tx, present) if present else set()


async def put_profiles(tx: Connection, profiles: Sequence[Profile]) -> None:
    await tx.execute(
        "insert into profile (registration_id, revision, name, company, title, needs, offers, goal, plan, talk_topics)"
        " select p.* from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],"
        " $8::text[], $9::text[], $10::text[])"
        " as p (registration_id, revision, name, company, title, needs, offers, goal, plan, talk_topics)"
        " where not exists (select from erased as e where e.registration_id = p.registration_id)"
        " on conflict (registration_id) do update set revision = excluded.revision, name = excluded.name,"
        " company = excluded.company, title = excluded.title, needs = excluded.needs, offers = excluded.offers,"
        " goal = excluded.goal, plan = excluded.plan, talk_topics = excluded.talk_topics"
        " where profile.revision < excluded.revision",
        [each.registration_id for each in profiles],
        [each.revision for each in profiles],
        [each.name for each in profiles],
        [each.company for each in profiles],
        [each.title for each in profiles],
        [each.needs for each in profiles],
        [each.offers for each in profiles],
        [each.goal for each in profiles],
        [each.plan for each in profiles],
        [each.talk_topics for each in profiles],
    )


async def erase_profiles(tx: Connection, ids: Collection[UUID]) -> None:
    await tx.execute("delete from profile where registration_id = any($1::uuid[])", list(ids))


async def put_contacts(tx: Connection, contacts: Sequence[tuple[Contact, datetime]]) -> set[UUID]:
    """Keep contacts, each with the time of its event; return those that were new, and all of whom choices came to."""
    former, present = await people.move(
        tx, "contact", [(each.registration_id, each.person_id, each.revision) for each, _ in contacts]
    )
    rows = await tx.fetch(
        "insert into contact (registration_id, person_id, revision, email, locale, time_zone, refused_at, news)"
        " select c.* from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[],"
        " $7::timestamptz[], $8::bool[])"
        " as c (registration_id, person_id, revision, email, locale, time_zone, refused_at, news)"
        " where not exists (select from erased as e where e.registration_id = c.registration_id)"
        " on conflict (registration_id) do update set person_id = excluded.person_id, revision = excluded.revision,"
        " email = excluded.email, locale = excluded.locale, time_zone = excluded.time_zone,"
        " refused_at = excluded.refused_at, news = excluded.news where contact.revision < excluded.revision"
        " returning registration_id",
        [each.registration_id for each, _ in contacts],
        [each.person_id for each, _ in contacts],
        [each.revision for each, _ in contacts],
        [each.email for each, _ in contacts],
        [each.locale for each, _ in contacts],
        [each.time_zone for each, _ in contacts],
        [None if each.channels.thanks else at for each, at in contacts],
        [each.channels.news for each, _ in contacts],
    )
    if former:
        await people.forget(tx, former)
    also = await people.registrations_of(tx, present) if present else set()
    return {row["registration_id"] for row in rows} | also


async def erase_contacts(tx: Connection, ids: Collection[UUID]) -> None:
    await tx.execute("delete from contact where registration_id = any($1::uuid[])", list(ids))


async def put_notes(tx: Connection, notes: Sequence[MetNote]) -> None:
    # Lists of topics differ in length, which an array of arrays cannot hold: each travels as JSON.
    await tx.execute(
        "insert into note (note_id, author, about, revision, text, topics, wants_next, written_at)"
        " select n.note_id, n.author, n.about, n.revision, n.text,"
        " array(select jsonb_array_elements_text(n.topics::jsonb)), n.wants_next, n.written_at"
        " from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::bool[],"
        " $8::timestamptz[]) as n (note_id, author, about, revision, text, topics, wants_next, written_at)"
        " where not exists (select from erased as e where e.registration_id in (n.author, n.about))"
        " on conflict (note_id) do update set revision = excluded.revision, text = excluded.text,"
        " topics = excluded.topics, wants_next = excluded.wants_next, written_at = excluded.written_at"
        " where note.revision < excluded.revision",
        [each.note_id for each in notes],
        [each.author for each in notes],
        [each.about for each in notes],
        [each.revision for each in notes],
        [each.text.replace("\0", "") for each in notes],
        [orjson.dumps(each.topics).decode() for each in notes],
        [each.wants_next for each in notes],
        [each.written_at for each in notes],
    )


async def put_matched(tx: Connection, plans: Sequence[Matched]) -> None:
    await tx.execute(
        "insert into matched (registration_id, revision, introductions, seats)"
        " select m.registration_id, m.revision, m.introductions::jsonb, m.seats::jsonb"
        " from unnest($1::uuid[], $2::int[], $3::text[], $4::text[])"
        " as m (registration_id, revision, introductions, seats)"
        " where not exists (select from erased as e where e.registration_id = m.registration_id)"
        " on conflict (registration_id) do update set revision = excluded.revision,"
        " introductions = excluded.introductions, seats = excluded.seats where matched.revision < excluded.revision",
        [each.registration_id for each in plans],
        [each.revision for each in plans],
        [_json(each.introductions) for each in plans],
        [_json(each.seats) for each in plans],
    )
    parts = [part for plan in plans for part in plan.introductions]
    named = {each for part in parts for each in (part.counterpart, part.introducer) if each}
    if gone := await erased_among(tx, named):
        await credits.strip(tx, gone)


def _json(parts: Iterable[Part]) -> str:
    return orjson.dumps([part.model_dump(mode="json", exclude_none=True) for part in parts]).decode()


async def erase_matched(tx: Connection, ids: Collection[UUID]) -> None:
    await tx.execute("delete from matched where registration_id = any($1::uuid[])", list(ids))


async def erased_among(tx: Connection, ids: Collection[UUID]) -> set[UUID]:
    rows = await tx.fetch("select registration_id from erased where registration_id = any($1::uuid[])", list(ids))
    return {row["registration_id"] for row in rows}
