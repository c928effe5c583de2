"""What attendees and organisers tell about pairs: wishes, bans, taps. One path for pages and partners, single or bulk.

Each function takes registrations of one partner and answers per row with what is wrong, or None.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.matching import introducing, unlisting
from services.matching.domain.learning import NOT_FOR_ME, Tap
from services.matching.domain.wishes import NO_THANKS, Wish, pair
from services.matching.store import embeddings, facts, learning, lottery
from services.matching.store import feedback as taps_store
from services.matching.store import wishes as store
from shared.platform import clock, metrics
from shared.platform.database import Connection
from shared.platform.errors import Invalid
from shared.platform.ids import derived

SETTLE: Final = timedelta(hours=12)
"""How long labels may gather before weights are learned from them. Tonight's rounds hear of taps at once."""
WITHDRAWN: Final = "none"
"""The word that takes back what somebody said of another."""


async def wish(tx: Connection, partner_id: UUID, said: Sequence[Wish], now: datetime) -> list[str | None]:
    """Keep what authors wish of others at their gathering; of several about one pair the last counts.

    A refusal takes back at once what the two had agreed on, and each off the other's pages; all else counts from the next
    plan on.
    """
    homes, problems = await _check(tx, partner_id, [(each.author, each.about) for each in said])
    newest = {(each.author, each.about): each for each, problem in zip(said, problems, strict=True) if problem is None}
    await store.put_wishes(tx, [(homes[each.author], each) for each in newest.values() if each.kind != WITHDRAWN])
    await store.withdraw_wishes(tx, [key for key, each in newest.items() if each.kind == WITHDRAWN])
    await introducing.take_back(tx, sorted({each.author for each in newest.values() if each.kind == NO_THANKS}), now)
    await unlisting.tell(tx, _sides(newest), now)
    metrics.accepted.labels("wish").inc(len(newest))
    return problems


async def tap(tx: Connection, partner_id: UUID, said: Sequence[Tap], now: datetime) -> list[str | None]:
    """Keep what authors tapped about others; of several about one pair the latest counts, in whatever order they come.

    `WITHDRAWN` takes back what was tapped before it. A time ahead of the clock is taken for now. "Not for me" takes back
    at once what the two had agreed on.
    """
    taps = [replace(each, at=min(each.at, now)) for each in said]
    homes, problems = await _check(tx, partner_id, [(each.author, each.about) for each in taps])
    good = [each for each, problem in zip(taps, problems, strict=True) if problem is None]
    newest = {(each.author, each.about): each for each in sorted(good, key=lambda each: each.at)}
    await taps_store.put_taps(tx, [(homes[each.author], each) for each in newest.values()])
    await learning.make_due(tx, [author for author, _ in newest], now + SETTLE)
    await introducing.take_back(
        tx, sorted({each.author for each in newest.values() if each.verdict == NOT_FOR_ME}), now
    )
    await unlisting.tell(tx, _sides(newest), now)
    metrics.accepted.labels("tap").inc(len(newest))
    return problems


async def keep_apart(tx: Connection, said: Sequence[tuple[UUID, Tap]], now: datetime) -> None:
    """Keep (gathering, "not for me") from elsewhere. It may come before those whom it concerns, so nothing is checked."""
    newest = {(tap.author, tap.about): (home, tap) for home, tap in sorted(said, key=lambda each: each[1].at)}
    await taps_store.put_taps(tx, list(newest.values()))
    authors = sorted({author for author, _ in newest})
    await learning.make_due(tx, authors, now + SETTLE)
    await introducing.take_back(tx, authors, now)
    await unlisting.tell(tx, _sides(newest), now)


async def ban(tx: Connection, partner_id: UUID, one: UUID, other: UUID | None, now: datetime) -> UUID:
    """Keep two persons apart for good, or one out of their gathering's plans; what they had agreed on is taken back.

    Raises `Invalid`.
    """
    sides = [one] if other is None else list(pair(one, other))
    homes = await facts.hold_registrations(tx, partner_id, sides)
    if len(homes) < len(sides):
        raise Invalid("no such registration, or twice the same")
    ban_id = derived("ban", *sides)
    await store.put_ban(tx, partner_id, ban_id, sides[0], sides[1] if other else None)
    await introducing.take_back(tx, [one], now)
    await unlisting.tell(tx, sides, now, left_out=other is None)
    return ban_id


async def erase(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Forget what these persons said, what was said of them and what was learned, before their registrations go."""
    await facts.claim_registrations(tx, registration_ids)
    await store.erase(tx, registration_ids)
    await taps_store.erase(tx, registration_ids)
    await lottery.erase(tx, registration_ids)
    await unlearn(tx, registration_ids)


async def unlearn(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Take back what was learned from these persons and their words; the rest is learned anew at once."""
    await embeddings.erase(tx, registration_ids)
    await learning.erase(tx, registration_ids)
    await learning.make_due(tx, registration_ids, clock.now())


def _sides(pairs: Iterable[tuple[UUID, UUID]]) -> list[UUID]:
    return sorted({side for each in pairs for side in each})


async def _check(
    tx: Connection, partner_id: UUID, pairs: Sequence[tuple[UUID, UUID]]
) -> tuple[dict[UUID, UUID], list[str | None]]:
    homes = await facts.hold_registrations(tx, partner_id, [side for each in pairs for side in each])
    return homes, [_problem(homes, author, about) for author, about in pairs]


def _problem(homes: dict[UUID, UUID], author: UUID, about: UUID) -> str | None:
    if author == about:
        return "nobody says this of themselves"
    if author not in homes or homes.get(about) != homes[author]:
        return "these are not two registrations of one gathering"
    return None
