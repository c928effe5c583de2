"""Matching's doors on a real PostgreSQL: facts in any order, plans made aside, meetings merged, erasure."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.matching import handlers, planner
from services.matching.app import SERVICE
from services.matching.domain.meetings import Sighting
from services.matching.operations import Note, Report, record
from services.matching.workers import Workers, open_workers
from shared.contracts.gathering import Gathering, Table
from shared.contracts.matched import Matched
from shared.contracts.met import Met
from shared.contracts.met_note import MetNote
from shared.contracts.profile import Profile
from shared.contracts.registered import Attributes, Registered
from shared.delivery.outbox import Outgoing
from shared.platform import clock
from shared.platform.database import Database
from shared.platform.ids import derived
from tests.conftest import OpenDatabase, api_key, client, outbox_of, settings_for

pytestmark = pytest.mark.postgres
SCOPES = ("matching:write", "matching:read", "meetings:write")
G = derived("gathering")
OUT = Outgoing("registration", clock.now())


def gathering(partner: UUID, **more: Any) -> Gathering:
    start = clock.now()
    base = {
        "gathering_id": G,
        "partner_id": partner,
        "revision": 1,
        "phase": "open",
        "title": "試験会",
        "starts_at": start,
        "ends_at": start + timedelta(hours=2),
        "capacity": 50,
        "tables": tuple(Table(number=n, seats=4) for n in (7, 8, 9)),
    }
    return Gathering(**{**base, **more})


def registered(partner: UUID, number: int, **more: Any) -> Registered:
    base = {
        "registration_id": derived("r", number),
        "gathering_id": G,
        "person_id": derived("p", number),
        "partner_id": partner,
        "revision": 1,
        "status": "accepted",
        "purpose": "information",
        "attributes": Attributes(industry="EGIM"[number // 3 % 4], times_attended=number % 4),
        "registered_at": clock.now(),
    }
    return Registered(**{**base, **more})


def profile(number: int, **more: Any) -> Profile:
    words = [("動画を作りたい", "工場見学"), ("販路を広げたい", "映像制作"), ("人手不足", "店舗の棚")][number % 3]
    base = {
        "registration_id": derived("r", number),
        "gathering_id": G,
        "revision": 1,
        "name": f"秘密の名前{number}",
        "needs": words[0],
        "offers": words[1],
    }
    return Profile(**{**base, **more})


class Matching:
    """The service with a partner's key and twelve people."""

    def __init__(self, database: Database, http: httpx.AsyncClient, partner: UUID, headers: dict[str, str]) -> None:
        self.database, self.http, self.partner, self.headers = database, http, partner, headers

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(
            method, f"/v1{path}", headers={**self.headers, **more.pop("headers", {})}, **more
        )

    async def meet(self, *rows: dict[str, Any]) -> dict[str, Any]:
        body = "\n".join(json.dumps(row) for row in rows).encode()
        kind = {"content-type": "application/x-ndjson"}
        answer: dict[str, Any] = (await self.call("POST", "/meetings/bulk", content=body, headers=kind)).json()
        return answer

    async def planned(self, seed: int = 1) -> dict[str, Any]:
        made = await self.call("POST", f"/gatherings/{G}/plans", json={"seed": seed})
        assert made.status_code == 202, made.text
        settings = settings_for(SERVICE, self.database.url, plan_proposals=20_000)
        task = asyncio.create_task(planner.run(settings, self.database))
        try:
            for _ in range(3000):
                answer = await self.call("GET", made.headers["location"].removeprefix("/v1"))
                if answer.json()["state"] not in ("queued", "running"):
                    break
                assert not task.done(), task.result() if task.done() else ""
                await asyncio.sleep(0.1)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return dict(answer.json())


@pytest.fixture
async def matching(open_database_for: OpenDatabase) -> AsyncIterator[Matching]:
    database = await open_database_for(SERVICE)
    partner, headers = await api_key(database, *SCOPES)
    async with database.transaction() as tx:
        await handlers.on_gathering(tx, [OUT.event(gathering(partner))])  # type: ignore[list-item]
        await handlers.on_registered(tx, [OUT.event(registered(partner, n)) for n in range(12)])  # type: ignore[misc]
        await handlers.on_profile(tx, [OUT.event(profile(n)) for n in range(12)])  # type: ignore[misc]
    async with client(SERVICE, database) as http:
        yield Matching(database, http, partner, headers)


