"""Lists of introductions are rewritten by one at a time: what is taken off them does not come back by somebody else's copy."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from services.matching import desk, handlers, introducing
from services.matching.domain.plan import Result, Task
from services.matching.domain.proof import Proof
from services.matching.publishing import publish
from services.matching.store import evening, facts, plans
from services.matching.tasks import person_of
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.platform.database import Connection
from shared.platform.ids import uuid7
from tests.component.matching.group import OUT, rid
from tests.component.matching.night import G, Night

pytestmark = pytest.mark.postgres
READER, GONE, THIRD = 0, 2, 7  # THIRD agrees to meet the reader, on whose list GONE is
Writer = Callable[[Night, Connection], Awaitable[Any]]


@pytest.fixture
async def night(night: Night) -> Night:
    met = {"gathering_id": str(G), "a": str(rid(READER)), "b": str(rid(GONE)), "met_at": night.now.isoformat()}
    await night.lines("/meetings/bulk", [met])
    async with night.database.transaction() as tx:
        one, other = await evening.guest(tx, rid(READER)), await evening.guest(tx, rid(THIRD))
        assert one
        assert other
        await introducing.propose(tx, one, other, None, "desk", night.now, kept_apart=False)
        await tx.execute("update proposal set a_answer = true")
    return night


async def _agreed(night: Night, tx: Connection) -> None:
    third = await evening.guest(tx, rid(THIRD))
    assert third
    asked = await tx.fetchval("select proposal_id from proposal")
    found = await desk.prospect(night.database, third, asked)
    await introducing.answer(tx, third, asked, True, night.now, found)


async def _published(night: Night, tx: Connection) -> None:
    """A re-plan in which GONE, who has left, takes no part: on the lists of those who met them they stay."""
    plan = await plans.insert_plan(tx, uuid7(), G, night.partner, 1, 1)
    await tx.execute("update plan set state = 'running' where plan_id = $1", plan.plan_id)
    people = tuple(
        person_of(*each) for each in await facts.attendees(tx, G) if each[0].registration_id not in {rid(GONE)}
    )
    present = (frozenset(person.registration_id for person in people),) * 3
    task = Task(people, 3, (4,) * 5, (), 1, 0, present=present)
    result = Result({}, {}, Proof(0, 0, (), {}, (), 0, 0))
    assert await publish(tx, plan, task, result, night.now)


WRITERS: Final[tuple[Writer, ...]] = (_agreed, _published)


async def _meanwhile(night: Night, first: Writer, second: Writer) -> None:
    """The second begins before the first has ended."""

    async def write() -> None:
        async with night.database.transaction() as tx:
            await second(night, tx)

    async with night.database.transaction() as tx:
        await first(night, tx)
        writing = asyncio.create_task(write())
        await asyncio.sleep(0.3)
    await writing


async def _erased(night: Night, tx: Connection) -> None:
    await handlers.on_registered(tx, [OUT.tombstone(Registered, rid(GONE))])  # type: ignore[list-item]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("erased_first", [True, False])
async def test_whoever_is_erased_stays_off_every_list(night: Night, writer: Writer, erased_first: bool) -> None:
    await _meanwhile(night, *((_erased, writer) if erased_first else (writer, _erased)))
    assert await night.mentions(rid(GONE)) - {"outbox", "meeting"} == set()


@pytest.mark.parametrize("gone", [GONE, THIRD])
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("withdrawn_first", [True, False])
async def test_words_that_are_withdrawn_stay_off_every_list(
    night: Night, writer: Writer, withdrawn_first: bool, gone: int
) -> None:
    async def withdrawn(night: Night, tx: Connection) -> None:
        await handlers.on_profile(tx, [OUT.tombstone(Profile, rid(gone))])  # type: ignore[list-item]

    await _meanwhile(night, *((withdrawn, writer) if withdrawn_first else (writer, withdrawn)))
    async with night.database.connection() as connection:
        row = await connection.fetchval("select introductions from matched where registration_id = $1", rid(READER))
    assert {each["wanted_en"] for each in row if each["counterpart"] == str(rid(gone))} <= {"Not written yet"}
