"""Pairs that were drawn by lot, and what became of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.matching.domain.wishes import Pair
from shared.platform.database import Connection


@dataclass(frozen=True)
class Drawn:
    """A pair that was drawn, with the logarithm of the chance that it had."""

    pair: Pair
    log_propensity: float


async def keep(tx: Connection, gathering_id: UUID, pairs: Sequence[Pair], chance: float) -> None:
    """Keep what was drawn, with the chance of the first time, of people who are still here."""
    await tx.execute(
        # In the order of an erasure, or the two may wait for each other.
        "with here as materialized (select registration_id from registration"
        "  where registration_id = any($2::uuid[] || $3::uuid[]) order by registration_id for key share)"
        " insert into drawn_pair (gathering_id, one, other, log_propensity)"
        " select $1, new.one, new.other, $4 from unnest($2::uuid[], $3::uuid[]) as new (one, other)"
        " join here a on a.registration_id = new.one join here b on b.registration_id = new.other"
        " on conflict do nothing",
        gathering_id,
        [one for one, _ in pairs],
        [other for _, other in pairs],
        math.log(chance) if pairs else 0.0,
    )


async def drawn(connection: Connection, partner_id: UUID) -> list[Drawn]:
    """Everything that was drawn for a partner."""
    rows = await connection.fetch(
        "select one, other, log_propensity from drawn_pair join registration on registration_id = one"
        " where partner_id = $1 order by one, other",
        partner_id,
    )
    return [Drawn((row["one"], row["other"]), row["log_propensity"]) for row in rows]


async def erase(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Forget every draw of these people."""
    await tx.execute("delete from drawn_pair where one = any($1::uuid[]) or other = any($1::uuid[])", registration_ids)
