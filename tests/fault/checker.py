"""What must hold after any faults: nothing lost, nothing doubled, nothing invented, order per key."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class History:
    """What the client knows: it asked, and was told yes, no, or nothing."""

    accepted: dict[str, str] = field(default_factory=dict)
    """The partner's id to ours, for every 2xx."""
    checked_in: set[str] = field(default_factory=set)
    """Our ids whose check-in was answered with 2xx."""
    unanswered: set[str] = field(default_factory=set)
    """The partner's ids that never got an answer: either outcome is right."""


@dataclass(frozen=True)
class Effect:
    """One application of an event, in the order in which it happened."""

    event_id: str
    registration_id: str
    revision: int
    attendance: str


@dataclass(frozen=True)
class Published:
    """One record on the topic, in partition order."""

    event_id: str
    registration_id: str
    revision: int
    value: bytes


def violations(
    history: History, effects: Sequence[Effect], published: Sequence[Published], copies: dict[str, dict[str, str]]
) -> list[str]:
    """Every broken promise in a sentence. `copies`: service to (registration to attendance)."""
    found: list[str] = []
    applied = Counter(effect.event_id for effect in effects)
    found += [f"doubled: event {event} was applied {count} times" for event, count in applied.items() if count > 1]
    by_key: dict[str, list[int]] = defaultdict(list)
    for effect in effects:
        by_key[effect.registration_id].append(effect.revision)
    for key, revisions in by_key.items():
        if any(later <= earlier for earlier, later in itertools.pairwise(revisions)):
            found.append(f"order: {key} was applied as {revisions}")
    known = set(history.accepted.values())
    present = {effect.attendance == "checked_in" and effect.registration_id for effect in effects}
    found += [f"lost: {key} was accepted and never took effect" for key in known - by_key.keys()]
    found += [f"lost: the check-in of {key} was accepted and never took effect" for key in history.checked_in - present]
    if len(by_key.keys() - known) > len(history.unanswered):
        found.append(f"invented: {len(by_key.keys() - known)} unknown, {len(history.unanswered)} unanswered requests")
    contents: dict[str, set[bytes]] = defaultdict(set)
    ids: dict[tuple[str, int], set[str]] = defaultdict(set)
    newest: dict[str, int] = {}
    seen: set[str] = set()
    for record in published:
        contents[record.event_id].add(record.value)
        ids[record.registration_id, record.revision].add(record.event_id)
        if record.event_id not in seen and record.revision < newest.get(record.registration_id, 0):
            found.append(f"order: {record.registration_id} was published out of order")
        seen.add(record.event_id)
        newest[record.registration_id] = max(newest.get(record.registration_id, 0), record.revision)
    found += [f"changed: event {event} came with different bytes" for event, each in contents.items() if len(each) > 1]
    found += [f"doubled: {key} has {len(each)} events for one revision" for key, each in ids.items() if len(each) > 1]
    for service, copy in copies.items():
        found += [f"lost: {key} is not in {service}" for key in known - copy.keys()]
        found += [
            f"lost: the check-in of {key} is not in {service}"
            for key in history.checked_in
            if copy.get(key) not in ("checked_in", None)
        ]
    return found
