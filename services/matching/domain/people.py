"""What matching needs to know of one attendee."""

import unicodedata
from dataclasses import dataclass
from uuid import UUID

from shared.lexicon import normal


@dataclass(frozen=True)
class Person:
    """An attendee: attributes, tags, and their own words where they agreed that these may be used."""

    registration_id: UUID
    person_id: UUID
    purpose: str
    name: str = ""
    company: str = ""
    industry: str = ""
    industry_text: str = ""
    company_size: str = ""
    role: str = ""
    phase: str = ""
    region: str = ""
    goal: str = ""
    needs: str = ""
    offers: str = ""
    pitch: str = ""
    talk_topics: str = ""
    avoid: str = ""
    need_tags: tuple[str, ...] = ()
    offer_tags: tuple[str, ...] = ()
    times_attended: int = 0
    small_groups: bool = False
    """More at ease at a table of at most four."""
    seller: bool = False
    """A human found, after complaints, that this person comes to sell."""

    @property
    def newcomer(self) -> bool:
        """Comes for the first time."""
        return self.times_attended == 0


def name_key(name: str) -> str:
    """A person's name without spaces, width, and what cannot be seen (Unicode's `Cf`: joiners, marks of direction)."""
    return "".join(letter for letter in normal(name) if not letter.isspace() and unicodedata.category(letter) != "Cf")
