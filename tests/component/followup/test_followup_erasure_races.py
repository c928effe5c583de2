"""What is being written about somebody while they are erased does not stay."""

import asyncio

import pytest

from services.followup import operations
from services.followup.domain.states import State
from services.followup.operations import Statement
from services.followup.store.followups import Known
from shared.contracts.registered import Registered
from shared.platform.database import Connection
from tests.component.followup.facts import PEOPLE, followup_of, tombstone
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres
A, B, *_ = PEOPLE
ABOUT = followup_of(A, B)


async def say(world: World, tx: Connection) -> None:
    (verdict,) = await operations.report(
        tx, world.rules, world.now, [Statement(ABOUT, State.REPLIED, amount="10")], "owner"
    )
    assert isinstance(verdict, Known)


async def take_back(world: World, tx: Connection) -> None:
    known = await operations.undo(tx, world.rules, world.now, ABOUT, "owner")
    assert known.course.steps, "a timer runs again"


@pytest.mark.parametrize("write", [say, take_back])
async def test_what_is_said_meanwhile_about_a_follow_up_without_a_timer(world: World, write: object) -> None:
    await world.people_who_met([(0, 1)])
    await world.report(ABOUT, State.NO_INTEREST)
    assert await world.value("select count(*) from timer where followup_id = $1", ABOUT) == 0
    async with world.database.transaction() as tx:
        await write(world, tx)  # type: ignore[operator]
        erasing = asyncio.create_task(world.hear([tombstone(Registered, A, world.now)]))
        async with asyncio.timeout(20):
            while not await world.value("select count(*) from pg_stat_activity where wait_event_type = 'Lock'"):
                await asyncio.sleep(0.01)
    await erasing
    for table in ("followup", "timer", "report"):
        assert await world.value(f"select count(*) from {table}") == 0, table
