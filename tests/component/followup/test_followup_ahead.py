"""Reminders that hang on the gathering: from facts in any order to one plan, and what its page and its partner see."""

import asyncio
import random
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from services.followup import handlers, reminders
from services.followup.domain.states import State
from services.followup.store import mail as store
from shared.contracts.envelope import Event
from shared.contracts.followup_done import FollowupDone
from shared.contracts.registered import Registered
from tests.component.followup.ahead import A, B, C, D, come, evening, facts, kinds, matched
from tests.component.followup.facts import contact, event, followup_of, met, profile, registered, tombstone
from tests.component.followup.world import World
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres


async def test_a_registration_is_reminded_of_its_gathering_and_its_plan(world: World) -> None:
    await world.hear(facts(world, 48))
    assert await kinds(world) == [
        ("brief", ""),
        ("own_task", "2週間以内に1社を訪問する"),
        ("own_task", "翌日に資料を送る"),
        ("survey", ""),
    ]
    await world.hear([event(profile(A, 2, plan="会う"), world.now)])
    assert [text for kind, text in await kinds(world) if kind == "own_task"] == ["会う"]


async def test_any_order_and_any_repetition_plan_the_same(world: World) -> None:
    known = [
        *facts(world, 30),
        event(evening(world, 40, revision=2), world.now),
        event(profile(A, 2, plan="会う"), world.now),
    ]

    async def planned(order: list[Event[Any]]) -> Any:
        async with world.database.transaction() as tx:
            for table in ("gathering", "registration", "profile", "contact", "matched", "reminder", "reminder_plan"):
                await tx.execute(f"delete from {table}")
        await world.hear(order)
        return await world.rows("select id, owner, kind, text, due_at, until_at from reminder order by id")

    expected = await planned(known)
    assert len(expected) == 3 + 4 + 4
    for seed in range(12):
        dice = random.Random(seed)
        order = known + dice.choices(known, k=4)
        dice.shuffle(order)
        assert await planned(order) == expected, seed


@pytest.mark.parametrize("second", ["profile", "gathering", "contact"])
async def test_two_facts_at_once_do_not_miss_each_other(world: World, second: str) -> None:
    """Each is written before the other is visible; the plan knows both all the same."""
    known = handlers.build(world.rules)
    at = world.now
    facts_of = {
        "profile": event(profile(A, plan="会う"), at),
        "gathering": event(evening(world, 30, revision=2), at),
        "contact": event(contact(A, time_zone="America/New_York"), at),
    }
    await world.hear([event(evening(world, 12), at)])

    async def other() -> None:
        async with world.database.transaction() as tx:
            await known[facts_of[second].type](tx, [facts_of[second]])

    async with world.database.transaction() as tx:
        await known[Registered](tx, [event(registered(A, at), at)])
        waiting = asyncio.ensure_future(other())
        await asyncio.sleep(0.3)
    await waiting
    planned = await world.rows("select id, kind, due_at, until_at from reminder order by id")
    async with world.database.transaction() as tx:
        await reminders.renew(tx, world.rules, [A])
    assert planned == await world.rows("select id, kind, due_at, until_at from reminder order by id")
    assert len(planned) == (3 if second == "profile" else 2)


async def test_whom_one_has_met_is_not_to_be_met_any_more(world: World) -> None:
    """Nor is, then, anybody who was complained of: that takes a meeting."""
    await world.hear([*facts(world, -1, "running", "checked_in"), event(met(A, B, world.now), world.now)])
    async with world.http() as http:
        shown = (await http.get(world.page(A))).text
    to_meet, _, people = shown.partition('class="people"')
    assert "参加者2" in to_meet
    assert "参加者1" not in to_meet
    assert "参加者1" in people


