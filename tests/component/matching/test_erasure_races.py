"""Somebody is erased at the moment at which something is written of them: nothing of it stays, in either order."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from services.matching import desk, handlers, introducing, live
from services.matching.live import Changes
from services.matching.store import embeddings, evening, feedback, learning, lottery
from services.matching.store.live import Pin
from shared.contracts.conduct_reported import ConductReported
from shared.contracts.followup_done import FollowupDone
from shared.contracts.kept_apart import KeptApart
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.delivery.outbox import Outgoing
from shared.platform.database import Connection
from shared.platform.errors import EnishiError
from shared.platform.ids import derived, uuid7
from tests.component.matching.group import OUT, profile_event, registered_event, rid
from tests.component.matching.night import G, Night, definition

pytestmark = pytest.mark.postgres
GONE: Final = 3
Writer = Callable[[Night, Connection], Awaitable[Any]]


@pytest.fixture
async def night(night: Night) -> Night:
    async with night.database.transaction() as tx:
        gone, other = await _guests(tx, GONE, 1)
        await introducing.propose(tx, gone, other, None, "desk", night.now, kept_apart=False)
        asked = uuid7()
        await tx.execute("update proposal set a_answer = true, proposal_id = $1", asked)
    return night


async def _guests(tx: Connection, *numbers: int) -> list[Any]:
    return [await evening.guest(tx, rid(n)) for n in numbers]


async def _changed(night: Night, tx: Connection, changes: Changes) -> None:
    await live.change(tx, definition(night.partner, night.now).payload, changes, 1, night.now)


async def _stay(night: Night, tx: Connection) -> None:
    await _changed(night, tx, Changes(no_shows=[rid(GONE)]))


async def _pin(night: Night, tx: Connection) -> None:
    await _changed(night, tx, Changes(pins=[Pin(rid(GONE), 3, 9)]))


async def _proposed(night: Night, tx: Connection) -> None:
    other, gone = await _guests(tx, 5, GONE)
    await introducing.propose(tx, other, gone, None, "desk", night.now, kept_apart=False)


async def _introduced(night: Night, tx: Connection) -> None:
    one, other, gone = await _guests(tx, 5, 6, GONE)
    await introducing.propose(tx, one, other, gone, "introducer", night.now, kept_apart=False)


async def _agreed(night: Night, tx: Connection) -> None:
    (reader,) = await _guests(tx, 1)
    asked = await tx.fetchval("select proposal_id from proposal")
    found = await desk.prospect(night.database, reader, asked)
    await introducing.answer(tx, reader, asked, True, night.now, found)


async def _words(night: Night, tx: Connection) -> None:
    await handlers.on_profile(tx, [profile_event(GONE, revision=2)])


async def _registration(night: Night, tx: Connection) -> None:
    await handlers.on_registered(tx, [registered_event(night.partner, GONE, revision=2)])


async def _followup(night: Night, tx: Connection) -> None:
    times = dict.fromkeys(("met_at", "deadline_at", "occurred_at", "recorded_at"), night.now)
    sides = {"gathering_id": G, "owner": rid(1), "other": rid(GONE)}
    done = FollowupDone(followup_id=uuid7(), revision=1, state="replied", **sides, **times)
    await handlers.on_followup_done(tx, [OUT.event(done)])  # type: ignore[list-item]


async def _complaint(night: Night, tx: Connection) -> None:
    said = {"gathering_id": G, "subject": rid(GONE), "kind": "pressured", "source": "followup"}
    report = ConductReported(report_id=uuid7(), day=date(2026, 11, 21), **said)
    await handlers.on_conduct_reported(tx, [OUT.event(report)])  # type: ignore[list-item]


async def _apart(night: Night, tx: Connection) -> None:
    said = KeptApart(gathering_id=G, author=rid(1), about=rid(GONE))
    await handlers.on_kept_apart(tx, [OUT.event(said)])  # type: ignore[list-item]


async def _review(night: Night, tx: Connection) -> None:
    await feedback.put_review(tx, night.partner, derived("p", GONE), "seller", 2, night.now)


async def _vector(night: Night, tx: Connection) -> None:
    await embeddings.keep(tx, [(rid(GONE), b"words")], {b"words": b"vector"})


async def _lesson(night: Night, tx: Connection) -> None:
    await learning.insert_version(tx, night.partner, night.now, [rid(1), rid(GONE)], 20, {}, {"fit": 1.1}, [], {})


WRITERS: Final[tuple[Writer, ...]] = (
    _stay,
    _pin,
    _proposed,
    _introduced,
    _agreed,
    _words,
    _registration,
    _followup,
    _complaint,
    _apart,
    _review,
    _vector,
    _lesson,
)


async def _left(night: Night) -> set[str]:
    """Tables that still know them. Events that wait may tell others of lists without them."""
    async with night.database.connection() as connection:
        person = await connection.fetchval("select count(*) from review")
    return await night.mentions(rid(GONE)) - {"outbox"} | ({"review"} if person else set())


@pytest.mark.parametrize("writer", WRITERS)
async def test_an_erasure_waits_for_what_is_being_written(night: Night, writer: Writer) -> None:
    async with night.database.transaction() as tx:
        await writer(night, tx)
        erasure = asyncio.create_task(night.erase(GONE))
        await asyncio.sleep(0.2)  # it would be over by now, if it did not wait
    await erasure
    assert not await _left(night)


@pytest.mark.parametrize("writer", WRITERS)
async def test_what_is_written_waits_for_an_erasure_and_finds_nobody(night: Night, writer: Writer) -> None:
    async def write() -> None:
        async with night.database.transaction() as tx:
            await writer(night, tx)

    async with night.database.transaction() as tx:
        await handlers.on_registered(tx, [OUT.tombstone(Registered, rid(GONE))])  # type: ignore[list-item]
        writing = asyncio.create_task(write())
        await asyncio.sleep(0.2)
    await asyncio.wait([writing])
    assert writing.exception() is None or isinstance(writing.exception(), EnishiError)
    assert not await _left(night)


async def test_words_that_were_withdrawn_come_back_only_by_a_newer_consent(night: Night) -> None:
    async def words() -> str | None:
        async with night.database.connection() as connection:
            found: str | None = await connection.fetchval(
                "select snapshot->>'name' from profile where registration_id = $1", rid(GONE)
            )
            return found

    async def take(*events: Any) -> None:
        async with night.database.transaction() as tx:
            await handlers.on_profile(tx, events)

    await take(profile_event(GONE, revision=4, name="新しい"))
    await take(OUT.tombstone(Profile, rid(GONE)))
    for revision in (1, 4):
        await take(profile_event(GONE, revision=revision, name="古い"))
        assert await words() is None, "a record that is read again"
    early = Outgoing("registration", night.now - timedelta(days=1))
    missed = profile_event(GONE, revision=5, name="届いていなかった").payload
    await take(early.event(missed))
    assert await words() is None, "written before the consent was withdrawn, and never seen until now"
    await take(profile_event(GONE, revision=6, name="改めて"))
    assert await words() == "改めて"


async def _drawn(tx: Connection, low: UUID, middle: UUID, high: UUID) -> None:
    await lottery.keep(tx, G, [(middle, high), (low, middle)], 0.1)


async def _embedded(tx: Connection, *people: UUID) -> None:
    await embeddings.keep(tx, [(each, b"words") for each in people], {b"words": b"vector"})


@pytest.mark.parametrize(("table", "keep"), [("registration", _drawn), ("profile", _embedded)])
async def test_people_are_held_in_one_order_so_that_nobody_waits_in_a_circle(
    night: Night, table: str, keep: Callable[..., Awaitable[None]]
) -> None:
    people = sorted(rid(n) for n in range(20))
    low, middle, high = people[0], people[10], people[19]

    async def write() -> None:
        async with night.database.transaction() as tx:
            await keep(tx, low, middle, high)

    async with night.database.transaction() as tx:
        await tx.execute(f"select from {table} where registration_id = $1 for update", low)
        writing = asyncio.create_task(write())
        await asyncio.sleep(0.2)
        await tx.execute(f"select from {table} where registration_id = $1 for update", high)
    await writing
