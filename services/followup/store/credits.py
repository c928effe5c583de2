"""Who introduced whom, as matching said, and what came of it."""

from collections.abc import Collection
from uuid import UUID

from shared.platform.database import Connection


async def introducers(tx: Connection, pairs: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], UUID]:
    """By (owner, other): who had introduced the two, to either of them."""
    rows = await tx.fetch(
        "select distinct on (p.owner, p.other) p.owner, p.other, (i.value ->> 'introducer')::uuid as introducer"
        " from unnest($1::uuid[], $2::uuid[]) as p (owner, other)"
        " join matched as m on m.registration_id in (p.owner, p.other)"
        " cross join jsonb_array_elements(m.introductions) as i (value)"
        " where i.value ->> 'counterpart' = (case m.registration_id when p.owner then p.other else p.owner end)::text"
        " and i.value ? 'introducer'"
        " and not exists (select from erased as e where e.registration_id = (i.value ->> 'introducer')::uuid)"
        " order by p.owner, p.other, m.registration_id = p.owner desc",
        [owner for owner, _ in pairs],
        [other for _, other in pairs],
    )
    return {(row["owner"], row["other"]): row["introducer"] for row in rows}


async def fruits_of(connection: Connection, introducer: UUID, gathering: UUID) -> int:
    """For how many pairs whom this attendee had introduced something came out of it. A number, and no names."""
    found: int = await connection.fetchval(
        "select count(distinct (least(f.owner, f.other), greatest(f.owner, f.other)))"
        " from registration as r join matched as m using (registration_id)"
        " cross join jsonb_array_elements(m.introductions) as i (value)"
        " join followup as f on f.owner in (m.registration_id, (i.value ->> 'counterpart')::uuid)"
        " and f.other in (m.registration_id, (i.value ->> 'counterpart')::uuid) and f.outcome is not null"
        " where r.gathering_id = $2 and i.value ->> 'introducer' = $1::text",
        str(introducer),
        gathering,
    )
    return found


async def strip(tx: Connection, gone: Collection[UUID]) -> None:
    """Take these people out of the introductions of others, as counterparts and as introducers."""
    await tx.execute(
        "update matched as m set introductions = (select coalesce(jsonb_agg(case when i.value ->> 'introducer' = any($1)"
        " then i.value - 'introducer' else i.value end order by i.n), '[]')"
        " from jsonb_array_elements(m.introductions) with ordinality as i (value, n)"
        " where i.value ->> 'counterpart' <> all($1)) where m.registration_id in (select named.registration_id"
        " from unnest($1::text[]) as each (id) cross join unnest(array['counterpart', 'introducer']) as role (name)"
        " join matched as named on named.introductions @> jsonb_build_array(jsonb_build_object(role.name, each.id)))",
        sorted(map(str, gone)),
    )
