"""Charts as SVG text: they need no script, print sharply, and say in words what they show.

Labels stand above what they name, so that a chart fits a phone without getting too small to read.
"""

from collections.abc import Sequence
from html import escape

from services.survey.domain.statistics import Share

WIDTH = 360  # as many pixels as a narrow phone shows: there the letters have their own size
ROW = 46
LEFT, RIGHT = 16, WIDTH - 56  # ends of a scale: half a tick's label before, a value behind


def bars(title: str, rows: Sequence[tuple[str, int, str]]) -> str:
    """Horizontal bars: (label, count, note)."""
    top = max((count for _, count, _ in rows), default=0) or 1
    parts = []
    for at, (label, count, note) in enumerate(rows):
        y, width = at * ROW, round((WIDTH - 160) * count / top)
        parts.append(
            f'<text x="0" y="{y + 14}" class="label">{escape(label)}</text>'
            f'<rect x="0" y="{y + 21}" width="{max(width, 1)}" height="16" rx="3" class="bar"/>'
            f'<text x="{width + 8}" y="{y + 34}" class="value">{count} <tspan class="note">{escape(note)}</tspan></text>'
        )
    return _svg(title, "; ".join(f"{label} {count} {note}" for label, count, note in rows), len(rows) * ROW, parts)


def dots(title: str, rows: Sequence[tuple[str, Share]]) -> str:
    """Shares with their intervals on a scale of 0 to 100 %; those too small to show stay empty."""
    scale = RIGHT - LEFT
    height = len(rows) * ROW + 20
    parts = [
        f'<line x1="{x:.0f}" x2="{x:.0f}" y1="0" y2="{height - 20}" class="grid"/>'
        f'<text x="{x:.0f}" y="{height - 4}" class="tick">{25 * tick}%</text>'
        for tick in range(5)
        for x in [LEFT + scale * tick / 4]
    ]
    words = []
    for at, (label, share) in enumerate(rows):
        y = at * ROW + 30
        parts.append(f'<text x="0" y="{y - 14}" class="label">{escape(label)}</text>')
        if share.shown_as in ("hidden", "counts"):
            note = "n < 5" if share.shown_as == "hidden" else f"{share.yes} / {share.n}"
            parts.append(f'<text x="{RIGHT + 10}" y="{y + 5}" class="note">{escape(note)}</text>')
            words.append(f"{label}: {note}")
            continue
        low, high = (LEFT + scale * bound for bound in share.interval)
        parts.append(
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" class="interval"/>'
            f'<circle cx="{LEFT + scale * share.value:.1f}" cy="{y}" r="6" class="dot"/>'
            f'<text x="{RIGHT + 10}" y="{y + 5}" class="value">{share.value:.0%}</text>'
        )
        words.append(f"{label}: {share.value:.0%} ({share.interval[0]:.0%} - {share.interval[1]:.0%}, n={share.n})")
    return _svg(title, "; ".join(words), height, parts)


def _svg(title: str, description: str, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>"
    )
