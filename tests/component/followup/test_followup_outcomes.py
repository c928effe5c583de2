"""Outcomes: either side says its own, amounts stay private, what is over stays over until it is opened again."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest

from services.followup import operations
from services.followup.domain.states import OUTCOMES, State
from services.followup.operations import Statement, TooLateToUndo
from shared.contracts.followup_done import FollowupDone
from shared.platform.errors import Invalid
from tests.component.followup.facts import PARTNER, PEOPLE, event, followup_of, met, met_note, profile, registered
from tests.component.followup.world import World
from tests.conftest import api_key, outbox_of

pytestmark = pytest.mark.postgres
A, B, C, *_ = PEOPLE


async def told(world: World) -> list[FollowupDone]:
    return [each.payload for each in await outbox_of(world.database) if isinstance(each.payload, FollowupDone)]


async def test_either_side_reports_its_own_and_neither_sees_the_others(world: World) -> None:
    await world.people_who_met([(0, 1)])
    async with world.http() as http:
        for person, other, kind in ((A, B, "order"), (B, A, "advice")):
            place = f"{world.page(person, other)}/outcome"
            assert (await http.post(place, data={"state": "outcome", "kind": kind})).status_code == 303
        mine = (await http.get(world.page(A, B))).text
        theirs = (await http.get(world.page(B, A))).text
    assert "(受注・発注)" in mine
    assert "(受注・発注)" not in theirs
    assert "(助言を得た)" in theirs
    assert {(each.owner, each.outcome) for each in await told(world)} == {(A, "order"), (B, "advice")}


async def test_a_partner_and_an_owner_say_the_same_and_it_is_one_outcome(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await world.report(followup_of(A, B), State.OUTCOME, "partnership")
    async with world.database.transaction() as tx:
        statement = Statement(followup_of(A, B), State.OUTCOME, "partnership")
        await operations.report(tx, world.rules, datetime.now(UTC), [statement], "partner")
    assert len(await told(world)) == 1
    assert await world.value("select count(*) from report") == 2


async def test_who_met_by_a_clock_that_is_ahead_can_say_at_once_what_became_of_it(world: World) -> None:
    ahead = world.now + timedelta(minutes=9)
    await world.people_who_met([(0, 1)], ahead)
    async with world.http() as http:
        place = world.page(A, B)
        assert (await http.post(f"{place}/outcome", data={"state": "thanked"})).status_code == 303
        assert (await http.post(f"{place}/undo")).status_code == 303
        assert (await http.post(f"{place}/outcome", data={"state": "replied"})).status_code == 303
    assert [(each.state, each.occurred_at) for each in await told(world)][-1] == ("replied", ahead)
    early = Statement(followup_of(A, B), State.BOOKED, occurred_at=world.now)
    async with world.database.transaction() as tx:
        (verdict,) = await operations.report(tx, world.rules, datetime.now(UTC), [early], "owner")
    assert isinstance(verdict, Invalid)


async def test_an_amount_stays_on_its_owners_page_and_table(world: World) -> None:
    await world.people_who_met([(0, 1)])
    _, key = await api_key(world.database, "followups:read", "followups:write", partner_id=PARTNER)
    first = followup_of(A, B)
    amount = "1,200,000円"
    async with world.http() as http:
        form = {"state": "outcome", "kind": "order", "amount": f"{amount}\r\n"}
        assert (await http.post(f"{world.page(A)}/{first}/outcome", data=form)).status_code == 303
        mine = (await http.get(f"{world.page(A)}/{first}")).text
        table = (await http.get(f"{world.page(A)}/contacts.csv")).content.decode("utf-8-sig")
        theirs = (await http.get(world.page(B, A))).text + (await http.get(world.page(B))).text
        partners = (await http.get(f"/v1/registrations/{A}/followups", headers=key)).text
        body = {"state": "outcome", "outcome": "order", "amount": amount}
        refused = await http.post(f"/v1/followups/{first}/outcomes", json=body, headers=key)
    assert amount in mine
    assert next(csv.DictReader(io.StringIO(table)))["amount"] == amount
    published = b"".join(each.to_json() for each in await told(world)).decode()
    for text in (theirs, partners, published):
        assert "1,200,000" not in text
    assert refused.status_code == 422


@pytest.mark.parametrize("kind", OUTCOMES)
async def test_every_kind_is_one_tap_and_only_hard_ones_end_it(world: World, kind: str) -> None:
    await world.people_who_met([(0, 1)])
    async with world.http() as http:
        place = world.page(A, B)
        assert f'name="kind" value="{kind}"' in (await http.get(place)).text
        await http.post(f"{place}/outcome", data={"state": "outcome", "kind": kind})
    known = await world.rows("select outcome, closed from followup where owner = $1", A)
    assert known == [{"outcome": kind, "closed": kind in ("recruit", "partnership", "order")}]


async def test_what_is_over_opens_again_by_undo_within_seven_days_or_by_a_new_meeting(world: World) -> None:
    await world.people_who_met([(0, 1), (0, 2)])
    first, second = followup_of(A, B), followup_of(A, C)
    for followup in (first, second):
        known = await world.report(followup, State.NO_INTEREST)
        assert known.course.standing.closed
    known = await world.report(first, State.THANKED)  # saying more does not open it
    assert known.course.standing.state is State.NO_INTEREST
    assert await world.value("select count(*) from timer where owner = $1", A) == 0

    async def undo(followup: UUID, now: datetime) -> Any:
        async with world.database.transaction() as tx:
            await operations.undo(tx, world.rules, now, followup)
            return await operations.undo(tx, world.rules, now, followup)

    now = datetime.now(UTC)
    known = await undo(first, now)
    assert known.course.standing.state is State.OPEN
    assert await world.value("select count(*) from timer where followup_id = $1", first) == 1
    with pytest.raises(TooLateToUndo):
        await undo(second, now + timedelta(days=8))
    # The same meeting said again, with a higher revision, is no new meeting; at another gathering it is.
    await world.hear([event(met(A, C, world.now - timedelta(minutes=10), 2, mutual=True), world.now)])
    assert await world.value("select state from followup where id = $1", second) == "no_interest"
    elsewhere = met(A, C, world.now).model_copy(update={"gathering_id": UUID(int=0xAA), "meeting_id": UUID(int=0xBB)})
    await world.hear([event(elsewhere, world.now)])
    states = await world.rows("select state from followup where owner = $1 and other = $2 order by state", A, C)
    assert [row["state"] for row in states] == ["no_interest", "open"]


async def test_the_four_next_steps_each_have_a_letter(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await world.hear([event(met_note(A, B, "失敗談の話", world.now), world.now)])
    place = world.page(A, B)
    async with world.http() as http:
        assert "?step=" not in (await http.get(place)).text  # first of all say thank you
        assert "お礼の下書き" in (await http.get(f"{place}?step=invite")).text
        await world.report(followup_of(A, B), State.THANKED)
        shown = {
            step: (await http.get(f"{place}?step={step}")).text for step in ("follow", "nurture", "next_step", "invite")
        }
        assert "次の一歩の下書き" in (await http.get(f"{place}?step=nonsense")).text
        unfilled = await http.post(f"{place}/sent", data={"text": letter_in(shown["invite"]), "step": "invite"})
    assert len({letter_in(text) for text in shown.values()}) == 4
    assert all("失敗談の話" in letter_in(text) for text in shown.values())
    assert "三十分ほど" in shown["next_step"]
    assert unfilled.status_code == 422  # the gap is not filled in


def letter_in(text: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", text, re.S)
    assert found
    return found[1]


async def test_a_mutual_yes_offers_dates_and_opens_the_letter_as_a_mail(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await world.hear([event(met_note(A, B, "失敗談の話", world.now), world.now)])
    await world.report(followup_of(A, B), State.THANKED)
    place = world.page(A, B)
    async with world.http() as http:
        assert "mailto:" not in (await http.get(place)).text
        await http.post(f"{place}/wish")
        assert "mailto:" not in (await http.get(place)).text
        await http.post(f"{world.page(B, A)}/wish")
        both = (await http.get(place)).text
    assert "候補の日時" in both
    (link,) = re.findall(r'href="(mailto:[^"]*subject=[^"]*)"', both)
    assert link.startswith(f"mailto:p{B.int}@example.org?subject=")
    assert "失敗談の話" in unquote(link.replace("&amp;", "&"))


async def test_a_card_collector_gets_a_hint_that_nobody_else_sees(world: World) -> None:
    at = world.now - timedelta(minutes=10)
    others = [UUID(int=0x400 + number) for number in range(9)]
    await world.people_who_met([], at)
    for other in others:
        await world.hear([event(registered(other, at), at), event(profile(other), at), event(met(A, other, at), at)])
    _, key = await api_key(world.database, "followups:read", partner_id=PARTNER)
    async with world.http() as http:
        assert "9 人に会い、話したことを書き留めたのは 0 人" in (await http.get(world.page(A))).text
        assert "人に会い" not in (await http.get(world.page(others[0]))).text
        assert "人に会い" not in (await http.get(f"/v1/registrations/{A}/followups", headers=key)).text
