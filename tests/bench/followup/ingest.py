"""Taking meetings in: the handler alone, and the whole of the consumer with decoding and inbox."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from services.followup import handlers
from services.followup.app import read_rules
from shared.contracts.envelope import Event
from shared.contracts.met import Met
from shared.delivery.broker import MAX_RECORDS
from shared.delivery.consumer import Consumer
from shared.delivery.record import Record
from tests.bench.followup.ground import Ground, settings_of


def meetings(count: int, apart: timedelta) -> list[Event[Met]]:
    """Meetings of one gathering, each with two people of its own, in rounds of 100 or each at its own moment."""
    now = datetime.now(UTC)
    found = []
    for n in range(count):
        at = now - timedelta(hours=1) + (n * apart if apart else timedelta(minutes=n // 100 % 60))
        met = Met(
            meeting_id=uuid4(),
            gathering_id=UUID(int=1),
            revision=1,
            a=UUID(int=1000 + 2 * n),
            b=UUID(int=1001 + 2 * n),
            met_at=at,
            source="qr",
        )
        found.append(Event(uuid4(), Met, met.key(), at, "/enishi/bench", met))
    return found


async def handled(ground: Ground, name: str, count: int, apart: timedelta) -> None:
    """The handler alone: events are decoded already, and new."""
    await ground.empty()
    take = handlers.build(read_rules(settings_of(ground.database.url)))[Met]
    events = meetings(count, apart)
    with ground.timed(name, count):
        for start in range(0, count, MAX_RECORDS):
            async with ground.database.transaction() as tx:
                await take(tx, events[start : start + MAX_RECORDS])


async def consumed(ground: Ground, name: str, count: int, apart: timedelta) -> None:
    """Records as they lie on the topic, and then the same again, which must add nothing."""
    await ground.empty()
    settings = settings_of(ground.database.url)
    consumer = Consumer("followup", ground.database, {Met: handlers.build(read_rules(settings))[Met]})
    records = [
        Record(
            topic=Met.topic,
            partition=0,
            offset=n,
            key=event.key.encode(),
            value=event.value(),
            headers=tuple((key, text.encode()) for key, text in event.headers().items()),
        )
        for n, event in enumerate(meetings(count, apart))
    ]
    for way in (name, f"{name}, replayed"):
        with ground.timed(way, count):
            for start in range(0, count, MAX_RECORDS):
                await consumer.apply(records[start : start + MAX_RECORDS])
        async with ground.database.connection() as connection:
            rows = await connection.fetchval("select (select count(*) from followup) + (select count(*) from timer)")
        assert rows == 4 * count, f"{rows} rows of {count} meetings"
