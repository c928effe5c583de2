"""What is printed for an evening: name badges with a code to scan, and a sheet for every table of every round."""

import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import segno
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from services.matching.store.evening import Guest

CARD: Final = (91 * mm, 55 * mm)  # a Japanese business card: what badge holders and perforated sheets take
COLUMNS, ROWS = 2, 5  # on A4
SHEETS: Final = 2  # table sheets on a page, to be cut apart
CODE: Final = 25 * mm
QUIET: Final = 2  # modules of white around a code, beside what the badge leaves
CUT: Final = "…"
LEAST: Final = 7  # points: smaller print is not read at a table
JAPANESE: Final = "HeiseiKakuGo-W5"
LATIN: Final = "enishi-latin"
_WORDS: Final = re.compile(r"([^\W\d_\u3000-\uffff]*[\u00c0-\u00ff][^\W\d_\u3000-\uffff]*)")
_ACCENTED: Final = re.compile(r"[\u00c0-\u00ff]")

Words = Mapping[str, Any]


def font_of(file: Path | None) -> str:
    """The name of the font to print with, registered.

    Without a file it is a Japanese font that every reader of PDF brings along (Adobe-Japan1); a TrueType file is
    embedded, and then needs nobody's.
    """
    name = JAPANESE if file is None else f"enishi-{file.stem}"
    if name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(name) if file is None else TTFont(name, str(file)))
        pdfmetrics.registerFont(TTFont(LATIN, "VeraBd.ttf"))  # comes with the library
    return name


@dataclass(frozen=True)
class Sitting:
    """One table in one round."""

    round: int
    from_to: str
    table: int
    label: str | None
    guests: Sequence[Guest]


class Printer:
    """A PDF in the making, with text that always fits."""

    def __init__(self, title: str, font: str, words: Words) -> None:
        self._out = io.BytesIO()
        self.canvas = Canvas(self._out, pagesize=A4)
        self.canvas.setTitle(title)
        self.canvas.setAuthor("Enishi")
        self.font, self.words = font, words

    def line(self, text: str, x: float, y: float, size: float, width: float, *, grey: float = 0.0) -> None:
        """One line: smaller where it is too long, cut where it would get too small to read."""
        text = self._printable(text)
        while size > LEAST and self._width(text, size) > width:
            size -= 0.5
        if self._width(text, size) > width:
            while text and self._width(text + CUT, size) > width:
                text = text[:-1]
            text += CUT
        self.canvas.setFillGray(grey)
        for font, part in self._runs(text):
            self.canvas.setFont(font, size)
            self.canvas.drawString(x, y, part)
            x += pdfmetrics.stringWidth(part, font, size)

    def _width(self, text: str, size: float) -> float:
        return float(sum(pdfmetrics.stringWidth(part, font, size) for font, part in self._runs(text)))

    def _runs(self, text: str) -> list[tuple[str, str]]:
        """(font, text): words with accents in a Latin font, because the Japanese one sets an á as wide as a kanji."""
        if self.font != JAPANESE:
            return [(self.font, text)]
        return [(LATIN if _ACCENTED.search(part) else self.font, part) for part in _WORDS.split(text) if part]

    def _printable(self, text: str) -> str:
        """What the font knows. The Japanese one: nothing beyond the basic plane, accents of Western Europe only."""
        text = "".join(letter if letter.isprintable() else " " for letter in text)
        return text if self.font != JAPANESE else "".join(map(_known, text))

    def lines(self, text: str, x: float, top: float, size: float, width: float, most: int) -> float:
        """At most so many lines below `top`, broken as Japanese is; returns where they end."""
        style = ParagraphStyle("text", fontName=self.font, fontSize=size, leading=size * 1.3, wordWrap="CJK")
        text = self._printable(" ".join(text.split()))
        # Nobody prints 2,000 characters on a badge: what cannot fit anyway is cut before it is measured.
        kept = text[: int(most * width / size * 3)]
        while True:
            shown = kept if kept == text else kept + CUT
            runs = [f'<font name="{font}">{escape(part)}</font>' for font, part in self._runs(shown)]
            paragraph = Paragraph("".join(runs), style)
            height: float = paragraph.wrap(width, A4[1])[1]
            if height <= most * size * 1.3 + 0.1 or not kept:
                break
            kept = kept[:-1]
        paragraph.drawOn(self.canvas, x, top - height)
        return top - height

    def code(self, url: str, x: float, y: float, side: float) -> None:
        """A QR code, drawn and not pictured, so that no reader blurs it."""
        rows = _code(url)
        module = side / (len(rows) + 2 * QUIET)
        path = self.canvas.beginPath()
        for down, row in enumerate(rows, start=1):
            base = y + side - (down + QUIET) * module
            at = 0
            for dark, run in groupby(row):
                length = len(list(run))
                if dark:
                    path.rect(x + (at + QUIET) * module, base, length * module, module)
                at += length
        self.canvas.setFillGray(0)
        self.canvas.drawPath(path, stroke=0, fill=1)

    def close(self) -> bytes:
        """The finished file."""
        self.canvas.save()
        return self._out.getvalue()


def _known(letter: str) -> str:
    """The letter, or what stands in for it: its base letter, else the printer's mark for a missing one."""
    if ord(letter) > 0xFFFF:
        return "〓"
    if 0x0100 <= ord(letter) <= 0x024F or 0x1E00 <= ord(letter) <= 0x1EFF:
        return unicodedata.normalize("NFD", letter)[0]
    return letter


def _code(url: str) -> Sequence[Sequence[int]]:
    """[row, column]: 1 for a dark module."""
    found: Sequence[Sequence[int]] = segno.make(url, error="m", micro=False).matrix
    return found


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
