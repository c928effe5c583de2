"""What becomes known while an evening runs or a plan waits: it adds up, and the plan that is made knows it."""

from datetime import timedelta
from typing import Any

import pytest

from services.matching import handlers
from services.matching.store import facts
from shared.contracts.gathering import Table
from shared.contracts.matched import Matched
from shared.platform.ids import derived
from tests.component.matching.group import registered_event, rid
from tests.component.matching.night import SEATS, G, Night, attributes, board, definition, evening

pytestmark = pytest.mark.postgres


async def asked(night: Night, **body: Any) -> str:
    """Ask for a re-plan; where to follow it."""
    made = await night.call("POST", f"/gatherings/{G}/replan", json=body)
    assert made.status_code == 202, made.text
    return str(made.headers["location"])


def rounds(matched: Matched) -> set[int]:
    return {seat.round for seat in matched.seats}


async def test_who_comes_late_and_is_said_to_leave_early_is_there_in_between(night: Night) -> None:
    await night.post(f"{board()}/late", {"person": str(rid(4)), "round": "2"})
    await night.post(f"{board()}/absent", {"person": str(rid(4)), "round": "3"})
    await night.post(f"{board()}/absent", {"person": str(rid(6)), "round": "3"})
    await night.finished(await asked(night, current_round=0, late={str(rid(6)): 2}))
    told = await night.newest()
    assert [rounds(told[rid(n)]) for n in (4, 6)] == [{2}, {2}]


async def test_what_leaves_no_round_is_taken_for_a_correction(night: Night) -> None:
    await night.post(f"{board()}/absent", {"person": str(rid(4)), "round": "0"})
    await night.post(f"{board()}/late", {"person": str(rid(4)), "round": "3"})
    await night.post(f"{board()}/late", {"person": str(rid(6)), "round": "3"})
    await night.post(f"{board()}/absent", {"person": str(rid(6)), "round": "3"})
    await night.finished(await asked(night, current_round=0))
    told = await night.newest()
    assert [rounds(told[rid(n)]) for n in (4, 6)] == [{3}, {1, 2}]


async def test_a_round_that_begins_while_a_re_plan_waits_stays_as_it_is(night: Night) -> None:
    location = await asked(night, no_shows=[str(rid(n)) for n in range(4)])
    async with night.database.transaction() as tx:
        earlier = definition(night.partner, night.now - timedelta(minutes=25), revision=2)
        await handlers.on_gathering(tx, [earlier])
        await tx.execute("update plan set requested_at = requested_at - interval '25 minutes' where state = 'queued'")
    plan = await night.finished(location)
    assert (plan["state"], plan["current_round"]) == ("done", 2)
    for key, matched in (await night.newest()).items():
        seats = {seat.round: seat.table for seat in matched.seats}
        number = next(n for n in range(20) if rid(n) == key)
        assert (seats[1], seats[2]) == (SEATS[number][1], SEATS[number][2])
        assert (3 in seats) == (number >= 4)


@pytest.mark.parametrize("path", ["plans", "replan"])
async def test_a_gathering_that_is_called_off_while_a_plan_waits_gets_none(night: Night, path: str) -> None:
    made = await night.call("POST", f"/gatherings/{G}/{path}", json={})
    async with night.database.transaction() as tx:
        await handlers.on_gathering(tx, [definition(night.partner, night.now, revision=2, phase="cancelled")])
    plan = await night.finished(made.headers["location"])
    assert (plan["state"], plan["reason"]) == ("failed", "this gathering was called off")
    assert not await night.events(Matched)
    assert "この会は中止になりました" in (await night.get(board())).text


async def test_a_re_plan_whose_last_round_begins_while_it_waits_changes_nothing(night: Night) -> None:
    location = await asked(night)
    async with night.database.transaction() as tx:
        await handlers.on_gathering(tx, [definition(night.partner, night.now - timedelta(hours=1), revision=2)])
        await tx.execute("update plan set requested_at = requested_at - interval '1 hour' where state = 'queued'")
    plan = await night.finished(location)
    assert (plan["state"], plan["reason"]) == ("failed", "no round is left to plan")
    assert not await night.events(Matched)


