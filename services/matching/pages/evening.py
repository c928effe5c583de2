"""My evening: whom to meet and why, what to ask first, where to sit. Phone first, no script; looking changes nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.matching.domain.proposals import Proposal
from services.matching.domain.timetable import showing, sittings
from services.matching.domain.wishes import NO_THANKS
from services.matching.pages.visits import Visit, Visitor, unwanted
from services.matching.store import evening, feedback, proposals
from services.matching.store import wishes as said_wishes
from services.matching.store.evening import Guest
from shared.platform.http import Db
from shared.platform.pages import PersonsRoute

router = APIRouter(prefix="/e", include_in_schema=False, route_class=PersonsRoute)


@dataclass(frozen=True)
class Partner:
    """Somebody to meet, as one's own page shows them."""

    guest: Guest
    words: dict[str, Any]
    round: int | None
    """The round in which both sit at one table."""
    table: int | None
    """Where to find them: the shared table, else where they sit now or next."""
    met: bool
    introducer: str | None
    """Who knows both, by name."""
    agreed: bool
    """The introducer asked both, and both agreed."""


@dataclass(frozen=True)
class Stop:
    """One round of one's evening."""

    number: int
    from_to: str
    table: int | None
    label: str | None
    mates: tuple[Guest, ...]
    state: str
    """`over`, `now` or `next` for the one to go to, `later`."""


@dataclass(frozen=True)
class Offer:
    """A proposal that somebody should be met, as one of the two sees it."""

    proposal_id: UUID
    other: Guest
    introducer: str | None
    asked_by: str
    state: str


@router.get("/{token}")
async def overview(visit: Visitor, database: Db, said: str | None = None) -> Response:
    """The whole evening of one person on one page."""
    guest = visit.guest
    async with database.connection() as connection:
        mates = await evening.tablemates(connection, guest)
        listed = {
            UUID(each[key]) for each in guest.introductions for key in ("counterpart", "introducer") if each.get(key)
        }
        open_proposals = await proposals.shown_to(connection, guest.id)
        wanted = listed.union(*mates.values(), *((each.a, each.b, each.introducer) for each in open_proposals))
        people = await evening.guests(connection, guest.gathering.gathering_id, [each for each in wanted if each])
        wishes = await evening.met_by(connection, guest.id)
        taps = await feedback.verdicts(connection, guest.id)
        wished = await said_wishes.wishes(connection, guest.gathering.gathering_id, guest.id)
        hidden = await unwanted(connection, visit)
    kinds = {each.about: each.kind for each in wished}
    introduced = {other: each for each in guest.introductions if (other := UUID(each["counterpart"])) in people}
    stops = _stops(visit, mates, people)
    agreed = {each.other_of(guest.id) for each in open_proposals if each.agreed}
    return visit.pages.render(
        "evening.html",
        visit.locale,
        visit=visit,
        said=said,
        here=next((each for each in stops if each.state in ("now", "next")), None),
        stops=stops,
        partners=[
            _partner(visit, each, people, wishes, agreed) for other, each in introduced.items() if other not in hidden
        ],
        declined=[people[other] for other in introduced if kinds.get(other) == NO_THANKS],
        proposals=[_offer(each, guest.id, people) for each in open_proposals if each.other_of(guest.id) in people],
        met=wishes,
        taps=taps,
        wished=kinds,
    )


def _offer(proposal: Proposal, reader: UUID, people: Mapping[UUID, Guest]) -> Offer:
    introducer = people.get(proposal.introducer) if proposal.introducer else None
    return Offer(
        proposal.proposal_id,
        people[proposal.other_of(reader)],
        introducer.name if introducer else None,
        proposal.asked_by_for(reader),
        proposal.state_for(reader),
    )


def _partner(
    visit: Visit,
    words: dict[str, Any],
    people: Mapping[UUID, Guest],
    wishes: Mapping[UUID, bool | None],
    agreed: Collection[UUID],
) -> Partner:
    other = people[UUID(words["counterpart"])]
    mine = visit.guest.seats
    shared = next((number for number, table in sorted(mine.items()) if other.seats.get(number) == table), None)
    at = showing(visit.gathering, visit.now)
    introducer = people.get(UUID(words["introducer"])) if words.get("introducer") else None
    return Partner(
        guest=other,
        words=words,
        round=shared,
        table=mine[shared] if shared else other.seats.get(at.number) if at else None,
        met=other.id in wishes,
        introducer=introducer.name if introducer else None,
        agreed=other.id in agreed,
    )


def _stops(visit: Visit, mates: Mapping[int, list[UUID]], people: Mapping[UUID, Guest]) -> list[Stop]:
    gathering = visit.gathering
    labels = {table.number: table.label for table in gathering.tables}
    at = showing(gathering, visit.now)
    found = []
    for each in sittings(gathering):
        table = visit.guest.seats.get(each.number)
        if each is at or (at is not None and each.number == at.number):
            state = "now" if each.starts_at <= visit.now else "next"
        else:
            state = "over" if at is None or each.number < at.number else "later"
        found.append(
            Stop(
                number=each.number,
                from_to=f"{visit.time(each.starts_at)}–{visit.time(each.ends_at)}",
                table=table,
                label=labels.get(table) if table else None,
                mates=tuple(people[key] for key in mates.get(each.number, ()) if key in people),
                state=state,
            )
        )
    return found
