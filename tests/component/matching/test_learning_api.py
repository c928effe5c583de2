"""Learning and flags through matching's doors, on a real PostgreSQL."""

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.matching import feedback, handlers, learner
from services.matching.domain.learning import CLIP
from services.matching.guidance import draw, guidance
from services.matching.store import facts, learning, lottery, plans
from services.matching.tasks import task_of
from shared.contracts.conduct_reported import ConductReported
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.platform import clock
from shared.platform.ids import derived
from tests.background import background, until
from tests.component.matching.group import OUT, Group, open_group, rid
from tests.conftest import OpenDatabase, api_key

pytestmark = pytest.mark.postgres
G = derived("gathering", 1)


async def tap_all(group: Group, gathering: int = 1) -> None:
    """Everybody is glad of people of another industry only."""
    rows = [
        {
            "author": str(rid(a, gathering)),
            "about": str(rid(b, gathering)),
            "verdict": "glad" if a // 3 != b // 3 else "ordinary",
        }
        for a in range(12)
        for b in range(12)
        if a != b
    ]
    assert (await group.lines("/taps/bulk", rows))["rejected"] == 0


async def learn(group: Group) -> list[dict[str, Any]]:
    """Learn everything that is due now, then read the versions."""
    assert (await group.call("POST", "/learning")).status_code == 202
    with ThreadPoolExecutor(1) as pool:
        while await learner.learn_next(group.database, pool):
            pass
    return list((await group.call("GET", "/learning")).json()["versions"])


async def test_a_version_says_what_changed_and_a_plan_uses_it(group: Group) -> None:
    await tap_all(group)
    (version,) = await learn(group)
    assert (version["version"], version["in_force"], version["labels"]) == (1, True, 132)
    prior, weights = version["prior"], version["weights"]
    assert weights["other_industry"] > prior["other_industry"]
    assert all(CLIP[0] - 0.01 <= weights[name] / points <= CLIP[1] + 0.01 for name, points in prior.items() if points)
    assert any("異業種" in each["ja"] and "上げました" in each["ja"] for each in version["changes"])
    assert "秘密" not in str(version)
    async with group.database.connection() as connection:
        given = await guidance(connection, group.partner, G)
    assert given.version == 1
    made = (await group.call("POST", f"/gatherings/{G}/plans", json={})).json()
    async with group.database.connection() as connection:
        plan = await plans.next_plan(connection)
        gathering = await facts.gathering(connection, group.partner, G)
        assert plan is not None
        assert str(plan.plan_id) == made["plan_id"]
        assert gathering is not None
        task = await task_of(connection, plan, gathering, 1_000)
    assert task.weights.other_industry == pytest.approx(weights["other_industry"], abs=0.01)
    assert (await group.call("GET", f"/plans/{made['plan_id']}")).json()["learned_version"] == 1


async def test_nothing_new_makes_no_new_version_and_too_little_none(group: Group) -> None:
    assert await learn(group) == []
    await tap_all(group)
    assert len(await learn(group)) == 1
    assert len(await learn(group)) == 1


async def test_taps_become_due_after_a_while_and_are_not_lost_while_learning(group: Group) -> None:
    await tap_all(group)
    with ThreadPoolExecutor(1) as pool:
        assert not await learner.learn_next(group.database, pool), "labels gather first"
    async with group.database.transaction() as tx:
        later = clock.now() + feedback.SETTLE + timedelta(minutes=1)
        taken = await learning.take_due(tx, later, timedelta(minutes=10))
        assert taken is not None
        assert await learning.take_due(tx, later, timedelta(minutes=10)) is None, "one replica at a time"
        await learning.make_due(tx, [rid(1)], later)
        await learning.done(tx, taken)
        assert await learning.take_due(tx, later, timedelta(minutes=10)) is not None, "a label came meanwhile"


async def test_the_service_learns_by_itself_in_a_process_of_its_own(group: Group) -> None:
    await tap_all(group)
    await group.call("POST", "/learning")

    async def learned() -> bool:
        return bool((await group.call("GET", "/learning")).json()["versions"])

    async with background(learner.run(group.database)):
        await until(learned, "a version")


async def test_two_gatherings_teach_together(group: Group) -> None:
    await group.join(range(12), 2)
    await tap_all(group, 1)
    await tap_all(group, 2)
    assert (await learn(group))[0]["labels"] == 264


