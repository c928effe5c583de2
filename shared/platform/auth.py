"""Partner API keys: `enishi_live_<8 characters of id>_<32 of secret>`. Only the SHA-256 of a key is ever stored.

A key carries 190 random bits, so a fast hash is enough; a slow one would let anybody burn our CPU.
"""

import hashlib
import hmac
import secrets
import string
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

import structlog
from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from shared.contracts.envelope import Event
from shared.contracts.partner import Partner
from shared.delivery.fold import newest
from shared.platform import clock, metrics
from shared.platform.database import Connection, Database
from shared.platform.errors import Forbidden, Unauthenticated
from shared.platform.http import Db

PREFIX: Final = "enishi_live"
_LETTERS: Final = string.ascii_letters + string.digits
CACHE_SECONDS: Final = 5.0  # a revoked key works for at most this long
CACHE_SIZE: Final = 10_000  # keys


@dataclass(frozen=True)
class Principal:
    """Who calls, and what they may do."""

    partner_id: UUID
    key_id: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class NewKey:
    """A key just made. `text` is shown once and forgotten."""

    key_id: str
    text: str
    sha256: bytes


def new_key() -> NewKey:
    """Make a random key."""
    key_id, secret = ("".join(secrets.choice(_LETTERS) for _ in range(length)) for length in (8, 32))
    text = f"{PREFIX}_{key_id}_{secret}"
    return NewKey(key_id, text, hashlib.sha256(text.encode()).digest())


class Keys:
    """Looks keys up in this service's database, with a short memory."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, Principal, bytes]] = {}

    async def principal(self, database: Database, authorization: str | None) -> Principal:
        """Whose key this is. Raises `Unauthenticated`."""
        scheme, _, text = (authorization or "").partition(" ")
        parts = text.strip().split("_")
        if scheme.lower() != "bearer" or len(parts) != 4 or "_".join(parts[:2]) != PREFIX:
            metrics.auth_failures.labels("format").inc()
            raise Unauthenticated
        digest = hashlib.sha256(text.strip().encode()).digest()
        found = self._seen.get(parts[2])
        if found is None or found[0] < time.monotonic():
            found = await self._look_up(database, parts[2])
        if found is None or not hmac.compare_digest(found[2], digest):
            metrics.auth_failures.labels("unknown").inc()
            raise Unauthenticated("this API key is unknown, expired or revoked")
        return found[1]

    async def _look_up(self, database: Database, key_id: str) -> tuple[float, Principal, bytes] | None:
        async with database.connection() as connection:
            row = await connection.fetchrow(
                "select partner_id, sha256, scopes from api_key"
                " where key_id = $1 and (expires_at is null or expires_at > $2)",
                key_id,
                clock.now(),
            )
        if row is None:
            self._seen.pop(key_id, None)
            return None
        if len(self._seen) >= CACHE_SIZE:
            self._seen.clear()
        principal = Principal(row["partner_id"], key_id, frozenset(row["scopes"]))
        self._seen[key_id] = found = (time.monotonic() + CACHE_SECONDS, principal, row["sha256"])
        return found


_KEYS: Final = Keys()
_BEARER: Final = HTTPBearer(scheme_name="key", description="`enishi_live_…`", auto_error=False)


def requires(scope: str) -> Any:
    """For a route's parameter: `caller: Annotated[Principal, requires("registrations:write")]`."""
    return Security(_check, scopes=[scope])


async def _check(
    needed: SecurityScopes,
    database: Db,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> Principal:
    principal = await _KEYS.principal(database, f"{given.scheme} {given.credentials}" if given else None)
    structlog.contextvars.bind_contextvars(partner_id=str(principal.partner_id), key_id=principal.key_id)
    for scope in needed.scopes:
        if scope not in principal.scopes:
            metrics.auth_failures.labels("scope").inc()
            raise Forbidden(f"this API key lacks the scope {scope}")
    return principal


async def on_partner(tx: Connection, events: Sequence[Event[Partner]]) -> None:
    """Keep the keys of partners, as the `partner` topic tells them. The newest revision of each wins."""
    partners, gone = newest(events)
    for partner in partners:
        await store_partner(tx, partner)
    for partner_id in gone:
        await tx.execute("delete from partner_revision where partner_id = $1", UUID(partner_id))


async def store_partner(tx: Connection, partner: Partner) -> None:
    """Replace a partner's keys, unless a newer revision is already here."""
    newer = await tx.fetchval(
        "insert into partner_revision (partner_id, revision) values ($1, $2) on conflict (partner_id)"
        " do update set revision = excluded.revision"
        " where partner_revision.revision < excluded.revision returning true",
        partner.partner_id,
        partner.revision,
    )
    if not newer:
        return
    await tx.execute("delete from api_key where partner_id = $1", partner.partner_id)
    await tx.executemany(
        "insert into api_key (key_id, partner_id, sha256, scopes, expires_at) values ($1, $2, $3, $4, $5)",
        [
            (key.key_id, partner.partner_id, bytes.fromhex(key.sha256), list(key.scopes), key.expires_at)
            for key in partner.keys
        ],
    )
