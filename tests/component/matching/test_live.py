"""The evening as it really goes: plans made anew, progress, cancelling, and who stands alone."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from services.matching import handlers, planner
from services.matching.app import SERVICE
from shared.contracts.gathering import Table
from shared.contracts.matched import Matched
from shared.contracts.registered import Registered
from shared.platform.ids import derived
from tests.background import background, until
from tests.component.matching.group import OUT, profile_event, registered_event, rid
from tests.component.matching.night import G, Night, attributes, board, definition, open_night
from tests.conftest import OpenDatabase, api_key, settings_for

pytestmark = pytest.mark.postgres


@pytest.fixture
async def night(open_database_for: OpenDatabase) -> AsyncIterator[Night]:
    async with open_night(open_database_for) as night:
        yield night


async def replanned(night: Night, **body: Any) -> dict[str, Any]:
    made = await night.call("POST", f"/gatherings/{G}/replan", json=body)
    assert made.status_code == 202, made.text
    return await night.finished(made.headers["location"])


def seats(matched: Matched) -> dict[int, int]:
    return {seat.round: seat.table for seat in matched.seats}


async def test_a_re_plan_keeps_what_has_begun_and_announces_only_what_changed(night: Night) -> None:
    assert (await night.planned())["proof"]["violations"] == []
    before = await night.newest()
    plan = await replanned(night, no_shows=[str(rid(0))])
    assert (plan["state"], plan["current_round"]) == ("done", 1)
    after = await night.newest()
    assert {seats(after[rid(n)])[1] for n in range(20)} == {7, 8, 9, 10, 11}
    for n in range(1, 20):
        assert seats(after[rid(n)])[1] == seats(before[rid(n)])[1], "the running round is frozen"
    assert set(seats(after[rid(0)])) <= {1}, "who is not there has no seat in the rounds that are left"
    told = len(await night.events(Matched)) - 20
    changed = sum(1 for n in range(20) if after[rid(n)].revision > 1)
    assert told == changed
    assert all(after[rid(n)].seats == before[rid(n)].seats for n in range(20) if after[rid(n)].revision == 1)
    for n in range(1, 20):
        assert rid(0) not in {each.counterpart for each in after[rid(n)].introductions}


async def test_seats_of_a_round_that_has_begun_stay_at_a_table_that_was_taken_away(night: Night) -> None:
    async with night.database.transaction() as tx:
        tables = tuple(Table(number=n, seats=4) for n in range(1, 6))
        await handlers.on_gathering(tx, [definition(night.partner, night.now, revision=2, tables=tables)])
    assert (await night.planned())["state"] == "done"
    before = await night.newest()
    gone = {str(rid(n)): 2 for n in range(4)}
    async with night.database.transaction() as tx:
        await handlers.on_gathering(tx, [definition(night.partner, night.now, revision=3, tables=tables)])
    await replanned(night, closed_tables=[1], pins=[{"registration_id": str(rid(5)), "round": 3, "table": 1}])
    async with night.database.transaction() as tx:
        fewer = definition(night.partner, night.now, revision=4, tables=tables[1:])
        await handlers.on_gathering(tx, [fewer])
    plan = await replanned(night, left_early=gone)
    assert "round 3, table 1: somebody is pinned to a closed table" in plan["proof"]["violations"]
    assert plan["state"] == "done", plan
    after = await night.newest()
    assert {key: seats(each)[1] for key, each in after.items()} == {key: seats(each)[1] for key, each in before.items()}
    assert {seats(each).get(r) for each in after.values() for r in (2, 3)} <= {2, 3, 4, 5, None}


async def test_what_was_called_off_is_not_planned(night: Night) -> None:
    async with night.database.transaction() as tx:
        await handlers.on_gathering(tx, [definition(night.partner, night.now, revision=2, phase="cancelled")])
    for path in ("plans", "replan"):
        assert (await night.call("POST", f"/gatherings/{G}/{path}", json={})).status_code == 409
    answer = await night.post(f"{board()}/plan")
    assert answer.status_code == 409
    assert "いまはできません" in answer.text


async def test_walk_ins_are_seated_and_introduced_without_being_named(night: Night) -> None:
    await night.planned()
    before = await night.newest()
    async with night.database.transaction() as tx:
        await handlers.on_registered(tx, [registered_event(night.partner, 50)])
        await handlers.on_profile(tx, [profile_event(50)])
    await replanned(night)
    after = await night.newest()
    walk_in = after[rid(50)]
    assert set(seats(walk_in)) == {2, 3}
    assert len(walk_in.introductions) >= 3
    for each in walk_in.introductions:
        assert rid(50) in {other.counterpart for other in after[each.counterpart].introductions}
    for n in range(20):
        kept = [each.counterpart for each in before[rid(n)].introductions]
        assert [each.counterpart for each in after[rid(n)].introductions][: len(kept)] == kept


async def test_pins_closed_tables_late_and_leaving_early_are_kept_for_every_later_plan(night: Night) -> None:
    await night.planned()
    await replanned(
        night,
        current_round=0,
        late={str(rid(1)): 2},
        left_early={str(rid(2)): 3, str(rid(5)): 2, str(rid(8)): 2, str(rid(9)): 2, str(rid(10)): 2},
        pins=[{"registration_id": str(rid(3)), "round": 3, "table": 8}],
    )
    plan = await replanned(night, current_round=1, closed_tables=[7])
    after = await night.newest()
    assert plan["state"] == "done", plan
    assert set(seats(after[rid(1)])) == {2, 3}
    assert set(seats(after[rid(2)])) == {1, 2}
    assert seats(after[rid(3)])[3] == 8
    assert {seats(each).get(r) for each in after.values() for r in (2, 3)} <= {8, 9, 10, 11, None}
    again = await replanned(night, current_round=2, opened_tables=[7], returned=[str(rid(2))])
    assert again["state"] == "done"
    assert 3 in seats((await night.newest())[rid(2)])


async def test_who_checks_in_after_being_given_up_is_seated_again(night: Night) -> None:
    async with night.database.transaction() as tx:
        await handlers.on_registered(tx, [registered_event(night.partner, 4, revision=2, **attributes(4))])
    await night.planned()
    await replanned(night, only_checked_in=True)
    assert set(seats((await night.newest())[rid(4)])) <= {1}
    async with night.database.transaction() as tx:
        moment = night.now + timedelta(minutes=5)
        came = registered_event(
            night.partner, 4, revision=3, attendance="checked_in", checked_in_at=moment, **attributes(4)
        )
        await handlers.on_registered(tx, [came])
    await replanned(night)
    assert {2, 3} <= set(seats((await night.newest())[rid(4)]))


async def test_who_goes_home_or_cancels_is_seated_no_more(night: Night) -> None:
    await night.planned()
    async with night.database.transaction() as tx:
        await handlers.on_registered(
            tx, [registered_event(night.partner, 4, revision=2, attendance="left", **attributes(4))]
        )
        await handlers.on_registered(
            tx, [registered_event(night.partner, 5, revision=2, status="cancelled", **attributes(5))]
        )
        await handlers.on_registered(tx, [OUT.tombstone(Registered, rid(6))])  # type: ignore[list-item]
    await replanned(night)
    after = await night.newest()
    assert set(seats(after[rid(4)])) == {1}
    assert set(seats(after[rid(5)])) == {1}
    assert (after[rid(4)].introductions, after[rid(5)].introductions) == ((), ())
    rest = [after[rid(n)] for n in range(20) if n not in (4, 5, 6)]
    listed = {each.counterpart for row in rest for each in row.introductions}
    assert not listed & {rid(4), rid(5), rid(6)}


async def test_what_cannot_be_is_refused_and_changes_nothing(night: Night) -> None:
    await night.planned()
    before = await night.everything()
    bad: list[dict[str, Any]] = [
        {"no_shows": [str(rid(99))]},
        {"late": {str(rid(1)): 9}},
        {"closed_tables": [1]},
        {"pins": [{"registration_id": str(rid(1)), "round": 2, "table": 55}]},
        {"colour": "red"},
    ]
    for body in bad:
        assert (await night.call("POST", f"/gatherings/{G}/replan", json=body)).status_code == 422, body
    assert (await night.call("POST", f"/gatherings/{G}/replan", json={"current_round": 3})).status_code == 409
    _, headers = await api_key(night.database, "matching:write", "matching:read")
    stranger = Night(night.database, night.http, derived("stranger"), headers)
    assert (await stranger.call("POST", f"/gatherings/{G}/replan", json={})).status_code == 404
    assert (await stranger.call("GET", f"/gatherings/{G}/alerts")).status_code == 404
    skip = {"api_key", "partner_revision"}
    assert [each for each in await night.everything() if each[0] not in skip] == [
        each for each in before if each[0] not in skip
    ]


async def test_everybody_absent_is_a_clear_reason(night: Night) -> None:
    await night.planned()
    plan = await replanned(night, current_round=0, no_shows=[str(rid(n)) for n in range(20)])
    assert plan["state"] == "failed"
    assert "two" in plan["reason"]


async def test_progress_is_seen_and_a_plan_in_the_making_can_be_cancelled(night: Night) -> None:
    made = await night.call("POST", f"/gatherings/{G}/plans", json={})
    path = made.headers["location"].removeprefix("/v1")
    known = settings_for(SERVICE, night.database.url, plan_proposals=1_000_000_000)

    async def seating(path: str) -> bool:
        return bool((await night.call("GET", path)).json()["share"])

    async with background(planner.run(known, night.database)):
        await until(lambda: seating(path), "progress")
        plan = (await night.call("GET", path)).json()
        assert plan["step"] == "seating"
        assert 0 < plan["share"] < 1
        assert (await night.call("DELETE", path)).status_code == 200
        # The worker stops at the end of its chunk: the next plan of another request is begun.
        made = await night.call("POST", f"/gatherings/{G}/plans", json={"seed": 2})
        second = made.headers["location"].removeprefix("/v1")
        await until(lambda: seating(second), "progress of the other")
        assert (await night.call("GET", second)).json()["state"] == "running"
    assert (await night.call("GET", path)).json()["state"] == "cancelled"
    assert not await night.events(Matched)


async def test_who_stands_alone_is_told_until_they_meet(night: Night) -> None:
    async def alone() -> set[str]:
        answer = (await night.call("GET", f"/gatherings/{G}/alerts")).json()
        return {each["registration_id"] for each in answer["alone"]}

    assert await alone() == {str(rid(n)) for n in range(20)}, "all came 45 minutes ago and nobody has met"
    rows = [
        {
            "gathering_id": str(G),
            "a": str(rid(a)),
            "b": str(rid(a + 1)),
            "met_at": (night.now - timedelta(minutes=ago)).isoformat(),
            "talk_seconds": 60,
        }
        for a, ago in ((0, 5), (2, 40))
    ]
    await night.lines("/meetings/bulk", rows)
    async with night.database.transaction() as tx:
        late = registered_event(
            night.partner,
            6,
            revision=2,
            attendance="checked_in",
            checked_in_at=night.now - timedelta(minutes=3),
            **attributes(6),
        )
        await handlers.on_registered(
            tx, [late, registered_event(night.partner, 7, revision=2, attendance="left", **attributes(7))]
        )
    assert await alone() == {str(rid(n)) for n in (2, 3, 4, 5, *range(8, 20))}
