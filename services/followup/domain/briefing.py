"""Why somebody is worth meeting and what to ask them first, in words, from the reasons that matching gave as codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.followup.domain.drafts import one_line, phrase

SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Introduced:
    """Somebody whom an attendee should meet, as that one chose to be shown."""

    name: str
    company: str
    needs: str
    offers: str
    talk_topics: str
    reasons: tuple[str, ...]
    """Kinds, as matching gave them."""


_QUOTED: Final = {
    "their_offer_meets_my_need": "offers",
    "my_offer_meets_their_need": "needs",
    "shared_topic": "talk_topics",
}
"""These reasons say something only with the other's own words."""

_WORDS: Final = {
    "ja": {
        "their_offer_meets_my_need": (
            "お探しのものに近いものをお持ちです：「{}」",
            "「{}」は、どんな相手に一番喜ばれましたか",
        ),
        "my_offer_meets_their_need": (
            "あなたがお持ちのものを探しています：「{}」",
            "「{}」で、いま一番困っているのはどんなところですか",
        ),
        "shared_topic": ("同じ話題に関心があります：「{}」", "「{}」に関わるようになったきっかけは何ですか"),
        "shared_purpose": ("参加の目的が同じです", "今日、どんな方に会えたら来てよかったと思えますか"),
        "complementary_purpose": (
            "参加の目的が補い合います",
            "今日、どんな方に会えたら来てよかったと思えますか",
        ),
        "other_industry": ("ふだん接することの少ない業種の方です", "お仕事で、外の人に一番驚かれるのは何ですか"),
        "same_region": ("地域が同じです", "この地域で仕事をしていて、よかったと思うのはどんなときですか"),
        "wish": ("会いたいというご希望がありました", "いま一番力を入れていることは何ですか"),
        "exploration": ("ふだんなら出会わない方です", "いま一番力を入れていることは何ですか"),
    },
    "en": {
        "their_offer_meets_my_need": (
            'Offers something close to what you look for: "{}"',
            'Who was happiest with "{}" so far?',
        ),
        "my_offer_meets_their_need": (
            'Looks for what you have: "{}"',
            'What is the hardest part of "{}" at the moment?',
        ),
        "shared_topic": ('Cares about the same topic: "{}"', 'How did you come to "{}"?'),
        "shared_purpose": ("Came for the same purpose", "Whom would you have to meet for this day to be worth it?"),
        "complementary_purpose": (
            "Came for a purpose that completes yours",
            "Whom would you have to meet for this day to be worth it?",
        ),
        "other_industry": ("Works in an industry far from yours", "What about your work surprises outsiders most?"),
        "same_region": ("Is from the same region", "When are you glad to do business in this region?"),
        "wish": ("A meeting was asked for", "What are you working on most at the moment?"),
        "exploration": ("Somebody you would not meet otherwise", "What are you working on most at the moment?"),
    },
}


def people(introduced: Sequence[Introduced], locale: str) -> list[dict[str, str]]:
    """Name, company, why and question for each, the best first. The first reason that can be put into words counts."""
    return [_person(each, locale) for each in introduced[:SHOWN]]


def _person(person: Introduced, locale: str) -> dict[str, str]:
    said = {"offers": person.offers, "needs": person.needs, "talk_topics": person.talk_topics}
    words = _WORDS[locale]
    sayable = (
        kind for kind in person.reasons if kind in words and (kind not in _QUOTED or said[_QUOTED[kind]].strip())
    )
    kind = next(sayable, "exploration")
    quoted = phrase(said[_QUOTED[kind]]) if kind in _QUOTED else ""
    why, question = words[kind]
    return {
        "name": one_line(person.name),
        "company": one_line(person.company),
        "why": why.format(quoted),
        "question": question.format(quoted),
    }
