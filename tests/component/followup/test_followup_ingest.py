"""Many meetings at once: follow-ups are saved in parts, and all of them or none are there."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.followup import handlers, operations
from services.followup.domain import identity
from services.followup.domain.cadence import ImplausibleMeeting
from shared.contracts.envelope import Event
from shared.contracts.met import Met
from tests.component.followup.facts import PEOPLE, event, followup_of, met
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres
MEETINGS = 2 * operations.AT_ONCE + 10  # two follow-ups each: five parts, the last one small


def meetings(world: World) -> list[Event[Met]]:
    """Each with two people of its own; the even ones in one round, the odd ones at moments of their own."""
    at = world.now - timedelta(hours=1)
    return [
        event(
            met(UUID(int=0x1000 + 2 * n), UUID(int=0x1001 + 2 * n), at + n % 2 * timedelta(milliseconds=n)), world.now
        )
        for n in range(MEETINGS)
    ]


async def take(world: World, events: list[Event[Met]]) -> None:
    async with world.database.transaction() as tx:
        await handlers.build(world.rules)[Met](tx, events)


async def test_every_meeting_of_a_large_batch_has_both_its_sides(world: World) -> None:
    events = meetings(world)
    await take(world, events)
    rows = await world.rows(
        "select f.id, f.owner, f.other, f.met_at, f.deadline_at, f.due[1] = t.due_at and f.steps[1] = t.step as timed"
        " from followup as f join timer as t on t.followup_id = f.id and t.plan_revision = f.plan_revision"
    )
    assert len(rows) == 2 * MEETINGS
    assert all(row["timed"] for row in rows)
    known = {row["id"]: (row["owner"], row["other"], row["met_at"], row["deadline_at"]) for row in rows}
    for each in (said.payload for said in events):
        assert each is not None
        for owner, other in ((each.a, each.b), (each.b, each.a)):
            id_ = identity.followup_id(each.gathering_id, owner, other)
            assert known[id_] == (owner, other, each.met_at, each.met_at + timedelta(hours=24))


async def test_taking_the_same_meetings_again_changes_nothing(world: World) -> None:
    events = meetings(world)
    look = "select md5(string_agg(f::text || t::text, '' order by id)) from followup as f join timer as t on followup_id = id"
    await take(world, events)
    before = await world.value(look)
    await take(world, events[::-1])
    assert before == await world.value(look)


async def test_one_meeting_that_cannot_be_leaves_none_of_its_batch(world: World) -> None:
    """It fails while PostgreSQL still writes the part before it, whose end must be waited for."""
    at = world.now - timedelta(hours=1)
    impossible = event(met(PEOPLE[0], PEOPLE[1], world.now + timedelta(hours=1)), at)
    events = meetings(world)
    with pytest.raises(ImplausibleMeeting):
        await take(world, [*events[: operations.AT_ONCE], impossible, *events[operations.AT_ONCE :]])
    assert await world.value("select count(*) from followup") == 0
    await take(world, events)
    assert await world.value("select count(*) from followup") == 2 * MEETINGS
    assert await world.value("select count(*) from followup where id = $1", followup_of(PEOPLE[0], PEOPLE[1])) == 0
