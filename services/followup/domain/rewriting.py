"""A draft without anybody's name or address, for a language model, and what may come back from one."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.followup.domain.drafts import GAP, Draft, Material

CHARS: Final = 4000
_MARK: Final = re.compile(r"⟦(\d+)⟧")
_CONTACT: Final = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail
    r"|(?:https?://|www\.)[^\s<>「」『』（）]+"
    r"|(?<![\d-])(?:\+\d{1,3}[-\s]?)?(?:\(?\d{2,5}\)?[-\s‐ー]){1,3}\d{3,4}(?![\d-])"  # telephone
    r"|(?<!\d)\d{10,13}(?!\d)"
    r"|(?<!\w)@\w{3,}"  # a handle
)
_NUMBER: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Masked:
    """`names` are what the marks stand for."""

    text: str
    facts: Mapping[str, str]
    names: Mapping[str, str]


def mask(draft: Draft, material: Material) -> Masked:
    """The letter and what is known of the talk, with a mark in place of each name, firm, address and number to call.

    Parts of names are masked too, because a note says "Nezu" where the card says "Hiroshi Nezu".
    """
    wholes = [material.owner.name, material.owner.company, material.other.name, material.other.company]
    parts = [part for name in (material.owner.name, material.other.name) for part in name.split()]
    known = sorted({_plain(each.strip()) for each in (*wholes, *parts) if len(each.strip()) > 1}, key=len, reverse=True)
    secret = re.compile("|".join([_CONTACT.pattern, *(f"(?i:{re.escape(each)})" for each in known)]))
    marks: dict[str, str] = {}

    def hide(text: str) -> str:
        return secret.sub(lambda found: marks.setdefault(found[0], f"⟦{len(marks) + 1}⟧"), _plain(text))

    facts = {
        "note": hide(material.note),
        "topics": hide("、".join(material.topics)),
        "their_needs": hide(material.other.needs),
        "my_offers": hide(material.owner.offers),
    }
    text = hide(f"{draft.subject}\n{draft.body}")
    return Masked(
        text, {name: fact for name, fact in facts.items() if fact}, {mark: name for name, mark in marks.items()}
    )


def _plain(text: str) -> str:
    """Without the brackets of marks, which are nobody's words."""
    return text.replace("⟦", "[").replace("⟧", "]")


def restore(masked: Masked, answer: str) -> Draft | None:
    """The rewritten letter with the names put back; None for one that cannot be trusted.

    It must have the marks of the letter and no others, no address, and no number that was not there before.
    """
    answer = answer.strip()
    given = set(_MARK.findall(masked.text))
    found = set(_MARK.findall(answer))
    known = unicodedata.normalize("NFKC", " ".join((masked.text, *masked.facts.values())))
    said = unicodedata.normalize("NFKC", answer)
    numbers = set(_NUMBER.findall(_MARK.sub("", said))) - set(_NUMBER.findall(_MARK.sub("", known)))
    if (
        not 0 < len(answer) <= CHARS
        or found != given
        or numbers
        or _CONTACT.search(_MARK.sub("", said))
        or any(masked.text.count(gap) != answer.count(gap) for gap in GAP)
    ):
        return None
    subject, _, body = _MARK.sub(lambda mark: masked.names[mark[0]], answer).partition("\n")
    return Draft(subject.strip(), body.strip()) if subject.strip() and body.strip() else None
