"""Digests by mail against a real SMTP server: what is in them, what stops them, and never twice."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.smtp import SMTP

from services.followup import digests, mail
from services.followup.app import SERVICE, build_links
from services.followup.domain.states import State
from services.followup.store import deliveries
from services.followup.store import mail as store
from shared.platform import clock
from tests.component.followup.facts import PEOPLE, contact, event, followup_of, met, met_note, profile, registered
from tests.component.followup.world import World
from tests.conftest import client

pytestmark = pytest.mark.postgres
A, B, C, *_ = PEOPLE
SENDER = "Enishi <followup@example.net>"


@dataclass
class Sink:
    """A mail server that does as it is told: answers with `rcpt` and `data`, or hangs up instead of answering."""

    rcpt: str = "250 OK"
    data: str = "250 OK"
    hang_up: bool = False
    received: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        if self.hang_up:
            self.received.append(message)
            server.transport.abort()
        elif self.data.startswith("250"):
            self.received.append(message)
        return self.data


@pytest.fixture
async def sink() -> AsyncIterator[tuple[Sink, mail.Relay]]:
    handler = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler, hostname="sink"), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield handler, mail.Relay.of(f"smtp://127.0.0.1:{port}", SENDER)
    server.close()
    await server.wait_closed()


def writer(world: World) -> digests.Writer:
    return digests.Writer(world.rules, build_links(world.settings), SENDER)


async def awake(world: World) -> None:
    """Nobody keeps quiet hours, so that the tests pass at night."""
    async with world.database.transaction() as tx:
        await tx.execute(
            "insert into preference (person_id, quiet_from, quiet_until)"
            " select person_id, '00:00', '00:00' from registration on conflict do nothing"
        )


async def send(world: World, relay: mail.Relay) -> None:
    """Let the time of every planned message come, and send."""
    found = writer(world)
    await digests.plan(world.database, found, clock.now())
    async with world.database.transaction() as tx:
        await tx.execute("update mailbox set next_at = now() where next_at is not null")
    await digests.plan(world.database, found, clock.now())
    await deliver(world, relay)


async def deliver(world: World, relay: mail.Relay) -> None:
    sender = mail.Sender(world.database, writer(world), relay, 3)
    try:
        while await sender.send_due():
            pass
    finally:
        await sender.close()


async def states(world: World) -> list[tuple[str, str | None]]:
    rows = await world.rows("select state, reason from delivery order by id")
    return [(row["state"], row["reason"]) for row in rows]


async def due(world: World) -> None:
    await awake(world)
    await world.due_now([followup_of(A, B)])
    await world.fire()


async def test_twenty_people_met_are_one_mail(world: World, sink: tuple[Sink, mail.Relay]) -> None:
    handler, relay = sink
    at = world.now - timedelta(minutes=10)
    others = [type(A)(int=0x200 + n) for n in range(20)]
    await world.people_who_met([], at)
    for other in others:
        await world.hear([event(registered(other, at), at), event(profile(other), at), event(met(A, other, at), at)])
    await world.hear([event(met_note(A, others[0], "失敗談の話", at), at)])
    await awake(world)
    await world.due_now([followup_of(A, other) for other in others])
    assert await world.fire() == 20
    await send(world, relay)
    await send(world, relay)
    (message,) = handler.received
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


async def test_unsubscribing_in_one_click_stops_everything(world: World, sink: tuple[Sink, mail.Relay]) -> None:
    handler, relay = sink
    await world.people_who_met([(0, 1)])
    await due(world)
    await send(world, relay)
    link = handler.received[0]["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8000")
    async with client(SERVICE, world.database, world.settings) as http:
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


async def test_an_answer_before_the_mail_leaves_suppresses_it(world: World, sink: tuple[Sink, mail.Relay]) -> None:
    handler, relay = sink
    await world.people_who_met([(0, 1)])
    await due(world)
    await digests.plan(world.database, writer(world), clock.now())
    async with world.database.transaction() as tx:
        await tx.execute("update mailbox set next_at = now()")
    await digests.plan(world.database, writer(world), clock.now())
    await world.report(followup_of(A, B), State.THANKED)
    await deliver(world, relay)
    assert handler.received == []
    assert await states(world) == [("suppressed", "nothing_left")]


@pytest.mark.parametrize("refusal", ["contact", "stop", "erased address"])
async def test_nobody_is_written_to_who_does_not_want_it(
    world: World, sink: tuple[Sink, mail.Relay], refusal: str
) -> None:
    handler, relay = sink
    await world.people_who_met([(0, 1)])
    await due(world)
    if refusal == "contact":
        await world.hear([event(contact(A, 2, thanks=False), world.now)])
    async with world.database.transaction() as tx:
        if refusal == "stop":
            await tx.execute(
                "update preference set stopped_at = now() where person_id = $1", registered(A, world.now).person_id
            )
        if refusal == "erased address":
            await tx.execute("delete from contact where registration_id = $1", A)
    await send(world, relay)
    assert handler.received == []
    assert await states(world) == []


async def test_a_mail_in_doubt_is_never_sent_again_and_its_news_is_in_the_next(
    world: World, sink: tuple[Sink, mail.Relay]
) -> None:
    handler, relay = sink
    await world.people_who_met([(0, 1)])
    await due(world)
    handler.hang_up = True
    await send(world, relay)
    assert await states(world) == [("uncertain", "no_answer")]
    assert len(handler.received) == 1
    handler.hang_up = False
    await deliver(world, relay)
    assert len(handler.received) == 1
    async with world.database.transaction() as tx:
        await tx.execute("update delivery set dedupe = 'an hour ago'")
    await send(world, relay)
    first, second = handler.received
    assert first["Message-ID"] != second["Message-ID"]
    assert await states(world) == [("uncertain", "no_answer"), ("sent", None)]


async def test_a_deferred_mail_is_tried_later_and_a_refused_one_given_up(
    world: World, sink: tuple[Sink, mail.Relay]
) -> None:
    handler, relay = sink
    await world.people_who_met([(0, 1)])
    await due(world)
    handler.data = "451 4.7.1 Try again later"
    await send(world, relay)
    assert await states(world) == [("queued", "deferred")]
    assert await world.value("select next_at > now() + interval '50 seconds' from delivery")
    handler.data = "554 5.7.1 No"
    async with world.database.transaction() as tx:
        await tx.execute("update delivery set next_at = now()")
    await deliver(world, relay)
    assert await states(world) == [("dead", "refused")]
    assert handler.received == []
    assert await world.value("select count(*) from due_item where delivery_id is null") == 1


async def test_a_deferred_mail_does_not_leave_right_after_another(world: World, sink: tuple[Sink, mail.Relay]) -> None:
    """As when a relay comes back, and with it all that was deferred meanwhile."""
    handler, relay = sink
    await world.people_who_met([(0, 1), (0, 2)])
    await due(world)
    handler.data = "451 4.7.1 Try again later"
    await send(world, relay)
    async with world.database.transaction() as tx:
        await tx.execute(
            "update delivery set created_at = now() - interval '5 hours', dedupe = 'before', next_at = now()"
        )
    handler.data = "250 OK"
    await world.due_now([followup_of(A, C)])
    await world.fire()
    await send(world, relay)
    assert sorted(await states(world)) == [("queued", "not_yet"), ("sent", None)]
    assert len(handler.received) == 1
    assert await world.value(
        "select next_at >= now() + interval '3 hours 59 minutes' from delivery where state = 'queued'"
    )
    async with world.database.transaction() as tx:
        await tx.execute("update delivery set ended_at = now() - interval '4 hours 1 minute' where state = 'sent'")
        await tx.execute("update delivery set next_at = now() where state = 'queued'")
    await deliver(world, relay)
    assert await states(world) == [("sent", None), ("sent", None)]


async def test_an_address_that_does_not_exist_is_never_tried_again(world: World, sink: tuple[Sink, mail.Relay]) -> None:
    handler, relay = sink
    await world.people_who_met([(0, 1)])
    await due(world)
    handler.rcpt = "550 5.1.1 No such user"
    await send(world, relay)
    assert await states(world) == [("suppressed", "no_such_address")]
    handler.rcpt = "250 OK"
    async with world.database.transaction() as tx:
        await tx.execute("update due_item set delivery_id = null")
    await send(world, relay)
    assert handler.received == []
    assert await world.value("select count(*) from suppression where address_sha256::text like '%example%'") == 0


@pytest.mark.parametrize("address", ["名前@例え.example", "root,x@y.example"])
async def test_an_address_that_no_mail_can_name_stops_nobody_else_s(
    world: World, sink: tuple[Sink, mail.Relay], address: str
) -> None:
    handler, relay = sink
    await world.people_who_met([(0, 1), (1, 0)])
    await world.hear([event(contact(A, revision=2).model_copy(update={"email": address}), world.now)])
    await awake(world)
    await world.due_now([followup_of(A, B), followup_of(B, A)])
    await world.fire()
    await send(world, relay)
    assert sorted(await states(world)) == [("sent", None), ("suppressed", "unwritable")]
    assert [message["To"] for message in handler.received] == [f"p{B.int}@example.org"]


async def test_a_message_that_cannot_be_written_stops_nobody_else_s(
    world: World, sink: tuple[Sink, mail.Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, relay = sink
    await world.people_who_met([(0, 1), (1, 0)])
    await awake(world)
    await world.due_now([followup_of(A, B), followup_of(B, A)])
    await world.fire()
    write = digests.Writer.write

    async def written(self: digests.Writer, connection: Any, mailbox: store.Mailbox, *rest: Any) -> Any:
        if mailbox.registration == A:
            raise KeyError("a bug")
        return await write(self, connection, mailbox, *rest)

    monkeypatch.setattr(digests.Writer, "write", written)
    await send(world, relay)
    assert sorted(await states(world)) == [("dead", "failed"), ("sent", None)]
    assert [message["To"] for message in handler.received] == [f"p{B.int}@example.org"]
    assert await world.value("select count(*) from due_item where owner = $1 and delivery_id is null", A) == 1


async def test_no_relay_means_later(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await due(world)
    await send(world, mail.Relay.of("smtp://127.0.0.1:9", SENDER))
    assert await states(world) == [("queued", "no_connection")]


async def test_quiet_hours_are_asked_again_when_the_mail_leaves(world: World, sink: tuple[Sink, mail.Relay]) -> None:
    handler, relay = sink
    await world.people_who_met([(0, 1)])
    await due(world)
    await digests.plan(world.database, writer(world), clock.now())
    async with world.database.transaction() as tx:
        await tx.execute("update mailbox set next_at = now()")
    await digests.plan(world.database, writer(world), clock.now())
    local = clock.now() + timedelta(hours=9)
    async with world.database.transaction() as tx:
        await tx.execute(
            "update preference set quiet_from = $1, quiet_until = $2",
            (local - timedelta(hours=2)).time(),
            (local + timedelta(hours=2)).time(),
        )
    await deliver(world, relay)
    assert handler.received == []
    assert await states(world) == [("queued", "not_yet")]


async def test_what_dead_workers_left(world: World, sink: tuple[Sink, mail.Relay]) -> None:
    """Before the point of no return it is sent once, beyond it never again; a worker that lost its lease lets go."""
    handler, relay = sink
    await world.people_who_met([(0, 1), (2, 3)])
    await awake(world)
    await world.due_now([followup_of(A, B), followup_of(C, PEOPLE[3])])
    await world.fire()
    found = writer(world)
    await digests.plan(world.database, found, clock.now())
    async with world.database.transaction() as tx:
        await tx.execute("update mailbox set next_at = now()")
    await digests.plan(world.database, found, clock.now())
    dead = uuid4()
    async with world.database.transaction() as tx:
        one, two = await deliveries.take(tx, dead, timedelta(seconds=30), 10)
        assert await deliveries.cross(tx, two.id, dead, "<x@y>")
        assert not await deliveries.cross(tx, two.id, dead, "<x@y>")
        assert not await deliveries.cross(tx, one.id, uuid4(), "<z@y>")
        await tx.execute("update delivery set lease_until = now() - interval '1 second'")
        assert not await deliveries.cross(tx, one.id, dead, "<z@y>")
    await deliver(world, relay)
    assert len(handler.received) == 1
    assert sorted(await states(world)) == [("sent", None), ("uncertain", "worker_lost")]


async def test_two_senders_send_each_mail_once(world: World, sink: tuple[Sink, mail.Relay]) -> None:
    handler, relay = sink
    await world.people_who_met([(0, 1), (2, 3), (4, 5)])
    await awake(world)
    await world.due_now()
    await world.fire()
    found = writer(world)
    await digests.plan(world.database, found, clock.now())
    async with world.database.transaction() as tx:
        await tx.execute("update mailbox set next_at = now()")
    await asyncio.gather(*(digests.plan(world.database, found, clock.now()) for _ in range(3)))
    await asyncio.gather(deliver(world, relay), deliver(world, relay), deliver(world, relay))
    assert sorted(message["To"] for message in handler.received) == sorted(
        f"p{each.int}@example.org" for each in PEOPLE
    )
