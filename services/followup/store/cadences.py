"""Which cadence a gathering follows."""

from collections.abc import Collection
from uuid import UUID

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
