"""What follow-up is told of a refusal: whom a page names no more, to both sides at once, and neither why nor by whom."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from services.matching import handlers
from shared.contracts.kept_apart import KeptApart
from shared.contracts.matched import Matched
from shared.contracts.unlisted import Unlisted
from shared.platform.ids import derived
from tests.component.matching.group import OUT, rid
from tests.component.matching.night import LISTS, G, Night, evening

pytestmark = pytest.mark.postgres


async def told(night: Night) -> dict[UUID, set[UUID]]:
    """Whom the newest word of each reader leaves out, whatever order the words come in."""
    newest: dict[UUID, Unlisted] = {}
    for each in await night.events(Unlisted):
        assert each.registration_id not in newest or newest[each.registration_id].revision != each.revision
        if each.registration_id not in newest or newest[each.registration_id].revision < each.revision:
            newest[each.registration_id] = each
    return {each.registration_id: set(each.others) for each in newest.values()}


async def agrees_with_the_evening(night: Night) -> None:
    """The evening's page and what is told name the same people."""
    found = await told(night)
    for reader, listed in LISTS.items():
        page = (await night.get(evening(reader))).text
        shown = {rid(n) for n in listed if f"質問{n}<" in page}
        assert shown == {rid(n) for n in listed} - found.get(rid(reader), set())


async def say(night: Night, path: str, author: int, about: int, **more: str) -> None:
    body = {"author": str(rid(author)), "about": str(rid(about)), **more}
    assert (await night.call("POST", path, json=body)).status_code < 300


BOTH = {rid(0): {rid(5)}, rid(5): {rid(0)}}
NEITHER: dict[UUID, set[UUID]] = {rid(0): set(), rid(5): set()}


@pytest.mark.parametrize(
    ("path", "refusal", "other"),
    [("/wishes", {"kind": "no_thanks"}, {"kind": "none"}), ("/taps", {"verdict": "not_for_me"}, {"verdict": "glad"})],
)
@pytest.mark.parametrize(("author", "about"), [(0, 5), (5, 0)])
async def test_a_refusal_is_told_of_both_alike_and_taken_back_of_both(
    night: Night, path: str, refusal: dict[str, str], other: dict[str, str], author: int, about: int
) -> None:
    await say(night, path, author, about, **refusal)
    assert await told(night) == BOTH
    await agrees_with_the_evening(night)
    said = len(await night.events(Unlisted))
    await say(night, path, author, about, **refusal)
    assert len(await night.events(Unlisted)) == said, "what is known is not told again"
    await say(night, path, author, about, **other)
    assert await told(night) == NEITHER
    await agrees_with_the_evening(night)
    assert not await night.events(Matched), "partners keep the list as it was planned"


async def test_what_refuses_nobody_tells_nothing(night: Night) -> None:
    await say(night, "/wishes", 0, 5, kind="would_like")
    await say(night, "/taps", 0, 5, verdict="glad")
    await night.call("POST", "/proposals", json={"a": str(rid(3)), "b": str(rid(4))})
    assert not await night.events(Unlisted)


async def test_a_complaint_takes_the_two_off_each_others_pages_at_every_gathering(night: Night) -> None:
    await night.join([0, 5, 6], 2)
    async with night.database.transaction() as tx:
        await handlers.on_kept_apart(tx, [OUT.event(KeptApart(gathering_id=G, author=rid(5), about=rid(0)))])  # type: ignore[list-item]
    there = {rid(0, 2): {rid(5, 2)}, rid(5, 2): {rid(0, 2)}}
    assert await told(night) == BOTH | there
    await agrees_with_the_evening(night)


async def test_who_is_banned_is_on_no_page_and_counts_again_with_the_plan_after_it_was_lifted(night: Night) -> None:
    ban = await night.call("POST", "/bans", json={"one": str(rid(0))})
    assert {reader: others for reader, others in (await told(night)).items() if others} == {
        rid(1): {rid(0)},
        rid(2): {rid(0)},
        rid(5): {rid(0)},
    }
    await agrees_with_the_evening(night)
    assert (await night.call("DELETE", f"/bans/{ban.json()['ban_id']}")).status_code == 204
    await night.planned()
    assert not any((await told(night)).values())


async def test_beside_an_open_proposal_only_who_refused_has_a_gap(night: Night) -> None:
    await night.call("POST", "/proposals", json={"a": str(rid(0)), "b": str(rid(5))})
    await say(night, "/wishes", 5, 0, kind="no_thanks")
    assert await told(night) == {rid(5): {rid(0)}}
    await agrees_with_the_evening(night)
    await night.answer(0, False)
    assert await told(night) == BOTH
    await agrees_with_the_evening(night)


async def test_a_proposal_to_one_who_was_refused_restores_their_page(night: Night) -> None:
    await say(night, "/wishes", 5, 0, kind="no_thanks")
    await night.post(f"{evening(0)}/ask", {"other": str(rid(5))})
    assert await told(night) == {rid(0): set(), rid(5): {rid(0)}}, "who asked sees no gap beside what they asked"
    await agrees_with_the_evening(night)


async def test_of_refusals_at_one_moment_none_is_lost(night: Night) -> None:
    others: Sequence[int] = (1, 2, 5)
    await asyncio.gather(*(say(night, "/wishes", n, 0, kind="no_thanks") for n in others))
    assert (await told(night))[rid(0)] == {rid(n) for n in others}
    assert {rid(0)} == {other for n in others for other in (await told(night))[rid(n)]}


async def test_the_erased_are_kept_in_no_list(night: Night) -> None:
    await say(night, "/wishes", 0, 5, kind="no_thanks")
    await say(night, "/wishes", 0, 1, kind="no_thanks")
    await night.erase(5)
    async with night.database.connection() as connection:
        rows: list[Any] = await connection.fetch("select registration_id, others from unlisted")
    assert {row["registration_id"]: row["others"] for row in rows} == {rid(0): [rid(1)], rid(1): [rid(0)]}


async def test_a_complaint_of_people_who_are_not_known_yet_is_kept_without_a_word(night: Night) -> None:
    unknown = KeptApart(gathering_id=derived("gathering", 9), author=rid(1, 9), about=rid(2, 9))
    async with night.database.transaction() as tx:
        await handlers.on_kept_apart(tx, [OUT.event(unknown)])  # type: ignore[list-item]
    assert not await night.events(Unlisted)
