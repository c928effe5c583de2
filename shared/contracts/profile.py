"""`profile` (restricted): what other attendees may see by consent, and what matching alone may use.

Personal data: name, company and free text. Readers: matching, follow-up. A tombstone erases it.
"""

from typing import ClassVar

from shared.contracts.contract import Contract, Revision
from shared.contracts.vocabulary import GatheringId, LongText, RegistrationId, ShortText


class Profile(Contract):
    """One attendee in their own words."""

    topic: ClassVar[str] = "profile"
    key_field: ClassVar[str] = "registration_id"

    registration_id: RegistrationId
    gathering_id: GatheringId
    revision: Revision
    name: ShortText
    company: ShortText | None = None
    title: ShortText | None = None
    region: ShortText | None = None
    industry_text: ShortText | None = None
    goal: LongText | None = None
    plan: LongText | None = None
    needs: LongText | None = None
    offers: LongText | None = None
    pitch: LongText | None = None
    talk_topics: LongText | None = None
    avoid: LongText | None = None
    """Whom this person does not want to meet. For matching only: never shown to anybody, never stored elsewhere."""
