"""Steps that sensors saw. They are only counted, and forgotten soon: what stays of them is the meeting."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.matching.domain.contacts import Step, Talk
from shared.platform.database import Connection

KEPT: Final = timedelta(days=2)
"""How long single steps are kept, so that a stream that comes late or twice still adds up."""


async def add_steps(tx: Connection, gathering_id: UUID, steps: Sequence[Step]) -> list[Talk]:
    """Keep steps that are new; what was seen until now of each pair among `steps`."""
    await tx.execute(
        "insert into contact_step (gathering_id, a, b, ends_at)"
        " select $1, a, b, ends_at from unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) as new (a, b, ends_at)"
        " order by a, b, ends_at on conflict do nothing",
        gathering_id,
        [each.a for each in steps],
        [each.b for each in steps],
        [each.ends_at for each in steps],
    )
    pairs = sorted({(each.a, each.b) for each in steps})
    rows = await tx.fetch(
        "select a, b, min(ends_at) as first, count(*)::int as steps from contact_step"
        " join unnest($2::uuid[], $3::uuid[]) as pair (a, b) using (a, b) where gathering_id = $1"
        " group by a, b order by a, b",
        gathering_id,
        [a for a, _ in pairs],
        [b for _, b in pairs],
    )
    return [Talk(**dict(row)) for row in rows]
