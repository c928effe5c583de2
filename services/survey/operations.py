"""What survey does, for every door."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from services.survey.domain.questions import FORM_VERSION, Filled
from services.survey.domain.statistics import HIDDEN_BELOW
from services.survey.store import facts, surveys
from services.survey.store.surveys import StoredResponse
from shared.contracts import survey_closed
from shared.contracts.survey_submitted import Segment, SurveySubmitted
from shared.delivery import outbox
from shared.delivery.outbox import Outgoing
from shared.platform import metrics
from shared.platform.database import Connection
from shared.platform.errors import Conflict, Gone, NotFound

TOKEN_BYTES = 16


class SurveyClosed(Gone):
    """This survey is closed."""


class RoomFull(Conflict):
    """As many answered by the code on the screen as may have come."""


def new_token() -> str:
    """A link's random part: 128 bits."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


async def open_survey(tx: Connection, partner_id: UUID, gathering_id: UUID, codes: Sequence[str]) -> str | None:
    """Open the survey of a gathering, once, with the first of the codes, and return the code that opens its room.

    None when it was opened with a code that is not among them. Raises `NotFound`.
    """
    await facts.hold_off_erasure(tx)
    if await facts.owner_of(tx, gathering_id) != partner_id:
        raise NotFound("no such gathering")
    room = await surveys.open_survey(tx, gathering_id, partner_id, digest(codes[0]))
    return next((code for code in codes if digest(code) == room), None)


async def invite(
    tx: Connection, partner_id: UUID, gathering_id: UUID, registration_ids: Sequence[UUID]
) -> dict[UUID, str]:
    """A personal link token for each registration that is known here. Raises `NotFound`, `SurveyClosed`."""
    survey = await surveys.survey(tx, partner_id, gathering_id, lock=True)
    if survey is None:
        raise NotFound("no such survey; open it first")
    if survey.closed_at:
        raise SurveyClosed
    segments = await surveys.segments(tx, gathering_id, registration_ids)
    tokens = {registration_id: new_token() for registration_id in segments}
    rows = [(digest(tokens[each]), segment) for each, segment in segments.items()]
    await surveys.insert_invitations(tx, gathering_id, "personal", rows)
    return tokens


async def close_survey(tx: Connection, partner_id: UUID, gathering_id: UUID, now: datetime) -> None:
    """Take no more answers, and say so, once. Raises `NotFound`."""
    if await surveys.survey(tx, partner_id, gathering_id) is None:
        raise NotFound
    if await surveys.close_survey(tx, gathering_id, now):
        closed = survey_closed.SurveyClosed(gathering_id=gathering_id, closed_at=now)
        await outbox.add(tx, [Outgoing("survey", now).event(closed)])


async def join_by_room(tx: Connection, code: str, token: str) -> None:
    """Make a token the link of somebody who scanned the code on the screen; once, however often it is sent.

    Raises `NotFound`, `SurveyClosed`, `RoomFull`.
    """
    survey = await surveys.room(tx, digest(code), lock=True)
    if survey is None:
        raise NotFound
    if survey.closed_at:
        raise SurveyClosed
    await surveys.one_answer_at_a_time(tx, survey.gathering_id)  # or two would take the last place
    if await surveys.invitation(tx, digest(token)) is None:
        if await surveys.is_full(tx, survey.gathering_id):
            raise RoomFull
        await surveys.insert_invitations(tx, survey.gathering_id, "room", [(digest(token), Segment())])


async def respond(tx: Connection, token: str, filled: Filled, locale: str, now: datetime) -> None:
    """Take an answer; the last one of a link counts until the survey closes. Raises `NotFound`, `SurveyClosed`."""
    invitation = await surveys.invitation(tx, digest(token), lock=True)
    if invitation is None:
        raise NotFound
    if invitation.closed_at:
        raise SurveyClosed
    await surveys.one_answer_at_a_time(tx, invitation.gathering_id)
    known = await surveys.response_of(tx, invitation.token_sha256)
    if known and (known.answers, known.free_text, known.quotable) == (
        filled.answers,
        filled.free_text,
        filled.quotable,
    ):
        return
    response = StoredResponse(
        response_id=known.response_id if known else uuid4(),
        revision=known.revision + 1 if known else 1,
        answers=filled.answers,
        free_text=filled.free_text,
        quotable=filled.quotable,
    )
    day = now.astimezone(ZoneInfo(invitation.time_zone)).date()
    await surveys.upsert_response(tx, invitation, response, form_version=FORM_VERSION, locale=locale, day=day)
    await surveys.tell(tx, invitation.gathering_id, HIDDEN_BELOW)
    await outbox.add(
        tx,
        [
            Outgoing("survey", now).event(
                SurveySubmitted(
                    response_id=response.response_id,
                    gathering_id=invitation.gathering_id,
                    revision=response.revision,
                    form_version=FORM_VERSION,
                    channel="web",
                    trust=invitation.trust,
                    day=day,
                    locale=locale,
                    answers=filled.answers,
                    has_free_text=filled.free_text is not None,
                    segment=invitation.segment,
                ),
                event_id=uuid4(),  # a time-ordered id would tell the order of answers
            )
        ],
    )
    metrics.accepted.labels("response").inc(known is None)
