"""People who are about to meet, and what they are reminded of."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.envelope import Event
from shared.contracts.gathering import Gathering
from shared.contracts.matched import Introduction, Matched, Reason, Seat
from tests.component.followup.facts import GATHERING, PEOPLE, contact, event, gathering, profile, registered
from tests.component.followup.world import World

A, B, C, D, *_ = PEOPLE
SURVEY = "https://survey.example/r/abc"
PLAN = "翌日に資料を送る。2週間以内に1社を訪問する"


def matched(person: UUID, *others: UUID, revision: int = 1, introducer: UUID | None = None) -> Matched:
    return Matched(
        registration_id=person,
        gathering_id=GATHERING,
        revision=revision,
        plan_id=uuid4(),
        planned_at=datetime.fromisoformat("2026-01-01T00:00:00Z"),
        introductions=tuple(
            Introduction(
                counterpart=other,
                rank=rank,
                reasons=(Reason(kind="their_offer_meets_my_need"),),
                introducer=introducer,
            )
            for rank, other in enumerate(others, 1)
        ),
        seats=(Seat(round=1, table=3),),
    )


def evening(world: World, hours: float, phase: str = "open", revision: int = 1) -> Gathering:
    """A gathering of three hours that begins in so many hours."""
    starts = world.now + timedelta(hours=hours)
    base = gathering(starts + timedelta(hours=3), revision).model_dump()
    return Gathering(**{**base, "starts_at": starts, "phase": phase})


def facts(world: World, hours: float, phase: str = "open", attendance: str = "expected") -> list[Event[Any]]:
    at = world.now
    found = [event(evening(world, hours, phase), at), event(matched(A, B, C), at)]
    for person in (A, B, C):
        there = registered(person, at).model_copy(update={"attendance": attendance})
        found += [
            event(there, at),
            event(profile(person, plan=PLAN, goal="三人と話す"), at),
            event(contact(person), at),
        ]
    return found


async def kinds(world: World) -> list[tuple[str, str]]:
    rows = await world.rows("select kind, text from reminder where owner = $1", A)
    return sorted((row["kind"], row["text"]) for row in rows)


async def come(world: World, kind: str) -> None:
    """Let the time of these reminders come."""
    async with world.database.transaction() as tx:
        await tx.execute("update reminder set due_at = now() - interval '1 second' where kind = $1", kind)
