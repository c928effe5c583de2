"""What the component tests of follow-up share: a database with people who met, and a short way to feed facts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.followup import handlers, operations
from services.followup.app import SERVICE, read_rules
from services.followup.domain import identity
from services.followup.domain.states import State
from services.followup.operations import Statement
from services.followup.rules import Rules
from services.followup.store import timers
from services.followup.store.followups import Known
from shared.contracts.contact import Channels, Contact
from shared.contracts.contract import Contract
from shared.contracts.envelope import Event
from shared.contracts.gathering import Gathering
from shared.contracts.met import Met
from shared.contracts.met_note import MetNote
from shared.contracts.profile import Profile
from shared.contracts.registered import Attributes, Registered
from shared.platform.database import Database
from tests.conftest import OpenDatabase, settings_for

GATHERING = UUID(int=0xA)
PARTNER = UUID(int=0xB)
PEOPLE = [UUID(int=0x100 + n) for n in range(6)]


def event(payload: Contract, at: datetime) -> Event[Any]:
    return Event(uuid4(), type(payload), payload.key(), at, "/enishi/test", payload)


def tombstone(contract: type[Contract], key: UUID, at: datetime) -> Event[Any]:
    return Event(uuid4(), contract, str(key), at, "/enishi/test", None)


def gathering(at: datetime, revision: int = 1, zone: str = "Asia/Tokyo") -> Gathering:
    return Gathering(
        gathering_id=GATHERING,
        partner_id=PARTNER,
        revision=revision,
        phase="ended",
        title="ものづくり交流会",
        starts_at=at - timedelta(hours=2),
        ends_at=at,
        time_zone=zone,
        capacity=60,
    )


def registered(person: UUID, at: datetime, revision: int = 1) -> Registered:
    return Registered(
        registration_id=person,
        gathering_id=GATHERING,
        person_id=UUID(int=person.int + 0x1000),
        partner_id=PARTNER,
        revision=revision,
        status="accepted",
        attendance="checked_in",
        purpose="partner_search",
        attributes=Attributes(),
        registered_at=at,
    )


def profile(person: UUID, revision: int = 1, **more: Any) -> Profile:
    number = person.int - 0x100
    values = {
        "name": f"参加者{number}",
        "company": f"会社{number}",
        "needs": f"探し物{number}",
        "offers": f"持ち物{number}",
    }
    return Profile(registration_id=person, gathering_id=GATHERING, revision=revision, **{**values, **more})


def contact(person: UUID, revision: int = 1, *, thanks: bool = True, **more: Any) -> Contact:
    return Contact(
        registration_id=person,
        gathering_id=GATHERING,
        person_id=UUID(int=person.int + 0x1000),
        revision=revision,
        email=f"p{person.int}@example.org",
        channels=Channels(thanks=thanks),
        **more,
    )


def met(a: UUID, b: UUID, at: datetime, revision: int = 1, *, mutual: bool = False) -> Met:
    low, high = sorted((a, b))
    return Met(
        meeting_id=UUID(int=low.int * 0x10000 + high.int),
        gathering_id=GATHERING,
        revision=revision,
        a=low,
        b=high,
        met_at=at,
        source="qr",
        mutual_interest=mutual,
    )


def met_note(author: UUID, about: UUID, text: str, at: datetime, revision: int = 1) -> MetNote:
    return MetNote(
        note_id=UUID(int=author.int * 0x10000 + about.int),
        meeting_id=uuid4(),
        gathering_id=GATHERING,
        author=author,
        about=about,
        revision=revision,
        text=text,
        topics=("教材",),
        written_at=at,
    )


def followup_of(owner: UUID, other: UUID) -> UUID:
    return identity.followup_id(GATHERING, owner, other)


@dataclass
class World:
    """A database of follow-up and what may happen to it."""

    database: Database
    settings: Any
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    keys: dict[UUID, dict[str, str]] = field(default_factory=dict)
    """One API key header for each partner."""

    @property
    def rules(self) -> Rules:
        return read_rules(self.settings)

    async def hear(self, events: Sequence[Event[Any]]) -> None:
        """Apply events in their order, one transaction for each run of one topic."""
        known = handlers.build(self.rules)
        async with self.database.transaction() as tx:
            for each in events:
                await known[each.type](tx, [each])

    async def people_who_met(self, pairs: Iterable[tuple[int, int]], at: datetime | None = None) -> None:
        """Everybody registered, and these pairs met just now, so that nothing is due yet."""
        at = at or self.now - timedelta(minutes=10)
        facts = [event(gathering(self.now), at)]
        for person in PEOPLE:
            facts += [event(registered(person, at), at), event(profile(person), at), event(contact(person), at)]
        facts += [event(met(PEOPLE[a], PEOPLE[b], at), at) for a, b in pairs]
        await self.hear(facts)

    async def fire(self, limit: int = 500) -> int:
        """Fire what is due; return how many."""
        connection = await timers.connect(self.database.url)
        try:
            return sum(each.count for each in (await timers.fire(connection, limit)).fired)
        finally:
            await connection.close()

    async def report(self, followup: UUID, state: State, outcome: str | None = None, **more: Any) -> Known:
        async with self.database.transaction() as tx:
            statement = Statement(followup, state, outcome, **more)
            (verdict,) = await operations.report(tx, self.rules, datetime.now(UTC), [statement], "owner")
        assert isinstance(verdict, Known), verdict
        return verdict

    async def rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    async def value(self, query: str, *arguments: Any) -> Any:
        async with self.database.connection() as connection:
            return await connection.fetchval(query, *arguments)

    async def due_now(self, ids: Sequence[UUID] | None = None) -> None:
        """Let the time come for timers: their due time and the plan's are set to just now."""
        async with self.database.transaction() as tx:
            await tx.execute(
                "update timer set due_at = now() - interval '1 second' where $1::uuid[] is null or followup_id = any($1)",
                ids,
            )


async def fill(database: Database, *, due: int, ahead: int) -> None:
    """Follow-ups with one timer each, spread evenly: `due` of them overdue by up to an hour, `ahead` in the future."""
    async with database.transaction() as tx:
        await tx.execute(
            "insert into followup select r.* from (select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
            " as id, $3::uuid, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now(), now(), 1, false, 1,"
            " null::timestamptz, null::timestamptz, now() + interval '1 day', false, 'open', now(), now(), null::text,"
            " null::timestamptz, null::timestamptz, false, null::timestamptz, '{1,2}'::smallint[],"
            " '{thank_draft,thank_last_call}'::text[], array[case when n <= $1 then now() - n * interval '1 hour' / $1"
            " else now() + n * interval '1 second' end, now() + interval '2 days'],"
            " array[now() + interval '1 day', now() + interval '3 days'], 1, 1"
            " from generate_series(1, $1::int + $2::int) as n) as r",
            due,
            ahead,
            GATHERING,
        )
        await tx.execute("insert into timer select id, owner, 1, due[1], 1 from followup")


@pytest.fixture
async def world(open_database_for: OpenDatabase) -> World:
    database = await open_database_for(SERVICE)
    return World(database, settings_for(SERVICE, database.url))
