"""JSON logs on stdout that cannot carry personal data: an allow-list of fields, and no text of foreign errors."""

import hashlib
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final

import orjson
import structlog
from opentelemetry import trace

from shared.platform.errors import EnishiError

FIELDS: Final = frozenset(
    "event level timestamp logger service replica trace_id span_id request_id partner_id key_id gathering_id "
    "message_id plan_id method route status topic topics partition offset group count rows accepted rejected attempt "
    "duration_ms seconds outcome reason error error_type frames part port host version step kind revision "
    "age_seconds lag".split()
)
"""Fields that pass as they are. Anything else passes only as a number, a truth value or a fingerprint."""

_PERSONAL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|\+?\d[\d\-() ]{8,}\d")
_LONG: Final = 2000  # characters


def configure(service: str, replica: str, level: str) -> None:
    """Send structlog and standard logging through one JSON line per event."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        _name_process(service, replica),
        _reduce_exception,
        only_allowed,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # These write keys, values or a line per request or message at lower levels.
    for name in ("aiokafka", "faststream", "uvicorn", "httpx", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def only_allowed(logger: Any, method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last gate before a line is written. Unknown text becomes a fingerprint, which can be compared, not read."""
    for name, value in fields.items():
        if name.startswith("_") or isinstance(value, bool | int | float | None):
            continue
        if name == "event":
            fields[name] = _PERSONAL.sub("[removed]", str(value))[:_LONG]
        elif name not in FIELDS or (isinstance(value, str) and _PERSONAL.search(value) and name == "error"):
            fields[name] = f"sha256:{hashlib.sha256(str(value).encode()).hexdigest()[:8]}"
    return fields


def _reduce_exception(logger: Any, method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its type and where it was raised; its text only when it is ours, since others quote values."""
    info = fields.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else info if isinstance(info, BaseException) else sys.exc_info()[1]
    if not info or error is None:
        return fields
    fields["error_type"] = type(error).__qualname__
    if isinstance(error, EnishiError | OSError):
        fields["error"] = str(error)
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    fields["frames"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return fields


def _add_trace(logger: Any, method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        fields["trace_id"] = trace.format_trace_id(context.trace_id)
        fields["span_id"] = trace.format_span_id(context.span_id)
    return fields


def _name_process(service: str, replica: str) -> structlog.typing.Processor:
    def add(logger: Any, method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"service": service, "replica": replica, **fields}

    return add


def _render(logger: Any, method: str, fields: MutableMapping[str, Any]) -> str:
    return orjson.dumps(fields, default=str).decode()
