"""`partner` (restricted): the platforms that may call us. Hashes and scopes of API keys, never the keys."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.contract import Contract, Instant, Part, Revision
from shared.contracts.vocabulary import PartnerId, ShortText

Scope = Annotated[str, Field(pattern="^[a-z]+:[a-z]+$", examples=["registrations:write"])]


class ApiKey(Part):
    """One key of a partner. Two may live at once, so that keys rotate without a gap."""

    key_id: Annotated[str, Field(pattern="^[0-9A-Za-z]{8}$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=50)]
    expires_at: Instant | None = None


class Partner(Contract):
    """A platform with its live keys; a key that is no longer listed is revoked."""

    topic: ClassVar[str] = "partner"
    key_field: ClassVar[str] = "partner_id"

    partner_id: PartnerId
    revision: Revision
    name: ShortText
    keys: Annotated[tuple[ApiKey, ...], Field(max_length=20)] = ()
