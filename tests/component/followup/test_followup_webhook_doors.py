"""What a partner may do with its webhooks: where they lead, their secrets, how many, how often."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.followup.api.webhooks import MOST
from services.followup.webhooks import Caller
from tests.component.followup.receiving import Receiver, call, queue, serve, subscribed
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres


async def test_a_private_address_is_never_called(world: World, receiver: Receiver) -> None:
    async with await world.api() as http:
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
    async with await private.api() as http:
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
    async with await private.api(UUID(int=77)) as http:
        assert (await http.get("/v1/webhooks")).json() == []
        assert (await http.post(f"{place}/test")).status_code == 404
        assert (await http.post(f"{place}/replay", json={"since": "2026-01-01T00:00:00Z"})).status_code == 404
        assert (await http.delete(place)).status_code == 404
    async with await private.api() as http:
        assert (await http.delete(place)).status_code == 204
        assert (await http.get("/v1/webhooks")).json() == []


async def test_a_partner_has_so_many_webhooks_and_no_more(private: World, receiver: Receiver) -> None:
    for _ in range(MOST):
        await subscribed(private, receiver)
    async with await private.api() as http:
        assert (await http.post("/v1/webhooks", json={"url": receiver.url})).status_code == 409
    async with await private.api(UUID(int=77)) as http:
        assert (await http.post("/v1/webhooks", json={"url": receiver.url})).status_code == 201


async def test_a_replay_comes_once_a_minute(private: World, receiver: Receiver) -> None:
    webhook = await subscribed(private, receiver)
    place = f"/v1/webhooks/{webhook['webhook_id']}/replay"
    await queue(private, webhook)
    async with await private.api() as http:
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
    async with await private.api() as http:
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
