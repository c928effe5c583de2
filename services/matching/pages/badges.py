"""Badges: a code that says who was met. A phone that remembers its owner's evening records by it in two taps."""

from typing import Annotated, Final
from uuid import UUID

import segno
from fastapi import APIRouter, Cookie, Request, Response
from fastapi.responses import RedirectResponse

from services.matching.links import Links
from services.matching.pages.encounters import Said, form, take
from services.matching.pages.visits import Visit, Visitor, visit_by
from services.matching.store import evening
from services.matching.store.evening import Guest
from shared.platform.database import Connection, Database
from shared.platform.errors import EnishiError, Gone
from shared.platform.http import Db
from shared.platform.pages import Locale, Pages, PersonsRoute, back

router = APIRouter(include_in_schema=False, route_class=PersonsRoute)

COOKIE: Final = "enishi_evening"
COOKIE_SECONDS: Final = 2 * 86_400  # an evening, and the morning after


@router.get("/e/{token}/badge")
async def own_badge(visit: Visitor) -> Response:
    """One's own badge on the phone, for others to scan."""
    code = segno.make(visit.links.badge_url(visit.guest.id), error="m").svg_data_uri(scale=6, border=4)
    return visit.pages.render("badge.html", visit.locale, visit=visit, code=code)


@router.post("/e/{token}/phone")
async def remember_phone(visit: Visitor) -> Response:
    """From now on this phone scans badges as this person."""
    answer = back(visit.base, "phone", visit.locale)
    answer.set_cookie(
        COOKIE,
        visit.token,
        max_age=COOKIE_SECONDS,
        path="/m",
        secure=visit.settings.public_url.startswith("https:"),
        httponly=True,
        samesite="lax",  # a camera opens the badge from outside, a stranger's form must not post
    )
    return answer


@router.post("/m/forget")
async def forget_phone(locale: Locale) -> Response:
    """This phone is nobody's any more."""
    answer = RedirectResponse(f"/m/forget?lang={locale}", 303)
    answer.delete_cookie(COOKIE, path="/m")
    return answer


@router.get("/m/forget")
async def forgotten(request: Request, locale: Locale) -> Response:
    """How to begin again."""
    return _how(request, locale, "forgotten")


@router.get("/m/{badge}")
async def scanned(
    request: Request,
    database: Db,
    badge: str,
    locale: Locale,
    said: str | None = None,
    own: Annotated[str | None, Cookie(alias=COOKIE)] = None,
) -> Response:
    """Somebody's badge was scanned. Without one's own evening on this phone it shows nothing of its owner."""
    links: Links = request.app.state.links
    owner = links.badge.subject(badge)
    visit = await _scanner(request, database, own, locale)
    async with database.connection() as connection:
        partner = await _owner(connection, owner)
        if visit is None or not _together(visit, partner):
            return _how(request, locale, "unknown")
        if visit.guest.id == owner:
            return _how(request, locale, "own")
        return await form(connection, visit, partner, f"/m/{badge}", said, scanned=True)


@router.post("/m/{badge}")
async def record_scanned(
    request: Request,
    database: Db,
    badge: str,
    locale: Locale,
    talk: Said,
    own: Annotated[str | None, Cookie(alias=COOKIE)] = None,
) -> Response:
    """Take it."""
    links: Links = request.app.state.links
    owner = links.badge.subject(badge)
    visit = await _scanner(request, database, own, locale)
    async with database.connection() as connection:
        partner = await _owner(connection, owner)
    if visit is None or visit.guest.id == owner or not _together(visit, partner):
        return RedirectResponse(f"/m/{badge}?lang={locale}", 303)
    await take(database, visit, partner, "qr", talk)
    return back(f"/m/{badge}", "recorded", locale)


async def _owner(connection: Connection, owner: UUID) -> Guest:
    """Whose badge it is. Raises `Gone` for somebody who is not coming any more."""
    guest = await evening.guest(connection, owner)
    if guest is None:
        raise Gone("this registration is not active any more")
    return guest


def _together(visit: Visit, partner: Guest) -> bool:
    """Whether this phone's evening is the badge's: it may still remember another gathering."""
    return visit.gathering.gathering_id == partner.gathering.gathering_id


def _how(request: Request, locale: str, state: str) -> Response:
    pages: Pages = request.app.state.pages
    return pages.render("scan.html", locale, state=state)


async def _scanner(request: Request, database: Database, token: str | None, locale: str) -> Visit | None:
    """Whose phone this is, or None."""
    try:
        return await visit_by(request, database, token, locale) if token else None
    except EnishiError:
        return None
