"""What people choose for themselves: it is theirs at every gathering, and holds for those to come."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from services.followup import handlers
from services.followup.domain.states import State
from shared.contracts.contact import Channels, Contact
from shared.contracts.envelope import Event
from shared.contracts.met import Met
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from tests.component.followup.facts import PEOPLE, contact, event, followup_of, met, met_note, registered, tombstone
from tests.component.followup.mailing import Sink, send
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres
A, B, C, *_ = PEOPLE
PERSON = UUID(int=A.int + 0x1000)
LATER, OTHER_LATER = UUID(int=0x900), UUID(int=0x901)
ELSEWHERE = UUID(int=0xE)


def later(world: World, *, news: bool = False) -> list[Event[Any]]:
    """The same person at another gathering, where they met somebody."""
    at = world.now - timedelta(minutes=10)
    there = registered(LATER, at).model_copy(update={"person_id": PERSON, "gathering_id": ELSEWHERE})
    reach = contact(LATER).model_copy(
        update={"person_id": PERSON, "gathering_id": ELSEWHERE, "channels": Channels(news=news)}
    )
    talk = met(LATER, OTHER_LATER, at).model_copy(update={"gathering_id": ELSEWHERE})
    return [event(there, at), event(reach, at), event(talk, at)]


async def choose(world: World, owner: UUID, path: str, **form: str) -> None:
    async with world.http() as http:
        assert (await http.post(f"{world.page(owner)}/{path}", data=form)).status_code in (200, 303)


async def owned(world: World, owner: UUID) -> Sequence[tuple[str, bool]]:
    """State of each follow-up of an owner, and whether a timer runs for it."""
    rows = await world.rows(
        "select state, exists (select from timer where followup_id = id) as runs from followup where owner = $1", owner
    )
    return [(row["state"], row["runs"]) for row in rows]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_stop_holds_at_later_gatherings_until_it_is_taken_back(world: World, order: tuple[int, ...]) -> None:
    await world.people_who_met([(0, 1)])
    await choose(world, A, "stop")
    facts = later(world)
    await world.hear([facts[place] for place in order])
    assert await owned(world, A) == await owned(world, LATER) == [("opted_out", False)]
    await choose(world, LATER, "resume")
    assert await owned(world, A) == await owned(world, LATER) == [("open", True)]


async def test_nobody_who_stopped_hears_of_a_later_gathering(world: World, sink: Sink) -> None:
    await world.people_who_met([(0, 1)])
    await choose(world, A, "hours", quiet_from="00:00", quiet_until="00:00")
    await choose(world, A, "unsubscribe")
    await world.hear(later(world))
    await world.due_now()
    await world.fire()
    await send(world, sink)
    assert not [each for each in sink.received if contact(LATER).email in str(each["To"])]
    await choose(world, LATER, "resume")
    await world.due_now()
    await world.fire()
    await send(world, sink)
    (mail,) = [each for each in sink.received if contact(LATER).email in str(each["To"])]
    assert "List-Unsubscribe" in mail


async def test_hours_hold_at_later_gatherings_too(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await choose(world, A, "hours", quiet_from="20:00", quiet_until="09:30")
    await world.hear(later(world))
    assert "09:30" in await page(world, LATER)


async def page(world: World, owner: UUID, more: str = "", **query: str) -> str:
    async with world.http() as http:
        return (await http.get(world.page(owner) + more, params={"lang": "en", **query})).text


async def test_a_choice_is_forgotten_with_the_last_registration_and_not_before(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await choose(world, A, "stop")
    await world.hear(later(world))
    kept = "select count(*) from preference where person_id = $1"
    await world.hear([tombstone(each, A, world.now) for each in (Registered, Profile, Contact)])
    assert await world.value(kept, PERSON) == 1
    await world.hear([tombstone(each, LATER, world.now) for each in (Registered, Profile, Contact)])
    assert await world.value(kept, PERSON) == 0


async def test_news_and_reminders_are_separate_channels(world: World) -> None:
    await world.people_who_met([(0, 1)])
    assert "No news from the organiser" not in await page(world, A), "nobody is asked to refuse what they never allowed"
    await world.hear(later(world, news=True))
    http = await world.api()

    async def channels() -> tuple[str, str]:
        answer = (await http.get(f"/v1/registrations/{LATER}/followups")).json()
        return answer["reminders"], answer["news"]

    assert "No news from the organiser" in await page(world, LATER)
    assert await channels() == ("on", "on")
    await choose(world, LATER, "news")
    assert "News from the organiser again" in await page(world, LATER)
    assert await channels() == ("on", "off")
    assert await owned(world, LATER) == [("open", True)]
    await choose(world, LATER, "stop")
    await choose(world, LATER, "news", wanted="true")
    assert await channels() == ("stopped", "on")


@pytest.mark.parametrize(("wants", "kind"), [(True, "next_step"), (None, "next_step"), (False, "follow")])
async def test_what_was_wished_at_the_gathering_selects_the_next_step(
    world: World, wants: bool | None, kind: str
) -> None:
    await world.people_who_met([(0, 1)])
    at = world.now - timedelta(minutes=9)
    note = met_note(A, B, "教材の話をした", at).model_copy(update={"wants_next": wants})
    line = met_note(A, B, "あとで書いた一行", at + timedelta(minutes=1)).model_copy(update={"note_id": UUID(int=7)})
    await world.hear([event(note, at), event(line, at)])
    await world.report(followup_of(A, B), State.THANKED)
    shown = await page(world, A, f"/{followup_of(A, B)}")
    assert f'name="step" value="{kind}"' in shown
    http = await world.api()
    (listed,) = (await http.get(f"/v1/registrations/{A}/followups")).json()["followups"]
    assert listed["draft"]["kind"] == kind
    assert 'name="step" value="invite"' in await page(world, A, f"/{followup_of(A, B)}", step="invite")


async def test_a_stop_that_comes_with_a_contact_is_not_missed_by_a_meeting_under_way(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await choose(world, A, "stop")
    there, reach, talk = later(world)
    await world.hear([there])
    async with world.database.transaction() as tx:
        await handlers.build(world.rules)[Met](tx, [talk])
        hearing = asyncio.create_task(world.hear([reach]))
        await asyncio.sleep(0.3)
        assert not hearing.done()
    await hearing
    assert await owned(world, LATER) == [("opted_out", False)]


@pytest.mark.parametrize("order", list(permutations(range(2))))
async def test_a_corrected_address_takes_its_choices_along(world: World, order: tuple[int, ...]) -> None:
    """The platform then sends another person for the same registration, and the link of its page stays."""
    await world.people_who_met([(0, 1)])
    await choose(world, A, "hours", quiet_from="20:00", quiet_until="09:30")
    await choose(world, A, "news")
    await choose(world, A, "stop")
    present = UUID(int=0x77)
    corrected: list[Event[Any]] = [
        event(registered(A, world.now, 2).model_copy(update={"person_id": present}), world.now),
        event(contact(A, 2).model_copy(update={"person_id": present}), world.now),
    ]
    await world.hear([corrected[place] for place in order])
    assert await owned(world, A) == [("opted_out", False)]
    assert await world.rows(
        "select person_id, stopped_at is not null and news_stopped_at is not null as stopped,"
        " to_char(quiet_until, 'HH24:MI') as until from preference"
    ) == [{"person_id": present, "stopped": True, "until": "09:30"}]
    await choose(world, A, "resume")
    assert await owned(world, A) == [("open", True)]


@pytest.mark.parametrize("order", list(permutations(range(2))))
async def test_a_corrected_address_takes_its_stop_to_where_its_person_is_already(
    world: World, order: tuple[int, ...]
) -> None:
    await world.people_who_met([(0, 1), (1, 2)])
    await world.hear(later(world))
    assert await owned(world, LATER) == [("open", True)]
    await choose(world, C, "stop")
    corrected: list[Event[Any]] = [
        event(registered(C, world.now, 2).model_copy(update={"person_id": PERSON}), world.now),
        event(contact(C, 2).model_copy(update={"person_id": PERSON}), world.now),
    ]
    await world.hear([corrected[place] for place in order])
    for owner in (A, C, LATER):
        assert await owned(world, owner) == [("opted_out", False)]


async def test_a_stop_between_the_two_halves_of_a_correction_holds_everywhere(world: World) -> None:
    await world.people_who_met([(0, 1), (1, 2)])
    await world.hear([event(contact(C, 2).model_copy(update={"person_id": PERSON}), world.now)])
    await choose(world, C, "stop")  # by a registration that still names the former person
    await world.hear([event(registered(C, world.now, 2).model_copy(update={"person_id": PERSON}), world.now)])
    assert await owned(world, A) == await owned(world, C) == [("opted_out", False)]


async def test_what_was_refused_at_registration_is_not_offered_back(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await world.hear([event(contact(A, 2, thanks=False), world.now)])
    await choose(world, A, "resume")  # of a page that was opened before
    assert await owned(world, A) == [("opted_out", False)]
    shown = await page(world, A)
    assert "/resume" not in shown
    assert "Whoever you registered with can change that" in shown
    assert "/stop" in await page(world, B)
    await world.hear([event(contact(A, 3), world.now)])
    assert "/stop" in await page(world, A)
    assert await owned(world, A) == [("open", True)]


async def test_a_choice_under_way_does_not_outlive_the_erasure_of_its_person(world: World) -> None:
    await world.people_who_met([(0, 1)])
    async with world.database.transaction() as tx:
        await handlers.build(world.rules)[Registered](tx, [tombstone(Registered, A, world.now)])
        choosing = asyncio.create_task(choose(world, A, "news"))
        await asyncio.sleep(0.3)
        await handlers.build(world.rules)[Contact](tx, [tombstone(Contact, A, world.now)])
    await choosing
    assert await world.value("select count(*) from preference") == 0
