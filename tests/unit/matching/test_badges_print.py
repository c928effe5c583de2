"""Badges and table sheets: purpose and pitch before title, text that fits whatever it is, codes that say the link."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from services.matching import printer
from services.matching.printer import JAPANESE, Printer, font_of
from services.matching.prints import Sitting, badges, table_sheets
from services.matching.store.evening import Guest
from shared.contracts.gathering import Gathering
from shared.contracts.profile import Profile
from shared.contracts.registered import Attributes, Registered
from shared.platform.ids import derived

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
WORDS = {
    "purposes": {"information": "情報を集めに来ました"},
    "unnamed": "お名前は非公開の方",
    "round": "第{}ラウンド",
    "table": "テーブル {}",
    "nobody": "まだいません",
    "no_seats": "まだ決まっていません",
}
GATHERING = Gathering(
    gathering_id=derived("g"),
    partner_id=derived("p"),
    revision=1,
    phase="open",
    title="会",
    starts_at=START,
    ends_at=START + timedelta(hours=2),
    capacity=10,
)


def guest(number: int, **words: Any) -> Guest:
    registered = Registered(
        registration_id=derived(number),
        gathering_id=derived("g"),
        person_id=derived("p", number),
        partner_id=derived("p"),
        revision=1,
        status="accepted",
        purpose="information",
        attributes=Attributes(),
        registered_at=START,
    )
    profile = None
    if words:
        profile = Profile(registration_id=derived(number), gathering_id=derived("g"), revision=1, **words)
    return Guest(registered, profile, GATHERING, (), {})


class Drawn:
    """What was drawn: (x, y, text) of lines, codes, and pages."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[tuple[float, float, str]] = []
        self.codes: list[str] = []
        self.pages = 1
        drawn = self

        class Recording(Canvas):  # type: ignore[misc]
            def drawString(self, x: float, y: float, text: str, *more: Any, **named: Any) -> None:
                drawn.lines.append((x, y, text))
                super().drawString(x, y, text, *more, **named)

            def showPage(self) -> None:
                drawn.pages += 1
                super().showPage()

        monkeypatch.setattr(printer, "Canvas", Recording)
        code = printer._code

        def recording(url: str) -> Any:
            drawn.codes.append(url)
            return code(url)

        monkeypatch.setattr(printer, "_code", recording)

    def height_of(self, text: str) -> float:
        return next(y for _, y, line in self.lines if line.startswith(text))


def test_purpose_stands_above_name_above_company_above_title(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Drawn(monkeypatch)
    one = guest(1, name="山田太郎", company="山田製作所", title="代表取締役社長", pitch="ばねの相談ならどうぞ")
    content = badges("会", [one], lambda each: f"https://example.org/m/{each.id}", font_of(None), WORDS)
    assert content.startswith(b"%PDF-")
    heights = [drawn.height_of(text) for text in ("情報を集めに来ました", "山田太郎", "山田製作所", "代表取締役社長")]
    assert heights == sorted(heights, reverse=True)
    assert drawn.codes == [f"https://example.org/m/{one.id}"]


def test_ten_badges_to_a_page_and_two_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [guest(n, name=f"人{n}") for n in range(21)]
    drawn = Drawn(monkeypatch)
    badges("会", people, lambda each: "https://example.org", font_of(None), WORDS)
    assert (drawn.pages, len(drawn.codes)) == (3 + 1, 21), "the last page is shown when the file is saved"
    drawn = Drawn(monkeypatch)
    sittings = [Sitting(1, "19:00–19:25", table, None, people[:12]) for table in (1, 2, 3)]
    table_sheets("会", sittings, font_of(None), WORDS)
    assert drawn.pages == 2 + 1
    assert all(0 < y < A4[1] for _, y, _ in drawn.lines), "twelve people fit on half a page"


def test_nobody_and_no_seats_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Drawn(monkeypatch)
    badges("会", [], lambda each: "", font_of(None), WORDS)
    table_sheets("会", [], font_of(None), WORDS)
    assert [text for _, _, text in drawn.lines] == ["まだいません", "まだ決まっていません"]


def test_without_consent_there_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Drawn(monkeypatch)
    badges("会", [guest(1)], lambda each: "https://example.org", font_of(None), WORDS)
    assert "お名前は非公開の方" in {text for _, _, text in drawn.lines}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Tomás Rivera", ["Tomás", " Rivera"]),
        ("Nguyễn Thị", ["Nguyen Thi"]),
        ("𠮷田", ["〓田"]),
        ("髙﨑 É", ["髙﨑 ", "É"]),
    ],
)
def test_names_from_elsewhere_are_spelt_as_well_as_the_font_can(
    name: str, parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Drawn(monkeypatch)
    printer = Printer("会", font_of(None), WORDS)
    printer.line(name, 0, 0, 12, 500)
    assert [text for _, _, text in drawn.lines] == parts


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=300), st.integers(20, 400))
def test_any_text_fits(text: str, width: int) -> None:
    printer = Printer("会", font_of(None), WORDS)
    written: list[str] = []
    printer.canvas.drawString = lambda x, y, part: written.append(part)
    printer.line(text, 0, 0, 20, width)
    assert printer._width("".join(written), 7) <= width + 1 or not re.sub("…", "", "".join(written))
    assert 700 - printer.lines(text, 0, 700, 9.5, width, 3) <= 3 * 9.5 * 1.3 + 0.2
    assert printer.close().startswith(b"%PDF-")


@pytest.mark.parametrize("text", ["i", "Él ", "販路を広げたい"])
def test_a_long_text_is_no_more_work_than_what_fits(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    width_of = pdfmetrics.stringWidth

    def measuring(part: str, font: str, size: float) -> float:
        measured.append(len(part))
        return float(width_of(part, font, size))

    monkeypatch.setattr(pdfmetrics, "stringWidth", measuring)
    drawn = Drawn(monkeypatch)
    printer_, long = Printer("会", font_of(None), WORDS), text * (2000 // len(text))
    printer_.line(long, 0, 0, 12, 100)
    assert sum(measured) < 20_000
    shown = "".join(part for _, _, part in drawn.lines)
    assert shown.endswith("…")
    assert long.startswith(shown[:-1])
    assert printer_._width(shown + text, 7) > 90, "as much as fits"


def test_the_japanese_font_needs_no_file() -> None:
    assert font_of(None) == JAPANESE
