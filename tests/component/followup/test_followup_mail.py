"""Digests by mail against a real SMTP server: what is in them, and what stops them."""

from datetime import timedelta

import pytest

from services.followup.domain.states import State
from shared.platform import clock
from tests.component.followup.facts import PEOPLE, contact, event, followup_of, met, met_note, profile, registered
from tests.component.followup.mailing import Sink, deliver, due, queue, send, states
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres
A, B, *_ = PEOPLE


async def test_twenty_people_met_are_one_mail(world: World, sink: Sink) -> None:
    at = world.now - timedelta(minutes=10)
    others = [type(A)(int=0x200 + n) for n in range(20)]
    await world.people_who_met([], at)
    for other in others:
        await world.hear([event(registered(other, at), at), event(profile(other), at), event(met(A, other, at), at)])
    await world.hear([event(met_note(A, others[0], "失敗談の話", at), at)])
    assert await due(world, *(followup_of(A, other) for other in others)) == 20
    await send(world, sink)
    await send(world, sink)
    (message,) = sink.received
    assert await states(world) == [("sent", None)]
    text = message.get_content()
    assert text.count("■") == 5
    assert "ほかに 15 件" in text
    assert "失敗談の話" in text or "一行だけ" in text
    assert message["To"] == f"p{A.int}@example.org"
    assert message["Message-ID"].endswith("@example.net>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Date"]


async def test_unsubscribing_in_one_click_stops_everything(world: World, sink: Sink) -> None:
    await world.people_who_met([(0, 1)])
    await due(world, followup_of(A, B))
    await send(world, sink)
    link = sink.received[0]["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8000")
    async with world.http() as http:
        for _ in range(5):
            assert (await http.get(link)).status_code == 200
        assert await world.value("select count(*) from timer where owner = $1", A) == 1
        answer = await http.post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert await world.value("select count(*) from timer where owner = $1", A) == 0
    assert await world.value(
        "select stopped_at is not null from preference join registration using (person_id) where registration_id = $1",
        A,
    )


async def test_an_answer_before_the_mail_leaves_suppresses_it(world: World, sink: Sink) -> None:
    await world.people_who_met([(0, 1)])
    await due(world, followup_of(A, B))
    await queue(world)
    await world.report(followup_of(A, B), State.THANKED)
    await deliver(world, sink.url)
    assert sink.received == []
    assert await states(world) == [("suppressed", "nothing_left")]


@pytest.mark.parametrize("refusal", ["contact", "stop", "erased address"])
async def test_nobody_is_written_to_who_does_not_want_it(world: World, sink: Sink, refusal: str) -> None:
    await world.people_who_met([(0, 1)])
    await due(world, followup_of(A, B))
    if refusal == "contact":
        await world.hear([event(contact(A, 2, thanks=False), world.now)])
    async with world.database.transaction() as tx:
        if refusal == "stop":
            await tx.execute(
                "update preference set stopped_at = now() where person_id = $1", registered(A, world.now).person_id
            )
        if refusal == "erased address":
            await tx.execute("delete from contact where registration_id = $1", A)
    await send(world, sink)
    assert sink.received == []
    assert await states(world) == []


async def test_quiet_hours_are_asked_again_when_the_mail_leaves(world: World, sink: Sink) -> None:
    await world.people_who_met([(0, 1)])
    await due(world, followup_of(A, B))
    await queue(world)
    local = clock.now() + timedelta(hours=9)
    async with world.database.transaction() as tx:
        await tx.execute(
            "update preference set quiet_from = $1, quiet_until = $2",
            (local - timedelta(hours=2)).time(),
            (local + timedelta(hours=2)).time(),
        )
    await deliver(world, sink.url)
    assert sink.received == []
    assert await states(world) == [("queued", "not_yet")]
