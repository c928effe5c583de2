"""Why two people should meet, in words: whose need meets whose offer, quoting them, and what to ask first.

Never a score, never a block, never what somebody wants to avoid.
"""

from dataclasses import dataclass

from services.matching.domain.fit import need_texts, offer_texts
from services.matching.domain.people import Person
from services.matching.domain.scoring import Score
from shared.lexicon import concepts_in, lexicon

QUOTE = 60  # characters quoted of somebody's words
LEAST_FIT = 0.15  # of a direction, below which it is no reason


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


def explain(score: Score, reader: int, other: int) -> Words:
    """The introduction of `other` to `reader`."""
    me, you = score.people[reader], score.people[other]
    found: list[Reason] = []
    theirs = _meeting_concept(me, you)
    mine = _meeting_concept(you, me)
    if theirs or score.directed[reader, other] >= LEAST_FIT:
        found.append(
            _fit("their_offer_meets_my_need", theirs, _quote(me.needs or me.goal, theirs), _quote(you.offers, theirs))
        )
    if mine or score.directed[other, reader] >= LEAST_FIT:
        found.append(
            _fit("my_offer_meets_their_need", mine, _quote(you.needs or you.goal, mine), _quote(me.offers, mine))
        )
    topics = concepts_in(me.talk_topics).keys() & concepts_in(you.talk_topics).keys()
    for key in sorted(topics)[:1]:
        concept = lexicon()[key]
        found.append(
            Reason(
                "shared_topic", key, f"「{concept.ja}」の話題が共通です", f"You both like to talk about {concept.en}"
            )
        )
    if me.purpose == you.purpose:
        found.append(Reason("shared_purpose", None, "参加の目的が同じです", "You came for the same purpose"))
    if me.industry and you.industry and me.industry != you.industry:
        found.append(
            Reason(
                "other_industry",
                None,
                f"異業種の視点が得られます({you.industry_text or you.industry})",
                "A view from another industry",
            )
        )
    if not found:
        found.append(Reason("exploration", None, "普段出会わない方です", "Somebody you would not usually meet"))
    topic = theirs or mine
    named_ja, named_en = (lexicon()[topic].ja, lexicon()[topic].en) if topic else ("いまのお仕事", "your work")
    return Words(
        reasons=tuple(found[:4]),
        question_ja=f"「{named_ja}」について、いま一番力を入れていることは何ですか",
        question_en=f"What are you working on most in {named_en} at the moment?",
        wanted_ja=_quote(you.needs or you.goal, mine) or "まだ書かれていません",
        wanted_en=_quote(you.needs or you.goal, mine) or "Not written yet",
    )


def _fit(kind: str, concept: str | None, need: str, offer: str) -> Reason:
    my_need = kind == "their_offer_meets_my_need"
    ja = (
        f"あなたの「{need}」に、お相手の「{offer}」が応えられそうです"
        if my_need
        else f"お相手の「{need}」に、あなたの「{offer}」が役に立ちそうです"
    )
    en = f"Their “{offer}” may answer your “{need}”" if my_need else f"Your “{offer}” may help with their “{need}”"
    return Reason(kind, concept, ja, en)


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


def _quote(text: str, concept: str | None) -> str:
    """The sentence of a text that shows the concept, or its first one, cut to a quotation."""
    sentences = [part.strip() for part in text.replace("\n", "。").split("。") if part.strip()]
    if not sentences:
        return ""
    chosen = sentences[0]
    if concept:
        chosen = next((s for s in sentences if concept in concepts_in(s)), chosen)
    return chosen if len(chosen) <= QUOTE else chosen[: QUOTE - 1] + "…"
