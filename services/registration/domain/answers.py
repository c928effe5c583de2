"""What a person answers at registration: what do I want, with whom and about what, and how will I move afterwards."""

import re
import unicodedata
from typing import Annotated, Final, TypeGuard

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from services.registration.domain.gathering import ExternalId, KnownZone, one_line
from shared.contracts.contract import Instant
from shared.contracts.vocabulary import (
    BusinessPhase,
    CompanySize,
    Industry,
    Locale,
    LongText,
    Purpose,
    Role,
    ShortText,
    Tag,
)
from shared.lexicon import lexicon
from shared.lexicon.suggestions import LIMIT, suggest_tags

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff]")
_UNSEEN: Final = ("Cf", "Cc", "Zs", "Zl", "Zp")  # joiners and blanks of every width: a name of these alone is none
_LOCAL: Final = r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"  # RFC 5322 without quotes, and with the dots of old phone mail
_ADDRESS: Final = re.compile(_LOCAL + r"@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z0-9-]{2,}")


def clean(value: object) -> object:
    """Text as it may be stored: no control or direction-changing characters, no blank ends; nothing to see is absent."""
    if not isinstance(value, str):
        return value
    text = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    return text if any(unicodedata.category(letter) not in _UNSEEN for letter in text) else None


def mailbox(address: str) -> str:
    """The address as one mailbox is always written: NFKC, lower case, no blanks."""
    return "".join(unicodedata.normalize("NFKC", address).lower().split())


def _address(value: str) -> str:
    """An address that any mail server can be given: few take a name beyond ASCII, all take a domain as IDNA writes it."""
    name, _, domain = mailbox(value).rpartition("@")
    try:
        address = f"{name}@{domain.encode('idna').decode()}"
    except UnicodeError:
        address = ""
    if not _ADDRESS.fullmatch(address) or len(address) > 254:
        raise ValueError("this is not an e-mail address")
    return address


Short = Annotated[ShortText | None, BeforeValidator(one_line), BeforeValidator(clean)]
Long = Annotated[LongText | None, BeforeValidator(clean)]


class Consents(BaseModel):
    """What the person agreed to, each by itself."""

    model_config = ConfigDict(extra="forbid")

    profile: bool = True
    """Other attendees may see name, company, needs, offers and pitch."""
    thanks: bool = True
    """Messages that help to keep promises made to people met."""
    news: bool = False
    """The organiser's own announcements."""


EXAMPLE: Final[JsonDict] = {
    "external_id": "order-4711",
    "name": "木下 桜",
    "email": "sakura@example.com",
    "company": "木下鋳造",
    "purpose": "partner_search",
    "industry": "E",
    "company_size": "sme",
    "role": "executive",
    "needs": "鋳物の外観検査をカメラで自動化できる会社",
    "offers": "工場見学と、段取り替えを半分にした手順書",
    "goal": "検査装置の会社3社と話す",
    "plan": "翌朝お礼を送り、2週間以内に1社を訪問する",
    "consents": {"profile": True, "thanks": True, "news": False},
}


