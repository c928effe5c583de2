"""Composition root of matching: the only file that builds things."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI

from services.matching import handlers, learner, planner
from services.matching.api import desk as desk_api
from services.matching.api import feedback as feedback_api
from services.matching.api import learning, links, live, meetings, plans, sightings
from services.matching.links import Links
from services.matching.pages import (
    badges,
    board,
    board_desk,
    cards,
    desk,
    encounters,
    evening,
    feedback,
    printing,
    proof,
)
from services.matching.settings import MatchingSettings
from services.matching.store.retention import RULES
from shared.contracts.conduct_reported import ConductReported
from shared.contracts.followup_done import FollowupDone
from shared.contracts.gathering import Gathering
from shared.contracts.kept_apart import KeptApart
from shared.contracts.partner import Partner
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.delivery.consumer import Handlers
from shared.platform import retention
from shared.platform.auth import on_partner
from shared.platform.database import Database
from shared.platform.http import create_app
from shared.platform.pages import Pages
from shared.platform.runtime import Part
from shared.platform.service import Service


def build_http(settings: MatchingSettings, database: Database) -> FastAPI:
    """The partner API and the pages of an evening."""
    app = create_app("matching", database)
    app.state.settings = settings
    app.state.links = Links(settings.link_secret, settings.public_url, settings.link_days)
    app.state.pages = Pages(Path(__file__).parent / "templates")
    partners = (plans, meetings, live, links, feedback_api, desk_api, sightings, learning)
    people = (evening, feedback, encounters, badges, desk, cards, board, board_desk, proof, printing)
    for each in (*partners, *people):
        app.include_router(each.router)
    return app


def build_handlers(settings: MatchingSettings) -> Handlers:
    """What matching does with each topic it reads."""
    return {
        Partner: on_partner,
        Gathering: handlers.on_gathering,
        Registered: handlers.on_registered,
        Profile: handlers.on_profile,
        FollowupDone: handlers.on_followup_done,
        ConductReported: handlers.on_conduct_reported,
        KeptApart: handlers.on_kept_apart,
    }


def build_tasks(settings: MatchingSettings, database: Database) -> Mapping[str, Part]:
    """Planner, learner and retention work beside HTTP and consumer."""
    return {
        "planner": lambda: planner.run(settings, database),
        "learner": lambda: learner.run(database),
        "retention": lambda: retention.run(database, RULES, timedelta(days=settings.keep_days)),
    }


SERVICE = Service(
    name="matching",
    settings=MatchingSettings,
    migrations=Path(__file__).parent / "migrations",
    http=build_http,
    handlers=build_handlers,
    tasks=build_tasks,
)
