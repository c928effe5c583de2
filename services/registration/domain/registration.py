"""Rules of a registration: admission, its states, and its snapshots on the topics."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from services.registration.domain.answers import Answers, counted_goal
from services.registration.domain.gathering import WrongPhase
from shared.contracts.contact import Channels, Contact
from shared.contracts.profile import Profile
from shared.contracts.registered import Attributes, Registered
from shared.platform.errors import Conflict

Status = Literal["pending", "accepted", "waitlisted", "declined", "cancelled"]
FULL: Final = "full"
UNDECIDED: Final = "waits for the organiser"


class WrongStatus(Conflict):
    """The registration's status does not allow this."""


@dataclass(frozen=True)
class Registration:
    """One person at one gathering."""

    registration_id: UUID
    gathering_id: UUID
    partner_id: UUID
    person_id: UUID
    revision: int
    status: str
    reason: str | None
    attendance: str
    answers: Answers
    registered_at: datetime
    checked_in_at: datetime | None = None

    def revised(self, **changes: object) -> "Registration":
        """The same with changes and the next revision."""
        return replace(self, revision=self.revision + 1, **changes)  # type: ignore[arg-type]


def admission(phase: str, mode: str, seats_left: int) -> tuple[str, str | None]:
    """The status of a new registration, and the reason when it must wait. Raises `WrongPhase`."""
    if phase not in ("open", "running"):  # running: walk-ins at the door
        raise WrongPhase(f"this gathering is {phase} and takes no registrations")
    if mode == "manual":
        return "pending", UNDECIDED
    return ("accepted", None) if seats_left > 0 else ("waitlisted", FULL)


_DECISIONS: Final = {
    "accept": ({"pending", "waitlisted", "declined", "cancelled"}, "accepted"),
    "decline": ({"pending", "waitlisted"}, "declined"),
    "cancel": ({"pending", "waitlisted", "accepted"}, "cancelled"),
}


def decide(registration: Registration, action: str, *, seats_left: int, reason: str | None = None) -> Registration:
    """Accept, decline or cancel; the same decision again changes nothing. Raises `WrongStatus`."""
    allowed, after = _DECISIONS[action]
    if registration.status == after:
        return registration
    if registration.status not in allowed:
        raise WrongStatus(f"a registration that is {registration.status} cannot be {after}")
    if registration.attendance != "expected":
        raise WrongStatus("this attendee is checked in")
    if after == "accepted" and seats_left <= 0:
        raise WrongStatus("the gathering is full")
    return registration.revised(status=after, reason=reason)


def check_in(registration: Registration, now: datetime) -> Registration:
    """The person has arrived; a second scan changes nothing. Raises `WrongStatus`."""
    if registration.attendance == "checked_in":
        return registration
    if registration.status != "accepted":
        raise WrongStatus(f"a registration that is {registration.status} cannot be checked in; accept it first")
    return registration.revised(attendance="checked_in", checked_in_at=registration.checked_in_at or now)


def check_out(registration: Registration) -> Registration:
    """The person left early. Raises `WrongStatus`."""
    if registration.attendance == "left":
        return registration
    if registration.attendance != "checked_in":
        raise WrongStatus("only somebody who is checked in can leave")
    return registration.revised(attendance="left")


def promoted(waiting: list[Registration], seats_left: int) -> list[Registration]:
    """Those who move up from the waitlist, first come first."""
    ordered = sorted(waiting, key=lambda each: (each.registered_at, each.registration_id))
    return [each.revised(status="accepted", reason=None) for each in ordered[: max(seats_left, 0)]]


def registered(registration: Registration) -> Registered:
    """The snapshot that everybody may read: no name, no free text."""
    answers = registration.answers
    return Registered(
        registration_id=registration.registration_id,
        gathering_id=registration.gathering_id,
        person_id=registration.person_id,
        partner_id=registration.partner_id,
        revision=registration.revision,
        status=registration.status,
        attendance=registration.attendance,
        purpose=answers.purpose,
        goal_count=counted_goal(answers),
        attributes=Attributes(
            industry=answers.industry,
            company_size=answers.company_size,
            role=answers.role,
            phase=answers.phase,
            times_attended=answers.times_attended,
            small_groups=answers.small_groups,
        ),
        need_tags=answers.need_tags,
        offer_tags=answers.offer_tags,
        registered_at=registration.registered_at,
        checked_in_at=registration.checked_in_at,
    )


def profile(registration: Registration) -> Profile | None:
    """What other attendees may see; None without consent."""
    answers = registration.answers
    if not answers.consents.profile:
        return None
    return Profile(
        registration_id=registration.registration_id,
        gathering_id=registration.gathering_id,
        revision=registration.revision,
        name=answers.name,
        company=answers.company,
        title=answers.title,
        region=answers.region,
        industry_text=answers.industry_text,
        goal=answers.goal,
        plan=answers.plan,
        needs=answers.needs,
        offers=answers.offers,
        pitch=answers.pitch,
        talk_topics=answers.talk_topics,
        avoid=answers.avoid,
    )


def contact(registration: Registration) -> Contact:
    """How to reach the person, for follow-up alone."""
    answers = registration.answers
    return Contact(
        registration_id=registration.registration_id,
        gathering_id=registration.gathering_id,
        person_id=registration.person_id,
        revision=registration.revision,
        email=answers.email,
        locale=answers.locale,
        time_zone=answers.time_zone,
        channels=Channels(thanks=answers.consents.thanks, news=answers.consents.news),
    )
