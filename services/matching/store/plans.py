"""Plans and their queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from shared.platform.database import Connection


@dataclass(frozen=True)
class Plan:
    """A plan of a gathering: asked for, being made, or done with its proof."""

    plan_id: UUID
    gathering_id: UUID
    partner_id: UUID
    state: str
    seed: int
    settings: dict[str, Any]
    reason: str | None
    proof: dict[str, Any] | None
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    current_round: int | None = None
    """Of a re-plan: the last round that cannot change any more. None: a plan from scratch."""
    step: str | None = None
    """Of a plan in the making, or of one that is being audited: what is being done, and `share` of it, 0 to 1."""
    share: float | None = None
    audit_asked_at: datetime | None = None
    audit: dict[str, Any] | None = None
    """What was asked for beside the proof, once it is found."""


def plan_of_row(row: Any) -> Plan:
    """A row of `plan`."""
    return Plan(**dict(row))


async def insert_plan(
    tx: Connection,
    plan_id: UUID,
    gathering_id: UUID,
    partner_id: UUID,
    seed: int,
    current_round: int | None = None,
) -> Plan:
    """Ask for a plan; an older one of the gathering that still waits is replaced by it."""
    await tx.execute(
        "update plan set state = 'cancelled', reason = 'replaced by a newer request', finished_at = now()"
        " where gathering_id = $1 and state = 'queued'",
        gathering_id,
    )
    row = await tx.fetchrow(
        "insert into plan (plan_id, gathering_id, partner_id, state, seed, settings, current_round)"
        " values ($1, $2, $3, 'queued', $4, '{}', $5) returning *",
        plan_id,
        gathering_id,
        partner_id,
        seed,
        current_round,
    )
    return plan_of_row(row)


async def plan(connection: Connection, partner_id: UUID, plan_id: UUID) -> Plan | None:
    """The partner's plan, or None."""
    row = await connection.fetchrow("select * from plan where plan_id = $1 and partner_id = $2", plan_id, partner_id)
    return None if row is None else plan_of_row(row)


async def note_learned(connection: Connection, plan_id: UUID, version: int | None) -> None:
    """Keep which learned weights a plan in the making uses, so that it can be made again; None: the hand-set ones.

    A plan that is done keeps what it was made with, whatever an audit of it reads later.
    """
    await connection.execute(
        "update plan set settings = settings || jsonb_build_object('learned_version', $2::int)"
        " where plan_id = $1 and state = 'running'",
        plan_id,
        version,
    )


async def note_search(connection: Connection, plan_id: UUID, current_round: int | None, proposals: int) -> None:
    """Keep the last round that a plan in the making may not change, and how many seat changes it tries."""
    await connection.execute(
        "update plan set current_round = $2, settings = settings || jsonb_build_object('proposals', $3::int)"
        " where plan_id = $1 and state = 'running'",
        plan_id,
        current_round,
        proposals,
    )


async def next_plan(connection: Connection) -> Plan | None:
    """The oldest plan that waits and whose gathering no replica plans for now; its gathering is then locked.

    The lock belongs to the connection: a planner that dies lets go of it, and its plan, still `running`, is taken up
    by the next.
    """
    for row in await connection.fetch(
        "select * from plan where state in ('queued', 'running') order by requested_at limit 20"
    ):
        if await try_lock(connection, row["gathering_id"]):
            fresh = await connection.fetchrow(
                "update plan set state = 'running', started_at = now() where plan_id = $1"
                " and state in ('queued', 'running') returning *",
                row["plan_id"],
            )
            if fresh is not None:
                return plan_of_row(fresh)
            await unlock(connection, row["gathering_id"])
    return None


async def try_lock(connection: Connection, gathering_id: UUID) -> bool:
    """Keep others from planning for this gathering, until `unlock` or the end of `connection`; False when one does."""
    query = "select pg_try_advisory_lock(hashtext('enishi.plan'), hashtext($1::uuid::text))"
    return await connection.fetchval(query, gathering_id) is True


