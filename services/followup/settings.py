"""Every knob of follow-up."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from shared.platform.settings import Settings


class FollowupSettings(Settings):
    """Beyond what every service needs."""

    link_secret: Annotated[str, Field(min_length=16)]
    """Signs the personal pages' links. Several, separated by commas: the first signs, all are accepted."""
    link_days: Annotated[int, Field(ge=1, le=3650)] = 400
    """How long a personal link works, in days: as long as outcomes are asked for."""
    cadence: Annotated[int, Field(ge=1)] = 1
    """Version of the cadence for gatherings that have chosen none. 2 is the rehearsal, in seconds."""
    cadence_folder: Path | None = None
    """More cadences, one JSON file each, beside those in `policies/`."""
    text_folder: Path | None = None
    """Texts of letters and mails in place of those in `texts/`, as `<locale>/<name>`; what is absent is taken from here."""
    fire_batch: Annotated[int, Field(ge=1, le=5000)] = 1500
    """Timers fired by one statement at most. Two connections fire 100,000 in 0.9 to 1.1 s so, a little faster than by 1,000
    at once and as fast as by 2,000; an answer that comes meanwhile waits for the statement, 23 ms."""
    fire_backstop_seconds: Annotated[float, Field(gt=0, le=3600)] = 30
    """Longest sleep of the timers, for those that a replica set that died before it could fire them."""
    expiry_seconds: Annotated[float, Field(gt=0, le=86_400)] = 600
    """How often silent follow-ups are looked for that have run out of time."""
    keep_days: Annotated[int, Field(ge=14, le=3650)] = 30
    """How long what was told and done is kept, in days: due steps, messages, reminders, reports that were taken back.

    The limits on messages look a week back, and mail comes back within five days (RFC 5321, 4.5.4.1); the rest of the
    month is for an operator who is asked what was sent. Follow-ups and what was reported of them stay."""
    pause_days: Annotated[int, Field(ge=1, le=90)] = 3
    """How long "not now" lasts, in days."""
    smtp_url: Annotated[str, Field(pattern=r"^smtps?://[^/]+$")] | None = None
    """The relay for mail, `smtp://user:password@host:587` or `smtps://…`. Unset: no mail is written."""
    mail_from: Annotated[str, Field(pattern=r"^[^\r\n<>]*<?[^@\s<>]+@[^@\s<>]+>?$")] = "Enishi <followup@localhost>"
    """Sender. The relay signs with DKIM, `List-Unsubscribe` and `List-Unsubscribe-Post` included."""
    mail_connections: Annotated[int, Field(ge=1, le=20)] = 5
    """Connections to the relay, and so the mails in doubt after a crash."""
    bounce_key: Annotated[str, Field(min_length=16)] | None = None
    """What the operator's mail system shows when it POSTs returned mail to `/v1/bounces`. Unset: there is no such door."""
    mail_seconds: Annotated[float, Field(gt=0, le=600)] = 15
    """Least time from one round of planning and sending to the next. While nothing is due and nothing was done, one
    statement every fourth time asks whether another replica left something to do."""
    rewrite_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+")] | None = None
    """An endpoint that speaks OpenAI's protocol, such as `https://host/v1`, to reword drafts when their owners ask for it.

    It gets the draft and the owner's note without names and addresses. Unset: nobody is asked, nothing leaves."""
    rewrite_model: Annotated[str, Field(min_length=1, max_length=200)] = "default"
    """The model's name there."""
    rewrite_key: str | None = None
    """The endpoint's key, where it needs one."""
    rewrite_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    """Patience; after it the draft stays as it is."""
    webhooks: bool = True
    """Whether partners may be called. If so, follow-up reads its own topics back, which has its price."""
    webhook_private: bool = False
    """Allow webhooks to plain http and to private addresses: on one machine, never in production."""
    webhook_seconds: Annotated[float, Field(gt=0, le=600)] = 15
    """How often retries are looked at; what is new is sent at once."""
