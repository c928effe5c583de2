"""Links that hang on the secret: signed ones to a report, which expire, and the code of a room, which does not."""

import base64
import hashlib
import hmac
from uuid import UUID

from services.survey.settings import SurveySettings
from shared.platform.signed_links import SignedLinks, secrets_of


class ReportLinks:
    """Makes and reads links to reports."""

    def __init__(self, settings: SurveySettings) -> None:
        self._signed = SignedLinks(settings.link_secret, "survey.report", settings.report_link_days)
        self._base = settings.public_url.rstrip("/")

    def url(self, gathering_id: UUID) -> str:
        """The address of a gathering's report."""
        return f"{self._base}/reports/{self._signed.token(gathering_id)}"

    def gathering_id(self, token: str) -> UUID:
        """The gathering that a link names. Raises `Gone` for one that is too old, `NotFound` for a broken one."""
        return self._signed.subject(token)


def room_codes(secrets: str, gathering_id: UUID) -> list[str]:
    """The code of a gathering's room by each secret, the one for new surveys first: 128 bits nobody else can compute."""
    found = (
        hmac.digest(each.encode(), b"survey.room" + gathering_id.bytes, hashlib.sha256)[:16]
        for each in secrets_of(secrets)
    )
    return [base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in found]
