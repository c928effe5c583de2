"""The desk and introductions by a third person: consent of both, and refusals that stay unseen."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.matching import desk, handlers, introducing
from services.matching.store import evening as guests
from shared.contracts.matched import Matched
from shared.contracts.registered import Registered
from shared.platform.errors import Conflict
from shared.platform.ids import derived
from tests.component.matching.group import OUT, profile_event, registered_event, rid
from tests.component.matching.night import Night, attributes, board, evening
from tests.conftest import api_key

pytestmark = pytest.mark.postgres


async def test_the_desk_finds_who_is_here_and_can_help_and_says_why(night: Night) -> None:
    async with night.database.transaction() as tx:
        await handlers.on_profile(
            tx, [profile_event(4, revision=2, name="映像の人", offers="会社紹介の映像制作と編集")]
        )
        words: dict[str, Any] = {"name": "帰った人", "offers": "会社紹介の映像制作と編集"}
        await handlers.on_profile(tx, [profile_event(7, revision=2, **words)])
        await handlers.on_registered(
            tx, [registered_event(night.partner, 7, revision=2, attendance="left", **attributes(7))]
        )
    before = await night.everything()
    page = await night.post(f"{evening(0)}/desk", {"text": "会社紹介の映像を作れる人を探しています"})
    assert page.status_code == 200
    assert "映像の人" in page.text
    assert "帰った人" not in page.text
    assert "映像制作" in page.text.partition("映像の人")[2]
    assert await night.everything() == before, "asking keeps nothing"
    again = await night.post(f"{evening(0)}/desk", {"text": "  "})
    assert again.status_code == 200
    assert (await night.post(f"{evening(0)}/desk", {"text": "長" * 301})).status_code == 422
    nothing = await night.post(f"{evening(0)}/desk", {"text": "qqqq zzzz"})
    assert "見つかりませんでした" in nothing.text


async def test_who_is_gone_by_the_board_is_no_candidate_until_they_come(night: Night) -> None:
    words: dict[str, Any] = {"name": "映像の人", "offers": "会社紹介の映像制作と編集"}
    async with night.database.transaction() as tx:
        await handlers.on_profile(tx, [profile_event(4, revision=2, **words)])

    async def found() -> bool:
        return "映像の人" in (await night.post(f"{evening(0)}/desk", {"text": "会社紹介の映像を作れる人"})).text

    await night.post(f"{board()}/absent", {"person": str(rid(4)), "round": "2"})
    assert await found(), "there until the first round is over"
    await night.post(f"{board()}/absent", {"person": str(rid(4)), "round": "0"})
    assert not await found()
    assert (await night.post(f"{evening(0)}/ask", {"other": str(rid(4))})).status_code == 404
    came: dict[str, Any] = {"attendance": "checked_in", "checked_in_at": night.now + timedelta(minutes=5)}
    async with night.database.transaction() as tx:
        await handlers.on_registered(tx, [registered_event(night.partner, 4, revision=2, **came, **attributes(4))])
    assert await found()
    assert (await night.post(f"{evening(0)}/ask", {"other": str(rid(4))})).status_code == 303


async def test_only_who_is_still_here_can_be_introduced_by_a_third(night: Night) -> None:
    async with night.database.transaction() as tx:
        gone = registered_event(night.partner, 10, revision=2, attendance="left", **attributes(10))
        await handlers.on_registered(tx, [gone])
    await night.post(f"{board()}/absent", {"person": str(rid(15)), "round": "0"})
    offered = (await night.get(f"{evening(0)}/introduce")).text
    assert [n for n in (1, 2, 5, 10, 15) if str(rid(n)) in offered] == [1, 2, 5]
    for n in (10, 15):
        sent = await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(n))})
        assert sent.status_code == 404


async def test_who_was_met_or_must_not_be_met_is_no_candidate(night: Night) -> None:
    async with night.database.transaction() as tx:
        for n in (4, 8, 12):
            words: dict[str, Any] = {
                "name": f"映像{n}番",
                "offers": "会社紹介の映像制作と編集",
                "company": f"映像社{n}",
            }
            await handlers.on_profile(tx, [profile_event(n, revision=2, **words)])
    await night.call("POST", "/bans", json={"one": str(rid(0)), "other": str(rid(4))})
    await night.post(f"{evening(8)}/phone")
    met = {"gathering_id": "", "a": str(rid(0)), "b": str(rid(8)), "met_at": night.now.isoformat()}
    async with night.database.connection() as connection:
        met["gathering_id"] = str(await connection.fetchval("select gathering_id from gathering"))
    assert (await night.lines("/meetings/bulk", [met]))["accepted"] == 1
    page = (await night.post(f"{evening(0)}/desk", {"text": "会社紹介の映像を作れる人"})).text
    assert "映像12番" in page
    assert "映像4番" not in page
    assert "映像8番" not in page


async def test_two_who_both_say_yes_are_introduced_with_who_thought_of_it(night: Night) -> None:
    sent = await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    assert sent.status_code == 303
    assert "said=asked" in sent.headers["location"]
    for n in (5, 10):
        page = (await night.get(evening(n))).text
        assert "秘密の名前0 さんから" in page
        assert "会ってみたい" in page
    assert await night.answer(5, True) == 303
    waiting = (await night.get(evening(5))).text
    assert "お返事を預かりました" in waiting
    assert "声をかけてみて" not in waiting
    assert not await night.events(Matched)
    assert await night.answer(10, True) == 303
    for n, other in ((5, 10), (10, 5)):
        page = (await night.get(evening(n))).text
        assert "声をかけてみて" in page
        assert "秘密の名前0 さんのご紹介" in page
        found = (await night.newest())[rid(n)].introductions[-1]
        assert (found.counterpart, found.introducer) == (rid(other), rid(0))
        assert (await night.get(f"{evening(n)}/with/{rid(other)}")).status_code == 200


async def test_a_button_pressed_twice_answers_once(night: Night) -> None:
    await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    assert [await night.answer(n, True) for n in (5, 5, 10, 10, 5)] == [303] * 5
    assert len(await night.events(Matched)) == 2
    assert await night.answer(7, True) == 404, "somebody else's"
    assert await night.answer(5, False) == 404, "an agreement stands"


async def test_a_refusal_stays_unseen_by_everybody(night: Night) -> None:
    await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    await night.answer(5, True)
    links = [evening(n) for n in (0, 5)]
    before = [(await night.get(link)).text for link in links]
    assert await night.answer(10, False) == 303
    after = [(await night.get(link)).text for link in links]
    assert before == after
    assert "会ってみませんか" not in (await night.get(evening(10))).text
    assert not await night.events(Matched)


async def test_two_who_are_kept_apart_are_never_asked_and_nobody_can_tell(night: Night) -> None:
    await night.call("POST", "/bans", json={"one": str(rid(5)), "other": str(rid(10))})
    sent = await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    assert "said=asked" in sent.headers["location"]
    for n in (5, 10):
        assert "さんから" not in (await night.get(evening(n))).text
        assert await night.answer(n, True) == 404
    asked = await night.post(f"{evening(5)}/ask", {"other": str(rid(10))})
    assert "said=asked" in asked.headers["location"]
    assert "秘密の名前5" not in (await night.get(evening(10))).text.partition("会ってほしい方")[0].partition("同席")[0]


async def test_no_connection_waits_while_a_room_is_compared(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    busy: list[int] = []
    real = desk._aside

    async def watched(*given: Any, **named: Any) -> Any:
        pool = night.database.pool
        busy.append(pool.get_size() - pool.get_idle_size())
        return await real(*given, **named)

    monkeypatch.setattr(desk, "_aside", watched)
    await night.post(f"{evening(1)}/ask", {"other": str(rid(2))})
    await night.answer(2, True)
    await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    await night.post(f"{board()}/propose", {"person": str(rid(5)), "other": str(rid(7))})
    await night.call("POST", "/proposals", json={"a": str(rid(5)), "b": str(rid(8))})
    assert busy == [0] * 5
    async with night.database.connection() as connection:
        assert await connection.fetchval("select count(*) from proposal where not held") == 4


async def test_a_yes_that_nobody_foresaw_is_asked_for_again(night: Night) -> None:
    await night.post(f"{evening(1)}/ask", {"other": str(rid(2))})
    async with night.database.connection() as connection:
        reader = await guests.guest(connection, rid(2))
    assert reader
    with pytest.raises(Conflict):
        async with night.database.transaction() as tx:
            await introducing.answer(tx, reader, UUID(await night.proposal()), True, night.now, None)
    assert await night.answer(2, True) == 303
    assert len(await night.events(Matched)) == 2


async def test_two_who_say_yes_at_the_same_moment_are_introduced(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    both, real = asyncio.Barrier(2), desk.prospect
    looks: list[int] = []

    async def together(*given: Any) -> Any:
        found = await real(*given)
        looks.append(0)
        if len(looks) <= 2:
            await both.wait()
        return found

    monkeypatch.setattr(desk, "prospect", together)
    assert set(await asyncio.gather(night.answer(5, True), night.answer(10, True))) == {303}
    assert len(looks) == 3
    assert rid(5) in await night.listed(10)


async def test_asking_somebody_oneself_needs_their_yes(night: Night) -> None:
    assert (await night.post(f"{evening(1)}/ask", {"other": str(rid(2))})).status_code == 303
    assert "あなたが会いたいと伝えた方" in (await night.get(evening(1))).text
    assert "この方があなたと話したいそうです" in (await night.get(evening(2))).text
    assert await night.answer(2, True) == 303
    assert "声をかけてみて" in (await night.get(evening(1))).text


async def test_strangers_absent_people_and_oneself_cannot_be_asked_for(night: Night) -> None:
    async with night.database.transaction() as tx:
        await handlers.on_registered(tx, [registered_event(night.partner, 3, revision=2, **attributes(3))])
    assert (await night.post(f"{evening(0)}/ask", {"other": str(rid(3))})).status_code == 404, "not checked in"
    assert (await night.post(f"{evening(0)}/ask", {"other": str(rid(0))})).status_code == 404
    assert (await night.post(f"{evening(0)}/ask", {"other": str(rid(99))})).status_code == 404
    far = await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(12))})
    assert far.status_code == 404, "12 is on no list and at no table of 0"
    same = await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(5))})
    assert same.status_code == 404
    await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    assert await night.answer(7, True) == 404, "somebody else's proposal"


async def test_nobody_can_canvass(night: Night) -> None:
    for n in range(1, 13):
        sent = await night.post(f"{evening(0)}/ask", {"other": str(rid(n))})
    assert "said=enough" in sent.headers["location"]
    async with night.database.connection() as connection:
        assert await connection.fetchval("select count(*) from proposal") == 10


async def test_an_erased_person_takes_their_proposals_along(night: Night) -> None:
    await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    async with night.database.transaction() as tx:
        await handlers.on_registered(tx, [OUT.tombstone(Registered, rid(0))])  # type: ignore[list-item]
    assert not await night.mentions(rid(0))
    await night.answer(5, True)
    await night.answer(10, True)
    found = (await night.newest())[rid(5)].introductions[-1]
    assert (found.counterpart, found.introducer) == (rid(10), None)


async def test_who_brought_two_together_and_is_erased_is_named_no_more(night: Night) -> None:
    await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    await night.answer(5, True)
    await night.answer(10, True)
    await night.erase(0)
    assert await night.mentions(rid(0)) <= {"outbox"}
    found = (await night.newest())[rid(5)].introductions[-1]
    assert (found.counterpart, found.introducer) == (rid(10), None)
    assert "ご紹介" not in (await night.get(evening(5))).text


async def test_two_questions_at_once_are_both_answered(night: Night) -> None:
    asked = [night.post(f"{evening(n)}/desk", {"text": f"映像制作ができる人{n}"}) for n in range(6)]
    assert {page.status_code for page in await asyncio.gather(*asked)} == {200}


async def test_a_partner_s_own_app_can_ask_and_propose(night: Night) -> None:
    path = f"/registrations/{rid(0)}/desk"
    found = (await night.call("POST", path, json={"text": "映像制作ができる人"})).json()["candidates"]
    assert found
    assert found[0]["reasons"][0]["kind"] == "their_offer_meets_my_need"
    body = {"a": str(rid(5)), "b": str(rid(10)), "introducer": str(rid(0))}
    assert (await night.call("POST", "/proposals", json=body)).status_code == 202
    assert "秘密の名前0 さんから" in (await night.get(evening(5))).text
    for bad in ({"b": str(rid(99))}, {"introducer": str(rid(5))}, {"b": str(rid(5))}):
        assert (await night.call("POST", "/proposals", json={**body, **bad})).status_code == 404
    _, headers = await api_key(night.database, "matching:read", "matching:write")
    stranger = Night(night.database, night.http, derived("stranger"), headers)
    assert (await stranger.call("POST", "/proposals", json=body)).status_code == 404
    assert (await stranger.call("POST", path, json={"text": "映像"})).status_code == 404
