"""HTTP for partners: registrations, single and in bulk."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.registration import operations
from services.registration.api.bodies import Body, Limit, Read, Write, next_after
from services.registration.domain import registration as rules
from services.registration.domain.answers import Answers, Short, advise, suggested_tags
from services.registration.domain.csv_intake import NotCsv, read_csv
from services.registration.domain.registration import Registration, Status
from services.registration.operations import Submitted
from services.registration.store import gatherings, registrations
from shared.platform import bulk, clock, openapi
from shared.platform.auth import Principal
from shared.platform.bulk import RowProblem, Verdict, Verdicts, rejected
from shared.platform.database import Connection, Database
from shared.platform.errors import Conflict, EnishiError, Invalid, NotFound
from shared.platform.http import Db, json_response
from shared.platform.idempotency import IdempotencyKey, once

router = APIRouter(prefix="/v1")


class Decision(Body):
    """Why, in words for the organiser."""

    reason: Short = None


class Arrivals(Body):
    """Who arrived."""

    registration_ids: Annotated[list[UUID], Field(min_length=1, max_length=5000)]


@router.post("/gatherings/{gathering_id}/registrations", status_code=201)
async def register(
    gathering_id: UUID, body: Answers, request: Request, database: Db, caller: Write, key: IdempotencyKey = None
) -> Response:
    """Register one person. The same `external_id` again gives the same answer with 200.

    Vague answers get advice, and needs and offers without tags get suggestions: let the person confirm them, and send
    the registration again with `need_tags` and `offer_tags`.
    """

    async def operation(tx: Connection) -> Response:
        (result,) = await operations.submit(tx, caller.partner_id, gathering_id, [body], clock.now())
        if result.registration is None:
            if result.conflict:
                raise Conflict(result.reason)
            raise Invalid(f"{result.pointer or 'body'}: {result.reason}")
        content = {
            **_registration(result.registration),
            "advice": [each.model_dump() for each in advise(body)],
            "suggested_tags": {
                name: [each.model_dump() for each in found] for name, found in suggested_tags(body).items()
            },
        }
        return json_response(content, 201 if result.status == "created" else 200)

    return await once(request, database, caller, key, operation)


@router.post(
    "/gatherings/{gathering_id}/registrations/bulk",
    response_model=Verdicts,
    openapi_extra=openapi.body(
        {
            bulk.NDJSON: "One JSON object a line, each like the body of a single registration.",
            "text/csv": "A header row that names fields in English or Japanese, then one person a row. UTF-8 or Shift_JIS.",
        }
    ),
)
async def register_many(gathering_id: UUID, request: Request, database: Db, caller: Write) -> Response:
    """Register many people, as NDJSON or CSV. Every row gets a verdict; good rows are kept."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "text/csv":
        rows = await asyncio.to_thread(_csv_rows, await request.body())
    else:
        rows = await bulk.read_rows(request, Answers)
    good = [(row, answers) for row, answers in rows if isinstance(answers, Answers)]
    async with database.transaction() as tx:
        results = await operations.submit(
            tx, caller.partner_id, gathering_id, [answers for _, answers in good], clock.now()
        )
    verdicts = [verdict for _, verdict in rows if isinstance(verdict, Verdict)]
    verdicts += [_verdict(row, result) for (row, _), result in zip(good, results, strict=True)]
    return bulk.answer(verdicts)


