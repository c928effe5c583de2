"""The brief before a gathering and the survey after it: one mail, never too late, never of what is not true any more."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.followup import digests
from shared.contracts.registered import Registered
from shared.contracts.survey_closed import SurveyClosed
from shared.platform import clock
from tests.component.followup.ahead import SURVEY, A, B, C, D, come, evening, facts, matched
from tests.component.followup.facts import GATHERING, contact, event, met, profile, registered, tombstone
from tests.component.followup.mailing import Sink, awake, send
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres


async def test_the_brief_says_whom_to_meet_and_what_to_ask(world: World, sink: Sink) -> None:
    await world.hear(facts(world, 12))
    await awake(world)
    await come(world, "brief")
    await send(world, sink)
    await send(world, sink)
    (message,) = sink.received  # B and C are to meet nobody
    assert message["Subject"] == "会ってほしい方のご紹介"
    assert message["To"] == f"p{A.int}@example.org"
    text = message.get_content()
    for words in ("参加者1", "参加者2", "「持ち物1」", "最初のひとこと", "三人と話す", "第1ラウンド テーブル 3"):
        assert words in text
    assert "@example.org" not in text


@pytest.mark.parametrize("spoilt", ["begun", "cancelled", "left", "stopped", "nobody to meet", "erased"])
async def test_a_brief_that_is_not_true_any_more_is_not_sent(
    world: World,
    sink: Sink,
    spoilt: str,
) -> None:
    await world.hear(facts(world, 12))
    await awake(world)
    await come(world, "brief")
    await digests.plan(world.database, world.writer(), clock.now())
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
    await send(world, sink)
    assert sink.received == []
    assert await world.value("select state from delivery") == (None if spoilt == "erased" else "suppressed")


async def test_who_refused_at_one_gathering_hears_of_the_other_only(
    world: World,
    sink: Sink,
) -> None:
    await world.hear(facts(world, 12))
    there = registered(D, world.now).model_copy(update={"person_id": registered(A, world.now).person_id})
    same = contact(D).model_copy(update={"person_id": there.person_id, "email": contact(A).email})
    await world.hear([event(there, world.now), event(same, world.now), event(matched(D, B), world.now)])
    refused = contact(A, 2, thanks=False)
    await world.hear([event(refused, world.now)])
    await awake(world)
    await come(world, "brief")
    await send(world, sink)
    assert [message["To"] for message in sink.received].count(refused.email) == 1
    told = await world.rows("select owner from reminder where kind = 'brief' and delivery_id > 0")
    assert {row["owner"] for row in told} & {A, D} == {D}


async def test_the_survey_invites_those_who_came_once_and_names_nobody(
    world: World,
    sink: Sink,
) -> None:
    await world.hear(facts(world, -4, "ended", "checked_in"))
    await world.hear([event(registered(D, world.now).model_copy(update={"attendance": "expected"}), world.now)])
    await world.hear([event(contact(D), world.now)])
    await awake(world)
    await come(world, "survey")  # in the evening it was put off to the morning
    await send(world, sink)
    assert sink.received == []  # there is no link yet
    async with await world.api() as http:
        place = f"/v1/gatherings/{GATHERING}/survey-link"
        assert (await http.put(place, json={"url": SURVEY})).status_code == 204
        assert (await http.put(place, json={"url": "javascript:alert(1)"})).status_code == 422
        foreign = f"/v1/gatherings/{UUID(int=5)}/survey-link"
        assert (await http.put(foreign, json={"url": SURVEY})).status_code == 404
    await send(world, sink)
    await send(world, sink)
    assert sorted(message["To"] for message in sink.received) == sorted(f"p{p.int}@example.org" for p in (A, B, C))
    assert all(message.get_content().count(SURVEY) == 1 for message in sink.received)


@pytest.mark.parametrize("first", ["link", "end"])
async def test_nobody_is_sent_to_a_survey_that_is_closed(
    world: World,
    sink: Sink,
    first: str,
) -> None:
    await world.hear(facts(world, -4, "ended", "checked_in"))
    await world.hear([event(met(A, B, world.now), world.now)])
    await awake(world)
    await come(world, "survey")
    page = world.page(A)
    async with await world.api() as http:
        if first == "link":
            await http.put(f"/v1/gatherings/{GATHERING}/survey-link", json={"url": SURVEY})
            assert SURVEY in (await http.get(page)).text
        await world.hear(2 * [event(SurveyClosed(gathering_id=GATHERING, closed_at=world.now), world.now)])
        await http.put(f"/v1/gatherings/{GATHERING}/survey-link", json={"url": SURVEY})
        assert SURVEY not in (await http.get(page)).text
        assert (await http.get(f"/v1/registrations/{A}/brief")).json()["survey_url"] is None
    await send(world, sink)
    assert sink.received == []


async def test_three_days_of_outage_are_one_mail_and_no_stale_brief(
    world: World,
    sink: Sink,
) -> None:
    """Everything was due while nothing ran: the brief is past, thanks missed, tasks and survey still of use."""
    await world.hear(facts(world, -72, "ended", "checked_in"))
    at = world.now - timedelta(hours=70)
    others = [UUID(int=0x300 + n) for n in range(20)]
    for other in others:
        await world.hear([event(registered(other, at), at), event(profile(other), at), event(met(A, other, at), at)])
    async with await world.api() as http:
        await http.put(f"/v1/gatherings/{GATHERING}/survey-link", json={"url": SURVEY})
    await awake(world)
    async with world.database.transaction() as tx:
        await tx.execute("update reminder set due_at = least(due_at, now() - interval '1 hour')")
    while await world.fire():
        pass
    for _ in range(3):
        await send(world, sink)
    mine = [message for message in sink.received if message["To"] == f"p{A.int}@example.org"]
    assert len(mine) == 1
    text = mine[0].get_content()
    assert mine[0]["Subject"].startswith("お礼と次の一歩")  # people come before the survey
    assert "最初のひとこと" not in text
    assert SURVEY in text
    assert await world.value("select delivery_id from reminder where owner = $1 and kind = 'brief'", A) == 0
    skipped = await world.rows("select distinct kind from due_item where skipped and owner = $1", A)
    assert {row["kind"] for row in skipped} >= {"thank_draft", "thank_last_call"}
