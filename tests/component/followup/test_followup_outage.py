"""After three days without a process, and while somebody stops: nothing comes too late, too often, or after the end."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import UUID

import pytest

from services.followup import digests, operations
from services.followup.timers import run
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from tests.background import background, until
from tests.component.followup.facts import PEOPLE
from tests.component.followup.world import World
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres
OUTAGE = timedelta(days=3)
EVERYBODY = list(combinations(range(len(PEOPLE)), 2))


async def catch_up(world: World) -> None:
    """Let the loop run until nothing is due."""
    async with background(run(world.database, 7, 30)):
        await until(lambda: world.value("select not exists (select from timer where due_at <= now())"), "all fired")


async def test_after_a_three_day_outage_late_thanks_are_skipped_and_the_rest_is_one_message_each(world: World) -> None:
    await world.people_who_met(EVERYBODY, world.now - OUTAGE)
    count = 2 * len(EVERYBODY)
    assert await world.value("select count(*) from timer where due_at < now() - interval '1 day'") == count
    await catch_up(world)
    items = await world.rows("select followup_id, step, kind, skipped, until_at < fired_at as useless from due_item")
    assert len(items) == await world.value("select count(distinct (followup_id, step)) from due_item")
    assert all(item["skipped"] == item["useless"] for item in items)
    kinds = {(item["kind"], item["skipped"]) for item in items}
    assert {("thank_draft", True), ("thank_last_call", True), ("missed_24h", False)} <= kinds
    assert not {("thank_draft", False), ("thank_last_call", False)} & kinds
    said = [each.payload for each in await outbox_of(world.database)]
    told = [(each.followup_id, each.step) for each in said if isinstance(each, FollowupDue)]
    assert sorted(told) == sorted((item["followup_id"], item["step"]) for item in items if not item["skipped"])
    assert await world.value("select count(*) from timer where due_at > now()") == count
    writer = world.writer()
    for _ in range(3):
        await digests.plan(world.database, writer, datetime.now(UTC))
        async with world.database.transaction() as tx:
            await tx.execute("update mailbox set next_at = now() where next_at is not null")
    sent = await world.rows("select person_id, count(*) as count from delivery group by person_id")
    assert len(sent) <= len(PEOPLE)
    assert all(row["count"] == 1 for row in sent)


async def test_stopping_against_firing(world: World) -> None:
    """Whoever comes first, nothing is fired for somebody after they stopped."""
    for _ in range(10):
        async with world.database.transaction() as tx:
            for table in ("followup", "timer", "due_item", "preference", "outbox"):
                await tx.execute(f"delete from {table}")
        await world.people_who_met(EVERYBODY)
        await world.due_now()

        async def stop(person: UUID) -> None:
            async with world.database.transaction() as tx:
                await operations.stop(tx, world.rules, datetime.now(UTC), person, since=datetime.now(UTC))

        await asyncio.gather(*(stop(person) for person in PEOPLE[:3]), *(world.fire(4) for _ in range(4)))
        stopped: set[UUID] = set()
        for each in await outbox_of(world.database):
            if isinstance(each.payload, FollowupDone) and each.payload.state == "opted_out":
                stopped.add(each.payload.owner)
            elif isinstance(each.payload, FollowupDue):
                assert each.payload.owner not in stopped
        assert stopped == set(PEOPLE[:3])
        assert await world.value("select count(*) from timer where owner = any($1::uuid[])", PEOPLE[:3]) == 0
