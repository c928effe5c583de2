"""Whom somebody's pages elsewhere do not name any more, told at once: plans and `matched` follow with the next plan."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.matching.store import unlisted, wishes
from shared.contracts.unlisted import Unlisted
from shared.delivery import outbox
from shared.delivery.outbox import Outgoing
from shared.platform.database import Connection


async def tell(tx: Connection, registration_ids: Sequence[UUID], now: datetime, *, left_out: bool = False) -> None:
    """After anything was said of these people or by them: announce for whom it changes something.

    `left_out`: somebody shall meet nobody, so it concerns all to whom they are introduced.
    """
    await renew(tx, await unlisted.concerned(tx, registration_ids, listing=left_out), now)


async def renew(tx: Connection, readers: Sequence[UUID], now: datetime) -> None:
    """Announce for those of the readers whose pages are to leave out others than was told last."""
    told, wanted = await unlisted.told(tx, readers), await wishes.unwanted(tx, readers)
    changed = sorted(each for each in readers if told.get(each, set()) != wanted.get(each, set()))
    if not changed:
        return
    # Once more when they are held, so that of two at the same moment the later knows what both said.
    await unlisted.hold(tx, changed)
    wanted = await wishes.unwanted(tx, changed)
    rows = await unlisted.put(tx, {each: wanted.get(each, set()) for each in changed})
    out = Outgoing("matching", now)
    await outbox.add(
        tx,
        [
            out.event(
                Unlisted(
                    registration_id=each.registration_id,
                    gathering_id=each.gathering_id,
                    revision=each.revision,
                    others=tuple(each.others),
                )
            )
            for each in rows
        ],
    )
