"""Paper for an evening: by the board's link and by the partner's key, for nobody else."""

import pytest

from shared.platform.ids import derived
from tests.component.matching.group import rid
from tests.component.matching.night import LINKS, G, Night, board, open_night
from tests.conftest import OpenDatabase, api_key

pytestmark = pytest.mark.postgres


def pages(content: bytes) -> int:
    return content.count(b"/Type /Page\n")


async def test_badges_and_sheets_for_the_organiser_and_the_partner(night: Night) -> None:
    before = await night.everything()
    for name, count in (("badges", 2), ("tables", 8)):
        answer = await night.get(f"{board()}/{name}.pdf")
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content.startswith(b"%PDF-")
        assert pages(answer.content) == count, name
        same = await night.call("GET", f"/gatherings/{G}/{name}.pdf?lang=en")
        assert pages(same.content) == count
    one = await night.get(f"{board()}/tables.pdf?round=2")
    assert pages(one.content) == 3, "five tables, two to a page"
    assert await night.everything() == before


async def test_nobody_else_prints(night: Night) -> None:
    _, headers = await api_key(night.database, "matching:read")
    stranger = Night(night.database, night.http, derived("stranger"), headers)
    for name in ("badges", "tables"):
        assert (await stranger.call("GET", f"/gatherings/{G}/{name}.pdf")).status_code == 404
        assert (await night.get(f"/b/{LINKS.evening.token(rid(0))}/{name}.pdf")).status_code == 404
        assert (await night.get(f"{board()}/{name}.pdf?round=99")).status_code in (200, 422)


async def test_a_gathering_of_nobody_prints_that(open_database_for: OpenDatabase) -> None:
    async with open_night(open_database_for, people=0) as night:
        for name in ("badges", "tables"):
            answer = await night.get(f"{board()}/{name}.pdf")
            assert (answer.status_code, pages(answer.content)) == (200, 1)