async def unlock(connection: Connection, gathering_id: UUID) -> None:
    """Let others plan for this gathering."""
    await connection.execute(
        "select pg_advisory_unlock(hashtext('enishi.plan'), hashtext($1::uuid::text))", gathering_id
    )


async def any_waits(connection: Connection) -> bool:
    """Whether any plan waits to be made."""
    return bool(await connection.fetchval("select exists (select from plan where state = 'queued')"))


_CANCEL: Final = (
    "update plan set state = 'cancelled', reason = 'cancelled by the organiser', finished_at = now()"
    " where state in ('queued', 'running')"
)


async def cancel_plan(tx: Connection, plan_id: UUID) -> bool:
    """Cancel a plan that is not finished; False when it is."""
    return await tx.execute(f"{_CANCEL} and plan_id = $1", plan_id) == "UPDATE 1"


async def cancel_all(tx: Connection, gathering_id: UUID) -> None:
    """Cancel every plan of a gathering that waits or is being made."""
    await tx.execute(f"{_CANCEL} and gathering_id = $1", gathering_id)


async def in_the_making(connection: Connection, gathering_id: UUID) -> Plan | None:
    """The plan of a gathering that is being made, else the one that waits."""
    row = await connection.fetchrow(
        "select * from plan where gathering_id = $1 and state in ('queued', 'running')"
        " order by state = 'running' desc, requested_at limit 1",
        gathering_id,
    )
    return None if row is None else plan_of_row(row)


async def show_progress(connection: Connection, plan_id: UUID, step: str, share: float) -> None:
    """How far a plan in the making is."""
    await connection.execute(
        "update plan set step = $2, share = $3 where plan_id = $1 and state = 'running'", plan_id, step, share
    )


async def newest_plan(connection: Connection, gathering_id: UUID, state: str | None = None) -> Plan | None:
    """The newest plan of a gathering, or the newest in this state."""
    row = await connection.fetchrow(
        "select * from plan where gathering_id = $1 and ($2::text is null or state = $2)"
        " order by requested_at desc, plan_id desc limit 1",
        gathering_id,
        state,
    )
    return None if row is None else plan_of_row(row)


async def is_cancelled(connection: Connection, plan_id: UUID) -> bool:
    """Whether somebody cancelled it meanwhile."""
    return await connection.fetchval("select state <> 'running' from plan where plan_id = $1", plan_id) is True


async def fail_plan(tx: Connection, plan_id: UUID, reason: str) -> None:
    """Say why no plan could be made."""
    await tx.execute(
        "update plan set state = 'failed', reason = $2, finished_at = now() where plan_id = $1 and state = 'running'",
        plan_id,
        reason,
    )


async def finish_plan(tx: Connection, plan_id: UUID, proof: dict[str, Any]) -> bool:
    """Keep the proof; False when the plan was cancelled meanwhile, and its result must not be used."""
    status = await tx.execute(
        "update plan set state = 'done', proof = $2, finished_at = now() where plan_id = $1 and state = 'running'",
        plan_id,
        proof,
    )
    return status == "UPDATE 1"


async def put_unattainable(tx: Connection, plan_id: UUID, people: Sequence[tuple[UUID, int, str]]) -> None:
    """For whom (registration, good partners possible, reason) a plan could not find enough good meetings."""
    await tx.execute(
        "insert into unattainable (plan_id, registration_id, possible, reason)"
        " select $1, registration_id, possible, reason from unnest($2::uuid[], $3::int[], $4::text[])"
        " as new (registration_id, possible, reason)"
        " where not exists (select from erased where erased.registration_id = new.registration_id)"
        " on conflict do nothing",
        plan_id,
        [registration_id for registration_id, _, _ in people],
        [possible for _, possible, _ in people],
        [reason for _, _, reason in people],
    )


async def unattainable(connection: Connection, plan_id: UUID) -> list[tuple[UUID, int, str]]:
    """(registration, good partners possible, reason), those with the fewest first."""
    rows = await connection.fetch(
        "select registration_id, possible, reason from unattainable where plan_id = $1"
        " order by possible, registration_id",
        plan_id,
    )
    return [(row["registration_id"], row["possible"], row["reason"]) for row in rows]
