"""What each attendee of a gathering was told last: introductions and seats."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from shared.platform.database import Connection


@dataclass(frozen=True)
class MatchedRow:
    """One attendee's part of a plan, with the words."""

    registration_id: UUID
    introductions: list[dict[str, Any]]
    seats: list[dict[str, int]]


async def replace_matched(
    tx: Connection, gathering_id: UUID, plan_id: UUID, rows: Sequence[MatchedRow], *, only_changed: bool = False
) -> dict[UUID, int]:
    """Write everybody's newest introductions and seats; return the new revision of each row that was written.

    Erased persons are left out. With `only_changed` a row that says what it said before stays as it is.
    """
    # As text: a list of lists would be taken for an array of two dimensions. 0.1 s at 2,000 people, so aside.
    introductions, seats = await asyncio.to_thread(
        lambda: (
            [orjson.dumps(row.introductions).decode() for row in rows],
            [orjson.dumps(row.seats).decode() for row in rows],
        )
    )
    written = await tx.fetch(
        "insert into matched (registration_id, gathering_id, plan_id, revision, introductions, seats)"
        " select registration_id, $1, $2, 1, introductions::jsonb, seats::jsonb"
        " from unnest($3::uuid[], $4::text[], $5::text[]) as new (registration_id, introductions, seats)"
        " where not exists (select from erased where erased.registration_id = new.registration_id)"
        " order by registration_id"
        " on conflict (registration_id) do update set plan_id = excluded.plan_id,"
        " introductions = excluded.introductions, seats = excluded.seats, revision = matched.revision + 1"
        " where not $6 or (matched.introductions, matched.seats) <> (excluded.introductions, excluded.seats)"
        " returning registration_id, revision",
        gathering_id,
        plan_id,
        [row.registration_id for row in rows],
        introductions,
        seats,
        only_changed,
    )
    return {row["registration_id"]: row["revision"] for row in written}


@dataclass(frozen=True)
class Rewritten:
    """What somebody is told after others were taken off their list."""

    gathering_id: UUID
    plan_id: UUID
    revision: int
    row: MatchedRow


async def unlist(tx: Connection, gathering_ids: Sequence[UUID], registration_ids: Sequence[UUID]) -> list[Rewritten]:
    """Take persons off everybody's introductions at their gatherings, also as who brought two together; the rows that this
    changed."""
    rows = await tx.fetch(
        "update matched set revision = revision + 1,"
        " introductions = coalesce((select jsonb_agg(case when (item->>'introducer')::uuid = any($1::uuid[])"
        "  then item - 'introducer' else item end order by item->'rank')"
        "  from jsonb_array_elements(introductions) as item"
        "  where not (item->>'counterpart')::uuid = any($1::uuid[])), '[]')"
        " where gathering_id = any($2::uuid[]) and exists (select from jsonb_array_elements(introductions) as item"
        "  where (item->>'counterpart')::uuid = any($1::uuid[]) or (item->>'introducer')::uuid = any($1::uuid[]))"
        " returning registration_id, gathering_id, plan_id, revision, introductions, seats",
        registration_ids,
        gathering_ids,
    )
    return [
        Rewritten(
            row["gathering_id"],
            row["plan_id"],
            row["revision"],
            MatchedRow(row["registration_id"], row["introductions"], row["seats"]),
        )
        for row in rows
    ]


async def rows_about(
    tx: Connection, gathering_ids: Sequence[UUID], registration_ids: Sequence[UUID]
) -> list[MatchedRow]:
    """These persons and everybody at their gatherings to whom one was introduced, held until the transaction ends."""
    rows = await tx.fetch(
        "select registration_id, introductions, seats from matched"
        " where gathering_id = any($2::uuid[]) and (registration_id = any($1::uuid[])"
        "  or exists (select from jsonb_array_elements(introductions) as item"
        "  where (item->>'counterpart')::uuid = any($1::uuid[]))) order by registration_id for update",
        registration_ids,
        gathering_ids,
    )
    return [MatchedRow(**dict(row)) for row in rows]


async def reword(tx: Connection, rows: Sequence[MatchedRow]) -> None:
    """Change the words of introductions, and nothing that was published."""
    await tx.execute(
        "update matched set introductions = new.introductions::jsonb"
        " from unnest($1::uuid[], $2::text[]) as new (registration_id, introductions)"
        " where matched.registration_id = new.registration_id",
        [row.registration_id for row in rows],
        [orjson.dumps(row.introductions).decode() for row in rows],
    )


async def hold_matched(tx: Connection, gathering_id: UUID) -> None:
    """Let one transaction at a time change what a gathering's attendees were told, until it ends."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('enishi.matched'), hashtext($1::uuid::text))", gathering_id)


async def hold_matched_of(tx: Connection, registration_ids: Sequence[UUID]) -> list[UUID]:
    """The same for all gatherings of these people, which are returned. Their own rows must be locked or gone by then, as
    others hold them first."""
    rows = await tx.fetch(
        "select gathering_id, pg_advisory_xact_lock(hashtext('enishi.matched'), hashtext(gathering_id::text))"
        " from (select distinct gathering_id from registration where registration_id = any($1::uuid[])"
        " order by gathering_id) as theirs",
        registration_ids,
    )
    return [row["gathering_id"] for row in rows]


async def plan_of(connection: Connection, registration_id: UUID) -> UUID:
    """The plan that an attendee's newest introductions and seats came from. They must have some."""
    found: UUID = await connection.fetchval("select plan_id from matched where registration_id = $1", registration_id)
    return found


async def published(connection: Connection, gathering_id: UUID) -> dict[UUID, MatchedRow]:
    """What everybody at a gathering was told last."""
    rows = await connection.fetch(
        "select registration_id, introductions, seats from matched where gathering_id = $1", gathering_id
    )
    return {row["registration_id"]: MatchedRow(**dict(row)) for row in rows}


async def of(connection: Connection, partner_id: UUID, registration_id: UUID) -> MatchedRow | None:
    """One attendee's newest introductions and seats, or None."""
    row = await connection.fetchrow(
        "select matched.* from matched join registration using (registration_id)"
        " where registration_id = $1 and partner_id = $2",
        registration_id,
        partner_id,
    )
    return None if row is None else MatchedRow(row["registration_id"], row["introductions"], row["seats"])