def die(*_: object) -> None:
    """What the system does to a worker that takes all memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def row(a: int, b: int, **more: Any) -> dict[str, Any]:
    base = {"gathering_id": str(G), "a": str(derived("r", a)), "b": str(derived("r", b)), "source": "qr"}
    return {**base, "met_at": clock.now().isoformat(), **more}


async def test_an_audit_bounds_the_published_seats_and_prices_each_rule(matching: Matching) -> None:
    plan = await matching.planned()
    path = f"/plans/{plan['plan_id']}"
    assert plan["audit"] is None
    asked = await matching.call("POST", f"{path}/audit")
    assert (asked.status_code, asked.json()["audit"]) == (202, {"state": "waiting"})
    task = asyncio.create_task(planner.run(settings_for(SERVICE, matching.database.url), matching.database))
    try:
        for _ in range(3000):
            audit = (await matching.call("GET", path)).json()["audit"]
            if audit["state"] not in ("waiting", "running"):
                break
            await asyncio.sleep(0.1)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert audit["state"] == "done"
    assert 0 < audit["value"] <= audit["bound"] + 0.1
    assert audit["bound"] <= plan["proof"]["bound"] + 0.1, "tables bound more tightly than pairs"
    assert {"fairness", "industries", "sizes"} <= {each["rule"] for each in audit["effects"]}

    unfinished = (await matching.call("POST", f"/gatherings/{G}/plans", json={"seed": 1})).json()["plan_id"]
    assert (await matching.call("POST", f"/plans/{unfinished}/audit")).status_code == 409
    assert (await matching.call("POST", f"/plans/{derived('nobody')}/audit")).status_code == 404


@asynccontextmanager
async def running_planner(matching: Matching) -> AsyncIterator[Callable[[], Awaitable[dict[str, Any]]]]:
    """A planner as in service; each call asks for a plan and waits for its end."""
    settings = settings_for(SERVICE, matching.database.url, plan_proposals=20_000)
    task = asyncio.create_task(planner.run(settings, matching.database))

    async def ended() -> dict[str, Any]:
        made = await matching.call("POST", f"/gatherings/{G}/plans", json={"seed": 1})
        for _ in range(3000):
            plan: dict[str, Any] = (await matching.call("GET", made.headers["location"].removeprefix("/v1"))).json()
            if plan["state"] not in ("queued", "running"):
                break
            assert not task.done()
            await asyncio.sleep(0.1)
        return plan

    try:
        yield ended
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.usefixtures("own_worker")
async def test_a_killed_worker_fails_its_plan_and_the_planner_goes_on_with_a_new_one(
    matching: Matching, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_planner(matching) as ended:
        with monkeypatch.context() as patch:
            patch.setattr(planner, "_work", die)
            plan = await ended()
        assert plan["state"] == "failed"
        assert "BrokenProcessPool" in plan["reason"]
        assert (await ended())["state"] == "done"


@pytest.mark.usefixtures("own_worker")
async def test_a_worker_killed_while_idle_fails_no_plan(matching: Matching, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Workers] = []

    @contextmanager
    def watched() -> Iterator[Workers]:
        with open_workers() as workers:
            opened.append(workers)
            yield workers

    monkeypatch.setattr(planner, "open_workers", watched)
    async with running_planner(matching) as ended:
        assert (await ended())["state"] == "done"
        with pytest.raises(BrokenProcessPool):
            await asyncio.get_running_loop().run_in_executor(opened[0].pool, die)
        assert (await ended())["state"] == "done"
    assert len(opened) == 2


async def test_a_plan_is_made_published_and_readable(matching: Matching) -> None:
    plan = await matching.planned()
    assert (plan["state"], plan["proof"]["violations"]) == ("done", [])
    events = [event for event in await outbox_of(matching.database) if event.topic == Matched.topic]
    assert len(events) == 12
    for event in events:
        assert "秘密" not in event.payload.model_dump_json()  # type: ignore[union-attr]
        assert {seat.table for seat in event.payload.seats} <= {7, 8, 9}  # type: ignore[union-attr]
    match = (await matching.call("GET", f"/registrations/{derived('r', 0)}/match")).json()
    assert 3 <= len(match["introductions"]) <= 5
    assert any("映像制作" in reason["ja"] for each in match["introductions"] for reason in each["reasons"])


async def test_a_second_plan_raises_the_revision(matching: Matching) -> None:
    await matching.planned()
    await matching.planned(seed=2)
    revisions = [e.payload.revision for e in await outbox_of(matching.database) if isinstance(e.payload, Matched)]
    assert sorted(revisions) == [1] * 12 + [2] * 12


async def test_nobody_to_plan_for_is_a_clear_reason(matching: Matching) -> None:
    async with matching.database.transaction() as tx:
        gone = [OUT.tombstone(Registered, derived("r", n)) for n in range(11)]
        await handlers.on_registered(tx, gone)  # type: ignore[arg-type]
    plan = await matching.planned()
    assert plan["state"] == "failed"
    assert "two" in plan["reason"]


async def test_a_plan_can_be_cancelled_and_a_newer_request_replaces_it(matching: Matching) -> None:
    first = (await matching.call("POST", f"/gatherings/{G}/plans", json={})).json()
    second = (await matching.call("POST", f"/gatherings/{G}/plans", json={})).json()
    assert (await matching.call("GET", f"/plans/{first['plan_id']}")).json()["state"] == "cancelled"
    assert (await matching.call("DELETE", f"/plans/{second['plan_id']}")).json()["state"] == "cancelled"
    assert (await matching.call("DELETE", f"/plans/{second['plan_id']}")).status_code == 409


async def test_one_meeting_per_pair_and_revisions_merge_both_sides(matching: Matching) -> None:
    a, b = str(derived("r", 1)), str(derived("r", 2))
    first = await matching.meet(
        row(1, 2, talk_seconds=60, notes=[{"author": a, "text": "約束した", "wants_next": True}])
    )
    assert first["rows"][0]["status"] == "created"
    again = await matching.meet(row(2, 1, talk_seconds=200, notes=[{"author": b, "text": "", "wants_next": True}]))
    assert again["rows"][0]["status"] == "updated"
    same = row(1, 2, talk_seconds=10, notes=[{"author": a, "text": "約束した", "wants_next": True}])
    assert (await matching.meet(same))["rows"][0]["status"] == "unchanged"
    events = await outbox_of(matching.database)
    met = [event.payload for event in events if isinstance(event.payload, Met)]
    assert met[-1].talk_seconds == 200
    assert met[-1].mutual_interest
    assert not met[0].mutual_interest, "a one-sided yes stays unseen"
    assert len({each.meeting_id for each in met}) == 1
    assert [e.payload.revision for e in events if isinstance(e.payload, MetNote)] == [1, 1]


async def test_of_several_notes_on_one_talk_in_one_request_the_last_counts(matching: Matching) -> None:
    a, b = str(derived("r", 1)), str(derived("r", 2))
    await matching.meet(
        row(1, 2, notes=[{"author": a, "text": "一つ目"}, {"author": b, "text": "相手"}]),
        row(2, 1, notes=[{"author": a, "text": "二つ目"}]),
    )
    await matching.meet(row(1, 2, notes=[{"author": a, "text": "三つ目"}, {"author": b, "text": "相手"}]))
    notes = [e.payload for e in await outbox_of(matching.database) if isinstance(e.payload, MetNote)]
    assert {(str(each.author), each.revision, each.text) for each in notes} == {
        (a, 1, "二つ目"),
        (b, 1, "相手"),
        (a, 2, "三つ目"),
    }
    assert len(notes) == 3


async def test_a_note_that_is_written_while_its_author_is_erased_goes_too(matching: Matching) -> None:
    a, b = derived("r", 1), derived("r", 2)

    async def erase() -> None:
        async with matching.database.transaction() as tx:
            await handlers.on_registered(tx, [OUT.tombstone(Registered, a)])  # type: ignore[list-item]

    now = clock.now()
    async with matching.database.transaction() as tx:
        report = Report(Sighting(G, a, b, now, "partner"), [Note(a, "約束した", (), None)])
        assert [each.status for each in await record(tx, matching.partner, [report], now)] == ["created"]
        erasure = asyncio.create_task(erase())
        await asyncio.sleep(0.2)  # it would be over by now, if it did not wait
    await erasure
    async with matching.database.connection() as connection:
        assert await connection.fetchval("select count(*) from note") == 0


async def test_rows_that_cannot_be_are_refused_and_good_ones_kept(matching: Matching) -> None:
    rows = [
        row(1, 2),
        row(1, 1),
        row(1, 99),
        row(3, 4, met_at=(clock.now() + timedelta(hours=2)).isoformat()),
        row(3, 4, met_at="2026-11-21T18:00:00"),
        row(3, 4, colour="red"),
        row(3, 4, notes=[{"author": str(derived("r", 5)), "text": "x"}]),
        row(5, 6, source="telepathy"),
    ]
    answer = await matching.meet(*rows)
    assert (answer["accepted"], answer["rejected"]) == (1, 7)
    assert len([e for e in await outbox_of(matching.database) if e.topic == "met"]) == 1


async def test_ten_reports_at_once_are_one_meeting(matching: Matching) -> None:
    await asyncio.gather(*(matching.meet(row(1, 2, talk_seconds=n)) for n in range(10)))
    met = [e.payload for e in await outbox_of(matching.database) if isinstance(e.payload, Met)]
    assert len({each.meeting_id for each in met}) == 1
    assert [each.revision for each in met] == list(range(1, len(met) + 1))


async def test_facts_in_any_order_end_alike(matching: Matching) -> None:
    newest = registered(matching.partner, 1, revision=3, status="cancelled")
    older = registered(matching.partner, 1, revision=2)
    async with matching.database.transaction() as tx:
        await handlers.on_registered(tx, [OUT.event(newest), OUT.event(older)])  # type: ignore[list-item]
        await handlers.on_registered(tx, [OUT.event(older)])  # type: ignore[list-item]
        status = await tx.fetchval(
            "select snapshot->>'status' from registration where registration_id = $1", derived("r", 1)
        )
    assert status == "cancelled"


async def test_an_erased_person_is_gone_and_stays_gone(matching: Matching) -> None:
    await matching.planned()
    gone, stays = derived("r", 3), derived("r", 4)
    await matching.meet(
        row(3, 4, notes=[{"author": str(each), "text": "また", "wants_next": True} for each in (gone, stays)])
    )
    async with matching.database.transaction() as tx:
        await handlers.on_registered(tx, [OUT.tombstone(Registered, gone)])  # type: ignore[list-item]
        await handlers.on_profile(tx, [OUT.event(profile(3, revision=9))])  # type: ignore[list-item]
        await handlers.on_registered(tx, [OUT.event(registered(matching.partner, 3, revision=9))])  # type: ignore[list-item]
        for table in ("registration", "profile", "matched"):
            assert not await tx.fetchval(f"select count(*) from {table} where registration_id = $1", gone)
        assert not await tx.fetchval("select count(*) from matched where introductions::text like $1", f"%{gone}%")
        wishes = await tx.fetchrow("select * from meeting where $1 in (a, b)", gone)
        assert wishes is not None
        assert {wishes["a"]: wishes["a_wants_next"], wishes["b"]: wishes["b_wants_next"]} == {gone: None, stays: True}
    assert (await matching.call("GET", f"/registrations/{gone}/match")).status_code == 404


async def test_a_strangers_things_are_not_there(matching: Matching) -> None:
    plan = (await matching.call("POST", f"/gatherings/{G}/plans", json={})).json()
    _, headers = await api_key(matching.database, *SCOPES)
    stranger = Matching(matching.database, matching.http, derived("stranger"), headers)
    assert (await stranger.call("POST", f"/gatherings/{G}/plans", json={})).status_code == 404
    assert (await stranger.call("GET", f"/plans/{plan['plan_id']}")).status_code == 404
    assert (await stranger.call("DELETE", f"/plans/{plan['plan_id']}")).status_code == 404
    assert (await stranger.call("GET", f"/registrations/{derived('r', 0)}/match")).status_code == 404
    assert (await stranger.meet(row(1, 2)))["rejected"] == 1
