"""What is published of a plan when people go while it is made."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.matching import handlers
from services.matching.domain.plan import make_plan
from services.matching.publishing import publish
from services.matching.store import facts, matched, plans
from services.matching.tasks import task_of
from shared.contracts.profile import Profile
from shared.platform.ids import uuid7
from tests.component.matching.group import OUT, registered_event, rid
from tests.component.matching.night import LISTS, SEATS, G, Night, attributes, open_night
from tests.conftest import OpenDatabase

pytestmark = pytest.mark.postgres


@pytest.fixture
async def night(open_database_for: OpenDatabase) -> AsyncIterator[Night]:
    async with open_night(open_database_for) as night:
        yield night


async def test_an_audit_leaves_the_weights_that_a_plan_was_made_with(night: Night) -> None:
    async with night.database.connection() as connection:
        asked = await plans.insert_plan(connection, uuid7(), G, night.partner, 1)
        plan = await plans.next_plan(connection)
        gathering = await facts.known_gathering(connection, G)
        assert plan
        assert gathering
        await plans.note_learned(connection, asked.plan_id, 7)
        await plans.finish_plan(connection, asked.plan_id, {})
        await task_of(connection, replace(plan, current_round=0), gathering, 0)  # as an audit reads it
        kept = await plans.plan(connection, night.partner, asked.plan_id)
        await plans.unlock(connection, G)
    assert kept
    assert kept.settings == {"learned_version": 7}


async def test_an_audit_after_the_evening_counts_everybody_who_sat(night: Night) -> None:
    await night.publish(SEATS, LISTS)
    async with night.database.transaction() as tx:
        plan = replace(await plans.insert_plan(tx, uuid7(), G, night.partner, 1), state="done", current_round=0)
        gathering = await facts.known_gathering(tx, G)
        assert gathering
        before = await task_of(tx, plan, gathering, 0)
        await handlers.on_registered(
            tx, [registered_event(night.partner, n, revision=2, attendance="left", **attributes(n)) for n in range(5)]
        )
        assert await task_of(tx, plan, gathering, 0) == before
        making = await task_of(tx, replace(plan, state="running"), gathering, 0)
    assert len(before.people) == 20
    assert len(making.people) == 15


async def test_who_goes_while_a_plan_is_made_is_neither_named_nor_quoted_by_it(night: Night) -> None:
    async with night.database.connection() as connection:
        await plans.insert_plan(connection, uuid7(), G, night.partner, 1)
        plan = await plans.next_plan(connection)
        gathering = await facts.known_gathering(connection, G)
        assert plan
        assert gathering
        task = await task_of(connection, plan, gathering, 1_000)
        await plans.unlock(connection, G)
    result = make_plan(task)
    for gone in (rid(0), rid(1)):
        assert any(each.counterpart == gone for found in result.introductions.values() for each in found)
    await night.erase(0)
    async with night.database.transaction() as tx:
        await handlers.on_profile(tx, [OUT.tombstone(Profile, rid(1))])  # type: ignore[list-item]
    async with night.database.transaction() as tx:
        assert await publish(tx, plan, gathering, task, result, night.now) == 19
    told = await night.newest()
    assert rid(0) not in told
    assert rid(0) not in {each.counterpart for matched in told.values() for each in matched.introductions}
    assert await night.mentions(rid(0)) == set()
    async with night.database.connection() as connection:
        rows = await matched.published(connection, G)
    about = [each for row in rows.values() for each in row.introductions if each["counterpart"] == str(rid(1))]
    assert about
    assert {each["wanted_en"] for each in about} == {"Not written yet"}
