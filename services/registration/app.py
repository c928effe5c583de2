"""Composition root of registration: the only file that builds things."""

from pathlib import Path

from fastapi import FastAPI

from services.registration import commands, handlers
from services.registration.api import gatherings, registrations, tags
from services.registration.settings import RegistrationSettings
from shared.contracts.conduct_reported import ConductReported
from shared.delivery.consumer import Handlers
from shared.lexicon import suggestions
from shared.platform.database import Database
from shared.platform.http import create_app
from shared.platform.service import Service


def build_http(settings: RegistrationSettings, database: Database) -> FastAPI:
    """The partner API."""
    suggestions.learned()  # before anybody waits for it
    app = create_app("registration", database)
    for each in (tags, gatherings, registrations):
        app.include_router(each.router)
    return app


def build_handlers(settings: RegistrationSettings) -> Handlers:
    """What registration does with each topic it reads."""
    return {ConductReported: handlers.on_conduct_reported}


SERVICE = Service(
    name="registration",
    settings=RegistrationSettings,
    migrations=Path(__file__).parent / "migrations",
    http=build_http,
    handlers=build_handlers,
    commands=commands.add_commands,
)