async def test_tasks_are_ticked_on_ones_own_page_only(world: World) -> None:
    await world.hear(facts(world, 12))
    mine = await world.value("select id from reminder where owner = $1 and text like '翌日%'", A)
    page = world.page(A)
    other = world.page(B)
    async with world.http() as http:
        shown = (await http.get(page)).text
        assert (await http.post(f"{other}/tasks/{mine}")).status_code == 404
        assert (await http.post(f"{page}/tasks/{mine}")).status_code == 303
        ticked = (await http.get(page)).text
        await world.hear([event(evening(world, 20, revision=2), world.now)])
        assert await world.value("select done_at is not null from reminder where id = $1", mine)
        assert (await http.post(f"{page}/tasks/{mine}", data={"undone": "true"})).status_code == 303
    for words in ("会ってほしい方", "参加者1", "最初のひとこと", "翌日に資料を送る", "三人と話す"):
        assert words in shown
    assert 'class="done"' in ticked
    assert await world.value("select done_at from reminder where id = $1", mine) is None


@pytest.mark.parametrize("sign", ["task", "note", "report"])
async def test_whatever_somebody_does_is_a_sign_of_life(world: World, sign: str) -> None:
    await world.hear([*facts(world, -4, "ended", "checked_in"), event(met(A, B, world.now), world.now)])
    await come(world, "own_task")
    person = await world.value("select person_id from contact where registration_id = $1", A)

    async def active_at() -> datetime | None:
        async with world.database.transaction() as tx:
            (box,) = await store.mailboxes(tx, [person])
        return box.active_at

    assert await active_at() is None
    page = world.page(A)
    async with world.http() as http:
        if sign == "task":
            mine = await world.value("select id from reminder where owner = $1 and kind = 'own_task' limit 1", A)
            await http.post(f"{page}/tasks/{mine}")
        elif sign == "note":
            await http.post(f"{page}/{followup_of(A, B)}/note", data={"line": "見学の話"})
        else:
            await http.post(f"{page}/{followup_of(A, B)}/outcome", data={"state": "thanked"})
    assert await active_at() is not None


async def test_partners_read_the_brief_of_their_own(world: World) -> None:
    await world.hear(facts(world, 12))
    async with await world.api() as http:
        found = (await http.get(f"/v1/registrations/{A}/brief?lang=en")).json()
        assert (await http.get(f"/v1/registrations/{UUID(int=7)}/brief")).status_code == 404
    assert [each["name"] for each in found["people"]] == ["参加者1", "参加者2"]
    assert found["people"][0]["question"].endswith("?")
    assert found["seats"] == [{"round": 1, "table": 3}]
    assert [task["done"] for task in found["tasks"]] == [False, False]


async def test_an_outcome_names_who_introduced_them_and_their_page_counts_it(world: World) -> None:
    await world.people_who_met([(0, 1), (0, 2)])
    await world.hear([event(matched(B, A, introducer=D), world.now)])
    await world.report(followup_of(A, B), State.OUTCOME, "partnership")
    await world.report(followup_of(B, A), State.OUTCOME, "advice")
    await world.report(followup_of(A, C), State.OUTCOME, "advice")
    told = {
        (each.payload.owner, each.payload.other): each.payload.introducer
        for each in await outbox_of(world.database)
        if isinstance(each.payload, FollowupDone)
    }
    assert told == {(A, B): D, (B, A): D, (A, C): None}
    page = world.page(D)
    async with world.http() as http:
        assert "あなたの紹介から、1 組に" in (await http.get(page)).text


async def test_an_erased_person_is_in_nobodys_introductions(world: World) -> None:
    introduced = "select introductions from matched where registration_id = $1"
    await world.hear(facts(world, hours=20))
    await world.hear([event(matched(B, A, C, introducer=D), world.now), event(matched(C, B, introducer=A), world.now)])
    await world.hear([tombstone(Registered, A, world.now)])
    assert [each["counterpart"] for each in await world.value(introduced, B)] == [str(C)]
    assert (await world.value(introduced, B))[0]["introducer"] == str(D)
    assert "introducer" not in (await world.value(introduced, C))[0]
    await world.hear([event(matched(C, A, B, revision=2, introducer=A), world.now)])
    assert [each["counterpart"] for each in await world.value(introduced, C)] == [str(B)]
    assert (
        await world.value("select count(*) from matched where introductions::text like '%' || $1 || '%'", str(A)) == 0
    )
    await world.hear([tombstone(Registered, B, world.now)])
    assert await world.value(introduced, C) == []
