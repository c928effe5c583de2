"""Facts in, follow-ups out: any order, any repetition, erasure."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.followup import handlers, operations
from services.followup.app import SERVICE
from services.followup.domain.cadence import ImplausibleMeeting, Person
from services.followup.domain.states import State
from shared.contracts.contact import Contact
from shared.contracts.followup_done import FollowupDone
from shared.contracts.met import Met
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.delivery import dead_letter
from shared.delivery.dead_letter import DeadLetter
from shared.delivery.record import Record
from tests.component.followup.facts import (
    GATHERING,
    PARTNER,
    PEOPLE,
    contact,
    event,
    followup_of,
    gathering,
    met,
    met_note,
    profile,
    registered,
    tombstone,
)
from tests.component.followup.world import World
from tests.conftest import OpenDatabase, outbox_of, settings_for

pytestmark = pytest.mark.postgres
A, B, C, *_ = PEOPLE

# What must not depend on the order of arrival; revisions count arrivals.
COURSE = (
    "select id, meeting_id, met_at, known_at, mutual_interest, policy, deadline_at, late, state, state_since, outcome,"
    " first_touch_at, closed, expires_at, steps, kinds, due, until from followup order by id"
)
TIMERS = "select followup_id, owner, step, due_at from timer order by followup_id"
NOTES = "select note_id, revision, text from note order by note_id"
PEOPLE_KNOWN = "select registration_id, revision from registration order by 1"
CONTACTS = "select registration_id, revision, time_zone from contact order by 1"


async def picture(world: World) -> list[list[dict[str, Any]]]:
    return [await world.rows(query) for query in (COURSE, TIMERS, NOTES, PEOPLE_KNOWN, CONTACTS)]


async def test_a_meeting_makes_two_follow_ups_with_a_timer_each(world: World) -> None:
    await world.people_who_met([(0, 1)])
    rows = await world.rows(COURSE)
    assert {row["id"] for row in rows} == {followup_of(A, B), followup_of(B, A)}
    for row in rows:
        assert row["deadline_at"] - row["met_at"] == timedelta(hours=24)
        assert row["state"] == "open"
    first = await world.rows(TIMERS)
    assert [row["due_at"] for row in first] == [row["due"][0] for row in rows]
    assert await outbox_of(world.database) == []


async def test_replay_adds_nothing(world: World) -> None:
    at = world.now - timedelta(hours=1)
    facts = [event(met(A, B, at), at), event(met(A, C, at), at)]
    await world.hear(facts)
    before = await picture(world)
    for _ in range(3):
        await world.hear([event(met(A, B, at), at + timedelta(minutes=1)), *facts])
    assert await picture(world) == before
    assert await world.value("select count(*) from followup") == 4


async def test_an_own_time_zone_moves_the_plan(world: World) -> None:
    at = datetime(2026, 6, 10, 10, tzinfo=UTC)
    await world.hear([event(met(A, B, at), at)])
    before = await world.value("select due_at from timer where owner = $1", B)
    await world.hear([event(contact(A, time_zone="America/New_York"), at)])
    steps = await world.value("select due from followup where owner = $1", A)
    assert steps[3] == datetime(2026, 6, 15, 14, tzinfo=UTC)
    assert await world.value("select due_at from timer where owner = $1", B) == before


async def test_a_zone_that_nobody_knows_does_not_stop_a_thank_you(world: World) -> None:
    at = world.now - timedelta(hours=1)
    await world.hear([event(contact(A, time_zone="Mars/Olympus"), at), event(met(A, B, at), at)])
    assert await world.value("select count(*) from timer") == 2


async def test_a_late_meeting_starts_with_the_next_step_and_does_not_count(world: World) -> None:
    at = datetime(2026, 6, 10, 10, tzinfo=UTC)
    await world.hear([event(met(A, B, at), at + timedelta(hours=30))])
    (row, _) = await world.rows(COURSE)
    assert (row["late"], row["kinds"][0]) == (True, "next_step")


async def test_a_meeting_in_the_future_is_refused_whole(world: World) -> None:
    with pytest.raises(ImplausibleMeeting):
        await world.hear([event(met(A, B, world.now + timedelta(hours=2)), world.now)])
    assert await world.value("select count(*) from followup") == 0


async def test_refusing_by_contact_deletes_timers_and_says_so(world: World) -> None:
    await world.people_who_met([(0, 1), (0, 2)])
    await world.hear([event(contact(A, 2, thanks=False), world.now)])
    assert await world.value("select count(*) from timer where owner = $1", A) == 0
    assert await world.value("select count(*) from timer") == 2
    done = [each.payload for each in await outbox_of(world.database)]
    assert {(each.owner, each.state) for each in done if isinstance(each, FollowupDone)} == {(A, "opted_out")}
    await world.hear([event(contact(A, 3), world.now)])
    assert await world.value("select count(*) from timer where owner = $1", A) == 2


@pytest.mark.parametrize("way", ["stop", "contact", "erase"])
async def test_a_meeting_under_way_does_not_slip_past_a_refusal(world: World, way: str) -> None:
    """The refusal waits for the batch that is being written, and then sees what it wrote."""
    await world.people_who_met([(0, 1)])
    at = world.now - timedelta(minutes=5)

    async def refuse() -> None:
        if way == "stop":
            async with world.database.transaction() as tx:
                await operations.stop(tx, world.rules, world.now, A, since=world.now)
        elif way == "contact":
            await world.hear([event(contact(A, 2, thanks=False), world.now)])
        else:
            await world.hear([tombstone(Registered, A, world.now)])

    async with world.database.transaction() as tx:
        await handlers.build(world.rules)[Met](tx, [event(met(A, C, at), at)])
        refusing = asyncio.create_task(refuse())
        await asyncio.sleep(0.3)
        assert not refusing.done()
    await refusing
    assert await world.value("select count(*) from timer where owner = $1", A) == 0


async def test_erasure_reaches_everything_and_what_comes_later(world: World) -> None:
    at = world.now - timedelta(hours=1)
    await world.people_who_met([(0, 1), (0, 2), (1, 2)])
    await world.hear([event(met_note(A, B, "秘密", at), at), event(met_note(B, A, "Aさんの話", at), at)])
    await world.report(followup_of(B, A), State.THANKED)
    await world.due_now()
    await world.fire()
    await world.hear([tombstone(each, A, world.now) for each in (Registered, Profile, Contact)])
    await world.hear(
        [
            event(registered(A, at, 9), at),
            event(profile(A, 9), at),
            event(contact(A, 9), at),
            event(met(A, C, at, 9), at),
            event(met_note(C, A, "あとから", at), at),
        ]
    )
    for table, columns in {
        "followup": "owner, other",
        "timer": "owner",
        "due_item": "owner",
        "registration": "registration_id",
        "profile": "registration_id",
        "contact": "registration_id",
        "note": "author, about",
    }.items():
        assert await world.value(f"select count(*) from {table} where $1 in ({columns})", A) == 0, table
    assert await world.value("select count(*) from report") == 0
    assert await world.value("select count(*) from followup") == 2


async def test_erasure_reaches_dead_letters_of_and_about_somebody(world: World) -> None:
    at = world.now - timedelta(hours=1)
    said = [event(contact(A), at), event(met_note(C, A, "Aさんの話", at), at), event(contact(B), at)]
    letters = [
        DeadLetter(Record(each.topic, 0, offset, each.key.encode(), each.value(), ()), "handler", "KeyError")
        for offset, each in enumerate(said)
    ]
    async with world.database.transaction() as tx:
        await dead_letter.record(tx, SERVICE.name, letters)
    await world.hear([tombstone(Registered, A, world.now)])
    assert await world.rows("select key from dead_letter") == [{"key": str(B).encode()}]


async def test_of_an_erased_person_no_mail_is_left_unless_another_registration_is(world: World) -> None:
    await world.people_who_met([(0, 1)])
    same = registered(B, world.now).person_id
    await world.hear([event(registered(C, world.now, 2).model_copy(update={"person_id": same}), world.now)])
    async with world.database.transaction() as tx:
        await tx.execute(
            "insert into delivery (person_id, dedupe, next_at) select p, p::text, now() from unnest($1::uuid[]) as p",
            [registered(person, world.now).person_id for person in (A, B)],
        )
    await world.hear([tombstone(Registered, each, world.now) for each in (A, B)])
    assert [row["person_id"] for row in await world.rows("select person_id from delivery")] == [same]


@pytest.mark.parametrize("way", ["hours", "cadence"])
async def test_a_meeting_under_way_does_not_slip_past_a_new_plan(world: World, way: str) -> None:
    """Whoever plans anew waits for the batch that is being written, and then plans what it wrote too."""
    await world.people_who_met([(0, 1)])
    at = world.now - timedelta(minutes=5)

    async def change() -> None:
        async with world.database.transaction() as tx:
            if way == "hours":
                away = Person(away=((world.now.date(), world.now.date() + timedelta(days=5)),))
                await operations.set_hours(tx, world.rules, world.now, A, away)
            else:
                await operations.set_cadence(tx, world.rules, world.now, GATHERING, PARTNER, 2)

    async with world.database.transaction() as tx:
        await handlers.build(world.rules)[Met](tx, [event(met(A, C, at), at)])
        before = await tx.fetchval("select plan_revision from followup where id = $1", followup_of(A, C))
        changing = asyncio.create_task(change())
        await asyncio.sleep(0.3)
    await changing
    assert await world.value("select plan_revision from followup where id = $1", followup_of(A, C)) > before


AT = datetime(2026, 6, 10, 10, tzinfo=UTC)
FACTS = [
    event(gathering(AT), AT),
    event(gathering(AT, 2, "Europe/London"), AT),
    event(registered(A, AT), AT),
    event(registered(B, AT, 2), AT),
    event(contact(A), AT),
    event(contact(A, 2, time_zone="America/New_York"), AT + timedelta(hours=1)),
    event(contact(C, thanks=False), AT),
    event(met(A, B, AT), AT + timedelta(minutes=5)),
    event(met(A, B, AT - timedelta(minutes=9), 2, mutual=True), AT + timedelta(hours=30)),
    event(met(A, C, AT), AT + timedelta(hours=30)),
    event(met(B, C, AT), AT),
    event(met_note(A, B, "教材の話", AT), AT),
    event(met_note(A, B, "教材と工場の話", AT, 2), AT),
    event(met_note(C, B, "別の話", AT), AT),
    tombstone(Registered, PEOPLE[3], AT),
    event(met(A, PEOPLE[3], AT), AT),
    event(met_note(A, PEOPLE[3], "消える話", AT), AT),
]


async def test_any_order_and_any_repetition_lead_to_the_same_rows(open_database_for: OpenDatabase) -> None:
    expected: list[Any] = []

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.permutations(FACTS), st.lists(st.sampled_from(FACTS), max_size=4))
    def check(facts: list[Any], again: list[Any]) -> None:
        orders.append([*facts, *again])

    orders: list[list[Any]] = [FACTS]
    check()
    database = await open_database_for(SERVICE)
    world = World(database, settings_for(SERVICE, database.url))
    tables = "followup, timer, due_item, report, note, gathering, registration, profile, contact, erased, outbox"
    for facts in orders:
        async with database.transaction() as tx:
            for table in tables.split(", "):
                await tx.execute(f"delete from {table}")
        await world.hear(facts)
        found = await picture(world)
        expected = expected or found
        assert found == expected
    assert len(expected[0]) == 6
