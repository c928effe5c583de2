"""HTTP for partners: follow-ups with drafts, outcomes, rates, what attendees know beforehand."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.followup import operations
from services.followup.domain import briefing, rates
from services.followup.domain.cadence import Person
from services.followup.domain.states import State
from services.followup.letters import letter
from services.followup.links import Links
from services.followup.operations import Statement
from services.followup.rules import Rules
from services.followup.store import people, reading, reminders
from services.followup.store.followups import Known
from services.followup.store.reading import Reader, Sheet
from shared.contracts.contract import Instant
from shared.platform import bulk, clock, metrics, openapi
from shared.platform.auth import Principal, requires
from shared.platform.bulk import Verdict, Verdicts
from shared.platform.database import Connection
from shared.platform.errors import EnishiError, NotFound
from shared.platform.http import Db, json_response
from shared.platform.idempotency import IdempotencyKey, once

router = APIRouter(prefix="/v1")


class OutcomeBody(BaseModel):
    """What became of a follow-up: how far it came or, for the state `outcome`, what came out of it."""

    model_config = ConfigDict(extra="forbid")

    state: State
    outcome: Annotated[str, Field(max_length=40)] | None = None
    occurred_at: Instant | None = None
    appointment_at: Instant | None = None

    def statement(self, followup: UUID) -> Statement:
        return Statement(followup, self.state, self.outcome, self.occurred_at, self.appointment_at)


class OutcomeRow(OutcomeBody):
    """One line of a bulk report."""

    followup_id: UUID


def rules_of(request: Request) -> Rules:
    rules: Rules = request.app.state.rules
    return rules


def links_of(request: Request) -> Links:
    links: Links = request.app.state.links
    return links


@router.get("/registrations/{registration_id}/followups")
async def list_followups(
    registration_id: UUID, request: Request, database: Db, caller: Annotated[Principal, requires("followups:read")]
) -> dict[str, Any]:
    """What this attendee owes to whom, with a draft of the letter that comes next and the link of their own page.

    `news` says whether they may be written to with news of yours. `draft` is null while they have not noted a word about the talk (`asks_for_note`), or when no letter is due.
    """
    async with database.connection() as connection:
        if not await reading.is_registration_of(connection, caller.partner_id, registration_id):
            raise NotFound
        reader = await reading.reader(connection, registration_id)
        if reader is None:
            raise NotFound
        owners = await people.owners(connection, [(registration_id, reader.gathering)])
        found = await reading.sheets(connection, registration_id)
        await rules_of(request).know(connection, {sheet.policy for sheet in found})
    person = owners[registration_id].person
    return {
        "registration_id": registration_id,
        "page_url": links_of(request).url(registration_id),
        "reminders": "stopped" if reader.stopped else "on",
        "news": "on" if reader.news else "off",
        "followups": [_listed(rules_of(request), sheet, reader, person) for sheet in found],
    }


def _listed(rules: Rules, sheet: Sheet, reader: Reader, person: Person) -> dict[str, Any]:
    drafted = letter(rules, sheet, reader, person, clock.now())
    draft = drafted.draft if drafted else None
    return {
        "followup_id": sheet.id,
        "other": sheet.other,
        "state": sheet.state,
        "outcome": sheet.outcome,
        "met_at": sheet.met_at,
        "deadline_at": sheet.deadline_at,
        "first_touch_at": sheet.first_touch_at,
        "appointment_at": sheet.appointment_at,
        "closed": sheet.closed,
        "next": {"kind": sheet.next_kind, "due_at": sheet.next_due_at} if sheet.next_kind else None,
        "asks_for_note": drafted is not None and draft is None,
        "draft": {"kind": drafted.kind, "locale": drafted.locale, "subject": draft.subject, "body": draft.body}
        if drafted and draft
        else None,
    }


def _told(known: Known) -> dict[str, Any]:
    standing = known.course.standing
    return {
        "followup_id": known.followup.id,
        "state": standing.state,
        "outcome": standing.outcome,
        "first_touch_at": standing.first_touch_at,
        "closed": standing.closed,
        "revision": known.revision,
    }


@router.post("/followups/{followup_id}/outcomes", status_code=201)
async def record_outcome(
    followup_id: UUID,
    body: OutcomeBody,
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("followups:write")],
    key: IdempotencyKey = None,
) -> Response:
    """Record what became of a follow-up; the answer says where it stands. Saying the same again changes nothing."""

    async def operation(tx: Connection) -> Response:
        if not await reading.followups_of(tx, caller.partner_id, [followup_id]):
            raise NotFound
        (verdict,) = await operations.report(
            tx, rules_of(request), clock.now(), [body.statement(followup_id)], "partner"
        )
        if isinstance(verdict, EnishiError):
            raise verdict
        return json_response(_told(verdict), 201)

    response = await once(request, database, caller, key, operation)
    metrics.accepted.labels("outcome").inc()
    return response


@router.delete("/followups/{followup_id}/outcomes/latest")
async def take_back(
    followup_id: UUID, request: Request, database: Db, caller: Annotated[Principal, requires("followups:write")]
) -> Response:
    """Take back the newest outcome that this partner recorded, within seven days."""
    async with database.transaction() as tx:
        if not await reading.followups_of(tx, caller.partner_id, [followup_id]):
            raise NotFound
        known = await operations.undo(tx, rules_of(request), clock.now(), followup_id, "partner")
    return json_response(_told(known), 200)


@router.post(
    "/outcomes/bulk",
    response_model=Verdicts,
    openapi_extra=openapi.body({bulk.NDJSON: "One a line, like the body of a single outcome with its `followup_id`."}),
)
async def record_outcomes(
    request: Request, database: Db, caller: Annotated[Principal, requires("followups:write")]
) -> Response:
    """Record many outcomes, one JSON object a line; every line gets a verdict and good ones are kept."""
    rows = await bulk.read_rows(request, OutcomeRow)
    good = [(row, each) for row, each in rows if isinstance(each, OutcomeRow)]
    verdicts = [each for _, each in rows if isinstance(each, Verdict)]
    async with database.transaction() as tx:
        own = await reading.followups_of(tx, caller.partner_id, {each.followup_id for _, each in good})
        statements = [(row, each.statement(each.followup_id)) for row, each in good if each.followup_id in own]
        found = await operations.report(tx, rules_of(request), clock.now(), [each for _, each in statements], "partner")
    missing = str(NotFound())
    verdicts += [bulk.rejected(row, "/followup_id", missing) for row, each in good if each.followup_id not in own]
    for (row, each), verdict in zip(statements, found, strict=True):
        if isinstance(verdict, EnishiError):
            verdicts.append(bulk.rejected(row, "/state", str(verdict)))
        else:
            verdicts.append(Verdict(row=row, status="accepted", id=str(each.followup)))
            metrics.accepted.labels("outcome").inc()
    return bulk.answer(verdicts)


@router.get("/gatherings/{gathering_id}/followup-rates")
async def read_rates(
    gathering_id: UUID, database: Db, caller: Annotated[Principal, requires("reports:read")]
) -> dict[str, Any]:
    """How well a gathering was followed up. Shares over fewer than five people, or of open windows, are null."""
    async with database.connection() as connection:
        if not await reading.is_gathering_of(connection, caller.partner_id, gathering_id):
            raise NotFound
        windows = await reading.windows(connection, gathering_id)
    now = clock.now()
    return {
        "gathering_id": gathering_id,
        "at": now,
        "within_24_hours": rates.within_deadline(windows, now),
        "pairs_within_24_hours": rates.pairs_within_deadline(windows, now),
        "median_hours_to_thanks": rates.median_hours(windows, now),
        "funnel": rates.funnel(windows, now),
    }


@router.get("/registrations/{registration_id}/brief")
async def read_brief(
    registration_id: UUID,
    database: Db,
    caller: Annotated[Principal, requires("followups:read")],
    lang: Annotated[Literal["ja", "en"] | None, Query()] = None,
) -> dict[str, Any]:
    """Whom this attendee should meet and what to ask first, where they sit, and what they planned for themselves."""
    async with database.connection() as connection:
        if not await reading.is_registration_of(connection, caller.partner_id, registration_id):
            raise NotFound
        reader = await reading.reader(connection, registration_id)
        known = await reminders.brief(connection, registration_id)
        if reader is None or known is None:
            raise NotFound
        tasks = await reminders.tasks(connection, registration_id)
    return {
        "registration_id": registration_id,
        "starts_at": known.starts_at,
        "goal": known.goal,
        "people": briefing.people(known.introduced, lang or reader.locale),
        "seats": known.seats,
        "survey_url": known.survey_url,
        "tasks": tasks,
    }
