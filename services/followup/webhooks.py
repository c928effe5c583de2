"""Webhooks to partners: at least once, with the same id every time, until answered or given up after three days."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from services.followup import calls
from services.followup.domain import webhooks as rules
from services.followup.store import facts
from services.followup.store import webhooks as store
from services.followup.store.webhooks import Message
from shared.contracts.envelope import Event
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from shared.platform import metrics
from shared.platform.database import Connection, Database

log: Final = structlog.stdlib.get_logger(__name__)

TIMEOUT: Final = 15.0  # seconds for one attempt
LEASE: Final = timedelta(seconds=60)  # well over TIMEOUT
AT_ONCE: Final = 10  # calls of one webhook
KEEP: Final = timedelta(days=7)  # for replays
FORGET_EVERY: Final = 3600.0  # seconds


async def on_own_event(tx: Connection, events: Sequence[Event[FollowupDue] | Event[FollowupDone]]) -> None:
    """What follow-up published goes to the webhooks of the owner's partner. Its id stays: it tells a repetition."""
    messages = [
        (event.id, event.payload.topic, event.payload.owner, _body(event, event.payload))
        for event in events
        if event.payload is not None
    ]
    if not messages:
        return
    if await store.any_unknown(tx, messages):
        await facts.wait_for_facts(tx)  # so that whoever is being registered is known now, or finds these waiting
        await store.put_aside(tx, messages)
    await store.enqueue(tx, messages)


def _body(event: Event[FollowupDue] | Event[FollowupDone], payload: FollowupDue | FollowupDone) -> bytes:
    return rules.body_of(payload.event_type(), event.time.isoformat(), payload.to_json())


class Caller:
    """Calls the webhooks."""

    def __init__(self, database: Database, *, private: bool) -> None:
        self._database, self._private = database, private

    async def serve(self, webhook: UUID) -> None:
        """Deliver what may be delivered to one webhook now."""
        while True:
            # Not `transaction`, which would tell the loop that there is news.
            async with self._database.connection() as connection:
                taken = await store.take(connection, webhook, LEASE, AT_ONCE)
            if not taken:
                return
            await asyncio.gather(*map(self._call, taken))

    async def _call(self, message: Message) -> None:
        headers = {
            "user-agent": "Enishi-Webhooks/1",
            **rules.headers(message.secrets, message.message_id, int(time.time()), message.body),
        }
        status, retry_after = None, None
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await calls.post(message.url, headers, message.body, private=self._private)
            status, retry_after = answer.status, answer.retry_after
        except calls.FAILURES as error:
            log.info("webhook.unreachable", message_id=str(message.message_id), error_type=type(error).__name__)
        await self._conclude(message, status, retry_after)

    async def _conclude(self, message: Message, status: int | None, retry_after: str | None) -> None:
        outcome = "retried"
        async with self._database.transaction() as tx:
            if status is not None and 200 <= status < 300:
                outcome = "sent"
                await store.end(tx, message.id, "sent", status)
            elif status == rules.GONE:
                outcome = "dead"
                await store.end(tx, message.id, "dead", status)
                await store.disable(tx, message.webhook_id, "gone")
            elif (pause := rules.pause(message.attempt, status, retry_after)) is not None:
                await store.retry(tx, message.id, pause, status)
            else:
                outcome = "dead"
                await store.end(tx, message.id, "dead", status)
                await store.disable(tx, message.webhook_id, "failing")
        metrics.webhooks.labels(outcome).inc()


async def run(database: Database, every: float, *, private: bool) -> None:
    """Call for ever, each webhook at its own pace: one that hangs holds nobody else up.

    A commit of this process may have queued something, so it wakes the loop, and so does a webhook that was served.
    """
    caller, wake = Caller(database, private=private), asyncio.Event()
    served: dict[UUID, asyncio.Task[None]] = {}
    database.after_commit.append(wake.set)
    forget_at = 0.0
    try:
        while True:
            wake.clear()
            for webhook in [webhook for webhook, task in served.items() if task.done()]:
                served.pop(webhook).result()
            if time.monotonic() >= forget_at:
                async with database.transaction() as tx:
                    await store.forget(tx, KEEP)
                forget_at = time.monotonic() + FORGET_EVERY
            async with database.connection() as connection:
                waiting = await store.waiting(connection)
            for webhook in waiting - served.keys():
                served[webhook] = asyncio.create_task(caller.serve(webhook))
                served[webhook].add_done_callback(lambda _: wake.set())
            with suppress(TimeoutError):  # and not wait_for, which can swallow a cancellation
                async with asyncio.timeout(every):
                    await wake.wait()
    finally:
        database.after_commit.remove(wake.set)
        for task in served.values():
            task.cancel()
        await asyncio.gather(*served.values(), return_exceptions=True)
