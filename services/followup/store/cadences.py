"""Cadences that organisers made, and which one a gathering follows."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from services.followup.domain.policy import Policy
from shared.platform.database import Connection


async def chosen(tx: Connection, gatherings: Collection[UUID]) -> dict[UUID, int]:
    """The cadence of each gathering that has one of its own."""
    rows = await tx.fetch(
        "select gathering_id, policy from gathering_cadence where gathering_id = any($1::uuid[])", list(gatherings)
    )
    return {row["gathering_id"]: row["policy"] for row in rows}


async def choose(tx: Connection, gathering: UUID, partner: UUID, policy: int) -> None:
    await tx.execute(
        "insert into gathering_cadence values ($1, $2, $3)"
        " on conflict (gathering_id) do update set policy = excluded.policy, partner_id = excluded.partner_id",
        gathering,
        partner,
        policy,
    )


async def apply(tx: Connection, gathering: UUID, policy: int) -> list[UUID]:
    """Give the follow-ups of a gathering another cadence; return them. Their course is not computed yet."""
    rows = await tx.fetch(
        "update followup set policy = $2 where gathering_id = $1 and policy <> $2 returning id", gathering, policy
    )
    return [row["id"] for row in rows]


async def insert(tx: Connection, partner: UUID, cadence: dict[str, Any]) -> int:
    """Keep a cadence; return its version, which never changes from now on."""
    version: int = await tx.fetchval(
        "insert into cadence (partner_id, policy) values ($1, $2) returning version", partner, cadence
    )
    return version


async def load(connection: Connection, versions: Collection[int]) -> dict[int, Policy]:
    """Those of these versions that organisers made."""
    rows = await connection.fetch("select version, policy from cadence where version = any($1::int[])", list(versions))
    return {row["version"]: Policy.model_validate({**row["policy"], "version": row["version"]}) for row in rows}


async def versions_of(connection: Connection, partner: UUID) -> list[int]:
    rows = await connection.fetch("select version from cadence where partner_id = $1 order by version", partner)
    return [row["version"] for row in rows]
