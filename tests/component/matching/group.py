"""A small gathering for tests: a partner with its key, and people whose words differ."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import httpx

from services.matching import handlers, planner
from services.matching.app import SERVICE
from shared.contracts.gathering import Gathering, Table
from shared.contracts.profile import Profile
from shared.contracts.registered import Attributes, Registered
from shared.delivery.outbox import Outgoing
from shared.platform import clock
from shared.platform.database import Database
from shared.platform.ids import derived
from tests.conftest import OpenDatabase, api_key, client, settings_for

SCOPES: Final = ("matching:write", "matching:read", "meetings:write", "conduct:review")
OUT: Final = Outgoing("registration", clock.now())
WORDS: Final = [("動画を作りたい", "工場見学"), ("販路を広げたい", "映像制作"), ("人手不足", "店舗の棚")]


def rid(number: int, gathering: int = 1) -> UUID:
    """The registration of a person at a gathering."""
    return derived("r", number, gathering)


def gathering_event(partner: UUID, gathering: int = 1) -> Any:
    start = clock.now()
    return OUT.event(
        Gathering(
            gathering_id=derived("gathering", gathering),
            partner_id=partner,
            revision=1,
            phase="open",
            title="試験会",
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            capacity=50,
            tables=tuple(Table(number=n, seats=4) for n in (7, 8, 9)),
        )
    )


def registered_event(partner: UUID, number: int, gathering: int = 1, **more: Any) -> Any:
    base = {
        "registration_id": rid(number, gathering),
        "gathering_id": derived("gathering", gathering),
        "person_id": derived("p", number),
        "partner_id": partner,
        "revision": 1,
        "status": "accepted",
        "purpose": "information",
        "attributes": Attributes(industry="EGIM"[number // 3 % 4], times_attended=number % 4),
        "registered_at": clock.now(),
    }
    return OUT.event(Registered(**{**base, **more}))


def profile_event(number: int, gathering: int = 1, **more: Any) -> Any:
    needs, offers = WORDS[number % 3]
    base = {
        "registration_id": rid(number, gathering),
        "gathering_id": derived("gathering", gathering),
        "revision": 1,
        "name": f"秘密の名前{number}",
        "needs": needs,
        "offers": offers,
    }
    return OUT.event(Profile(**{**base, **more}))


def meeting(a: int, b: int, **more: Any) -> dict[str, Any]:
    """A row of a partner's report: two of gathering 1 met just now."""
    base = {"gathering_id": str(derived("gathering", 1)), "a": str(rid(a)), "b": str(rid(b)), "source": "qr"}
    return {**base, "met_at": clock.now().isoformat(), **more}


class Group:
    """The service with a partner's key and people at gathering 1."""

    proposals = 20_000
    """How far a plan of a test searches."""

    def __init__(self, database: Database, http: httpx.AsyncClient, partner: UUID, headers: dict[str, str]) -> None:
        self.database, self.http, self.partner, self.headers = database, http, partner, headers
        self.planner: asyncio.Task[None] | None = None

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(
            method, f"/v1{path}", headers={**self.headers, **more.pop("headers", {})}, **more
        )

    async def lines(self, path: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """A bulk request."""
        body = "\n".join(json.dumps(row) for row in rows).encode()
        kind = {"content-type": "application/x-ndjson"}
        return dict((await self.call("POST", path, content=body, headers=kind)).json())

    async def meet(self, *rows: dict[str, Any]) -> dict[str, Any]:
        """Report meetings."""
        return await self.lines("/meetings/bulk", rows)

    async def join(self, people: Sequence[int], gathering: int) -> None:
        """The same persons at one more gathering."""
        async with self.database.transaction() as tx:
            await handlers.on_gathering(tx, [gathering_event(self.partner, gathering)])
            await handlers.on_registered(tx, [registered_event(self.partner, n, gathering) for n in people])
            await handlers.on_profile(tx, [profile_event(n, gathering) for n in people])

    def start(self) -> asyncio.Task[None]:
        """The planner at work, begun now if it was not."""
        if self.planner is None:
            searches = {"plan_proposals": self.proposals, "replan_proposals": self.proposals}
            known = settings_for(SERVICE, self.database.url, **searches)
            self.planner = asyncio.create_task(planner.run(known, self.database))
        return self.planner

    async def planned(self, **settings: Any) -> dict[str, Any]:
        """A plan of gathering 1 that was asked for, when it has ended."""
        made = await self.call("POST", f"/gatherings/{derived('gathering', 1)}/plans", json=settings)
        assert made.status_code == 202, made.text
        return await self.finished(made.headers["location"])

    async def finished(self, location: str) -> dict[str, Any]:
        """Let the planner work until the plan at `location` is no longer in the making."""
        running = self.start()
        for _ in range(3000):
            answer = await self.call("GET", location.removeprefix("/v1"))
            if answer.json()["state"] not in ("queued", "running"):
                break
            assert not running.done(), running.result() if running.done() else ""
            await asyncio.sleep(0.1)
        return dict(answer.json())

    async def audited(self, path: str) -> dict[str, Any]:
        """Wait until the planner has made the audit of the plan at `path`."""
        for _ in range(3000):
            audit = (await self.call("GET", path)).json()["audit"]
            if audit["state"] not in ("waiting", "running"):
                return dict(audit)
            await asyncio.sleep(0.1)
        raise AssertionError(audit)

    async def close(self) -> None:
        """Stop the planner, where one was needed."""
        if self.planner is not None:
            self.planner.cancel()
            with suppress(asyncio.CancelledError):
                await self.planner
            self.planner = None

    async def erase(self, number: int, gathering: int = 1) -> None:
        """The tombstone of one registration."""
        async with self.database.transaction() as tx:
            await handlers.on_registered(tx, [OUT.tombstone(Registered, rid(number, gathering))])  # type: ignore[list-item]

    async def mentions(self, registration_id: UUID) -> set[str]:
        """Tables that hold an id anywhere in a row, but for the list of who was erased."""
        async with self.database.connection() as connection:
            tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
            found = set()
            for (table,) in tables:
                query = f"select exists (select from {table} as row where row::text like $1)"
                if await connection.fetchval(query, f"%{registration_id}%"):
                    found.add(table)
        return found - {"erased"}


@asynccontextmanager
async def open_group(open_database_for: OpenDatabase, people: int = 12) -> AsyncIterator[Group]:
    """Gathering 1 with people 0 to `people` - 1."""
    database = await open_database_for(SERVICE)
    partner, headers = await api_key(database, *SCOPES)
    async with client(SERVICE, database) as http:
        group = Group(database, http, partner, headers)
        await group.join(range(people), 1)
        try:
            yield group
        finally:
            await group.close()
