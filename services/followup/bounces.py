"""Mail that came back later: by the operator's mail system, over HTTP or the command line."""

import argparse
import hmac
import sys
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request

from services.followup.domain import bounces
from services.followup.store import bounces as store
from services.followup.store import deliveries
from shared.platform import metrics
from shared.platform.database import Database
from shared.platform.errors import Unauthenticated
from shared.platform.http import Db

log: Final = structlog.stdlib.get_logger(__name__)

router = APIRouter(prefix="/v1")


async def record(database: Database, raw: bytes) -> int:
    """Note what a notification says of our messages; return how many came back. Saying it again changes nothing.

    An address that does not exist is never written to again. What any other lost message told is in the next one.
    """
    count = 0
    async with database.transaction() as tx:
        for bounce in bounces.read(raw):
            reason = "no_such_address" if bounce.no_such_address else "bounced"
            delivery = await store.note(tx, bounce.message_id, reason)
            if delivery is None:
                continue
            count += 1
            await deliveries.reopen(tx, [delivery])
            if bounce.no_such_address:
                await store.suppress_of(tx, delivery, bounce.addresses, reason)
    if count:
        log.info("mail.bounced", count=count)
        metrics.mails.labels("bounced").inc(count)
    return count


@router.post("/bounces")
async def take(request: Request, database: Db) -> dict[str, int]:
    """A delivery status notification (RFC 3464) as it came, from the operator's mail system, with `BOUNCE_KEY`."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    expected: str = request.app.state.bounce_key
    if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode(), expected.encode()):
        raise Unauthenticated("the operator's BOUNCE_KEY is needed: `Authorization: Bearer ...`")
    return {"bounced": await record(database, await request.body())}


def add_commands(subparsers: Any) -> None:
    """`bounce`: what the mail system pipes the returned mail of `MAIL_FROM` to."""
    parser = subparsers.add_parser("bounce", help="read one returned mail (RFC 3464) from standard input")
    parser.set_defaults(run=_run)


async def _run(settings: Any, database: Database, arguments: argparse.Namespace) -> None:
    print(f"bounced {await record(database, sys.stdin.buffer.read())}")
