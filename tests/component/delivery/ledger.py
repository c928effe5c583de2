"""A service whose only job is to show what delivery does: each `met` adds a row to a ledger without any unique key,
so that an event applied twice would show, and passes the fact on as `followup-done`."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from fastapi import FastAPI

from shared.contracts.envelope import Event
from shared.contracts.followup_done import FollowupDone
from shared.contracts.met import Met
from shared.contracts.partner import Partner
from shared.delivery import dead_letter, outbox
from shared.delivery.consumer import Consumer, Handler
from shared.delivery.outbox import Outgoing
from shared.delivery.record import Record
from shared.platform import clock
from shared.platform.auth import on_partner
from shared.platform.database import Connection, Database
from shared.platform.http import create_app
from shared.platform.ids import derived
from shared.platform.service import Service
from shared.platform.settings import Settings

POISON = 86_399
"""A meeting that talked this many seconds makes the handler fail."""


async def on_met(tx: Connection, events: Sequence[Event[Met]]) -> None:
    """Write one ledger row and one outgoing event per meeting."""
    if any(event.payload and event.payload.talk_seconds == POISON for event in events):
        raise ZeroDivisionError("poison")
    await tx.execute(
        "insert into ledger (meeting_id, revision) select * from unnest($1::uuid[], $2::int[])",
        [UUID(event.key) for event in events],
        [event.payload.revision for event in events if event.payload],
    )
    out = Outgoing("survey", clock.now())
    await outbox.add(tx, [out.event(_passed_on(event.payload)) for event in events if event.payload])


def _passed_on(met: Met) -> FollowupDone:
    return FollowupDone(
        followup_id=met.meeting_id,
        gathering_id=met.gathering_id,
        owner=met.a,
        other=met.b,
        revision=met.revision,
        state="open",
        met_at=met.met_at,
        deadline_at=met.met_at,
        occurred_at=met.met_at,
        recorded_at=met.met_at,
    )


def _http(settings: Settings, database: Database) -> FastAPI:
    return create_app("survey", database)


LEDGER = Service(
    name="survey",
    settings=Settings,
    migrations=Path(__file__).parent / "migrations",
    http=_http,
    handlers=lambda settings: {Met: on_met, Partner: on_partner},
)


def met(number: int, *, revision: int = 1, talk_seconds: int | None = None) -> Met:
    """The meeting of a number: the same ids for the same number."""
    a, b = sorted((derived("a", number), derived("b", number)))
    return Met(
        meeting_id=derived("meeting", number),
        gathering_id=derived("gathering"),
        revision=revision,
        a=a,
        b=b,
        met_at=clock.now(),
        talk_seconds=talk_seconds,
        source="partner",
    )


def record_of(payload: Met, *, offset: int = 0, event_id: UUID | None = None) -> Record:
    """A record as a topic would deliver it."""
    event = Outgoing("matching", clock.now()).event(payload, event_id=event_id)
    headers = tuple((name, text.encode()) for name, text in event.headers().items())
    return Record(event.topic, 0, offset, event.key.encode(), event.value(), headers)


def broken(offset: int, value: bytes | None = b"\xff\xfe not json") -> Record:
    """A record whose value is no event."""
    whole = record_of(met(offset), offset=offset)
    return Record(whole.topic, 0, offset, whole.key, value, whole.headers)


def consumer_on(database: Database, handler: Handler = on_met) -> Consumer:
    """A consumer of meetings, whose handler may be one that fails."""
    return Consumer(LEDGER.name, database, {Met: handler})


async def ledger_of(database: Database) -> list[tuple[UUID, int]]:
    async with database.connection() as connection:
        return [tuple(row) for row in await connection.fetch("select meeting_id, revision from ledger order by at")]


async def letters_of(database: Database) -> list[dead_letter.DeadLetter]:
    async with database.connection() as connection:
        return await dead_letter.listed(connection)
