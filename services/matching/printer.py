"""A PDF in the making: text that always fits, in fonts that know it, and codes that a phone can scan."""

import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import segno
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

QUIET: Final = 2  # modules of white around a code, beside what the badge leaves
CUT: Final = "…"
LEAST: Final = 7  # points: smaller print is not read at a table
NARROW: Final = 8  # letters beside each other in the width of a kanji; the narrowest are a quarter as wide
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
        # Nobody prints 2,000 characters on a line: what cannot fit anyway is cut before it is measured.
        text = self._printable(text)[: int(width / min(size, LEAST) * NARROW)]
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
