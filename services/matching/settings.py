"""Every knob of matching's process. The constants of the score live in the domain."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from shared.platform.settings import Settings


class MatchingSettings(Settings):
    """Settings of the matching service."""

    link_secret: Annotated[str, Field(min_length=16)]
    """Signs the links of an evening. Several, separated by commas: the first signs, all are accepted."""
    link_days: Annotated[int, Field(ge=1, le=365)] = 90
    """How long evening, badge and board links work, in days: badges are printed before the day."""
    keep_days: Annotated[int, Field(ge=14, le=3650)] = 90
    """How long what only serves one evening is kept after it, in days: who was away, pins, proposals, wishes, the words of
    introductions, vectors; and plans that a newer one has replaced. By default as long as the links of an evening work."""
    plan_proposals: Annotated[int, Field(ge=1_000, le=1_000_000_000)] = 10_000_000
    """Seat changes tried per plan, about two seconds for 200 people. A count, not a time, so that a plan can be made again exactly."""
    replan_proposals: Annotated[int, Field(ge=1_000, le=1_000_000_000)] = 500_000
    """The same for the rest of a running evening, which starts from good seats: four times as many gain 0.1 % (measured)."""
    audit_patience_minutes: Annotated[int, Field(ge=1, le=1440)] = 30
    """How long an audit gives way to plans, in minutes. After that it has a turn between two plans and runs to its end, which
    takes seconds at 200 people and minutes at 1,000; plans wait for it meanwhile."""
    isolation_minutes: Annotated[int, Field(ge=5, le=600)] = 30
    """How long somebody who is checked in may be without a recorded meeting before the organiser is told, in minutes."""
    print_font: Path | None = None
    """A TrueType file to embed in badges and table sheets. Unset: a Japanese font that readers of PDF bring along."""
    sensor_least_seconds: Annotated[int, Field(ge=20, le=3600)] = 60
    """Seconds that sensors must have seen two people face each other before it counts as a meeting."""
    embedding_url: Annotated[str, Field(pattern="^https?://")] | None = None
    """The operator's own embedding endpoint, whole: `https://host/v1/embeddings`. Unset: no words leave this service."""
    embedding_model: Annotated[str, Field(min_length=1, max_length=200)] = "default"
    """The model to ask for. Vectors of another model are never mixed with it."""
    embedding_api_key: SecretStr | None = None
    """Sent as a bearer token."""
    embedding_seconds: Annotated[float, Field(gt=0, le=60)] = 5
    """How long a plan waits for vectors before it goes on without; a re-plan between rounds never waits."""
