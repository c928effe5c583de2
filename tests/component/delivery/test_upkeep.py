"""What every service forgets: claims that are old go, however many came in between, and no others."""

import pytest

from shared.platform import retention, service
from shared.platform.database import Database

pytestmark = pytest.mark.postgres


async def test_old_claims_go_however_many(database: Database) -> None:
    many = 2 * retention.AT_ONCE + 1
    async with database.transaction() as tx:
        await tx.execute(
            "insert into inbox select gen_random_uuid(), now() - interval '36 days' from generate_series(1, $1::int)"
            " union all select gen_random_uuid(), now() - interval '34 days' from generate_series(1, 10)",
            many,
        )
    assert await service.forget(database) == many
    async with database.connection() as connection:
        assert await connection.fetchval("select count(*) from inbox") == 10
