"""Whom each attendee's pages do not name, as others were told last."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.platform.database import Connection


@dataclass(frozen=True)
class Row:
    """One attendee's, with its revision."""

    registration_id: UUID
    gathering_id: UUID
    revision: int
    others: list[UUID]


async def told(connection: Connection, readers: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """What was told of each reader; of those missing, nobody."""
    rows = await connection.fetch(
        "select registration_id, others from unlisted where registration_id = any($1::uuid[])", readers
    )
    return {row["registration_id"]: set(row["others"]) for row in rows}


async def hold(tx: Connection, readers: Sequence[UUID]) -> None:
    """Let nobody else change what is told of these until `tx` ends."""
    await tx.execute(
        "insert into unlisted (registration_id, gathering_id, revision, others)"
        " select registration_id, gathering_id, 0, '{}' from registration where registration_id = any($1::uuid[])"
        " order by registration_id on conflict (registration_id)"
        " do update set registration_id = excluded.registration_id",
        readers,
    )


async def put(tx: Connection, fresh: Mapping[UUID, Collection[UUID]]) -> list[Row]:
    """Keep these of readers who are held; the rows that this changed, by reader."""
    rows = await tx.fetch(
        "with fresh as (select reader, coalesce(array_agg(other order by other) filter (where other is not null), '{}')"
        "  as others from unnest($1::uuid[]) as reader"
        "  left join unnest($2::uuid[], $3::uuid[]) as pairs (one, other) on one = reader group by reader),"
        " written as (update unlisted set others = fresh.others, revision = revision + 1 from fresh"
        "  where registration_id = reader and unlisted.others <> fresh.others returning unlisted.*)"
        " select * from written order by registration_id",
        list(fresh),
        [reader for reader, others in fresh.items() for _ in others],
        [other for others in fresh.values() for other in others],
    )
    return [Row(**dict(row)) for row in rows]


async def readers_of(connection: Connection, gathering_id: UUID) -> list[UUID]:
    """Of whom anything was told at a gathering."""
    rows = await connection.fetch("select registration_id from unlisted where gathering_id = $1", gathering_id)
    return [row["registration_id"] for row in rows]


async def concerned(connection: Connection, registration_ids: Sequence[UUID], *, listing: bool) -> list[UUID]:
    """These persons under all their registrations; with `listing` also to whom they are introduced."""
    rows = await connection.fetch(
        "select all_of.registration_id from registration named join registration all_of using (person_id)"
        " where named.registration_id = any($1::uuid[])"
        " union select matched.registration_id from matched join registration named using (gathering_id)"
        " where $2 and named.registration_id = any($1::uuid[]) and matched.introductions @>"
        " jsonb_build_array(jsonb_build_object('counterpart', named.registration_id::text))",
        registration_ids,
        listing,
    )
    return [row["registration_id"] for row in rows]


async def erase(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Forget these persons, as readers and as others."""
    await tx.execute("delete from unlisted where registration_id = any($1::uuid[])", registration_ids)
    await tx.execute(
        "update unlisted set others = array(select each from unnest(others) as each where each <> all($1::uuid[])"
        " order by each) where others && $1::uuid[] and gathering_id in"
        " (select gathering_id from registration where registration_id = any($1::uuid[]))",
        registration_ids,
    )
