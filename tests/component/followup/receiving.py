"""Webhooks of follow-up in tests: a partner's server, and what is sent there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from services.followup.app import build_handlers
from services.followup.domain.states import State
from services.followup.store import webhooks as store
from services.followup.webhooks import Caller
from tests.component.followup.facts import PARTNER, PEOPLE, followup_of
from tests.component.followup.world import World
from tests.conftest import outbox_of

A, B, *_ = PEOPLE


@dataclass
class Receiver:
    """A partner's server: answers with these status lines in turn, the last one for ever; keeps what it got."""

    url: str = ""
    answers: list[str] = field(default_factory=lambda: ["204 No Content"])
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            body = await reader.readexactly(int(headers["content-length"]))
            self.got.append((headers, body))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer != "hang up":
                writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?x=1"
    yield receiver
    server.close()


async def subscribed(world: World, receiver: Receiver, **more: Any) -> dict[str, Any]:
    async with await world.api() as http:
        answer = await http.post("/v1/webhooks", json={"url": receiver.url, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def what_happens(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await world.due_now([followup_of(A, B)])
    await world.fire()
    await world.report(followup_of(A, B), State.THANKED)
    await read_back(world)


async def read_back(world: World) -> None:
    """Hand follow-up what it published, as its own topics would, twice."""
    handlers = build_handlers(world.settings)
    for _ in range(2):
        async with world.database.transaction() as tx:
            for event in await outbox_of(world.database):
                await handlers[event.type](tx, [event])


async def queue(world: World, webhook: dict[str, Any], count: int = 1) -> None:
    """Messages of which nobody needs to know what they say."""
    async with world.database.transaction() as tx:
        for _ in range(count):
            await store.enqueue_one(tx, PARTNER, UUID(webhook["webhook_id"]), uuid4(), b"{}")


async def call(world: World, *, due: bool = True) -> None:
    if due:
        async with world.database.transaction() as tx:
            await tx.execute("update webhook_message set next_at = now() where state = 'queued'")
    await serve(world, Caller(world.database, private=True))


async def serve(world: World, caller: Caller) -> None:
    async with world.database.connection() as connection:
        waiting = await store.waiting(connection)
    await asyncio.gather(*map(caller.serve, waiting))
