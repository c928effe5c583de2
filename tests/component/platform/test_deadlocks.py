"""The victim of a deadlock is tried again: no partner and no person at a page hears of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Form, Request, Response, UploadFile

from services.matching.app import SERVICE
from shared.platform.auth import Principal, requires
from shared.platform.database import Connection, Database
from shared.platform.http import MAX_BODY, Db, create_app
from shared.platform.idempotency import IdempotencyKey, once
from shared.platform.pages import Pages, PersonsRoute
from tests.conftest import OpenDatabase, api_key

pytestmark = pytest.mark.postgres
TEMPLATES = Path(str(SERVICE.migrations)).parent / "templates"
ROWS = [UUID(int=1), UUID(int=2)]


class Crossing:
    """Two transactions that each hold what the other wants next."""

    def __init__(self) -> None:
        self._both = asyncio.Barrier(2)
        self.attempts = 0

    async def cross(self, tx: Connection, rows: list[UUID]) -> None:
        self.attempts += 1
        first = self.attempts <= 2
        for row in rows:
            await tx.execute("insert into erased values ($1) on conflict do nothing", row)
            if first and row == rows[0]:
                await self._both.wait()


api = APIRouter(prefix="/v1")
pages = APIRouter(route_class=PersonsRoute)


@api.post("/cross")
async def by_partner(
    request: Request,
    database: Db,
    caller: Annotated[Principal, requires("things:write")],
    back: bool = False,
    key: IdempotencyKey = None,
) -> Response:
    async def operation(tx: Connection) -> Response:
        await request.app.state.crossing.cross(tx, ROWS[::-1] if back else ROWS)
        return Response(b"{}", media_type="application/json")

    return await once(request, database, caller, key, operation)


@pages.post("/cross")
async def by_person(request: Request, database: Db, word: Annotated[str, Form()], back: bool = False) -> Response:
    async with database.transaction() as tx:
        await request.app.state.crossing.cross(tx, ROWS[::-1] if back else ROWS)
    return Response(word)


@pages.post("/cross/bulk")
async def by_file(request: Request, database: Db, file: UploadFile, back: bool = False) -> Response:
    async with database.transaction() as tx:
        await request.app.state.crossing.cross(tx, ROWS[::-1] if back else ROWS)
    return Response(await file.read())


@pages.get("/away")
async def away() -> Response:
    raise ConnectionRefusedError


class Door:
    def __init__(self, app: FastAPI, http: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.app, self.http, self.headers = app, http, headers


@pytest.fixture
async def door(open_database_for: OpenDatabase) -> AsyncIterator[Door]:
    database: Database = await open_database_for(SERVICE)
    _, headers = await api_key(database, "things:write")
    app = create_app("matching", database)
    app.state.crossing, app.state.pages = Crossing(), Pages(TEMPLATES)
    app.include_router(api)
    app.include_router(pages)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield Door(app, http, headers)


@pytest.mark.parametrize("keys", [(None, None), ("one", "other")])
async def test_of_two_partners_requests_that_wait_for_each_other_both_are_answered(
    door: Door, keys: tuple[str | None, str | None]
) -> None:
    given = [{**door.headers, **({"Idempotency-Key": key} if key else {})} for key in keys]
    answers = await asyncio.gather(
        door.http.post("/v1/cross", headers=given[0]), door.http.post("/v1/cross?back=true", headers=given[1])
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert door.app.state.crossing.attempts >= 3, "the victim came again, and may have lost more than once"


async def test_forms_are_read_again(door: Door) -> None:
    sent = [door.http.post(f"/cross?back={back}", data={"word": "縁"}) for back in (0, 1)]
    assert [answer.text for answer in await asyncio.gather(*sent)] == ["縁", "縁"]
    assert door.app.state.crossing.attempts >= 3, "the victim came again, and may have lost more than once"


async def test_files_are_read_again(door: Door) -> None:
    sent = [door.http.post(f"/cross/bulk?back={back}", files={"file": b"x" * 2_000_000}) for back in (0, 1)]
    assert [len(answer.content) for answer in await asyncio.gather(*sent)] == [2_000_000, 2_000_000]
    assert door.app.state.crossing.attempts >= 3, "the victim came again, and may have lost more than once"


async def test_a_person_hears_in_words_that_it_is_not_now_or_too_much(door: Door) -> None:
    async def long() -> AsyncIterator[bytes]:
        yield b"x" * (MAX_BODY + 1)

    now, much = await door.http.get("/away?lang=en"), await door.http.post("/cross?lang=en", content=long())
    assert (now.status_code, much.status_code) == (503, 413)
    assert "Please open the page again" in now.text
    assert "Something is too long" in much.text
