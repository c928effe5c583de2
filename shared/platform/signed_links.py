"""Signed links: an id that only we can have written, for pages without accounts. Looking at one never uses it up."""

import hashlib
from datetime import timedelta
from typing import Final
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer

from shared.platform import clock
from shared.platform.errors import Gone, NotFound

LEAST: Final = 16  # characters of each secret: drawn at random, that is more than anybody can try


def secrets_of(text: str) -> list[str]:
    """Secrets, separated by commas; nothing beside a comma is none. Raises `ValueError` with a sentence for an operator.

    Each must be long enough by itself: every one of them is accepted, so the shortest is what a forger tries.
    """
    found = [each.strip() for each in text.split(",") if each.strip()]
    if not found:
        raise ValueError("There is no secret to sign links with.")
    if any(len(each) < LEAST for each in found):
        raise ValueError(f"Each secret needs at least {LEAST} characters; several are separated by commas.")
    return found


class SignedLinks:
    """Signs ids for one purpose and checks them. A link for one purpose opens nothing of another.

    Of several secrets, separated by commas, the first signs and all are accepted, so that they rotate.
    Raises `ValueError` where there is none or one is too short.
    """

    def __init__(self, secrets: str, purpose: str, days: int) -> None:
        # itsdangerous signs with the last key of a list.
        keys = secrets_of(secrets)[::-1]
        self._serializer = URLSafeTimedSerializer(keys, salt=purpose, signer_kwargs={"digest_method": hashlib.sha256})
        self._valid = timedelta(days=days)

    def token(self, subject: UUID) -> str:
        """The signed id, safe in a path."""
        return self._serializer.dumps(subject.hex)

    def subject(self, token: str) -> UUID:
        """The id that a token carries. Raises `Gone` for one that is too old and `NotFound` for anything else."""
        try:
            # Without `max_age`, which also refuses a link of a replica whose clock is a second ahead.
            text, signed_at = self._serializer.loads(token, return_timestamp=True)
            subject = UUID(text)
        except (BadData, ValueError, TypeError, AttributeError):
            raise NotFound("this link is not valid") from None
        if clock.now() - signed_at > self._valid:
            raise Gone("this link is too old")
        return subject
