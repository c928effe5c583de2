"""Composition root of survey: the only file that builds things."""

from pathlib import Path

from fastapi import FastAPI

from services.survey import api, handlers, pages
from services.survey.links import ReportLinks
from services.survey.settings import SurveySettings
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from shared.contracts.gathering import Gathering
from shared.contracts.matched import Matched
from shared.contracts.met import Met
from shared.contracts.partner import Partner
from shared.contracts.registered import Registered
from shared.delivery.consumer import Handlers
from shared.platform.auth import on_partner
from shared.platform.database import Database
from shared.platform.http import create_app
from shared.platform.pages import Pages
from shared.platform.service import Service


def build_http(settings: SurveySettings, database: Database) -> FastAPI:
    """The partner API and the pages."""
    app = create_app("survey", database)
    app.state.settings = settings
    app.state.report_links = ReportLinks(settings)
    app.state.pages = Pages(Path(__file__).parent / "templates")
    app.include_router(api.router)
    app.include_router(pages.router)
    return app


def build_handlers(settings: SurveySettings) -> Handlers:
    """What survey does with each topic it reads."""
    return {
        Partner: on_partner,
        Gathering: handlers.on_gathering,
        Registered: handlers.on_registered,
        Matched: handlers.on_matched,
        Met: handlers.on_met,
        FollowupDue: handlers.on_followup_due,
        FollowupDone: handlers.on_followup_done,
    }


SERVICE = Service(
    name="survey",
    settings=SurveySettings,
    migrations=Path(__file__).parent / "migrations",
    http=build_http,
    handlers=build_handlers,
)
