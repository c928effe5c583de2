"""Registrations as CSV: whatever the file, every row gets a verdict or the file one clear reason."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.registration.domain import csv_intake
from services.registration.domain.answers import Answers, Consents, clean
from services.registration.domain.csv_intake import COLUMNS, NotCsv, read_csv

OSAKA = Path(__file__).parents[3] / "deploy" / "demo" / "data" / "osaka" / "registrations.csv"
HEADER = ["external_id", "name", "email", "purpose", "offers"]
GOOD = ["a-1", "木下 桜", "a1@example.com", "partner", "工場見学と改善の事例"]

Verdicts = list[tuple[int, Answers | list[tuple[str, str]]]]


def written(*rows: list[str], quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue().encode()


def taken(body: bytes) -> list[Answers]:
    return [each for _, each in read_csv(body) if isinstance(each, Answers)]


def problems(body: bytes) -> list[tuple[str, str]]:
    ((_, verdict),) = read_csv(body)
    assert isinstance(verdict, list), "this row should have been refused"
    return verdict


def test_the_real_file_is_taken_as_it_is() -> None:
    people = taken(OSAKA.read_bytes())
    assert len(people) == 60
    assert len({each.external_id for each in people}) == 60
    assert len({each.email for each in people}) == 59  # one pair differs only in case and width
    assert {each.purpose for each in people} == {"partner_search", "information", "awareness", "diversity"}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("partner", "partner_search"),
        ("network", "diversity"),
        ("情報収集", "information"),
        ("認知拡大", "awareness"),
        ("diversity", "diversity"),
    ],
)
def test_purposes_in_the_words_of_platforms(sent: str, stored: str) -> None:
    (person,) = taken(written(HEADER, [*GOOD[:3], sent, GOOD[4]]))
    assert person.purpose == stored


def test_every_column_means_a_field() -> None:
    consents = {f"consent_{name}" for name in Consents.model_fields}
    assert set(COLUMNS.values()) == set(Answers.model_fields) - {"consents"} | consents


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60).map(lambda text: "x" + text + "x"),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_what_a_spreadsheet_writes_is_what_we_read(offers: list[str], quoting: int, mark: bytes) -> None:
    rows = [[f"a-{number}", *GOOD[1:4], text] for number, text in enumerate(offers)]
    found = taken(mark + written(HEADER, *rows, quoting=quoting))
    assert [each.external_id for each in found] == [row[0] for row in rows]
    for person, text in zip(found, offers, strict=True):
        assert person.offers == clean(text)


def test_quoted_line_feeds_commas_and_quotes_stay_in_their_field() -> None:
    (person,) = taken(written(HEADER, [*GOOD[:4], '一行目、"引用",\r\n二行目']))
    assert person.offers == '一行目、"引用",\n二行目'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_encodings_of_japanese_spreadsheets(encoding: str) -> None:
    header = ["申込番号", "氏名", "メールアドレス", "目的", "提供できるもの"]
    (person,) = taken(written(header, GOOD).decode().encode(encoding))
    assert (person.external_id, person.name, person.offers) == (GOOD[0], GOOD[1], GOOD[4])


@given(st.binary(max_size=400))
@example(b"\x00")
@example(b'external_id,"')
@example(b"external_id\r\xff")
def test_any_bytes_give_verdicts_or_one_reason(body: bytes) -> None:
    try:
        rows: Verdicts = list(read_csv(body))
    except NotCsv as error:
        assert str(error)
    else:
        assert all(isinstance(each, Answers) or each for _, each in rows)


@given(st.lists(st.lists(st.text(max_size=30), max_size=7), max_size=6))
@example([["a-1", "n", "a@example.com", "partner", "9" * 5000]])
def test_any_rows_under_a_known_header_get_one_verdict_each(rows: list[list[str]]) -> None:
    encodable = [[cell.encode("utf-8", "replace").decode() for cell in row] for row in rows]
    found = list(read_csv(written(HEADER, *encodable)))
    numbers = [number for number, _ in found]
    assert numbers == sorted(set(numbers))
    assert len(found) <= len(rows) + sum(cell.count("\r") + cell.count("\n") for row in rows for cell in row)


@given(st.integers(0, 7).filter(lambda position: position != 4), st.sampled_from(["short", "long"]))
def test_one_broken_row_takes_no_neighbour_with_it(position: int, kind: str) -> None:
    rows = [[f"a-{number}", *GOOD[1:]] for number in range(8)]
    rows[position] = rows[position][:-1] if kind == "short" else [*rows[position], "extra"]
    verdicts = dict(read_csv(written(HEADER, *rows)))
    assert [number for number, each in verdicts.items() if not isinstance(each, Answers)] == [position + 1]
    assert verdicts[position + 1] == [("", f"{len(rows[position])} fields instead of 5")]


def test_rows_are_counted_as_records_and_blank_ones_are_passed_over() -> None:
    body = written(HEADER, GOOD, [""] * 5, ["a-2", *GOOD[1:4], "二行に\nわたる答え"], ["a-3", *GOOD[1:]])
    assert [number for number, _ in read_csv(body)] == [1, 3, 4]


@pytest.mark.parametrize(
    ("column", "value", "pointer"),
    [
        (0, "has space", "/external_id"),
        (0, "taro@example.com", "/external_id"),
        (1, "", "/name"),
        (1, "長" * 201, "/name"),
        (2, "taro-at-example", "/email"),
        (3, "holiday", "/purpose"),
        (4, "", "/offers"),
        (4, "長" * 2001, "/offers"),
    ],
)
def test_a_problem_points_at_its_field_and_does_not_repeat_it(column: int, value: str, pointer: str) -> None:
    row = list(GOOD)
    row[column] = value
    found = problems(written(HEADER, row))
    assert [where for where, _ in found] == [pointer]
    assert not value or value not in str(found)


def test_an_unclosed_quote_is_named_as_such() -> None:
    body = written(HEADER) + b'a-1,n,a@example.com,partner,"' + b"x" * (csv_intake.MAX_FIELD + 1)
    assert problems(body) == [("", "a field is too long: is a quote not closed?")]


@pytest.mark.parametrize("digits", ["-1", "3.5", "many", "10001", "9" * 5000])
def test_a_number_out_of_range_is_refused(digits: str) -> None:
    assert [where for where, _ in problems(written([*HEADER, "times_attended"], [*GOOD, digits]))] == [
        "/times_attended"
    ]


@pytest.mark.parametrize(("sent", "stored"), [("3", 3), ("３", 3), ("", 0)])
def test_numbers_as_people_type_them(sent: str, stored: int) -> None:
    (person,) = taken(written([*HEADER, "times_attended"], [*GOOD, sent]))
    assert person.times_attended == stored


@pytest.mark.parametrize(("sent", "stored"), [("希望する", True), ("はい", True), ("no", False), ("", False)])
def test_small_groups_as_people_ask_for_them(sent: str, stored: bool) -> None:
    (person,) = taken(written([*HEADER, "少人数希望"], [*GOOD, sent]))
    assert person.small_groups is stored


def test_a_wish_for_small_groups_that_says_neither_is_refused() -> None:
    assert [where for where, _ in problems(written([*HEADER, "少人数希望"], [*GOOD, "たぶん"]))] == ["/small_groups"]


def test_a_time_without_its_zone_is_refused() -> None:
    header = [*HEADER, "registered_at"]
    assert [where for where, _ in problems(written(header, [*GOOD, "2026-10-19T16:31:00"]))] == ["/registered_at"]
    (person,) = taken(written(header, [*GOOD, "2026-10-19T16:31:00+09:00"]))
    assert person.registered_at is not None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"external_id,favourite_colour\r\na,b\r\n", "unknown columns"),
        (b"external_id,registration_id\r\na,b\r\n", "two columns mean the same field"),
        (b"\x81", "neither UTF-8 nor Shift_JIS"),
    ],
)
def test_a_file_that_cannot_be_read_gives_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(NotCsv, match=reason):
        list(read_csv(body))


def test_a_file_without_a_header_repeats_nobodys_address() -> None:
    with pytest.raises(NotCsv) as refusal:
        list(read_csv(written(GOOD)))
    assert "a1@example.com" not in str(refusal.value)
    assert "木下" not in str(refusal.value)


def test_too_many_rows_are_refused_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_intake, "MAX_ROWS", 3)
    rows = [[f"a-{number}", *GOOD[1:]] for number in range(4)]
    assert len(taken(written(HEADER, *rows[:3]))) == 3
    with pytest.raises(NotCsv, match="more than 3 rows"):
        list(read_csv(written(HEADER, *rows)))


def test_consents_and_tags_have_columns() -> None:
    header = [*HEADER, "プロフィール公開", "consent_news", "求めるもののタグ", "offer_tags"]
    (person,) = taken(written(header, [*GOOD, "いいえ", "YES", "video; sns", "machining"]))
    assert (person.consents.profile, person.consents.thanks, person.consents.news) == (False, True, True)
    assert (person.need_tags, person.offer_tags) == (("video", "sns"), ("machining",))
    ((pointer, _),) = problems(written([*HEADER, "consent_news"], [*GOOD, "たぶん"]))
    assert pointer == "/consents/news"
