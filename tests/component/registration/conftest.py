"""The service with a partner's key."""

from collections.abc import AsyncIterator

import pytest

from services.registration.app import SERVICE
from tests.component.registration.partner_platform import Platform, key_of_new_partner
from tests.conftest import OpenDatabase, client


@pytest.fixture
async def platform(open_database_for: OpenDatabase) -> AsyncIterator[Platform]:
    database = await open_database_for(SERVICE)
    async with client(SERVICE, database) as http:
        yield Platform(database, http, await key_of_new_partner(database))
