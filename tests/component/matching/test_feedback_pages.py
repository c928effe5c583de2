"""One tap after a round, and wishes, on one's own page: forms that work without scripts and tell nobody."""

from uuid import UUID

import pytest

from services.matching.guidance import guidance
from services.matching.store import feedback, wishes
from shared.platform.ids import derived
from tests.component.matching.group import rid
from tests.component.matching.night import SEATS, G, Night, evening

pytestmark = pytest.mark.postgres


async def said(night: Night, number: int) -> tuple[dict[UUID, str], dict[UUID, str]]:
    async with night.database.connection() as connection:
        wished = await wishes.wishes(connection, G, rid(number))
        return await feedback.verdicts(connection, rid(number)), {each.about: each.kind for each in wished}


async def test_a_tap_is_kept_shown_as_pressed_and_taken_back_by_the_same_button(night: Night) -> None:
    page = (await night.get(evening(0))).text
    assert page.count('name="verdict"') == 3 * 3, "three mates of the round that has begun"
    assert 'aria-pressed="true"' not in page
    answer = await night.post(f"{evening(0)}/tap?lang=en", {"other": str(rid(5)), "verdict": "glad"})
    assert answer.status_code == 303
    after = (await night.get(answer.headers["location"])).text
    assert "Thank you. The coming rounds take it into account." in after
    assert after.count('aria-pressed="true"') == 1
    assert (await said(night, 0))[0] == {rid(5): "glad"}
    await night.post(f"{evening(0)}/tap", {"other": str(rid(5)), "verdict": "none"})
    assert (await said(night, 0))[0] == {}


async def test_only_people_whom_one_met_can_be_tapped(night: Night) -> None:
    stranger = next(n for n in range(20) if SEATS[n][1] != SEATS[0][1])
    for other in (rid(stranger), rid(0), derived("nobody")):
        answer = await night.post(f"{evening(0)}/tap", {"other": str(other), "verdict": "not_for_me"})
        assert answer.status_code == 404
    answer = await night.post(f"{evening(0)}/tap", {"other": str(rid(5)), "verdict": "awful"})
    assert answer.status_code == 422
    assert await said(night, 0) == ({}, {})


async def test_a_wish_is_kept_and_shown_and_only_to_its_author(night: Night) -> None:
    await night.post(f"{evening(0)}/wish", {"other": str(rid(1)), "kind": "no_thanks"})
    await night.post(f"{evening(0)}/wish", {"other": str(rid(2)), "kind": "must_meet"})
    assert (await said(night, 0))[1] == {rid(1): "no_thanks", rid(2): "must_meet"}
    mine, theirs = (await night.get(evening(0))).text, (await night.get(evening(1))).text
    assert "✓ 遠慮したい" in mine
    assert "✓ ぜひ会いたい" in mine
    assert "✓" not in theirs.partition("ラウンド")[0]
    assert 'aria-pressed="true"' not in theirs
    async with night.database.connection() as connection:
        given = await guidance(connection, night.partner, G)
    assert tuple(sorted((rid(0), rid(1)))) in given.blocks
    assert given.pair_points[tuple(sorted((rid(0), rid(2))))] > 0  # type: ignore[index]


async def test_looking_changes_nothing_and_another_link_speaks_for_its_owner_only(night: Night) -> None:
    before = await night.everything()
    for path in (f"{evening(0)}/tap", f"{evening(0)}/wish"):
        assert (await night.get(path)).status_code in (404, 405)
    await night.get(evening(0))
    assert await night.everything() == before
    await night.post(f"{evening(5)}/tap", {"other": str(rid(0)), "verdict": "not_for_me"})
    assert (await said(night, 0))[0] == {}
    assert (await said(night, 5))[0] == {rid(0): "not_for_me"}
    assert "not_for_me" not in (await night.get(evening(0))).text.replace('value="not_for_me"', "")


async def test_after_not_for_me_the_coming_rounds_keep_the_two_apart(night: Night) -> None:
    assert (await night.planned(seed=1))["state"] == "done"
    tables = {key: {seat.round: seat.table for seat in each.seats} for key, each in (await night.newest()).items()}
    ahead = [
        (a, b)
        for a in tables
        for b in tables
        if a < b and any(tables[a].get(r) == tables[b].get(r) is not None for r in (2, 3))
    ]
    met = [(a, b) for a in tables for b in tables if a < b and tables[a].get(1) == tables[b].get(1) is not None]
    one, other = met[0]
    rows = [{"author": str(one), "about": str(other), "verdict": "not_for_me"}]
    rows += [{"author": str(a), "about": str(b), "verdict": "not_for_me"} for a, b in ahead[:3]]
    assert (await night.lines("/taps/bulk", rows))["rejected"] == 0
    again = await night.call("POST", f"/gatherings/{G}/replan", json={"current_round": 1})
    assert again.status_code == 202, again.text
    plan = await night.finished(again.headers["location"])
    assert (plan["state"], plan["proof"]["violations"]) == ("done", []), plan
    seats = {key: {seat.round: seat.table for seat in each.seats} for key, each in (await night.newest()).items()}
    for a, b in [(one, other), *ahead[:3]]:
        assert all(seats[a].get(r) != seats[b].get(r) for r in (2, 3))
    assert all(seats[key].get(1) == tables[key].get(1) for key in tables), "the round that is over stays"


async def test_published_lists_stop_naming_an_erased_person_at_once(night: Night) -> None:
    await night.planned(seed=1)
    before = await night.newest()
    gone = before[rid(0)].introductions[0].counterpart
    await night.erase(next(n for n in range(20) if rid(n) == gone))
    after = await night.newest()
    assert {key for key in after if after[key] != before[key]} == {
        key for key in before if gone in {each.counterpart for each in before[key].introductions}
    }
    for key in after.keys() - {gone}:
        assert gone not in {each.counterpart for each in after[key].introductions}
        assert after[key].seats == before[key].seats
