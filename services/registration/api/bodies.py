"""What the requests of partners share."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from shared.platform.auth import Principal, requires

Write = Annotated[Principal, requires("registrations:write")]
Read = Annotated[Principal, requires("registrations:read")]
Limit = Annotated[int, Query(ge=1, le=1000)]


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


def next_after(found: Sequence[Any], limit: int, field: str) -> UUID | None:
    """The `after` of the next page; None at the end."""
    return getattr(found[-1], field) if len(found) == limit else None
