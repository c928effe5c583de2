"""Timers: firing exactly once, races, lateness, expiry, sleep and wake-up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from uuid import UUID

import asyncpg
import pytest

from services.followup import mail, operations
from services.followup.domain import identity
from services.followup.domain.states import State
from services.followup.store import followups, timers
from services.followup.store import mail as store
from services.followup.timers import drain, run
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from shared.platform.database import open_database
from tests.component.followup.facts import GATHERING, PEOPLE, event, followup_of, met, registered
from tests.component.followup.world import World, fill
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres
A, B, C, D, *_ = PEOPLE
LOOK = "min(lease_until)"
"""Part of the statement by which mail asks whether there is anything to do."""
WORKER = "from pg_stat_activity where application_name = 'followup timers' and datname = current_database()"
"""The connections that fire timers."""


async def test_firing_advances_the_timer_and_says_what_is_due(world: World) -> None:
    await world.people_who_met([(0, 1)])
    first = followup_of(A, B)
    await world.due_now([first])
    assert await world.fire() == 1
    (item,) = await world.rows("select followup_id, skipped from due_item")
    assert item == {"followup_id": first, "skipped": False}
    (said,) = await outbox_of(world.database)
    due = said.payload
    assert isinstance(due, FollowupDue)
    (row,) = await world.rows("select * from followup where id = $1", first)
    assert (due.followup_id, due.owner, due.other, due.gathering_id) == (first, A, B, GATHERING)
    assert (due.step, due.kind, due.policy) == (row["steps"][0], row["kinds"][0], 1)
    assert due.deadline_at == row["deadline_at"]
    assert said.id == identity.due_event_id(first, due.step, due.policy)
    (timer,) = await world.rows("select step, due_at from timer where followup_id = $1", first)
    assert (timer["step"], timer["due_at"]) == (row["steps"][1], row["due"][1])
    assert await world.fire() == 0


async def test_the_last_step_deletes_the_timer(world: World) -> None:
    await world.people_who_met([(0, 1)])
    first = followup_of(A, B)
    steps = await world.value("select steps from followup where id = $1", first)
    for _ in steps:
        await world.due_now([first])
        assert await world.fire() == 1
    assert await world.value("select count(*) from timer where followup_id = $1", first) == 0
    said = [each.payload for each in await outbox_of(world.database)]
    assert [each.step for each in said if isinstance(each, FollowupDue)] == steps


async def test_what_comes_too_late_is_recorded_and_not_sent(world: World) -> None:
    """A three-day outage: the steps of the first day are past their use, the next step is not."""
    await world.people_who_met([(0, 1)])
    first = followup_of(A, B)
    async with world.database.transaction() as tx:
        await tx.execute(
            "update followup set until[1] = now() - interval '1 day', until[2] = now() - interval '1 day' where id = $1",
            first,
        )
    for _ in range(3):
        await world.due_now([first])
        await world.fire()
    items = await world.rows("select kind, skipped from due_item where followup_id = $1 order by step", first)
    assert [row["skipped"] for row in items] == [True, True, False]
    assert len(await outbox_of(world.database)) == 1


async def test_two_workers_fire_everything_exactly_once(world: World) -> None:
    await fill(world.database, due=3_000, ahead=100)

    async def work() -> int:
        connection = await timers.connect(world.database.url)
        try:
            return await drain([connection], world.database, 50)
        finally:
            await connection.close()

    counts = await asyncio.gather(work(), work(), work())
    assert sum(counts) == 3_000
    assert sum(1 for count in counts if count) > 1
    said = [each.id for each in await outbox_of(world.database)]
    assert len(said) == len(set(said)) == 3_000
    assert await world.value("select count(*) from timer where due_at <= now()") == 0


async def test_a_killed_worker_loses_and_doubles_nothing(world: World) -> None:
    """Workers are cut off at any moment by terminating their backends; the next one finds what they left."""
    await fill(world.database, due=2_000, ahead=0)

    async def work() -> None:
        connection = await timers.connect(world.database.url)
        try:
            await drain([connection], world.database, 20)
        finally:
            connection.terminate()

    kills = 0
    for delay in (0.002, 0.005, 0.01, 0.02, 0.03, 0.05):
        task = asyncio.create_task(work())
        while not task.done() and not await world.value(f"select exists (select {WORKER})"):
            await asyncio.sleep(0)
        await asyncio.sleep(delay)
        kills += await world.value(f"select count(pg_terminate_backend(pid)) {WORKER}")
        await asyncio.gather(task, return_exceptions=True)
    await work()
    assert kills > 0
    said = [each.id for each in await outbox_of(world.database)]
    assert len(said) == len(set(said)) == 2_000


async def test_outcome_against_fire(world: World) -> None:
    """Whoever comes first, a thank-you step is never fired after the thanks were recorded."""
    for _ in range(15):
        async with world.database.transaction() as tx:
            for table in ("followup", "timer", "due_item", "report", "outbox"):
                await tx.execute(f"delete from {table}")
        await world.people_who_met([(0, 1), (0, 2), (1, 2)])
        ids = [row["id"] for row in await world.rows("select id from followup")]
        await world.due_now()
        await asyncio.gather(*(world.report(each, State.THANKED) for each in ids), world.fire(), world.fire())
        events = [each.payload for each in await outbox_of(world.database)]
        thanked: set[UUID] = set()
        for payload in events:
            if isinstance(payload, FollowupDone):
                thanked.add(payload.followup_id)
            elif isinstance(payload, FollowupDue):
                assert payload.followup_id not in thanked
        assert thanked == set(ids)
        wrong = (
            "select count(*) from timer as t join followup as f on f.id = t.followup_id where not t.step = any(f.steps)"
        )
        assert await world.value(wrong) == 0
        assert await world.value("select count(*) from timer") == len(ids)


async def test_a_plan_that_changed_meanwhile_is_left_for_the_next_round(world: World) -> None:
    """The claim waits for nobody, and takes no step of a plan that is not the follow-up's any more."""
    await world.people_who_met([(0, 1)])
    first = followup_of(A, B)
    await world.due_now([first])
    async with world.database.transaction() as tx:
        await followups.load(tx, [first])
        assert await world.fire() == 0
    async with world.database.transaction() as tx:
        await tx.execute("update timer set plan_revision = plan_revision + 1 where followup_id = $1", first)
    assert await world.fire() == 0
    assert await world.value("select count(*) from due_item") == 0


