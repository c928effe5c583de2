"""Mail against a server that fails, refuses or hangs up, and senders that die: never twice, and nobody forgotten."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.followup import digests
from services.followup.store import deliveries
from services.followup.store import mail as store
from shared.platform import clock
from tests.component.followup.facts import PEOPLE, contact, event, followup_of
from tests.component.followup.mailing import Sink, deliver, due, queue, send, states
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres
A, B, C, *_ = PEOPLE


async def test_a_mail_in_doubt_is_never_sent_again_and_its_news_is_in_the_next(world: World, sink: Sink) -> None:
    await world.people_who_met([(0, 1)])
    await due(world, followup_of(A, B))
    sink.hang_up = True
    await send(world, sink)
    assert await states(world) == [("uncertain", "no_answer")]
    assert len(sink.received) == 1
    sink.hang_up = False
    await deliver(world, sink.url)
    assert len(sink.received) == 1
    async with world.database.transaction() as tx:
        await tx.execute("update delivery set dedupe = 'an hour ago'")
    await send(world, sink)
    first, second = sink.received
    assert first["Message-ID"] != second["Message-ID"]
    assert await states(world) == [("uncertain", "no_answer"), ("sent", None)]


async def test_a_deferred_mail_is_tried_later_and_a_refused_one_given_up(world: World, sink: Sink) -> None:
    await world.people_who_met([(0, 1)])
    await due(world, followup_of(A, B))
    sink.data = "451 4.7.1 Try again later"
    await send(world, sink)
    assert await states(world) == [("queued", "deferred")]
    assert await world.value("select next_at > now() + interval '50 seconds' from delivery")
    sink.data = "554 5.7.1 No"
    async with world.database.transaction() as tx:
        await tx.execute("update delivery set next_at = now()")
    await deliver(world, sink.url)
    assert await states(world) == [("dead", "refused")]
    assert sink.received == []
    assert await world.value("select count(*) from due_item where delivery_id is null") == 1


async def test_a_deferred_mail_does_not_leave_right_after_another(world: World, sink: Sink) -> None:
    """As when a relay comes back, and with it all that was deferred meanwhile."""
    await world.people_who_met([(0, 1), (0, 2)])
    await due(world, followup_of(A, B))
    sink.data = "451 4.7.1 Try again later"
    await send(world, sink)
    async with world.database.transaction() as tx:
        await tx.execute(
            "update delivery set created_at = now() - interval '5 hours', dedupe = 'before', next_at = now()"
        )
    sink.data = "250 OK"
    await world.due_now([followup_of(A, C)])
    await world.fire()
    await send(world, sink)
    assert sorted(await states(world)) == [("queued", "not_yet"), ("sent", None)]
    assert len(sink.received) == 1
    assert await world.value(
        "select next_at >= now() + interval '3 hours 59 minutes' from delivery where state = 'queued'"
    )
    async with world.database.transaction() as tx:
        await tx.execute("update delivery set ended_at = now() - interval '4 hours 1 minute' where state = 'sent'")
        await tx.execute("update delivery set next_at = now() where state = 'queued'")
    await deliver(world, sink.url)
    assert await states(world) == [("sent", None), ("sent", None)]


async def test_an_address_that_does_not_exist_is_never_tried_again(world: World, sink: Sink) -> None:
    await world.people_who_met([(0, 1)])
    await due(world, followup_of(A, B))
    sink.rcpt = "550 5.1.1 No such user"
    await send(world, sink)
    assert await states(world) == [("suppressed", "no_such_address")]
    sink.rcpt = "250 OK"
    async with world.database.transaction() as tx:
        await tx.execute("update due_item set delivery_id = null")
    await send(world, sink)
    assert sink.received == []
    assert await world.value("select count(*) from suppression where address_sha256::text like '%example%'") == 0


@pytest.mark.parametrize("address", ["名前@例え.example", "root,x@y.example"])
async def test_an_address_that_no_mail_can_name_stops_nobody_else_s(world: World, sink: Sink, address: str) -> None:
    await world.people_who_met([(0, 1), (1, 0)])
    await world.hear([event(contact(A, revision=2).model_copy(update={"email": address}), world.now)])
    await due(world, followup_of(A, B), followup_of(B, A))
    await send(world, sink)
    assert sorted(await states(world)) == [("sent", None), ("suppressed", "unwritable")]
    assert [message["To"] for message in sink.received] == [f"p{B.int}@example.org"]


async def test_a_message_that_cannot_be_written_stops_nobody_else_s(
    world: World, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.people_who_met([(0, 1), (1, 0)])
    await due(world, followup_of(A, B), followup_of(B, A))
    write = digests.Writer.write

    async def written(self: digests.Writer, connection: Any, mailbox: store.Mailbox, *rest: Any) -> Any:
        if mailbox.registration == A:
            raise KeyError("a bug")
        return await write(self, connection, mailbox, *rest)

    monkeypatch.setattr(digests.Writer, "write", written)
    await send(world, sink)
    assert sorted(await states(world)) == [("dead", "failed"), ("sent", None)]
    assert [message["To"] for message in sink.received] == [f"p{B.int}@example.org"]
    assert await world.value("select count(*) from due_item where owner = $1 and delivery_id is null", A) == 1


async def test_no_relay_means_later(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await due(world, followup_of(A, B))
    await queue(world)
    await deliver(world, "smtp://127.0.0.1:9")
    assert await states(world) == [("queued", "no_connection")]


async def test_what_dead_workers_left(world: World, sink: Sink) -> None:
    """Before the point of no return it is sent once, beyond it never again; a worker that lost its lease lets go."""
    await world.people_who_met([(0, 1), (2, 3)])
    await due(world, followup_of(A, B), followup_of(C, PEOPLE[3]))
    await queue(world)
    dead = uuid4()
    async with world.database.transaction() as tx:
        one, two = await deliveries.take(tx, dead, timedelta(seconds=30), 10)
        assert await deliveries.cross(tx, two.id, dead, "<x@y>")
        assert not await deliveries.cross(tx, two.id, dead, "<x@y>")
        assert not await deliveries.cross(tx, one.id, uuid4(), "<z@y>")
        await tx.execute("update delivery set lease_until = now() - interval '1 second'")
        assert not await deliveries.cross(tx, one.id, dead, "<z@y>")
    await deliver(world, sink.url)
    assert len(sink.received) == 1
    assert sorted(await states(world)) == [("sent", None), ("uncertain", "worker_lost")]


async def test_two_senders_send_each_mail_once(world: World, sink: Sink) -> None:
    await world.people_who_met([(0, 1), (2, 3), (4, 5)])
    await due(world)
    writer = world.writer()
    await digests.plan(world.database, writer, clock.now())
    async with world.database.transaction() as tx:
        await tx.execute("update mailbox set next_at = now()")
    await asyncio.gather(*(digests.plan(world.database, writer, clock.now()) for _ in range(3)))
    await asyncio.gather(deliver(world, sink.url), deliver(world, sink.url), deliver(world, sink.url))
    assert sorted(message["To"] for message in sink.received) == sorted(f"p{each.int}@example.org" for each in PEOPLE)
