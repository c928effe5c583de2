"""Who was complained of: staff at the desk are sent to the board first, and whom a human found to sell is brought to nobody."""

from typing import Any, Final

import pytest

from services.matching import handlers
from shared.contracts.conduct_reported import ConductReported
from shared.platform.ids import uuid7
from tests.component.matching.group import OUT, profile_event, rid
from tests.component.matching.night import G, Night, board, evening

pytestmark = pytest.mark.postgres
DESK: Final = f"{board()}/desk"
WANTED: Final = "会社紹介の映像を作れる人"
MARK: Final = "ご案内の前に座席ボードへ"


@pytest.fixture
async def night(night: Night) -> Night:
    """Two make films; several complained of 4 and nobody of 12."""
    await describe(night, 4, offers="会社紹介の映像制作と編集", company="映像社4")
    await describe(night, 12, offers="会社紹介の映像制作と編集", company="映像社12")
    said = {
        "gathering_id": G,
        "subject": rid(4),
        "kind": "pressured",
        "source": "followup",
        "day": night.now.date(),
    }
    async with night.database.transaction() as tx:
        events = [OUT.event(ConductReported(report_id=uuid7(), **said)) for _ in range(3)]
        await handlers.on_conduct_reported(tx, events)  # type: ignore[arg-type]
    return night


async def describe(night: Night, number: int, **words: Any) -> None:
    async with night.database.transaction() as tx:
        await handlers.on_profile(tx, [profile_event(number, revision=2, name=f"人物{number}番", **words)])


async def review(night: Night, number: int, decision: str) -> None:
    """What a human finds after looking."""
    async with night.database.connection() as connection:
        person = await connection.fetchval("select person_id from registration where registration_id = $1", rid(number))
    answer = await night.call("POST", f"/flags/{person}", json={"decision": decision})
    assert answer.status_code < 300, answer.text


async def asked(night: Night, number: int, lang: str = "ja") -> str:
    """The desk's answer to what somebody looks for."""
    return (await night.post(f"{DESK}?lang={lang}", {"person": str(rid(number)), "text": WANTED})).text


def card(page: str, number: int) -> str:
    return page.partition(f"<h3>人物{number}番")[2].partition("</article>")[0]


async def test_staff_are_sent_to_the_board_before_they_bring_anybody_to_somebody_flagged(night: Night) -> None:
    page = await asked(night, 0)
    assert '?lang=ja#attention"' in card(page, 4)
    assert MARK in card(page, 4)
    assert card(page, 12)
    assert MARK not in card(page, 12)
    assert page.count(MARK) == 1
    assert "Before you ask" in await asked(night, 0, "en")
    assert 'id="attention"' in (await night.get(board())).text, "the link leads somewhere"
    for words in ("気になる声", "複数の方", "苦情"):
        assert words not in page, "an attendee may stand beside the desk"


async def test_they_are_sent_there_too_when_the_flagged_one_looks_for_somebody(night: Night) -> None:
    assert MARK in (await night.get(f"{DESK}?person={rid(4)}")).text
    assert MARK not in (await night.get(f"{DESK}?person={rid(0)}")).text
    assert MARK not in (await night.get(DESK)).text


async def test_attendees_and_partners_see_no_mark(night: Night) -> None:
    page = (await night.post(f"{evening(0)}/desk", {"text": WANTED})).text
    assert "人物4番" in page
    assert MARK not in page
    door = await night.call("POST", f"/registrations/{rid(0)}/desk", json={"text": WANTED})
    assert {tuple(each) for each in door.json()["candidates"]} == {("registration_id", "reasons")}


async def test_once_a_human_has_looked_there_is_no_mark(night: Night) -> None:
    await review(night, 4, "dismissed")
    page = await asked(night, 0)
    assert card(page, 4)
    assert MARK not in page


async def test_whom_a_human_found_to_sell_is_brought_to_nobody_and_nobody_to_them(night: Night) -> None:
    await describe(night, 8, needs="商品の販路", offers="和菓子の製造", company="菓子舗8", avoid="売り込み目的の方")
    await review(night, 4, "seller")
    assert not card(await asked(night, 0), 4)
    assert "<article" not in await asked(night, 4), "who sells is shown nobody"
    for other in (4, 5):
        await night.post(f"{board()}/propose", {"person": str(rid(8)), "other": str(rid(other))})
    page = (await night.get(evening(8))).text.partition("受付から")[2]
    assert "秘密の名前5<" in page
    assert "人物4番" not in page
    assert "受付から" not in (await night.get(evening(4))).text


async def test_an_agreement_with_whom_a_human_found_to_sell_meanwhile_looks_unanswered(night: Night) -> None:
    await describe(night, 8, needs="商品の販路", offers="和菓子の製造", company="菓子舗8", avoid="売り込み目的の方")
    await night.post(f"{board()}/propose", {"person": str(rid(8)), "other": str(rid(4))})
    await night.answer(8, True)
    await review(night, 4, "seller")
    await night.answer(4, True)
    for number in (4, 8):
        assert {rid(4), rid(8)}.isdisjoint(await night.listed(number))
    async with night.database.connection() as connection:
        assert await connection.fetchval("select held from proposal")