async def test_silence_expires_once_and_a_report_reopens(world: World) -> None:
    await world.people_who_met([(0, 1)])
    first = followup_of(A, B)
    async with world.database.transaction() as tx:
        await tx.execute("update followup set expires_at = now() - interval '1 minute' where id = $1", first)
        assert await operations.expire(tx, world.rules, datetime.now(UTC), 10) == 1
        assert await operations.expire(tx, world.rules, datetime.now(UTC), 10) == 0
    (row,) = await world.rows("select state, closed, expires_at from followup where id = $1", first)
    assert row == {"state": "expired", "closed": True, "expires_at": None}
    assert await world.value("select count(*) from timer where followup_id = $1", first) == 0
    await world.report(first, State.OUTCOME, "introduction")
    assert await world.value("select state from followup where id = $1", first) == "outcome"


async def test_the_loop_sleeps_until_the_next_is_due_and_wakes_for_an_earlier_one(world: World) -> None:
    """The backstop is an hour, so only the due time or a commit can have woken it."""
    await fill(world.database, due=1, ahead=50)
    async with world.database.transaction() as tx:
        await tx.execute("update timer set due_at = now() + interval '1 hour'")
    task = asyncio.create_task(run(world.database, 500, 3600))
    try:
        await asyncio.sleep(0.3)
        before = await world.value("select count(*) from due_item")
        async with world.database.transaction() as tx:
            await tx.execute("update timer set due_at = now() + interval '300 milliseconds' where step = 1")
        started = time.monotonic()
        while await world.value("select count(*) from due_item") < 51:
            assert time.monotonic() - started < 60
            assert not task.done()
            await asyncio.sleep(0.02)
        assert before == 0
        late = await world.value("select min(fired_at - due_at) from due_item")
        assert late >= timedelta(0)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert world.database.after_commit == []


async def test_an_idle_loop_asks_almost_nothing(world: World) -> None:
    await world.hear([event(met(A, B, world.now), world.now)])
    task = asyncio.create_task(run(world.database, 500, 30))
    connection = await asyncpg.connect(world.database.url)
    try:
        look = f"select state, query_start {WORKER}"
        before: list[asyncpg.Record] = []
        async with asyncio.timeout(60):
            while not before or await connection.fetch(look) != before:  # until it has begun
                before = await connection.fetch(look)
                await asyncio.sleep(1)
        assert {row["state"] for row in before} == {"idle"}
    finally:
        await connection.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_step_that_is_recorded_already_stops_nobody_else(world: World) -> None:
    """It cannot be by the service itself; but a timer that was put back by hand must not hold up all that are due."""
    await world.people_who_met([(0, 1), (0, 2)])
    first = followup_of(A, B)
    await world.due_now()
    assert await world.fire() == 4
    async with world.database.transaction() as tx:
        await tx.execute("update timer set step = 1, due_at = now() - interval '1 second'")
        await tx.execute("delete from due_item where followup_id <> $1", first)
    assert await world.fire() == 4
    assert await world.value("select count(*) from due_item") == 4
    assert await world.value("select count(*) from timer where step = 1") == 0
    again = [each.id for each in await outbox_of(world.database)]
    assert len(again) == 8
    assert len(set(again)) == 4


