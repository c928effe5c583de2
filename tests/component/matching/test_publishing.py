"""What is published of a plan when people go while it is made."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from services.matching import handlers
from services.matching.domain.plan import make_plan
from services.matching.publishing import publish
from services.matching.store import facts, matched, plans
from services.matching.tasks import task_of
from shared.contracts.profile import Profile
from shared.platform.database import Connection
from shared.platform.ids import uuid7
from tests.component.matching.group import OUT, profile_event, registered_event, rid
from tests.component.matching.night import LISTS, SEATS, G, Night, attributes, open_night
from tests.conftest import OpenDatabase

pytestmark = pytest.mark.postgres


@pytest.fixture
async def night(open_database_for: OpenDatabase) -> AsyncIterator[Night]:
    async with open_night(open_database_for) as night:
        yield night


async def test_an_audit_leaves_the_weights_that_a_plan_was_made_with(night: Night) -> None:
    async with night.database.connection() as connection:
        asked = await plans.insert_plan(connection, uuid7(), G, night.partner, 1)
        plan = await plans.next_plan(connection)
        gathering = await facts.known_gathering(connection, G)
        assert plan
        assert gathering
        await plans.note_learned(connection, asked.plan_id, 7)
        await plans.finish_plan(connection, asked.plan_id, {})
        await task_of(connection, replace(plan, current_round=0), gathering, 0)  # as an audit reads it
        kept = await plans.plan(connection, night.partner, asked.plan_id)
        await plans.unlock(connection, G)
    assert kept
    assert kept.settings == {"learned_version": 7}


async def test_an_audit_after_the_evening_counts_everybody_who_sat(night: Night) -> None:
    await night.publish(SEATS, LISTS)
    async with night.database.transaction() as tx:
        plan = replace(await plans.insert_plan(tx, uuid7(), G, night.partner, 1), state="done", current_round=0)
        gathering = await facts.known_gathering(tx, G)
        assert gathering
        before = await task_of(tx, plan, gathering, 0)
        await handlers.on_registered(
            tx, [registered_event(night.partner, n, revision=2, attendance="left", **attributes(n)) for n in range(5)]
        )
        assert await task_of(tx, plan, gathering, 0) == before
        making = await task_of(tx, replace(plan, state="running"), gathering, 0)
    assert len(before.people) == 20
    assert len(making.people) == 15


async def _made(night: Night, current_round: int | None = None) -> Callable[[Connection], Awaitable[int | None]]:
    """A plan of real words, and how to publish it."""
    plan, task = await night.begin(current_round)
    result = make_plan(task)
    return lambda tx: publish(tx, plan, task, result, night.now)


async def _planned(night: Night) -> None:
    """A plan of real words, published."""
    published = await _made(night)
    async with night.database.transaction() as tx:
        assert await published(tx) == 20


async def _quotes(night: Night, number: int) -> tuple[int, int]:
    """How many reasons quote somebody: on their own list, and on the lists of others."""
    async with night.database.connection() as connection:
        rows = await matched.published(connection, G)
    entries = [(key, each) for key, row in rows.items() for each in row.introductions]
    own = [each for key, each in entries if key == rid(number)]
    others = [each for _, each in entries if each["counterpart"] == str(rid(number))]
    assert own
    assert others
    return tuple(sum("「" in reason["ja"] for each in found for reason in each["reasons"]) for found in (own, others))  # type: ignore[return-value]


async def test_words_that_are_withdrawn_are_quoted_on_nobody_s_list_not_even_ones_own(night: Night) -> None:
    await _planned(night)
    path = f"/registrations/{rid(1)}/match"
    assert all(await _quotes(night, 1))
    assert "your “" in (await night.call("GET", path)).text
    async with night.database.transaction() as tx:
        await handlers.on_profile(tx, [OUT.tombstone(Profile, rid(1))])  # type: ignore[list-item]
    assert await _quotes(night, 1) == (0, 0)
    assert "your “" not in (await night.call("GET", path)).text
    assert all(await _quotes(night, 2))


async def test_words_that_are_withdrawn_while_a_plan_is_made_are_not_quoted_to_their_own_reader(night: Night) -> None:
    published = await _made(night)
    async with night.database.transaction() as tx:
        await handlers.on_profile(tx, [OUT.tombstone(Profile, rid(1))])  # type: ignore[list-item]
        await published(tx)
    assert await _quotes(night, 1) == (0, 0)


@pytest.mark.parametrize("current_round", [None, 1])
async def test_who_is_refused_before_or_while_a_plan_is_made_is_on_no_list_of_it(
    night: Night, current_round: int | None
) -> None:
    await _planned(night)
    before = {key: [each.counterpart for each in row.introductions] for key, row in (await night.newest()).items()}
    early, late = before[rid(0)][:2]
    refusal = {"author": str(rid(0)), "kind": "no_thanks"}
    await night.call("POST", "/wishes", json={**refusal, "about": str(early)})
    published = await _made(night, current_round)
    await night.call("POST", "/wishes", json={**refusal, "about": str(late)})
    assert (await night.newest())[rid(0)].introductions[0].counterpart == early, "from the next plan on"
    async with night.database.transaction() as tx:
        await published(tx)
    after = {key: {each.counterpart for each in row.introductions} for key, row in (await night.newest()).items()}
    assert not after[rid(0)] & {early, late}
    assert rid(0) not in after[early] | after[late]
    assert after[rid(0)]


@pytest.mark.parametrize(("revision", "kept"), [(2, "改めて"), (1, None)])
async def test_words_that_are_given_again_in_one_batch_leave_no_old_quotes(
    night: Night, revision: int, kept: str | None
) -> None:
    await _planned(night)
    events = [OUT.tombstone(Profile, rid(1)), profile_event(1, revision=revision, name="改めて")]
    async with night.database.transaction() as tx:
        await handlers.on_profile(tx, events)
        names = await tx.fetchval("select snapshot->>'name' from profile where registration_id = $1", rid(1))
    assert names == kept, "a record that is read again is no new consent"
    assert await _quotes(night, 1) == (0, 0)


async def test_a_re_plan_makes_lists_only_where_somebody_is_new(night: Night) -> None:
    # 3 mainly sells: there is a seat, and nobody to be introduced to.
    lists: dict[int, Sequence[int]] = {n: ((n + 1) % 20,) for n in range(20) if n != 3}

    async def wanted(seats: dict[int, dict[int, int]]) -> bool:
        await night.publish(seats, lists)
        async with night.database.transaction() as tx:
            plan = await plans.insert_plan(tx, uuid7(), G, night.partner, 1, 1)
            gathering = await facts.known_gathering(tx, G)
            assert gathering
            return (await task_of(tx, plan, gathering, 0)).introductions

    assert not await wanted(SEATS)
    assert await wanted({**SEATS, 3: {1: 8}}), "3 was given up after the first round, and has come"
    await night.publish(SEATS, lists)
    async with night.database.transaction() as tx:
        await handlers.on_registered(tx, [registered_event(night.partner, 20, **attributes(20))])
    assert await wanted(SEATS), "20 has walked in"


async def test_who_goes_while_a_plan_is_made_is_neither_named_nor_quoted_by_it(night: Night) -> None:
    plan, task = await night.begin()
    result = make_plan(task)
    for gone in (rid(0), rid(1)):
        assert any(each.counterpart == gone for found in result.introductions.values() for each in found)
    await night.erase(0)
    async with night.database.transaction() as tx:
        await handlers.on_profile(tx, [OUT.tombstone(Profile, rid(1))])  # type: ignore[list-item]
    async with night.database.transaction() as tx:
        assert await publish(tx, plan, task, result, night.now) == 19
    told = await night.newest()
    assert rid(0) not in told
    assert rid(0) not in {each.counterpart for matched in told.values() for each in matched.introductions}
    assert await night.mentions(rid(0)) == set()
    async with night.database.connection() as connection:
        rows = await matched.published(connection, G)
    about = [each for row in rows.values() for each in row.introductions if each["counterpart"] == str(rid(1))]
    assert about
    assert {each["wanted_en"] for each in about} == {"Not written yet"}
