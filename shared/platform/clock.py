"""The one place that asks what time it is. Domain code takes the time as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)