async def test_timers_and_mail_ask_almost_nothing_while_idle(world: World) -> None:
    """Counted in rounds, not seconds: what either sends for each time that it looks, by how often it looks."""
    await world.people_who_met([(0, 1)])
    settings = world.settings
    writer = world.writer()
    relay = mail.Relay.of("smtp://127.0.0.1:9", settings.mail_from)
    sent: list[str] = []
    async with open_database(world.database.url, name="idle", connections=1) as database:
        async with database.connection() as connection:
            connection.add_query_logger(lambda record: sent.append(record.query))
        task = asyncio.create_task(mail.run(database, writer, relay, 1, 0.02))
        try:
            await until(lambda: any(LOOK in query for query in sent))
            sent.clear()
            await until(lambda: sum(LOOK in query for query in sent) == 5)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    looks = settings.mail_seconds * mail.IDLE  # seconds from one to the next
    by_mail = len(sent) / 5 / looks
    by_timers = 1 / settings.fire_backstop_seconds
    assert by_mail + by_timers <= 0.1, sent
    assert database.after_commit == []


async def test_mail_wakes_when_something_fires_and_when_a_message_is_due(world: World) -> None:
    """With an hour between two looks, only the firing or the message's own time can have woken it."""
    await world.people_who_met([(0, 1)])
    settings = world.settings
    writer = world.writer()
    relay = mail.Relay.of("smtp://127.0.0.1:9", settings.mail_from)
    with patch.object(mail, "IDLE", 36_000):
        tasks = [
            asyncio.create_task(mail.run(world.database, writer, relay, 1, 0.1)),
            asyncio.create_task(run(world.database, 500, 3600)),
        ]
        try:
            await asyncio.sleep(0.5)
            assert await world.value("select count(*) from mailbox") == 0
            async with world.database.transaction() as tx:
                await tx.execute("update timer set due_at = now() + interval '1 second' where owner = $1", A)
            await until(lambda: world.value("select count(*) > 0 from mailbox where next_at is not null"))
            connection = await asyncpg.connect(world.database.url)
            try:
                # As if the evening had come, by a commit of another process, which wakes nobody here.
                await connection.execute(
                    "insert into preference (person_id, quiet_from, quiet_until)"
                    " select distinct person_id, time '00:00', time '00:00' from registration"
                )
                await connection.execute("update mailbox set next_at = now() + interval '1 second'")
            finally:
                await connection.close()
            async with world.database.transaction():
                pass  # and one of this process, after which mail asks when it is to wake
            await until(lambda: world.value("select count(*) > 0 from delivery"))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_fired_long_ago_is_planned_too_at_the_first_look_and_at_times(world: World) -> None:
    """As when somebody wants reminders again: what is open fired before what mail looks at every time."""
    await world.people_who_met([(0, 1), (2, 3)])
    await world.due_now([followup_of(A, B), followup_of(C, D)])
    await world.fire()
    persons = {registered(each, world.now).person_id for each in (A, C)}
    longer_ago = "update due_item set fired_at = now() - interval '1 hour'"
    async with world.database.transaction() as tx:
        assert set(await store.unplanned(tx, 10, lately=True)) == persons
        await tx.execute(f"{longer_ago} where owner = $1", A)
        assert await store.unplanned(tx, 10, lately=True) == [registered(C, world.now).person_id]
        assert set(await store.unplanned(tx, 10)) == persons
        await tx.execute(longer_ago)
        stopped = "insert into preference (person_id, stopped_at) values ($1, now())"
        await tx.execute(stopped, registered(C, world.now).person_id)
    settings = world.settings
    writer = world.writer()
    relay = mail.Relay.of("smtp://127.0.0.1:9", settings.mail_from)
    planned = "select count(*) from mailbox where next_at is not null"
    with patch.object(store, "THOROUGH", 0.5):
        task = asyncio.create_task(mail.run(world.database, writer, relay, 1, 0.1))
        try:
            await until(lambda: world.value(f"select ({planned}) = 1"))
            await world.rows("update preference set stopped_at = null returning 1")
            await until(lambda: world.value(f"select ({planned}) = 2"))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_what_mail_looks_at_every_time_is_found_by_when_it_fired(world: World) -> None:
    await fill(world.database, due=5000, ahead=0)
    while await world.fire(5000):
        pass
    async with world.database.transaction() as tx:
        await tx.execute("update due_item set fired_at = now() - random() * interval '5 days'")
        await tx.execute("analyze due_item, followup")
        for query in (f"select exists (select from {store._LATELY})", f"select c.person_id from {store._LATELY}"):
            plan = "\n".join(row[0] for row in await tx.fetch(f"explain (costs off) {query}"))
            assert "due_item_open" in plan, plan
            assert "Seq Scan on due_item" not in plan, plan


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for something that must come about."""
    async with asyncio.timeout(60):
        while not (found if isinstance(found := true(), bool) else await found):
            await asyncio.sleep(0.02)
