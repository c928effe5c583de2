"""Labels, learned versions, and whose learning is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.matching.domain.learning import Pair, label
from services.matching.domain.lessons import Change
from services.matching.store.facts import hold_profiles
from shared.platform.database import Connection


@dataclass(frozen=True)
class Label:
    """Who was glad of whom, or not, with what is needed to learn from it."""

    gathering_id: UUID
    pair: Pair
    persons: Pair
    glad: bool


async def lessons_of(connection: Connection, partner_id: UUID, most: int) -> list[UUID]:
    """The partner's newest gatherings."""
    rows = await connection.fetch(
        "select gathering_id from gathering where partner_id = $1"
        " order by (definition->>'starts_at')::timestamptz desc, gathering_id limit $2",
        partner_id,
        most,
    )
    return [row["gathering_id"] for row in rows]


async def labels_of(connection: Connection, partner_id: UUID, gathering_id: UUID) -> list[Label]:
    """Who was glad of whom at a gathering, by ids."""
    query = _LABELS.format(*["gathering_id = $2"] * 4)
    return _labels(await connection.fetch(query, partner_id, gathering_id))


async def labels_around(connection: Connection, partner_id: UUID, gathering_id: UUID) -> list[Label]:
    """The same of all gatherings, by or about persons who are at this one."""
    theirs = await connection.fetch(
        "select registration_id from registration where partner_id = $1"
        " and person_id in (select person_id from registration where gathering_id = $2)",
        partner_id,
        gathering_id,
    )
    sides = [("author", "about"), ("a", "b"), ("a", "b"), ("owner", "other")]
    # As an array, and in each branch: so each finds its few rows by index.
    query = _LABELS.format(*(f"({one} = any($2::uuid[]) or {other} = any($2::uuid[]))" for one, other in sides))
    return _labels(await connection.fetch(query, partner_id, [row["registration_id"] for row in theirs]))


_LABELS: Final = (
    "with said as (select author, about, verdict, null::bool as wants, null::text as state"
    "  from tap where verdict <> 'none' and {0}"
    " union all select a, b, null, a_wants_next, null from meeting where a_wants_next is not null and {1}"
    " union all select b, a, null, b_wants_next, null from meeting where b_wants_next is not null and {2}"
    " union all select owner, other, null, null, state from followup where {3})"
    " select a.gathering_id, author, about, a.person_id as author_person, b.person_id as about_person,"
    "  max(verdict) as verdict, bool_or(wants) as wants, max(state) as state"
    " from said join registration a on a.registration_id = author join registration b on b.registration_id = about"
    # Only people who agreed to be shown to others: whoever withdrew that is not learnt from.
    " join profile agreed_a on agreed_a.registration_id = author"
    " join profile agreed_b on agreed_b.registration_id = about"
    " where a.partner_id = $1 and b.partner_id = $1 group by 1, 2, 3, 4, 5 order by author, about"
)


def _labels(rows: Sequence[Any]) -> list[Label]:
    found = [(row, label(row["verdict"], row["wants"], row["state"])) for row in rows]
    return [
        Label(row["gathering_id"], (row["author"], row["about"]), (row["author_person"], row["about_person"]), glad)
        for row, glad in found
        if glad is not None
    ]


@dataclass(frozen=True)
class Version:
    """What was learned at one time."""

    version: int
    learned_at: datetime
    labels: int
    prior: dict[str, float]
    multipliers: dict[str, float] | None
    """None: withdrawn, because somebody behind it was erased."""
    changes: list[dict[str, str]]
    evidence: dict[str, Any] | None
    """Answers and share of glad ones, of meetings `by_lot` and `by_score`; null where too few."""


_VERSION: Final = "version, learned_at, labels, prior, multipliers, changes, evidence"


async def versions(connection: Connection, partner_id: UUID) -> list[Version]:
    """Every version of a partner, the newest first."""
    rows = await connection.fetch(
        f"select {_VERSION} from learned where partner_id = $1 order by version desc",
        partner_id,
    )
    return [Version(**dict(row)) for row in rows]


async def newest(connection: Connection, partner_id: UUID) -> Version | None:
    """The version in force: the newest that was not withdrawn."""
    row = await connection.fetchrow(
        f"select {_VERSION} from learned where partner_id = $1 and multipliers is not null order by version desc limit 1",
        partner_id,
    )
    return None if row is None else Version(**dict(row))


async def insert_version(
    tx: Connection,
    partner_id: UUID,
    learned_at: datetime,
    people: Sequence[UUID],
    labels: int,
    prior: Mapping[str, float],
    multipliers: Mapping[str, float],
    changes: Sequence[Change],
    evidence: Mapping[str, Any],
) -> bool:
    """Keep a new version; False when one of its people left while it was learned, and it must not be kept."""
    if len(await hold_profiles(tx, people)) < len(people):
        return False
    await tx.execute(
        "insert into learned (partner_id, version, learned_at, labels, people, prior, multipliers, changes, evidence)"
        " select $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5, $6, $7, $8 from learned where partner_id = $1",
        partner_id,
        learned_at,
        labels,
        people,
        dict(prior),
        dict(multipliers),
        [{"ja": each.ja, "en": each.en} for each in changes],
        dict(evidence),
    )
    return True


async def make_due(tx: Connection, registration_ids: Sequence[UUID], due_at: datetime) -> None:
    """Let the partners of these registrations be learnt from anew, at `due_at` or when it was due before."""
    await tx.execute(
        "insert into learning_due (partner_id, due_at)"
        " select distinct partner_id, $2::timestamptz from registration where registration_id = any($1::uuid[])"
        " order by partner_id on conflict (partner_id) do update"
        " set due_at = least(learning_due.due_at, excluded.due_at), changes = learning_due.changes + 1",
        registration_ids,
        due_at,
    )


async def make_partner_due(tx: Connection, partner_id: UUID, due_at: datetime) -> None:
    """The same for one partner."""
    await tx.execute(
        "insert into learning_due (partner_id, due_at) values ($1, $2) on conflict (partner_id) do update"
        " set due_at = least(learning_due.due_at, excluded.due_at), changes = learning_due.changes + 1",
        partner_id,
        due_at,
    )


@dataclass(frozen=True)
class Due:
    """A partner whose labels changed so many times."""

    partner_id: UUID
    changes: int


async def take_due(tx: Connection, now: datetime, patience: timedelta) -> Due | None:
    """The partner due for longest, who is then left alone for `patience`; None when there is none."""
    row = await tx.fetchrow(
        "update learning_due set due_at = $1::timestamptz + $2::interval where partner_id = (select partner_id"
        "  from learning_due where due_at <= $1 order by due_at limit 1 for update skip locked)"
        " returning partner_id, changes",
        now,
        patience,
    )
    return None if row is None else Due(**dict(row))


async def done(tx: Connection, due: Due) -> None:
    """What was taken up is learned, unless labels changed since."""
    await tx.execute("delete from learning_due where partner_id = $1 and changes = $2", due.partner_id, due.changes)


async def erase(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Withdraw every version that these people are behind: what was learned from them goes with them. Their registrations
    must still be here."""
    await tx.execute(
        "update learned set multipliers = null, changes = '[]', labels = 0, evidence = null,"
        " people = array(select unnest(people) except select unnest($1::uuid[])) where people && $1::uuid[]"
        " and partner_id in (select partner_id from registration where registration_id = any($1::uuid[]))",
        registration_ids,
    )
