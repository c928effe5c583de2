"""HTTP for partners: record meetings, one or many, with the notes of either side."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.matching.api.body import Body
from services.matching.domain.meetings import Sighting
from services.matching.operations import Note, Report, Result, record
from shared.contracts.contract import Instant, OneOf
from shared.contracts.vocabulary import LongText, ShortText
from shared.platform import bulk, clock, openapi
from shared.platform.auth import Principal, requires
from shared.platform.bulk import Verdict, Verdicts, rejected
from shared.platform.database import Connection
from shared.platform.errors import Invalid
from shared.platform.http import Db, json_response
from shared.platform.idempotency import IdempotencyKey, once

router = APIRouter(prefix="/v1")


class NoteBody(Body):
    """One side's private note."""

    author: UUID
    text: LongText
    topics: Annotated[tuple[ShortText, ...], Field(max_length=10)] = ()
    wants_next: bool | None = None


class MeetingBody(Body):
    """Two registrations who talked."""

    gathering_id: UUID
    a: UUID
    b: UUID
    met_at: Instant
    source: Annotated[str, OneOf("qr", "table", "card", "partner", "sensor")] = "partner"
    talk_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    round: Annotated[int, Field(ge=1, le=20)] | None = None
    table: Annotated[int, Field(ge=1, le=1000)] | None = None
    notes: Annotated[tuple[NoteBody, ...], Field(max_length=2)] = ()

    def report(self) -> Report:
        """The same, in the domain's words."""
        sighting = Sighting(
            self.gathering_id, self.a, self.b, self.met_at, self.source, self.talk_seconds, self.round, self.table
        )
        notes = [Note(note.author, note.text, note.topics, note.wants_next) for note in self.notes]
        return Report(sighting, notes)


@router.post("/meetings", status_code=201)
async def record_meeting(
    body: MeetingBody,
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("meetings:write")],
    key: IdempotencyKey = None,
) -> Response:
    """Record that two attendees talked. The same pair again is the same meeting: 200 instead of 201.

    A time after the gathering's end counts as its end.
    """

    async def operation(tx: Connection) -> Response:
        (result,) = await record(tx, caller.partner_id, [body.report()], clock.now())
        if result.meeting is None:
            raise Invalid(f"{result.pointer or 'body'}: {result.reason}")
        content = {
            "meeting_id": result.meeting.meeting_id,
            "revision": result.meeting.revision,
            "status": result.status,
        }
        return json_response(content, 201 if result.status == "created" else 200)

    return await once(request, database, caller, key, operation)


@router.post(
    "/meetings/bulk",
    response_model=Verdicts,
    openapi_extra=openapi.body({bulk.NDJSON: "One JSON object a line, each like the body of a single meeting."}),
)
async def record_meetings(
    request: Request, database: Db, caller: Annotated[Principal, requires("meetings:write")]
) -> Response:
    """Record many meetings: one JSON object a line. Every row gets a verdict; good rows are kept."""
    rows = await bulk.read_rows(request, MeetingBody)
    good = [(row, body) for row, body in rows if isinstance(body, MeetingBody)]
    async with database.transaction() as tx:
        results = await record(tx, caller.partner_id, [body.report() for _, body in good], clock.now())
    verdicts = [body for _, body in rows if isinstance(body, Verdict)]
    verdicts += [_verdict(row, result) for (row, _), result in zip(good, results, strict=True)]
    return bulk.answer(verdicts)


def _verdict(row: int, result: Result) -> Verdict:
    if result.meeting is None:
        return rejected(row, result.pointer, result.reason)
    return Verdict(row=row, status=result.status, id=str(result.meeting.meeting_id))
