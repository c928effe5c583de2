"""Mail of follow-up in tests: a real SMTP server, and a way to let the time of a message come."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from aiosmtpd.smtp import SMTP

from services.followup import digests, mail
from shared.platform import clock
from tests.component.followup.world import World


@dataclass
class Sink:
    """A mail server that does as it is told: answers with `rcpt` and `data`, or hangs up instead of answering."""

    rcpt: str = "250 OK"
    data: str = "250 OK"
    hang_up: bool = False
    received: list[EmailMessage] = field(default_factory=list)
    url: str = ""

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


@asynccontextmanager
async def open_sink() -> AsyncIterator[Sink]:
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(sink, hostname="sink"), "127.0.0.1", 0)
    sink.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield sink
    server.close()
    await server.wait_closed()


async def awake(world: World) -> None:
    """Nobody keeps quiet hours, so that the tests pass at night."""
    async with world.database.transaction() as tx:
        await tx.execute(
            "insert into preference (person_id, quiet_from, quiet_until)"
            " select person_id, '00:00', '00:00' from registration on conflict do nothing"
        )


async def due(world: World, *followups: UUID) -> int:
    """The time of these follow-ups, or of all, has come, also for the mail about them; how many fired."""
    await awake(world)
    await world.due_now(list(followups) or None)
    return await world.fire()


async def queue(world: World) -> None:
    """Let the time of every planned message come, and put it in the queue."""
    writer = world.writer()
    await digests.plan(world.database, writer, clock.now())
    async with world.database.transaction() as tx:
        await tx.execute("update mailbox set next_at = now() where next_at is not null")
    await digests.plan(world.database, writer, clock.now())


async def deliver(world: World, url: str) -> None:
    """Hand what is queued and due to the relay at `url`."""
    sender = mail.Sender(world.database, world.writer(), mail.Relay.of(url, world.settings.mail_from), 3)
    try:
        while await sender.send_due():
            pass
    finally:
        await sender.close()


async def send(world: World, sink: Sink) -> None:
    """Queue every planned message, and deliver it."""
    await queue(world)
    await deliver(world, sink.url)


async def states(world: World) -> list[tuple[str, str | None]]:
    rows = await world.rows("select state, reason from delivery order by id")
    return [(row["state"], row["reason"]) for row in rows]
