"""The frame of every page for people: templates in two languages, security headers, and errors in people's own words.

A service's folder of templates holds `ja.json` and `en.json` with all words, `page.css`, and `failed.html`, which gets the
`kind` of what went wrong: `missing`, `gone`, `conflict` or `failed`.
"""

import base64
import hashlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import structlog
from fastapi import Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.types import Message

from shared.platform.database import is_transient, retried
from shared.platform.errors import EnishiError

log: Final = structlog.stdlib.get_logger(__name__)

LOCALES: Final = ("ja", "en")


class Pages:
    """Templates, words and security headers."""

    def __init__(self, folder: Path) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.words = {locale: orjson.loads((folder / f"{locale}.json").read_bytes()) for locale in LOCALES}
        self._style = (folder / "page.css").read_text()
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self._headers = {
            # No script can run and no form can leave, whatever a name or a pitch may hold.
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
            " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",  # the link is the key
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex, nofollow",
            "Cache-Control": "no-store",
        }

    def render(self, name: str, locale: str, status: int = 200, **values: Any) -> Response:
        """A page."""
        text = self._environment.get_template(name).render(
            t=self.words[locale], locale=locale, style=self._style, **values
        )
        return HTMLResponse(text, status, self._headers)

    def file(self, content: bytes, kind: str, name: str, *, show: bool = False) -> Response:
        """Something to keep, or to look at and print."""
        how = "inline" if show else "attachment"
        return Response(
            content, media_type=kind, headers={**self._headers, "Content-Disposition": f'{how}; filename="{name}"'}
        )


def back(path: str, said: str, locale: str) -> Response:
    """Back to a page after a POST, so that reloading repeats nothing."""
    return RedirectResponse(f"{path}?said={said}&lang={locale}", 303, {"Referrer-Policy": "no-referrer"})


class PersonsRoute(APIRoute):
    """Answers people in their own words where a partner would get a problem document, and tries the victim of a deadlock
    again."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                body = await request.body()
                return await retried(lambda: handle(_anew(request, body)))
            except Exception as error:
                if isinstance(error, EnishiError):
                    status = error.status
                elif isinstance(error, RequestValidationError):
                    status = 422
                elif isinstance(error, HTTPException):
                    status = error.status_code
                elif is_transient(error):
                    log.warning("page.unavailable", exc_info=error)
                    status = 503
                else:
                    raise
                kind = {404: "missing", 410: "gone", 409: "conflict", 503: "conflict"}.get(status, "failed")
                asked = request.query_params.get("lang", "")
                locale = asked if asked in LOCALES else _spoken(request)
                pages: Pages = request.app.state.pages
                return pages.render("failed.html", locale, status, kind=kind)

        return answer


def _anew(request: Request, body: bytes) -> Request:
    """The request once more, unread: what was read of it may be closed."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await request.receive()

    return Request(request.scope, receive)


def _spoken(request: Request) -> str:
    return "en" if request.headers.get("accept-language", "").lower().startswith("en") else "ja"


def _locale(request: Request, lang: Annotated[str | None, Query(max_length=10)] = None) -> str:
    """Asked for in the address, else by the browser, else Japanese."""
    return lang if lang in LOCALES else _spoken(request)


Locale = Annotated[str, Depends(_locale)]
