"""What is printed for an evening: name badges with a code to scan, and a sheet for every table of every round."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm

from services.matching.printer import Printer, Words
from services.matching.store.evening import Guest

CARD: Final = (91 * mm, 55 * mm)  # a Japanese business card: what badge holders and perforated sheets take
COLUMNS, ROWS = 2, 5  # on A4
SHEETS: Final = 2  # table sheets on a page, to be cut apart
CODE: Final = 25 * mm


@dataclass(frozen=True)
class Sitting:
    """One table in one round."""

    round: int
    from_to: str
    table: int
    label: str | None
    guests: Sequence[Guest]


def badges(title: str, guests: Iterable[Guest], url_of: Callable[[Guest], str], font: str, words: Words) -> bytes:
    """Ten to a page. Why somebody came and their one line stand before company and title."""
    printer = Printer(title, font, words)
    width, height = CARD
    left, bottom = (A4[0] - COLUMNS * width) / 2, (A4[1] - ROWS * height) / 2
    count = 0
    for count, guest in enumerate(guests, start=1):
        at = (count - 1) % (COLUMNS * ROWS)
        if at == 0 and count > 1:
            printer.canvas.showPage()
        x, y = left + at % COLUMNS * width, bottom + (ROWS - 1 - at // COLUMNS) * height
        _badge(printer, guest, url_of(guest), x, y)
    if not count:
        printer.line(words["nobody"], left, A4[1] / 2, 12, A4[0] - 2 * left)
    return printer.close()


def _badge(printer: Printer, guest: Guest, url: str, x: float, y: float) -> None:
    width, height = CARD
    canvas, profile = printer.canvas, guest.profile
    canvas.setStrokeGray(0.8)
    canvas.setLineWidth(0.3)
    canvas.rect(x, y, width, height)
    margin = 5 * mm
    room = width - 2 * margin
    canvas.setFillGray(0.15)
    canvas.rect(x, y + height - 9 * mm, width, 9 * mm, stroke=0, fill=1)
    purpose = printer.words["purposes"].get(guest.registered.purpose, "")
    printer.line(purpose, x + margin, y + height - 6.3 * mm, 10, room, grey=1.0)
    pitch = (profile.pitch or profile.offers or "") if profile else ""
    if pitch:
        printer.canvas.setFillGray(0)
        printer.lines(pitch, x + margin, y + height - 10.5 * mm, 9.5, room, 3)
    beside = room - CODE - 2 * mm
    printer.line(guest.name or printer.words["unnamed"], x + margin, y + 16 * mm, 20, beside)
    printer.line(guest.company, x + margin, y + 10 * mm, 9.5, beside)
    if profile and profile.title:
        printer.line(profile.title, x + margin, y + 5 * mm, 7.5, beside, grey=0.35)
    printer.code(url, x + width - margin - CODE + 2 * mm, y + 2.5 * mm, CODE)


def table_sheets(title: str, sittings: Iterable[Sitting], font: str, words: Words) -> bytes:
    """Two to a page: which round, which table, who sits there and what they came for."""
    printer = Printer(title, font, words)
    height = A4[1] / SHEETS
    count = 0
    for count, sitting in enumerate(sittings, start=1):
        at = (count - 1) % SHEETS
        if at == 0 and count > 1:
            printer.canvas.showPage()
        _sheet(printer, title, sitting, A4[1] - (at + 1) * height, height)
    if not count:
        printer.line(words["no_seats"], 18 * mm, A4[1] / 2, 12, A4[0] - 36 * mm)
    return printer.close()


def _sheet(printer: Printer, title: str, sitting: Sitting, y: float, height: float) -> None:
    canvas, words = printer.canvas, printer.words
    margin, width = 18 * mm, A4[0] - 36 * mm
    canvas.setStrokeGray(0.8)
    canvas.setDash(2, 3)
    canvas.line(0, y, A4[0], y)
    canvas.setDash()
    top = y + height
    printer.line(
        f"{title}  {words['round'].format(sitting.round)}  {sitting.from_to}", margin, top - 14 * mm, 10, width
    )
    name = words["table"].format(sitting.table)
    printer.line(f"{name}  {sitting.label}" if sitting.label else name, margin, top - 27 * mm, 30, width)
    canvas.setStrokeGray(0)
    canvas.setLineWidth(1)
    canvas.line(margin, top - 31 * mm, margin + width, top - 31 * mm)
    step = min(15 * mm, (height - 40 * mm) / max(len(sitting.guests), 1))
    for row, guest in enumerate(sitting.guests):
        base = top - 31 * mm - (row + 0.55) * step
        size = min(14, step * 0.42)
        printer.line(guest.name or words["unnamed"], margin, base, size, 45 * mm)
        printer.line(guest.company, margin, base - size * 0.85, size * 0.55, 45 * mm, grey=0.35)
        purpose = words["purposes"].get(guest.registered.purpose, "")
        printer.line(purpose, margin + 48 * mm, base, size * 0.65, width - 48 * mm, grey=0.35)
        pitch = (guest.profile.pitch or guest.profile.offers or "") if guest.profile else ""
        printer.line(pitch, margin + 48 * mm, base - size * 0.85, size * 0.7, width - 48 * mm)
