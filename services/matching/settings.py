"""Every knob of matching's process. The constants of the score live in the domain."""

from typing import Annotated

from pydantic import Field

from shared.platform.settings import Settings


class MatchingSettings(Settings):
    """Settings of the matching service."""

    link_secret: Annotated[str, Field(min_length=16)]
    """Signs the links of an evening. Several, separated by commas: the first signs, all are accepted."""
    link_days: Annotated[int, Field(ge=1, le=365)] = 90
    """How long evening, badge and board links work, in days: badges are printed before the day."""
    planner_processes: Annotated[int, Field(ge=1, le=32)] = 1
    """Processes that compute plans, away from the event loop."""
    plan_proposals: Annotated[int, Field(ge=1_000, le=1_000_000_000)] = 2_000_000
    """Seat changes tried per plan. A count, not a time, so that a plan can be made again exactly."""
    isolation_minutes: Annotated[int, Field(ge=5, le=600)] = 30
    """How long somebody who is checked in may be without a recorded meeting before the organiser is told, in minutes."""
    sensor_least_seconds: Annotated[int, Field(ge=20, le=3600)] = 60
    """Seconds that sensors must have seen two people face each other before it counts as a meeting."""
