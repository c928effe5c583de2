"""What a plan must respect of all that was said: whom to keep apart, whom to bring together, what was learned."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.matching.domain.learning import Effects, effects
from services.matching.domain.lessons import learned_weights
from services.matching.domain.lottery import chance_of, drawn
from services.matching.domain.people import Person
from services.matching.domain.settings import Weights
from services.matching.domain.wishes import Apart, Pair, Wish, refused, wish_points
from services.matching.store import feedback, learning, lottery, wishes
from shared.platform.database import Connection


@dataclass(frozen=True)
class Guidance:
    """For `plan.Task`: its blocks, pair points, effects and weights; and who takes part at all."""

    apart: Apart
    pair_points: dict[Pair, float]
    effects: Effects
    weights: Weights
    version: int | None
    """Of the learned weights; None: as they were set by hand."""
    sellers: frozenset[UUID]
    """Persons whom a human found to come to sell."""

    def among(self, people: Sequence[Person]) -> tuple[Person, ...]:
        """Those who take part, with what a human found of them."""
        return tuple(
            replace(person, seller=True) if person.person_id in self.sellers else person
            for person in people
            if person.registration_id not in self.apart.left_out
        )

    @property
    def blocks(self) -> tuple[Pair, ...]:
        """Pairs to keep apart, in ascending order."""
        return tuple(sorted(self.apart.pairs))


async def guidance(connection: Connection, partner_id: UUID, gathering_id: UUID) -> Guidance:
    """Everything said until now. Ask again before each re-plan: taps of the last round are in it."""
    wished = await wishes.wishes(connection, gathering_id)
    labels = await learning.labels_around(connection, partner_id, gathering_id)
    who = {side: person for label in labels for side, person in zip(label.pair, label.persons, strict=True)}
    version = await learning.newest(connection, partner_id)
    weights = learned_weights(Weights(), (version and version.multipliers) or {})
    return Guidance(
        apart=await _apart(connection, gathering_id, wished),
        pair_points=wish_points(wished, weights),
        effects=effects({label.pair: label.glad for label in labels}, who),
        weights=weights,
        version=version.version if version else None,
        sellers=frozenset(await feedback.sellers(connection, partner_id)),
    )


async def refusals(connection: Connection, gathering_id: UUID) -> Apart:
    """Whom nobody may bring together now: no thanks, not for me, bans. Neither of two may ever learn of it."""
    return await _apart(connection, gathering_id, await wishes.wishes(connection, gathering_id))


async def _apart(connection: Connection, gathering_id: UUID, wished: Sequence[Wish]) -> Apart:
    pairs = refused(wished).union(await wishes.kept_apart(connection, gathering_id))
    return Apart(pairs, frozenset(await wishes.left_out(connection, gathering_id)))


async def draw(
    connection: Connection, gathering_id: UUID, people: Sequence[UUID], meetings: int, share: float, *, keep: bool
) -> list[Pair]:
    """Pairs to bring together by lot: a share of so many meetings each.

    What a plan draws is kept with its chance; whoever only looks at a plan keeps nothing, or lots that encouraged
    nobody would count as evidence.
    """
    chance = chance_of(len(people), meetings, share)
    pairs = await asyncio.to_thread(drawn, gathering_id, people, chance)  # 0.3 s at 2,000 people
    if keep:
        await lottery.keep(connection, gathering_id, pairs, chance)
    return pairs
