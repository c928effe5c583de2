"""Every knob of survey."""

from typing import Annotated

from pydantic import Field

from shared.platform.settings import Settings


class SurveySettings(Settings):
    """Settings of the survey service."""

    link_secret: Annotated[str, Field(min_length=16)]
    """Signs links to reports. Several, separated by commas: the first signs, all are accepted."""
    report_link_days: Annotated[int, Field(ge=1, le=365)] = 30
    """How long a link to a report works, in days."""
