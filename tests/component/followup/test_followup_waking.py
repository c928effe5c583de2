"""Timers and mail sleep until something is due, ask almost nothing meanwhile, and wake for what comes earlier."""

import asyncio
from datetime import timedelta
from unittest.mock import patch

import asyncpg
import pytest

from services.followup import mail
from services.followup.store import mail as store
from services.followup.timers import run
from shared.platform.database import open_database
from tests.background import background, until
from tests.component.followup.facts import PEOPLE, event, followup_of, met, registered
from tests.component.followup.world import WORKER, World, fill

pytestmark = pytest.mark.postgres
A, B, C, D, *_ = PEOPLE
LOOK = "min(lease_until)"
"""Part of the statement by which mail asks whether there is anything to do."""
NOWHERE = mail.Relay.of("smtp://127.0.0.1:9", "followup@example.net")
"""A relay that does not answer."""


async def test_the_loop_sleeps_until_the_next_is_due_and_wakes_for_an_earlier_one(world: World) -> None:
    """The backstop is an hour, so only the due time or a commit can have woken it."""
    await fill(world.database, due=1, ahead=50)
    async with world.database.transaction() as tx:
        await tx.execute("update timer set due_at = now() + interval '1 hour'")
    async with background(run(world.database, 500, 3600)):
        await asyncio.sleep(0.3)
        before = await world.value("select count(*) from due_item")
        async with world.database.transaction() as tx:
            await tx.execute("update timer set due_at = now() + interval '300 milliseconds' where step = 1")
        await until(lambda: world.value("select count(*) >= 51 from due_item"), "all fired")
        assert before == 0
        assert await world.value("select min(fired_at - due_at) from due_item") >= timedelta(0)
    assert world.database.after_commit == []


async def test_an_idle_loop_asks_almost_nothing(world: World) -> None:
    await world.hear([event(met(A, B, world.now), world.now)])
    look = f"select state, query_start {WORKER}"
    before: list[asyncpg.Record] = []
    connection = await asyncpg.connect(world.database.url)
    try:
        async with background(run(world.database, 500, 30)), asyncio.timeout(60):
            while not before or await connection.fetch(look) != before:  # until it has begun
                before = await connection.fetch(look)
                await asyncio.sleep(1)
        assert {row["state"] for row in before} == {"idle"}
    finally:
        await connection.close()


async def test_timers_and_mail_ask_almost_nothing_while_idle(world: World) -> None:
    """Counted in rounds, not seconds: what either sends for each time that it looks, by how often it looks."""
    await world.people_who_met([(0, 1)])
    settings = world.settings
    sent: list[str] = []
    async with open_database(world.database.url, name="idle", connections=1) as database:
        async with database.connection() as connection:
            connection.add_query_logger(lambda record: sent.append(record.query))
        async with background(mail.run(database, world.writer(), NOWHERE, 1, 0.02)):
            await until(lambda: any(LOOK in query for query in sent), "the first look")
            sent.clear()
            await until(lambda: sum(LOOK in query for query in sent) == 5, "five looks")
    looks = settings.mail_seconds * mail.IDLE  # seconds from one to the next
    by_mail = len(sent) / 5 / looks
    by_timers = 1 / settings.fire_backstop_seconds
    assert by_mail + by_timers <= 0.1, sent
    assert database.after_commit == []


async def test_mail_wakes_when_something_fires_and_when_a_message_is_due(world: World) -> None:
    """With an hour between two looks, only the firing or the message's own time can have woken it."""
    await world.people_who_met([(0, 1)])
    firing, mailing = run(world.database, 500, 3600), mail.run(world.database, world.writer(), NOWHERE, 1, 0.1)
    with patch.object(mail, "IDLE", 36_000):
        async with background(mailing), background(firing):
            await asyncio.sleep(0.5)
            assert await world.value("select count(*) from mailbox") == 0
            async with world.database.transaction() as tx:
                await tx.execute("update timer set due_at = now() + interval '1 second' where owner = $1", A)
            await until(lambda: world.value("select count(*) > 0 from mailbox where next_at is not null"), "a plan")
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
            await until(lambda: world.value("select count(*) > 0 from delivery"), "a message")


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
    planned = "select count(*) from mailbox where next_at is not null"
    with patch.object(store, "THOROUGH", 0.5):
        async with background(mail.run(world.database, world.writer(), NOWHERE, 1, 0.1)):
            await until(lambda: world.value(f"select ({planned}) = 1"), "one plan")
            await world.rows("update preference set stopped_at = null returning 1")
            await until(lambda: world.value(f"select ({planned}) = 2"), "the other")


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
