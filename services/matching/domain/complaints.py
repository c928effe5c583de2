"""When complaints about one person become a flag that a human looks at. Nobody is judged by a machine."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

FLAG_AT: Final = 2
"""People who must have complained before anybody is asked to look."""
SELLER: Final = "seller"
"""A human found that this person comes to sell."""
DISMISSED: Final = "dismissed"
DECISIONS: Final = (SELLER, DISMISSED)


@dataclass(frozen=True)
class Report:
    """One report of conduct. It does not say who reported."""

    gathering_id: UUID
    source: str
    kind: str


def complainants(reports: Iterable[Report]) -> int:
    """The least number of people who can have made these reports, where nobody complains of a person at two gatherings.

    One person may report once from each source and for each kind, so only reports alike in both are surely different
    people's.
    """
    alike = Counter((report.gathering_id, report.source, report.kind) for report in reports)
    most: dict[UUID, int] = {}
    for (gathering_id, _, _), count in alike.items():
        most[gathering_id] = max(most.get(gathering_id, 0), count)
    return sum(most.values())


def is_open(people: int, reviewed_at: int | None) -> bool:
    """Whether a human should look: enough people, and more of them than at the last review."""
    return people >= FLAG_AT and (reviewed_at is None or people > reviewed_at)
