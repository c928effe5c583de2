"""Gatherings."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.registration.domain.gathering import GatheringBody
from shared.platform.database import Connection


@dataclass(frozen=True)
class StoredGathering:
    """A gathering of a partner."""

    gathering_id: UUID
    partner_id: UUID
    external_id: str
    revision: int
    phase: str
    capacity: int
    definition: GatheringBody


def _read(row: Any) -> StoredGathering:
    return StoredGathering(
        row["gathering_id"],
        row["partner_id"],
        row["external_id"],
        row["revision"],
        row["phase"],
        row["capacity"],
        GatheringBody.model_validate_json(row["definition"]),
    )


_COLUMNS = "gathering_id, partner_id, external_id, revision, phase, capacity, definition::text as definition"


async def lock_gathering(tx: Connection, partner_id: UUID, gathering_id: UUID) -> StoredGathering | None:
    """The partner's gathering, locked until the transaction ends: admission to it is decided one at a time."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from gathering where gathering_id = $1 and partner_id = $2 for update",
        gathering_id,
        partner_id,
    )
    return None if row is None else _read(row)


async def lock_by_external_id(tx: Connection, partner_id: UUID, external_id: str) -> StoredGathering | None:
    """The same by the partner's own id; where there is none yet, others who create it must wait."""
    await tx.execute(
        "select pg_advisory_xact_lock(hashtext('enishi.gathering'), hashtext($1))", f"{partner_id}|{external_id}"
    )
    row = await tx.fetchrow(
        f"select {_COLUMNS} from gathering where partner_id = $1 and external_id = $2 for update",
        partner_id,
        external_id,
    )
    return None if row is None else _read(row)


async def gathering(connection: Connection, partner_id: UUID, gathering_id: UUID) -> StoredGathering | None:
    """The partner's gathering, to read."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from gathering where gathering_id = $1 and partner_id = $2",
        gathering_id,
        partner_id,
    )
    return None if row is None else _read(row)


async def gatherings(
    connection: Connection, partner_id: UUID, *, after: UUID | None, limit: int
) -> list[StoredGathering]:
    """The partner's gatherings in the order they were made, after a given one."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from gathering where partner_id = $1"
        " and ($2::uuid is null or gathering_id > $2) order by gathering_id limit $3",
        partner_id,
        after,
        limit,
    )
    return [_read(row) for row in rows]


async def upsert_gathering(tx: Connection, gathering: StoredGathering) -> None:
    """Write a gathering as it is now."""
    await tx.execute(
        "insert into gathering (gathering_id, partner_id, external_id, revision, phase, capacity, definition, starts_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (gathering_id) do update set"
        " revision = excluded.revision, phase = excluded.phase, capacity = excluded.capacity,"
        " definition = excluded.definition, starts_at = excluded.starts_at",
        gathering.gathering_id,
        gathering.partner_id,
        gathering.external_id,
        gathering.revision,
        gathering.phase,
        gathering.capacity,
        gathering.definition.model_dump(mode="json"),
        gathering.definition.starts_at,
    )
