"""Delivery on a real broker: redelivery, rebalance, relay crash, poison, tombstones, graceful stop."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.contracts.envelope import Event
from shared.contracts.followup_done import FollowupDone
from shared.contracts.met import Met
from shared.contracts.registered import Attributes, Registered
from shared.delivery import dead_letter, outbox, relay
from shared.delivery.fold import newest
from shared.delivery.outbox import Outgoing
from shared.platform import clock
from shared.platform.database import Connection, Database
from shared.platform.ids import derived, uuid7
from tests.background import background, until
from tests.component.delivery.ledger import LEDGER, POISON, met, on_met
from tests.conftest import OpenDatabase
from tests.integration.conftest import consuming, fresh_group, publish, read_all

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]
OUT = Outgoing("matching", clock.now())


async def ledger_counts(database: Database, meetings: set[UUID]) -> Counter[UUID]:
    """How often each of these meetings was applied."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "select meeting_id from ledger where meeting_id = any($1::uuid[])", list(meetings)
        )
    return Counter(row["meeting_id"] for row in rows)


def fresh_meetings(count: int, **more: Any) -> list[Event[Any]]:
    """Meetings that no other test has."""
    start = uuid7().int >> 64 & 0xFFFFFFFF
    return [OUT.event(met(start * 10_000 + n, **more)) for n in range(count)]


async def all_applied(database: Database, meetings: set[UUID]) -> bool:
    return set(await ledger_counts(database, meetings)) == meetings


async def test_a_group_that_starts_over_applies_nothing_twice(kafka: str, open_database_for: OpenDatabase) -> None:
    database = await open_database_for(LEDGER)
    events = fresh_meetings(300)
    meetings = {UUID(event.key) for event in events}
    await publish(kafka, events)
    async with consuming(database, kafka, {Met: on_met}, group=fresh_group()):
        await until(lambda: all_applied(database, meetings), "first delivery")
    group = fresh_group()  # no offsets: everything comes again
    async with consuming(database, kafka, {Met: on_met}, group=group):
        more = fresh_meetings(1)
        await publish(kafka, more)
        await until(lambda: all_applied(database, {UUID(more[0].key)}), "the end of the topic")
        await asyncio.sleep(0.5)
    assert set((await ledger_counts(database, meetings)).values()) == {1}


async def test_two_members_share_and_a_lost_one_is_taken_over(kafka: str, open_database_for: OpenDatabase) -> None:
    database = await open_database_for(LEDGER)
    group = fresh_group()
    seen: Counter[str] = Counter()

    def counting(name: str) -> Any:
        async def apply(tx: Connection, events: Sequence[Event[Met]]) -> None:
            seen[name] += len(events)
            await on_met(tx, events)

        return apply

    first: list[Event[Any]] = []
    second = fresh_meetings(400)

    async def both_take_part() -> bool:
        some = fresh_meetings(100)
        await publish(kafka, some)
        first.extend(some)
        await until(lambda: all_applied(database, {UUID(e.key) for e in some}), "a hundred more")
        return bool(seen["one"] and seen["two"])

    async with consuming(database, kafka, {Met: counting("one")}, group=group, replica="one"):
        async with consuming(database, kafka, {Met: counting("two")}, group=group, replica="two"):
            await until(both_take_part, "both members at work")  # partitions move when the second has joined
        # A static member does not leave; its partitions move when its session has ended.
        await publish(kafka, second)
        await until(lambda: all_applied(database, {UUID(e.key) for e in second}), "the member that stayed")
    counts = await ledger_counts(database, {UUID(e.key) for e in first + second})
    assert set(counts.values()) == {1}


async def test_poison_in_a_batch_is_put_aside_and_the_rest_goes_on(kafka: str, open_database_for: OpenDatabase) -> None:
    database = await open_database_for(LEDGER)
    events = fresh_meetings(500)
    poison = fresh_meetings(1, talk_seconds=POISON)[0]
    mixed = [*events[:250], poison, *events[250:]]
    await publish(kafka, mixed, damage={10: b"\xff\xfe", 400: b"{}"})
    good = {UUID(e.key) for at, e in enumerate(mixed) if at not in (10, 250, 400)}
    async with consuming(database, kafka, {Met: on_met}, group=fresh_group()):
        await until(lambda: all_applied(database, good), "the good records")

        async def three() -> bool:
            async with database.connection() as connection:
                own = {mixed[at].key.encode() for at in (10, 250, 400)}
                return own <= {letter.record.key for letter in await dead_letter.listed(connection)}

        await until(three, "three dead letters")
    async with background(relay.run(database.url, kafka, "test", database.committed)):

        async def empty() -> bool:
            async with database.connection() as connection:
                return (await outbox.measure(connection))[0] == 0

        await until(empty, "the outbox to drain")
    published = {dict(r.headers)["enishi_reason"] for r in await read_all(kafka, "met.survey.dlq")}
    assert {b"handler", b"payload"} <= published


async def test_headers_that_are_no_text_are_put_aside_too(kafka: str, open_database_for: OpenDatabase) -> None:
    """Kafka takes any bytes as a header's value, and none at all."""
    database = await open_database_for(LEDGER)
    odd, good = fresh_meetings(2), fresh_meetings(1)
    producer = relay.build_producer(kafka, "odd")
    await producer.start()
    values: tuple[Any, Any] = (b"\xff", None)
    for event, value in zip(odd, values, strict=True):
        headers = [(name, value) for name in event.headers()]
        await producer.send_and_wait(event.topic, event.value(), key=event.key.encode(), headers=headers)
    await producer.stop()
    await publish(kafka, good)
    async with consuming(database, kafka, {Met: on_met}, group=fresh_group()):
        await until(lambda: all_applied(database, {UUID(good[0].key)}), "the good record")

        async def both() -> bool:
            async with database.connection() as connection:
                letters = await dead_letter.listed(connection, limit=None)
            return {event.key.encode() for event in odd} <= {letter.record.key for letter in letters}

        await until(both, "two dead letters")


