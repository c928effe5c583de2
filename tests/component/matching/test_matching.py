"""Matching's facts on a real PostgreSQL: in any order, erased for good, and nobody else's."""

import pytest

from services.matching import handlers
from shared.platform.ids import derived
from tests.component.matching.group import SCOPES, Group, meeting, profile_event, registered_event, rid
from tests.component.matching.night import G
from tests.conftest import api_key

pytestmark = pytest.mark.postgres


async def test_facts_in_any_order_end_alike(group: Group) -> None:
    newest = registered_event(group.partner, 1, revision=3, status="cancelled")
    older = registered_event(group.partner, 1, revision=2)
    async with group.database.transaction() as tx:
        await handlers.on_registered(tx, [newest, older])
        await handlers.on_registered(tx, [older])
        status = await tx.fetchval("select snapshot->>'status' from registration where registration_id = $1", rid(1))
    assert status == "cancelled"


async def test_an_erased_person_is_gone_and_stays_gone(group: Group) -> None:
    await group.planned(seed=1)
    gone, stays = rid(3), rid(4)
    await group.meet(
        meeting(3, 4, notes=[{"author": str(each), "text": "また", "wants_next": True} for each in (gone, stays)])
    )
    await group.erase(3)
    async with group.database.transaction() as tx:
        await handlers.on_profile(tx, [profile_event(3, revision=9)])
        await handlers.on_registered(tx, [registered_event(group.partner, 3, revision=9)])
        for table in ("registration", "profile", "matched"):
            assert not await tx.fetchval(f"select count(*) from {table} where registration_id = $1", gone)
        assert not await tx.fetchval("select count(*) from matched where introductions::text like $1", f"%{gone}%")
        wishes = await tx.fetchrow("select * from meeting where $1 in (a, b)", gone)
        assert wishes is not None
        assert {wishes["a"]: wishes["a_wants_next"], wishes["b"]: wishes["b_wants_next"]} == {gone: None, stays: True}
    assert (await group.call("GET", f"/registrations/{gone}/match")).status_code == 404


async def test_a_strangers_things_are_not_there(group: Group) -> None:
    plan = (await group.call("POST", f"/gatherings/{G}/plans", json={})).json()
    _, headers = await api_key(group.database, *SCOPES)
    stranger = Group(group.database, group.http, derived("stranger"), headers)
    assert (await stranger.call("POST", f"/gatherings/{G}/plans", json={})).status_code == 404
    assert (await stranger.call("GET", f"/plans/{plan['plan_id']}")).status_code == 404
    assert (await stranger.call("DELETE", f"/plans/{plan['plan_id']}")).status_code == 404
    assert (await stranger.call("GET", f"/registrations/{rid(0)}/match")).status_code == 404
    assert (await stranger.meet(meeting(1, 2)))["rejected"] == 1
