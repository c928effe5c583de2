"""Fixtures of the component tests of delivery."""

import pytest

from shared.platform.database import Database
from tests.component.delivery.ledger import LEDGER
from tests.conftest import OpenDatabase


@pytest.fixture
async def database(open_database_for: OpenDatabase) -> Database:
    """An empty ledger."""
    return await open_database_for(LEDGER)
