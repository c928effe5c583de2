"""Learns weights for partners whose labels changed, away from the event loop."""

import asyncio
from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from typing import Final

import structlog

from services.matching.domain.lessons import GLADNESS, LEARNT, LEAST_LABELS, Lesson, changes, study
from services.matching.domain.settings import Weights
from services.matching.domain.wishes import Pair, pair
from services.matching.domain.words import then_forget
from services.matching.store import facts, learning, lottery
from services.matching.store.learning import Due, Label
from services.matching.tasks import person_of
from shared.platform import clock
from shared.platform.database import Database, is_transient
from shared.platform.workers import worker_pool

log: Final = structlog.stdlib.get_logger(__name__)

LOOK_EVERY: Final = 10.0  # seconds
PATIENCE: Final = timedelta(minutes=10)
"""How long one learning may take before another replica takes it up; also the pause after one that broke."""
GATHERINGS: Final = 50
"""How many of a partner's newest gatherings are learned from: what people wanted long ago counts no more."""
SAME: Final = 0.02
"""Multipliers nearer than this to the version in force make no new one."""


async def run(database: Database) -> None:
    """Learn for ever. Raises when PostgreSQL goes away."""
    while True:
        with worker_pool(1) as pool:  # starts only when there is something to learn, so none is kept
            learned = await learn_next(database, pool)
        if not learned:
            await asyncio.sleep(LOOK_EVERY)


async def learn_next(database: Database, pool: Executor) -> bool:
    """Learn for the partner who is due for longest; False when nobody is."""
    async with database.transaction() as tx:
        due = await learning.take_due(tx, clock.now(), PATIENCE)
    if due is None:
        return False
    try:
        await _learn(database, pool, due)
    except Exception as error:
        if is_transient(error):
            raise
        # One partner's labels must not stop everybody else's learning; it is tried again after PATIENCE.
        log.error("learning.broke", partner_id=str(due.partner_id), exc_info=error)
    return True


async def _learn(database: Database, pool: Executor, due: Due) -> None:
    labels: list[Label] = []
    lessons: list[Lesson] = []
    async with database.connection() as connection:
        for gathering_id in await learning.lessons_of(connection, due.partner_id, GATHERINGS):
            found = await learning.labels_of(connection, due.partner_id, gathering_id)
            if found:
                attendees = await facts.attendees(connection, gathering_id)
                # Whoever does not agree to be shown is not even part of the room that others stand out from.
                people = tuple(person_of(registered, profile) for registered, profile in attendees if profile)
                lessons.append(Lesson(people, {label.pair: label.glad for label in found}))
                labels += found
        known = await learning.newest(connection, due.partner_id)
        lots = {each.pair for each in await lottery.drawn(connection, due.partner_id)}
    weights = Weights()
    multipliers = await asyncio.get_running_loop().run_in_executor(pool, then_forget, study, lessons, weights)
    before = known.multipliers if known and known.multipliers else {}
    async with database.transaction() as tx:
        if multipliers is not None and any(
            abs(each - before.get(name, 1.0)) >= SAME for name, each in multipliers.items()
        ):
            behind = sorted(person.registration_id for lesson in lessons for person in lesson.people)
            prior = {name: getattr(weights, name) for name in (*LEARNT, GLADNESS)}
            told = changes(weights, before, multipliers)
            if not await learning.insert_version(
                tx, due.partner_id, clock.now(), behind, len(labels), prior, multipliers, told, evidence(labels, lots)
            ):
                return  # somebody left meanwhile, which made it due again
            log.info("learning.done", partner_id=str(due.partner_id), count=len(labels))
        await learning.done(tx, due)


def evidence(labels: Sequence[Label], lots: Collection[Pair]) -> dict[str, dict[str, float] | None]:
    """How glad people were of meetings drawn by lot and of the others: what the score is worth beside chance."""
    shares: dict[str, dict[str, float] | None] = {}
    for name, by_lot in (("by_lot", True), ("by_score", False)):
        glad = [label.glad for label in labels if (pair(*label.pair) in lots) == by_lot]
        enough = len(glad) >= LEAST_LABELS
        shares[name] = {"answers": len(glad), "glad": round(sum(glad) / len(glad), 3)} if enough else None
    return shares
