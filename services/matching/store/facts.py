"""What others tell: gatherings, registrations, profiles; and who was erased."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.contracts.gathering import Gathering
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.platform.database import Connection


async def upsert_gatherings(tx: Connection, gatherings: Sequence[Gathering]) -> None:
    """Keep the newest definition of each gathering."""
    await tx.execute(
        "insert into gathering (gathering_id, partner_id, revision, definition)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::jsonb[])"
        " on conflict (gathering_id) do update set revision = excluded.revision, definition = excluded.definition"
        " where gathering.revision < excluded.revision",
        [each.gathering_id for each in gatherings],
        [each.partner_id for each in gatherings],
        [each.revision for each in gatherings],
        [each.model_dump(mode="json") for each in gatherings],
    )


async def upsert_registrations(tx: Connection, registrations: Sequence[Registered]) -> None:
    """Keep the newest snapshot of each registration that was not erased."""
    await tx.execute(
        "insert into registration (registration_id, gathering_id, partner_id, person_id, revision, snapshot)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::jsonb[])"
        " as new (registration_id, gathering_id, partner_id, person_id, revision, snapshot)"
        " where not exists (select from erased where erased.registration_id = new.registration_id)"
        " on conflict (registration_id) do update set revision = excluded.revision, snapshot = excluded.snapshot,"
        " person_id = excluded.person_id where registration.revision < excluded.revision",
        [each.registration_id for each in registrations],
        [each.gathering_id for each in registrations],
        [each.partner_id for each in registrations],
        [each.person_id for each in registrations],
        [each.revision for each in registrations],
        [each.model_dump(mode="json") for each in registrations],
    )


async def upsert_profiles(tx: Connection, profiles: Sequence[tuple[Profile, datetime]]) -> None:
    """Keep the newest words, each with the time of its event, of those who were not erased and did not withdraw them."""
    await tx.execute(
        "insert into profile (registration_id, gathering_id, revision, snapshot)"
        " select registration_id, gathering_id, revision, snapshot"
        " from unnest($1::uuid[], $2::uuid[], $3::int[], $4::jsonb[], $5::timestamptz[])"
        " as new (registration_id, gathering_id, revision, snapshot, sent_at)"
        " where not exists (select from erased where erased.registration_id = new.registration_id)"
        " and not exists (select from withdrawn where withdrawn.registration_id = new.registration_id"
        "  and (new.revision <= withdrawn.revision or new.sent_at < withdrawn.withdrawn_at))"
        " on conflict (registration_id) do update set revision = excluded.revision, snapshot = excluded.snapshot"
        " where profile.revision < excluded.revision",
        [each.registration_id for each, _ in profiles],
        [each.gathering_id for each, _ in profiles],
        [each.revision for each, _ in profiles],
        [each.model_dump(mode="json") for each, _ in profiles],
        [sent_at for _, sent_at in profiles],
    )


async def delete_profiles(tx: Connection, withdrawn: Mapping[UUID, datetime]) -> None:
    """Forget the words of persons who withdrew their consent, and that older ones must not come back."""
    await tx.execute(
        "with gone as (delete from profile where registration_id = any($1::uuid[]) returning registration_id, revision)"
        " insert into withdrawn (registration_id, revision, withdrawn_at)"
        " select registration_id, coalesce(revision, 0), withdrawn_at"
        " from unnest($1::uuid[], $2::timestamptz[]) as new (registration_id, withdrawn_at)"
        " left join gone using (registration_id)"
        " where not exists (select from erased where erased.registration_id = new.registration_id)"
        " on conflict (registration_id) do update set revision = greatest(withdrawn.revision, excluded.revision),"
        " withdrawn_at = greatest(withdrawn.withdrawn_at, excluded.withdrawn_at)",
        list(withdrawn),
        list(withdrawn.values()),
    )


async def hold_off_erasures(tx: Connection) -> None:
    """Let nobody be erased until `tx` ends: a fact about somebody may come before their registration, so there is no row
    of theirs to hold, and an erasure at the same moment would miss what is written here."""
    await tx.execute("lock table erased in share mode")


async def wait_for_facts(tx: Connection) -> None:
    """Before somebody is erased: wait for transactions that may be writing facts about them, to see their rows."""
    await tx.execute("lock table erased in share row exclusive mode")


async def hold_registrations(tx: Connection, partner_id: UUID, registration_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Those of the ids that are the partner's registrations, with their gathering; none is erased before `tx` ends."""
    rows = await tx.fetch(
        "select registration_id, gathering_id from registration"
        " where partner_id = $1 and registration_id = any($2::uuid[]) order by registration_id for key share",
        partner_id,
        registration_ids,
    )
    return {row["registration_id"]: row["gathering_id"] for row in rows}


