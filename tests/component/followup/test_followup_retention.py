"""What is kept long enough goes; what decides, what rates count and what people hold in their tables stays."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import AsyncMock, Mock
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.local.postgres import Server
from services.followup import operations
from services.followup.app import SERVICE, build_tasks, read_rules
from services.followup.domain import rates
from services.followup.domain.policy import Policy
from services.followup.domain.states import State
from services.followup.store import followups, reading
from services.followup.store import retention as store
from shared.contracts.contact import Contact
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.platform import retention
from tests.component.followup.ahead import facts as before_the_gathering
from tests.component.followup.facts import GATHERING, PEOPLE, contact, event, followup_of, profile, tombstone
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres
A, B, C, *_ = PEOPLE
KEEP = timedelta(days=30)
TABLES = ("due_item", "delivery", "report")


async def count(world: World) -> dict[str, int]:
    return {table: await world.value(f"select count(*) from {table}") for table in TABLES}


async def fired(world: World) -> None:
    """Everybody met somebody, thanked or not, and had two steps of which a message told."""
    await world.people_who_met([(0, 1), (0, 2)])
    for _ in range(2):
        await world.due_now()
        await world.fire()
    async with world.database.transaction() as tx:
        await tx.execute(
            "insert into delivery (person_id, dedupe, next_at, state, ended_at, message_id) select id, id::text, now(),"
            " 'sent', now(), id::text from (select distinct owner from due_item) as person (id)"
        )
        await tx.execute("update due_item set delivery_id = d.id from delivery as d where d.person_id = due_item.owner")
    await world.report(followup_of(A, B), State.THANKED)
    await world.report(followup_of(B, A), State.REPLIED)
    async with world.database.transaction() as tx:
        await operations.undo(tx, world.rules, datetime.now(UTC), followup_of(B, A), "owner")


async def a_month_later(world: World) -> None:
    async with world.database.transaction() as tx:
        await tx.execute(
            "update due_item set fired_at = fired_at - interval '31 days', until_at = until_at - interval '31 days'"
        )
        await tx.execute("update delivery set ended_at = ended_at - interval '31 days'")
        await tx.execute("update report set undone_at = undone_at - interval '31 days'")


async def told(world: World) -> tuple[Any, Any]:
    """What rates and people's own tables are made of."""
    now = datetime.now(UTC)
    async with world.database.connection() as connection:
        windows = await reading.windows(connection, GATHERING)
        sheets = [sheet for person in (A, B, C) for sheet in await reading.sheets(connection, person)]
    found = rates.within_deadline(windows, now), rates.median_hours(windows, now), rates.funnel(windows, now)
    return (sorted(windows, key=lambda each: (each.owner, each.other)), found), sheets


async def test_what_was_told_a_month_ago_goes_and_what_it_led_to_stays(world: World) -> None:
    await fired(world)
    before, rows = await told(world), await count(world)
    assert (rows["due_item"], rows["delivery"], rows["report"]) == (8, 3, 2)
    assert await retention.forget(world.database, store.RULES, KEEP) == 0
    await a_month_later(world)
    assert await retention.forget(world.database, store.RULES, KEEP) == 8 + 3 + 1
    assert await count(world) == {**dict.fromkeys(TABLES, 0), "report": 1}
    assert await told(world) == before


async def test_no_step_comes_twice_because_its_due_item_is_forgotten(world: World) -> None:
    await fired(world)
    await a_month_later(world)
    await retention.forget(
        world.database, store.RULES, KEEP, at_once=1
    )  # one by one: what was noted before is added to
    assert await world.value("select fired from followup where id = $1", followup_of(A, C)) in ([1, 2], [2, 1])
    await world.hear([event(contact(A, 2, time_zone="Europe/London"), world.now)])  # which plans anew
    planned = await world.value("select steps from followup where id = $1", followup_of(A, C))
    assert planned
    assert not {1, 2} & set(planned)
    async with world.database.transaction() as tx:
        found = await followups.load(tx, [followup_of(A, C)])
    assert found[followup_of(A, C)].fired == {1, 2}


async def test_what_is_of_use_or_under_way_is_kept_however_old(world: World) -> None:
    await fired(world)
    await a_month_later(world)
    async with world.database.transaction() as tx:
        await tx.execute("update due_item set until_at = now() + interval '1 day'")
        await tx.execute("update delivery set state = 'queued', created_at = ended_at")
    await retention.forget(world.database, store.RULES, KEEP)
    found = await count(world)
    assert (found["due_item"], found["delivery"]) == (8, 3)


async def test_reminders_that_are_over_go_and_own_tasks_stay(world: World) -> None:
    await world.hear(before_the_gathering(world, hours=30))
    async with world.database.transaction() as tx:
        await tx.execute(
            "update reminder set due_at = now() - interval '40 days', until_at = now() - interval '31 days'"
        )
    kept = await world.rows("select id from reminder where kind = 'own_task' order by id")
    assert 0 < len(kept) < await world.value("select count(*) from reminder")
    await retention.forget(world.database, store.RULES, KEEP)
    assert await world.rows("select id from reminder order by id") == kept


