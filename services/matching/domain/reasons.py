"""Why two people should meet, in words: whose need meets whose offer, quoting them, and what to ask first.

Never a score, never a block, never what somebody wants to avoid.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.matching.domain.fit import ALIKE, Matrix, need_texts, offer_texts, said
from services.matching.domain.people import Person
from services.matching.domain.scoring import Score
from services.matching.domain.words import content_words, vectors_of
from shared.lexicon import concepts_in, lexicon

QUOTE: Final = 60  # characters quoted of somebody's words
SURE: Final = 0.5  # of a direction, from which on one may say that an offer answers a need
LIKELY: Final = 0.2  # below which a direction is no reason at all; the ordinary fit is 0.12
_SENTENCE: Final = re.compile(r"[。．!！?？\n;；]+|\.(?=\s|$)")


@dataclass(frozen=True)
class Reason:
    """One reason: its code for machines, its words for people."""

    kind: str
    concept: str | None
    ja: str
    en: str


@dataclass(frozen=True)
class Words:
    """An introduction in words, for the person who reads it."""

    reasons: tuple[Reason, ...]
    question_ja: str
    question_en: str
    wanted_ja: str
    """What the other wants from the reader."""
    wanted_en: str


@dataclass(frozen=True)
class _Answer:
    """One's need and the other's offer that come nearest to each other, quoted."""

    need: str
    offer: str
    concept: str | None
    sure: bool


def explain(score: Score, reader: int, other: int) -> Words:
    """The introduction of `other` to `reader`."""
    me, you = score.people[reader], score.people[other]
    theirs = _answer(me, you, float(score.directed[reader, other]))
    mine = _answer(you, me, float(score.directed[other, reader]))
    found: list[Reason] = []
    if theirs:
        found.append(
            Reason(
                "their_offer_meets_my_need",
                theirs.concept,
                f"あなたの「{theirs.need}」に、お相手の「{theirs.offer}」が"
                + ("応えられそうです" if theirs.sure else "手がかりになるかもしれません"),
                f"Their “{theirs.offer}” "
                + ("may answer your" if theirs.sure else "could be a starting point for your")
                + f" “{theirs.need}”",
            )
        )
    if mine:
        found.append(
            Reason(
                "my_offer_meets_their_need",
                mine.concept,
                f"お相手の「{mine.need}」に、あなたの「{mine.offer}」が"
                + ("役に立ちそうです" if mine.sure else "きっかけになるかもしれません"),
                f"Your “{mine.offer}” "
                + ("may help with their" if mine.sure else "could be a start for their")
                + f" “{mine.need}”",
            )
        )
    topic = next(iter(sorted(concepts_in(me.talk_topics).keys() & concepts_in(you.talk_topics).keys())), None)
    if topic:
        concept = lexicon()[topic]
        found.append(
            Reason(
                "shared_topic", topic, f"「{concept.ja}」の話題が共通です", f"You both like to talk about {concept.en}"
            )
        )
    if me.purpose == you.purpose:
        found.append(Reason("shared_purpose", None, "参加の目的が同じです", "You came for the same purpose"))
    elif {me.purpose, you.purpose} == {"information", "awareness"}:
        found.append(
            Reason(
                "complementary_purpose",
                None,
                "知りたい方と、知ってほしい方です",
                "One of you wants to learn, the other to be known",
            )
        )
    if me.industry and you.industry and me.industry != you.industry:
        trade = f"({you.industry_text})" if you.industry_text else ""
        found.append(
            Reason(
                "other_industry",
                None,
                f"異業種の視点が得られます{trade}",
                f"A view from another industry {trade}".strip(),
            )
        )
    if not found:
        found.append(Reason("exploration", None, "普段出会わない方です", "Somebody you would not usually meet"))
    question_ja, question_en = _question(theirs, mine, topic)
    wanted = mine.need if mine else _quote(_sentences(_told(you)))
    return Words(
        reasons=tuple(found[:4]),
        question_ja=question_ja,
        question_en=question_en,
        wanted_ja=wanted or "まだ書かれていません",
        wanted_en=wanted or "Not written yet",
    )


def _question(theirs: _Answer | None, mine: _Answer | None, topic: str | None) -> tuple[str, str]:
    """What to ask first, about their words and not about oneself."""
    if mine and (mine.sure or not theirs):
        return (
            f"「{mine.need}」とのこと、いま一番難しいのはどんなところですか",
            f"You wrote “{mine.need}”: what is the hardest part of it at the moment?",
        )
    if theirs:
        return (
            f"「{theirs.offer}」は、これまでどんな場面で役に立ちましたか",
            f"You offer “{theirs.offer}”: where has it helped so far?",
        )
    if topic:
        concept = lexicon()[topic]
        return (f"「{concept.ja}」に関わるようになったきっかけは何ですか", f"How did you come to {concept.en}?")
    return ("最近のお仕事で、うまくいったことを一つ教えてください", "What went well in your work lately?")


def _answer(needing: Person, offering: Person, fit: float) -> _Answer | None:
    """The sentences of a need and of an offer that come nearest in meaning, or none where the two hardly fit."""
    needs, offers = _sentences(_told(needing)), _sentences([offering.offers])
    concept = _meeting_concept(needing, offering)
    if not needs or not offers or (fit < LIKELY and not (concept and fit >= LIKELY / 2)):
        return None
    near = np.array([[_nearness(need, offer) for offer in offers] for need in needs])
    at = np.unravel_index(int(near.argmax()), near.shape) if near.size else (0, 0)
    return _Answer(_cut(needs[at[0]]), _cut(offers[at[1]]), concept, fit >= SURE)


def _nearness(need: str, offer: str) -> float:
    """How much of a sentence's meaning another meets; a short hit in a long sentence counts less than a whole one."""
    wanted, given = content_words(need), content_words(offer)
    if not wanted or not given:
        return 0.0
    near: Matrix = vectors_of(wanted) @ vectors_of(given).T
    same = np.array([[one == other for other in given] for one in wanted])
    return float(np.maximum(np.where(same, 1, near).max(axis=1) - ALIKE, 0).sum() / len(wanted) ** 0.5)


def _meeting_concept(needing: Person, offering: Person) -> str | None:
    """The concept that joins one's need to the other's offer: the same one first, else one that helps."""
    needs = concepts_in("。".join(need_texts(needing))).keys() | set(needing.need_tags)
    offers = concepts_in("。".join(offer_texts(offering))).keys() | set(offering.offer_tags)
    for concept in lexicon().values():
        if concept.key in needs and concept.key in offers:
            return concept.key
    for concept in lexicon().values():
        if concept.key in needs and offers.intersection(concept.met_by):
            return concept.key
    return None


def _told(person: Person) -> list[str]:
    """What somebody looks for, where they say it best."""
    return [person.needs] if said(person.needs) else need_texts(person)


def _sentences(texts: Sequence[str]) -> list[str]:
    """Sentences of the texts that say anything, in order."""
    parts = (part.strip(" 　/／・、,") for text in texts if said(text) for part in _SENTENCE.split(text))
    return [part for part in parts if part]


def _quote(sentences: Sequence[str]) -> str:
    return _cut(sentences[0]) if sentences else ""


def _cut(sentence: str) -> str:
    most = 2 * QUOTE if sentence.isascii() else QUOTE  # English says in two letters what Japanese says in one
    return sentence if len(sentence) <= most else sentence[: most - 1] + "…"
