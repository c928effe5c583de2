"""Proposals that two people should meet: each answers alone, and a refusal stays unseen."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Proposal:
    """Two people who might meet, and what each has said to it."""

    proposal_id: UUID
    gathering_id: UUID
    partner_id: UUID
    a: UUID
    b: UUID
    introducer: UUID | None
    """An attendee; None where the desk proposes, or a asks."""
    asked_by: str
    """`introducer`, `desk` or `self`: a asked."""
    held: bool
    """The two must not meet. Neither ever hears of it, nor that it was held back."""
    a_answer: bool | None
    b_answer: bool | None
    created_at: datetime

    @property
    def agreed(self) -> bool:
        """Both said yes."""
        return bool(self.a_answer and self.b_answer and not self.held)

    def would_agree(self, reader: UUID) -> bool:
        """Whether a yes of the reader would be the second."""
        return not self.held and bool(
            self.b_answer if reader == self.a else self.a_answer if reader == self.b else False
        )

    def other_of(self, reader: UUID) -> UUID:
        """The one whom the reader would meet."""
        return self.b if reader == self.a else self.a

    def state_for(self, reader: UUID) -> str:
        """`asked`, `waiting` or `agreed`: never what the other has answered, until both agree."""
        mine = self.a_answer if reader == self.a else self.b_answer
        return "agreed" if self.agreed else "asked" if mine is None else "waiting"

    def asked_by_for(self, reader: UUID) -> str:
        """Who asked, as the reader sees it: `introducer`, `desk`, `self` for the other one, or `me`."""
        return "me" if self.asked_by == "self" and reader == self.a else self.asked_by