async def test_one_transaction_takes_so_many_and_leaves_what_somebody_holds(world: World) -> None:
    await fired(world)
    await a_month_later(world)
    async with world.database.transaction() as other:
        assert await store.forget_due_items(other, KEEP, 3) == 3
    async with world.database.transaction() as tx:
        held = await tx.fetchval(
            "select id from followup where id in (select followup_id from due_item) limit 1 for update"
        )
        left = await world.rows("select followup_id, step from due_item where followup_id = $1", held)
        async with world.database.transaction() as other:
            assert await store.forget_due_items(other, KEEP, 100) == 5 - len(left)
    assert await world.rows("select followup_id, step from due_item") == left


async def test_a_follow_up_that_is_being_planned_anew_knows_what_fired_all_the_while(world: World) -> None:
    await fired(world)
    await a_month_later(world)
    async with world.database.transaction() as tx:
        await followups.load(tx, [followup_of(A, C)])
        await retention.forget(world.database, store.RULES, KEEP)
        again = await followups.load(tx, [followup_of(A, C)])
        assert again[followup_of(A, C)].fired == {1, 2}
    await retention.forget(world.database, store.RULES, KEEP)
    assert (await count(world))["due_item"] == 0
    async with world.database.transaction() as tx:
        assert (await followups.load(tx, [followup_of(A, C)]))[followup_of(A, C)].fired == {1, 2}


async def test_forgetting_and_planning_anew_do_not_wait_for_each_other(world: World) -> None:
    """Otherwise a stop on somebody's page, or an erasure, may be what is given up."""
    await fired(world)
    await a_month_later(world)
    known = await world.rows("select id, plan_revision from followup order by id")
    ids = [row["id"] for row in known]
    async with world.database.transaction() as tx:
        await followups.load(tx, ids[:1])
        await retention.forget(world.database, store.RULES, KEEP)
        await tx.fetch("select from due_item where followup_id = $1 for update nowait", ids[0])
        await followups.load(tx, ids)
        await tx.execute("update followup set plan_revision = plan_revision + 1")
    await retention.forget(world.database, store.RULES, KEEP)
    assert (await count(world))["due_item"] == 0
    kept = await world.rows(
        "select id, array(select unnest(fired) order by 1) as fired, plan_revision from followup order by id"
    )
    assert kept == [{**row, "fired": [1, 2], "plan_revision": row["plan_revision"] + 1} for row in known]


@pytest.mark.parametrize("old", [0, 3_000])
async def test_what_is_old_is_found_by_index(world: World, postgres: Server, old: int) -> None:
    async with world.database.transaction() as tx:
        await tx.execute(
            "insert into delivery (person_id, dedupe, next_at, state, ended_at) select gen_random_uuid(), n::text, now(),"
            " 'sent', now() - case when n <= $1 then interval '31 days' else '1 day' end from generate_series(1, 200000) as n",
            old,
        )
        await tx.execute(
            "insert into due_item (followup_id, step, owner, kind, due_at, until_at, fired_at, skipped,"
            " delivery_id) select gen_random_uuid(), 1, gen_random_uuid(), 'thanks_due', at, at, at, n % 7 = 0,"
            " case when n % 2 = 0 then n end from generate_series(1, 200000) as n, lateral (select now()"
            " - case when n <= $1 then interval '31 days' else '1 day' end as at) as moment",
            old,
        )
    place = urlsplit(postgres.admin_url)._replace(path=urlsplit(world.database.url).path).geturl()
    admin = await asyncpg.connect(place)  # statistics are the owner's to take
    await admin.execute("analyze delivery; analyze due_item")
    await admin.close()
    for rule, index in ((store.forget_due_items, "due_item_told"), (store.forget_deliveries, "delivery_over")):
        asked = AsyncMock(return_value="DELETE 0")
        await rule(cast(Any, Mock(execute=asked)), KEEP, 5000)
        rows = await world.rows(f"explain (costs off) {asked.call_args.args[0]}", KEEP, 5000)
        nodes = [row["QUERY PLAN"].strip(" ->") for row in rows]
        assert any(f"Index Scan on {index}" in node or f"Index Scan using {index}" in node for node in nodes), nodes
        assert not {"Seq Scan on due_item", "Seq Scan on delivery"} & {*nodes}, (
            nodes
        )  # thousands may be deleted by hash


async def test_erasure_takes_what_retention_left(world: World) -> None:
    await fired(world)
    await a_month_later(world)
    await retention.forget(world.database, store.RULES, KEEP)
    await world.hear([event(profile(B), world.now)])
    await world.hear([tombstone(each, A, world.now) for each in (Registered, Profile, Contact)])
    assert await count(world) == dict.fromkeys(TABLES, 0)
    assert await world.value("select count(*) from followup") == 0


async def test_the_service_forgets_by_itself(world: World) -> None:
    await fired(world)
    await a_month_later(world)
    part = asyncio.ensure_future(build_tasks(world.settings, world.database)["retention"]())
    try:
        async with asyncio.timeout(60):
            while (await count(world))["delivery"]:
                await asyncio.sleep(0.02)
    finally:
        part.cancel()


async def test_what_an_operator_chose_is_read_once_for_all_doors(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    validate = Policy.model_validate_json

    def counted(data: bytes) -> Policy:
        read.append(data)
        return validate(data)

    read_rules.cache_clear()
    monkeypatch.setattr(Policy, "model_validate_json", counted)
    SERVICE.http(world.settings, world.database)
    SERVICE.handlers(world.settings)
    SERVICE.tasks(world.settings, world.database)
    assert len(read) == len(set(read)) == 2
    read_rules.cache_clear()
