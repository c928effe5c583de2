"""Signed links to a report: they name the gathering, expire, and need no account."""

from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer

from services.survey.settings import SurveySettings
from shared.platform.errors import NotFound


class ReportLinks:
    """Makes and reads links to reports."""

    def __init__(self, settings: SurveySettings) -> None:
        # The first secret signs; itsdangerous takes the newest last.
        keys = [key.strip() for key in settings.link_secret.split(",")][::-1]
        self._signer = URLSafeTimedSerializer(keys, salt="survey.report")
        self._seconds = settings.report_link_days * 86_400
        self._base = settings.public_url.rstrip("/")

    def url(self, gathering_id: UUID) -> str:
        """The address of a gathering's report."""
        return f"{self._base}/reports/{self._signer.dumps(str(gathering_id))}"

    def gathering_id(self, token: str) -> UUID:
        """The gathering that a link names. Raises `NotFound` for a broken or expired one."""
        try:
            return UUID(self._signer.loads(token, max_age=self._seconds))
        except (BadSignature, ValueError):
            raise NotFound from None
