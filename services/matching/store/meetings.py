"""Meetings and the revisions of notes."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.matching.domain.meetings import Meeting
from shared.platform.database import Connection


async def lock_gathering_meetings(tx: Connection, gathering_ids: Sequence[UUID]) -> None:
    """Let one transaction at a time record meetings of these gatherings, until it ends."""
    for gathering_id in sorted(gathering_ids):
        await tx.execute(
            "select pg_advisory_xact_lock(hashtext('enishi.meetings'), hashtext($1::uuid::text))", gathering_id
        )


async def partner_registrations(
    connection: Connection, partner_id: UUID, registration_ids: Sequence[UUID]
) -> dict[UUID, UUID]:
    """Those of the ids that are the partner's registrations, with their gathering."""
    rows = await connection.fetch(
        "select registration_id, gathering_id from registration"
        " where partner_id = $1 and registration_id = any($2::uuid[])",
        partner_id,
        registration_ids,
    )
    return {row["registration_id"]: row["gathering_id"] for row in rows}


_MEETING: Final = (
    "meeting_id, gathering_id, revision, a, b, met_at, source, talk_seconds, round, table_number as table,"
    " a_wants_next, b_wants_next"
)


async def meetings(tx: Connection, meeting_ids: Sequence[UUID]) -> dict[UUID, Meeting]:
    """Those of the ids that were recorded before."""
    rows = await tx.fetch(f"select {_MEETING} from meeting where meeting_id = any($1::uuid[])", meeting_ids)
    return {row["meeting_id"]: Meeting(**dict(row)) for row in rows}


async def upsert_meetings(tx: Connection, partner_id: UUID, changed: Sequence[Meeting]) -> None:
    """Write meetings that are new or were revised."""
    await tx.execute(
        "insert into meeting (meeting_id, gathering_id, partner_id, revision, a, b, met_at, source, talk_seconds,"
        " round, table_number, a_wants_next, b_wants_next)"
        " select meeting_id, gathering_id, $1, revision, a, b, met_at, source, talk_seconds, round, table_number,"
        " a_wants_next, b_wants_next from unnest($2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::uuid[],"
        " $7::timestamptz[], $8::text[], $9::int[], $10::int[], $11::int[], $12::bool[], $13::bool[])"
        " as new (meeting_id, gathering_id, revision, a, b, met_at, source, talk_seconds, round, table_number,"
        " a_wants_next, b_wants_next)"
        " on conflict (meeting_id) do update set revision = excluded.revision, met_at = excluded.met_at,"
        " talk_seconds = excluded.talk_seconds, round = excluded.round, table_number = excluded.table_number,"
        " a_wants_next = excluded.a_wants_next, b_wants_next = excluded.b_wants_next",
        partner_id,
        [each.meeting_id for each in changed],
        [each.gathering_id for each in changed],
        [each.revision for each in changed],
        [each.a for each in changed],
        [each.b for each in changed],
        [each.met_at for each in changed],
        [each.source for each in changed],
        [each.talk_seconds for each in changed],
        [each.round for each in changed],
        [each.table for each in changed],
        [each.a_wants_next for each in changed],
        [each.b_wants_next for each in changed],
    )


async def upsert_note(tx: Connection, meeting_id: UUID, author: UUID, sha256: bytes) -> int | None:
    """Count a note's revision; None when its content is the same as before."""
    revision: int | None = await tx.fetchval(
        "insert into note (meeting_id, author, revision, sha256) values ($1, $2, 1, $3)"
        " on conflict (meeting_id, author) do update set revision = note.revision + 1, sha256 = excluded.sha256"
        " where note.sha256 <> excluded.sha256 returning revision",
        meeting_id,
        author,
        sha256,
    )
    return revision
