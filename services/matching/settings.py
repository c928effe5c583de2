"""Every knob of matching's process. The constants of the score live in the domain."""

from typing import Annotated

from pydantic import Field

from shared.platform.settings import Settings


class MatchingSettings(Settings):
    """Settings of the matching service."""

    planner_processes: Annotated[int, Field(ge=1, le=32)] = 1
    """Processes that compute plans, away from the event loop."""
    plan_proposals: Annotated[int, Field(ge=1_000, le=1_000_000_000)] = 2_000_000
    """Seat changes tried per plan. A count, not a time, so that a plan can be made again exactly."""
