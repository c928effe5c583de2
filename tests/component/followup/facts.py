"""What follow-up may hear of: a gathering, its people, and that they met."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.followup.domain import identity
from shared.contracts.contact import Channels, Contact
from shared.contracts.contract import Contract
from shared.contracts.envelope import Event
from shared.contracts.gathering import Gathering
from shared.contracts.met import Met
from shared.contracts.met_note import MetNote
from shared.contracts.profile import Profile
from shared.contracts.registered import Attributes, Registered

GATHERING = UUID(int=0xA)
PARTNER = UUID(int=0xB)
PEOPLE = [UUID(int=0x100 + n) for n in range(6)]


def event(payload: Contract, at: datetime) -> Event[Any]:
    return Event(uuid4(), type(payload), payload.key(), at, "/enishi/test", payload)


def tombstone(contract: type[Contract], key: UUID, at: datetime) -> Event[Any]:
    return Event(uuid4(), contract, str(key), at, "/enishi/test", None)


def gathering(at: datetime, revision: int = 1, zone: str = "Asia/Tokyo") -> Gathering:
    return Gathering(
        gathering_id=GATHERING,
        partner_id=PARTNER,
        revision=revision,
        phase="ended",
        title="ものづくり交流会",
        starts_at=at - timedelta(hours=2),
        ends_at=at,
        time_zone=zone,
        capacity=60,
    )


def registered(person: UUID, at: datetime, revision: int = 1) -> Registered:
    return Registered(
        registration_id=person,
        gathering_id=GATHERING,
        person_id=UUID(int=person.int + 0x1000),
        partner_id=PARTNER,
        revision=revision,
        status="accepted",
        attendance="checked_in",
        purpose="partner_search",
        attributes=Attributes(),
        registered_at=at,
    )


def profile(person: UUID, revision: int = 1, **more: Any) -> Profile:
    number = person.int - 0x100
    values = {
        "name": f"参加者{number}",
        "company": f"会社{number}",
        "needs": f"探し物{number}",
        "offers": f"持ち物{number}",
    }
    return Profile(registration_id=person, gathering_id=GATHERING, revision=revision, **{**values, **more})


def contact(person: UUID, revision: int = 1, *, thanks: bool = True, **more: Any) -> Contact:
    return Contact(
        registration_id=person,
        gathering_id=GATHERING,
        person_id=UUID(int=person.int + 0x1000),
        revision=revision,
        email=f"p{person.int}@example.org",
        channels=Channels(thanks=thanks),
        **more,
    )


def met(a: UUID, b: UUID, at: datetime, revision: int = 1, *, mutual: bool = False) -> Met:
    low, high = sorted((a, b))
    return Met(
        meeting_id=UUID(int=low.int * 0x10000 + high.int),
        gathering_id=GATHERING,
        revision=revision,
        a=low,
        b=high,
        met_at=at,
        source="qr",
        mutual_interest=mutual,
    )


def met_note(author: UUID, about: UUID, text: str, at: datetime, revision: int = 1) -> MetNote:
    return MetNote(
        note_id=UUID(int=author.int * 0x10000 + about.int),
        meeting_id=uuid4(),
        gathering_id=GATHERING,
        author=author,
        about=about,
        revision=revision,
        text=text,
        topics=("教材",),
        written_at=at,
    )


def followup_of(owner: UUID, other: UUID) -> UUID:
    return identity.followup_id(GATHERING, owner, other)
