"""The HTTP base of every service: problems as RFC 9457, limits, metrics and trace of each request, probes."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, cast

import orjson
import structlog
from asyncpg.exceptions import CharacterNotInRepertoireError
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.platform import metrics, openapi, tracing
from shared.platform.database import DATABASE_ERRORS, Database, is_transient
from shared.platform.errors import EnishiError, Invalid, TooLarge, Unavailable
from shared.platform.ids import uuid7
from shared.platform.openapi import PROBLEM

log: Final = structlog.stdlib.get_logger(__name__)

MAX_BODY: Final = 64 * 1024  # bytes, of a single request
MAX_BULK_BODY: Final = 16 * 1024 * 1024  # bytes, of a bulk upload
BULK_SUFFIX: Final = "/bulk"


class _Service(FastAPI):
    """Tells its doors as they are, not as the framework supposes."""

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            openapi.complete(super().openapi())
        return super().openapi()


def create_app(service: str, database: Database, **options: Any) -> FastAPI:
    """A FastAPI application with everything but the service's own routes."""
    app = _Service(title=f"Enishi {service}", version="1", docs_url=None, redoc_url=None, **options)
    app.state.database = database
    for kind in (EnishiError, RequestValidationError, HTTPException, OSError, *DATABASE_ERRORS, Exception):
        app.add_exception_handler(kind, _answer)
    app.add_api_route("/livez", _alive, include_in_schema=False)
    app.add_api_route("/readyz", _ready, include_in_schema=False)
    app.add_api_route("/metrics", _metrics, include_in_schema=False)
    app.add_middleware(_Door)
    return app


def _database(request: Request) -> Database:
    return cast(Database, request.app.state.database)


Db = Annotated[Database, Depends(_database)]
"""The service's database, for a route."""


def json_response(content: Any, status: int = 200) -> Response:
    """Any plain content as JSON: ids, times and dataclasses included."""
    return Response(to_json(content), status, media_type="application/json")


def problem(error: EnishiError, **more: Any) -> Response:
    """An error as `application/problem+json` (RFC 9457)."""
    body = {
        "type": f"/problems/{error.slug()}",
        "title": error.title(),
        "status": error.status,
        "detail": str(error),
        **more,
    }
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(body), error.status, headers, PROBLEM)


def _answer(request: Request, error: Exception) -> Response:
    if isinstance(error, EnishiError):
        return problem(error)
    if isinstance(error, RequestValidationError):
        # Where and why, never the value: it may be personal data.
        errors = [
            {
                "pointer": "/" + "/".join(str(step) for step in each["loc"][1:]),
                "in": each["loc"][0],
                "detail": each["msg"],
            }
            for each in error.errors()
        ]
        return problem(Invalid(), errors=errors)
    if isinstance(error, HTTPException) and isinstance(error.__cause__, EnishiError):
        return problem(error.__cause__)  # FastAPI wraps what is raised while it reads the body
    if isinstance(error, HTTPException):
        body = {"type": "about:blank", "title": error.detail, "status": error.status_code, "detail": error.detail}
        return Response(orjson.dumps(body), error.status_code, dict(error.headers or {}), PROBLEM)
    if isinstance(error, CharacterNotInRepertoireError):  # PostgreSQL stores any character but NUL
        return problem(Invalid("a text holds a character that cannot be stored"))
    if is_transient(error):
        log.warning("http.unavailable", exc_info=error)
        return problem(Unavailable())
    log.error("http.failed", exc_info=error)
    return problem(EnishiError())


def _alive() -> Response:
    """The event loop beats. A part that stopped for good has ended the process."""
    return Response("ok\n", media_type="text/plain")


async def _ready(database: Db) -> Response:
    """The database answers. Kafka is not asked: requests are accepted while every broker is down."""
    async with database.connection() as connection:
        await connection.fetchval("select 1", timeout=2)
    return Response("ok\n", media_type="text/plain")


def _metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class _Door:
    """Around every request: body limit, request id, span, metrics."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = str(uuid7())
        status = 500
        started = time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        metrics.http_in_flight.inc()
        try:
            with structlog.contextvars.bound_contextvars(request_id=request_id):
                limit = MAX_BULK_BODY if scope["path"].endswith(BULK_SUFFIX) else MAX_BODY
                if int(headers.get("content-length") or 0) > limit:
                    await problem(TooLarge())(scope, receive, answer)
                    return
                with tracing.serving(scope["method"], headers) as span:
                    await self._app(scope, _limited(receive, limit), answer)
                    _name(span, scope, status)
        finally:
            metrics.http_in_flight.dec()
            route = _route(scope)
            metrics.http_requests.labels(route, scope["method"], status).inc()
            metrics.http_duration.labels(route).observe(time.perf_counter() - started)


def _limited(receive: Receive, limit: int) -> Callable[[], Awaitable[Message]]:
    """A body without a declared length is counted as it comes."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            raise TooLarge
        return message

    return counted


def _route(scope: Scope) -> str:
    """The route's template, never the path: paths carry ids and link tokens."""
    return getattr(scope.get("route"), "path", "unmatched")


def _name(span: trace.Span, scope: Scope, status: int) -> None:
    span.update_name(f"{scope['method']} {_route(scope)}")
    span.set_attribute("http.response.status_code", status)
