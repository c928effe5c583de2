"""Webhooks against a real local receiver: signed, repeated with the same id, given up, replayed."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.followup import webhooks
from services.followup.api.webhooks import MOST
from services.followup.app import SERVICE, build_handlers
from services.followup.domain.states import State
from services.followup.store import webhooks as store
from services.followup.webhooks import Caller
from shared.contracts.followup_due import FollowupDue
from shared.contracts.registered import Registered
from tests.component.followup.facts import PARTNER, PEOPLE, event, followup_of, gathering, met, registered, tombstone
from tests.component.followup.world import World
from tests.conftest import OpenDatabase, api_key, client, outbox_of, settings_for

pytestmark = pytest.mark.postgres
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


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?x=1"
    yield found
    server.close()


@pytest.fixture
async def private(open_database_for: OpenDatabase) -> World:
    database = await open_database_for(SERVICE)
    return World(database, settings_for(SERVICE, database.url, webhook_private=True))


async def door(world: World, partner: UUID = PARTNER) -> httpx.AsyncClient:
    if partner not in world.keys:
        scopes = ("followups:read", "followups:write")
        _, world.keys[partner] = await api_key(world.database, *scopes, partner_id=partner)
    found = client(SERVICE, world.database, world.settings)
    found.headers.update(world.keys[partner])
    return found


async def subscribed(world: World, receiver: Receiver, **more: Any) -> dict[str, Any]:
    async with await door(world) as http:
        answer = await http.post("/v1/webhooks", json={"url": receiver.url, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def read_back(world: World) -> None:
    """Hand follow-up what it published, as its own topics would, twice."""
    handlers = build_handlers(world.settings)
    for _ in range(2):
        async with world.database.transaction() as tx:
            for event in await outbox_of(world.database):
                await handlers[event.type](tx, [event])


async def call(world: World, *, due: bool = True) -> None:
    if due:
        async with world.database.transaction() as tx:
            await tx.execute("update webhook_message set next_at = now() where state = 'queued'")
    await serve(world, Caller(world.database, private=True))


async def queue(world: World, webhook: dict[str, Any], count: int = 1) -> None:
    """Messages of which nobody needs to know what they say."""
    async with world.database.transaction() as tx:
        for _ in range(count):
            await store.enqueue_one(tx, PARTNER, UUID(webhook["webhook_id"]), uuid4(), b"{}")


async def serve(world: World, caller: Caller) -> None:
    async with world.database.connection() as connection:
        waiting = await store.waiting(connection)
    await asyncio.gather(*map(caller.serve, waiting))


async def what_happens(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await world.due_now([followup_of(A, B)])
    await world.fire()
    await world.report(followup_of(A, B), State.THANKED)
    await read_back(world)


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
    async with await door(private, partner=UUID(int=77)) as http:
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
    async with await door(private) as http:
        since = (private.now - timedelta(hours=1)).isoformat()
        replayed = await http.post(f"/v1/webhooks/{webhook['webhook_id']}/replay", json={"since": since})
    assert replayed.json()["queued"] == 3
    await call(private)
    assert len(receiver.got) == 4


async def test_a_replay_comes_once_a_minute(private: World, receiver: Receiver) -> None:
    webhook = await subscribed(private, receiver)
    place = f"/v1/webhooks/{webhook['webhook_id']}/replay"
    await queue(private, webhook)
    async with await door(private) as http:
        for ago, expected in ((None, 202), ("59 seconds", 429), ("61 seconds", 202)):
            await call(private)
            if ago:
                async with private.database.transaction() as tx:
                    await tx.execute(f"update webhook set replayed_at = now() - interval '{ago}'")
            answer = await http.post(place, json={"since": (private.now - timedelta(hours=1)).isoformat()})
            assert answer.status_code == expected
    await call(private)
    assert len(receiver.got) == 3


async def test_a_test_comes_once_in_ten_seconds(private: World, receiver: Receiver) -> None:
    webhook, other = await subscribed(private, receiver), await subscribed(private, receiver)
    place = f"/v1/webhooks/{webhook['webhook_id']}/test"
    async with await door(private) as http:
        both = await asyncio.gather(http.post(place), http.post(place))
        assert sorted(each.status_code for each in both) == [202, 429]
        (refused,) = (each for each in both if each.status_code == 429)
        assert 0 < int(refused.headers["Retry-After"]) <= 10
        assert refused.json()["type"] == "/problems/too-often"
        assert (await http.post(f"/v1/webhooks/{other['webhook_id']}/test")).status_code == 202
        async with private.database.transaction() as tx:
            await tx.execute("update webhook set tested_at = now() - interval '11 seconds'")
        assert (await http.post(place)).status_code == 202
    assert await private.value("select count(*) from webhook_message") == 3


@pytest.mark.parametrize("failure", ["500 No", "302 Found", "hang up"])
async def test_a_failed_call_is_repeated_with_the_same_id(private: World, receiver: Receiver, failure: str) -> None:
    webhook = await subscribed(private, receiver)
    receiver.answers = [failure, "200 OK"]
    async with await door(private) as http:
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
    async with await door(private) as http:
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
    async with await door(private) as http:
        await http.post(f"/v1/webhooks/{webhook['webhook_id']}/test")
    for _ in range(12):
        await call(private)
    assert len(receiver.got) == 10
    assert await private.value("select disabled_reason from webhook") == "failing"


async def test_a_private_address_is_never_called(world: World, receiver: Receiver) -> None:
    async with await door(world) as http:
        assert (await http.post("/v1/webhooks", json={"url": receiver.url})).status_code == 422
        for url in (
            "ftp://x",
            "https://user:pw@example.org/",
            "https://",
            "https://x/\r\nHost: y",
            "https://x:99999/",
            "https://[x/",
        ):
            assert (await http.post("/v1/webhooks", json={"url": url})).status_code == 422, url
        assert (await http.post("/v1/webhooks", json={"url": "https://x.example", "types": ["met"]})).status_code == 422
        secure = receiver.url.replace("http://", "https://")
        webhook = (await http.post("/v1/webhooks", json={"url": secure})).json()
        await http.post(f"/v1/webhooks/{webhook['webhook_id']}/test")
    await serve(world, Caller(world.database, private=False))
    assert receiver.got == []
    assert await world.value("select attempt from webhook_message") == 1


async def test_a_secret_is_changed_without_a_gap(private: World, receiver: Receiver) -> None:
    webhook = await subscribed(private, receiver)
    place = f"/v1/webhooks/{webhook['webhook_id']}"
    async with await door(private) as http:
        rotated = await http.post(f"{place}/secret", json={}, headers={"Idempotency-Key": "rotation"})
        again = await http.post(f"{place}/secret", json={}, headers={"Idempotency-Key": "rotation"})
        assert (rotated.status_code, again.json()) == (201, rotated.json())
        assert (await http.post(f"{place}/secret", json={"overlap_hours": 169})).status_code == 422
        assert (await http.post(f"/v1/webhooks/{UUID(int=9)}/secret", json={})).status_code == 404
        await queue(private, webhook)
        await call(private)
        async with private.database.transaction() as tx:
            await tx.execute("update webhook set former_until = now()")
        await queue(private, webhook)
        await call(private)
    old, new = Webhook(webhook["secret"]), Webhook(rotated.json()["secret"])
    (during, body), (after, later) = receiver.got
    old.verify(body, during)
    new.verify(body, during)
    new.verify(later, after)
    with pytest.raises(WebhookVerificationError):
        old.verify(later, after)


async def test_a_foreign_webhook_is_not_there(private: World, receiver: Receiver) -> None:
    webhook = await subscribed(private, receiver)
    place = f"/v1/webhooks/{webhook['webhook_id']}"
    async with await door(private, partner=UUID(int=77)) as http:
        assert (await http.get("/v1/webhooks")).json() == []
        assert (await http.post(f"{place}/test")).status_code == 404
        assert (await http.post(f"{place}/replay", json={"since": "2026-01-01T00:00:00Z"})).status_code == 404
        assert (await http.delete(place)).status_code == 404
    async with await door(private) as http:
        assert (await http.delete(place)).status_code == 204
        assert (await http.get("/v1/webhooks")).json() == []


async def test_two_callers_call_once(private: World, receiver: Receiver) -> None:
    webhook = await subscribed(private, receiver)
    await queue(private, webhook, 15)
    await asyncio.gather(call(private, due=False), call(private, due=False), call(private, due=False))
    assert len(receiver.got) == len({headers["webhook-id"] for headers, _ in receiver.got}) == 15


@pytest.fixture
async def calling(private: World) -> AsyncIterator[World]:
    """With the loop that calls, which looks for news by itself once an hour only."""
    task = asyncio.create_task(webhooks.run(private.database, 3600, private=True))
    yield private
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(receiver: Receiver, count: int) -> None:
    async with asyncio.timeout(60):
        while len(receiver.got) < count:
            await asyncio.sleep(0.01)


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
    await until(receiver, 1)
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
    async with await door(calling) as http:
        await http.post(f"/v1/webhooks/{webhook['webhook_id']}/test")
    await until(receiver, 6)


async def test_an_answer_counts_although_the_server_never_closes(
    private: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does over TLS that does not answer the end of the connection."""

    async def never(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    webhook = await subscribed(private, receiver)
    async with await door(private) as http:
        await http.post(f"/v1/webhooks/{webhook['webhook_id']}/test")
    monkeypatch.setattr(webhooks, "TIMEOUT", 20.0)
    monkeypatch.setattr(asyncio.StreamWriter, "wait_closed", never)
    await call(private)
    assert await private.value("select state from webhook_message") == "sent"


async def test_a_partner_has_so_many_webhooks_and_no_more(private: World, receiver: Receiver) -> None:
    for _ in range(MOST):
        await subscribed(private, receiver)
    async with await door(private) as http:
        assert (await http.post("/v1/webhooks", json={"url": receiver.url})).status_code == 409
    async with await door(private, partner=UUID(int=77)) as http:
        assert (await http.post("/v1/webhooks", json={"url": receiver.url})).status_code == 201
