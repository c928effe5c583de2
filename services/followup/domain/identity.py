"""Ids that follow from what they name, so that a repeated fact cannot make a second one."""

from uuid import UUID, uuid3, uuid5


def followup_id(gathering: UUID, owner: UUID, other: UUID) -> UUID:
    """What `owner` owes `other` after one gathering. Directed: the two sides of a meeting have two ids."""
    return uuid5(gathering, f"{owner}|{other}")


def due_event_id(followup: UUID, step: int, policy: int) -> UUID:
    """The event id of one due step.

    Name-based with MD5 (RFC 9562, version 3) and not with SHA-1, because PostgreSQL computes it in the statement that
    fires the step and its core has no SHA-1; see `due_event_id` in the migrations.
    """
    return uuid3(followup, f"{step}|{policy}")


def report_id(followup: UUID, state: str, outcome: str | None, source: str) -> UUID:
    """One answer about a follow-up. Saying the same thing twice is the same report."""
    return uuid5(followup, f"{state}|{outcome or ''}|{source}")
