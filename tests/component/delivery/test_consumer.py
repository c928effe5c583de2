"""The consumer on a real PostgreSQL: once, in order, and nothing lost."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.delivery import consumer as consumer_module
from shared.delivery.record import Record
from shared.platform.database import Database
from shared.platform.ids import derived
from tests.component.delivery.ledger import (
    LEDGER,
    broken,
    consumer_on,
    ledger_of,
    letters_of,
    met,
    on_met,
    record_of,
)
from tests.conftest import OpenDatabase, outbox_of

pytestmark = pytest.mark.postgres


async def test_three_writes_or_none(database: Database) -> None:
    await consumer_on(database).apply([record_of(met(n), offset=n) for n in range(500)])
    assert len(await ledger_of(database)) == 500
    assert [event.key for event in await outbox_of(database)] == [str(derived("meeting", n)) for n in range(500)]
    async with database.connection() as connection:
        assert await connection.fetchval("select count(*) from inbox") == 500


async def test_redelivery_is_a_no_op(database: Database) -> None:
    batch = [record_of(met(n), offset=n) for n in range(100)]
    consumer = consumer_on(database)
    await consumer.apply(batch)
    await consumer.apply(batch + batch[:50])
    assert len(await ledger_of(database)) == 100


async def test_the_same_event_twice_in_one_batch_counts_once(database: Database) -> None:
    one = record_of(met(1))
    await consumer_on(database).apply([one, one, record_of(met(2)), one])
    assert len(await ledger_of(database)) == 2


async def test_two_members_that_overlap_apply_a_batch_once(database: Database) -> None:
    """As in a rebalance, when the old owner still works on what the new one was given."""
    batch = [record_of(met(n), offset=n) for n in range(200)]
    await asyncio.gather(*(consumer_on(database).apply(batch) for _ in range(4)))
    assert len(await ledger_of(database)) == 200
    assert len(await outbox_of(database)) == 200


async def test_a_type_from_the_future_is_skipped(database: Database) -> None:
    whole = record_of(met(0))
    headers = tuple((n, b"enishi.met.v2" if n == "ce_type" else v) for n, v in whole.headers)
    await consumer_on(database).apply([Record("met", 0, 0, whole.key, whole.value, headers)])
    assert await ledger_of(database) == []
    assert await letters_of(database) == []


async def test_a_lost_database_is_not_a_dead_letter(database: Database, monkeypatch: Any) -> None:
    calls = 0

    async def flaky(tx: Any, events: Any) -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise ConnectionResetError
        await on_met(tx, events)

    monkeypatch.setattr(consumer_module, "BACKOFF_FIRST", 0.001)
    consumer = consumer_on(database, flaky)
    batch = [record_of(met(n), offset=n) for n in range(10)]
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            await consumer.apply(batch)
    await consumer.apply(batch)
    assert len(await ledger_of(database)) == 10
    assert await letters_of(database) == []


async def test_a_batch_that_takes_too_long_is_taken_in_parts(database: Database) -> None:
    """What the parts before a failure did stays, so that the next delivery has less to do."""
    breaks_at = 160

    async def slow(tx: Any, events: Any) -> None:
        if len(events) > 100 or any(event.payload.meeting_id == derived("meeting", breaks_at) for event in events):
            raise TimeoutError
        await on_met(tx, events)

    batch = [record_of(met(n), offset=n) for n in range(500)]
    consumer = consumer_on(database, slow)
    with pytest.raises(TimeoutError):
        await consumer.apply([*batch, broken(500)])
    assert len(await ledger_of(database)) == breaks_at
    breaks_at = -1
    await consumer.apply([*batch, broken(500)])
    assert [meeting for meeting, _ in await ledger_of(database)] == [derived("meeting", n) for n in range(500)]
    assert [letter.reason for letter in await letters_of(database)] == ["payload"]


async def test_a_crash_between_two_parts_doubles_nothing(database: Database) -> None:

    async def dies(tx: Any, events: Any) -> None:
        if len(events) > 100:
            raise TimeoutError
        await on_met(tx, events)
        if any(event.payload.meeting_id == derived("meeting", 160) for event in events):
            raise asyncio.CancelledError

    batch = [record_of(met(n), offset=n) for n in range(500)]
    batch += batch[:40]  # and what is in two parts is applied in one
    with pytest.raises(asyncio.CancelledError):
        await consumer_on(database, dies).apply(batch)
    assert len(await ledger_of(database)) == 160
    await consumer_on(database).apply(batch)
    whole = [derived("meeting", n) for n in range(500)]
    assert [each for each, _ in await ledger_of(database)] == whole
    assert [event.key for event in await outbox_of(database)] == [str(each) for each in whole]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=st.lists(st.lists(st.integers(0, 30), max_size=25), max_size=6))
async def test_any_batches_with_any_repetition_apply_each_event_once(
    open_database_for: OpenDatabase, deliveries: list[list[int]]
) -> None:
    database = await open_database_for(LEDGER)
    records = {n: record_of(met(n), offset=n) for n in range(31)}
    consumer = consumer_on(database)
    for delivery in deliveries:
        await consumer.apply([records[n] for n in delivery])
    seen = {n for delivery in deliveries for n in delivery}
    assert sorted(each for each, _ in await ledger_of(database)) == sorted(derived("meeting", n) for n in seen)
