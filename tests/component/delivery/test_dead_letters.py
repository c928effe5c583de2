"""What cannot be applied: put aside with its reason, never too much of it, replayed, found and erased."""

from typing import Any
from uuid import UUID

import pytest

from shared.contracts.followup_done import FollowupDone
from shared.contracts.met import Met
from shared.delivery import consumer as consumer_module
from shared.delivery import dead_letter
from shared.delivery.broker import MAX_RECORDS
from shared.delivery.consumer import TooManyDeadLetters
from shared.delivery.record import Record
from shared.platform.database import Database
from shared.platform.ids import derived
from tests.component.delivery.ledger import (
    POISON,
    broken,
    consumer_on,
    ledger_of,
    letters_of,
    met,
    on_met,
    record_of,
)
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres


async def test_poison_in_a_full_batch(database: Database) -> None:
    """Three records that fail alone: the others are applied in their order, in few transactions."""
    poison = {0, 501, 999}
    batch = [record_of(met(n, talk_seconds=POISON if n in poison else 60), offset=n) for n in range(MAX_RECORDS)]
    transactions = 0

    def count() -> None:
        nonlocal transactions
        transactions += 1

    database.after_commit.append(count)
    await consumer_on(database).apply(batch)
    assert transactions < 40
    whole = [str(derived("meeting", n)) for n in range(MAX_RECORDS) if n not in poison]
    assert len(await ledger_of(database)) == len(whole)
    assert [event.key for event in await outbox_of(database) if event.topic == FollowupDone.topic] == whole
    letters = {letter.record.offset: letter for letter in await letters_of(database)}
    assert letters.keys() == poison
    for offset, letter in letters.items():
        assert letter.reason == "handler"
        assert letter.error.startswith("ZeroDivisionError")
        assert letter.record.value == batch[offset].value


async def test_undecodable_bytes_become_dead_letters_with_their_reason(database: Database) -> None:
    whole = record_of(met(0))
    odd = [
        broken(1),
        broken(2, value=None),
        broken(3, value=b"x" * 950_000),
        Record("met", 0, 4, whole.key, whole.value, ()),
        Record("met", 0, 5, b"\xff", whole.value, whole.headers),
        Record("met", 0, 6, b"another key", whole.value, whole.headers),
        Record("met", 0, 7, whole.key, whole.value, (*whole.headers, ("nul\0", b"\xff\0"))),
        Record("met", 0, 8, whole.key, whole.value, tuple((name, None) for name, _ in whole.headers)),
    ]
    good = [record_of(met(n), offset=100 + n) for n in range(40)]
    await consumer_on(database).apply(good[:20] + odd + good[20:])
    reasons = {letter.record.offset: letter.reason for letter in await letters_of(database)}
    assert reasons == {
        1: "payload",
        2: "tombstone",
        3: "size",
        4: "envelope",
        5: "envelope",
        6: "payload",
        7: "envelope",
        8: "envelope",
    }
    assert len(await ledger_of(database)) == 40
    async with database.connection() as connection:
        topics = await connection.fetch("select distinct topic from outbox where topic like '%dlq'")
    assert [row["topic"] for row in topics] == ["met.survey.dlq"]


async def test_what_reading_did_not_foresee_is_a_dead_letter_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Met.read

    def reading(data: bytes) -> Met:
        if b"86399" in data:
            raise RuntimeError("nobody thought of this")
        return read(data)

    monkeypatch.setattr(Met, "read", reading)
    await consumer_on(database).apply([record_of(met(n, talk_seconds=POISON - n), offset=n) for n in range(3)])
    assert len(await ledger_of(database)) == 2
    (letter,) = await letters_of(database)
    assert (letter.record.offset, letter.reason) == (0, "unreadable")
    assert "nobody" not in letter.error


async def test_too_many_dead_letters_stop_the_service_and_skip_nothing(database: Database) -> None:
    batch = [record_of(met(n), offset=n) for n in range(60)] + [broken(n) for n in range(60, 90)]
    with pytest.raises(TooManyDeadLetters):
        await consumer_on(database).apply(batch)
    assert await ledger_of(database) == []
    assert await letters_of(database) == []


async def test_dead_letters_in_a_row_stop_the_service(database: Database) -> None:
    consumer = consumer_on(database)
    for n in range(consumer_module.MAX_CONSECUTIVE):
        await consumer.apply([broken(n)])
    with pytest.raises(TooManyDeadLetters):
        await consumer.apply([broken(99)])
    assert len(await letters_of(database)) == consumer_module.MAX_CONSECUTIVE


