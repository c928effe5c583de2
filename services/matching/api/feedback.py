"""HTTP for partners: wishes of attendees, bans of organisers, and one-tap feedback after a round."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.matching import feedback
from services.matching.api.body import Body
from services.matching.domain.learning import VERDICTS, Tap
from services.matching.domain.wishes import KINDS, Wish
from services.matching.store import wishes as store
from shared.contracts.contract import Instant, OneOf
from shared.platform import bulk, clock, openapi
from shared.platform.auth import Principal, requires
from shared.platform.bulk import Verdict, Verdicts, rejected
from shared.platform.database import Connection
from shared.platform.errors import Invalid, NotFound
from shared.platform.http import Db, json_response
from shared.platform.idempotency import IdempotencyKey, once

router = APIRouter(prefix="/v1")
RowT = TypeVar("RowT", bound=BaseModel)


class WishBody(Body):
    """What one attendee wishes of another of the same gathering; `none` takes it back."""

    author: UUID
    about: UUID
    kind: Annotated[str, OneOf(*KINDS, feedback.WITHDRAWN)]

    def said(self) -> Wish:
        """The same, in the domain's words."""
        return Wish(self.author, self.about, self.kind)


class TapBody(Body):
    """What one attendee says of another after a round; `none` takes it back."""

    author: UUID
    about: UUID
    verdict: Annotated[str, OneOf(*VERDICTS, feedback.WITHDRAWN)]
    tapped_at: Instant | None = None

    def said(self, now: datetime) -> Tap:
        """The same, in the domain's words."""
        return Tap(self.author, self.about, self.verdict, self.tapped_at or now)


class BanBody(Body):
    """Two persons to keep apart for good, or, without `other`, one to leave out of their gathering's plans."""

    one: UUID
    other: UUID | None = None


@router.post("/wishes")
async def put_wish(
    body: WishBody,
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("matching:write")],
    key: IdempotencyKey = None,
) -> Response:
    """Must meet, would like, or no thanks. The other side never learns of it, and a refused pair never meets."""

    async def operation(tx: Connection) -> Response:
        return _kept(await feedback.wish(tx, caller.partner_id, [body.said()], clock.now()))

    return await once(request, database, caller, key, operation)


@router.post(
    "/wishes/bulk",
    response_model=Verdicts,
    openapi_extra=openapi.body({bulk.NDJSON: "One JSON object a line, each like the body of a single wish."}),
)
async def put_wishes(
    request: Request, database: Db, caller: Annotated[Principal, requires("matching:write")]
) -> Response:
    """Many wishes: one JSON object a line. Every row gets a verdict; good rows are kept."""

    async def keep(tx: Connection, rows: Sequence[WishBody]) -> list[str | None]:
        return await feedback.wish(tx, caller.partner_id, [row.said() for row in rows], clock.now())

    return await _bulk(request, database, WishBody, keep)


@router.post("/taps")
async def put_tap(
    body: TapBody,
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("meetings:write")],
    key: IdempotencyKey = None,
) -> Response:
    """Glad to have met, ordinary, or not for me. It re-weighs the coming rounds; after "not for me" the two never meet
    again, and the other side never learns of it."""

    async def operation(tx: Connection) -> Response:
        now = clock.now()
        return _kept(await feedback.tap(tx, caller.partner_id, [body.said(now)], now))

    return await once(request, database, caller, key, operation)


@router.post(
    "/taps/bulk",
    response_model=Verdicts,
    openapi_extra=openapi.body({bulk.NDJSON: "One JSON object a line, each like the body of a single tap."}),
)
async def put_taps(
    request: Request, database: Db, caller: Annotated[Principal, requires("meetings:write")]
) -> Response:
    """Many taps: one JSON object a line. Every row gets a verdict; good rows are kept."""

    async def keep(tx: Connection, rows: Sequence[TapBody]) -> list[str | None]:
        now = clock.now()
        return await feedback.tap(tx, caller.partner_id, [row.said(now) for row in rows], now)

    return await _bulk(request, database, TapBody, keep)


@router.post("/bans", status_code=201)
async def put_ban(
    body: BanBody,
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("matching:write")],
    key: IdempotencyKey = None,
) -> Response:
    """Keep two persons apart at all gatherings, or one person out of one gathering's plans, from the next plan on.

    What they had agreed on by a proposal is taken back at once, and nobody learns why.
    """

    async def operation(tx: Connection) -> Response:
        ban_id = await feedback.ban(tx, caller.partner_id, body.one, body.other, clock.now())
        return json_response({"ban_id": ban_id}, 201)

    return await once(request, database, caller, key, operation)


@router.get("/bans")
async def read_bans(database: Db, caller: Annotated[Principal, requires("matching:read")]) -> dict[str, Any]:
    """Every ban in force."""
    async with database.connection() as connection:
        return {"bans": await store.bans(connection, caller.partner_id)}


@router.delete("/bans/{ban_id}", status_code=204)
async def lift_ban(ban_id: UUID, database: Db, caller: Annotated[Principal, requires("matching:write")]) -> None:
    """Lift a ban, from the next plan on."""
    async with database.transaction() as tx:
        if not await store.lift_ban(tx, caller.partner_id, ban_id):
            raise NotFound


def _kept(problems: Sequence[str | None]) -> Response:
    if problems[0] is not None:
        raise Invalid(problems[0])
    return json_response({"status": "kept"})


async def _bulk(
    request: Request,
    database: Db,
    model: type[RowT],
    keep: Callable[[Connection, Sequence[RowT]], Awaitable[Sequence[str | None]]],
) -> Response:
    rows = await bulk.read_rows(request, model)
    good = [(row, body) for row, body in rows if isinstance(body, model)]
    async with database.transaction() as tx:
        problems = await keep(tx, [body for _, body in good])
    verdicts = [body for _, body in rows if isinstance(body, Verdict)]
    for (row, _), problem in zip(good, problems, strict=True):
        verdicts.append(Verdict(row=row, status="kept") if problem is None else rejected(row, "", problem))
    return bulk.answer(verdicts)