async def claim_registrations(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Wait for everybody who holds these people's rows, before anything is deleted, so that nothing is missed, and before
    anything else is locked, so that nobody waits in a circle."""
    for table in ("registration", "profile"):
        await tx.execute(
            f"select from {table} where registration_id = any($1::uuid[]) order by registration_id for update",
            registration_ids,
        )


async def hold_profiles(tx: Connection, registration_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the ids whose words may be shown; none withdraws that before `tx` ends."""
    rows = await tx.fetch(
        "select registration_id from profile where registration_id = any($1::uuid[])"
        " order by registration_id for key share",
        registration_ids,
    )
    return {row["registration_id"] for row in rows}


async def erase_registrations(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Remove persons and what they wrote, but for others' introductions to them (`matched.unlist`) and what `feedback.erase`
    takes. Meetings stay for the other side, by an id that names nobody any more and without what that person wished."""
    await tx.execute(
        "insert into erased (registration_id) select unnest($1::uuid[]) on conflict do nothing", registration_ids
    )
    await tx.execute("delete from profile where registration_id = any($1::uuid[])", registration_ids)
    await tx.execute("delete from withdrawn where registration_id = any($1::uuid[])", registration_ids)
    await tx.execute(
        "update proposal set introducer = null where introducer = any($1::uuid[]) and gathering_id in"
        " (select gathering_id from registration where registration_id = any($1::uuid[]))",
        registration_ids,
    )
    await tx.execute("delete from registration where registration_id = any($1::uuid[])", registration_ids)
    await tx.execute("delete from matched where registration_id = any($1::uuid[])", registration_ids)
    await tx.execute(
        "delete from note using meeting where note.meeting_id = meeting.meeting_id and author = any($1::uuid[])"
        " and (a = any($1::uuid[]) or b = any($1::uuid[]))",
        registration_ids,
    )
    await tx.execute(
        "update meeting set a_wants_next = case when a = any($1::uuid[]) then null else a_wants_next end,"
        " b_wants_next = case when b = any($1::uuid[]) then null else b_wants_next end"
        " where a = any($1::uuid[]) or b = any($1::uuid[])",
        registration_ids,
    )
    await tx.execute("delete from presence where registration_id = any($1::uuid[])", registration_ids)
    await tx.execute("delete from unattainable where registration_id = any($1::uuid[])", registration_ids)
    await tx.execute("delete from pin where registration_id = any($1::uuid[])", registration_ids)
    await tx.execute("delete from proposal where a = any($1::uuid[]) or b = any($1::uuid[])", registration_ids)
    await tx.execute("delete from contact_step where a = any($1::uuid[]) or b = any($1::uuid[])", registration_ids)


async def gathering(connection: Connection, partner_id: UUID, gathering_id: UUID) -> Gathering | None:
    """The partner's gathering, or None when there is none or it is somebody else's."""
    row = await connection.fetchrow(
        "select definition::text from gathering where gathering_id = $1 and partner_id = $2", gathering_id, partner_id
    )
    return None if row is None else Gathering.read(row["definition"].encode())


async def known_gathering(connection: Connection, gathering_id: UUID) -> Gathering | None:
    """A gathering that a signed link names, or None."""
    text = await connection.fetchval("select definition::text from gathering where gathering_id = $1", gathering_id)
    return None if text is None else Gathering.read(text.encode())


async def ends(connection: Connection, gathering_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When each of these gatherings ends, of those that are known."""
    rows = await connection.fetch(
        "select gathering_id, (definition->>'ends_at')::timestamptz as ends_at from gathering"
        " where gathering_id = any($1::uuid[])",
        gathering_ids,
    )
    return {row["gathering_id"]: row["ends_at"] for row in rows}


async def attendees(connection: Connection, gathering_id: UUID) -> list[tuple[Registered, Profile | None]]:
    """Everybody who is accepted at a gathering, with their words where these have come, by id."""
    rows = await connection.fetch(
        "select registration.snapshot::text as registered, profile.snapshot::text as profile"
        " from registration left join profile using (registration_id)"
        " where registration.gathering_id = $1 and registration.snapshot->>'status' = 'accepted'"
        " order by registration_id",
        gathering_id,
    )
    return await asyncio.to_thread(lambda: [_attendee(row) for row in rows])  # 0.2 s at 2,000 people


def _attendee(row: Any) -> tuple[Registered, Profile | None]:
    profile = None if row["profile"] is None else Profile.read(row["profile"].encode())
    return Registered.read(row["registered"].encode()), profile


async def met_before(connection: Connection, gathering_id: UUID) -> list[tuple[UUID, UUID]]:
    """Pairs of this gathering's registrations whose persons met at another gathering."""
    rows = await connection.fetch(
        "with past as (select here.registration_id as now_id, there.registration_id"
        "  from registration here join registration there using (person_id)"
        "  where here.gathering_id = $1 and there.gathering_id <> $1)"
        " select distinct least(one.now_id, other.now_id) as a, greatest(one.now_id, other.now_id) as b"
        " from past one join meeting on meeting.a = one.registration_id"
        " join past other on other.registration_id = meeting.b where one.now_id <> other.now_id",
        gathering_id,
    )
    return [(row["a"], row["b"]) for row in rows]