async def test_a_row_of_dead_letters_goes_on_from_batch_to_batch(database: Database) -> None:
    consumer, most = consumer_on(database), consumer_module.MAX_CONSECUTIVE
    await consumer.apply([record_of(met(n), offset=n) for n in range(300)] + [broken(300 + n) for n in range(most)])
    with pytest.raises(TooManyDeadLetters):
        await consumer.apply([broken(400), record_of(met(401), offset=401)])


async def test_a_handler_that_always_fails_stops_the_service_early(database: Database) -> None:
    calls = 0

    async def failing(tx: Any, events: Any) -> None:
        nonlocal calls
        calls += 1
        raise KeyError("a bug")

    with pytest.raises(TooManyDeadLetters):
        await consumer_on(database, failing).apply([record_of(met(n), offset=n) for n in range(MAX_RECORDS)])
    assert calls < 3 * consumer_module.MAX_CONSECUTIVE
    assert await letters_of(database) == []


async def test_many_dead_letters_between_good_records_do_not_stop_the_service(database: Database) -> None:
    """A tenth of a batch is below the limit, and good records between them break the row."""
    records = [broken(n) if n % 10 == 0 else record_of(met(n), offset=n) for n in range(MAX_RECORDS)]
    await consumer_on(database).apply(records)
    assert len(await ledger_of(database)) == MAX_RECORDS * 9 // 10
    async with database.connection() as connection:
        assert await connection.fetchval("select count(*) from dead_letter") == MAX_RECORDS // 10


@pytest.mark.parametrize("too_long", [range(101, 501), range(101, 301)], ids=["the whole", "a half"])
async def test_a_record_that_fails_in_a_batch_that_takes_too_long_is_a_dead_letter(
    database: Database, too_long: range
) -> None:
    """The rest is applied, once and in order, and the batch is not put back."""

    async def slow(tx: Any, events: Any) -> None:
        if len(events) in too_long:
            raise TimeoutError
        await on_met(tx, events)

    poison = {0, 40, 250}
    batch = [record_of(met(n, talk_seconds=POISON if n in poison else 60), offset=n) for n in range(500)]
    await consumer_on(database, slow).apply([*batch, broken(500)])
    whole = [derived("meeting", n) for n in range(500) if n not in poison]
    assert [each for each, _ in await ledger_of(database)] == whole
    assert {(letter.record.offset, letter.reason) for letter in await letters_of(database)} == {
        *((n, "handler") for n in poison),
        (500, "payload"),
    }


async def test_a_dead_letter_is_replayed_once_it_can_be(database: Database) -> None:

    async def failing(tx: Any, events: Any) -> None:
        raise KeyError("a bug")

    await consumer_on(database, failing).apply([record_of(met(7), offset=7)])
    (letter,) = await letters_of(database)
    assert not await consumer_on(database, failing).replay(letter)
    assert await consumer_on(database).replay(letter)
    assert await letters_of(database) == []
    assert [each for each, _ in await ledger_of(database)] == [derived("meeting", 7)]


async def test_a_dead_letter_is_found_by_its_id_behind_any_number_of_others(database: Database) -> None:
    for start in range(0, 120, 30):
        await consumer_on(database).apply([broken(start + n) for n in range(30)])
    async with database.connection() as connection:
        last = (await dead_letter.listed(connection, limit=None))[-1]
        assert len(await dead_letter.listed(connection)) == 100
        assert await dead_letter.listed(connection, ids=[last.id], limit=None) == [last]
        assert await dead_letter.listed(connection, topic="met", ids=[UUID(int=1)], limit=None) == []


async def test_erasure_reaches_dead_letters(database: Database) -> None:
    """Those of the key, and those of others that name it."""
    await consumer_on(database).apply([broken(n) for n in range(3)])
    await consumer_on(database).apply([record_of(met(n, talk_seconds=POISON), offset=10 + n) for n in range(3)])
    async with database.transaction() as tx:
        assert await dead_letter.erase(tx, []) == 0
        assert await dead_letter.erase(tx, [derived("meeting", 1), derived("b", 2)]) == 3
    assert {letter.record.offset for letter in await letters_of(database)} == {0, 2, 10}
