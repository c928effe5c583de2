"""Business cards exchanged on the day, from a card app's export: rows, names and companies to compare."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.matching.domain.people import name_key
from services.matching.domain.text import company_key
from shared.lexicon import normal

MAX_ROWS: Final = 20_000
NAME: Final = (("姓", "名"), ("氏名",), ("name",))
COMPANY: Final = ("会社名", "company")
EXCHANGED: Final = ("名刺交換日", "exchanged_on")
_DATE: Final = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})")


class NotCards(ValueError):
    """This file is no list of cards. The message says what is missing."""


@dataclass(frozen=True)
class Card:
    """One row: who, and when the card was exchanged; None where that cannot be read."""

    row: int
    name: str
    company: str
    exchanged_on: date | None


def read_cards(content: bytes) -> Iterator[Card]:
    """The cards of a CSV with a header, rows counted from 1 below it. Raises `NotCards`.

    Eight exports in cp932. Text in cp932 is hardly ever valid UTF-8, but UTF-8 often passes as cp932, so UTF-8 is tried
    first.
    """
    rows = csv.DictReader(io.StringIO(_text(content), newline=""))
    try:
        header = [column for column in rows.fieldnames or () if column]
        name = next((columns for columns in NAME if set(columns) <= set(header)), None)
        when = next((column for column in EXCHANGED if column in header), None)
        company = next((column for column in COMPANY if column in header), None)
        if name is None or when is None:
            raise NotCards("the columns of a name and of 名刺交換日 are needed")
        for number, row in enumerate(rows, start=1):
            if number > MAX_ROWS:
                raise NotCards(f"more than {MAX_ROWS} rows; split the file")
            if any(isinstance(value, str) and value.strip() for value in row.values()):
                yield Card(
                    number,
                    "".join((row.get(column) or "").strip() for column in name),
                    (row.get(company) or "").strip() if company else "",
                    _day(row.get(when) or ""),
                )
    except csv.Error as error:
        raise NotCards(f"this is not CSV: {error}") from None


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotCards("the file is neither in UTF-8 nor in cp932 (Shift_JIS)")


def _day(text: str) -> date | None:
    found = _DATE.search(normal(text))
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def same_person(card: Card, name: str, company: str) -> bool | None:
    """Whether a card is an attendee's: by name and company; None where the name agrees and a company is not known."""
    if not card.name or name_key(card.name) != name_key(name):
        return False
    if not company_key(card.company) or not company_key(company):
        return None
    return company_key(card.company) == company_key(company)
