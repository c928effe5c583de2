"""Proposals that two people should meet: asked, answered by each alone, a refusal unseen."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.matching.domain.proposals import Proposal
from shared.platform.database import Connection


def _proposal(row: Any) -> Proposal:
    return Proposal(**dict(row))


async def insert(tx: Connection, each: Proposal) -> bool:
    """Keep a proposal; False when the two were already brought together."""
    added: bool | None = await tx.fetchval(
        "insert into proposal (proposal_id, gathering_id, partner_id, a, b, introducer, asked_by, held, a_answer,"
        " b_answer, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " on conflict do nothing returning true",
        each.proposal_id,
        each.gathering_id,
        each.partner_id,
        each.a,
        each.b,
        each.introducer,
        each.asked_by,
        each.held,
        each.a_answer,
        each.b_answer,
        each.created_at,
    )
    return added is True


async def shown_to(connection: Connection, registration_id: UUID) -> list[Proposal]:
    """Proposals on this person's page, the newest first: those they have not refused, and none of those held back
    but what they asked for or agreed to."""
    rows = await connection.fetch(
        "select * from proposal where (a = $1 and a_answer is distinct from false and (not held or a_answer))"
        " or (b = $1 and b_answer is distinct from false and (not held or b_answer))"
        " order by created_at desc, proposal_id limit 50",
        registration_id,
    )
    return [_proposal(row) for row in rows]


async def one(connection: Connection, proposal_id: UUID) -> Proposal | None:
    """A proposal, or None."""
    row = await connection.fetchrow("select * from proposal where proposal_id = $1", proposal_id)
    return None if row is None else _proposal(row)


async def sides(connection: Connection, proposal_id: UUID) -> list[UUID]:
    """Whom a proposal names; nobody where there is none."""
    row = await connection.fetchrow("select a, b, introducer from proposal where proposal_id = $1", proposal_id)
    return [] if row is None else [each for each in row if each]


async def answer(tx: Connection, proposal_id: UUID, registration_id: UUID, yes: bool) -> Proposal | None:
    """One side's answer; None where there is no such proposal for this person. An agreement stands.

    One that was held back after somebody agreed to it still takes their answers: it looks as if the other had not answered.
    """
    row = await tx.fetchrow(
        "update proposal set a_answer = case when a = $2 then $3 else a_answer end,"
        " b_answer = case when b = $2 then $3 else b_answer end"
        " where proposal_id = $1 and ((a = $2 and (not held or a_answer)) or (b = $2 and (not held or b_answer)))"
        " and (held or not (a_answer and b_answer) is true) returning *",
        proposal_id,
        registration_id,
        yes,
    )
    return None if row is None else _proposal(row)


async def hold_back(tx: Connection, proposal_id: UUID) -> None:
    """The two must not meet after all. To each it looks as if the other had not answered."""
    await tx.execute("update proposal set held = true where proposal_id = $1", proposal_id)


async def take_back(tx: Connection, proposal_id: UUID) -> None:
    """The two must not meet any more, after both agreed: it is on nobody's page and takes no answers."""
    await tx.execute(
        "update proposal set held = true, a_answer = false, b_answer = false where proposal_id = $1", proposal_id
    )


async def gatherings_of(connection: Connection, registration_ids: Sequence[UUID]) -> list[UUID]:
    """Gatherings at which somebody proposed these persons to others, under whatever registration, by id."""
    rows = await connection.fetch(
        "with theirs as (select all_of.registration_id from registration named join registration all_of"
        "  using (person_id) where named.registration_id = any($1::uuid[]))"
        " select gathering_id from proposal join theirs on registration_id = a"
        " union select gathering_id from proposal join theirs on registration_id = b order by gathering_id",
        registration_ids,
    )
    return [row["gathering_id"] for row in rows]


async def agreed(connection: Connection, gathering_id: UUID) -> list[Proposal]:
    """Pairs of a gathering who both said yes."""
    rows = await connection.fetch(
        "select * from proposal where gathering_id = $1 and a_answer and b_answer and not held order by created_at",
        gathering_id,
    )
    return [_proposal(row) for row in rows]


async def count_by(connection: Connection, gathering_id: UUID, registration_id: UUID) -> int:
    """How many this person has asked for or introduced."""
    return int(
        await connection.fetchval(
            "select count(*) from proposal where gathering_id = $1"
            " and (introducer = $2 or (a = $2 and asked_by = 'self'))",
            gathering_id,
            registration_id,
        )
    )
