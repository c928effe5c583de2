"""Signed links to a report: they name the gathering, expire, and need no account."""

from uuid import UUID

from services.survey.settings import SurveySettings
from shared.platform.errors import Gone, NotFound
from shared.platform.signed_links import SignedLinks


class ReportLinks:
    """Makes and reads links to reports."""

    def __init__(self, settings: SurveySettings) -> None:
        self._signed = SignedLinks(settings.link_secret, "survey.report", settings.report_link_days)
        self._base = settings.public_url.rstrip("/")

    def url(self, gathering_id: UUID) -> str:
        """The address of a gathering's report."""
        return f"{self._base}/reports/{self._signed.token(gathering_id)}"

    def gathering_id(self, token: str) -> UUID:
        """The gathering that a link names. Raises `NotFound` for a broken or expired one."""
        try:
            return self._signed.subject(token)
        except Gone:
            raise NotFound from None