@pytest.mark.parametrize("by", ["erasure", "consent"])
async def test_what_was_learned_from_somebody_goes_with_them(group: Group, by: str) -> None:
    await tap_all(group)
    assert (await learn(group))[0]["in_force"]
    if by == "erasure":
        await group.erase(3)
    else:
        async with group.database.transaction() as tx:
            await handlers.on_profile(tx, [OUT.tombstone(Profile, rid(3))])  # type: ignore[list-item]
    async with group.database.connection() as connection:
        assert await learning.newest(connection, group.partner) is None, "at once, before anything is learned anew"
    new, old = await learn(group)
    assert (old["withdrawn"], old["weights"], old["changes"]) == (True, None, [])
    assert (new["version"], new["in_force"], new["labels"]) == (2, True, 11 * 10)
    async with group.database.connection() as connection:
        rows = await connection.fetch("select people from learned")
        assert all(rid(3) not in row["people"] for row in rows)
        given = await guidance(connection, group.partner, G)
    assert derived("p", 3) not in {*given.effects.give, *given.effects.receive}
    if by == "erasure":
        assert await group.mentions(rid(3)) == set()
        assert await group.mentions(derived("p", 3)) == set()


async def test_weights_after_an_erasure_are_those_of_a_world_without_the_person(
    open_database_for: OpenDatabase,
) -> None:
    found = []
    for erased_first in (True, False):
        async with open_group(open_database_for) as group:
            if erased_first:
                await group.erase(3)
            rows = [
                {"author": str(rid(a)), "about": str(rid(b)), "verdict": "glad" if (a * b) % 3 else "ordinary"}
                for a in range(12)
                for b in range(12)
                if a != b
            ]
            await group.lines("/taps/bulk", rows)
            if not erased_first:
                await learn(group)
                await group.erase(3)
            found.append((await learn(group))[0]["weights"])
    assert found[0] == found[1]


async def test_somebody_who_said_nothing_and_of_whom_nothing_was_said_is_behind_the_weights_too(group: Group) -> None:
    """Others stood out from a room that they were part of."""
    await tap_all(group)
    await group.join([20], 1)
    assert (await learn(group))[0]["in_force"]
    await group.erase(20)
    new, old = await learn(group)
    assert old["withdrawn"]
    assert (new["in_force"], new["labels"]) == (True, 132)
    assert await group.mentions(rid(20)) == set()


async def test_a_person_who_leaves_while_learning_is_not_kept(group: Group) -> None:
    await tap_all(group)
    people = [rid(n) for n in range(12)]
    await group.erase(5)
    async with group.database.transaction() as tx:
        assert not await learning.insert_version(tx, group.partner, clock.now(), people, 132, {}, {"fit": 1.2}, [], {})
        assert await learning.versions(tx, group.partner) == []


async def test_taps_of_tonight_reach_the_next_plan_at_once(group: Group) -> None:
    rows = [{"author": str(rid(n)), "about": str(rid(0)), "verdict": "glad"} for n in range(1, 7)]
    rows += [{"author": str(rid(n)), "about": str(rid(7)), "verdict": "ordinary"} for n in range(1, 7)]
    await group.lines("/taps/bulk", [*rows, {"author": str(rid(8)), "about": str(rid(9)), "verdict": "not_for_me"}])
    async with group.database.connection() as connection:
        given = await guidance(connection, group.partner, G)
    assert given.effects.receive[derived("p", 0)] > 0 > given.effects.receive[derived("p", 7)]
    assert given.blocks == (tuple(sorted((rid(8), rid(9)))),)
    assert given.version is None


async def test_a_few_meetings_are_drawn_by_lot_kept_with_their_chance_and_compared(group: Group) -> None:
    await group.join(range(60), 2)
    key = derived("gathering", 2)
    people = [rid(n, 2) for n in range(60)]
    async with group.database.connection() as connection:
        assert await draw(connection, key, people, 9, 0.05, keep=False)
        assert not await lottery.drawn(connection, group.partner), "who only looks keeps nothing"
        pairs = await draw(connection, key, people, 9, 0.05, keep=True)
        assert pairs
        assert await draw(connection, key, people, 9, 0.05, keep=True) == pairs, "a re-plan draws the same"
        kept = await lottery.drawn(connection, group.partner)
    assert [each.pair for each in kept] == pairs
    assert math.exp(kept[0].log_propensity) == pytest.approx(0.05 * 9 / 59)
    rows = [
        {"author": str(a), "about": str(b), "verdict": "glad" if (a, b) in pairs else "ordinary"}
        for a, b in [*pairs, *((people[n], people[n + 1]) for n in range(40))]
    ]
    await group.lines("/taps/bulk", rows)
    told = (await learn(group))[0]["evidence"]
    assert told["by_score"]["answers"] >= 20
    assert (told["by_lot"] is None) == (len(pairs) < 20)
    one = next(n for n in range(60) if rid(n, 2) == pairs[0][0])
    await group.erase(one, 2)
    assert await group.mentions(pairs[0][0]) == set()


