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


async def upsert_notes(tx: Connection, notes: Sequence[tuple[UUID, UUID, bytes]]) -> dict[tuple[UUID, UUID], int]:
    """Count the revisions of notes (meeting, author, hash), each once: by meeting and author, of those that say something
    new."""
    rows = await tx.fetch(
        "insert into note (meeting_id, author, revision, sha256)"
        " select meeting_id, author, 1, sha256 from unnest($1::uuid[], $2::uuid[], $3::bytea[])"
        " as new (meeting_id, author, sha256) order by meeting_id, author"
        " on conflict (meeting_id, author) do update set revision = note.revision + 1, sha256 = excluded.sha256"
        " where note.sha256 <> excluded.sha256 returning meeting_id, author, revision",
        [meeting_id for meeting_id, _, _ in notes],
        [author for _, author, _ in notes],
        [sha256 for _, _, sha256 in notes],
    )
    return {(row["meeting_id"], row["author"]): row["revision"] for row in rows}
