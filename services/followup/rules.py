"""What an operator has chosen: cadences and templates."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from services.followup.domain.drafts import Drafts
from services.followup.domain.policy import Policy
from services.followup.domain.texts import Texts
from services.followup.store import cadences
from shared.platform.database import Connection


@dataclass(frozen=True)
class Rules:
    """Cadences by version, the one in force, and the templates."""

    policies: dict[int, Policy]
    """The operator's, and those of organisers that were met so far: a version never changes."""
    default: int
    own: frozenset[int]
    """The operator's versions, open to everybody."""
    texts: Texts

    def drafts(self, own: Mapping[str, str]) -> Drafts:
        """Letters in the words of an organiser who changed these texts."""
        return Drafts(self.texts.changed(own))

    async def know(self, connection: Connection, versions: Collection[int]) -> None:
        """Have these cadences at hand."""
        if missing := set(versions) - self.policies.keys():
            self.policies.update(await cadences.load(connection, missing))

    def policy(self, version: int) -> Policy:
        """A version that was withdrawn is replaced by the one in force, so that no follow-up is stuck."""
        return self.policies.get(version, self.policies[self.default])
