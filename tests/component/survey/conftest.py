"""A survey with the facts of one evening behind it, and a partner's key."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.survey import handlers
from services.survey.app import SERVICE
from shared.contracts.contract import Contract
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from shared.contracts.gathering import Gathering
from shared.contracts.matched import Introduction, Matched
from shared.contracts.met import Met
from shared.contracts.registered import Attributes, Registered
from shared.delivery.outbox import Outgoing
from shared.platform import clock
from shared.platform.database import Database
from shared.platform.ids import derived
from tests.conftest import OpenDatabase, api_key, client

G, PARTNER = derived("gathering"), derived("partner")
NOW = clock.now()
OUT = Outgoing("registration", NOW)
HANDLERS: dict[type[Contract], Any] = {
    Gathering: handlers.on_gathering,
    Registered: handlers.on_registered,
    Matched: handlers.on_matched,
    Met: handlers.on_met,
    FollowupDue: handlers.on_followup_due,
    FollowupDone: handlers.on_followup_done,
}


def person(number: int) -> UUID:
    return derived("r", number)


def facts() -> list[Contract]:
    """Ten registered, eight came; three pairs met, two of them talked; one thanked in time, one late, one was booked."""
    gathering = Gathering(
        gathering_id=G, partner_id=PARTNER, revision=1, phase="ended", title="試験会", starts_at=NOW - timedelta(days=3),
        ends_at=NOW - timedelta(days=3) + timedelta(hours=2), capacity=20,
    )  # fmt: skip
    people = [
        Registered(
            registration_id=person(n), gathering_id=G, person_id=derived("p", n), partner_id=PARTNER, revision=2,
            status="accepted", attendance="checked_in" if n < 8 else "expected", purpose="information",
            attributes=Attributes(industry="EG"[n % 2], times_attended=n % 3), registered_at=NOW,
        )
        for n in range(10)
    ]  # fmt: skip
    met_at = NOW - timedelta(days=2)
    meetings, others = [], []
    for a, b, seconds in ((0, 1, 300), (2, 3, 200), (4, 5, 60)):
        low, high = sorted((person(a), person(b)))
        meetings.append(
            Met(
                meeting_id=derived("m", a), gathering_id=G, revision=1, a=low, b=high, met_at=met_at,
                talk_seconds=seconds, source="qr",
            )
        )  # fmt: skip
    for n, (owner, other, state, hours) in enumerate(
        ((0, 1, "thanked", 3), (1, 0, "booked", 30), (2, 3, "thanked", 40))
    ):
        others.append(
            FollowupDone(
                followup_id=derived("f", n), gathering_id=G, owner=person(owner), other=person(other), revision=1,
                state=state, met_at=met_at, deadline_at=met_at + timedelta(hours=24),
                first_touch_at=met_at + timedelta(hours=hours), occurred_at=NOW, recorded_at=NOW,
            )
        )  # fmt: skip
    plan = Matched(
        registration_id=person(0), gathering_id=G, revision=1, plan_id=derived("plan"), planned_at=NOW,
        introductions=(Introduction(counterpart=person(1), rank=1), Introduction(counterpart=person(6), rank=2)),
    )  # fmt: skip
    return [gathering, *people, plan, *meetings, *others]


async def tell(database: Database, payloads: Sequence[Contract]) -> None:
    for payload in payloads:
        async with database.transaction() as tx:
            await HANDLERS[type(payload)](tx, [OUT.event(payload)])


class Survey:
    """The service with facts, and a partner's key."""

    def __init__(self, database: Database, http: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.database, self.http, self.headers = database, http, headers

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(method, f"/v1/gatherings/{G}{path}", headers=self.headers, **more)

    async def room(self) -> str:
        return str((await self.call("PUT", "/survey")).json()["room_url"]).partition("8000")[2]

    async def link(self, number: int) -> str:
        answer = await self.call("POST", "/survey/links", json={"registration_ids": [str(person(number))]})
        return str(answer.json()["links"][0]["url"]).partition("8000")[2]


@pytest.fixture
async def survey(open_database_for: OpenDatabase) -> AsyncIterator[Survey]:
    database = await open_database_for(SERVICE)
    _, headers = await api_key(database, "surveys:write", "surveys:read", "reports:read", partner_id=PARTNER)
    await tell(database, facts())
    async with client(SERVICE, database) as http:
        made = Survey(database, http, headers)
        made_room = (await made.call("PUT", "/survey")).json()["room_url"]
        assert "/r/" in made_room
        yield made


FORM = {"next_step": "2", "goal": "3", "troubles": ["too_short", "venue"], "again": "8"}
