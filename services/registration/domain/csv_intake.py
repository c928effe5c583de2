"""Registrations as CSV: RFC 4180, as spreadsheets and ticket platforms export it; every row gets a verdict."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError

from services.registration.domain.answers import Answers, Consents, clean

MAX_FIELD: Final = 20_000  # characters; a longer one is an unclosed quote, not an answer
MAX_ROWS: Final = 20_000

# Header names that platforms use, to our fields. A column that is not here is refused, so that no answer is lost unseen.
COLUMNS: Final = {
    "registration_id": "external_id",
    "申込番号": "external_id",
    "氏名": "name",
    "フリガナ": "name_kana",
    "メールアドレス": "email",
    "会社名": "company",
    "department_title": "title",
    "部署・役職": "title",
    "役割": "role",
    "業種": "industry_text",
    "業種コード": "industry",
    "企業規模": "company_size",
    "地域": "region",
    "目的": "purpose",
    "goal_text": "goal",
    "目標": "goal",
    "求めるもの": "needs",
    "提供できるもの": "offers",
    "今後の動き": "plan",
    "話したいこと": "talk_topics",
    "避けたい相手": "avoid",
    "参加回数": "times_attended",
    "少人数希望": "small_groups",
    "自己紹介": "pitch",
    "申込日時": "registered_at",
    "求めるもののタグ": "need_tags",
    "提供できるもののタグ": "offer_tags",
    "プロフィール公開": "consent_profile",
    "お礼の連絡": "consent_thanks",
    "主催者のお知らせ": "consent_news",
    **{f"consent_{name}": f"consent_{name}" for name in Consents.model_fields},
    **{name: name for name in Answers.model_fields if name != "consents"},
}
_CONSENT: Final = "consent_"
_YES_NO: Final = {
    **dict.fromkeys(("yes", "true", "1", "はい", "希望する", "同意する", "同意します", "可", "○"), True),
    **dict.fromkeys(("no", "false", "0", "いいえ", "希望しない", "同意しない", "同意しません", "不可", "×"), False),
}
_PURPOSES: Final = {
    "partner": "partner_search",
    "network": "diversity",
    "協業先探し": "partner_search",
    "情報収集": "information",
    "認知拡大": "awareness",
    "人脈づくり": "diversity",
}
_NUMBERS: Final = ("goal_count", "times_attended")


class NotCsv(ValueError):
    """The file as a whole cannot be read. The message says why."""


def read_csv(body: bytes) -> Iterator[tuple[int, Answers | list[tuple[str, str]]]]:
    """Each record as answers, or what is wrong with it as (pointer, reason). Records are counted from 1. Raises `NotCsv`."""
    rows = csv.reader(io.StringIO(_decode(body), newline=""), strict=False)
    csv.field_size_limit(1 << 30)
    header = [str(clean(name) or "") for name in next(rows, [])]
    if header and not any(name in COLUMNS for name in header):  # a person's row: its cells are not repeated
        raise NotCsv("the first row names none of our columns; send a header row")
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        raise NotCsv(f"unknown columns: {', '.join(name[:40] or '(empty)' for name in unknown[:5])}")
    fields = [COLUMNS[name] for name in header]
    if len(set(fields)) != len(fields):
        raise NotCsv("two columns mean the same field")
    for number, row in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise NotCsv(f"more than {MAX_ROWS} rows in one file; split it")
        if any(row):
            yield number, _answers(fields, row)


def _decode(body: bytes) -> str:
    """UTF-8, with or without a byte order mark, else the code page that Japanese spreadsheets write."""
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotCsv("the file is neither UTF-8 nor Shift_JIS")


def _answers(fields: list[str], row: list[str]) -> Answers | list[tuple[str, str]]:
    if len(row) != len(fields):
        return [("", f"{len(row)} fields instead of {len(fields)}")]
    if any(len(text) > MAX_FIELD for text in row):
        return [("", "a field is too long: is a quote not closed?")]
    values = {name: clean(text) for name, text in zip(fields, row, strict=True)}
    given: dict[str, object] = {name: value for name, value in values.items() if value is not None}
    if "purpose" in given:
        given["purpose"] = _PURPOSES.get(str(given["purpose"]), given["purpose"])
    for name in _NUMBERS:
        if isinstance(text := given.get(name), str) and text.isdecimal() and len(text) < 10:
            given[name] = int(text)
    for name in ("need_tags", "offer_tags"):
        if isinstance(tags := given.get(name), str):
            given[name] = tuple(tag for tag in re.split(r"[;,、\s]+", tags) if tag)
    if "small_groups" in given:
        given["small_groups"] = _YES_NO.get(str(given["small_groups"]).lower(), given["small_groups"])
    consents = {name: given.pop(name) for name in list(given) if name.startswith(_CONSENT)}
    if consents:
        given["consents"] = {
            name.removeprefix(_CONSENT): _YES_NO.get(str(text).lower(), text) for name, text in consents.items()
        }
    try:
        return Answers.model_validate(given)
    except ValidationError as error:
        return [("/" + "/".join(map(str, each["loc"])), each["msg"]) for each in error.errors(include_input=False)]
