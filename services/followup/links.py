"""Personal links: a signed registration id. Visiting one changes nothing and never uses it up."""

import hashlib
from typing import Final
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer

_DAY: Final = 86_400  # seconds


class Links:
    """Signs and checks links. Of several secrets the first signs and all are accepted, so that they rotate."""

    def __init__(self, secrets: str, public_url: str, days: int) -> None:
        # itsdangerous signs with the last key of a list.
        keys = [each.strip() for each in reversed(secrets.split(","))]
        self._serializer = URLSafeTimedSerializer(
            keys, salt="followup-page", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._base = public_url.rstrip("/")
        self._seconds = days * _DAY

    def token(self, registration: UUID) -> str:
        return self._serializer.dumps(registration.hex)

    def url(self, registration: UUID) -> str:
        return f"{self._base}/f/{self.token(registration)}"

    def registration(self, token: str) -> UUID | None:
        """Whose link it is; None for one that is forged or too old."""
        try:
            return UUID(self._serializer.loads(token, max_age=self._seconds))
        except (BadData, ValueError, TypeError, AttributeError):
            return None
