"""Timers are locked before their follow-ups, by everybody: otherwise two may each wait for the other."""

import asyncio

import pytest

from services.followup import operations
from tests.component.followup.facts import GATHERING, PARTNER, PEOPLE, followup_of
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres
A, B, *_ = PEOPLE
ABOUT = followup_of(A, B)


@pytest.mark.parametrize("way", ["expire", "cadence"])
async def test_who_waits_for_a_timer_holds_no_follow_up(world: World, way: str) -> None:
    await world.people_who_met([(0, 1)])
    async with world.database.transaction() as tx:
        await tx.execute("update followup set expires_at = now() where id = $1", ABOUT)

    async def change() -> None:
        async with world.database.transaction() as tx:
            if way == "expire":
                assert await operations.expire(tx, world.rules, world.now, 10) == 1
            else:
                await operations.set_cadence(tx, world.rules, world.now, GATHERING, PARTNER, 2)

    async with world.database.transaction() as tx:
        await tx.fetch("select from timer where followup_id = $1 for update", ABOUT)
        changing = asyncio.create_task(change())
        async with asyncio.timeout(20):
            while not await world.value("select count(*) from pg_stat_activity where wait_event_type = 'Lock'"):
                await asyncio.sleep(0.01)
        await tx.fetch("select from followup where id = $1 for update nowait", ABOUT)
    await changing
