"""Which events a webhook gets: signed, of its own partner's people only, and none is missed."""

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from services.followup.app import build_handlers
from services.followup.domain.states import State
from shared.contracts.followup_due import FollowupDue
from shared.contracts.registered import Registered
from tests.component.followup.facts import PEOPLE, event, followup_of, gathering, met, registered, tombstone
from tests.component.followup.receiving import Receiver, call, queue, read_back, subscribed, what_happens
from tests.component.followup.world import World
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres
A, B, *_ = PEOPLE


async def test_events_arrive_signed_and_once_each(private: World, receiver: Receiver) -> None:
    webhook = await subscribed(private, receiver)
    await what_happens(private)
    await call(private)
    assert len(receiver.got) == 2
    bodies = []
    for headers, body in receiver.got:
        Webhook(webhook["secret"]).verify(body, headers)
        assert headers["content-type"] == "application/json"
        bodies.append(json.loads(body))
    assert sorted(body["type"] for body in bodies) == ["enishi.followup-done.v1", "enishi.followup-due.v1"]
    assert {body["data"]["owner"] for body in bodies} == {str(A)}
    events = {str(event.id) for event in await outbox_of(private.database)}
    assert {headers["webhook-id"] for headers, _ in receiver.got} == events


async def test_only_the_topics_and_the_people_of_the_partner(private: World, receiver: Receiver) -> None:
    await subscribed(private, receiver, types=[FollowupDue.topic])
    async with await private.api(UUID(int=77)) as http:
        await http.post("/v1/webhooks", json={"url": receiver.url.replace("x=1", "foreign=1")})
    await what_happens(private)
    await call(private)
    assert [json.loads(body)["type"] for _, body in receiver.got] == ["enishi.followup-due.v1"]


async def what_is_said_of_a_stranger(world: World, receiver: Receiver) -> None:
    """A meeting whose two people are registered on a topic that is late; what follows from it is published and read."""
    await subscribed(world, receiver)
    at = world.now - timedelta(minutes=10)
    await world.hear([event(gathering(world.now), at), event(met(A, B, at), at)])
    await world.due_now([followup_of(A, B)])
    await world.fire()
    await world.report(followup_of(A, B), State.THANKED)
    await read_back(world)


async def test_what_comes_before_its_platform_is_known_waits_for_it(private: World, receiver: Receiver) -> None:
    await what_is_said_of_a_stranger(private, receiver)
    await call(private)
    assert receiver.got == []
    await private.hear([event(registered(A, private.now, revision), private.now) for revision in (1, 2)])
    await read_back(private)
    await call(private)
    kinds = sorted(json.loads(body)["type"] for _, body in receiver.got)
    assert kinds == ["enishi.followup-done.v1", "enishi.followup-due.v1"]
    assert await private.value("select count(*) from webhook_waiting") == 0


async def test_nothing_waits_for_who_is_erased(private: World, receiver: Receiver) -> None:
    await what_is_said_of_a_stranger(private, receiver)
    await private.hear([tombstone(Registered, A, private.now)])
    assert await private.value("select count(*) from webhook_waiting") == 0
    await read_back(private)
    await private.hear([event(registered(A, private.now), private.now)])
    for table in ("webhook_waiting", "webhook_message"):
        assert await private.value(f"select count(*) from {table}") == 0


async def test_what_is_said_while_somebody_is_being_registered_is_not_missed(
    private: World, receiver: Receiver
) -> None:
    await subscribed(private, receiver)
    at = private.now - timedelta(minutes=10)
    await private.hear([event(gathering(private.now), at), event(met(A, B, at), at)])
    await private.due_now([followup_of(A, B)])
    await private.fire()
    known = build_handlers(private.settings)
    async with private.database.transaction() as tx:
        await known[Registered](tx, [event(registered(A, at), at)])
        saying = asyncio.create_task(read_back(private))
        async with asyncio.timeout(20):
            while not await private.value("select count(*) from pg_stat_activity where wait_event_type = 'Lock'"):
                await asyncio.sleep(0.01)
    await saying
    await call(private)
    assert len(receiver.got) == 1


async def test_what_is_said_while_a_webhook_is_disabled_can_be_caught_up(private: World, receiver: Receiver) -> None:
    webhook = await subscribed(private, receiver)
    receiver.answers = ["410 Gone", "200 OK"]
    await queue(private, webhook)
    await call(private)
    await what_happens(private)
    await call(private)
    assert len(receiver.got) == 1
    async with await private.api() as http:
        since = (private.now - timedelta(hours=1)).isoformat()
        replayed = await http.post(f"/v1/webhooks/{webhook['webhook_id']}/replay", json={"since": since})
    assert replayed.json()["queued"] == 3
    await call(private)
    assert len(receiver.got) == 4