async def test_a_stranger_learns_nothing_of_it(group: Group) -> None:
    await tap_all(group)
    await learn(group)
    partner, headers = await api_key(group.database, "matching:read", "matching:write", "conduct:review")
    stranger = Group(group.database, group.http, partner, headers)
    assert await learn(stranger) == []
    async with group.database.connection() as connection:
        assert (await guidance(connection, partner, G)).effects.give == {}
    _, headers = await api_key(group.database, "matching:read")
    assert (await group.http.get("/v1/flags", headers=headers)).status_code == 403


def complaint(subject: UUID, **more: Any) -> Any:
    base = {
        "report_id": uuid4(),
        "gathering_id": G,
        "subject": subject,
        "kind": "solicited",
        "source": "survey",
        "day": date(2026, 11, 21),
    }
    return OUT.event(ConductReported(**{**base, **more}))


async def complain(group: Group, *events: Any) -> None:
    async with group.database.transaction() as tx:
        await handlers.on_conduct_reported(tx, events)


async def flags(group: Group, **more: Any) -> list[dict[str, Any]]:
    return list((await group.call("GET", "/flags", **more)).json()["flags"])


async def test_two_complainants_ask_a_human_and_one_does_not(group: Group) -> None:
    once = complaint(rid(1), source="followup")
    await complain(group, once, once)
    await complain(group, once, complaint(rid(1)), complaint(rid(1), kind="pressured"))
    assert await flags(group) == [], "one person may report on every way and twice"
    await complain(group, complaint(rid(1)))
    (flag,) = await flags(group)
    assert (flag["person_id"], flag["complaints"]) == (str(derived("p", 1)), 2)
    assert flag["kinds"] == ["pressured", "solicited"]
    assert "秘密" not in str(flag)


async def test_a_decision_closes_the_flag_counts_in_plans_and_more_complaints_open_it_again(group: Group) -> None:
    await complain(group, complaint(rid(1)), complaint(rid(1)))
    path = f"/flags/{derived('p', 1)}"
    answer = await group.call("POST", path, json={"decision": "seller"})
    assert (answer.status_code, answer.json()["open"]) == (200, False)
    assert await flags(group) == []
    assert [each["decision"] for each in await flags(group, params={"closed": "true"})] == ["seller"]
    async with group.database.connection() as connection:
        given = await guidance(connection, group.partner, G)
    assert given.sellers == {derived("p", 1)}
    await group.call("POST", path, json={"decision": "dismissed"})
    async with group.database.connection() as connection:
        assert (await guidance(connection, group.partner, G)).sellers == set()
    await complain(group, complaint(rid(1)))
    assert len(await flags(group)) == 1


async def test_nobody_is_judged_without_a_flag(group: Group) -> None:
    await complain(group, complaint(rid(1)))
    for person in (derived("p", 1), derived("nobody")):
        answer = await group.call("POST", f"/flags/{person}", json={"decision": "seller"})
        assert answer.status_code == 404
    assert (await group.call("POST", f"/flags/{derived('p', 1)}", json={"decision": "guilty"})).status_code == 422


async def test_complaints_and_decisions_go_with_the_person_and_wait_for_a_late_registration(group: Group) -> None:
    await complain(group, complaint(rid(20)), complaint(rid(20)))
    assert await flags(group) == []
    await group.join([20], 1)
    assert len(await flags(group)) == 1
    await group.call("POST", f"/flags/{derived('p', 20)}", json={"decision": "seller"})
    await group.erase(20)
    assert await group.mentions(rid(20)) == set()
    assert await group.mentions(derived("p", 20)) == set()
    await complain(group, complaint(rid(20)), complaint(rid(20)))
    assert await group.mentions(rid(20)) == set()
    async with group.database.transaction() as tx:
        await handlers.on_registered(tx, [OUT.tombstone(Registered, rid(20))])  # type: ignore[list-item]
