"""The door of every service, on a real PostgreSQL: keys, problems, limits, remembered answers, probes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from opentelemetry import trace
from pydantic import BaseModel, ConfigDict

from shared.contracts.contract import Instant
from shared.contracts.partner import ApiKey, Partner
from shared.delivery import outbox
from shared.delivery.outbox import Outgoing
from shared.platform import auth, clock
from shared.platform.auth import Principal, requires
from shared.platform.database import Connection, Database
from shared.platform.errors import Conflict
from shared.platform.http import MAX_BODY, Db, create_app
from shared.platform.idempotency import IdempotencyKey, once
from shared.platform.service import Service
from shared.platform.settings import Settings
from tests.component.delivery.ledger import met
from tests.conftest import OpenDatabase, api_key, client, outbox_of

pytestmark = pytest.mark.postgres
router = APIRouter(prefix="/v1")


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int
    at: Instant


@router.post("/things")
async def make_thing(
    thing: Thing,
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("things:write")],
    key: IdempotencyKey = None,
) -> Response:
    async def operation(tx: Connection) -> Response:
        if thing.number < 0:
            raise Conflict("no negative things")
        await outbox.add(tx, [Outgoing("survey", clock.now()).event(met(thing.number))])
        return Response(b'{"made":true}', 201, media_type="application/json")

    return await once(request, database, caller, key, operation)


@router.get("/broken")
async def broken() -> Response:
    raise RuntimeError("kinoshita@example.com")


@router.get("/lost")
async def lost() -> Response:
    raise asyncpg.ConnectionDoesNotExistError


def _http(settings: Settings, database: Database) -> FastAPI:
    app = create_app("things", database)
    app.include_router(router)
    return app


THINGS = Service(name="things", settings=Settings, migrations=Path("/none"), http=_http, handlers=lambda settings: {})
BODY = {"number": 1, "at": "2026-11-21T18:00:00+09:00"}


class Door:
    def __init__(self, database: Database, http: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.database, self.http, self.headers = database, http, headers

    async def post(self, body: Any = BODY, **headers: str) -> httpx.Response:
        return await self.http.post("/v1/things", json=body, headers={**self.headers, **headers})


@pytest.fixture
async def door(open_database_for: OpenDatabase) -> AsyncIterator[Door]:
    database = await open_database_for(THINGS)
    _, headers = await api_key(database, "things:write")
    async with client(THINGS, database) as http:
        yield Door(database, http, headers)


async def test_an_accepted_request_has_one_effect(door: Door) -> None:
    response = await door.post()
    assert response.status_code == 201
    assert len(await outbox_of(door.database)) == 1
    assert response.headers["x-request-id"]


async def test_the_same_key_twice_has_one_effect_and_one_answer(door: Door) -> None:
    first = await door.post(**{"Idempotency-Key": "k"})
    again = await door.post(**{"Idempotency-Key": "k"})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await outbox_of(door.database)) == 1


async def test_twenty_at_once_with_one_key_have_one_effect(door: Door) -> None:
    answers = await asyncio.gather(*(door.post(**{"Idempotency-Key": "k"}) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len(await outbox_of(door.database)) == 1


async def test_a_key_used_for_another_request_is_refused(door: Door) -> None:
    await door.post(**{"Idempotency-Key": "k"})
    answer = await door.post({**BODY, "number": 2}, **{"Idempotency-Key": "k"})
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/idempotency-key-reused"


async def test_a_refusal_is_not_remembered(door: Door) -> None:
    assert (await door.post({**BODY, "number": -1}, **{"Idempotency-Key": "k"})).status_code == 409
    assert (await door.post({**BODY, "number": 1}, **{"Idempotency-Key": "k"})).status_code == 201


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"number": 1}, "/at"),
        ({**BODY, "at": "2026-11-21T18:00:00"}, "/at"),
        ({**BODY, "number": "x"}, "/number"),
        ({**BODY, "colour": "red"}, "/colour"),
        ([], ""),
    ],
)
async def test_a_bad_body_is_a_problem_that_points_at_the_place(door: Door, body: Any, pointer: str) -> None:
    answer = await door.post(body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "/problems/invalid"
    assert any(error["pointer"].startswith(pointer) for error in problem["errors"])


async def test_a_problem_never_echoes_what_was_sent(door: Door) -> None:
    answer = await door.post({"number": "kinoshita@example.com", "at": "090-1234-5678"})
    assert "kinoshita" not in answer.text
    assert "090" not in answer.text


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"", b"null", b'{"number": 1e999}'])
async def test_undecodable_bodies_are_problems(door: Door, content: bytes) -> None:
    headers = {**door.headers, "content-type": "application/json"}
    answer = await door.http.post("/v1/things", content=content, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_oversized_body_is_refused_declared_or_not(door: Door) -> None:
    large = b"x" * (MAX_BODY + 1)
    assert (await door.http.post("/v1/things", content=large, headers=door.headers)).status_code == 413

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * (MAX_BODY // 2)

    headers = {**door.headers, "content-type": "application/json"}
    assert (await door.http.post("/v1/things", content=chunks(), headers=headers)).status_code == 413


async def test_keys_that_do_not_open(door: Door) -> None:
    for value in ("", "Bearer", "Bearer x", "Basic abc", "Bearer enishi_live_AAAAAAAA_" + "b" * 32):
        answer = await door.http.post("/v1/things", json=BODY, headers={"Authorization": value})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    _, reader = await api_key(door.database, "things:read")
    assert (await door.http.post("/v1/things", json=BODY, headers=reader)).status_code == 403


async def test_a_revoked_key_stops_working(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    partner_id, headers = await api_key(door.database, "things:write")
    assert (await door.http.post("/v1/things", json=BODY, headers=headers)).status_code == 201
    async with door.database.transaction() as tx:
        await auth.store_partner(tx, Partner(partner_id=partner_id, revision=2, name="Test", keys=()))
    monkeypatch.setattr(auth, "CACHE_SECONDS", 0)
    auth._KEYS._seen.clear()
    assert (await door.http.post("/v1/things", json=BODY, headers=headers)).status_code == 401


async def test_an_older_revision_never_brings_a_key_back(door: Door) -> None:
    partner_id, _ = await api_key(door.database, "things:write")
    old = auth.new_key()
    key = ApiKey(key_id=old.key_id, sha256=old.sha256.hex(), scopes=("things:write",))
    async with door.database.transaction() as tx:
        await auth.store_partner(tx, Partner(partner_id=partner_id, revision=3, name="Test", keys=()))
        await auth.store_partner(tx, Partner(partner_id=partner_id, revision=2, name="Test", keys=(key,)))
        assert await tx.fetchval("select count(*) from api_key where partner_id = $1", partner_id) == 0


async def test_a_bug_is_a_problem_without_internals(door: Door) -> None:
    answer = await door.http.get("/v1/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "kinoshita" not in answer.text


async def test_a_lost_database_says_come_back(door: Door) -> None:
    answer = await door.http.get("/v1/lost")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_probes_and_metrics(door: Door) -> None:
    assert (await door.http.get("/livez")).status_code == 200
    assert (await door.http.get("/readyz")).status_code == 200
    await door.post()
    text = (await door.http.get("/metrics")).text
    assert 'http_requests_total{code="201",method="POST",route="/v1/things"}' in text
    assert "/nowhere-else" not in text
    await door.http.get("/nowhere-else")
    assert "/nowhere-else" not in (await door.http.get("/metrics")).text


async def test_a_callers_trace_reaches_the_event(door: Door) -> None:
    await door.post(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    (event,) = await outbox_of(door.database)
    assert event.trace["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert trace.get_current_span().get_span_context().trace_id == 0
