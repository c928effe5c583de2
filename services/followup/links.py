"""Personal links: a signed registration id. Visiting one changes nothing and never uses it up."""

from uuid import UUID

from shared.platform.errors import Gone, NotFound
from shared.platform.signed_links import SignedLinks


class Links:
    """Signs and checks links. Of several secrets the first signs and all are accepted, so that they rotate."""

    def __init__(self, secrets: str, public_url: str, days: int) -> None:
        self._signed = SignedLinks(secrets, "followup-page", days)
        self._base = public_url.rstrip("/")

    def token(self, registration: UUID) -> str:
        return self._signed.token(registration)

    def url(self, registration: UUID) -> str:
        return f"{self._base}/f/{self.token(registration)}"

    def registration(self, token: str) -> UUID | None:
        """Whose link it is; None for one that is forged or too old."""
        try:
            return self._signed.subject(token)
        except (NotFound, Gone):
            return None
