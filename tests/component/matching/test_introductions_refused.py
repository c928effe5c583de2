"""Introductions that one of the two refuses, at whatever moment: taken back, and nobody can tell who or why."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from services.matching import desk, handlers, introducing
from services.matching.store import evening as guests
from shared.contracts.matched import Matched
from tests.component.matching.group import profile_event, rid
from tests.component.matching.night import Night, evening

pytestmark = pytest.mark.postgres


async def _no_thanks(night: Night, author: int, about: int) -> None:
    await night.post(f"{evening(author)}/wish", {"other": str(rid(about)), "kind": "no_thanks"})


async def _not_for_me(night: Night, author: int, about: int) -> None:
    said = {"author": str(rid(author)), "about": str(rid(about)), "verdict": "not_for_me"}
    assert (await night.call("POST", "/taps", json=said)).status_code < 300


async def _one_company(night: Night, author: int, about: int) -> None:
    async with night.database.transaction() as tx:
        await handlers.on_profile(tx, [profile_event(author, revision=2, company=f"会社{about}")])


@pytest.mark.parametrize("said", [_no_thanks, _not_for_me, _one_company])
@pytest.mark.parametrize("author", [5, 10])
async def test_who_is_kept_apart_after_the_first_yes_is_not_introduced_and_nobody_can_tell(
    night: Night, said: Callable[[Night, int, int], Awaitable[None]], author: int
) -> None:
    await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    await night.answer(5, True)
    await said(night, author, 15 - author)
    first = evening(5)  # one link for both looks: a token, and so the page, says in which second it was signed
    before = (await night.get(first)).text
    assert await night.answer(10, True) == 303
    assert (await night.get(first)).text == before
    for n in (5, 10):
        page = (await night.get(evening(n))).text
        assert "秘密の名前0 さんから" in page
        assert "声をかけてみて" not in page
        assert "お返事を預かりました" in page
        assert await night.answer(n, True) == 303, "as while the other has not answered"
    assert not await night.events(Matched)


async def _ban(night: Night, author: int, about: int) -> None:
    body = {"one": str(rid(author)), "other": str(rid(about))}
    assert (await night.call("POST", "/bans", json=body)).status_code == 201


async def _ban_of_one(night: Night, author: int, about: int) -> None:
    assert (await night.call("POST", "/bans", json={"one": str(rid(author))})).status_code == 201


async def _agreed(night: Night) -> None:
    """5 and 10 agree that 0 was right to bring them together."""
    await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    assert [await night.answer(n, True) for n in (5, 10)] == [303, 303]


def words_of(page: str) -> str:
    """A page without its rounds: there everybody of one's tables stands, whatever was said."""
    return page.partition('id="round-')[0]


@pytest.mark.parametrize("said", [_no_thanks, _not_for_me, _ban, _ban_of_one])
@pytest.mark.parametrize("author", [5, 10])
async def test_what_two_agreed_on_is_off_lists_and_pages_once_one_wants_it_no_more(
    night: Night, said: Callable[[Night, int, int], Awaitable[None]], author: int
) -> None:
    links = {n: evening(n) for n in (5, 10)}
    before = {n: words_of((await night.get(link)).text) for n, link in links.items()}
    lists = {n: await night.listed(n) for n in (5, 10)}
    await _agreed(night)
    assert [await night.listed(n) for n in (5, 10)] == [[*lists[5], rid(10)], [*lists[10], rid(5)]]
    await said(night, author, 15 - author)
    assert {n: await night.listed(n) for n in (5, 10)} == lists
    for n in (5, 10):
        assert words_of((await night.get(links[n])).text) == before[n], "as if it had never been"
        assert [each.counterpart for each in (await night.newest())[rid(n)].introductions] == lists[n]
        assert await night.answer(n, True) == 404
    again = await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    assert "said=asked" in again.headers["location"], "who thought of it learns nothing"
    assert {n: words_of((await night.get(link)).text) for n, link in links.items()} == before


def listed_on(page: str) -> set[int]:
    """Whom a page tells somebody to meet, by number."""
    return {n for n in range(20) if f"質問{n}<" in page}


@pytest.mark.parametrize("said", [_no_thanks, _not_for_me, _ban])
@pytest.mark.parametrize(("author", "about"), [(0, 5), (5, 0)])
async def test_whom_one_refused_is_on_neither_list_at_once(
    night: Night, said: Callable[[Night, int, int], Awaitable[None]], author: int, about: int
) -> None:
    assert listed_on((await night.get(evening(0))).text) == {1, 2, 5}
    assert listed_on((await night.get(evening(5))).text) == {0}
    await said(night, author, about)
    assert [listed_on((await night.get(evening(n))).text) for n in (0, 5)] == [{1, 2}, set()]
    assert "✓" not in words_of((await night.get(evening(about))).text), "they are not told why"


