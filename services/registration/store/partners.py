"""Partners and the hashes of their keys."""

from uuid import UUID

from shared.contracts.partner import ApiKey, Partner
from shared.platform.database import Connection


async def lock_partner(tx: Connection, partner_id: UUID) -> Partner | None:
    """The partner, locked until the transaction ends; None when there is none."""
    row = await tx.fetchrow("select * from partner where partner_id = $1 for update", partner_id)
    if row is None:
        return None
    keys = tuple(ApiKey.model_validate(key) for key in row["keys"])
    return Partner(partner_id=row["partner_id"], revision=row["revision"], name=row["name"], keys=keys)


async def upsert_partner(tx: Connection, partner: Partner) -> None:
    """Write a partner as it is now."""
    await tx.execute(
        "insert into partner (partner_id, revision, name, keys) values ($1, $2, $3, $4)"
        " on conflict (partner_id) do update set revision = excluded.revision, name = excluded.name,"
        " keys = excluded.keys",
        partner.partner_id,
        partner.revision,
        partner.name,
        [key.model_dump(mode="json") for key in partner.keys],
    )


async def partners(connection: Connection) -> list[tuple[UUID, str, list[str]]]:
    """Every partner with its name and the ids of its keys."""
    rows = await connection.fetch("select partner_id, name, keys from partner order by name, partner_id")
    return [(row["partner_id"], row["name"], [key["key_id"] for key in row["keys"]]) for row in rows]
