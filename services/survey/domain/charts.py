"""Charts as SVG text: they need no script, print sharply, and say in words what they show."""

from collections.abc import Sequence
from html import escape

from services.survey.domain.statistics import Share

WIDTH = 640
ROW = 34


def bars(title: str, rows: Sequence[tuple[str, int, str]]) -> str:
    """Horizontal bars: (label, count, note)."""
    top = max((count for _, count, _ in rows), default=0) or 1
    parts = []
    for at, (label, count, note) in enumerate(rows):
        y, width = at * ROW, round((WIDTH - 335) * count / top)
        parts.append(
            f'<text x="0" y="{y + 21}" class="label">{escape(label)}</text>'
            f'<rect x="185" y="{y + 6}" width="{max(width, 1)}" height="20" rx="3" class="bar"/>'
            f'<text x="{193 + width}" y="{y + 21}" class="value">{count} <tspan class="note">{escape(note)}</tspan></text>'
        )
    return _svg(title, "; ".join(f"{label} {count} {note}" for label, count, note in rows), len(rows) * ROW, parts)


def dots(title: str, rows: Sequence[tuple[str, Share]]) -> str:
    """Shares with their intervals on a scale of 0 to 100 %; those too small to show stay empty."""
    left, right = 230, WIDTH - 70
    scale = right - left
    height = len(rows) * ROW + 20
    parts = [
        f'<line x1="{left + scale * tick / 4:.0f}" x2="{left + scale * tick / 4:.0f}" y1="0" y2="{height - 20}" class="grid"/>'
        f'<text x="{left + scale * tick / 4:.0f}" y="{height - 4}" class="tick">{25 * tick} %</text>'
        for tick in range(5)
    ]
    words = []
    for at, (label, share) in enumerate(rows):
        y = at * ROW + 17
        parts.append(f'<text x="0" y="{y + 5}" class="label">{escape(label)}</text>')
        if share.shown_as in ("hidden", "counts"):
            note = "n < 5" if share.shown_as == "hidden" else f"{share.yes} / {share.n}"
            parts.append(f'<text x="{right + 8}" y="{y + 5}" class="note">{note}</text>')
            words.append(f"{label}: {note}")
            continue
        low, high = (left + scale * bound for bound in share.interval)
        parts.append(
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" class="interval"/>'
            f'<circle cx="{left + scale * share.value:.1f}" cy="{y}" r="6" class="dot"/>'
            f'<text x="{right + 8}" y="{y + 5}" class="value">{share.value:.0%}</text>'
        )
        words.append(f"{label}: {share.value:.0%} ({share.interval[0]:.0%} - {share.interval[1]:.0%}, n={share.n})")
    return _svg(title, "; ".join(words), height, parts)


def _svg(title: str, description: str, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>"
    )
