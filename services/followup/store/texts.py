"""The texts that organisers put in place of the operator's, and whom to show them with."""

from datetime import datetime
from uuid import UUID

from shared.platform.database import Connection


async def own(connection: Connection, gathering: UUID) -> dict[str, tuple[str, datetime]]:
    """Text and time of change, by `locale/name`."""
    rows = await connection.fetch(
        "select key, text, changed_at from gathering_text where gathering_id = $1 order by key", gathering
    )
    return {row["key"]: (row["text"], row["changed_at"]) for row in rows}


async def put(tx: Connection, gathering: UUID, partner: UUID, key: str, text: str, at: datetime) -> None:
    await tx.execute(
        "insert into gathering_text values ($1, $2, $3, $4, $5) on conflict (gathering_id, key)"
        " do update set text = excluded.text, changed_at = excluded.changed_at, partner_id = excluded.partner_id",
        gathering,
        key,
        partner,
        text,
        at,
    )


async def remove(tx: Connection, gathering: UUID, key: str) -> None:
    await tx.execute("delete from gathering_text where gathering_id = $1 and key = $2", gathering, key)


async def followup_to_show(connection: Connection, gathering: UUID) -> tuple[UUID, UUID] | None:
    """A follow-up of the gathering about which something was noted, the newest, and its owner."""
    row = await connection.fetchrow(
        "select f.id, f.owner from followup as f join registration as r on r.registration_id = f.owner"
        " where f.gathering_id = $1"
        " and exists (select from note as n where n.author = f.owner and n.about = f.other)"
        " order by f.met_at desc, f.id limit 1",
        gathering,
    )
    return (row["id"], row["owner"]) if row else None


async def attendee_to_show(connection: Connection, gathering: UUID) -> UUID | None:
    """Somebody who is to meet others there, else anybody who is registered."""
    found: UUID | None = await connection.fetchval(
        "select r.registration_id from registration as r left join matched as m using (registration_id)"
        " where r.gathering_id = $1 order by m.introductions is null or m.introductions = '[]', r.registration_id limit 1",
        gathering,
    )
    return found
