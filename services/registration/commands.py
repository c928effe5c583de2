"""The operator's commands: make a partner, rotate and revoke its keys."""

import argparse
from typing import Any
from uuid import UUID

from services.registration.store import partners
from shared.contracts.partner import ApiKey, Partner
from shared.delivery import outbox
from shared.delivery.outbox import Outgoing
from shared.platform import auth, clock
from shared.platform.auth import NewKey
from shared.platform.database import Connection, Database
from shared.platform.errors import EnishiError, NotFound
from shared.platform.ids import uuid7

ALL_SCOPES = (
    "gatherings:write gatherings:read registrations:write registrations:read matching:write matching:read"
    " meetings:write followups:read followups:write surveys:write surveys:read reports:read conduct:review"
)


def add_commands(subparsers: Any) -> None:
    """`partner create | add-key | revoke | list`."""
    parser = subparsers.add_parser("partner", help="make a partner; add or revoke its API keys")
    parser.add_argument("action", choices=["create", "add-key", "revoke", "list"])
    parser.add_argument("--name", help="of a new partner")
    parser.add_argument("--partner", type=UUID, help="an existing partner")
    parser.add_argument("--key", help="the id of the key to revoke")
    parser.add_argument("--scopes", default=ALL_SCOPES, help="separated by blanks; all by default")
    parser.set_defaults(run=_run)


async def _run(settings: Any, database: Database, arguments: argparse.Namespace) -> None:
    async with database.transaction() as tx:
        if arguments.action == "list":
            for partner_id, name, keys in await partners.partners(tx):
                print(f"{partner_id} {name}: {', '.join(keys) or 'no keys'}")
        elif arguments.action == "create":
            if not arguments.name:
                raise EnishiError("create needs --name")
            partner = Partner(partner_id=uuid7(), revision=1, name=arguments.name, keys=())
            await _add_key(tx, partner, arguments.scopes)
        else:
            known = await partners.lock_partner(tx, arguments.partner) if arguments.partner else None
            if known is None:
                raise NotFound("no such partner; give its id with --partner")
            if arguments.action == "add-key":
                await _add_key(tx, _next(known, known.keys), arguments.scopes)
            else:
                kept = tuple(key for key in known.keys if key.key_id != arguments.key)
                if len(kept) == len(known.keys):
                    raise NotFound("no such key; give its id with --key")
                await _write(tx, _next(known, kept))
                print(f"revoked {arguments.key}: it stops working within {auth.CACHE_SECONDS:.0f} s of its arrival")


async def _add_key(tx: Connection, partner: Partner, scopes: str) -> None:
    key = auth.new_key()
    await _write(tx, partner.model_copy(update={"keys": (*partner.keys, _stored(key, scopes))}))
    print(f"partner {partner.partner_id}\nkey     {key.text}\n\nThe key is shown once: only its hash is kept.")


def _stored(key: NewKey, scopes: str) -> ApiKey:
    return ApiKey(key_id=key.key_id, sha256=key.sha256.hex(), scopes=tuple(scopes.split()))


def _next(known: Partner, keys: tuple[ApiKey, ...]) -> Partner:
    return Partner(partner_id=known.partner_id, revision=known.revision + 1, name=known.name, keys=keys)


async def _write(tx: Connection, partner: Partner) -> None:
    """Here for our own door, and on the topic for everybody else's."""
    await partners.upsert_partner(tx, partner)
    await auth.store_partner(tx, partner)
    await outbox.add(tx, [Outgoing("registration", clock.now()).event(partner)])