async def test_a_relay_that_dies_between_acknowledgement_and_delete_repeats_the_same_id(
    kafka: str, open_database_for: OpenDatabase
) -> None:
    database = await open_database_for(LEDGER)
    events = fresh_meetings(50)
    async with database.transaction() as tx:
        await outbox.add(tx, events)
    producer = relay.build_producer(kafka, "dying")
    await producer.start()
    connection = await asyncpg.connect(database.url)

    class Dies:
        """The connection of a relay that is killed once Kafka has acknowledged."""

        async def fetch(self, *arguments: Any) -> Any:
            return await connection.fetch(*arguments)

        async def execute(self, *arguments: Any) -> Any:
            raise ConnectionResetError("killed")

    with pytest.raises(ConnectionResetError):
        await relay.publish_batch(Dies(), producer)  # type: ignore[arg-type]
    await relay.publish_batch(connection, producer)
    await producer.stop()
    await connection.close()

    keys = {event.key.encode() for event in events}
    mine = [record for record in await read_all(kafka, "met") if record.key in keys]
    ids = Counter(dict(record.headers)["ce_id"] for record in mine)
    assert set(ids.values()) == {2}, "each was published twice, under one id"
    async with consuming(database, kafka, {Met: on_met}, group=fresh_group()):
        await until(lambda: all_applied(database, {UUID(e.key) for e in events}), "the effects")
    assert set((await ledger_counts(database, {UUID(e.key) for e in events})).values()) == {1}


async def test_one_relay_leads_and_keeps_the_order_of_a_key(kafka: str, open_database_for: OpenDatabase) -> None:
    database = await open_database_for(LEDGER)
    key = uuid7().int & 0xFFFFFFFF
    async with (
        background(relay.run(database.url, kafka, "one", database.committed)),
        background(relay.run(database.url, kafka, "two", database.committed)),
    ):
        for revision in range(1, 301):
            async with database.transaction() as tx:
                await outbox.add(tx, [OUT.event(met(key, revision=revision))])

        async def empty() -> bool:
            async with database.connection() as connection:
                return (await outbox.measure(connection))[0] == 0

        await until(empty, "the outbox to drain")
    wanted = str(derived("meeting", key)).encode()
    revisions = [Met.read(r.value).revision for r in await read_all(kafka, "met") if r.key == wanted]
    assert revisions == list(range(1, 301))


async def test_a_tombstone_is_null_on_the_topic_and_erases(kafka: str, open_database_for: OpenDatabase) -> None:
    database = await open_database_for(LEDGER)
    registration = uuid7()
    snapshot = Registered(
        registration_id=registration,
        gathering_id=uuid7(),
        person_id=uuid7(),
        partner_id=uuid7(),
        revision=1,
        status="accepted",
        purpose="information",
        attributes=Attributes(),
        registered_at=clock.now(),
    )
    seen: list[tuple[list[Registered], list[str]]] = []

    async def on_registered(tx: Connection, events: Sequence[Event[Registered]]) -> None:
        seen.append(newest(events))

    out = Outgoing("registration", clock.now())
    await publish(kafka, [out.event(snapshot), out.tombstone(Registered, registration)])
    async with consuming(database, kafka, {Registered: on_registered}, group=fresh_group()):

        async def erased() -> bool:
            return any(str(registration) in gone for _, gone in seen)

        await until(erased, "the tombstone")
    records = [r for r in await read_all(kafka, "registered") if r.key == str(registration).encode()]
    assert records[-1].value is None


async def test_a_graceful_stop_commits_the_batch_in_flight(kafka: str, open_database_for: OpenDatabase) -> None:
    database = await open_database_for(LEDGER)
    group, started = fresh_group(), asyncio.Event()
    events = fresh_meetings(200)
    meetings = {UUID(event.key) for event in events}
    delivered: Counter[str] = Counter()

    async def slow(tx: Connection, batch: Sequence[Event[Met]]) -> None:
        mine = [event for event in batch if UUID(event.key) in meetings]  # without other tests' poison
        delivered.update(event.key for event in mine)
        if mine and not started.is_set():
            started.set()
            await asyncio.sleep(1)
        if mine:
            await on_met(tx, mine)

    await publish(kafka, events)
    async with consuming(database, kafka, {Met: slow}, group=group):
        await asyncio.wait_for(started.wait(), 90)
    applied = set(await ledger_counts(database, meetings))
    assert applied, "the batch in flight was finished"
    async with consuming(database, kafka, {Met: slow}, group=group):
        await until(lambda: all_applied(database, meetings), "the rest")
    assert all(delivered[str(meeting)] == 1 for meeting in applied), "nothing that was committed came again"


async def test_what_goes_in_comes_out(kafka: str, open_database_for: OpenDatabase) -> None:
    """Topic in, transaction, relay, topic out: the whole path of one service."""
    database = await open_database_for(LEDGER)
    events = fresh_meetings(1000)
    wanted = {event.key.encode() for event in events}
    await publish(kafka, events)
    async with (
        consuming(database, kafka, {Met: on_met}, group=fresh_group()),
        background(relay.run(database.url, kafka, "out", database.committed)),
    ):

        async def out() -> bool:
            return wanted <= {record.key for record in await read_all(kafka, FollowupDone.topic)}

        await until(out, "a thousand events on the outgoing topic")
    with contextlib.suppress(KeyError):
        counts = Counter(r.key for r in await read_all(kafka, FollowupDone.topic) if r.key in wanted)
        assert set(counts.values()) == {1}
