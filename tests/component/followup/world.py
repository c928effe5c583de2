"""A database of follow-up, what may happen to it, and who may ask it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from services.followup import digests, handlers, operations
from services.followup.app import SERVICE, build_links, read_rules
from services.followup.domain.states import State
from services.followup.operations import Statement
from services.followup.rules import Rules
from services.followup.store import timers
from services.followup.store.followups import Known
from shared.contracts.envelope import Event
from shared.platform.database import Database
from tests.component.followup.facts import (
    GATHERING,
    PARTNER,
    PEOPLE,
    contact,
    event,
    followup_of,
    gathering,
    met,
    profile,
    registered,
)
from tests.conftest import api_key, client

WORKER = "from pg_stat_activity where application_name = 'followup timers' and datname = current_database()"
"""The connections that fire timers."""


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

    def writer(self) -> digests.Writer:
        return digests.Writer(self.rules, build_links(self.settings), self.settings.mail_from)

    def page(self, owner: UUID, other: UUID | None = None) -> str:
        """Path of somebody's own page, or of the part about somebody whom they met."""
        page = f"/f/{build_links(self.settings).token(owner)}"
        return f"{page}/{followup_of(owner, other)}" if other else page

    def http(self) -> httpx.AsyncClient:
        """A client with no key, as a person's browser is one."""
        return client(SERVICE, self.database, self.settings)

    async def api(self, partner: UUID = PARTNER) -> httpx.AsyncClient:
        """A client with a partner's key."""
        if partner not in self.keys:
            scopes = ("followups:read", "followups:write")
            _, self.keys[partner] = await api_key(self.database, *scopes, partner_id=partner)
        found = self.http()
        found.headers.update(self.keys[partner])
        return found

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
