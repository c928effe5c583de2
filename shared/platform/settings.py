"""Settings come from environment variables; a broken one is one clear line and exit code 2."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from shared.platform.errors import EnishiError
from shared.platform.signed_links import secrets_of


class BadSettings(EnishiError):
    """A setting is missing or cannot be used."""


class Settings(BaseModel):
    """What every service needs to know. `http_port` is read from `HTTP_PORT`, or the file in `HTTP_PORT_FILE`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: Annotated[str, Field(pattern="^postgres(ql)?://")]
    """The service's own database, as the service's role: no right to change the schema."""
    migration_database_url: Annotated[str, Field(pattern="^postgres(ql)?://")] | None = None
    """The same database as its owner, for `migrate`. Default: `database_url`."""
    database_connections: Annotated[int, Field(ge=2, le=100)] = 10
    """Pool size. The relay holds one connection besides, and follow-up's timers two."""
    kafka_bootstrap_servers: Annotated[str, Field(min_length=1)]
    """Comma-separated `host:port`."""
    replica_name: Annotated[str, Field(pattern="^[A-Za-z0-9._-]{1,100}$")] = socket.gethostname()
    """Stable and unique among the replicas of a service (pod ordinal, compose replica): the static member's name."""
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    public_url: Annotated[str, Field(pattern="^https?://")] = "http://127.0.0.1:8000"
    """Where people and partners reach this service: links are built on it."""
    link_secret: Annotated[str, Field(min_length=16)] | None = None
    """Signs personal links. Several, separated by commas: the first signs, all are accepted."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otlp_endpoint: Annotated[str, Field(pattern="^https?://")] | None = None
    """Where spans go (OTLP over HTTP). Unset: trace context is passed on, nothing is exported."""
    trace_sample_ratio: Annotated[float, Field(ge=0, le=1)] = 0.05

    @field_validator("link_secret")
    @classmethod
    def _secrets_are_secret(cls, value: str | None) -> str | None:
        """Here, so that a short one is told at the start and not by the first page."""
        if value is not None:
            secrets_of(value)
        return value

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read every field from the environment. Raises `BadSettings` with one line that names the variable."""
        values: dict[str, str] = {}
        for field in cls.model_fields:
            name = field.upper()
            if value := environ.get(name):
                values[field] = value
            elif file := environ.get(f"{name}_FILE"):
                try:
                    values[field] = Path(file).read_text().strip()
                except OSError as error:
                    raise BadSettings(f"{name}_FILE: {error.strerror}") from None
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            # Only names and reasons: values may be passwords.
            lines = [
                f"{str(detail['loc'][0]).upper()}: {detail['msg'].removeprefix('Value error, ')}"
                for detail in error.errors()
            ]
            raise BadSettings("; ".join(lines)) from None
