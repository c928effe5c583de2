"""Fixtures of the component tests of follow-up."""

from collections.abc import AsyncIterator

import pytest

from services.followup.app import SERVICE
from tests.component.followup.mailing import Sink, open_sink
from tests.component.followup.receiving import Receiver, open_receiver
from tests.component.followup.world import World
from tests.conftest import OpenDatabase, settings_for


@pytest.fixture
async def world(open_database_for: OpenDatabase) -> World:
    database = await open_database_for(SERVICE)
    return World(database, settings_for(SERVICE, database.url, mail_from="Enishi <followup@example.net>"))


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with open_sink() as opened:
        yield opened


@pytest.fixture
def private(world: World) -> World:
    """With leave to call webhooks on this machine."""
    world.settings = settings_for(SERVICE, world.database.url, webhook_private=True)
    return world


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened
