"""What takes long is done beside the event loop: it goes on while people are read, pages written and files compared."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from services.matching import guidance, operations, publishing, sightings
from services.matching.api import links
from services.matching.domain.plan import Result
from services.matching.domain.proof import Proof
from services.matching.store import evening, facts
from shared.platform import bulk
from shared.platform.pages import Pages
from tests.component.matching.group import rid
from tests.component.matching.night import G, Night, board
from tests.component.matching.night import evening as own

pytestmark = pytest.mark.postgres


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[bool]]:
    """Watch a function: for each call, whether it was made in the event loop's thread."""

    def watch(holder: Any, name: str) -> list[bool]:
        seen: list[bool] = []
        real = getattr(holder, name)

        def told(*given: Any, **named: Any) -> Any:
            seen.append(threading.current_thread() is threading.main_thread())
            return real(*given, **named)

        monkeypatch.setattr(holder, name, told)
        return seen

    return watch


async def test_everybody_is_read_and_the_board_is_written_beside_the_loop(
    night: Night, places: Callable[..., list[bool]]
) -> None:
    read, written = places(evening, "_guests"), places(Pages, "render")
    assert (await night.get(board())).status_code == 200
    assert (await night.get(f"{board()}/desk")).status_code == 200
    assert (read, written) == ([False, False], [False, False])


async def test_the_people_of_a_plan_are_read_beside_the_loop(night: Night, places: Callable[..., list[bool]]) -> None:
    read = places(facts, "_attendee")
    async with night.database.connection() as connection:
        assert len(await facts.attendees(connection, G)) == 20
    assert read == [False] * 20


async def test_lots_are_drawn_and_a_plan_is_written_beside_the_loop(
    night: Night, places: Callable[..., list[bool]]
) -> None:
    drawn, told = places(guidance, "drawn"), places(publishing, "_rows")
    announced, written = places(publishing, "_matched"), places(orjson, "dumps")
    plan, task = await night.begin()
    result = Result({}, {rid(n): ((1, 0),) for n in range(20)}, Proof(0, 0, (), {}, (), 0, 0))
    written.clear()
    async with night.database.transaction() as tx:
        assert await publishing.publish(tx, plan, task, result, night.now) == 20
    assert (drawn, told, announced) == ([False], [False], [False] * 20)
    assert written.count(False) == 2 * 20


async def test_links_are_signed_beside_the_loop(night: Night, places: Callable[..., list[bool]]) -> None:
    signed = places(links, "_personal")
    assert (await night.call("GET", f"/gatherings/{G}/links")).status_code == 200
    assert signed == [False] * 20


async def test_files_and_streams_are_compared_beside_the_loop(night: Night, places: Callable[..., list[bool]]) -> None:
    compared, checked = places(sightings, "_compared"), places(sightings, "_checked")
    lines, merged = places(bulk, "read_ndjson"), places(operations, "_merged")
    today = night.now.astimezone(ZoneInfo("Asia/Tokyo"))
    cards = f"姓,名,会社名,名刺交換日\n秘密の,名前1,会社1,{today:%Y/%m/%d}\n".encode("cp932")
    sent = await asyncio.gather(
        night.call("POST", f"/registrations/{rid(0)}/cards/bulk", content=cards),
        night.http.post(f"{own(2)}/cards/bulk", files={"file": ("cards.csv", cards, "text/csv")}),
    )
    assert [answer.status_code for answer in sent] == [200, 200]
    contact = {"t": int(night.now.timestamp()), "i": str(rid(3)), "j": str(rid(4))}
    assert (await night.lines(f"/gatherings/{G}/contacts/bulk", [contact]))["accepted"] == 1
    assert (compared, checked, lines) == ([False, False], [False], [False])
    assert merged
    assert not any(merged)
