"""HTTP for partners: their webhooks."""

import secrets
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.followup.domain import webhooks as rules
from services.followup.store import webhooks as store
from shared.contracts.contract import Instant
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from shared.platform import clock
from shared.platform.auth import Principal, requires
from shared.platform.database import Connection
from shared.platform.errors import Conflict, Invalid, NotFound, TooOften
from shared.platform.http import Db, json_response
from shared.platform.idempotency import IdempotencyKey, once
from shared.platform.ids import uuid7

router = APIRouter(prefix="/v1/webhooks")

TOPICS: Final = (FollowupDue.topic, FollowupDone.topic)
MOST: Final = 20
"""Webhooks of one partner: each is called by connections of its own."""
TESTS_APART: Final = timedelta(seconds=10)
REPLAYS_APART: Final = timedelta(minutes=1)
"""Of one webhook, as the tests: whoever's server it names may never have asked for them."""


class WebhookBody(BaseModel):
    """Where to call, and for which topics."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=2000, pattern="^https?://[!-~]+$")]
    types: Annotated[tuple[str, ...], Field(min_length=1, max_length=len(TOPICS))] = TOPICS


class RotationBody(BaseModel):
    """For how long the former secret signs too."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: Annotated[int, Field(ge=0, le=168)] = 24


class ReplayBody(BaseModel):
    """From when on."""

    model_config = ConfigDict(extra="forbid")

    since: Instant


@router.post("", status_code=201)
async def create(
    body: WebhookBody,
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("followups:write")],
    key: IdempotencyKey = None,
) -> Response:
    """Name an address to be called. The answer shows the secret that signs the calls, this once."""
    if unknown := sorted(set(body.types) - set(TOPICS)):
        raise Invalid(f"there are no webhooks for {', '.join(unknown)[:200]}; there are for {', '.join(TOPICS)}")
    private: bool = request.app.state.webhook_private
    if not _can_be_called(body.url, private=private):
        raise Invalid("a webhook's address is https, without a user and without a fragment")

    async def operation(tx: Connection) -> Response:
        webhook, secret = uuid7(), rules.secret_of(secrets.token_bytes(rules.SECRET_BYTES))
        if not await store.insert(tx, webhook, caller.partner_id, body.url, secret, body.types, MOST):
            raise Conflict(f"a partner has at most {MOST} webhooks")
        return json_response({"webhook_id": webhook, "url": body.url, "types": body.types, "secret": secret}, 201)

    return await once(request, database, caller, key, operation)


def _can_be_called(url: str, *, private: bool) -> bool:
    try:
        parts = urlsplit(url)
        return (
            bool(parts.hostname and parts.port != 0)
            and not (parts.username or parts.fragment)
            and (parts.scheme == "https" or private)
        )
    except ValueError:  # a port or an address in brackets that there cannot be
        return False


@router.get("")
async def show(database: Db, caller: Annotated[Principal, requires("followups:read")]) -> Response:
    """This partner's webhooks, how much waits for each, and why one was disabled."""
    async with database.connection() as connection:
        return json_response(await store.listed(connection, caller.partner_id), 200)


@router.delete("/{webhook_id}", status_code=204)
async def delete(webhook_id: UUID, database: Db, caller: Annotated[Principal, requires("followups:write")]) -> None:
    """Call this address no more."""
    async with database.transaction() as tx:
        if not await store.delete(tx, caller.partner_id, webhook_id):
            raise NotFound


@router.post("/{webhook_id}/secret", status_code=201)
async def rotate(
    webhook_id: UUID,
    body: RotationBody,
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("followups:write")],
    key: IdempotencyKey = None,
) -> Response:
    """Sign with a new secret, shown this once. Until `former_until` every call carries both signatures."""

    async def operation(tx: Connection) -> Response:
        secret = rules.secret_of(secrets.token_bytes(rules.SECRET_BYTES))
        until = await store.rotate(tx, caller.partner_id, webhook_id, secret, timedelta(hours=body.overlap_hours))
        if until is None:
            raise NotFound
        return json_response({"webhook_id": webhook_id, "secret": secret, "former_until": until}, 201)

    return await once(request, database, caller, key, operation)


@router.post("/{webhook_id}/test", status_code=202)
async def test(
    webhook_id: UUID, database: Db, caller: Annotated[Principal, requires("followups:write")]
) -> dict[str, UUID]:
    """Send a test message, signed like any other; at most one every ten seconds."""
    message = uuid7()
    body = rules.body_of("enishi.test", clock.now().isoformat(), orjson.dumps({"webhook_id": webhook_id}))
    async with database.transaction() as tx:
        _check(await store.may(tx, caller.partner_id, webhook_id, "tested_at", TESTS_APART))
        await store.enqueue_one(tx, caller.partner_id, webhook_id, message, body)
    return {"message_id": message}


@router.post("/{webhook_id}/replay", status_code=202)
async def replay(
    webhook_id: UUID,
    body: ReplayBody,
    database: Db,
    caller: Annotated[Principal, requires("followups:write")],
) -> dict[str, int]:
    """Send again what was made since then, within seven days; a disabled webhook is enabled. At most once a minute."""
    async with database.transaction() as tx:
        _check(await store.may(tx, caller.partner_id, webhook_id, "replayed_at", REPLAYS_APART))
        return {"queued": await store.replay(tx, caller.partner_id, webhook_id, body.since)}


def _check(wait: timedelta | None) -> None:
    if wait is None:
        raise NotFound
    if wait:
        raise TooOften(wait)
