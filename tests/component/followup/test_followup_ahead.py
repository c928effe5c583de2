"""Reminders that hang on the gathering: from facts in any order to one mail, and never too late or too many."""

import asyncio
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.followup import digests, handlers, mail, reminders
from services.followup.app import SERVICE
from services.followup.domain.states import State
from services.followup.links import Links
from services.followup.store import mail as store
from shared.contracts.envelope import Event
from shared.contracts.followup_done import FollowupDone
from shared.contracts.registered import Registered
from shared.contracts.survey_closed import SurveyClosed
from shared.platform import clock
from tests.component.followup.ahead import SURVEY, A, B, C, D, come, door, evening, facts, kinds, matched
from tests.component.followup.facts import GATHERING, contact, event, followup_of, met, profile, registered, tombstone
from tests.component.followup.test_followup_mail import Sink, awake, send, sink  # noqa: F401 - a fixture
from tests.component.followup.world import World
from tests.conftest import OpenDatabase, client, outbox_of, settings_for

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


async def test_the_brief_says_whom_to_meet_and_what_to_ask(world: World, sink: tuple[Sink, mail.Relay]) -> None:  # noqa: F811
    handler, relay = sink
    await world.hear(facts(world, 12))
    await awake(world)
    await come(world, "brief")
    await send(world, relay)
    await send(world, relay)
    (message,) = handler.received  # B and C are to meet nobody
    assert message["Subject"] == "会ってほしい方のご紹介"
    assert message["To"] == f"p{A.int}@example.org"
    text = message.get_content()
    for words in ("参加者1", "参加者2", "「持ち物1」", "最初のひとこと", "三人と話す", "第1ラウンド テーブル 3"):
        assert words in text
    assert "@example.org" not in text


async def test_whom_one_has_met_is_not_to_be_met_any_more(world: World) -> None:
    """Nor is, then, anybody who was complained of: that takes a meeting."""
    await world.hear([*facts(world, -1, "running", "checked_in"), event(met(A, B, world.now), world.now)])
    async with client(SERVICE, world.database, world.settings) as http:
        shown = (await http.get(f"/f/{Links(world.settings.link_secret, 'http://test', 400).token(A)}")).text
    to_meet, _, people = shown.partition('class="people"')
    assert "参加者2" in to_meet
    assert "参加者1" not in to_meet
    assert "参加者1" in people


@pytest.mark.parametrize("spoilt", ["begun", "cancelled", "left", "stopped", "nobody to meet", "erased"])
async def test_a_brief_that_is_not_true_any_more_is_not_sent(
    world: World,
    sink: tuple[Sink, mail.Relay],  # noqa: F811
    spoilt: str,
) -> None:
    handler, relay = sink
    await world.hear(facts(world, 12))
    await awake(world)
    await come(world, "brief")
    found = digests.Writer(world.rules, Links(world.settings.link_secret, "http://test", 400), "a@b.example")
    await digests.plan(world.database, found, clock.now())
    assert await world.value("select count(*) from delivery where state = 'queued'") == 1
    if spoilt == "begun":
        async with world.database.transaction() as tx:
            await tx.execute("update reminder set until_at = now() where kind = 'brief'")
    elif spoilt == "cancelled":
        await world.hear([event(evening(world, 12, "cancelled", 2), world.now)])
    elif spoilt == "left":
        await world.hear([event(registered(A, world.now, 2).model_copy(update={"status": "cancelled"}), world.now)])
    elif spoilt == "stopped":
        await world.hear([event(contact(A, 2, thanks=False), world.now)])
    elif spoilt == "erased":
        await world.hear([tombstone(Registered, A, world.now)])
    else:
        await world.hear([event(matched(A, revision=2), world.now)])
    await send(world, relay)
    assert handler.received == []
    assert await world.value("select state from delivery") == (None if spoilt == "erased" else "suppressed")


async def test_who_refused_at_one_gathering_hears_of_the_other_only(
    world: World,
    sink: tuple[Sink, mail.Relay],  # noqa: F811
) -> None:
    handler, relay = sink
    await world.hear(facts(world, 12))
    there = registered(D, world.now).model_copy(update={"person_id": registered(A, world.now).person_id})
    same = contact(D).model_copy(update={"person_id": there.person_id, "email": contact(A).email})
    await world.hear([event(there, world.now), event(same, world.now), event(matched(D, B), world.now)])
    refused = contact(A, 2, thanks=False)
    await world.hear([event(refused, world.now)])
    await awake(world)
    await come(world, "brief")
    await send(world, relay)
    assert [message["To"] for message in handler.received].count(refused.email) == 1
    told = await world.rows("select owner from reminder where kind = 'brief' and delivery_id > 0")
    assert {row["owner"] for row in told} & {A, D} == {D}


