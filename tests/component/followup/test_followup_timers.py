"""Timers: firing exactly once, races, lateness, expiry."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.followup import operations
from services.followup.domain import identity
from services.followup.domain.states import State
from services.followup.store import followups, timers
from services.followup.timers import drain
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from tests.component.followup.facts import GATHERING, PEOPLE, followup_of
from tests.component.followup.world import WORKER, World, fill
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres
A, B, *_ = PEOPLE


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
