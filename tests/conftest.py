"""Fixtures that every ring shares: a real PostgreSQL, one fresh migrated database per test, a real Kafka."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import httpx
import hypothesis
import orjson
import pytest

from deploy.local.postgres import Server
from deploy.local.testing import running_postgres
from shared.contracts.contract import Contract
from shared.contracts.envelope import Event, decode
from shared.contracts.partner import ApiKey, Partner
from shared.platform import auth
from shared.platform.database import Database, open_database
from shared.platform.service import Service
from shared.platform.settings import Settings

# How long an example takes says something about the machine only.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real PostgreSQL server for the whole session. Nothing in it outlives the machine, so it waits for no disk."""
    with running_postgres(durable=False) as server:
        yield server


OpenDatabase = Callable[[Service[Any]], Awaitable[Database]]
_TEMPLATES: dict[str, str] = {}


@pytest.fixture
async def open_database_for(postgres: Server) -> AsyncIterator[OpenDatabase]:
    """`await open_database_for(SERVICE)`: an empty, migrated database of its own, as the service's role."""
    async with AsyncExitStack() as stack:

        async def create(service: Service[Any]) -> Database:
            roles = f"test_{service.name}"
            schema = str(service.migrations)  # two services of tests may share a name, never their migrations
            if schema not in _TEMPLATES:
                template = await postgres.create_database(f"template_{service.name}_{uuid4().hex[:8]}", roles=roles)
                settings = settings_for(service, template.url, migration_database_url=template.owner_url)
                await service.migrate(settings)
                _TEMPLATES[schema] = template.name
            name = f"test_{service.name}_{uuid4().hex[:8]}"
            created = await postgres.create_database(name, roles=roles, template=_TEMPLATES[schema])
            stack.push_async_callback(postgres.drop_database, name)
            return await stack.enter_async_context(open_database(created.url, name="test", connections=20))

        yield create


def settings_for(service: Service[Any], database_url: str, **more: Any) -> Any:
    """A service's settings for a test; no broker is behind them unless the test gives one."""
    values = {
        "database_url": database_url,
        "kafka_bootstrap_servers": "127.0.0.1:9",
        "replica_name": "test-0",
        "link_secret": "a-secret-for-tests-only",
        **more,
    }
    known = {name: value for name, value in values.items() if name in service.settings.model_fields}
    return service.settings.model_validate(known)


async def outbox_of(database: Database) -> list[Event[Contract]]:
    """The events that wait in the outbox, in order, decoded as a reader would; dead letters are left out."""
    async with database.connection() as connection:
        rows = await connection.fetch("select topic, key, headers::text as headers, payload from outbox order by seq")
    return [
        decode(
            row["topic"],
            row["key"].encode(),
            row["payload"],
            [(name, text.encode()) for name, text in orjson.loads(row["headers"]).items()],
        )
        for row in rows
        if not row["topic"].endswith(".dlq")
    ]


def client(service: Service[Any], database: Database, settings: Settings | None = None) -> httpx.AsyncClient:
    """A client on the service's ASGI application: no socket, the whole stack of middleware."""
    app = service.http(settings or settings_for(service, database.url), database)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def api_key(database: Database, *scopes: str, partner_id: UUID | None = None) -> tuple[UUID, dict[str, str]]:
    """Store an API key as the `partner` topic would bring it; return the partner and the request header."""
    partner_id = partner_id or uuid4()
    key = auth.new_key()
    partner = Partner(
        partner_id=partner_id,
        revision=1,
        name="Test platform",
        keys=(ApiKey(key_id=key.key_id, sha256=key.sha256.hex(), scopes=scopes),),
    )
    async with database.transaction() as tx:
        await auth.store_partner(tx, partner)
    return partner_id, {"Authorization": f"Bearer {key.text}"}
