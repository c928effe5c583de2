"""What somebody's list of introductions says: kept over new plans, without whom one must not meet and without words that
their author took back."""

from collections.abc import Collection, Container, Mapping, Sequence, Set
from typing import Any, Final
from uuid import UUID

from services.matching.domain.plan import Proposed
from services.matching.domain.reasons import Words
from services.matching.domain.wishes import Pair, pair

LEAST: Final = 3
"""Introductions that a re-plan fills a list up to, where people on it have gone."""
MOST: Final = 20
"""Introductions that one `matched` may carry."""

Entry = dict[str, Any]
"""One introduction as it is kept: `counterpart`, `rank`, the fields of `Words`, and `introducer` where there is one."""


def entry(counterpart: UUID, words: Words, introducer: UUID | None = None) -> Entry:
    """One introduction, not yet ranked."""
    reasons = [{"kind": each.kind, "concept": each.concept, "ja": each.ja, "en": each.en} for each in words.reasons]
    more = {} if introducer is None else {"introducer": str(introducer)}
    return {"counterpart": str(counterpart), **vars(words), "reasons": reasons, **more}


def ranked(entries: Sequence[Entry]) -> list[Entry]:
    """The first that one list can hold, numbered from 1."""
    return [{**each, "rank": rank} for rank, each in enumerate(entries[:MOST], start=1)]


def without(entries: Sequence[Entry], counterpart: UUID) -> list[Entry]:
    """All but the introduction to one person."""
    return [each for each in entries if each["counterpart"] != str(counterpart)]


def standing(
    reader: UUID, entries: Sequence[Entry], coming: Set[UUID], met: Collection[Pair], apart: Container[Pair]
) -> list[Entry]:
    """Those of a list that stay on it: both come, or they have met, and nothing keeps them apart."""
    return [each for each in entries if _stands(reader, UUID(each["counterpart"]), coming, met, apart)]


def _stands(reader: UUID, other: UUID, coming: Set[UUID], met: Collection[Pair], apart: Container[Pair]) -> bool:
    both = pair(reader, other)
    return both not in apart and ({reader, other} <= coming or both in met)


def is_short(entries: Sequence[Entry], left: Sequence[Entry]) -> bool:
    """Whether a list of which so much is left has lost more than it can."""
    return len(left) < min(LEAST, len(entries))


def merged(
    reader: UUID,
    kept: Mapping[UUID, Sequence[Entry]],
    proposed: Mapping[UUID, Sequence[Proposed]],
    coming: Set[UUID],
    met: Collection[Pair],
    apart: Container[Pair],
) -> list[Entry]:
    """A list that stays as it was told: people who are gone leave it unless they met, people who are new join it.

    Only a list that has become too short takes more from the new plan. `kept` are everybody's lists until now; nobody's
    for a plan from scratch. Two who must be kept `apart` are on neither's list.
    """
    old = standing(reader, kept.get(reader, ()), coming, met, apart)
    listed = {UUID(each["counterpart"]) for each in old}
    new = [
        each
        for each in proposed.get(reader, ())
        if each.counterpart not in listed and _stands(reader, each.counterpart, coming, met, apart)
    ]
    if old:
        fresh = [each for each in new if not kept.get(each.counterpart)]
        rest = [each for each in new if each not in fresh]
        new = fresh + rest[: max(0, LEAST - len(old) - len(fresh))]
    return ranked([*old, *(entry(each.counterpart, each.words, each.introducer) for each in new)])


def with_agreed(entries: Sequence[Entry], before: Sequence[Entry], agreed: Collection[UUID]) -> list[Entry]:
    """What two agreed on stays on their lists, whatever a new plan proposes."""
    listed = {each["counterpart"] for each in entries}
    missing = {str(each) for each in agreed} - listed
    return ranked([*entries, *(each for each in before if each["counterpart"] in missing)])


UNQUOTED: Final = {
    "their_offer_meets_my_need": ("お相手の提供できることが、あなたの役に立ちそうです", "What they offer may help you"),
    "my_offer_meets_their_need": ("あなたの提供できることが、お相手の役に立ちそうです", "What you offer may help them"),
    "other_industry": ("異業種の視点が得られます", "A view from another industry"),
}
"""Reasons without anybody's words."""


def unquoted(reader: UUID, entries: Sequence[Entry], people: Collection[UUID]) -> list[Entry]:
    """The reader's introductions without the words of these people. A reader's own are quoted in the reasons alone."""
    found = [_without_reasons(each) for each in entries] if reader in people else list(entries)
    return [_without_words(each) if UUID(each["counterpart"]) in people else each for each in found]


def _without_reasons(introduction: Entry) -> Entry:
    reasons = []
    for each in introduction["reasons"]:
        ja, en = UNQUOTED.get(each["kind"], (each["ja"], each["en"]))
        reasons.append({**each, "ja": ja, "en": en})
    return {**introduction, "reasons": reasons}


def _without_words(introduction: Entry) -> Entry:
    return {
        **_without_reasons(introduction),
        "question_ja": "最近のお仕事で、うまくいったことを一つ教えてください",
        "question_en": "What went well in your work lately?",
        "wanted_ja": "まだ書かれていません",
        "wanted_en": "Not written yet",
    }
