"""Cached vectors of attendees' words."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from shared.platform.database import Connection


async def vectors(connection: Connection, sha256s: Collection[bytes]) -> dict[bytes, bytes]:
    """Those of the texts that were embedded before, whoever wrote them."""
    rows = await connection.fetch(
        "select distinct on (sha256) sha256, vector from embedding where sha256 = any($1::bytea[]) order by sha256",
        list(sha256s),
    )
    return {row["sha256"]: row["vector"] for row in rows}


async def keep(tx: Connection, texts: Sequence[tuple[UUID, bytes]], vectors: Mapping[bytes, bytes]) -> None:
    """Keep the vectors of each (registration, text), of people whose words we may still use."""
    known = sorted({each for each in texts if each[1] in vectors})
    await tx.execute(
        "insert into embedding (registration_id, sha256, vector)"
        " select new.registration_id, sha256, vector"
        " from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as new (registration_id, sha256, vector)"
        " join profile on profile.registration_id = new.registration_id"
        " order by profile.registration_id for key share of profile"
        " on conflict do nothing",
        [registration_id for registration_id, _ in known],
        [sha256 for _, sha256 in known],
        [vectors[sha256] for _, sha256 in known],
    )
    # Words that somebody has rewritten since are not theirs any more.
    await tx.execute(
        "delete from embedding using unnest($1::uuid[]) as person (registration_id)"
        " where embedding.registration_id = person.registration_id and not exists (select from"
        " unnest($1::uuid[], $2::bytea[]) as kept (registration_id, sha256)"
        " where kept.registration_id = embedding.registration_id and kept.sha256 = embedding.sha256)",
        [registration_id for registration_id, _ in texts],
        [sha256 for _, sha256 in texts],
    )


async def erase(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Forget every vector of these people's words."""
    await tx.execute("delete from embedding where registration_id = any($1::uuid[])", registration_ids)
