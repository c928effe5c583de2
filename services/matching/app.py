"""Composition root of matching: the only file that builds things."""

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI

from services.matching import api, feedback_api, handlers, planner
from services.matching.settings import MatchingSettings
from shared.contracts.gathering import Gathering
from shared.contracts.partner import Partner
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.delivery.consumer import Handlers
from shared.platform.auth import on_partner
from shared.platform.database import Database
from shared.platform.http import create_app
from shared.platform.runtime import Part
from shared.platform.service import Service


def build_http(settings: MatchingSettings, database: Database) -> FastAPI:
    """The partner API."""
    app = create_app("matching", database)
    app.include_router(api.router)
    app.include_router(feedback_api.router)
    return app


def build_handlers(settings: MatchingSettings) -> Handlers:
    """What matching does with each topic it reads."""
    return {
        Partner: on_partner,
        Gathering: handlers.on_gathering,
        Registered: handlers.on_registered,
        Profile: handlers.on_profile,
    }


def build_tasks(settings: MatchingSettings, database: Database) -> Mapping[str, Part]:
    """The planner works beside HTTP and consumer."""
    return {"planner": lambda: planner.run(settings, database)}


SERVICE = Service(
    name="matching",
    settings=MatchingSettings,
    migrations=Path(__file__).parent / "migrations",
    http=build_http,
    handlers=build_handlers,
    tasks=build_tasks,
)