async def test_who_met_at_another_gathering_is_known_whichever_of_the_two_came_first(night: Night) -> None:
    await night.join(range(4), 2)
    met = [(0, 1), (3, 2)]
    there, at = str(derived("gathering", 2)), night.now.isoformat()
    rows = [{"gathering_id": there, "a": str(rid(a, 2)), "b": str(rid(b, 2)), "met_at": at} for a, b in met]
    here = {"gathering_id": str(G), "a": str(rid(0)), "b": str(rid(2)), "met_at": at}
    assert (await night.lines("/meetings/bulk", [*rows, here]))["accepted"] == 3
    async with night.database.connection() as connection:
        found = await facts.met_before(connection, G)
    assert sorted(found) == sorted(tuple(sorted((rid(a), rid(b)))) for a, b in met)


@pytest.mark.parametrize("current_round", [0, 1])
async def test_a_list_that_lost_too_many_is_filled_up_from_people_who_are_here(
    night: Night, current_round: int
) -> None:
    made = await night.call("POST", f"/gatherings/{G}/plans", json={})
    await night.finished(made.headers["location"])
    before = await night.listed(0)
    away = set(before[1:])
    await night.finished(await asked(night, current_round=current_round, no_shows=[str(each) for each in away]))
    after = await night.listed(0)
    assert after[0] == before[0]
    assert len(after) >= 3
    for n in range(20):
        assert rid(n) in away or len(await night.listed(n)) >= 3
        assert away.isdisjoint(await night.listed(n))


async def test_a_pin_of_somebody_who_cancelled_is_no_broken_rule(night: Night) -> None:
    await night.post(f"{board()}/pin", {"person": str(rid(4)), "table": "8", "round": "3"})
    async with night.database.transaction() as tx:
        gone = registered_event(night.partner, 4, revision=2, status="cancelled", **attributes(4))
        await handlers.on_registered(tx, [gone])
    plan = await night.finished(await asked(night))
    assert not [each for each in plan["proof"]["violations"] if "pin" in each]


async def test_who_is_said_to_have_gone_is_not_looked_for_until_they_come_again(night: Night) -> None:
    async def alone() -> set[int]:
        found = (await night.call("GET", f"/gatherings/{G}/alerts")).json()["alone"]
        return {n for n in range(20) if str(rid(n)) in {each["registration_id"] for each in found}}

    await night.post(f"{board()}/absent", {"person": str(rid(4)), "round": "0"})
    await night.post(f"{board()}/absent", {"person": str(rid(5)), "round": "2"})
    await night.post(f"{board()}/late", {"person": str(rid(6)), "round": "2"})
    assert await alone() == set(range(20)) - {4}, "5 stays until the first round is over"
    async with night.database.transaction() as tx:
        await handlers.on_gathering(tx, [definition(night.partner, night.now - timedelta(minutes=25), revision=2)])
        await tx.execute("update presence set said_at = said_at - interval '2 hours' where last_round = 0")
    assert await alone() == set(range(20)) - {5}, "4 checked in after they were given up"


async def test_the_same_people_seed_and_proposals_give_the_same_plan(night: Night) -> None:
    told = []
    for seed in (7, 7, 8):
        made = await night.call("POST", f"/gatherings/{G}/plans", json={"seed": seed})
        plan = await night.finished(made.headers["location"])
        assert (plan["seed"], plan["proposals"]) == (seed, night.proposals)
        told.append({key: (row.seats, row.introductions) for key, row in (await night.newest()).items()})
    assert told[0] == told[1] != told[2]


async def test_a_closed_table_that_was_taken_away_since_can_be_forgotten(night: Night) -> None:
    await night.post(f"{board()}/close", {"table": "11"})
    async with night.database.transaction() as tx:
        fewer = tuple(Table(number=n, seats=5) for n in (7, 8, 9, 10))
        await handlers.on_gathering(tx, [definition(night.partner, night.now, revision=2, tables=fewer)])
    assert "いま効いている変更" in (await night.get(board())).text
    assert (await night.post(f"{board()}/open", {"table": "11"})).status_code == 303
    assert "いま効いている変更" not in (await night.get(board())).text


async def test_who_is_gone_leaves_the_list_of_those_who_had_agreed_to_meet_them(night: Night) -> None:
    await night.post(f"{evening(0)}/introduce", {"one": str(rid(5)), "other": str(rid(10))})
    assert [await night.answer(n, True) for n in (5, 10)] == [303, 303]
    await night.finished(await asked(night))
    assert rid(10) in await night.listed(5)
    await night.finished(await asked(night, no_shows=[str(rid(10))]))
    assert rid(10) not in await night.listed(5)
