"""Composition root of follow-up."""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from pydantic import ValidationError

from services.followup import bounces, digests, handlers, mail, timers, webhooks
from services.followup.api import followups, organisers
from services.followup.api import webhooks as webhook_api
from services.followup.domain.policy import Policy
from services.followup.domain.texts import BadText, Texts
from services.followup.links import Links
from services.followup.pages import entry, own
from services.followup.rewriting import Rewriter
from services.followup.rules import Rules
from services.followup.settings import FollowupSettings
from services.followup.store.retention import RULES
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from shared.delivery.consumer import Handlers
from shared.platform import retention
from shared.platform.database import Database
from shared.platform.http import create_app
from shared.platform.pages import Pages
from shared.platform.runtime import Part
from shared.platform.service import Service
from shared.platform.settings import BadSettings

HERE: Final = Path(__file__).parent
ORGANISERS_VERSIONS: Final = 1000
"""Where the sequence of organisers' own cadences starts."""


@lru_cache(maxsize=1)
def read_rules(settings: FollowupSettings) -> Rules:
    """The cadences and templates shipped with the service, and the operator's own. Raises `BadSettings`.

    Read once for all doors of the process: what one of them has learnt of organisers' cadences the others know too.
    """
    policies = _policies([HERE / "policies", *([settings.cadence_folder] if settings.cadence_folder else [])])
    if settings.cadence not in policies:
        raise BadSettings(f"CADENCE: there is no cadence {settings.cadence}")
    texts = Texts(_texts(HERE / "texts") | (_texts(settings.text_folder) if settings.text_folder else {}))
    try:
        texts.check_all()
    except BadText as error:
        raise BadSettings(f"TEXT_FOLDER: {error}") from None
    return Rules(policies, settings.cadence, frozenset(policies), texts)


def _policies(folders: list[Path]) -> dict[int, Policy]:
    policies: dict[int, Policy] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.json"))):
        try:
            policy = Policy.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(step) for step in first["loc"])
            raise BadSettings(f"CADENCE_FOLDER: {path.name}: {place}: {first['msg']}") from None
        if policy.version in policies:
            raise BadSettings(f"CADENCE_FOLDER: {path.name}: version {policy.version} is taken; versions never change")
        if policy.version >= ORGANISERS_VERSIONS:
            raise BadSettings(f"CADENCE_FOLDER: {path.name}: versions from {ORGANISERS_VERSIONS} up are organisers'")
        policies[policy.version] = policy
    return policies


def _texts(folder: Path) -> dict[str, str]:
    return {f"{path.parent.name}/{path.name}": path.read_text() for path in sorted(folder.glob("??/*"))}


def build_links(settings: FollowupSettings) -> Links:
    return Links(settings.link_secret, settings.public_url, settings.link_days)


def build_http(settings: FollowupSettings, database: Database) -> FastAPI:
    app = create_app("followup", database)
    app.state.rules = read_rules(settings)
    app.state.links = build_links(settings)
    app.state.rewriter = (
        Rewriter(settings.rewrite_url, settings.rewrite_model, settings.rewrite_key, settings.rewrite_seconds)
        if settings.rewrite_url
        else None
    )
    app.state.pages = Pages(HERE / "templates")
    app.state.pause = timedelta(days=settings.pause_days)
    for each in (followups, organisers, own, entry):
        app.include_router(each.router)
    if settings.bounce_key:
        app.state.bounce_key = settings.bounce_key
        app.include_router(bounces.router)
    if settings.webhooks:
        app.state.webhook_private = settings.webhook_private
        app.include_router(webhook_api.router)
    return app


def build_handlers(settings: FollowupSettings) -> Handlers:
    known = dict(handlers.build(read_rules(settings)))
    if settings.webhooks:
        known |= {FollowupDue: webhooks.on_own_event, FollowupDone: webhooks.on_own_event}
    return known


def build_tasks(settings: FollowupSettings, database: Database) -> Mapping[str, Part]:
    rules = read_rules(settings)
    parts: dict[str, Part] = {
        "timers": lambda: timers.run(database, settings.fire_batch, settings.fire_backstop_seconds),
        "expiry": lambda: timers.expire(database, rules, settings.expiry_seconds),
        "retention": lambda: retention.run(database, RULES, timedelta(days=settings.keep_days)),
    }
    if settings.smtp_url:
        relay = mail.Relay.of(settings.smtp_url, settings.mail_from)
        writer = digests.Writer(rules, build_links(settings), settings.mail_from)
        parts["mail"] = lambda: mail.run(database, writer, relay, settings.mail_connections, settings.mail_seconds)
    if settings.webhooks:
        parts["webhooks"] = lambda: webhooks.run(database, settings.webhook_seconds, private=settings.webhook_private)
    return parts


SERVICE: Final = Service(
    name="followup",
    settings=FollowupSettings,
    migrations=HERE / "migrations",
    http=build_http,
    handlers=build_handlers,
    tasks=build_tasks,
    commands=bounces.add_commands,
)
