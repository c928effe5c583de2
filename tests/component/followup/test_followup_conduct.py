"""What becomes of "I felt pressured": from a person's own page to matching, which keeps the two apart and asks a human."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.matching.app import SERVICE as MATCHING
from services.matching.store.wishes import kept_apart
from shared.contracts.conduct_reported import ConductReported
from shared.contracts.gathering import Gathering
from shared.contracts.kept_apart import KeptApart
from shared.platform.database import Database
from tests.component.followup.facts import GATHERING, PARTNER, PEOPLE, event, gathering, registered
from tests.component.followup.world import World
from tests.conftest import OpenDatabase, api_key, client, outbox_of, settings_for

pytestmark = pytest.mark.postgres
A, B, C, *_ = PEOPLE
NEXT = UUID(int=0xA2)


async def complain(world: World, who: UUID, whom: UUID) -> None:
    page = world.page(who, whom)
    async with world.http() as http:
        assert (await http.post(f"{page}/conduct", data={"kind": "pressured"})).status_code == 303


async def apart(database: Database, gathering_id: UUID) -> set[tuple[UUID, UUID]]:
    async with database.connection() as connection:
        return set(await kept_apart(connection, gathering_id))


@pytest.mark.parametrize("registered_first", [True, False])
async def test_a_complaint_keeps_two_apart_for_good_and_two_of_them_ask_a_human(
    world: World, open_database_for: OpenDatabase, registered_first: bool
) -> None:
    await world.people_who_met([(0, 1), (1, 2)])
    await complain(world, A, B)
    await complain(world, C, B)
    said = [each for each in await outbox_of(world.database) if isinstance(each.payload, ConductReported | KeptApart)]
    known = [
        event(gathering(world.now), world.now),
        *(event(registered(each, world.now), world.now) for each in (A, B, C)),
    ]
    facts = [*known, *said] if registered_first else [*said, *known]

    matching = await open_database_for(MATCHING)
    handlers = MATCHING.handlers(settings_for(MATCHING, matching.url))
    async with matching.transaction() as tx:
        for each in [*facts, *said]:
            await handlers[each.type](tx, [each])
    assert await apart(matching, GATHERING) == {(A, B), (B, C)}
    _, headers = await api_key(matching, "conduct:review", partner_id=PARTNER)
    async with client(MATCHING, matching) as http:
        (flag,) = (await http.get("/v1/flags", headers=headers)).json()["flags"]
    assert (flag["person_id"], flag["complaints"]) == (str(registered(B, world.now).person_id), 2)

    later = Gathering(**{**gathering(world.now + timedelta(days=30)).model_dump(), "gathering_id": NEXT})
    again = [
        registered(each, world.now).model_copy(
            update={"registration_id": UUID(int=each.int + 0x500), "gathering_id": NEXT}
        )
        for each in (A, B, C)
    ]
    async with matching.transaction() as tx:
        for fact in (later, *again):
            await handlers[type(fact)](tx, [event(fact, world.now)])
    ids = [each.registration_id for each in again]
    assert await apart(matching, NEXT) == {(ids[0], ids[1]), (ids[1], ids[2])}


async def test_what_keeps_two_apart_does_not_say_why(world: World) -> None:
    await world.people_who_met([(0, 1)])
    for _ in range(3):
        await complain(world, A, B)
    (told,) = [each.payload for each in await outbox_of(world.database) if isinstance(each.payload, KeptApart)]
    assert told.model_dump() == {"gathering_id": GATHERING, "author": A, "about": B}