async def test_the_survey_invites_those_who_came_once_and_names_nobody(
    world: World,
    sink: tuple[Sink, mail.Relay],  # noqa: F811
) -> None:
    handler, relay = sink
    await world.hear(facts(world, -4, "ended", "checked_in"))
    await world.hear([event(registered(D, world.now).model_copy(update={"attendance": "expected"}), world.now)])
    await world.hear([event(contact(D), world.now)])
    await awake(world)
    await come(world, "survey")  # in the evening it was put off to the morning
    await send(world, relay)
    assert handler.received == []  # there is no link yet
    async with await door(world) as http:
        place = f"/v1/gatherings/{GATHERING}/survey-link"
        assert (await http.put(place, json={"url": SURVEY})).status_code == 204
        assert (await http.put(place, json={"url": "javascript:alert(1)"})).status_code == 422
        foreign = f"/v1/gatherings/{UUID(int=5)}/survey-link"
        assert (await http.put(foreign, json={"url": SURVEY})).status_code == 404
    await send(world, relay)
    await send(world, relay)
    assert sorted(message["To"] for message in handler.received) == sorted(f"p{p.int}@example.org" for p in (A, B, C))
    assert all(message.get_content().count(SURVEY) == 1 for message in handler.received)


@pytest.mark.parametrize("first", ["link", "end"])
async def test_nobody_is_sent_to_a_survey_that_is_closed(
    world: World,
    sink: tuple[Sink, mail.Relay],  # noqa: F811
    first: str,
) -> None:
    handler, relay = sink
    await world.hear(facts(world, -4, "ended", "checked_in"))
    await world.hear([event(met(A, B, world.now), world.now)])
    await awake(world)
    await come(world, "survey")
    page = f"/f/{Links(world.settings.link_secret, 'http://test', 400).token(A)}"
    async with await door(world) as http:
        if first == "link":
            await http.put(f"/v1/gatherings/{GATHERING}/survey-link", json={"url": SURVEY})
            assert SURVEY in (await http.get(page)).text
        await world.hear(2 * [event(SurveyClosed(gathering_id=GATHERING, closed_at=world.now), world.now)])
        await http.put(f"/v1/gatherings/{GATHERING}/survey-link", json={"url": SURVEY})
        assert SURVEY not in (await http.get(page)).text
        assert (await http.get(f"/v1/registrations/{A}/brief")).json()["survey_url"] is None
    await send(world, relay)
    assert handler.received == []


async def test_three_days_of_outage_are_one_mail_and_no_stale_brief(
    world: World,
    sink: tuple[Sink, mail.Relay],  # noqa: F811
) -> None:
    """Everything was due while nothing ran: the brief is past, thanks missed, tasks and survey still of use."""
    handler, relay = sink
    await world.hear(facts(world, -72, "ended", "checked_in"))
    at = world.now - timedelta(hours=70)
    others = [UUID(int=0x300 + n) for n in range(20)]
    for other in others:
        await world.hear([event(registered(other, at), at), event(profile(other), at), event(met(A, other, at), at)])
    async with await door(world) as http:
        await http.put(f"/v1/gatherings/{GATHERING}/survey-link", json={"url": SURVEY})
    await awake(world)
    async with world.database.transaction() as tx:
        await tx.execute("update reminder set due_at = least(due_at, now() - interval '1 hour')")
    while await world.fire():
        pass
    for _ in range(3):
        await send(world, relay)
    mine = [message for message in handler.received if message["To"] == f"p{A.int}@example.org"]
    assert len(mine) == 1
    text = mine[0].get_content()
    assert mine[0]["Subject"].startswith("お礼と次の一歩")  # people come before the survey
    assert "最初のひとこと" not in text
    assert SURVEY in text
    assert await world.value("select delivery_id from reminder where owner = $1 and kind = 'brief'", A) == 0
    skipped = await world.rows("select distinct kind from due_item where skipped and owner = $1", A)
    assert {row["kind"] for row in skipped} >= {"thank_draft", "thank_last_call"}


async def test_tasks_are_ticked_on_ones_own_page_only(world: World) -> None:
    await world.hear(facts(world, 12))
    mine = await world.value("select id from reminder where owner = $1 and text like '翌日%'", A)
    page = f"/f/{Links(world.settings.link_secret, 'http://test', 400).token(A)}"
    other = f"/f/{Links(world.settings.link_secret, 'http://test', 400).token(B)}"
    async with client(SERVICE, world.database, world.settings) as http:
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
    page = f"/f/{Links(world.settings.link_secret, 'http://test', 400).token(A)}"
    async with client(SERVICE, world.database, world.settings) as http:
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
    async with await door(world) as http:
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
    page = f"/f/{Links(world.settings.link_secret, 'http://test', 400).token(D)}"
    async with client(SERVICE, world.database, world.settings) as http:
        assert "あなたの紹介から、1 組に" in (await http.get(page)).text


def rows_of(values: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in values]


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


async def test_any_order_and_any_repetition_plan_the_same(open_database_for: OpenDatabase) -> None:
    database = await open_database_for(SERVICE)
    world = World(database, settings_for(SERVICE, database.url))
    known = [
        *facts(world, 30),
        event(evening(world, 40, revision=2), world.now),
        event(profile(A, 2, plan="会う"), world.now),
    ]

    async def planned(order: list[Event[Any]]) -> Any:
        async with database.transaction() as tx:
            for table in ("gathering", "registration", "profile", "contact", "matched", "reminder", "reminder_plan"):
                await tx.execute(f"delete from {table}")
        await world.hear(order)
        return rows_of(await world.rows("select id, owner, kind, text, due_at, until_at from reminder order by id"))

    expected = await planned(known)
    assert len(expected) == 3 + 4 + 4
    for seed in range(12):
        dice = random.Random(seed)
        order = known + dice.choices(known, k=4)
        dice.shuffle(order)
        assert await planned(order) == expected, seed


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
