"""Ids that follow from what they name, so that a repeated fact cannot make a second one."""

from uuid import UUID, uuid3

from shared.platform import ids


def followup_id(gathering: UUID, owner: UUID, other: UUID) -> UUID:
    """What `owner` owes `other` after one gathering. Directed: the two sides of a meeting have two ids."""
    return UUID(bytes=followup_bytes(gathering, owner, other))


def followup_bytes(gathering: UUID, owner: UUID, other: UUID) -> bytes:
    """The bytes of `followup_id`."""
    return ids.derived_bytes("followup", gathering, owner, other)


def due_event_id(followup: UUID, step: int, policy: int) -> UUID:
    """The event id of one due step.

    Name-based with MD5 (RFC 9562, version 3) and not with SHA-1, because the statement that fires a step computes it
    inside PostgreSQL, whose core has no SHA-1; `store.timers` is its twin.
    """
    return uuid3(followup, f"{step}|{policy}")


def report_id(followup: UUID, state: str, outcome: str | None, source: str) -> UUID:
    """One answer about a follow-up. Saying the same thing twice is the same report."""
    return ids.derived("followup-report", followup, state, outcome or "", source)
