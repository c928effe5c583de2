"""What registration does, for every door: each function is one change with its events, inside a transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.registration.domain import registration as rules
from services.registration.domain.answers import Answers, unknown_tag
from services.registration.domain.gathering import GatheringBody, WrongPhase, check_transition
from services.registration.domain.registration import Registration
from services.registration.store import gatherings, registrations
from services.registration.store.gatherings import StoredGathering
from shared.contracts.contact import Contact
from shared.contracts.contract import Contract
from shared.contracts.envelope import Event
from shared.contracts.gathering import Gathering
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.delivery import dead_letter, outbox
from shared.delivery.outbox import Outgoing
from shared.platform import idempotency, metrics
from shared.platform.database import Connection
from shared.platform.errors import NotFound
from shared.platform.ids import uuid7

SERVICE = "registration"


async def define_gathering(
    tx: Connection, partner_id: UUID, external_id: str, body: GatheringBody, now: datetime
) -> tuple[StoredGathering, str]:
    """Create or update a gathering by the partner's id; the same definition again changes nothing."""
    known = await gatherings.lock_by_external_id(tx, partner_id, external_id)
    if known is None:
        gathering = StoredGathering(uuid7(), partner_id, external_id, 1, "open", body.capacity, body)
        status = "created"
    elif known.definition == body:
        return known, "unchanged"
    else:
        gathering = replace(known, revision=known.revision + 1, capacity=body.capacity, definition=body)
        status = "updated"
    await _write_gathering(tx, gathering, now)
    if status == "updated":
        await _promote(tx, gathering, now)
    return gathering, status


async def change_phase(
    tx: Connection, partner_id: UUID, gathering_id: UUID, phase: str, now: datetime
) -> StoredGathering:
    """Open, close, run, end or cancel a gathering."""
    known = await _gathering(tx, partner_id, gathering_id)
    check_transition(known.phase, phase)
    if phase == known.phase:
        return known
    gathering = replace(known, phase=phase, revision=known.revision + 1)
    await _write_gathering(tx, gathering, now)
    return gathering


@dataclass(frozen=True)
class Submitted:
    """What became of one submission: `created`, `updated`, `unchanged`, `duplicate`, or `rejected` with the reason."""

    status: str
    registration: Registration | None = None
    pointer: str = ""
    reason: str = ""
    conflict: bool = False
    """Rejected by the state of things, not for what was sent."""


async def submit(
    tx: Connection, partner_id: UUID, gathering_id: UUID, submissions: Sequence[Answers], now: datetime
) -> list[Submitted]:
    """Register people, in order; one result per submission.

    The partner's id names a registration for ever: sending it again with other content is an update. Another id with
    the same mailbox is the same person, whose first registration stands.
    """
    gathering = await _gathering(tx, partner_id, gathering_id)
    by_name = await registrations.by_external_ids(tx, partner_id, [each.external_id for each in submissions])
    # An address that was corrected names another person from then on; one left without a registration is forgotten.
    leaving = [known.person_id for known in by_name.values()]
    person_of = await registrations.persons(
        tx, partner_id, list({each.email: (uuid7(), each.email) for each in submissions}.values())
    )
    by_person = await registrations.by_persons(tx, gathering_id, list(person_of.values()))
    seats_left = gathering.capacity - await registrations.count_accepted(tx, gathering_id)

    results: list[Submitted] = []
    changed: dict[UUID, Registration] = {}
    names: list[tuple[str, UUID]] = []
    for answers in submissions:
        named, person_id = by_name.get(answers.external_id), person_of[answers.email]
        result = _one(gathering, named, by_person.get(person_id), person_id, answers, seats_left, now)
        results.append(result)
        registration = result.registration
        if registration is None:
            continue
        if result.status in ("created", "updated"):
            changed[registration.registration_id] = registration
        if result.status in ("created", "duplicate"):
            names.append((answers.external_id, registration.registration_id))
        seats_left -= result.status == "created" and registration.status == "accepted"
        if result.status == "updated" and named is not None:
            by_person.pop(named.person_id, None)  # a corrected address is free for somebody else, in this batch too
        by_name[answers.external_id] = registration
        by_person[registration.person_id] = registration
    await registrations.upsert_registrations(tx, list(changed.values()))
    await registrations.insert_external_names(tx, partner_id, names)
    await registrations.delete_persons_without_registration(tx, [*leaving, *person_of.values()])
    await _publish(tx, list(changed.values()), now)
    metrics.accepted.labels("registration").inc(sum(1 for each in results if each.status == "created"))
    return results


def _one(
    gathering: StoredGathering,
    named: Registration | None,
    same_person: Registration | None,
    person_id: UUID,
    answers: Answers,
    seats_left: int,
    now: datetime,
) -> Submitted:
    if unknown := unknown_tag(answers):
        return Submitted(
            "rejected", pointer=f"/{unknown[0]}", reason=f"there is no tag “{unknown[1]}”; GET /v1/tags lists them all"
        )
    if named is not None and named.gathering_id != gathering.gathering_id:
        return Submitted("rejected", pointer="/external_id", reason="this id names a registration at another gathering")
    if named is not None:
        if named.answers.external_id != answers.external_id:
            return Submitted("duplicate", named)
        if named.answers == answers:
            return Submitted("unchanged", named)
        if same_person is not None and same_person.registration_id != named.registration_id:
            return Submitted("rejected", pointer="/email", reason="this address belongs to another registration here")
        return Submitted("updated", named.revised(answers=answers, person_id=person_id))
    if same_person is not None:
        return Submitted("duplicate", same_person)
    try:
        status, reason = rules.admission(gathering.phase, gathering.definition.admission, seats_left)
    except WrongPhase as error:
        return Submitted("rejected", reason=str(error), conflict=True)
    return Submitted(
        "created",
        Registration(
            registration_id=uuid7(),
            gathering_id=gathering.gathering_id,
            partner_id=gathering.partner_id,
            person_id=person_id,
            revision=1,
            status=status,
            reason=reason,
            attendance="expected",
            answers=answers,
            registered_at=answers.registered_at or now,
        ),
    )


