"""The links of an evening: one's own page, one's badge, and the organiser's board."""

from uuid import UUID

from shared.platform.signed_links import SignedLinks


class Links:
    """Makes the addresses. A badge opens nothing of its owner: it only says who was met."""

    def __init__(self, secrets: str, public_url: str, days: int) -> None:
        self.evening = SignedLinks(secrets, "matching.evening", days)
        self.badge = SignedLinks(secrets, "matching.badge", days)
        self.board = SignedLinks(secrets, "matching.board", days)
        self._base = public_url.rstrip("/")

    def evening_url(self, registration: UUID) -> str:
        """Somebody's own evening."""
        return f"{self._base}/e/{self.evening.token(registration)}"

    def badge_url(self, registration: UUID) -> str:
        """What the QR code on somebody's badge says."""
        return f"{self._base}/m/{self.badge.token(registration)}"

    def board_url(self, gathering: UUID) -> str:
        """The organiser's seating board."""
        return f"{self._base}/b/{self.board.token(gathering)}"
