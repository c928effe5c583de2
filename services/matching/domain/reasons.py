"""Why two people should meet, in words: whose need meets whose offer, quoting them, and what to ask first.

Never a score, never a block, never what somebody wants to avoid.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.matching.domain.concepts import needed, offered
from services.matching.domain.fit import ALIKE, Matrix, need_texts, offer_texts
from services.matching.domain.people import Person
from services.matching.domain.scoring import Score
from services.matching.domain.text import excerpt, said, sentences
from services.matching.domain.words import content_words, vectors_of
from shared.lexicon import concepts_in, lexicon

QUOTE: Final = 60  # Japanese characters quoted of somebody's words, or twice as many Latin ones
SURE: Final = 0.5  # of a direction, from which on one may say that an offer answers a need
CONCEPT: Final = 1.5  # weight of asking for and offering one concept beside nearness in words, to choose what to quote
LIKELY: Final = 0.2  # below which a direction is no reason at all; the ordinary fit is 0.12


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


@dataclass(frozen=True)
class _Said:
    """The sentences of a need or of an offer."""

    sentences: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    vectors: tuple[Matrix, ...]
    """Of each sentence [word, 300]."""
    concepts: Matrix
    """[sentence, concept]"""


class Explainer:
    """Puts introductions in one room into words. What somebody wrote is read once, however many they are proposed to."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._needs: dict[int, _Said] = {}
        self._offers: dict[int, _Said] = {}

    def explain(self, reader: int, other: int) -> Words:
        """The introduction of `other` to `reader`."""
        return _in_words(
            self._score.people[reader],
            self._score.people[other],
            theirs=self._answer(reader, other),
            mine=self._answer(other, reader),
        )

    def _answer(self, needing: int, offering: int) -> _Answer | None:
        """The sentences of a need and of an offer that come nearest in meaning, or none where the two hardly fit."""
        one, other = self._score.people[needing], self._score.people[offering]
        if needing not in self._needs:
            self._needs[needing] = _read(sentences(_told(one)), needed)
        if offering not in self._offers:
            self._offers[offering] = _read(sentences([other.offers]), offered)
        needs, offers = self._needs[needing], self._offers[offering]
        fit = float(self._score.directed[needing, offering])
        concept = _meeting_concept(one, other)
        if not needs.sentences or not offers.sentences or (fit < LIKELY and not (concept and fit >= LIKELY / 2)):
            return None
        near = CONCEPT * needs.concepts @ offers.concepts.T
        for row, column in np.ndindex(near.shape):
            near[row, column] += _nearness(needs, row, offers, column)
        row, column = np.unravel_index(int(near.argmax()), near.shape)
        return _Answer(
            excerpt(needs.sentences[row], QUOTE), excerpt(offers.sentences[column], QUOTE), concept, fit >= SURE
        )


def _read(found: Sequence[str], concepts: Callable[[Sequence[Sequence[str]]], Matrix]) -> _Said:
    words = tuple(content_words(each) for each in found)
    return _Said(tuple(found), words, tuple(map(vectors_of, words)), concepts([[each] for each in found]))


def _nearness(needs: _Said, row: int, offers: _Said, column: int) -> float:
    """How much of a sentence's meaning another meets; a short hit in a long sentence counts less than a whole one."""
    wanted, given = needs.words[row], offers.words[column]
    if not wanted or not given:
        return 0.0
    near = np.where(
        [[one == other for other in given] for one in wanted], 1, needs.vectors[row] @ offers.vectors[column].T
    )
    return float(np.maximum(near.max(axis=1) - ALIKE, 0).sum() / len(wanted) ** 0.5)


def _in_words(me: Person, you: Person, theirs: _Answer | None, mine: _Answer | None) -> Words:
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
    # Who left it open looks for nothing that is known: a greeting from their introduction is none of it.
    if said(you.needs):
        wanted = mine.need if mine else _quote(sentences([you.needs]))
    else:
        wanted = _quote(sentences([you.goal]))
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


def _quote(found: Sequence[str]) -> str:
    return excerpt(found[0], QUOTE) if found else ""
