"""A gathering that is under way: twenty people, three rounds at five tables, the first of them running."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx

from services.matching import handlers
from services.matching.app import SERVICE
from services.matching.domain.plan import Task
from services.matching.links import Links
from services.matching.store import facts, matched, plans
from services.matching.store.matched import MatchedRow
from services.matching.tasks import task_of
from shared.contracts.gathering import Gathering, Round, Table
from shared.contracts.matched import Matched
from shared.contracts.registered import Attributes
from shared.platform import clock
from shared.platform.database import Database
from shared.platform.ids import derived, uuid7
from tests.component.matching.group import OUT, SCOPES, Group, profile_event, registered_event, rid
from tests.conftest import OpenDatabase, api_key, client, outbox_of

G: Final = derived("gathering", 1)
TABLES: Final = (7, 8, 9, 10, 11)
NEWCOMERS: Final = (0, 5, 10, 15)
LINKS: Final = Links("a-secret-for-tests-only", "http://test", 90)


def definition(partner: UUID, now: datetime, **more: Any) -> Any:
    """The first round began ten minutes ago; each lasts twenty-five, with five between."""
    begin = now - timedelta(minutes=10)
    rounds = tuple(
        Round(
            number=n + 1,
            starts_at=begin + timedelta(minutes=30 * n),
            ends_at=begin + timedelta(minutes=30 * n + 25),
        )
        for n in range(3)
    )
    base = {
        "gathering_id": G,
        "partner_id": partner,
        "revision": 1,
        "phase": "running",
        "title": "製造業と地域の夕べ",
        "starts_at": begin - timedelta(minutes=20),
        "ends_at": begin + timedelta(hours=2),
        "capacity": 50,
        "rounds": rounds,
        "tables": tuple(Table(number=n, seats=4) for n in TABLES),
    }
    return OUT.event(Gathering(**{**base, **more}))


class Night(Group):
    """The service on such an evening, with its doors."""

    proposals = 200_000

    def __init__(self, database: Database, http: httpx.AsyncClient, partner: UUID, headers: dict[str, str]) -> None:
        super().__init__(database, http, partner, headers)
        self.now = clock.now()

    async def open(self, people: Sequence[int], **more: Any) -> None:
        """People who are all checked in."""
        here: dict[str, Any] = {"attendance": "checked_in", "checked_in_at": self.now - timedelta(minutes=45)}
        async with self.database.transaction() as tx:
            await handlers.on_gathering(tx, [definition(self.partner, self.now, **more)])
            await handlers.on_registered(
                tx, [registered_event(self.partner, n, **here, **attributes(n)) for n in people]
            )
            await handlers.on_profile(tx, [profile_event(n, company=f"会社{n}", pitch=f"一言{n}") for n in people])

    async def begin(self, current_round: int | None = None) -> tuple[plans.Plan, Task]:
        """A plan that is asked for and begun, and its task."""
        async with self.database.connection() as connection:
            await plans.insert_plan(connection, uuid7(), G, self.partner, 1, current_round)
            plan = await plans.next_plan(connection)
            gathering = await facts.known_gathering(connection, G)
            assert plan
            assert gathering
            task = await task_of(connection, plan, gathering, 1_000)
            await plans.unlock(connection, G)
        return plan, task

    async def publish(self, seats: dict[int, dict[int, int]], lists: dict[int, Sequence[int]]) -> None:
        """A finished plan: table by round for each person, and whom each is introduced to."""
        rows = [
            MatchedRow(
                rid(n),
                [words(other, at) for at, other in enumerate(lists.get(n, ()), start=1)],
                [{"round": r, "table": k} for r, k in seats.get(n, {}).items()],
            )
            for n in sorted({*seats, *lists})
        ]
        async with self.database.transaction() as tx:
            plan = await plans.insert_plan(tx, uuid7(), G, self.partner, 1)
            await matched.replace_matched(tx, G, plan.plan_id, rows)
            await plans.cancel_plan(tx, plan.plan_id)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, **more)

    async def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        return await self.http.post(path, data=data or {}, **more)

    async def proposal(self) -> str:
        """The one introduction that was proposed."""
        async with self.database.connection() as connection:
            return str(await connection.fetchval("select proposal_id from proposal"))

    async def answer(self, number: int, yes: bool) -> int:
        """What somebody says to it; the status of their page."""
        path = f"{evening(number)}/proposals/{await self.proposal()}"
        return (await self.post(path, {"yes": str(yes).lower()})).status_code

    async def listed(self, number: int) -> list[UUID]:
        """Whom somebody is introduced to, in the partner's eyes."""
        match = (await self.call("GET", f"/registrations/{rid(number)}/match")).json()
        return [UUID(each["counterpart"]) for each in match["introductions"]]

    async def events(self, kind: type[Any]) -> list[Any]:
        """Payloads of one topic that wait in the outbox."""
        return [event.payload for event in await outbox_of(self.database) if isinstance(event.payload, kind)]

    async def newest(self) -> dict[UUID, Matched]:
        """Everybody's newest published plan."""
        return {each.registration_id: each for each in await self.events(Matched)}

    async def everything(self) -> list[Any]:
        """Every row of every table, to see that nothing has changed."""
        async with self.database.connection() as connection:
            names = await connection.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
            return [
                (name, [row[0] for row in await connection.fetch(f"select row::text from {name} as row order by 1")])
                for (name,) in names
            ]


def attributes(number: int) -> dict[str, Any]:
    """Four newcomers: as many as can keep each other company in pairs over three rounds."""
    regular = 0 if number in NEWCOMERS else 1 + number % 3
    return {"attributes": Attributes(industry="EGIM"[number // 3 % 4], times_attended=regular)}


def words(other: int, rank: int) -> dict[str, Any]:
    """One introduction, as the planner stores it."""
    return {
        "counterpart": str(rid(other)),
        "rank": rank,
        "reasons": [
            {
                "kind": "their_offer_meets_my_need",
                "concept": "video_production",
                "ja": f"理由{other}",
                "en": f"why{other}",
            }
        ],
        "question_ja": f"質問{other}",
        "question_en": f"question{other}",
        "wanted_ja": f"望み{other}",
        "wanted_en": f"wanted{other}",
    }


def evening(number: int) -> str:
    """Path of somebody's own page."""
    return f"/e/{LINKS.evening.token(rid(number))}"


def badge(number: int) -> str:
    """Path behind the code on somebody's badge."""
    return f"/m/{LINKS.badge.token(rid(number))}"


def board() -> str:
    """Path of the organiser's board."""
    return f"/b/{LINKS.board.token(G)}"


def targets(html: str) -> set[str]:
    """Every address that a page links or posts to."""
    return {found.replace("&amp;", "&") for found in re.findall(r'(?:href|action)="(/[^"]+)"', html)}


SEATS: Final = {n: {r + 1: TABLES[(n + r * (n // 5 + 1)) % 5] for r in range(3)} for n in range(20)}
"""Four at each table in the first round: 0, 5, 10 and 15 sit at 7."""
LISTS: Final[dict[int, Sequence[int]]] = {0: (1, 2, 5), 1: (0,), 2: (0,), 5: (0,)}


@asynccontextmanager
async def open_night(open_database_for: OpenDatabase, people: int = 20, **more: Any) -> AsyncIterator[Night]:
    """An evening with its plan."""
    database = await open_database_for(SERVICE)
    partner, headers = await api_key(database, *SCOPES)
    async with client(SERVICE, database) as http:
        night = Night(database, http, partner, headers)
        await night.open(range(people), **more)
        try:
            yield night
        finally:
            await night.close()