@pytest.mark.parametrize("said", [_no_thanks, _not_for_me, _ban, _ban_of_one])
async def test_whom_one_refused_is_not_offered_to_be_introduced_and_an_older_page_tells_nothing(
    night: Night, said: Callable[[Night, int, int], Awaitable[None]]
) -> None:
    for n in (1, 5):
        await said(night, n, 0)
        assert str(rid(n)) not in (await night.get(f"{evening(0)}/introduce")).text
        sent = await night.post(f"{evening(0)}/introduce", {"one": str(rid(2)), "other": str(rid(n))})
        assert "said=asked" in sent.headers["location"]
        for asked in (2, n):
            assert "秘密の名前0 さんから" not in (await night.get(evening(asked))).text
        assert (await night.post(f"{evening(0)}/with/{rid(n)}")).status_code == 303, "who talked has talked"


async def test_whom_the_organiser_bans_is_on_nobodys_list_at_once(night: Night) -> None:
    await _ban_of_one(night, 5, 0)
    assert listed_on((await night.get(evening(0))).text) == {1, 2}


async def test_a_refusal_can_be_taken_back_from_the_page_and_both_lists_are_as_before(night: Night) -> None:
    await _no_thanks(night, 0, 5)
    assert "✓ 遠慮したい" in (await night.get(evening(0))).text
    await night.post(f"{evening(0)}/wish", {"other": str(rid(5)), "kind": "none"})
    assert listed_on((await night.get(evening(0))).text) == {1, 2, 5}
    assert listed_on((await night.get(evening(5))).text) == {0}


async def test_who_declined_a_proposal_sees_the_other_no_more_and_the_other_cannot_tell(night: Night) -> None:
    await night.post(f"{evening(10)}/introduce", {"one": str(rid(0)), "other": str(rid(5))})
    assert await night.answer(0, True) == 303
    link = evening(0)
    before = (await night.get(link)).text
    assert await night.answer(5, False) == 303
    assert listed_on((await night.get(evening(5))).text) == set()
    assert (await night.get(link)).text == before


async def test_no_thanks_beside_an_open_proposal_leaves_the_page_of_the_other_as_it_was(night: Night) -> None:
    await night.post(f"{evening(10)}/introduce", {"one": str(rid(0)), "other": str(rid(5))})
    assert await night.answer(0, True) == 303
    link = evening(0)
    before = (await night.get(link)).text
    await _no_thanks(night, 5, 0)
    assert listed_on((await night.get(evening(5))).text) == set()
    assert (await night.get(link)).text == before


async def test_not_for_me_at_another_gathering_is_off_the_list_here(night: Night) -> None:
    await night.join([0, 5], 2)
    there = {"author": str(rid(5, 2)), "about": str(rid(0, 2))}
    assert (await night.call("POST", "/wishes", json={**there, "kind": "no_thanks"})).status_code == 200
    assert listed_on((await night.get(evening(5))).text) == {0}, "wishes are of one gathering"
    assert (await night.call("POST", "/taps", json={**there, "verdict": "not_for_me"})).status_code == 200
    assert [listed_on((await night.get(evening(n))).text) for n in (0, 5)] == [{1, 2}, set()]


async def test_a_refusal_at_another_gathering_takes_it_back_here_and_a_wish_there_does_not(night: Night) -> None:
    await night.join([5, 10], 2)
    await _agreed(night)
    there = {"author": str(rid(5, 2)), "about": str(rid(10, 2))}
    assert (await night.call("POST", "/wishes", json={**there, "kind": "no_thanks"})).status_code == 200
    assert rid(5) in await night.listed(10), "wishes are of one gathering"
    assert (await night.call("POST", "/taps", json={**there, "verdict": "not_for_me"})).status_code == 200
    assert rid(5) not in await night.listed(10)
    assert rid(10) not in await night.listed(5)


async def test_other_agreements_stand_when_one_is_taken_back(night: Night) -> None:
    await _agreed(night)
    told = await night.newest()
    await _no_thanks(night, 5, 0)
    await _not_for_me(night, 10, 15)
    assert await night.newest() == told


async def test_a_refusal_in_the_moment_of_the_second_yes_leaves_nobody_introduced(night: Night) -> None:
    await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    await night.answer(5, True)
    before = await night.listed(10)
    async with night.database.transaction() as tx:
        reader = await guests.guest(tx, rid(10))
        assert reader
        asked = UUID(await night.proposal())
        found = await desk.prospect(night.database, reader, asked)
        await introducing.answer(tx, reader, asked, True, night.now, found)
        refusing = asyncio.create_task(_no_thanks(night, 5, 10))
        await asyncio.sleep(0.3)
        assert not refusing.done()
    await refusing
    assert await night.listed(10) == before
