"""The live view as an animated SVG: the frames of a real run one below the other, moved on by CSS, without a script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rich.color import ColorType
from rich.console import Console
from rich.style import Style
from rich.text import Text

WIDTH, HEIGHT = 80, 24
COLUMN, ROW = 8.4, 18.0  # of a character, in pixels
EDGE = 14.0
SECONDS = 0.2  # a frame
HOLD = 15  # frames for which the last one stays
PAPER, INK, FAINT = "#0d1117", "#d5dbe2", "#8a939d"
COLOURS = {"red": "#ff7b72", "green": "#56d364", "yellow": "#e3b341", "blue": "#58a6ff", "cyan": "#56d4dd"}

Frame = Sequence[Text]


def animated(frames: Sequence[Frame], title: str) -> str:
    """The SVG: all frames once, then the last one held, and again from the start.

    frames: lines of the view, each of at most 80 characters, 24 a frame.
    title: what is seen, in words, for those who cannot see it.
    """
    count = len(frames) + HOLD
    width, height = WIDTH * COLUMN + 2 * EDGE, HEIGHT * ROW + 2 * EDGE
    strip = "".join(_frame(frame, number * height) for number, frame in enumerate(frames))
    last = len(frames) - 1
    held = "".join(f'<use href="#f{last}" y="{(k + 1) * height:.1f}"/>' for k in range(HOLD))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img"><title>{escape(title)}</title><style>'
        f"text{{font:14px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre;fill:{INK}}}"
        f"#strip{{animation:play {count * SECONDS:.1f}s steps({count}) infinite}}"
        f"@keyframes play{{to{{transform:translateY(-{count * height:.1f}px)}}}}"
        "@media (prefers-reduced-motion:reduce){#strip{animation:none;"
        f"transform:translateY(-{last * height:.1f}px)}}}}"
        f'</style><rect width="100%" height="100%" rx="8" fill="{PAPER}"/><g id="strip">{strip}{held}</g></svg>\n'
    )


def _frame(frame: Frame, top: float) -> str:
    number = round(top / (HEIGHT * ROW + 2 * EDGE))
    rows = "".join(_row(line, top + EDGE + (place + 0.75) * ROW) for place, line in enumerate(frame))
    return f'<g id="f{number}">{rows}</g>'


def _row(line: Text, y: float) -> str:
    """A line of text; each run of one style begins at its own column, whatever the font's width is."""
    parts, column = [], 0
    for segment in line.render(Console(width=WIDTH)):
        words = segment.text.rstrip("\n")
        if words.strip():
            lead = len(words) - len(words.lstrip(" "))
            shown = words.strip(" ")
            x, length = EDGE + (column + lead) * COLUMN, len(shown) * COLUMN
            parts.append(
                f'<tspan x="{x:.1f}" textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs"{_look(segment.style)}>'
                f"{escape(shown)}</tspan>"
            )
        column += len(words)
    return f'<text y="{y:.1f}">{"".join(parts)}</text>' if parts else ""


def _look(style: Style | None) -> str:
    if style is None:
        return ""
    colour = style.color.name if style.color is not None and style.color.type is ColorType.STANDARD else ""
    fill = COLOURS.get(colour, FAINT if style.dim else "")
    return (f' fill="{fill}"' if fill else "") + (' font-weight="bold"' if style.bold else "")