@router.get("/gatherings/{gathering_id}/registrations")
async def list_registrations(
    gathering_id: UUID,
    database: Db,
    caller: Read,
    status: Status | None = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Registrations of a gathering, oldest first; `next` is the `after` of the next page."""
    async with database.connection() as connection:
        if await gatherings.gathering(connection, caller.partner_id, gathering_id) is None:
            raise NotFound
        found = await registrations.registrations(connection, gathering_id, status=status, after=after, limit=limit)
    return {"items": [_registration(each) for each in found], "next": next_after(found, limit, "registration_id")}


@router.get("/registrations/{registration_id}")
async def read_registration(registration_id: UUID, database: Db, caller: Read) -> dict[str, Any]:
    """One registration with its answers."""
    async with database.connection() as connection:
        found = await registrations.registration(connection, caller.partner_id, registration_id)
    if found is None:
        raise NotFound
    return {**_registration(found), "answers": found.answers.model_dump(mode="json")}


@router.post("/registrations/{registration_id}/accept")
async def accept(registration_id: UUID, database: Db, caller: Write, body: Decision | None = None) -> dict[str, Any]:
    """Accept somebody who waits, was declined, or had cancelled."""
    return await _decide(database, caller, registration_id, "accept", body)


@router.post("/registrations/{registration_id}/decline")
async def decline(registration_id: UUID, database: Db, caller: Write, body: Decision | None = None) -> dict[str, Any]:
    """Decline somebody who waits."""
    return await _decide(database, caller, registration_id, "decline", body)


@router.post("/registrations/{registration_id}/cancel")
async def cancel(registration_id: UUID, database: Db, caller: Write, body: Decision | None = None) -> dict[str, Any]:
    """Cancel; the seat goes to the first who waits."""
    return await _decide(database, caller, registration_id, "cancel", body)


@router.post("/registrations/{registration_id}/check-in")
async def check_in(registration_id: UUID, database: Db, caller: Write) -> dict[str, Any]:
    """The person has arrived. A second scan changes nothing."""
    now = clock.now()
    return await _attend(database, caller, registration_id, lambda known: rules.check_in(known, now))


@router.post("/registrations/{registration_id}/leave")
async def leave(registration_id: UUID, database: Db, caller: Write) -> dict[str, Any]:
    """The person left early."""
    return await _attend(database, caller, registration_id, rules.check_out)


@router.post("/check-ins/bulk", response_model=Verdicts)
async def check_in_many(body: Arrivals, database: Db, caller: Write) -> Response:
    """Check many people in. Every id gets a verdict."""
    now = clock.now()
    async with database.transaction() as tx:
        results = await operations.attend(
            tx, caller.partner_id, body.registration_ids, lambda known: rules.check_in(known, now), now
        )
    verdicts = [
        rejected(row, "", str(result))
        if isinstance(result, EnishiError)
        else Verdict(row=row, status=result.attendance, id=str(result.registration_id))
        for row, result in enumerate(results, start=1)
    ]
    return bulk.answer(verdicts)


@router.delete("/registrations/{registration_id}", status_code=204)
async def erase(registration_id: UUID, database: Db, caller: Write) -> Response:
    """Erase a person's registration here, in every service and on every topic. Repeating it is harmless."""
    async with database.transaction() as tx:
        await operations.erase(tx, caller.partner_id, registration_id, clock.now())
    return Response(status_code=204)


async def _decide(
    database: Database, caller: Principal, registration_id: UUID, action: str, body: Decision | None
) -> dict[str, Any]:
    async with database.transaction() as tx:
        reason = body.reason if body else None
        return _registration(
            await operations.decide(tx, caller.partner_id, registration_id, action, reason, clock.now())
        )


async def _attend(
    database: Database, caller: Principal, registration_id: UUID, change: Callable[[Registration], Registration]
) -> dict[str, Any]:
    async with database.transaction() as tx:
        (result,) = await operations.attend(tx, caller.partner_id, [registration_id], change, clock.now())
    if isinstance(result, EnishiError):
        raise result
    return _registration(result)


def _csv_rows(body: bytes) -> list[tuple[int, Answers | Verdict]]:
    try:
        rows = list(read_csv(body))
    except NotCsv as error:
        raise Invalid(str(error)) from None
    return [
        (row, each)
        if isinstance(each, Answers)
        else (
            row,
            Verdict(
                row=row,
                status="rejected",
                problems=[RowProblem(pointer=pointer, detail=detail) for pointer, detail in each],
            ),
        )
        for row, each in rows
    ]


def _verdict(row: int, result: Submitted) -> Verdict:
    if result.registration is None:
        return rejected(row, result.pointer, result.reason)
    return Verdict(row=row, status=result.status, id=str(result.registration.registration_id))


def _registration(registration: Registration) -> dict[str, Any]:
    return {
        "registration_id": registration.registration_id,
        "gathering_id": registration.gathering_id,
        "external_id": registration.answers.external_id,
        "revision": registration.revision,
        "status": registration.status,
        "reason": registration.reason,
        "attendance": registration.attendance,
        "registered_at": registration.registered_at,
        "checked_in_at": registration.checked_in_at,
    }
