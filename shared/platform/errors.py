"""The base of every error that we raise on purpose. The message defaults to the class docstring."""

import inspect
import math
import re
from datetime import timedelta
from typing import ClassVar


class EnishiError(Exception):
    """Something went wrong that this service cannot mend by itself."""

    status: ClassVar[int] = 500
    """HTTP status when it reaches a caller."""
    retry_after: int | None = None
    """Seconds after which it may go better."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or inspect.getdoc(type(self)))

    @classmethod
    def slug(cls) -> str:
        """Stable name of the problem type, for example `not-found`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        """The class docstring's first sentence."""
        return (inspect.getdoc(cls) or cls.__name__).partition("\n")[0]


class NotFound(EnishiError):
    """There is no such thing, or it belongs to somebody else."""

    status = 404


class Conflict(EnishiError):
    """The request does not fit the present state."""

    status = 409


class Gone(EnishiError):
    """It was here once and is closed now."""

    status = 410


class Invalid(EnishiError):
    """The request cannot be understood as it stands."""

    status = 422


class TooLarge(EnishiError):
    """The body is larger than this door takes."""

    status = 413


class TooOften(EnishiError):
    """This was asked for a moment ago; `Retry-After` says in how many seconds it may be asked again."""

    status = 429

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.retry_after = math.ceil(wait.total_seconds())


class Unauthenticated(EnishiError):
    """An API key is needed: `Authorization: Bearer enishi_live_...`."""

    status = 401


class Forbidden(EnishiError):
    """This API key lacks the scope that the route needs."""

    status = 403


class Unavailable(EnishiError):
    """The database cannot be reached right now; try again shortly."""

    status = 503
    retry_after = 1