async def decide(
    tx: Connection, partner_id: UUID, registration_id: UUID, action: str, reason: str | None, now: datetime
) -> Registration:
    """Accept, decline or cancel; a seat that becomes free goes to the first who waits."""
    gathering = await _gathering_of(tx, partner_id, registration_id)
    before = (await registrations.lock_registrations(tx, partner_id, [registration_id]))[registration_id]
    seats_left = gathering.capacity - await registrations.count_accepted(tx, gathering.gathering_id)
    after = rules.decide(before, action, seats_left=seats_left, reason=reason)
    if after is not before:
        await _write(tx, [after], now)
        await _promote(tx, gathering, now)
    return after


async def attend(
    tx: Connection,
    partner_id: UUID,
    registration_ids: Sequence[UUID],
    change: Callable[[Registration], Registration],
    now: datetime,
) -> list[Registration | rules.WrongStatus | NotFound]:
    """Check people in or out; one result per id, an error where it cannot be done."""
    known = await registrations.lock_registrations(tx, partner_id, registration_ids)
    results: list[Registration | rules.WrongStatus | NotFound] = []
    changed: dict[UUID, Registration] = {}
    for registration_id in registration_ids:
        before = changed.get(registration_id) or known.get(registration_id)
        if before is None:
            results.append(NotFound("no such registration"))
            continue
        try:
            after = change(before)
        except rules.WrongStatus as error:
            results.append(error)
            continue
        results.append(after)
        if after is not before:
            changed[registration_id] = after
    await _write(tx, list(changed.values()), now)
    return results


async def erase(tx: Connection, partner_id: UUID, registration_id: UUID, now: datetime) -> bool:
    """Remove a person's registration everywhere; False when there is none. Repeating it is harmless."""
    try:
        gathering = await _gathering_of(tx, partner_id, registration_id)
    except NotFound:
        return False
    known = (await registrations.lock_registrations(tx, partner_id, [registration_id]))[registration_id]
    await registrations.delete_registration(tx, known)
    out = Outgoing(SERVICE, now)
    snapshots: tuple[type[Contract], ...] = (Registered, Profile, Contact)
    # What still waits in the outbox about this person must not be published either.
    await outbox.withdraw(tx, [snapshot.topic for snapshot in snapshots], [str(registration_id)])
    await outbox.add(tx, [out.tombstone(snapshot, registration_id) for snapshot in snapshots])
    await idempotency.erase(tx, partner_id, registration_id)
    await dead_letter.erase(tx, [registration_id])
    metrics.erasures.inc()
    await _promote(tx, gathering, now)
    return True


async def _gathering(tx: Connection, partner_id: UUID, gathering_id: UUID) -> StoredGathering:
    gathering = await gatherings.lock_gathering(tx, partner_id, gathering_id)
    if gathering is None:
        raise NotFound("no such gathering")
    return gathering


async def _gathering_of(tx: Connection, partner_id: UUID, registration_id: UUID) -> StoredGathering:
    """The gathering first, then the registration: the same order of locks as in `submit`."""
    known = await registrations.registration(tx, partner_id, registration_id)
    if known is None:
        raise NotFound("no such registration")
    gathering = await _gathering(tx, partner_id, known.gathering_id)
    if await registrations.registration(tx, partner_id, registration_id) is None:  # erased while we waited
        raise NotFound("no such registration")
    return gathering


async def _promote(tx: Connection, gathering: StoredGathering, now: datetime) -> None:
    if gathering.phase not in ("open", "closed", "running"):
        return
    seats_left = gathering.capacity - await registrations.count_accepted(tx, gathering.gathering_id)
    if seats_left > 0:
        await _write(tx, rules.promoted(await registrations.waiting(tx, gathering.gathering_id), seats_left), now)


async def _write(tx: Connection, changed: Sequence[Registration], now: datetime) -> None:
    await registrations.upsert_registrations(tx, changed)
    await _publish(tx, changed, now, words=False)


async def _publish(tx: Connection, changed: Sequence[Registration], now: datetime, *, words: bool = True) -> None:
    """Put the snapshots in the outbox; `words` when the answers themselves are new."""
    out = Outgoing(SERVICE, now)
    events: list[Event[Contract]] = []
    for registration in changed:
        events.append(out.event(rules.registered(registration)))
        if words:
            shown = rules.profile(registration)
            hidden = out.tombstone(Profile, registration.registration_id)
            # Consent withdrawn is a tombstone; consent never given publishes nothing.
            events += [out.event(shown)] if shown else [hidden] if registration.revision > 1 else []
            events.append(out.event(rules.contact(registration)))
    await outbox.add(tx, events)


async def _write_gathering(tx: Connection, gathering: StoredGathering, now: datetime) -> None:
    await gatherings.upsert_gathering(tx, gathering)
    body = gathering.definition
    published = Gathering(
        gathering_id=gathering.gathering_id,
        partner_id=gathering.partner_id,
        revision=gathering.revision,
        phase=gathering.phase,
        **body.model_dump(exclude={"admission", "rounds", "tables"}),
        rounds=body.rounds,
        tables=body.tables,
    )
    await outbox.add(tx, [Outgoing(SERVICE, now).event(published)])
