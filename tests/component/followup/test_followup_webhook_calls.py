"""Calls of a real local receiver: repeated with the same id, given up, and nobody waits for another."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.followup import webhooks
from services.followup.store import webhooks as store
from tests.background import background, until
from tests.component.followup.facts import PARTNER
from tests.component.followup.receiving import Receiver, call, queue, subscribed
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("failure", ["500 No", "302 Found", "hang up"])
async def test_a_failed_call_is_repeated_with_the_same_id(private: World, receiver: Receiver, failure: str) -> None:
    webhook = await subscribed(private, receiver)
    receiver.answers = [failure, "200 OK"]
    async with await private.api() as http:
        await http.post(f"/v1/webhooks/{webhook['webhook_id']}/test")
    before = await private.value("select now()")
    await call(private)
    at = await private.value("select next_at from webhook_message")
    assert at - before >= timedelta(seconds=5)
    assert at - await private.value("select now()") <= timedelta(seconds=5)
    async with private.database.transaction() as tx:
        await tx.execute("update webhook_message set next_at = now() + interval '1 hour'")
    await call(private, due=False)
    assert len(receiver.got) == 1
    await call(private)
    first, second = receiver.got
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert first[1] == second[1]
    assert await private.value("select state from webhook_message") == "sent"


async def test_gone_means_never_again_until_replayed(private: World, receiver: Receiver) -> None:
    webhook = await subscribed(private, receiver)
    place = f"/v1/webhooks/{webhook['webhook_id']}"
    receiver.answers = ["410 Gone", "200 OK"]
    async with await private.api() as http:
        await queue(private, webhook, 2)
        await call(private)
        seen = len(receiver.got)
        (listed,) = (await http.get("/v1/webhooks")).json()
        assert (listed["disabled_reason"], listed["waiting"]) == ("gone", 0)
        assert "secret" not in listed
        since = (private.now - timedelta(hours=1)).isoformat()
        replayed = await http.post(f"{place}/replay", json={"since": since})
        assert replayed.json()["queued"] >= 1
        await call(private)
    assert len(receiver.got) > seen
    assert await private.value("select count(*) from webhook_message where state = 'sent'") == 2


async def test_after_three_days_it_is_disabled(private: World, receiver: Receiver) -> None:
    webhook = await subscribed(private, receiver)
    receiver.answers = ["500 No"]
    async with await private.api() as http:
        await http.post(f"/v1/webhooks/{webhook['webhook_id']}/test")
    for _ in range(12):
        await call(private)
    assert len(receiver.got) == 10
    assert await private.value("select disabled_reason from webhook") == "failing"


async def test_two_callers_call_once(private: World, receiver: Receiver) -> None:
    webhook = await subscribed(private, receiver)
    await queue(private, webhook, 15)
    await asyncio.gather(call(private, due=False), call(private, due=False), call(private, due=False))
    assert len(receiver.got) == len({headers["webhook-id"] for headers, _ in receiver.got}) == 15


async def test_an_answer_counts_although_the_server_never_closes(
    private: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does over TLS that does not answer the end of the connection."""

    async def never(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    webhook = await subscribed(private, receiver)
    async with await private.api() as http:
        await http.post(f"/v1/webhooks/{webhook['webhook_id']}/test")
    monkeypatch.setattr(webhooks, "TIMEOUT", 20.0)
    monkeypatch.setattr(asyncio.StreamWriter, "wait_closed", never)
    await call(private)
    assert await private.value("select state from webhook_message") == "sent"


@pytest.fixture
async def calling(private: World) -> AsyncIterator[World]:
    """With the loop that calls, which looks for news by itself once an hour only."""
    async with background(webhooks.run(private.database, 3600, private=True)):
        yield private


async def test_a_webhook_that_hangs_holds_no_other_up(calling: World, receiver: Receiver) -> None:
    reached = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    hanging = Receiver(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    slow, quick = await subscribed(calling, hanging), await subscribed(calling, receiver)
    await queue(calling, slow, 60)
    await reached.wait()
    await queue(calling, quick)
    await until(lambda: len(receiver.got) == 1, "one call")
    server.close()


async def test_what_is_queued_at_any_moment_is_called_at_once(
    calling: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what is committed between the loop's last look and its sleep."""
    webhook = await subscribed(calling, receiver)
    look, answers = store.take, 0

    async def slowly(*arguments: Any) -> list[store.Message]:
        nonlocal answers
        taken = await look(*arguments)
        if not taken and answers < 5:
            answers += 1
            async with calling.database.transaction() as tx:
                await store.enqueue_one(tx, PARTNER, UUID(webhook["webhook_id"]), UUID(int=answers), b"{}")
            await asyncio.sleep(0.05)  # the loop hears of it while this webhook is still being served
        return taken

    monkeypatch.setattr(store, "take", slowly)
    async with await calling.api() as http:
        await http.post(f"/v1/webhooks/{webhook['webhook_id']}/test")
    await until(lambda: len(receiver.got) == 6, "six calls")
