"""The base of every payload: closed for writers, open for readers."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_READER: Final = {"reader": True}


class Contract(BaseModel):
    """A payload of one topic, immutable.

    Writers are closed: an unknown field or an unknown value of an open enumeration is refused when the model is built.
    Readers are open: `read` ignores unknown fields and passes unknown enumeration values on, so that a newer writer
    never stops an older reader.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: ClassVar[str]
    """The topic that carries this payload."""
    version: ClassVar[int] = 1
    """Major version: part of the event type, raised only by an incompatible change."""
    key_field: ClassVar[str]
    """The field whose value is the record key: always an id, never personal data."""

    @classmethod
    def event_type(cls) -> str:
        """CloudEvents `type`, for example `enishi.met.v1`."""
        return f"enishi.{cls.topic}.v{cls.version}"

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Parse a record value as a reader. Raises `pydantic.ValidationError`."""
        return cls.model_validate_json(data, extra="ignore", context=_READER)

    def key(self) -> str:
        """The record key."""
        return str(getattr(self, self.key_field))

    def to_json(self) -> bytes:
        """The record value: compact UTF-8 JSON without null fields."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)


class Part(BaseModel):
    """A nested part of a payload, with the same rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def _written_out(value: object) -> object:
    """A number, or a text that is one, would pass as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise PydanticCustomError("datetime_text", "must be an RFC 3339 time such as 2026-11-21T18:00:00+09:00")


YEARS: Final = range(1900, 9000)
"""What can be meant. Databases read the ends of the calendar as infinity, and no offset can be taken from them."""


def _to_utc(value: datetime) -> datetime:
    with suppress(OverflowError):
        moment = value.astimezone(UTC)
        if moment.year in YEARS:
            return moment
    raise PydanticCustomError("datetime_year", "must be a time between 1900 and 8999")


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_to_utc)]
"""A moment, RFC 3339 with an offset on the way in, UTC on the way out. Naive times and numbers are refused."""

Revision = Annotated[int, Field(ge=1)]
"""Counts the changes of one key. A lower revision never overwrites a higher one."""


@dataclass(frozen=True)
class OneOf:
    """An open enumeration: `Annotated[str, OneOf("a", "b")]`.

    Writers must use a known value. Readers accept any short lower-case code, because values may be added within a
    version. JSON Schema shows the known values as `x-extensible-enum`.
    """

    values: tuple[str, ...]

    def __init__(self, *values: str) -> None:
        object.__setattr__(self, "values", values)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        code = core_schema.str_schema(min_length=1, max_length=40)
        return core_schema.with_info_after_validator_function(self._check, code)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": 40, "x-extensible-enum": list(self.values)}

    def _check(self, value: str, info: ValidationInfo) -> str:
        if value in self.values or info.context is _READER:
            return value
        raise PydanticCustomError("one_of", "must be one of {values}", {"values": ", ".join(self.values)})