class Answers(BaseModel):
    """One registration as a partner sends it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    external_id: ExternalId
    name: Annotated[ShortText, BeforeValidator(one_line), BeforeValidator(clean)]
    name_kana: Short = None
    email: Annotated[str, BeforeValidator(clean), AfterValidator(_address)]
    company: Short = None
    title: Short = None
    role: Role | None = None
    industry: Industry | None = None
    industry_text: Short = None
    company_size: CompanySize | None = None
    phase: BusinessPhase | None = None
    region: Short = None
    purpose: Purpose
    goal: Long = None
    goal_count: Annotated[int, Field(ge=1, le=1000)] | None = None
    needs: Long = None
    offers: Annotated[LongText, BeforeValidator(clean), Field(min_length=1)]
    plan: Long = None
    pitch: Long = None
    talk_topics: Long = None
    avoid: Long = None
    need_tags: Annotated[tuple[Tag, ...], Field(max_length=20)] = ()
    offer_tags: Annotated[tuple[Tag, ...], Field(max_length=20)] = ()
    times_attended: Annotated[int, Field(ge=0, le=10_000)] = 0
    small_groups: bool = False
    """More at ease at a table of at most four."""
    locale: Locale = "ja"
    time_zone: KnownZone = "Asia/Tokyo"
    consents: Consents = Consents()
    registered_at: Instant | None = None


class Advice(BaseModel):
    """A vague answer, and what a good one looks like. Advice refuses nothing."""

    pointer: str
    example: str


class Suggestion(BaseModel):
    """A tag for the person to confirm, and the words of theirs that show it: a term, or a clause that reads like it."""

    tag: str
    ja: str
    en: str
    words: str


def suggest(*texts: str | None, limit: int = LIMIT) -> list[Suggestion]:
    """Tags for what somebody wrote, the surest first. A vague text is not read."""
    suggested = suggest_tags("\n".join(text for text in texts if _said(text)), limit)
    return [
        Suggestion(tag=tag, ja=lexicon()[tag].ja, en=lexicon()[tag].en, words=words) for tag, words in suggested.items()
    ]


def suggested_tags(answers: Answers, limit: int = LIMIT) -> dict[str, list[Suggestion]]:
    """Tags for the needs and offers that came without any: what the person confirms counts more than what we read.

    A field that came with tags is left alone: they may be the answer to our suggestions.
    """
    wanted = {
        "need_tags": (answers.needs, answers.goal) if _said(answers.needs) else (answers.goal, answers.pitch),
        "offer_tags": (answers.offers, answers.industry_text),
    }
    return {name: suggest(*texts, limit=limit) for name, texts in wanted.items() if not getattr(answers, name)}


def unknown_tag(answers: Answers) -> tuple[str, str] | None:
    """The field and the first tag that no concept has: it would never match anybody."""
    for name in ("need_tags", "offer_tags"):
        for tag in getattr(answers, name):
            if tag not in lexicon():
                return name, tag
    return None


_VAGUE: Final = re.compile(
    r"^(特に?(あり|ござい)ません|特に(なし|無し)|とくになし|なし|無し|いろいろ|色々|人脈(づくり|作り)?|情報交換|交流|"
    r"none|nothing( special)?|networking|anything|various|n/?a|-)[。.!！]*$",
    re.IGNORECASE,
)
_SHORTEST: Final = 6  # characters below which an answer can hardly say with whom and about what
_EXAMPLES: Final = {
    "ja": {
        "needs": "例:金属部品の外観検査をカメラで自動化できる会社を探しています(月2万個、予算300万円)",
        "offers": "例:工場の見学と、段取り替えを半分にした手順書をお見せできます",
        "goal": "例:食品工場の方3名と、省人化の進め方について話す",
        "plan": "例:翌日の午前中にお礼を送り、2週間以内に1社を訪問する",
    },
    "en": {
        "needs": "Example: a company that can automate visual inspection of 20,000 metal parts a month",
        "offers": "Example: a tour of our plant, and the checklist that halved our change-over time",
        "goal": "Example: talk with three people from food factories about saving labour",
        "plan": "Example: thank everybody the next morning, and visit one company within two weeks",
    },
}


def _said(text: str | None) -> TypeGuard[str]:
    """Whether an answer says anything."""
    return bool(text) and not _VAGUE.match(unicodedata.normalize("NFKC", text or "").strip())


def advise(answers: Answers) -> list[Advice]:
    """Point at answers too vague to find anybody by, each with an example in the person's language."""
    examples = _EXAMPLES.get(answers.locale, _EXAMPLES["en"])
    given = {"needs": answers.needs, "offers": answers.offers, "goal": answers.goal, "plan": answers.plan}
    return [
        Advice(pointer=f"/{name}", example=examples[name])
        for name, text in given.items()
        if not _said(text) or len(text) < _SHORTEST
    ]


_COUNT: Final = re.compile(r"(?<![\d.,])(\d{1,3})\s*(?:名|人|社|件|組|people|persons?|compan|leads?)", re.IGNORECASE)


def counted_goal(answers: Answers) -> int | None:
    """The number in the goal, given or written in its text."""
    if answers.goal_count is not None:
        return answers.goal_count
    match = _COUNT.search(unicodedata.normalize("NFKC", answers.goal or ""))
    return int(match[1]) if match and int(match[1]) else None
