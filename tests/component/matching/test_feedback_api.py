"""Taps, follow-ups and complaints at matching's doors, on a real PostgreSQL."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.matching import handlers
from services.matching.store import feedback as store
from services.matching.store import wishes
from shared.contracts.followup_done import FollowupDone
from shared.platform import clock
from shared.platform.ids import derived
from tests.component.matching.group import OUT, Group, rid
from tests.conftest import api_key

pytestmark = pytest.mark.postgres
G = derived("gathering", 1)


def tap(author: int, about: int, verdict: str, at: datetime | None = None) -> dict[str, Any]:
    base = {"author": str(rid(author)), "about": str(rid(about)), "verdict": verdict}
    return base if at is None else {**base, "tapped_at": at.isoformat()}


def followup(owner: int, other: int, **more: Any) -> Any:
    now = clock.now()
    base = {
        "followup_id": derived("followup", owner, other),
        "gathering_id": G,
        "owner": rid(owner),
        "other": rid(other),
        "revision": 1,
        "state": "thanked",
        "met_at": now,
        "deadline_at": now,
        "occurred_at": now,
        "recorded_at": now,
    }
    return OUT.event(FollowupDone(**{**base, **more}))


async def said(group: Group, author: int) -> dict[Any, str]:
    async with group.database.connection() as connection:
        return await store.verdicts(connection, rid(author))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
async def test_the_latest_tap_of_a_pair_counts_in_whatever_order_they_come(
    group: Group, order: tuple[int, ...]
) -> None:
    at = clock.now() - timedelta(minutes=10)
    rows = [tap(1, 2, verdict, at + timedelta(minutes=n)) for n, verdict in enumerate(("glad", "none", "ordinary"))]
    for number in order:
        assert (await group.call("POST", "/taps", json=rows[number])).json() == {"status": "kept"}
    assert await said(group, 1) == {rid(2): "ordinary"}
    assert (await group.lines("/taps/bulk", [rows[number] for number in order]))["accepted"] == 3
    assert await said(group, 1) == {rid(2): "ordinary"}


async def test_a_tap_is_taken_back_and_one_from_the_future_does_not_stay_for_ever(group: Group) -> None:
    await group.call("POST", "/taps", json=tap(1, 2, "glad", clock.now() + timedelta(days=1)))
    await group.call("POST", "/taps", json=tap(1, 2, "none"))
    assert await said(group, 1) == {}


async def test_many_tap_the_same_pairs_at_once_while_people_leave_and_nobody_waits_in_a_circle(group: Group) -> None:
    pairs = [(a, b) for a in range(12) for b in range(12) if a != b]
    rows = [tap(a, b, "glad") for a, b in pairs]
    wishes = [{"author": str(rid(a)), "about": str(rid(b)), "kind": "would_like"} for a, b in pairs]
    answers = await asyncio.gather(
        *(group.lines("/taps/bulk", rows[:: 1 if n % 2 else -1]) for n in range(6)),
        *(group.lines("/wishes/bulk", wishes[:: 1 if n % 2 else -1]) for n in range(6)),
        *(group.erase(number) for number in (3, 7)),
    )
    assert all("rows" in answer for answer in answers[:12]), "each was answered row by row, none with an error"
    assert await group.mentions(rid(3)) == await group.mentions(rid(7)) == set()
    assert len(await said(group, 1)) == 9


async def test_a_pair_that_did_not_fit_never_meets_again_at_any_gathering(group: Group) -> None:
    await group.join([1, 2], 2)
    await group.call("POST", "/taps", json=tap(2, 1, "not_for_me"))
    async with group.database.connection() as connection:
        for gathering in (1, 2):
            apart = await wishes.kept_apart(connection, derived("gathering", gathering))
            assert apart == [tuple(sorted((rid(1, gathering), rid(2, gathering))))]


async def test_rows_that_cannot_be_are_refused(group: Group) -> None:
    rows = [
        tap(1, 1, "glad"),
        tap(1, 99, "glad"),
        tap(1, 2, "superb"),
        {**tap(1, 2, "glad"), "tapped_at": "yesterday"},
    ]
    answer = await group.lines("/taps/bulk", rows)
    assert (answer["accepted"], answer["rejected"]) == (0, 4)
    _, headers = await api_key(group.database, "meetings:write")
    stranger = Group(group.database, group.http, derived("stranger"), headers)
    assert (await stranger.call("POST", "/taps", json=tap(1, 2, "glad"))).status_code == 422


async def test_the_newest_course_of_a_followup_counts_in_any_order(group: Group) -> None:
    newer, older = followup(1, 2, revision=3, state="booked"), followup(1, 2, revision=2)
    async with group.database.transaction() as tx:
        await handlers.on_followup_done(tx, [newer])
        await handlers.on_followup_done(tx, [older, older])
        assert await tx.fetchval("select state from followup") == "booked"


async def test_an_erased_person_leaves_no_tap_no_followup_and_stays_away(group: Group) -> None:
    await group.lines("/taps/bulk", [tap(1, 2, "glad"), tap(2, 1, "ordinary"), tap(2, 3, "glad")])
    async with group.database.transaction() as tx:
        await handlers.on_followup_done(tx, [followup(1, 2), followup(2, 1), followup(2, 3)])
    await group.erase(1)
    assert await group.mentions(rid(1)) == set()
    async with group.database.transaction() as tx:
        await handlers.on_followup_done(tx, [followup(1, 2, revision=5), followup(2, 1, revision=5)])
    assert await group.mentions(rid(1)) == set()
    assert await said(group, 2) == {rid(3): "glad"}
