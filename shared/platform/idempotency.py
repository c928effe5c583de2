"""`Idempotency-Key`: the same request twice has one effect and one answer.

The key, the request's fingerprint and the answer are stored in the transaction of the effect itself, so there is no
moment in which one exists without the other.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from fastapi import Header, Request, Response

from shared.platform import metrics
from shared.platform.auth import Principal
from shared.platform.database import Connection, Database, retried
from shared.platform.errors import Gone, Invalid
from shared.platform.http import problem
from shared.platform.openapi import PROBLEM

RETENTION: Final = timedelta(days=7)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any text of yours: the same request with it has one effect and, for 7 days, one answer.",
    ),
]


class Erased(Gone):
    """This Idempotency-Key was used before, for somebody who was erased since."""


class IdempotencyKeyReused(Invalid):
    """This Idempotency-Key was used before for a different request."""


async def once(
    request: Request,
    database: Database,
    caller: Principal,
    key: str | None,
    operation: Callable[[Connection], Awaitable[Response]],
) -> Response:
    """Run `operation` in a transaction and return its response; a repetition returns the first response.

    A concurrent repetition waits for the first one to end. Raises `IdempotencyKeyReused`. Errors are not remembered:
    they roll back, and the request may be tried again; the victim of a deadlock is, at once.
    """
    remembered = operation
    if key is not None:
        body = await request.body()
        fingerprint = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + body).digest()
        remembered = partial(_remembered, caller, key, fingerprint, operation)

    async def attempt() -> Response:
        async with database.transaction() as tx:
            return await remembered(tx)

    return await retried(attempt)


async def _remembered(
    caller: Principal,
    key: str,
    fingerprint: bytes,
    operation: Callable[[Connection], Awaitable[Response]],
    tx: Connection,
) -> Response:
    fresh = await tx.fetchval(
        "insert into idempotency (partner_id, key, fingerprint) values ($1, $2, $3)"
        " on conflict do nothing returning true",
        caller.partner_id,
        key,
        fingerprint,
    )
    if not fresh:
        return await _again(tx, caller, key, fingerprint)
    response = await operation(tx)
    await tx.execute(
        "update idempotency set status = $3, body = $4 where partner_id = $1 and key = $2",
        caller.partner_id,
        key,
        response.status_code,
        bytes(response.body),
    )
    return response


async def _again(tx: Connection, caller: Principal, key: str, fingerprint: bytes) -> Response:
    row = await tx.fetchrow(
        "select fingerprint, status, body from idempotency where partner_id = $1 and key = $2", caller.partner_id, key
    )
    if row is None or row["fingerprint"] != fingerprint:
        raise IdempotencyKeyReused
    metrics.idempotency_replays.inc()
    kind = PROBLEM if row["status"] == Erased.status else "application/json"
    return Response(row["body"], row["status"], {"Idempotency-Replayed": "true"}, kind)


async def erase(tx: Connection, partner_id: UUID, subject: UUID) -> None:
    """Blank the answers about somebody who is erased: they may quote them. A repetition must not bring them back."""
    await tx.execute(
        "update idempotency set status = $3, body = $4"
        " where partner_id = $1 and position(convert_to($2, 'UTF8') in body) > 0",
        partner_id,
        str(subject),
        Erased.status,
        bytes(problem(Erased()).body),
    )


async def forget(tx: Connection) -> int:
    """Delete answers older than `RETENTION`; return how many."""
    status = await tx.execute("delete from idempotency where created_at < now() - $1::interval", RETENTION)
    return int(status.rpartition(" ")[2])
