"""The partner guide's shell blocks, run in order by a real shell, and its list of columns."""

import re
from pathlib import Path

import pytest

from services.registration.app import SERVICE
from services.registration.domain.csv_intake import COLUMNS
from tests.component.guide import DOCS, blocks, needs_curl, run, serving
from tests.conftest import OpenDatabase, api_key, settings_for

SCOPES = ("gatherings:write", "gatherings:read", "registrations:write", "registrations:read")


@pytest.mark.postgres
@needs_curl
async def test_every_example_of_the_partner_guide_works(open_database_for: OpenDatabase, tmp_path: Path) -> None:
    database = await open_database_for(SERVICE)
    partner_id, headers = await api_key(database, *SCOPES)
    async with database.transaction() as tx:
        await tx.execute("insert into partner values ($1, 1, 'Test platform', '[]')", partner_id)
    async with serving(SERVICE.http(settings_for(SERVICE, database.url), database)) as url:
        key = headers["Authorization"].removeprefix("Bearer ")
        output = await run(blocks("partner-guide.md"), tmp_path, ENISHI=url, KEY=key)
    assert '"accepted":1,"rejected":1' in output
    assert '"pointer":"/email","detail":"Value error, this is not an e-mail address"' in output
    assert '"status":"checked_in"' in output
    assert '"attendance":"left"' in output
    async with database.connection() as connection:
        left = await connection.fetch("select mailbox from person")
    assert [row["mailbox"] for row in left] == ["nezu@example.com"]


def test_the_guide_names_every_japanese_column_and_no_other() -> None:
    guide = (DOCS / "partner-guide.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([^`\x00-\x7f][^`]*)`", guide.partition("Japanese ones:")[2].partition("## ")[0]))
    meant = {name for name in COLUMNS if not name.isascii()}
    assert told - {"はい", "いいえ"} == meant
